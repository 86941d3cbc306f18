"""`pairgammon play`: a game at the terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from comparison_net.cli.group import EXIT_INTERRUPTED, ExampleCommand, describe_os_error, model_option
from comparison_net.cli.players import PLAYER_HELP

if TYPE_CHECKING:
    from backgammon.player import CandidateScorer
    from backgammon.session import Session

LARGEST_SEED = 1_000_000
"""Seeds that are made up stay below, so that they can be typed again."""


@click.command(
    cls=ExampleCommand,
    short_help="Play a game at the terminal.",
    examples=(
        ("pairgammon play", "money games against the model that ships with the package"),
        ("pairgammon play --length 5 --model runs/one", "a match to 5 points against your own model"),
        ("pairgammon play --manual-dice", "with your own dice, at a real board"),
        ("pairgammon play --watch pipcount --seed 7", "look on while a pip counter plays for you"),
    ),
    epilog=f"Players: {PLAYER_HELP}.",
)
@model_option
@click.option("--opponent", default="model", metavar="PLAYER", help="Whom to play instead of the model.")
@click.option(
    "--length", type=click.IntRange(min=0), default=0, help="Points that win the match.  [default: money play]"
)
@click.option("--games", type=click.IntRange(min=1), help="Money games to play.  [default: until you stop]")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the dice; same seed, same dice.  [default: a new one]"
)
@click.option("--manual-dice", is_flag=True, help="Throw your own dice and type them, also for the opponent.")
@click.option("--name", default="You", show_default=True, help="Your name in the record.")
@click.option("--save", "save_file", metavar="FILE", help="Where the games are saved.  [default: pairgammon-TIME.mat]")
@click.option("--no-save", is_flag=True, help="Save nothing.")
@click.option("--no-board", is_flag=True, help="Draw the board only when you type `board`.")
@click.option("--watch", metavar="PLAYER", help="Let a player play for you and look on.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str | None,
    opponent: str,
    length: int,
    games: int | None,
    seed: int | None,
    manual_dice: bool,
    name: str,
    save_file: str | None,
    no_save: bool,
    no_board: bool,
    watch: str | None,
) -> None:
    """Play backgammon against a model.

    Type plays as text (8/5 6/5); parts are enough when they are clear. Other words: hint, undo, plays, pips, resign,
    quit; help explains them. There is no doubling cube. The games are saved as a .mat file that other backgammon
    programs read, also when you leave in the middle.
    """
    import numpy as np

    from backgammon.session import Session
    from comparison_net.cli.players import make_player
    from comparison_net.cli.screen import announce_compilation, is_colour_wanted
    from comparison_net.cli.table import TableGame, TableOptions
    from comparison_net.cli.table_commands import Quit
    from comparison_net.cli.terminal import EndOfInput, Terminal

    chosen_seed = int(np.random.default_rng().integers(LARGEST_SEED)) if seed is None else seed
    player = make_player(model or "model" if opponent == "model" else opponent)
    watcher = make_player(model or "model" if watch == "model" else watch) if watch else None
    num_games = games or (1 if watcher and not length else None)
    names = _distinct(watcher.name if watcher else name, player.name)
    session = Session(names, chosen_seed, length, num_games)
    recorder = None if no_save else Recorder(save_file)
    announce_compilation()
    terminal = Terminal(is_colour_wanted())
    terminal.say(
        f"{names[0]} (X) against {names[1]} (O), seed {chosen_seed}.{'' if watcher else ' Type help for help.'}\n",
        "strong",
    )
    options = TableOptions(manual_dice, not no_board, watcher)
    save = recorder.save if recorder else lambda _: None
    game = TableGame(session, player, lambda: _load_scorer(model), terminal, options, save)
    try:
        game.run()
    except (Quit, EndOfInput):
        terminal.say("Goodbye.")
    except KeyboardInterrupt:
        terminal.say("\nInterrupted.")
        ctx.exit(EXIT_INTERRUPTED)
    finally:
        if recorder is not None and recorder.is_written:
            terminal.say(f"Saved in {recorder.path}.")


def _distinct(one: str, other: str) -> tuple[str, str]:
    """Two names that can be told apart."""
    return (one, f"{other} 2") if one == other else (one, other)


def _load_scorer(model: str | None) -> CandidateScorer:
    from comparison_net.scorer import load_scorer

    return load_scorer(model)


class Recorder:
    """Keeps the file of a session up to date, so that nothing is lost whatever happens.

    A disk that refuses the file costs a warning, not the game.
    """

    def __init__(self, file: str | None) -> None:
        """Nothing is written before the first play.

        Args:
            file: where to; None for a new name in the current folder.

        Raises:
            ConfigError: the file is there already.
        """
        from backgammon.errors import ConfigError

        self.path = Path(file) if file else _new_name()
        self.is_written = False
        self.is_refused = False
        if self.path.exists():
            raise ConfigError(f"{self.path}: is there already; give another name with --save")

    def save(self, session: Session) -> None:
        """Write everything so far."""
        from backgammon.records.mat import write_mat
        from comparison_net.checkpoint import replace_file

        if self.is_refused:
            return
        try:
            replace_file(self.path, write_mat(session.record()).encode())
            self.is_written = True
        except OSError as error:
            self.is_refused = True
            click.echo(
                f"cannot save: {describe_os_error(error)}; the game goes on, choose a file with --save", err=True
            )


def _new_name() -> Path:
    """A file name of this moment that is not taken."""
    stem = time.strftime("pairgammon-%Y%m%d-%H%M%S")
    path, number = Path(f"{stem}.mat"), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}.mat")
    return path
