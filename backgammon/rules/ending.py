"""Who has borne off every checker, and what that wins: compiled, for one position or many.

`board.points_won` says the same of a single position without a compiler; a test compares them.
"""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import NUM_CHECKERS
from backgammon.tools.arrays import Boards, Bools
from backgammon.tools.intrinsics import count_own, count_theirs, locations_above
from backgammon.tools.jit import kernel

_LOCATIONS = (1 << 26) - 1
_HOME = 0b1111111
"""Bits of the home board and of the opponent's bar."""


@kernel
def points_of_winner(boards: Boards, at: int) -> int:
    """Points that the side in whose view the board is has won by bearing off its last checker; 0 while it has any.

    Args:
        boards: int8, flat.
        at: where the 26 counts of the board begin.

    Returns:
        1, 2 if the loser has borne off none, 3 if it then still has a checker on the bar or in the winner's home board.
    """
    if count_own(boards, at) > 0:
        return 0
    if count_theirs(boards, at) < NUM_CHECKERS:
        return 1
    theirs = ~locations_above(boards, at, -1) & _LOCATIONS
    return 3 if theirs & _HOME else 2


@kernel
def _fill_won(boards: Boards, won: Bools) -> None:
    for i in range(won.shape[0]):
        won[i] = count_own(boards, i * 26) == 0


def has_won(boards: Boards) -> Bools:
    """True where the side in whose view the board is has no checker left: bool[M] for int8[M, 26]."""
    won = np.empty(len(boards), dtype=np.bool_)
    _fill_won(np.ascontiguousarray(boards).reshape(-1), won)
    return won
