"""Which single moves lead to a chosen candidate, for many plays at once: what formats without play texts need.

Axis: P plays.
"""

from __future__ import annotations

import numpy as np

from backgammon.records.replay.hops import Hop
from backgammon.rules.board import NUM_LOCATIONS, Board
from backgammon.rules.movegen import LEAF, MAX_CANDIDATES, checked_decisions, generate_traced
from backgammon.tools.arrays import Boards, Dice, Int32s, Int64s
from backgammon.tools.jit import kernel


@kernel
def _retrace(
    boards: Boards,
    dice: Dice,
    rows: Int64s,
    moves: Board,
    candidates: Boards,
    scratch: Board,
    trace: Int32s,
) -> None:
    """Fill moves[p] with (from, to) of the play that made candidate rows[p]; unused pairs are left alone."""
    for p in range(boards.shape[0]):
        _, num_entries = generate_traced(boards[p], dice[p, 0], dice[p, 1], candidates, 0, scratch, trace)
        leaf = -1
        for e in range(num_entries):
            entry = trace[e]
            depth = (entry >> 12 & 7) - 1
            moves[p, 2 * depth] = entry >> 6 & 63
            moves[p, 2 * depth + 1] = entry & 63
            if entry & LEAF:
                leaf += 1
                if leaf == rows[p]:
                    for i in range(2 * depth + 2, 8):
                        moves[p, i] = 0
                    break


def find_hops(boards: Boards, dice: Dice, rows: Int64s) -> list[list[Hop]]:
    """For each play the moves that make it, one die each; an empty list for a dance.

    Args:
        boards: int8[P, 26] of the player on roll.
        dice: int8[P, 2].
        rows: int64[P] among the candidates of each roll, within range.

    Raises:
        PositionError: a board that cannot be played on.
        DiceError: a die outside 1..6.
    """
    boards, dice = checked_decisions(boards, dice)
    moves = np.zeros((len(boards), 8), dtype=np.int8)
    _retrace(
        boards,
        dice,
        np.ascontiguousarray(rows, dtype=np.int64),
        moves,
        np.empty((MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8),
        np.empty((3, NUM_LOCATIONS), dtype=np.int8),
        np.zeros(2 * MAX_CANDIDATES, dtype=np.int32),
    )
    return [
        [(row[i], row[i + 1]) for i in range(0, 8, 2) if row[i]]  # a move never starts from 0
        for row in moves.tolist()
    ]
