"""A board as tokens: its 26 locations, then the checkers that each side has borne off.

M boards, m = 28 tokens. A token is the row place * NUM_COUNTS + count + 15 of a table; counts are positive for the side
from which the board is seen, negative for the other.
"""

from __future__ import annotations

import numpy as np

from backgammon.learner.inputs.features import COUNT_OFFSET, NUM_COUNTS
from backgammon.rules.board import NUM_CHECKERS, NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Int64s

NUM_TOKENS = NUM_LOCATIONS + 2
_ROW_OF_NONE = np.arange(NUM_TOKENS) * NUM_COUNTS + COUNT_OFFSET


def token_rows(boards: Boards) -> Int64s:
    """Rows int64[M, m] of the tokens of boards int8[M, 26]."""
    rows = np.empty((len(boards), NUM_TOKENS), dtype=np.int64)
    rows[:, :NUM_LOCATIONS] = boards
    rows[:, NUM_LOCATIONS] = NUM_CHECKERS - np.maximum(boards, 0).sum(1, dtype=np.int64)
    rows[:, NUM_LOCATIONS + 1] = -NUM_CHECKERS - np.minimum(boards, 0).sum(1, dtype=np.int64)
    rows += _ROW_OF_NONE
    return rows
