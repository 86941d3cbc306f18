"""`pairgammon serve-http`: wildbg's HTTP interface."""

from __future__ import annotations

import click

from backgammon.cli.group import ExampleCommand, host_option, model_option, plies_option
from backgammon.cli.screen import say


@click.command(
    cls=ExampleCommand,
    short_help="Answer wildbg's HTTP requests.",
    examples=(
        ("pairgammon serve-http", "on this machine only, port 8080"),
        ("curl 'localhost:8080/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2'", "then ask"),
    ),
)
@model_option
@plies_option
@host_option
@click.option("--port", type=click.IntRange(0, 65535), help="Where to listen; 0 takes a free port.  [default: 8080]")
def command(model: str | None, plies: int, host: str, port: int | None) -> None:
    """Answer GET /move and GET /eval in JSON as wildbg does, until Ctrl-C.

    Programs that ask a wildbg need only another address. /move lists every play, best first, with the chances after it;
    /eval gives the chances of a position. Both need a model with outcomes for the chances.
    """
    from backgammon.cli.advisers import make_adviser
    from backgammon.cli.screen import announce_compilation
    from backgammon.protocols.http_server import HttpServer
    from backgammon.protocols.wildbg_app import DEFAULT_PORT, wildbg_app

    announce_compilation()
    adviser = make_adviser(model, plies)
    with HttpServer(wildbg_app(adviser), host, DEFAULT_PORT if port is None else port) as server:
        say(f"{adviser.name} answers on {server.url}/move and /eval")
        server.serve_forever()
