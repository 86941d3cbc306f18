"""Bear-off positions of one side as consecutive numbers, and which tables cover a board.

A side is described by its checkers on its own points 1..P. Let t(k) be the number of checkers on the k rearmost of
these points (t(1): the P-point alone, t(P): all). The index is

    sum over k = 1..P of C(t(k) + k - 1, k)

the colexicographic rank of the P-subset {t(k) + k - 1}, a bijection of the positions with at most K checkers onto
0..C(P + K, P) - 1 (Knuth, The Art of Computer Programming 4A, 7.2.1.3, theorem L). GNU Backgammon numbers its
positions in the same way. Two properties matter here:

* a play never raises a t(k) and lowers at least one, so every play leads to a smaller index (0: all borne off);
* positions with fewer checkers come first, so the index does not depend on K.
"""

from __future__ import annotations

from math import comb

import numpy as np

from backgammon.rules.board import NUM_CHECKERS, Board
from backgammon.tools.jit import kernel

MAX_POINTS = 10
"""Both sides within their own 10 points have passed each other, and tables stay within memory."""

UNCOVERED, ONE_SIDED, TWO_SIDED = 0, 1, 2
"""Answers of `coverage`."""

_BINOMIALS = np.array(
    [[comb(n, k) for k in range(MAX_POINTS + 1)] for n in range(MAX_POINTS + NUM_CHECKERS)], dtype=np.int64
)


def num_positions(points: int, checkers: int) -> int:
    """Positions of one side with at most `checkers` checkers on its first `points` points, all borne off included.

    >>> num_positions(6, 15)
    54264
    """
    return comb(points + checkers, points)


@kernel
def own_index(board: Board, points: int) -> int:
    """Index of the checkers of the player in whose view the board is; all must stand on points 1..`points`."""
    index = 0
    rearmost = 0
    for k in range(1, points + 1):
        rearmost += board[points + 1 - k]
        index += _BINOMIALS[rearmost + k - 1, k]
    return index


@kernel
def opponent_index(board: Board, points: int) -> int:
    """Index of the opponent's checkers, counted from the opponent's side; all must stand on its 1..`points`."""
    index = 0
    rearmost = 0
    for k in range(1, points + 1):
        rearmost -= board[24 - points + k]
        index += _BINOMIALS[rearmost + k - 1, k]
    return index


@kernel
def place_own(index: int, points: int, checkers: int, board: Board) -> None:
    """Write the own checkers of a position into points 1..`points` of `board`: int8[26]; the rest is left alone."""
    above = 0
    upper = points + checkers - 1
    for k in range(points, 0, -1):
        while _BINOMIALS[upper, k] > index:
            upper -= 1
        index -= _BINOMIALS[upper, k]
        rearmost = upper - k + 1
        if k < points:
            board[points - k] = above - rearmost
        above = rearmost
    board[points] = above


@kernel
def coverage(board: Board, points: int, exact_points: int, exact_checkers: int) -> int:
    """Which tables cover a board, int8[26]: TWO_SIDED, ONE_SIDED or UNCOVERED.

    Args:
        board: a position in play or just finished.
        points: both sides within their own 1..`points` are covered by the one-sided table.
        exact_points: as `points`, for the two-sided table.
        exact_checkers: checkers a side may have left for the two-sided table.
    """
    own = 0
    opponent = 0
    for location in range(points + 1, 26):
        if board[location] > 0 or board[25 - location] < 0:
            return UNCOVERED
    is_exact = True
    for point in range(1, points + 1):
        own += board[point]
        opponent -= board[25 - point]
        if point > exact_points and (board[point] != 0 or board[25 - point] != 0):
            is_exact = False
    if is_exact and own <= exact_checkers and opponent <= exact_checkers:
        return TWO_SIDED
    return ONE_SIDED
