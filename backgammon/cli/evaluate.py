"""`pairgammon evaluate`: move-agreement rates of a model on logs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from backgammon.cli.depth import Depth
from backgammon.cli.group import ExampleCommand, model_option, plies_option, workers_option
from backgammon.cli.screen import say
from backgammon.tools.quoting import one_line

if TYPE_CHECKING:
    from rich.table import Table

    from backgammon.analysis.agreement import AgreementReport, AgreementRow
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.learner.measure.choice_units import DistantEngine
    from backgammon.tools.intervals import Estimate

MAX_PLAYERS = 12
"""Players in the table; --json has them all."""


@click.command(
    cls=ExampleCommand,
    short_help="Measure agreement with the players of logs.",
    examples=(
        ("pairgammon evaluate data/logs", "the shipped model on the shipped logs"),
        ("pairgammon evaluate matches.zip --model runs/one --json", "a trained model, for a script"),
        ("pairgammon evaluate data/labels --ply 1", "points lost on labelled decisions, one ply deep"),
        ("pairgammon evaluate data/labels-cube", "plays at scores and turned cubes, judged with the cube"),
    ),
)
@click.argument("logs", nargs=-1, required=True)
@model_option
@plies_option
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the model.  [default: all processors]")
@workers_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
def command(
    logs: tuple[str, ...], model: str | None, plies: int, threads: int | None, workers: str | None, as_json: bool
) -> None:
    """Measure how often a model's first choice is the play of a log.

    LOGS are files or folders of match logs, plain or packed. Agreement is counted by resulting position. Forced plays
    are left out and counted. The 95 % intervals treat matches, not plays, as the sample. Beside each phase of the game
    stands what Tesauro reported for comparison training in 1988. Agreement with the very games that a model learnt from
    says little: evaluate on others.

    Where LOGS are labelled decisions instead, as `label` writes them, the engine with its bear-off tables chooses at
    --ply, and the figures are agreement with the judge's choice and points lost, in thousandths a decision, by phase.

    Labels at a score and cube are lines with "xgid" as `rank` answers them: plays and cube decisions. The figures are
    agreement and loss in thousandths of an EMG, of plays and of the cube (double or not, take or pass), at --ply both.
    Where every play has an "anchor", the choice of another engine, that is scored beside.

    Labelled decisions may be chosen by --workers; without, by threads of this process. The figures are the same.
    """
    from backgammon.analysis.agreement import measure_agreement
    from backgammon.cli.advisers import open_engine
    from backgammon.cli.screen import show_byte_progress
    from backgammon.learner.data.stakes_labels import find_stakes_labels
    from backgammon.records import find_labels, read_logs

    if threads is not None and workers is not None:
        raise click.UsageError("--threads are those of this process, and --workers have one each: give one of them")
    asked = _Asked(Depth(plies).spec(model, 1 if workers else threads), workers)
    if find_stakes_labels(logs):
        _score_at_stakes(logs, asked, as_json)
        return
    if find_labels(logs):
        _score_labels(logs, asked, as_json)
        return
    if workers is not None:
        raise click.UsageError(
            "--workers are for labelled decisions: of agreement with logs the reading takes the time"
        )
    if plies:
        raise click.UsageError("--ply is for labelled decisions; agreement with logs is that of the model alone")
    # people are compared with what the model learnt, without the tables that it plays with
    scorer = open_engine(replace(Depth().spec(model, threads), bearoff=False, pruner=None)).evaluator
    with show_byte_progress("evaluating") as advance:
        reading = read_logs(logs, progress=advance)
        report = measure_agreement(reading, scorer)
    reading.report.check()
    if as_json:
        say(json.dumps({"model": scorer.name, "agreement": report.as_dict(), "logs": reading.report.to_dict()}))
        return
    print_report(report, scorer.name)
    say("\n" + reading.report.render(), err=True)


class _Asked(NamedTuple):
    """Who chooses: an engine, and the workers that the user named, if any."""

    spec: EngineSpec
    workers: str | None

    def distant(self) -> DistantEngine:
        """The engine on the workers."""
        from backgammon.learner.measure.choice_units import DistantEngine
        from backgammon.learner.net.packed_model import pack_engine
        from backgammon.tools.jobs.workers import workers_named

        return DistantEngine(pack_engine(self.spec), workers_named(self.workers))


def _score_labels(logs: tuple[str, ...], asked: _Asked, as_json: bool) -> None:
    """Agreement and loss on labelled decisions."""
    from backgammon.cli.advisers import open_engine
    from backgammon.cli.screen import show_byte_progress
    from backgammon.learner.measure.label_scores import score_choices, unforced
    from backgammon.records import find_labels, read_labels
    from backgammon.records.record.source import find_files
    from backgammon.tools.errors import ConfigError

    labelled = find_labels(logs)
    if others := set(find_files(logs)) - set(labelled):
        raise ConfigError(f"{min(others)}: no labelled decisions, as the others are; evaluate on one kind at a time")
    with show_byte_progress("reading labels") as advance:
        whole, report = read_labels(labelled, advance)
    found = unforced(whole)
    searcher = open_engine(asked.spec).searcher if asked.workers is None else asked.distant()
    rows = searcher.choose(found.decisions.boards, found.decisions.dice)
    scores = score_choices(found, rows, forced=len(whole) - len(found))
    if as_json:
        say(json.dumps({"model": searcher.name, "scores": scores.as_dict(), "labels": report.to_dict()}))
        return
    overall = scores.overall
    say(f"{searcher.name} on {overall.decisions:,} unforced decisions of {overall.games:,} games\n")
    for row in (*scores.by_phase, overall):
        loss = "" if row.loss is None else f"loss {row.loss.show(2)} mpt"
        left = f"  not judged {row.not_judged:.3f}" if row.not_judged else ""
        say(f"{row.name:18s}{row.decisions:7,d}  agreement {row.agreement.show(3)}  {loss}{left}")
    say("\nmpt: thousandths of a point a decision; +- 95 %, clustered by game")
    say(report.render(), err=True)


def _score_at_stakes(logs: tuple[str, ...], asked: _Asked, as_json: bool) -> None:
    """Agreement and loss on labels at a score and cube."""
    from backgammon.cli.advisers import open_engine
    from backgammon.learner.data.stakes_labels import find_stakes_labels, read_stakes_labels
    from backgammon.learner.measure.stakes_scores import score_at_stakes
    from backgammon.records.record.source import find_files
    from backgammon.table.cube_seat import CubeSeat
    from backgammon.tools.errors import ConfigError

    labelled = find_stakes_labels(logs)
    if others := set(find_files(logs)) - set(labelled):
        raise ConfigError(f"{min(others)}: no labels at a score, as the others are; evaluate on one kind at a time")
    reading = read_stakes_labels(labelled)
    engine = open_engine(asked.spec)
    chooser = CubeSeat(engine, engine.cube, engine.plays) if asked.workers is None else asked.distant()
    rows = score_at_stakes(chooser, reading.labels)
    if as_json:
        told = {"rejected": reading.rejected, "problems": reading.problems}
        scores = [row.as_dict() for row in rows]
        say(json.dumps({"model": engine.net_name, "plies": asked.spec.plies, "stakes": scores, "labels": told}))
        return
    units = len({label.unit for label in reading.labels})
    number = len(reading.labels)
    say(f"{engine.net_name} at {asked.spec.plies}-ply on {number:,} decisions of {units:,} matches and money games\n")
    for row in rows:
        loss = "" if row.loss is None else f"loss {row.loss.show(2)} mpt"
        left = f"  not judged {row.not_judged:.3f}" if row.not_judged else ""
        say(f"{row.name:18s}{row.decisions:7,d}  agreement {row.agreement.show(3)}  {loss}{left}")
    for row in rows:
        if row.beyond is not None:
            say(f"\nplays, loss beyond that of the anchor over the same decisions: {row.beyond.show(2)} mpt")
    say("\nmpt: thousandths of an EMG a decision, cubeful; +- 95 %, clustered by match or money game")
    for problem in reading.problems:
        say(problem, err=True)
    if reading.rejected:
        say(f"{reading.rejected:,} lines left out", err=True)


def print_report(report: AgreementReport, model: str) -> None:
    """Print the tables by phase and by player, within 80 columns."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    overall = report.overall
    console.print(f"[bold]Move agreement of {escape(one_line(str(model)))}[/]")
    console.print(
        f"{overall.decisions:,} unforced plays of {overall.matches:,} matches, {report.forced:,} forced ones left out\n"
    )
    console.print(_phase_table(report), "")
    if len(report.by_player) > 1:
        console.print(_player_table(report))
        if len(report.by_player) > MAX_PLAYERS:
            console.print(f"and {len(report.by_player) - MAX_PLAYERS:,} more players, see --json")
        console.print()
    console.print(_LEGEND, style="dim")


