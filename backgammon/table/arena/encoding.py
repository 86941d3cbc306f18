"""What the agent sees of a position and its dice: two codings, written by kernels.

Both are seen by the player who decides: the agent against an opponent, the seat on roll in self-play.

`counts` int8[34], the layout of pgx:
    0..23    the points from the viewer's 24-point down to the 1-point, own checkers positive, the opponent's negative
    24, 25   checkers on the bar: own, and the opponent's as a negative number
    26, 27   checkers borne off: own, and the opponent's as a negative number
    28..33   how often a 1, 2, ..., 6 is still to be played in this turn

`units` float32[202], for networks, after Tesauro (1992), "Practical issues in temporal difference learning":
    0..191   for the viewer's points 1..24: four units for own checkers, then four for the opponent's:
             at least one, at least two, at least three, (n - 3) / 2 of those beyond three
    192..195 checkers on the bar / 2 and borne off / 15: own, opponent's, own, opponent's
    196..201 how often a 1, 2, ..., 6 is still to be played
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import Board
from backgammon.table.arena.turns import HIGH, LOW, NUM_HIGH, NUM_LOW, Registers
from backgammon.tools.arrays import Float32s, Int8s
from backgammon.tools.intrinsics import borrow
from backgammon.tools.jit import kernel

Coding = Literal["counts", "units"]
CODINGS: tuple[Coding, ...] = get_args(Coding)

NUM_COUNTS = 34
NUM_UNITS = 202


@kernel
def _write_counts(board: Board, out: Int8s) -> None:
    """The first 28 of `counts`; board: int8[26] of the viewer."""
    own = 0
    opponent = 0
    for k in range(26):
        if board[k] > 0:
            own += board[k]
        else:
            opponent -= board[k]
    for k in range(24):
        out[k] = board[24 - k]
    out[24] = board[25]
    out[25] = board[0]
    out[26] = 15 - own
    out[27] = opponent - 15


@kernel
def _write_group(count: int, out: Float32s, at: int) -> None:
    """Four units of one side's checkers on a point."""
    out[at] = 1.0 if count >= 1 else 0.0
    out[at + 1] = 1.0 if count >= 2 else 0.0
    out[at + 2] = 1.0 if count >= 3 else 0.0
    out[at + 3] = (count - 3) / 2.0 if count > 3 else 0.0


@kernel
def _write_units(board: Board, out: Float32s) -> None:
    """The first 196 of `units`; board: int8[26] of the viewer."""
    own = 0
    opponent = 0
    for k in range(26):
        if board[k] > 0:
            own += board[k]
        else:
            opponent -= board[k]
    for point in range(1, 25):
        _write_group(int(board[point]), out, 8 * point - 8)
        _write_group(-int(board[point]), out, 8 * point - 4)
    out[192] = board[25] / 2.0
    out[193] = -board[0] / 2.0
    out[194] = (15 - own) / 15.0
    out[195] = (15 - opponent) / 15.0


@kernel
def write_counts(views: Board, registers: Registers, out: Int8s) -> None:
    """`counts` of many games.

    Args:
        views: int8[N, 26] of the viewers.
        registers: int8[N, 9] (see `turns`).
        out: int8[N, 34], overwritten.
    """
    views, out = borrow(views), borrow(out)
    for i in range(views.shape[0]):
        _write_counts(views[i], out[i])
        out[i, 28:] = 0
        out[i, 27 + int(registers[i, HIGH])] += registers[i, NUM_HIGH]
        out[i, 27 + int(registers[i, LOW])] += registers[i, NUM_LOW]


@kernel
def write_units(views: Board, registers: Registers, out: Float32s) -> None:
    """`units` of many games; a loop of its own, for a kernel that takes its writer as an argument is not kept on disk.

    Args:
        views: int8[N, 26] of the viewers.
        registers: int8[N, 9] (see `turns`).
        out: float32[N, 202], overwritten.
    """
    views, out = borrow(views), borrow(out)
    for i in range(views.shape[0]):
        _write_units(views[i], out[i])
        out[i, 196:] = 0
        out[i, 195 + int(registers[i, HIGH])] += registers[i, NUM_HIGH]
        out[i, 195 + int(registers[i, LOW])] += registers[i, NUM_LOW]


def bounds(coding: Coding) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Smallest and largest value of every entry of a coding, in its dtype."""
    if coding == "counts":
        low = np.concatenate([np.full(24, -15), [0, -15, 0, -15], np.zeros(6)])
        high = np.concatenate([np.full(24, 15), [15, 0, 15, 0], np.full(6, 4)])
        return low.astype(np.int8), high.astype(np.int8)
    high = np.concatenate([np.tile([1, 1, 1, 6], 48), [7.5, 7.5, 1, 1], np.full(6, 4)])
    return np.zeros(NUM_UNITS, dtype=np.float32), high.astype(np.float32)
