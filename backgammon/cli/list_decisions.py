"""`pairgammon decisions`: the choices in logs as JSON lines."""

from __future__ import annotations

import sys

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say


@click.command(
    cls=ExampleCommand,
    short_help="Write the choices in logs as JSON lines.",
    examples=(
        ("pairgammon decisions data/logs > decisions.jsonl", "every choice of the shipped logs"),
        ("pairgammon decisions match.txt | pairgammon rank | head -3", "what the model prefers in a match"),
    ),
)
@click.argument("logs", nargs=-1, required=True)
@click.option("--forced", is_flag=True, help="Also write the plays that were forced.")
def command(logs: tuple[str, ...], forced: bool) -> None:
    """Write one JSON line for every unforced play of LOGS, in the order of the log.

    LOGS are files or folders of match logs, plain or packed. Each line has "file", "game" (from 1 in its file), "turn"
    (rolls before it in the game), "player", "id" (GNU Position ID, player on roll), "dice", "played" (Position ID after
    the play, opponent on roll) and "candidates" (distinct results of the roll). A roll that could not be played is no
    play and is never listed; a match that is there twice is listed twice. A report of what was read goes to standard
    error.
    """
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.records.formats.decision_line import format_game

    sink = sys.stdout.buffer
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(logs, progress=advance, drop_duplicates=False)
        for game in reading:
            sink.write(format_game(game, forced))
    sink.flush()
    reading.report.check()
    say(reading.report.render(), err=True)