_LEGEND = """\
top 1, top 3  share of plays that are the model's first, or among its first three
±             half the 95 % interval; the sample are matches (single games of money sessions)
rank          mean rank of the play of the log, 1 = the model's first
chance        top 1 of a blind choice
T88           Tesauro (1988), Table 1: top 1 on an expert's games; CP learnt by comparison, RSP scores"""


def _phase_table(report: AgreementReport) -> Table:
    from backgammon.analysis.agreement import TESAURO_TABLE_1

    table = _make_table("phase", "T88 CP", "RSP")
    for row in report.by_phase:
        published = TESAURO_TABLE_1.get(row.name)
        cells = (_rate(published.comparison, 2), _rate(published.relative_score, 2)) if published else ("", "")
        table.add_row(row.name, f"{row.decisions:,}", *_figures(row), *cells)
    table.add_section()
    overall = report.overall
    table.add_row(overall.name, f"{overall.decisions:,}", *_figures(overall), style="bold")
    return table


def _player_table(report: AgreementReport) -> Table:
    from rich.markup import escape

    table = _make_table("player", "matches")
    for row in report.by_player[:MAX_PLAYERS]:
        table.add_row(escape(one_line(row.name)), f"{row.decisions:,}", *_figures(row), f"{row.matches:,}")
    return table


def _make_table(first: str, *last: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, max_width=22, min_width=16, no_wrap=True)
    for title in ("plays", "top 1", "top 3", "rank", "chance", *last):
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _figures(row: AgreementRow) -> tuple[str, str, str, str]:
    return _with_reach(row.top1), _with_reach(row.top3), f"{row.mean_rank.value:.2f}", _rate(row.chance)


def _with_reach(estimate: Estimate) -> str:
    """A rate with half its interval, which one match cannot give."""
    reach = "" if estimate.half_width is None else f"±{_rate(estimate.half_width)}"
    return f"{_rate(estimate.value)} {reach:5}"


def _rate(value: float, digits: int = 3) -> str:
    """A share without the leading nought, as agreement is usually printed."""
    return f"{value:.{digits}f}".removeprefix("0")
