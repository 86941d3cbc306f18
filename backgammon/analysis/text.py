"""The report as plain text."""

from __future__ import annotations

from backgammon.analysis.candidate_table import candidate_lines, heading_of
from backgammon.analysis.cube_spots import JudgedCube
from backgammon.analysis.judging import JudgedRoll
from backgammon.analysis.report import (
    Report,
    cube_text,
    cube_texts,
    cube_value_lines,
    figure_rows,
    judge_of,
    notes_of,
    problem_texts,
    roll_text,
    title_of,
)

SHOWN_CANDIDATES = 5


def render_text(report: Report) -> str:
    """The whole report, lines joined, without a line end after the last."""
    lines = [title_of(report), judge_of(report), ""]
    rows = [("", *report.match.players), *figure_rows(report)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines += [f"{label:{widths[0]}}  {one:{widths[1]}}  {other}".rstrip() for label, one, other in rows]
    if report.worst:
        what = "plays and cube decisions" if report.match.is_cubeful else "plays"
        heading = heading_of(report.match.is_cubeful, report.match.length > 0)
        lines += ["", f"The {len(report.worst)} {what} that lost most", f"({heading})"]
        for one in report.worst:
            lines += ["", *_worst(report, one)]
    cube_heading = "Cube actions" if report.match.is_cubeful else "Cube actions, not judged"
    for heading, texts in ((cube_heading, cube_texts(report)), ("Not followed", problem_texts(report))):
        if texts:
            lines += ["", f"{heading}:", *(f"  {text}" for text in texts)]
    return "\n".join([*lines, "", *(f"* {note}" for note in notes_of(report))])


def _worst(report: Report, one: JudgedRoll | JudgedCube) -> list[str]:
    identifier = one.identifier
    ids = f"  {identifier.xgid}  {identifier.position_id}:{identifier.match_id}"
    if isinstance(one, JudgedCube):
        return [cube_text(report, one), ids, *cube_value_lines(one)]
    return [roll_text(report, one), ids, *candidate_lines(one.decision, one.ranked, SHOWN_CANDIDATES)]
