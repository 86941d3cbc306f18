"""`pairgammon serve-gnubg`: the engine as a player inside GNU Backgammon."""

from __future__ import annotations

import click

from backgammon.cli.group import ExampleCommand, host_option, model_option, plies_option
from backgammon.cli.screen import say


@click.command(
    cls=ExampleCommand,
    short_help="Play inside GNU Backgammon's own window.",
    examples=(
        ("pairgammon serve-gnubg", "wait for a GNU Backgammon on this machine"),
        ("pairgammon serve-gnubg --model runs/one --port 4321", "with your own model, on another port"),
    ),
)
@model_option
@plies_option
@host_option
@click.option("--port", type=click.IntRange(0, 65535), help="Where to listen; 0 takes a free port.  [default: 1234]")
@click.option("--jacoby", is_flag=True, help="Money sessions there use the Jacoby rule (`set jacoby on`).")
@click.option("--log", is_flag=True, help="Print every question (>) and answer (<).")
def command(model: str | None, plies: int, host: str, port: int | None, jacoby: bool, log: bool) -> None:
    """Be an external player of GNU Backgammon, until Ctrl-C.

    In GNU Backgammon type `set player 1 external localhost:1234` (or choose Settings, Players, External) and start a
    game: it asks for every play and cube action of that player, you see it on its board, and its analysis judges us.
    Several GNU Backgammons can be connected at once.
    """
    from backgammon.cli.advisers import make_adviser
    from backgammon.cli.screen import announce_compilation
    from backgammon.protocols.external_player import DEFAULT_PORT, ExternalPlayerServer

    announce_compilation()
    adviser = make_adviser(model, plies)
    chosen_port, logger = DEFAULT_PORT if port is None else port, say if log else None
    with ExternalPlayerServer(host, chosen_port, adviser, logger, jacoby) as server:
        address = "{}:{}".format(*server.address)
        say(f"{adviser.name} waits on {address}; in GNU Backgammon: set player 1 external {address}")
        server.serve_forever()
