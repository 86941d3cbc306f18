"""Fast arithmetic of a trained net at play time: generation, layers and choice in one compiled path.

Axis legend: H width of the first layer, K and W widths of a hidden layer's input and output, all padded with zeros to
a multiple of TILE_COLUMNS.

The input coding is additive over the 26 locations (see `features`), so the first layer is a sum of one table row for
each (location, count). Along the walk of the move generator (`generate_traced`) a move changes two counts by one
each, or four with a hit; `steps` holds the difference between the rows of neighbouring counts, so a candidate costs
one row added and one subtracted from the sums of the position before its last move. The hidden layers then take eight
candidates at once.

The first layer is summed in fixed point, int32 with a scale that is a power of two and leaves no sum room to
overflow: such sums are exact, so a score does not depend on the way it was reached, and is the same from
`choose_rows` and from `evaluate_boards`. It is finer than float32's own rounding of sums of that size. A candidate's
score depends on the position before the play and on the candidate, never on its rivals or the batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.intrinsics import TILE_COLUMNS, TILE_ROWS, dense_tile, dot_row, step_and_scale_row, step_row, sum_rows
from backgammon.jit import kernel
from backgammon.movegen import LEAF, MAX_CANDIDATES, generate_traced

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]

NUM_COUNTS = 31
"""Counts -15..15 of a location; a row of the tables is location * NUM_COUNTS + count + 15."""

_ROW_BYTES = 32
"""A board of 26 counts padded to a power of two."""
_NOWHERE = 30
"""A row of `steps` that is zero: there is no count above 15 to step to."""
_LOWEST = np.float32(-np.inf)
_MAX_SCALE_BITS = 24


class FoldedNet(NamedTuple):
    """A net as the kernels read it; every array flat and contiguous.

    Attributes:
        rows: int32[26 * 31 * H], first layer by (location, count) in fixed point, row-major.
        steps: int32[26 * 31 * H], rows of count + 1 minus rows of count; zero at count 15.
        base: int32[H], first layer of the empty board, bias included.
        scale: value of one fixed-point unit, a power of two.
        floor: 0 for rectified units, -inf when the first layer is the output (a linear net).
        widths: int64[1 + L], H and the padded widths of the L further hidden layers.
        weights: float32, the L matrices [K, W] one after another.
        biases: float32, the L biases [W] one after another.
        output: float32[last width], weights of the score; no bias, since only differences count.
    """

    rows: Integers
    steps: Integers
    base: Integers
    scale: np.float32
    floor: np.float32
    widths: npt.NDArray[np.int64]
    weights: Floats
    biases: Floats
    output: Floats


def fold_net(
    table: npt.NDArray[np.float64],
    base: npt.NDArray[np.float64],
    layers: list[tuple[Floats, Floats]],
    output: Floats,
    is_linear: bool,
) -> FoldedNet:
    """Lay a net out for the kernels.

    Args:
        table: float64[26, 31, H'], first layer by (location, count); the row of an empty location must be zero.
        base: float64[H'].
        layers: hidden layers after the first: (weight float32[W', K'], bias float32[W']) as torch keeps them.
        output: float32[last H' or W'].
        is_linear: the first layer is not followed by rectification.

    Returns:
        The net with all widths padded to a multiple of TILE_COLUMNS.
    """
    widths = [_padded(table.shape[2]), *(_padded(len(bias)) for _, bias in layers)]
    largest = float((np.abs(base) + np.abs(table).max(axis=1).sum(axis=0)).max())
    bits = min(_MAX_SCALE_BITS, 30 - math.ceil(math.log2(max(largest, 1e-9))))
    rows = np.zeros((26, NUM_COUNTS, widths[0]), dtype=np.int32)
    rows[:, :, : table.shape[2]] = np.rint(np.ldexp(table, bits))
    steps = np.zeros_like(rows)
    steps[:, :-1] = rows[:, 1:] - rows[:, :-1]
    padded_base = np.zeros(widths[0], dtype=np.int32)
    padded_base[: len(base)] = np.rint(np.ldexp(base, bits))
    weights, biases = [], []
    for (weight, bias), num_in, num_out in zip(layers, widths[:-1], widths[1:], strict=True):
        matrix = np.zeros((num_in, num_out), dtype=np.float32)
        matrix[: weight.shape[1], : weight.shape[0]] = weight.T
        weights.append(matrix.ravel())
        biases.append(_pad(bias, num_out))
    empty = [np.zeros(0, dtype=np.float32)]
    return FoldedNet(
        rows.ravel(),
        steps.ravel(),
        padded_base,
        np.float32(math.ldexp(1.0, -bits)),
        _LOWEST if is_linear else np.float32(0),
        np.array(widths, dtype=np.int64),
        np.concatenate(weights or empty),
        np.concatenate(biases or empty),
        _pad(output, widths[-1]),
    )


def _padded(width: int) -> int:
    return -(-width // TILE_COLUMNS) * TILE_COLUMNS


def _pad(values: npt.NDArray[np.floating], width: int) -> Floats:
    out = np.zeros(width, dtype=np.float32)
    out[: len(values)] = values
    return out


@kernel
def _row_starts(board: Board, width: int, starts: npt.NDArray[np.int64]) -> int:
    """Where the table rows of a board's occupied locations begin, into `starts`; gives their number."""
    num_rows = 0
    for location in range(26):
        count = int(board[location])
        if count != 0:
            starts[num_rows] = (location * 31 + count + 15) * width
            num_rows += 1
    return num_rows


@kernel
def _finish_block(
    widths: npt.NDArray[np.int64],
    weights: Floats,
    biases: Floats,
    output: Floats,
    block: Floats,
    num_rows: int,
    scores: Floats,
    at: int,
) -> None:
    """Hidden layers and score of up to eight rectified first layers, which stand at the start of `block`.

    The two halves of `block`, each eight rows of the widest layer, serve as input and output in turn.
    """
    half = block.shape[0] // 2
    given = 0
    weights_at = 0
    biases_at = 0
    for layer in range(1, widths.shape[0]):
        num_in = widths[layer - 1]
        num_out = widths[layer]
        for column in range(0, num_out, TILE_COLUMNS):
            dense_tile(
                block,
                given,
                num_in,
                num_in,
                weights,
                weights_at + column,
                num_out,
                biases,
                biases_at + column,
                block,
                half - given + column,
                num_out,
            )
        weights_at += num_in * num_out
        biases_at += num_out
        given = half - given
    width = widths[widths.shape[0] - 1]
    for row in range(num_rows):
        scores[at + row] = dot_row(block, given + row * width, output, width)


@kernel
def _score_walk(
    net: FoldedNet,
    trace: npt.NDArray[np.int32],
    num_entries: int,
    boards: npt.NDArray[np.int8],
    sums: Integers,
    block: Floats,
    scores: Floats,
) -> None:
    """Score every candidate of a walk in its order.

    Args:
        net: the folded net.
        trace: as `generate_traced` gives it.
        num_entries: its length.
        boards: int8[4 * 32], one board a depth; the first is the position before the play.
        sums: int32[5 * H], first layers of those boards, and room for one more; the first is filled in.
        block: float32[2 * TILE_ROWS * widest], room for the hidden layers.
        scores: float32, one for each candidate.
    """
    steps = net.steps
    width = net.widths[0]
    nowhere = _NOWHERE * width
    waiting = 0
    scored = 0
    for entry in range(num_entries):
        code = int(trace[entry])
        before = ((code >> 12 & 15) - 1) * _ROW_BYTES
        source = code >> 6 & 63
        target = code & 63
        sums_at = (code >> 12 & 15) * width
        is_leaf = code & LEAF != 0
        minus = (source * NUM_COUNTS + int(boards[before + source]) + 14) * width
        is_hit = False
        plus = nowhere
        if target > 0:
            plus = (target * NUM_COUNTS + int(boards[before + target]) + 15) * width
            is_hit = boards[before + target] == -1
        parent_at = sums_at - width
        if is_hit:  # two counts more: the blot that goes and the bar that gets it
            step_row(sums, sums_at, sums, parent_at, steps, plus, minus, width)
            parent_at = sums_at
            plus += width
            minus = (int(boards[before]) + 14) * width
        if is_leaf:
            at = waiting * width
            step_and_scale_row(block, at, sums, parent_at, steps, plus, minus, width, net.scale, net.floor)
            waiting += 1
            if waiting == TILE_ROWS:
                _finish_block(net.widths, net.weights, net.biases, net.output, block, waiting, scores, scored)
                scored += waiting
                waiting = 0
        else:
            step_row(sums, sums_at, sums, parent_at, steps, plus, minus, width)
            after = before + _ROW_BYTES
            for i in range(_ROW_BYTES):
                boards[after + i] = boards[before + i]
            boards[after + source] -= 1
            if is_hit:
                boards[after + target] = 1
                boards[after] -= 1
            elif target > 0:
                boards[after + target] += 1
    if waiting:
        _finish_block(net.widths, net.weights, net.biases, net.output, block, waiting, scores, scored)


@kernel
def _new_block(widths: npt.NDArray[np.int64]) -> Floats:
    """Room for eight rows of the widest layer, twice; zeros, so that unused rows hold ordinary numbers."""
    widest = 0
    for width in widths:
        widest = max(widest, width)
    return np.zeros(2 * TILE_ROWS * widest, dtype=np.float32)


@kernel
def choose_rows(boards: Board, dice: Board, net: FoldedNet, rows: npt.NDArray[np.int64]) -> int:
    """Write the row of the best candidate of each decision into rows int64[N]; equal scores: the first row.

    Args:
        boards: int8[N, 26], checked (`movegen.checked_decisions`).
        dice: int8[N, 2], checked.
        net: the folded net.
        rows: int64[N].

    Returns:
        The number of candidates scored; forced plays are not scored.
    """
    width = net.widths[0]
    candidates = np.empty((MAX_CANDIDATES, _ROW_BYTES), dtype=np.int8)
    scratch = np.empty((3, _ROW_BYTES), dtype=np.int8)
    trace = np.empty(2 * MAX_CANDIDATES, dtype=np.int32)
    walk_boards = np.zeros(4 * _ROW_BYTES, dtype=np.int8)
    sums = np.empty(5 * width, dtype=np.int32)
    block = _new_block(net.widths)
    scores = np.empty(MAX_CANDIDATES, dtype=np.float32)
    starts = np.empty(26, dtype=np.int64)
    total = 0
    for i in range(boards.shape[0]):
        num_candidates, num_entries = generate_traced(boards[i], dice[i, 0], dice[i, 1], candidates, 0, scratch, trace)
        best = 0
        if num_candidates > 1:
            for j in range(26):
                walk_boards[j] = boards[i, j]
            num_rows = _row_starts(boards[i], width, starts)
            sum_rows(sums, 0, net.base, net.rows, starts, num_rows, width)
            _score_walk(net, trace, num_entries, walk_boards, sums, block, scores)
            for row in range(1, num_candidates):
                if scores[row] > scores[best]:
                    best = row
            total += num_candidates
        rows[i] = best
    return total


@kernel
def evaluate_boards(boards: Board, net: FoldedNet, scores: Floats) -> None:
    """Score unrelated positions int8[M, 26], seen by the player who has just moved, into scores float32[M]."""
    width = net.widths[0]
    block = _new_block(net.widths)
    starts = np.empty(26, dtype=np.int64)
    sums = np.empty(width, dtype=np.int32)
    nowhere = _NOWHERE * width
    for first in range(0, boards.shape[0], TILE_ROWS):
        num_boards = min(TILE_ROWS, boards.shape[0] - first)
        for row in range(num_boards):
            num_rows = _row_starts(boards[first + row], width, starts)
            sum_rows(sums, 0, net.base, net.rows, starts, num_rows, width)
            step_and_scale_row(block, row * width, sums, 0, net.steps, nowhere, nowhere, width, net.scale, net.floor)
        _finish_block(net.widths, net.weights, net.biases, net.output, block, num_boards, scores, first)
