"""`pairgammon label`: a teacher judges every candidate of decisions, for a net to learn from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option, workers_option
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.learner.data.shards import Shards
    from backgammon.learner.teach.shard_labels import LabelPlan
    from backgammon.learner.teach.teacher import PackedTeacher, TeacherSpec
    from backgammon.tools.jobs.workers import Workers

DEFAULT_PLIES = 2


@click.command(
    cls=ExampleCommand,
    short_help="Judge every candidate of decisions, for learning from.",
    examples=(
        ("pairgammon label data/logs --out labels.jsonl.xz", "the choices of the shipped logs, two plies deep"),
        ("pairgammon label --ply 1 < decisions.jsonl > labels.jsonl", "decisions as `decisions` writes them"),
        ("pairgammon label match.mat --rollout 1296 --out rolled.jsonl", "by rollout"),
        ("pairgammon label games --ply 1 --contested 0.03 --out labelled", "shards of `self-play`, for `train`"),
        ("pairgammon label games --ply 1 --teacher model --teacher gnubg:0 --out joint", "both judge the leaves"),
        ("pairgammon label games --teacher gnubg:2 --sample 6000 --out test.jsonl.xz", "a set to measure by"),
        ("pairgammon label games --teacher sage:2 --sample 4000 --out second.jsonl.xz", "by a second judge"),
    ),
)
@click.argument("logs", nargs=-1)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    default=("model",),
    metavar="NAME",
    help="Who judges: `model`, gnubg:0 to gnubg:3 (GNU Backgammon), sage:0 to sage:2 (Open Sage), or several (another "
    "model, gnubg:0), which judge the leaves of the model's look-ahead together.  [default: model]",
)
@model_option
@depth_options
@click.option(
    "--pruner", metavar="MODEL", help="Proposes the replies inside a look-ahead, instead of the small net that ships."
)
@click.option(
    "--contested", type=float, default=0.0, metavar="POINTS", help="A ply deeper where the best two are so close."
)
@click.option("--sample", type=click.IntRange(min=0), default=0, help="Of shards, judge so many, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the drawing.")
@click.option("--choose", type=click.Choice(("keep", "teacher")), help="Whose plays count as chosen.  [default: keep]")
@click.option(
    "--prefer", type=float, default=0.0, metavar="POINTS", help="More for the chosen play, once it is judged."
)
@click.option("--out", metavar="OUT", help="A .jsonl file of lines (packed with .xz behind), else a folder of shards.")
@workers_option
@click.option("--skip-bad", is_flag=True, help="Report unusable lines of standard input and go on.")
def command(
    logs: tuple[str, ...],
    teachers: tuple[str, ...],
    model: str | None,
    depth: Depth,
    pruner: str | None,
    contested: float,
    sample: int,
    seed: int,
    choose: str | None,
    prefer: float,
    out: str | None,
    workers: str | None,
    skip_bad: bool,
) -> None:
    """Judge every candidate of the unforced plays in LOGS, of shards, or of decisions on standard input.

    LOGS are files or folders of match logs, or one folder of shards as `self-play` makes them; without any, decisions
    are read as JSON lines, as `decisions` writes and `rank` reads them. Lines of labels list the candidates, best
    first, as [Position ID after the play, play, equity of the mover, ply, five cumulative chances]; what the filter
    leaves out is judged at 0-ply. Labelled shards hold the same for large sets. `train` learns from both, `evaluate`
    measures by lines. The model looks ahead as in play, --ply 2 unless told otherwise, and must give chances.

    With --out the work can be interrupted: the same command goes on where it stopped. A worker that dies costs nothing,
    and the labels do not depend on the workers.
    """
    from backgammon.cli.screen import announce_compilation
    from backgammon.learner.teach.line_labels import label_lines, lines_of_shards
    from backgammon.learner.teach.shard_labels import LabelPlan
    from backgammon.learner.teach.teacher import pack_teacher
    from backgammon.tools.jobs.workers import workers_named

    spec = _teacher_spec(teachers, model, depth, pruner, contested)
    plan = LabelPlan(sample, seed, choose == "teacher", prefer)
    shards = _open_shards(logs)
    is_lines = out is None or ".jsonl" in Path(out).name
    _check_use(plan, choose, shards is not None, is_lines, skip_bad and not logs, skip_bad and bool(logs))
    if "model" in teachers:
        announce_compilation()
    teacher, crew = pack_teacher(spec), workers_named(workers)
    if out is not None and not is_lines:
        _label_into_shards(logs, shards, teacher, Path(out), plan, crew)
        return
    skip = (lambda message: say(message, err=True)) if skip_bad else None
    lines = _lines_of_logs(logs) if logs else _lines_of_input()
    if shards is not None:
        lines = lines_of_shards(shards, plan)
    if out is not None:
        _label_into_lines(lines, teacher, Path(out), crew, skip)
        return
    for part in label_lines(lines, teacher, crew, skip):
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


def _teacher_spec(
    teachers: tuple[str, ...], model: str | None, depth: Depth, pruner: str | None, contested: float
) -> TeacherSpec:
    """The teacher that the options name.

    Raises:
        ConfigError: options that exclude each other or would have no effect.
    """
    from backgammon.engine.peers.peer_name import is_peer_judge
    from backgammon.learner.teach.teacher import TeacherSpec
    from backgammon.tools.errors import ConfigError

    if pruner and not depth.is_pruned:
        raise ConfigError("--pruner names what --no-prune leaves out: give one of them")
    engine = depth.spec(model, 1, 0 if is_peer_judge(teachers[0]) else DEFAULT_PLIES)
    if pruner and not engine.is_deep and not contested:
        raise ConfigError("--pruner is for replies inside a look-ahead: add --ply 1, 2 or 3")
    return TeacherSpec(teachers, replace(engine, pruner=pruner) if pruner else engine, contested)


def _open_shards(logs: tuple[str, ...]) -> Shards | None:
    """The shards folder that is named; None where it is logs, or nothing.

    Raises:
        ConfigError: shards and something else.
    """
    from backgammon.learner.data.shard_format import MANIFEST
    from backgammon.learner.data.shards import open_shards
    from backgammon.tools.errors import ConfigError

    if not any((Path(name) / MANIFEST).is_file() for name in logs):
        return None
    if len(logs) > 1:
        raise ConfigError("several folders of shards, or shards and logs: label one at a time, `train` joins them")
    return open_shards(Path(logs[0]))


def _check_use(
    plan: LabelPlan, choose: str | None, has_shards: bool, is_lines: bool, is_skipping: bool, skips_logs: bool
) -> None:
    """Refuse options that would have no effect.

    Raises:
        ConfigError: with the first of them.
    """
    from backgammon.tools.errors import ConfigError

    if is_lines and (plan.prefer or choose):
        raise ConfigError(
            "--prefer and --choose are for labelled shards: lines say what was judged, and what was played"
        )
    if plan.sample and not has_shards:
        raise ConfigError("--sample draws from shards: make some with `self-play`")
    if skips_logs:
        raise ConfigError("--skip-bad is for decisions on standard input: logs and shards have a report of their own")
    if not is_lines and is_skipping:
        raise ConfigError("--skip-bad is for lines that become lines: name an --out that ends in .jsonl")


def _label_into_shards(
    logs: tuple[str, ...], shards: Shards | None, teacher: PackedTeacher, out: Path, plan: LabelPlan, crew: Workers
) -> None:
    """Label into a folder, and say how many.

    Raises:
        ConfigError: neither logs nor shards are named.
        DataError: the folder is there already.
    """
    from backgammon.cli.screen import show_units
    from backgammon.learner.data.shards import open_shards
    from backgammon.learner.teach.shard_labels import label_shards
    from backgammon.tools.errors import ConfigError

    if not logs:
        raise ConfigError(f"{out}: a folder of shards is made from logs or shards; lines become a .jsonl file")
    source = _read_logs(logs, out) if shards is None else shards
    with show_units(f"labels by {teacher.name}", plan.sample or len(source)) as progress:
        label_shards(source, teacher, out, plan, crew, progress)
    manifest = open_shards(out, verify=False).manifest
    say(f"{manifest.decisions:,} decisions, {manifest.candidates:,} candidates judged by {manifest.teacher}")


def _read_logs(logs: tuple[str, ...], out: Path) -> Shards:
    """Shards of logs, among the parts of `out`."""
    import shutil

    from backgammon.cli.screen import show_byte_progress
    from backgammon.learner.data.shards import build_shards
    from backgammon.records import read_logs
    from backgammon.tools.errors import DataError
    from backgammon.tools.jobs.delivery import parts_folder

    if out.exists() and not parts_folder(out).exists():
        raise DataError(f"{out}: exists already; give another name or remove it")
    place = parts_folder(out) / "read"
    shutil.rmtree(place, ignore_errors=True)
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(logs, progress=advance)
        shards = build_shards(reading, place)
    say(reading.report.render(), err=True)
    return shards


def _label_into_lines(
    lines: Iterator[tuple[int, bytes]],
    teacher: PackedTeacher,
    out: Path,
    crew: Workers,
    skip: Callable[[str], None] | None,
) -> None:
    """Label into a file, and say how many."""
    from backgammon.cli.screen import show_units
    from backgammon.learner.teach.line_labels import write_line_labels

    collected = list(lines)
    with show_units(f"labels by {teacher.name}", len(collected)) as progress:
        count = write_line_labels(collected, teacher, out, crew, skip, progress)
    say(f"{count:,} labelled decisions in {out}", err=True)


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
    say(reading.report.render(), err=True)
