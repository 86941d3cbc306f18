"""`pairgammon label`: the engine judges every candidate of decisions, for a net to learn from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option

if TYPE_CHECKING:
    from backgammon.learner.data.label_run import LabelRun

DEFAULT_PLIES = 2


@click.command(
    cls=ExampleCommand,
    short_help="Judge every candidate of decisions, for learning from.",
    examples=(
        ("pairgammon label data/logs --out labels.jsonl.xz", "the choices of the shipped logs, two plies deep"),
        ("pairgammon label --ply 1 < decisions.jsonl > labels.jsonl", "decisions as `decisions` writes them"),
        ("pairgammon label match.mat --rollout 1296 --out rolled.jsonl", "by rollout"),
    ),
)
@click.argument("logs", nargs=-1)
@model_option
@depth_options
@click.option("--out", metavar="FILE", help="Where to; packed if it ends in .xz.  [default: standard output]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads to work on.  [default: all processors]")
@click.option("--skip-bad", is_flag=True, help="Report unusable lines of standard input and go on.")
def command(
    logs: tuple[str, ...],
    model: str | None,
    depth: Depth,
    out: str | None,
    threads: int | None,
    skip_bad: bool,
) -> None:
    """Judge every candidate of the unforced plays in LOGS, or of decisions on standard input.

    LOGS are files or folders of match logs; without any, decisions are read as JSON lines, as `decisions` writes and
    `rank` reads them. Each answer is one JSON line that `train` learns from: "cands" lists the candidates, best first,
    as [Position ID after the play, play, equity of the mover, ply, five cumulative chances]; what the filter leaves out
    is judged at 0-ply. It takes a model with outcomes; the depth is --ply 2 unless told otherwise.

    With --out the work can be interrupted: the same command goes on where it stopped.
    """
    from backgammon.cli.advisers import open_engine
    from backgammon.cli.screen import announce_compilation
    from backgammon.learner.data.label_run import PART_SIZE, ROLLOUT_PART_SIZE, LabelRun, parts_folder

    announce_compilation()
    spec = depth.spec(model, threads, DEFAULT_PLIES)
    ranker = open_engine(spec, parts_folder(Path(out)) / "units" if out and spec.rollout else None).ranker
    skip = (lambda message: click.echo(message, err=True)) if skip_bad else None
    run = LabelRun(ranker, ROLLOUT_PART_SIZE if spec.rollout else PART_SIZE, skip)
    lines = _lines_of_logs(logs) if logs else _lines_of_input()
    if out is not None:
        _write(run, lines, Path(out))
        return
    for part in run.labels(lines):
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


def _write(run: LabelRun, lines: Iterator[tuple[int, bytes]], out: Path) -> None:
    """Label into a file, and say how many."""
    from backgammon.cli.screen import show_progress

    collected = list(lines)
    with show_progress("labelling", len(collected)) as advance:
        count = run.write(collected, out, advance)
    click.echo(f"{count:,} labelled decisions in {out}", err=True)


def _lines_of_input() -> Iterator[tuple[int, bytes]]:
    """(number, line) of standard input."""
    from backgammon.cli.rank import BATCH_SIZE, read_batches

    for batch in read_batches(sys.stdin.buffer, BATCH_SIZE):
        yield from batch


def _lines_of_logs(logs: tuple[str, ...]) -> Iterator[tuple[int, bytes]]:
    """(number, decision line) of the unforced plays in logs; the report of the reading goes to standard error."""
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.records.formats.decision_line import format_game

    number = 0
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(logs, progress=advance)
        for game in reading:
            for line in format_game(game).splitlines():
                number += 1
                yield number, line
    reading.report.check()
    click.echo(reading.report.render(), err=True)
