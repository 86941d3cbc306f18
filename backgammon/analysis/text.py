"""The report as plain text."""

from __future__ import annotations

from backgammon.analysis.candidate_table import HEADING, candidate_lines
from backgammon.analysis.judging import JudgedRoll
from backgammon.analysis.report import (
    Report,
    cube_texts,
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
        lines += ["", f"The {len(report.worst)} plays that lost most; {HEADING}"]
        for roll in report.worst:
            lines += ["", *_worst(report, roll)]
    for heading, texts in (("Cube actions, not judged", cube_texts(report)), ("Not followed", problem_texts(report))):
        if texts:
            lines += ["", f"{heading}:", *(f"  {text}" for text in texts)]
    return "\n".join([*lines, "", *(f"* {note}" for note in notes_of(report))])


def _worst(report: Report, roll: JudgedRoll) -> list[str]:
    identifier = roll.identifier
    ids = f"  {identifier.xgid}  {identifier.position_id}:{identifier.match_id}"
    return [roll_text(report, roll), ids, *candidate_lines(roll.decision, roll.ranked, SHOWN_CANDIDATES)]
