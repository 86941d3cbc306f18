"""Which outcomes the rules still allow: the one rule, for nets that mask what cannot happen and for their checks.

M candidates, 6 outcomes in the order of `outcome.OUTCOMES`. A side that has borne off a checker cannot lose a gammon.
Without contact, a side with no checker on the bar or in the winner's home board cannot lose a backgammon: checkers do
not move back. Of a game that is over only what came about is possible.
"""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import NUM_CHECKERS
from backgammon.rules.ending import points_of_winner
from backgammon.tools.arrays import Boards, Bools
from backgammon.tools.intrinsics import count_own, count_theirs, locations_above
from backgammon.tools.jit import kernel

_NUM_OUTCOMES = 6
_LOCATIONS = (1 << 26) - 1
_HOME = 0b1111111
"""Bits of the home board and of the opponent's bar."""
_SINGLES, _WON, _LOST = 0b001001, 0b000010, 0b010000
"""Bits of the single games; of a gammon won and of one lost; twice as much is the backgammon."""


@kernel
def possible_mask(boards: Boards, at: int) -> int:
    """Bit k for outcome k, for the player who has just moved; a single bit when it has no checker left.

    Args:
        boards: int8, flat; a board seen by the player who has just moved begins at `at`.
        at: where it begins.
    """
    points = points_of_winner(boards, at)
    if points:
        return 1 << (points - 1)
    own = locations_above(boards, at, 0)
    theirs = ~locations_above(boards, at, -1) & _LOCATIONS
    has_contact = own > (theirs & -theirs)  # our rearmost checker has one of theirs still to pass
    mask = _SINGLES
    if count_theirs(boards, at) == NUM_CHECKERS:
        mask |= 3 * _WON if has_contact or theirs & _HOME else _WON
    if count_own(boards, at) == NUM_CHECKERS:
        mask |= 3 * _LOST if has_contact or own >> 19 else _LOST
    return mask


@kernel
def _fill_possible(boards: Boards, possible: Bools) -> None:
    for i in range(possible.shape[0]):
        mask = possible_mask(boards, i * 26)
        for k in range(_NUM_OUTCOMES):
            possible[i, k] = mask >> k & 1 == 1


def allowed_outcomes(boards: Boards) -> Bools:
    """bool[M, 6] of candidates int8[M, 26], seen by the player who has just moved; games that are over are among them.

    >>> from backgammon.rules.board import START
    >>> bool(allowed_outcomes(START[None]).all())
    True
    """
    allowed = np.empty((len(boards), _NUM_OUTCOMES), dtype=np.bool_)
    _fill_possible(np.require(boards, np.int8, ["C"]).reshape(-1), allowed)
    return allowed
