"""Look-ahead straight from its definition: recursion, one position at a time, nothing batched, nothing merged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import Outcomes
from backgammon.rules.board import Board, swap
from backgammon.tools.arrays import Float64s

Plays = Callable[[Board, Board], tuple[Board, Outcomes]]

ROLLS = [(high, low) for high in range(1, 7) for low in range(1, high + 1)]


def look_ahead(evaluator: Evaluator, after: Board, plies: int, reply: Plays | None = None) -> Float64s:
    """Outcomes float64[6] of one position after a play, for the player who has just moved."""
    if plies == 0 or not (after > 0).any():
        return np.asarray(evaluator.outcomes(after[None])[0], dtype=np.float64)
    total = np.zeros(6)
    for high, low in ROLLS:
        replies, _ = (reply or evaluator.play_best)(swap(after)[None], np.array([[high, low]], dtype=np.int8))
        value = look_ahead(evaluator, replies[0], plies - 1, reply)  # for the opponent, who has then just moved
        total += (1 if high == low else 2) / 36 * np.concatenate([value[3:], value[:3]])
    return total
