"""`pairgammon analyse`: how well a match was played."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.analysis.ranking import MatchJudge
    from backgammon.analysis.report import Report

DEFAULT_PLIES = 2


@click.command(
    cls=ExampleCommand,
    short_help="Report how well a match was played.",
    examples=(
        ("pairgammon analyse match.xg --out report.html", "a page with boards, candidates and a chart"),
        ("pairgammon analyse match.mat --ply 0", "a quick look, to standard output"),
        ("pairgammon analyse match.sgf --json", "every roll, candidate and cube decision, for a program"),
        ("pairgammon analyse match.mat --rollout 144", "plays and close cube decisions rolled out"),
    ),
)
@click.argument("file", metavar="FILE")
@model_option
@depth_options
@click.option("--cubeless", is_flag=True, help="Judge cubeless money points, without score and cube.")
@click.option("--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Decisions to show.")
@click.option("--out", metavar="REPORT", help="A file .html, .json or .txt.  [default: text to standard output]")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the dice of rollouts.  [default: 1]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads.  [default: all processors]")
def command(
    file: str,
    model: str | None,
    depth: Depth,
    cubeless: bool,
    worst: int,
    out: str | None,
    as_json: bool,
    seed: int | None,
    threads: int | None,
) -> None:
    """Judge every play, every roll and every cube decision of a match log of any format.

    For each player: PR (eXtreme Gammon's rule), the rates of GNU Backgammon and Snowie, errors of the cube, chances of
    the match lost, luck, and the result without luck, with 95 % intervals; then the decisions that lost most, beside
    the verdict that the file itself holds. All at the score and with the cube, Crawford and Jacoby as the file says.
    With --cubeless: the checker error rate by cubeless money points. The model must have been trained with outcomes.
    Without --ply it looks 2 plies ahead; a judge should look deeper than the players did.
    """
    form = _check_out(out, as_json)
    judge = _make_judge(model, depth, cubeless, seed, threads)
    reports = _judge(file, judge, worst)
    if out is None:
        say(_render(form, reports), nl=False)
        return
    from backgammon.tools.storage import replace_file

    replace_file(Path(out), _render(form, reports).encode())
    say(f"wrote {out}: {len(reports)} match{'es'[: 2 * (len(reports) != 1)]}", err=True)


def _check_out(out: str | None, as_json: bool) -> str:
    """The form of the report, by the name of its file.

    Raises:
        ConfigError: another form.
    """
    from backgammon.tools.errors import ConfigError

    if as_json and out is not None:
        raise ConfigError("--json writes to standard output: leave out --out, or name a file .json there")
    suffix = (".json" if as_json else ".txt") if out is None else Path(out).suffix.lower()
    if suffix not in (".html", ".json", ".txt"):
        raise ConfigError(f"{out}: a report is written as .html, .json or .txt")
    return suffix


def _make_judge(
    model: str | None, depth: Depth, is_cubeless: bool, seed: int | None, threads: int | None
) -> MatchJudge:
    """Who judges.

    Raises:
        ConfigError: settings that do not go together.
    """
    from backgammon.analysis.ranking import PlayJudge, StakesJudge
    from backgammon.cli.advisers import open_engine
    from backgammon.tools.errors import ConfigError

    if not is_cubeless and depth.seconds is not None:
        raise ConfigError("--time does not know the cube: add --cubeless, or look by --ply")
    spec = depth.spec(model, threads, DEFAULT_PLIES)
    if seed is not None:
        if spec.rollout is None:
            raise ConfigError("--seed is that of the dice of rollouts: add --rollout")
        spec = replace(spec, rollout=replace(spec.rollout, seed=seed))
    engine = open_engine(spec)
    cubeless = PlayJudge(engine.ranker)
    rolled = None if spec.rollout is None else engine.rolled_plays
    return cubeless if is_cubeless else StakesJudge(engine.plays, cubeless, rolled)


def _judge(file: str, judge: MatchJudge, worst: int) -> list[Report]:
    """A report of each match in the file.

    Raises:
        RecordError: nothing in it can be judged.
        StakesError: it tells of a score or cube that cannot be.
    """
    from backgammon.analysis.judging import judge_match
    from backgammon.analysis.report import make_report
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.tools.errors import RecordError, StakesError

    reading = read_logs([file])
    with show_byte_progress("judging decisions") as advance:
        try:
            reports = [
                make_report(judge_match(record, replayed, judge, advance), worst)
                for record, replayed in reading.matches()
                if replayed.num_plays
            ]
        except StakesError as error:
            raise StakesError(f"{file}: {error}; --cubeless judges without score and cube") from error
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
