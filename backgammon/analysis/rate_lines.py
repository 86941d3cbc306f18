"""What somebody loses, by phase of the play and by the cube, over many matches.

Decisions are those that count for the PR (`cube_figures`); of a match that was judged without the cube, all plays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backgammon.analysis.cube_figures import counts_for_pr, pr_factor
from backgammon.analysis.mean_figures import XG_FACTOR
from backgammon.analysis.report import Report
from backgammon.rules.phase import phase_name
from backgammon.tools.intervals import estimate_mean

CUBE = "cube"
"""Stands for a phase where decisions about the cube are meant."""


def phase_losses(report: Report) -> dict[tuple[int, str], tuple[int, float]]:
    """(decisions, equity lost) by seat and phase; in a match to 1 point, losses as XG counts them there."""
    match = report.match
    found: dict[tuple[int, str], tuple[int, float]] = {}
    losses = [
        (roll.seat, phase_name(roll.decision.position.board), roll.loss)
        for roll in match.rolls
        if (counts_for_pr(roll) if match.is_cubeful else roll.is_counted)
    ]
    losses += [(cube.seat, CUBE, cube.loss) for cube in match.cubes if cube.is_counted]
    factor = pr_factor(match) / XG_FACTOR if match.is_cubeful else 1.0
    for seat, phase, loss in losses:
        decisions, lost = found.get((seat, phase), (0, 0.0))
        found[seat, phase] = decisions + 1, lost + factor * loss
    return found


def rate_line(name: str, rows: list[tuple[str, int, int, float]]) -> dict[str, Any]:
    """A line of `rates`: a ratio of sums over matches."""
    by_match: dict[int, tuple[int, float]] = {}
    for _, match, decisions, lost in rows:
        before = by_match.get(match, (0, 0.0))
        by_match[match] = before[0] + decisions, before[1] + lost
    # the mean of a match stands for each of its decisions: the interval counts matches, not decisions
    counts = np.array([decisions for decisions, _ in by_match.values()])
    means = np.array([XG_FACTOR * lost / decisions for decisions, lost in by_match.values()])
    estimate = estimate_mean(np.repeat(means, counts), np.repeat(np.arange(len(counts)), counts))
    return {
        "phase": name,
        "decisions": int(counts.sum()),
        "matches": len(counts),
        "rate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
    }
