"""Candidates rolled out against each other: rounds of games until one is clearly ahead, or exact enough.

Axis legend: K candidates of a decision, G games of a candidate.

After every round the rules look at all candidates of a decision: one that is behind the best by `lead` joint standard
errors is given up; a decision with one candidate left is done, and one where the difference between the best and every
other candidate in play is known to `max_error`. The joint error is that of the difference game by game, for game k of
both has the same dice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backgammon.rules.board import Board
from backgammon.search.rollout import GameEstimate, RolloutEstimate, RolloutSettings
from backgammon.search.work import RolloutUnit, Workshop
from backgammon.tools.errors import ConfigError

_NO_GAMES = np.zeros((0, 6), dtype=np.float32)


def roll_out_candidates(
    decisions: Sequence[Board],
    workshop: Workshop,
    progress: Callable[[], None] | None = None,
    others: Sequence[int] | None = None,
) -> list[list[RolloutEstimate]]:
    """Roll out the candidates of many decisions, round by round.

    Args:
        decisions: for each decision its candidates int8[K, 26], K >= 1, seen by the player who has just moved.
        workshop: does the games.
        progress: called after each work unit.
        others: how many candidates of each decision a search has told from these already; None for none.

    Returns:
        For each decision the estimates of its candidates, in their order.

    Raises:
        ConfigError: a decision without candidates.
        DataError: a kept result is damaged.
    """
    if not all(len(candidates) for candidates in decisions):
        raise ConfigError("a rollout needs at least one candidate in every decision")
    settings = workshop.settings
    estimates = [[RolloutEstimate(_NO_GAMES) for _ in candidates] for candidates in decisions]
    open_rows = [list(range(len(candidates))) for candidates in decisions]
    for first in range(0, settings.games, settings.round_games):
        count = min(settings.round_games, settings.games - first)
        wanted = [(i, row) for i, rows in enumerate(open_rows) for row in rows]
        if not wanted:
            break
        units = [RolloutUnit(np.ascontiguousarray(decisions[i][row]).tobytes(), first, count) for i, row in wanted]
        for (i, row), games in zip(wanted, workshop.results(units, progress), strict=True):
            estimates[i][row] = estimates[i][row].joined(games)
        open_rows = [
            still_open(found, rows, settings, apart)
            for found, rows, apart in zip(estimates, open_rows, others or [0] * len(decisions), strict=True)
        ]
    return estimates


def still_open(found: Sequence[GameEstimate], rows: list[int], settings: RolloutSettings, others: int = 0) -> list[int]:
    """Which of the candidates `rows` need more games; `others` were told from all of `found` before."""
    if not rows:
        return []
    best = max(rows, key=lambda row: found[row].equity)
    rivals = [row for row in rows if row == best or not _is_behind(found[row], found[best], settings.lead)]
    if len(rivals) == 1 < len(found) + others and settings.lead is not None:
        return []
    if settings.max_error is None:
        return rivals
    errors = [found[best].joint_error(found[row]) for row in rivals if row != best]
    return rivals if max(errors, default=found[best].standard_error) > settings.max_error else []


def _is_behind(estimate: GameEstimate, best: GameEstimate, lead: float | None) -> bool:
    if lead is None:
        return False
    return best.lead_over(estimate) > lead * best.joint_error(estimate)
