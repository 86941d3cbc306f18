"""Positions: 26 signed counts seen by the player on roll.

A position is int8[26]: index 1..24 the points from the owner's side (1..6 the own home board), 25 the own bar, 0 the
opponent's bar. Positive counts are the player on roll, negative the opponent. Checkers borne off are those missing to
15.

`candidates` (results of a play) are in the same form but seen by the player who has JUST MOVED; `swap` turns them
into the position of the player who rolls next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from backgammon.rules import drawing
from backgammon.tools.arrays import Boards, Int8s, Int64s
from backgammon.tools.errors import PositionError

Board = Int8s
"""int8[26], or int8[..., 26] for many."""

NUM_LOCATIONS = 26
NUM_CHECKERS = 15
BAR = 25
OPPONENT_BAR = 0
HOME = 6
"""The last point of the home board."""

_PIPS = np.arange(NUM_LOCATIONS, dtype=np.int64)

START = np.zeros(NUM_LOCATIONS, dtype=np.int8)
START[[24, 13, 8, 6]] = 2, 5, 3, 5
START[[1, 12, 17, 19]] = -2, -5, -3, -5
START.setflags(write=False)


def swap(boards: Boards) -> Boards:
    """The same board(s) from the other player's side. boards: int8[..., 26]; a new contiguous array."""
    return np.ascontiguousarray(-boards[..., ::-1])


def pip_counts(boards: Boards) -> tuple[Int64s, Int64s]:
    """Pips still to play for the player in whose view the board is, and for the opponent. boards: int8[..., 26]."""
    wide = boards.astype(np.int64)
    return np.maximum(wide, 0) @ _PIPS, np.maximum(-wide, 0) @ _PIPS[::-1]


def checkers_off(boards: Boards) -> tuple[Int64s, Int64s]:
    """Checkers borne off, own and the opponent's. boards: int8[..., 26]."""
    wide = boards.astype(np.int64)
    return NUM_CHECKERS - np.maximum(wide, 0).sum(-1), NUM_CHECKERS - np.maximum(-wide, 0).sum(-1)


def points_won(board: Board) -> int:
    """Points of a finished game for the viewer, cube apart: +-1 single, +-2 gammon, +-3 backgammon; 0 in play.

    A gammon is a win against a player who has borne off none; a backgammon when such a player still has a checker in
    the winner's home board or on the bar.
    """
    if not (board > 0).any():
        return _points_lost(swap(board))
    if not (board < 0).any():
        return -_points_lost(board)
    return 0


def _points_lost(loser: Board) -> int:
    """1, 2 or 3: what the player in whose view `loser` is loses to an opponent who has borne off every checker."""
    if int(loser.astype(np.int64).sum()) < NUM_CHECKERS:
        return 1
    return 3 if (loser[BAR - HOME :] > 0).any() else 2


def check_board(board: Board) -> None:
    """Refuse a board that cannot occur in a game.

    Raises:
        PositionError: wrong shape, more than 15 checkers a side, a checker on the other side's bar, or nobody left.
    """
    if board.shape != (NUM_LOCATIONS,):
        raise PositionError(f"a board has {NUM_LOCATIONS} counts, not shape {board.shape}")
    wide = board.astype(np.int64)
    for name, count in (
        ("the player on roll", np.maximum(wide, 0).sum()),
        ("the opponent", np.maximum(-wide, 0).sum()),
    ):
        if count > NUM_CHECKERS:
            raise PositionError(f"{name} has {count} checkers; there are only {NUM_CHECKERS}")
    if wide[BAR] < 0:
        raise PositionError("index 25 is the bar of the player on roll and cannot hold the opponent's checkers")
    if wide[OPPONENT_BAR] > 0:
        raise PositionError("index 0 is the opponent's bar and cannot hold checkers of the player on roll")
    if not wide.any():
        raise PositionError("no checkers at all: at least one side must have some left")


class Position:
    """An immutable, hashable position; `board` is its read-only int8[26].

    >>> Position.start().pips
    167
    """

    __slots__ = ("_board", "_key")

    def __init__(self, board: Iterable[int] | Board) -> None:
        """Copy and check 26 counts.

        Raises:
            PositionError: the counts cannot occur in a game.
        """
        given = np.asarray(list(board) if not isinstance(board, np.ndarray) else board)
        if given.dtype.kind not in "iu":
            raise PositionError(f"counts must be whole numbers, not {given.dtype}")
        if given.size and (given.max() > NUM_CHECKERS or given.min() < -NUM_CHECKERS):
            raise PositionError(f"a point cannot hold more than {NUM_CHECKERS} checkers")
        own = np.array(given, dtype=np.int8)
        check_board(own)
        own.setflags(write=False)
        self._board = own
        self._key = own.tobytes()

    @classmethod
    def start(cls) -> Position:
        """The starting position."""
        return cls(START)

    @property
    def board(self) -> Board:
        """int8[26], read-only."""
        return self._board

    @property
    def key(self) -> bytes:
        """The 26 counts as bytes: equal exactly for equal positions."""
        return self._key

    def _repr_svg_(self) -> str | None:
        """The picture that a notebook shows."""
        return drawing.draw(self._board)

    def swap(self) -> Position:
        """The same position seen by the other player."""
        return Position(swap(self._board))

    @property
    def pips(self) -> int:
        """Pips that the player on roll still has to play."""
        return int(pip_counts(self._board)[0])

    @property
    def opponent_pips(self) -> int:
        """Pips that the opponent still has to play."""
        return int(pip_counts(self._board)[1])

    @property
    def off(self) -> int:
        """Checkers that the player on roll has borne off."""
        return int(checkers_off(self._board)[0])

    @property
    def opponent_off(self) -> int:
        """Checkers that the opponent has borne off."""
        return int(checkers_off(self._board)[1])

    @property
    def points_won(self) -> int:
        """See `points_won`."""
        return points_won(self._board)

    @property
    def is_over(self) -> bool:
        """True when one side has borne off every checker."""
        return points_won(self._board) != 0

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Position) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Position({self._board.tolist()})"

    def __reduce__(self) -> tuple[type[Position], tuple[list[int]]]:
        return Position, (self._board.tolist(),)
