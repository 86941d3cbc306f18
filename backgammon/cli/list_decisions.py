"""`pairgammon decisions`: the choices in logs as JSON lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.records.reading import LogReading


@click.command(
    cls=ExampleCommand,
    short_help="Write the choices in logs as JSON lines.",
    examples=(
        ("pairgammon decisions data/logs > decisions.jsonl", "every choice of the shipped logs"),
        ("pairgammon decisions match.txt | pairgammon rank | head -3", "what the model prefers in a match"),
        ("pairgammon decisions match.mat --stakes | pairgammon rank --ply 2", "plays and cube actions at the score"),
    ),
)
@click.argument("logs", nargs=-1, required=True)
@click.option("--forced", is_flag=True, help="Also write the plays that were forced.")
@click.option("--stakes", "at_stakes", is_flag=True, help="Write score and cube too, and cube decisions.")
def command(logs: tuple[str, ...], forced: bool, at_stakes: bool) -> None:
    """Write one JSON line for every unforced play of LOGS, in the order of the log.

    LOGS are files or folders of match logs, plain or packed. Each line has "file", "game" (from 1 in its file), "turn"
    (rolls before it in the game), "player", "id" (GNU Position ID, player on roll), "dice", "played" (Position ID after
    the play, opponent on roll) and "candidates" (distinct results of the roll). A roll that could not be played is no
    play and is never listed; a match that is there twice is listed twice. A report of what was read goes to standard
    error.

    With --stakes lines have an "xgid" with score, cube and dice in place of "id" and "dice", and "n" in place of
    "candidates". Cube decisions are lines too: before each roll whether the player "doubled" (00 for the dice), and
    behind a double the "answer" (D). `rank` answers them, and `evaluate` measures by its answers.
    """
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.records.formats.decision_line import format_game

    sink = sys.stdout.buffer
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(logs, progress=advance, drop_duplicates=False)
        if at_stakes:
            _write_at_stakes(reading, forced, sink)
        else:
            for game in reading:
                sink.write(format_game(game, forced))
    sink.flush()
    reading.report.check()
    say(reading.report.render(), err=True)


def _write_at_stakes(reading: LogReading, forced: bool, sink: BinaryIO) -> None:
    """Every decision with its score and cube."""
    from backgammon.analysis.logged_rolls import collect_rolls, cube_use
    from backgammon.analysis.stakes_decisions import format_at_stakes

    for record, replayed in reading.matches():
        rules = cube_use(record)
        for written, game in zip(record.games, replayed.games, strict=True):
            head = {"file": game.file, "game": game.game}
            rolls = collect_rolls(written, game, rules)
            sink.write(format_at_stakes(rolls, head, record.full_names, forced))
