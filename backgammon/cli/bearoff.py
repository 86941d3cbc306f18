"""`pairgammon bearoff`: the tables of exact endings."""

from __future__ import annotations

from pathlib import Path

import click

from backgammon.cli.group import ExampleCommand, workers_option
from backgammon.cli.screen import say


@click.group()
def command() -> None:
    """Make the tables of exact endings; play and search make the usual ones themselves on first use."""


@command.command(
    cls=ExampleCommand,
    examples=(
        ("pairgammon bearoff build", "the usual tables, 22 MB in a few seconds"),
        ("pairgammon bearoff build --force", "make them again, whatever is there"),
        ("pairgammon bearoff build --checkers 8 --points 7", "larger ones beside them"),
    ),
)
@click.option("--points", default=6, show_default=True, help="One-sided table: 15 checkers on so many points, 1 to 10.")
@click.option("--exact-points", default=6, show_default=True, help="Two-sided table: points, at most --points.")
@click.option("--checkers", default=6, show_default=True, help="Two-sided table: checkers a side, 1 to 14.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write; without it, `bearoff` in $PAIRGAMMON_DATA or in the user's data folder.",
)
@click.option("--force", is_flag=True, help="Compute and replace tables that are there.")
@workers_option
def build(points: int, exact_points: int, checkers: int, folder: Path | None, force: bool, workers: str | None) -> None:
    """Compute the bear-off tables and keep them on disk.

    The one-sided table gives the chances to bear off in 1, 2, 3, ... rolls, the two-sided one exact equities with the
    cube in every place. A table that is there and undamaged is kept. Files appear whole or not at all, in safetensors
    format. Without --workers this process computes one table after the other.
    """
    from backgammon.cli.screen import show_progress
    from backgammon.evaluation.bearoff import BearoffSize, table_paths
    from backgammon.evaluation.bearoff import build as build_tables
    from backgammon.evaluation.bearoff.index import num_positions
    from backgammon.rules.board import NUM_CHECKERS
    from backgammon.tools.jobs.workers import workers_named

    size = BearoffSize(points, exact_points, checkers)
    one_sided = num_positions(points, NUM_CHECKERS)
    with show_progress("positions", one_sided + num_positions(exact_points, checkers) ** 2) as advance:
        written = build_tables(
            size,
            folder,
            lambda name, done, _: advance(done if name == "one-sided" else one_sided + done),
            force,
            lambda text: say(text, err=True),
            None if workers is None else workers_named(workers),
        )
    for path in table_paths(size, folder):
        verb = "wrote" if path in written else "kept "
        say(f"{verb} {path} ({path.stat().st_size / 1e6:.1f} MB)")
