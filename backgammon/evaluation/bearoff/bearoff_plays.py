"""Plays by the tables: decisions of the bear-off answered exactly, and positions after a play that need no judge.

Axes: N decisions, M positions after a play. Positions after a play and their outcomes are seen by the player who has
just moved; the tables know the player on roll, so a position is looked up from the other side and swapped back.

How exact: see `database`. A decision within the two-sided table is played perfectly; one that only the one-sided table
covers takes the candidate of greatest equity by that table, where both sides play for the fewest rolls.
"""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.bearoff.database import OUTCOME_POINTS, Probabilities, Tables, fill_outcome
from backgammon.evaluation.bearoff.index import UNCOVERED, coverage
from backgammon.rules.board import Board
from backgammon.rules.ending import points_of_winner
from backgammon.rules.movegen import MAX_CANDIDATES, generate
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int8s, Int64s
from backgammon.tools.jit import kernel

UNKNOWN, KNOWN, OVER = 0, 1, 2
"""Answers of `known_outcomes`: left to a judge, found in a table, the game is over."""


@kernel
def _fill_after(tables: Tables, board: Board, swapped: Board, out: Probabilities) -> int:
    """Outcomes of one position after a play into out[6], for the player who has just moved, if they are known."""
    points = points_of_winner(board, 0)
    if points:
        out[:] = 0.0
        out[points - 1] = 1.0
        return OVER
    covered = coverage(board, tables.points, tables.exact_points, tables.exact_checkers)
    if covered == UNCOVERED:  # the same from either side, and cheaper than to swap every board
        return UNKNOWN
    for location in range(26):
        swapped[location] = -board[25 - location]
    fill_outcome(tables, swapped, out)
    for i in range(3):
        out[i], out[i + 3] = out[i + 3], out[i]
    return KNOWN


@kernel
def _equity(out: Probabilities) -> float:
    """Points that the outcomes out[6] are worth."""
    equity = 0.0
    for outcome in range(6):
        equity += OUTCOME_POINTS[outcome] * out[outcome]
    return equity


@kernel
def _fill_equities(tables: Tables, boards: Boards, values: Float64s) -> None:
    swapped = np.empty(26, dtype=np.int8)
    out = np.empty(6)
    for i in range(boards.shape[0]):
        is_known = _fill_after(tables, boards[i], swapped, out) != UNKNOWN
        values[i] = _equity(out) if is_known else np.nan


@kernel
def _fill_known(tables: Tables, boards: Boards, outcomes: Float32s, known: Int8s) -> None:
    swapped = np.empty(26, dtype=np.int8)
    out = np.empty(6)
    for i in range(boards.shape[0]):
        known[i] = _fill_after(tables, boards[i], swapped, out)
        if known[i] != UNKNOWN:
            for outcome in range(6):
                outcomes[i, outcome] = out[outcome]


@kernel
def _play(tables: Tables, boards: Boards, dice: Dice, rows: Int64s, afters: Boards, outcomes: Float32s) -> None:
    candidates = np.empty((MAX_CANDIDATES, 26), dtype=np.int8)
    scratch = np.empty((3, 26), dtype=np.int8)
    swapped = np.empty(26, dtype=np.int8)
    out = np.empty(6)
    for i in range(boards.shape[0]):
        num_candidates = generate(boards[i], dice[i, 0], dice[i, 1], candidates, 0, scratch)
        greatest = -4.0
        for row in range(num_candidates):
            _fill_after(tables, candidates[row], swapped, out)
            equity = _equity(out)
            if equity > greatest:
                greatest = equity
                rows[i] = row
                for outcome in range(6):
                    outcomes[i, outcome] = out[outcome]
        for location in range(26):
            afters[i, location] = candidates[rows[i], location]


def known_outcomes(tables: Tables, boards: Boards) -> tuple[Int8s, Float32s]:
    """What needs no judge among positions after a play: games that are over, and those of the tables.

    Args:
        tables: of a `Bearoff`.
        boards: int8[M, 26], contiguous, seen by the player who has just moved.

    Returns:
        int8[M] of UNKNOWN, KNOWN, OVER; float32[M, 6] for that player, unset where UNKNOWN.
    """
    outcomes = np.empty((len(boards), 6), dtype=np.float32)
    known = np.empty(len(boards), dtype=np.int8)
    _fill_known(tables, boards, outcomes, known)
    return known, outcomes


def known_equities(tables: Tables, boards: Boards) -> Float64s:
    """Cubeless points float64[M] of positions after a play int8[M, 26], as `play_by_tables` compares them.

    For the player who has just moved; NaN where neither a table nor the end of the game tells.
    """
    values = np.empty(len(boards))
    _fill_equities(tables, np.ascontiguousarray(boards), values)
    return values


def play_by_tables(tables: Tables, boards: Boards, dice: Dice) -> tuple[Int64s, Board, Float32s]:
    """The candidate of greatest equity in decisions that a table covers; of equal ones the first.

    Args:
        tables: of a `Bearoff`.
        boards: int8[N, 26], checked and covered before the play (`Bearoff.coverage`), the player on roll.
        dice: int8[N, 2], checked.

    Returns:
        rows int64[N] among the candidates, the positions int8[N, 26] after them and their outcomes float32[N, 6], both
        seen by the player who has just moved.
    """
    rows = np.zeros(len(boards), dtype=np.int64)
    afters = np.empty((len(boards), 26), dtype=np.int8)
    outcomes = np.empty((len(boards), 6), dtype=np.float32)
    _play(tables, boards, dice, rows, afters, outcomes)
    return rows, afters, outcomes
