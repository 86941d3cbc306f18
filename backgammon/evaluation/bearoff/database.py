"""Look up bear-off positions: one board or many, from Python or from another kernel.

Axes: B boards, L rolls (a count). Every probability and equity is for the player on roll. Outcomes are six exclusive
probabilities: win single, gammon, backgammon; lose single, gammon, backgammon. They sum to 1.

How good the numbers are:

* Two-sided (at most `exact_checkers` a side on `exact_points` points): exact, perfect play of both sides, to the
  rounding of float32 (6e-8).
* One-sided (any number of checkers on `points` points): exact distributions of a side that plays for the least expected
  number of rolls, and the sides taken as independent. Real play depends a little on the opponent (take a risk when
  behind), and saving a gammon and not losing the race share the same rolls. Over the 852,000 positions of the
  two-sided table the winning chance is off by 0.0009 on average and by 0.014 at most (a test repeats this). No
  backgammon can occur: every checker has passed the winner's home board.

Finished games are covered too, so a leaf of a search needs no special case.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.evaluation.bearoff.index import (
    ONE_SIDED,
    TWO_SIDED,
    UNCOVERED,
    coverage,
    num_positions,
    opponent_index,
    own_index,
)
from backgammon.rules.board import NUM_CHECKERS, NUM_LOCATIONS, Board
from backgammon.tools.arrays import Boards, Float32s, Float64s, Int8s
from backgammon.tools.errors import PositionError
from backgammon.tools.jit import kernel

Table = Float32s
Probabilities = Float64s

NUM_OUTCOMES = 6
OUTCOME_POINTS: Float64s = np.array([1.0, 2.0, 3.0, -1.0, -2.0, -3.0])
"""Points of each outcome for the player on roll, cube apart."""


class Tables(NamedTuple):
    """Both tables as one argument of a kernel; see `builder` for the contents."""

    points: int
    off: Table
    """float32[N, L]: probability that the last checker goes off with exactly that roll."""
    first_off: Table
    """float32[N', L]: the same for the first checker; the last N' = N - num_below positions have all 15 checkers."""
    num_below: int
    exact_points: int
    exact_checkers: int
    equities: Table
    """float32[M, M, 4]: (own index, opponent's index, cube state)."""


@kernel
def win_probability(off: Table, own: int, opponent: int) -> float:
    """Chance of the player on roll to be off first, both sides playing on their own; indices into `off`."""
    win = lose = own_later = opponent_later = 0.0
    for count in range(off.shape[1] - 1, -1, -1):
        lose += off[opponent, count] * own_later
        opponent_later += off[opponent, count]
        win += off[own, count] * opponent_later
        own_later += off[own, count]
    return win / (win + lose)  # the sum is 1 but for float32


@kernel
def gammon_probability(off: Table, first_off: Table, winner: int, loser: int, loser_rolls_first: bool) -> float:
    """Chance that one side is off before the other has borne off its first checker.

    Args:
        off: of `Tables`.
        first_off: of `Tables`.
        winner: index into `off`.
        loser: row of `first_off`: index less `num_below`.
        loser_rolls_first: True when the loser is on roll.
    """
    gammon = still_none = 0.0  # still_none: no checker off before the winner's roll number `count`
    for count in range(off.shape[1] - 1, -1, -1):
        if loser_rolls_first:
            gammon += off[winner, count] * still_none
        still_none += first_off[loser, count]
        if not loser_rolls_first:
            gammon += off[winner, count] * still_none
    return min(gammon, 1.0)


@kernel
def fill_outcome(tables: Tables, board: Board, out: Probabilities) -> int:
    """Write the six outcomes of a board into out[6] and give its `coverage`; UNCOVERED leaves `out` alone.

    Args:
        tables: from `Bearoff.tables`.
        board: int8[26], player on roll, in play or finished.
        out: float64[6].
    """
    covered = coverage(board, tables.points, tables.exact_points, tables.exact_checkers)
    if covered == UNCOVERED:
        return covered
    out[:] = 0.0
    if covered == TWO_SIDED:
        own = own_index(board, tables.exact_points)
        opponent = opponent_index(board, tables.exact_points)
        out[0] = 0.5 + 0.5 * tables.equities[own, opponent, 0]
        out[3] = 1.0 - out[0]
        return covered
    own = own_index(board, tables.points)
    opponent = opponent_index(board, tables.points)
    win = win_probability(tables.off, own, opponent)
    if opponent >= tables.num_below:
        out[1] = min(win, gammon_probability(tables.off, tables.first_off, own, opponent - tables.num_below, False))
    if own >= tables.num_below:
        out[4] = min(
            1.0 - win, gammon_probability(tables.off, tables.first_off, opponent, own - tables.num_below, True)
        )
    out[0] = win - out[1]
    out[3] = 1.0 - win - out[4]
    return covered


@kernel
def two_sided_equity(tables: Tables, board: Board, state: int) -> float:
    """Exact equity of a board whose `coverage` is TWO_SIDED; `state` is CUBELESS, OWNED, CENTRED or OPPONENT_OWNS."""
    own = own_index(board, tables.exact_points)
    return float(tables.equities[own, opponent_index(board, tables.exact_points), state])


@kernel
def _fill_outcomes(tables: Tables, boards: Boards, out: Probabilities, covered: Int8s) -> None:
    for i in range(boards.shape[0]):
        covered[i] = fill_outcome(tables, boards[i], out[i])


@kernel
def _fill_coverage(tables: Tables, boards: Boards, covered: Int8s) -> None:
    for i in range(boards.shape[0]):
        covered[i] = coverage(boards[i], tables.points, tables.exact_points, tables.exact_checkers)


@kernel
def _first_unusable(boards: Boards) -> int:
    """Index of the first board with no checker at all or with more than 15 on a side; -1 if there is none."""
    for i in range(boards.shape[0]):
        own = opponent = 0
        for location in range(26):
            count = boards[i, location]
            if count > 0:
                own += count
            else:
                opponent -= count
        if own + opponent == 0 or own > 15 or opponent > 15:
            return i
    return -1


@kernel
def _fill_equities(tables: Tables, boards: Boards, out: Probabilities) -> None:
    for i in range(boards.shape[0]):
        for state in range(4):
            out[i, state] = two_sided_equity(tables, boards[i], state)


class Bearoff:
    """The two bear-off tables, ready for look-ups; made by `find_or_build`."""

    def __init__(self, tables: Tables) -> None:
        """Tables as `store` reads or computes them."""
        self.tables = tables
        """For kernels: pass it on to `fill_outcome` or `two_sided_equity`."""

    def coverage(self, boards: Boards) -> Int8s:
        """Which table covers each of boards int8[B, 26]: int8[B] of UNCOVERED, ONE_SIDED, TWO_SIDED."""
        boards = _as_boards(boards)
        covered = np.empty(len(boards), dtype=np.int8)
        _fill_coverage(self.tables, boards, covered)
        return covered

    def outcomes(self, boards: Boards) -> Probabilities:
        """The six exclusive outcomes of each board, from the best table that covers it.

        Args:
            boards: int8[B, 26], player on roll, in play or finished.

        Returns:
            float64[B, 6]; for gammons see the module's text.

        Raises:
            PositionError: a board that no table covers; ask `coverage` first.
        """
        boards = _as_boards(boards)
        out = np.empty((len(boards), NUM_OUTCOMES))
        covered = np.empty(len(boards), dtype=np.int8)
        _fill_outcomes(self.tables, boards, out, covered)
        self._require(covered, boards, ONE_SIDED)
        return out

    def equities(self, boards: Boards) -> Probabilities:
        """Cubeless equity of each board, float64[B], -2 to 2; arguments and errors as for `outcomes`."""
        return np.asarray(self.outcomes(boards) @ OUTCOME_POINTS)

    def cube_equities(self, boards: Boards) -> Probabilities:
        """Exact money equities float64[B, 4]: cubeless, and with the cube owned, centred, owned by the opponent.

        Per unit of the present cube, before the roll and after a decision not to double; `builder.cube_equity` joins
        them to the equity of a player who may double.

        Args:
            boards: int8[B, 26], player on roll, in play or finished.

        Raises:
            PositionError: a board that the two-sided table does not cover.
        """
        boards = _as_boards(boards)
        self._require(self.coverage(boards), boards, TWO_SIDED)
        out = np.empty((len(boards), 4))
        _fill_equities(self.tables, boards, out)
        return out

    def roll_counts(self, board: Board) -> Probabilities:
        """Probability that the player on roll needs exactly 0, 1, 2, ... rolls to bear off every checker: float64[L].

        Raises:
            PositionError: a board that no table covers.
        """
        boards = _as_boards(np.asarray(board)[None])
        self._require(self.coverage(boards), boards, ONE_SIDED)
        row = own_index(boards[0], self.tables.points)
        return np.asarray(self.tables.off[row], dtype=np.float64)

    def _require(self, covered: Int8s, boards: Boards, least: int) -> None:
        """Refuse the first board with less coverage than `least`."""
        for i in np.flatnonzero(covered < least)[:1]:
            tables = self.tables
            size = (
                f"at most {tables.exact_checkers} checkers on the last {tables.exact_points} points"
                if least == TWO_SIDED
                else f"every checker on the last {tables.points} points"
            )
            raise PositionError(f"board {i}: {boards[i].tolist()} is not in the table: both sides need {size}")


def make_tables(points: int, off: Table, first_off: Table, exact: tuple[int, int], equities: Table) -> Tables:
    """Tables of one-sided arrays for `points` and two-sided ones for `exact` = (points, checkers)."""
    return Tables(points, off, first_off, num_positions(points, NUM_CHECKERS - 1), *exact, equities)


def _as_boards(boards: Boards) -> Boards:
    """`boards` as contiguous int8[B, 26] that can be looked up; PositionError otherwise."""
    array = np.asarray(boards)
    if array.ndim != 2 or array.shape[1] != NUM_LOCATIONS or array.dtype != np.int8:
        raise PositionError(f"boards must be int8[B, {NUM_LOCATIONS}], not {array.dtype}{list(array.shape)}")
    array = np.ascontiguousarray(array)
    unusable = _first_unusable(array)
    if unusable >= 0:
        board = array[unusable].tolist()
        raise PositionError(f"board {unusable}: {board} has no checker, or more than {NUM_CHECKERS} a side")
    return array
