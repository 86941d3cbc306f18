"""How often a model plays what people played, by game phase and player, and what its choices lose by GNU Backgammon.

    python -m scripts.human_agreement [LABELLED...] [--logs PATH ...] [--model FILE] [--ply N] [--json]

LABELLED are files of analysed plays; their form and what the figures mean stands in
`backgammon.learner.measure.people_agreement`. --logs (may be repeated) names files and folders of match logs without
analysis, read as `pairgammon evaluate` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.measure.people_agreement import (
    PeopleReading,
    people_table,
    read_analysed_plays,
    read_log_plays,
    score_people,
)
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.processors import usable_processors
from scripts.program import program

CAVEAT = (
    "The labels are GNU Backgammon's cubeful equities at the score of the match; the model plays cubeless money games, "
    "so at some scores it is right to differ."
)


def choose_rows(decisions: Decisions, model: str | None, plies: int) -> Int64s:
    """Rows int64[N] that a model chooses in the plays' decisions.

    Raises:
        ModelError: no such model, or one without outcomes that is to look ahead.
    """
    engine = build_engine(EngineSpec(model, plies, threads=usable_processors()))
    return engine.choose(decisions.boards, decisions.dice)


def readings(labelled: tuple[Path, ...], logs: tuple[Path, ...]) -> Iterator[tuple[str, PeopleReading]]:
    """What was asked for, with titles."""
    if labelled:
        yield "analysed plays", read_analysed_plays(labelled)
    if logs:
        yield "match logs", read_log_plays(logs)


@program(__doc__)
@click.argument("labelled", nargs=-1, type=click.Path(path_type=Path))
@click.option("--logs", multiple=True, type=click.Path(path_type=Path), help="Match logs; may be repeated.")
@click.option("--model", help="A model file or run folder instead of the default model.")
@click.option("--ply", type=click.IntRange(0, 3), default=0, help="Look ahead so far.")
@click.option("--limit", type=int, help="Take so many unforced plays from the beginning of each kind.")
@click.option("--json", "as_json", is_flag=True)
def main(
    labelled: tuple[Path, ...], logs: tuple[Path, ...], model: str | None, ply: int, limit: int | None, as_json: bool
) -> None:
    """Read, choose, print."""
    if not labelled and not logs:
        raise click.UsageError("give files of analysed plays, or --logs with match logs")
    report: dict[str, Any] = {"model": model or "default", "ply": ply, "caveat": CAVEAT}
    for title, reading in readings(labelled, logs):
        found = reading.found.take(np.arange(len(reading.found))[:limit])
        if not len(found):
            raise DataError(f"{title}: no unforced play in what was given")
        rows = score_people(found, choose_rows(found.decisions, model, ply))
        report[title] = {"left out": reading.skipped, "rows": [asdict(row) for row in rows]}
        if not as_json:
            left_out = ", ".join(f"{count:,} {reason}" for reason, count in reading.skipped.items() if count)
            click.echo(f"\n{people_table(f'{title}, the model at {ply}-ply; left out: {left_out or None}', rows)}")
    if as_json:
        click.echo(json.dumps(report))
    elif labelled:
        click.echo(f"\nLosses in millipoints a play. {CAVEAT}")


if __name__ == "__main__":
    main()
