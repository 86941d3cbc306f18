"""Where each roll can take each bear-off position of one side, asked of the move generator: no rule lives here.

Axes: R = 21 rolls in the order of `dice.ROLLS`. The successors of roll r of position `first` + i are
targets[offsets[21 * i + r] : offsets[21 * i + r + 1]], in the canonical order of the move generator.
"""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.bearoff.index import own_index, place_own
from backgammon.rules.board import NUM_LOCATIONS, OPPONENT_BAR
from backgammon.rules.dice import ROLLS
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Int32s, Int64s
from backgammon.tools.jit import kernel

NUM_ROLLS = len(ROLLS)
ROLL_WEIGHTS: Int64s = np.array([1 if roll.is_double else 2 for roll in ROLLS])
"""Ways out of 36 to throw each roll."""

_DICE = np.array(ROLLS, dtype=np.int8)


@kernel
def fill_boards(first: int, points: int, checkers: int, boards: Boards) -> None:
    """Write the own checkers of positions `first`, `first` + 1, ... into the rows of boards: int8[B, 26]."""
    for row in range(boards.shape[0]):
        place_own(first + row, points, checkers, boards[row])


@kernel
def _fill_targets(candidates: Boards, points: int, targets: Int32s) -> None:
    for row in range(candidates.shape[0]):
        targets[row] = own_index(candidates[row], points)


def list_successors(first: int, last: int, points: int, checkers: int) -> tuple[Int64s, Int32s]:
    """Offsets int64[21 * (last - first) + 1] and targets int32 (indices) of positions `first`..`last` - 1.

    Args:
        first: at least 1 (nobody rolls with all checkers off).
        last: at most num_positions(points, checkers).
        points: 1..10.
        checkers: 1..15, the most that a position may have.
    """
    boards = np.zeros((last - first, NUM_LOCATIONS), dtype=np.int8)
    boards[:, OPPONENT_BAR] = -1  # the generator wants an opponent; there it is in nobody's way
    fill_boards(first, points, checkers, boards)
    candidates, offsets = legal_candidates(np.repeat(boards, NUM_ROLLS, axis=0), np.tile(_DICE, (last - first, 1)))
    targets = np.empty(len(candidates), dtype=np.int32)
    _fill_targets(candidates, points, targets)
    return offsets, targets
