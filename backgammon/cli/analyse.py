"""`pairgammon analyse`: how well a match was played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option

if TYPE_CHECKING:
    from backgammon.analysis.ranking import PlayJudge
    from backgammon.analysis.report import Report

DEFAULT_PLIES = 2


@click.command(
    cls=ExampleCommand,
    short_help="Report how well a match was played.",
    examples=(
        ("pairgammon analyse match.xg --out report.html", "a page with boards, candidates and a chart"),
        ("pairgammon analyse match.mat --ply 0", "a quick look, to standard output"),
        ("pairgammon analyse match.sgf --out report.json", "every roll and every candidate, for a program"),
        ("pairgammon analyse match.mat --out report.html --rollout", "with rollouts, half a minute a game"),
    ),
)
@click.argument("file", metavar="FILE")
@model_option
@depth_options
@click.option("--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Plays to show.")
@click.option("--out", metavar="REPORT", help="A file .html, .json or .txt.  [default: text to standard output]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads.  [default: all processors]")
def command(file: str, model: str | None, depth: Depth, worst: int, out: str | None, threads: int | None) -> None:
    """Judge every play and every roll of a match log of any format.

    For each player: decisions, equity lost, checker error rate (cubeless money) and Snowie rate, marks of GNU
    Backgammon and eXtreme Gammon, agreement with the engine, luck, and the result without luck, each with its 95 %
    interval; then the plays that lost most. Cube actions are listed, not judged. The model must have been trained with
    outcomes. Without --ply it looks 2 plies ahead; a judge should look deeper than the players did.
    """
    from backgammon.analysis.text import render_text

    form = _check_out(out)
    judge = _make_judge(model, depth, threads)
    reports = _judge(file, judge, worst)
    if out is None:
        click.echo("\n\n".join(map(render_text, reports)))
        return
    from backgammon.tools.storage import replace_file

    replace_file(Path(out), _render(form, reports).encode())
    click.echo(f"wrote {out}: {len(reports)} match{'es'[: 2 * (len(reports) != 1)]}", err=True)


def _check_out(out: str | None) -> str:
    """The form of the report, by the name of its file.

    Raises:
        ConfigError: another form.
    """
    from backgammon.tools.errors import ConfigError

    suffix = ".txt" if out is None else Path(out).suffix.lower()
    if suffix not in (".html", ".json", ".txt"):
        raise ConfigError(f"{out}: a report is written as .html, .json or .txt")
    return suffix


def _make_judge(model: str | None, depth: Depth, threads: int | None) -> PlayJudge:
    from backgammon.analysis.ranking import PlayJudge
    from backgammon.cli.advisers import open_engine

    return PlayJudge(open_engine(depth.spec(model, threads, DEFAULT_PLIES)).ranker)


def _judge(file: str, judge: PlayJudge, worst: int) -> list[Report]:
    """A report of each match in the file.

    Raises:
        RecordError: nothing in it can be judged.
    """
    from backgammon.analysis.judging import judge_match
    from backgammon.analysis.report import make_report
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.tools.errors import RecordError

    reading = read_logs([file])
    with show_byte_progress("judging decisions") as advance:
        reports = [
            make_report(judge_match(record, replayed, judge, advance), worst)
            for record, replayed in reading.matches()
            if replayed.num_plays
        ]
    if not reports:
        reading.report.check()
        raise RecordError(f"{file}: no play in it can be followed")
    return reports


def _render(form: str, reports: list[Report]) -> str:
    from backgammon.analysis.document import as_document
    from backgammon.analysis.page import render_page
    from backgammon.analysis.text import render_text

    if form == ".html":
        return render_page(reports)
    if form == ".json":
        return json.dumps({"matches": [as_document(report) for report in reports]}, indent=1) + "\n"
    return "\n\n".join(map(render_text, reports)) + "\n"
