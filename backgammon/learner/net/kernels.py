"""Fast arithmetic of a trained net at play time: generation, layers and choice in one compiled path.

Axis legend: H width of the first layer, padded with zeros to a multiple of ROW_UNIT; K and W widths of a hidden layer's
input and output, those above the first padded to a multiple of LANES; E experts (sub-networks), M positions, N
decisions.

The input coding is additive over the 26 locations (see `features`), so the first layer is a sum of one table row for
each (location, count). Along the walk of the move generator (`generate_traced`) a move changes two counts by one
each, or four with a hit; the table holds the differences between neighbouring counts, so a candidate costs one row
added and one subtracted from the sums of the position before its last move. The hidden layers then take TILE_ROWS
candidates at once (with several experts, those of one expert), and only the inputs that are not 0 in all of them.

The first layer is summed in fixed point: rows of int16, sums of int32, with a power of two for each unit's scale that
leaves no row and no sum room to overflow. Such sums are exact, so a score does not depend on the way it was reached,
and is the same from `decide` and from `judge_boards`. What int16 rounds away is about 1e-5 points of equity. A
candidate's score and outcomes depend on the candidate alone, never on its rivals, the position before the play or
the batch.

Inner functions take flat arrays and offsets, not the net as a tuple and not views of rows, and the arrays are
borrowed (`intrinsics.borrow`): counted references would cost a sixth of the time of one thread, and half of that of
two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.outcome import POINTS
from backgammon.evaluation.possible import possible_mask
from backgammon.learner.inputs.patterns import (
    MAX_PATTERNS,
    NUM_PATTERNS,
    POINT_BITS,
    changed_places,
    pattern_words,
    put_patterns,
    words_of_masks,
)
from backgammon.rules.board import Board
from backgammon.rules.movegen import LEAF, MAX_CANDIDATES, generate_flat
from backgammon.rules.phase import phase_code_at, phase_of_masks
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int16s, Int32s, Offsets
from backgammon.tools.intrinsics import (
    HALF_ROWS,
    LANES,
    ROW_BYTES,
    ROW_UNIT,
    TILE_COLUMNS,
    TILE_ROWS,
    borrow,
    copy_board,
    copy_lanes,
    dense_tile,
    find_nonzero,
    half_tile,
    narrow_tile,
    softmax_row,
    sum_rows,
    sum_rows_to_floats,
    walk_row,
    walk_row_to_floats,
    wide_above,
)
from backgammon.tools.jit import kernel

NUM_COUNTS = 31
"""Counts -15..15 of a location; a row of `steps` is location * NUM_COUNTS + count + 15."""
_FEW = 2
"""Counts to either side that have a row of their own; more of them are rare, and are steps from there."""
_NUM_FEW = 2 * _FEW + 1
NUM_OUTCOMES = 6
NUM_PROPOSALS = 3
"""Candidates that `propose` gives at most."""

_NUM_WORDS = 4
"""Words that hold the patterns of a board (`patterns.pattern_words`)."""
_NOWHERE = 30
"""A row that is zero: there is no count above 15 to step to."""
_SCORE = NUM_OUTCOMES
"""Lane of the score among the heads; the outcomes stand before it."""
_POINTS = np.zeros(LANES, dtype=np.float32)
_POINTS[:NUM_OUTCOMES] = POINTS
_LOWEST = np.float32(-np.inf)
_MAX_SCALE_BITS = 24
_LOCATIONS = (1 << 26) - 1
_HOME = 0b1111111
"""Bits of the home board and of the opponent's bar."""
_GROUP = 256
"""Unrelated positions that are judged together: enough to fill the blocks of several experts."""


class Expert(NamedTuple):
    """What one expert adds to the first layer that all share.

    Attributes:
        layers: hidden layers after the first: (weight float32[W, K], bias float32[W]) as torch keeps them.
        score: float32[last W] and a bias, which counts between candidates of different experts; None when the equity
            alone is the score.
        outcome: float32[6, last W] and float32[6], the logits of the outcomes; None without them.
    """

    layers: list[tuple[Float32s, Float32s]]
    score: tuple[Float32s, float] | None
    outcome: tuple[Float32s, Float32s] | None


class FoldedNet(NamedTuple):
    """A net as the kernels read it; every array flat and contiguous.

    Attributes:
        rows: int16[(26 * (31 + 5) + P) * H], the first layer in fixed point, row-major: by (location, count) what
            count + 1 adds to count, zero at count 15; then by (location, count) the layer itself for counts from -2 to
            2; then what the patterns add, if the net has any.
        patterns_at: where the rows of the patterns begin; 0 when the net has none.
        base: int32[H], first layer of the empty board, bias included.
        floor: 0 for rectified units, -inf when the first layer is the output (a linear net).
        widths: int64[1 + L], H and the padded widths of the L further hidden layers.
        numbers: float32, for one expert after the other: each layer's matrix in panels of LANES outputs
            [W / LANES, K, LANES] and its bias [W]; the last layer, of LANES, is that of the heads: the logits of the
            six outcomes, then the score, then nothing. The first of the matrices takes the units of the fixed point.
        num_experts: 1, or one for each code of `phase.PHASES`.
        ranks_by_equity: the equity of the outcomes times `score_scale` is added to the score.
        score_scale: what a point of equity is worth in the score; 0 where it does not count.
        has_outcomes: the heads of the outcomes are there.
    """

    rows: Int16s
    patterns_at: int
    base: Int32s
    floor: np.float32
    widths: Offsets
    numbers: Float32s
    num_experts: int
    ranks_by_equity: bool
    score_scale: np.float32
    has_outcomes: bool


def fold_net(
    table: Float64s,
    base: Float64s,
    experts: list[Expert],
    is_linear: bool = False,
    score_scale: float = 0.0,
    patterns: Float32s | None = None,
) -> FoldedNet:
    """Lay a net out for the kernels.

    Args:
        table: float64[26, 31, H'], first layer by (location, count); the row of an empty location must be zero.
        base: float64[H'].
        experts: one, or one for each phase code; all of one shape.
        is_linear: the first layer is not followed by rectification, nor by hidden layers.
        score_scale: see `FoldedNet`.
        patterns: float32[NUM_PATTERNS, H'], what each pattern adds to the first layer; not for a linear net.

    Returns:
        The net with its widths padded, see the head of this file.
    """
    if is_linear:
        table, base, experts = _in_two_parts(table, base, experts)
    widths = [_padded(table.shape[2], ROW_UNIT), *(_padded(len(bias), LANES) for _, bias in experts[0].layers)]
    bits = _scale_bits(table, base, patterns)
    whole = np.zeros((26, NUM_COUNTS, widths[0]), dtype=np.int32)
    whole[:, :, : table.shape[2]] = np.rint(np.ldexp(table, bits))
    steps = np.zeros(whole.shape, dtype=np.int16)
    steps[:, :-1] = np.diff(whole, axis=1)
    few = whole[:, 15 - _FEW : 16 + _FEW].astype(np.int16)
    parts = [steps.ravel(), few.ravel()]
    patterns_at = 0
    if patterns is not None:
        padded = np.zeros((NUM_PATTERNS, widths[0]), dtype=np.int16)
        # A product with a power of two is what ldexp gives, and faster: this is a part of every start.
        scaled = patterns * np.ldexp(np.float32(1), bits)
        padded[:, : patterns.shape[1]] = np.rint(scaled, out=scaled)
        patterns_at = steps.size + few.size
        parts.append(padded.ravel())
    padded_base = np.zeros(widths[0], dtype=np.int32)
    padded_base[: len(base)] = np.rint(np.ldexp(base, bits))
    units = np.ones(widths[0], dtype=np.float32)
    units[: len(base)] = np.ldexp(np.float32(1), -bits)
    return FoldedNet(
        np.concatenate(parts),
        patterns_at,
        padded_base,
        _LOWEST if is_linear else np.float32(0),
        np.array(widths, dtype=np.int64),
        np.concatenate([part for expert in experts for part in _expert_numbers(expert, widths, units)]),
        len(experts),
        score_scale > 0,
        np.float32(score_scale),
        experts[0].outcome is not None,
    )


def _scale_bits(table: Float64s, base: Float64s, patterns: Float32s | None = None) -> Int32s:
    """Bits after the point for each unit of the first layer: no row beyond int16, no sum beyond int32; int32[H']."""
    rows = np.concatenate([np.diff(table, axis=1), table[:, 15 - _FEW : 16 + _FEW]], axis=1)
    row = np.abs(rows).max(axis=(0, 1))
    largest = np.abs(base) + np.abs(table).max(axis=1).sum(axis=0)
    if patterns is not None:
        pattern = np.abs(patterns).max(axis=0)
        row = np.maximum(row, pattern)
        largest = largest + MAX_PATTERNS * pattern
    by_row = 15 - np.ceil(np.log2(np.maximum(row, 1e-9) * (1 + 2.0**-14)))  # rounding moves a difference by 1
    by_sum = 30 - np.ceil(np.log2(np.maximum(largest, 1e-9)))
    bits: Int32s = np.minimum(np.minimum(by_row, by_sum), _MAX_SCALE_BITS).astype(np.int32)
    return bits


def _in_two_parts(table: Float64s, base: Float64s, experts: list[Expert]) -> tuple[Float64s, Float64s, list[Expert]]:
    """A linear net with each unit as two, what int16 holds and the rest: they are few, and so is the room they take."""
    bits = _scale_bits(table, base)
    coarse, coarse_base = (np.ldexp(np.rint(np.ldexp(part, bits)), -bits) for part in (table, base))
    doubled = [
        Expert(
            [],
            (np.tile(expert.score[0], 2), expert.score[1]) if expert.score else None,
            (np.tile(expert.outcome[0], (1, 2)), expert.outcome[1]) if expert.outcome else None,
        )
        for expert in experts
    ]
    return (
        np.concatenate([coarse, table - coarse], axis=2),
        np.concatenate([coarse_base, base - coarse_base]),
        doubled,
    )


def _expert_numbers(expert: Expert, widths: list[int], units: Float32s) -> list[Float32s]:
    """The numbers of one expert in the order of `FoldedNet.numbers`; units float32[H] of the first layer's sums."""
    matrices, biases = [], []
    for (weight, bias), num_in, num_out in zip(expert.layers, widths[:-1], widths[1:], strict=True):
        matrix = np.zeros((num_in, num_out), dtype=np.float32)
        matrix[: weight.shape[1], : weight.shape[0]] = weight.T
        matrices.append(matrix)
        biases.append(_pad(bias, num_out))
    heads = np.zeros((widths[-1], LANES), dtype=np.float32)
    head_biases = np.zeros(LANES, dtype=np.float32)
    if expert.outcome is not None:
        weight, bias = expert.outcome
        heads[: weight.shape[1], :NUM_OUTCOMES] = weight.T
        head_biases[:NUM_OUTCOMES] = bias
    if expert.score is not None:
        weight, head_biases[_SCORE] = expert.score
        heads[: len(weight), _SCORE] = weight
    matrices.append(heads)
    biases.append(head_biases)
    # Rectification commutes with a positive factor, and a power of two rounds nothing: so the matrix that reads the
    # first layer carries its units.
    matrices[0] *= units[:, None]
    return [part for matrix, bias in zip(matrices, biases, strict=True) for part in (_panels(matrix), bias)]


def _panels(matrix: Float32s) -> Float32s:
    """A matrix [K, W] as panels [W / LANES, K, LANES], flat."""
    return np.ascontiguousarray(matrix.reshape(len(matrix), -1, LANES).transpose(1, 0, 2)).ravel()


def _padded(width: int, unit: int) -> int:
    return -(-width // unit) * unit


def _pad(values: npt.NDArray[np.floating], width: int) -> Float32s:
    out = np.zeros(width, dtype=np.float32)
    out[: len(values)] = values
    return out


@kernel
def row_starts(board: Board, width: int, patterns_at: int, starts: Offsets) -> tuple[int, int]:
    """Where the rows begin that make the sums of a board: those to add, then those to subtract; the numbers of both.

    Args:
        board: int8[>= 26].
        width: H.
        patterns_at: see `FoldedNet`.
        starts: int64[>= 52 + MAX_PATTERNS], overwritten: 26 locations, 13 more of each side's checkers, the patterns.
    """
    few_at = 26 * NUM_COUNTS * width
    num_plus = 0
    for location in range(26):
        count = int(board[location])
        if count != 0:
            near = min(max(count, -_FEW), _FEW)
            starts[num_plus] = few_at + (location * _NUM_FEW + near + _FEW) * width
            num_plus += 1
            for more in range(_FEW, count):
                starts[num_plus] = (location * NUM_COUNTS + more + 15) * width
                num_plus += 1
    if patterns_at:
        block_places, block_seen, shot_places, shot_seen = pattern_words(board, 0)
        num_plus = put_patterns(block_places, block_seen, 0, starts, num_plus, width, patterns_at)
        num_plus = put_patterns(shot_places, shot_seen, 1, starts, num_plus, width, patterns_at)
    num_minus = 0
    for location in range(26):
        for more in range(int(board[location]), -_FEW):
            starts[num_plus + num_minus] = (location * NUM_COUNTS + more + 15) * width
            num_minus += 1
    return num_plus, num_minus


@kernel
def put_words(boards: Boards, at: int, words: Offsets, words_at: int) -> int:
    """Write `patterns.pattern_words` of the board in the row that begins at `at`; gives its phase.

    Args:
        boards: int8, flat, rows of ROW_BYTES.
        at: where the row begins.
        words: int64, receives the four from `words_at` on.
        words_at: .
    """
    ours = wide_above(boards, at, 0)
    our_points = wide_above(boards, at, 1) & POINT_BITS
    theirs = ~wide_above(boards, at, -1) & _LOCATIONS
    their_points = ~wide_above(boards, at, -2) & POINT_BITS
    words[words_at], words[words_at + 1], words[words_at + 2], words[words_at + 3] = words_of_masks(
        ours, our_points, theirs, their_points
    )
    return phase_of_masks(ours, theirs)


@kernel
def _finish_block(
    widths: Offsets, numbers: Float32s, expert: int, num_rows: int, block: Float32s, room_at: int, used: Int32s
) -> int:
    """Hidden layers and heads of first layers of an expert, which stand in `block` at TILE_ROWS * H * expert.

    Most units of a rectified layer are 0, and so are most of them in all candidates of one decision: only the others
    are multiplied. That changes no bit of a sum, so a score still does not depend on what else is in the block.

    Args:
        widths: see `FoldedNet`.
        numbers: see `FoldedNet`.
        expert: its index.
        num_rows: 1 to TILE_ROWS first layers; what stands in the rows behind them is computed and means nothing.
        block: float32; from `room_at` on room for two lots of TILE_ROWS rows of the widest further layer.
        room_at: where that room begins.
        used: int32[widest layer + 8], overwritten.

    Returns:
        Where the rows of heads begin in `block`, LANES apart.
    """
    num_layers = widths.shape[0]
    size = 0
    widest = LANES
    for layer in range(1, num_layers + 1):
        num_out = widths[layer] if layer < num_layers else LANES
        size += (widths[layer - 1] + 1) * num_out
        widest = max(widest, num_out)
    at = expert * size
    given = expert * TILE_ROWS * widths[0]
    target = room_at
    for layer in range(1, num_layers + 1):
        num_in = widths[layer - 1]
        num_out = widths[layer] if layer < num_layers else LANES
        floor = np.float32(0) if layer < num_layers else _LOWEST
        biases_at = at + num_in * num_out
        num_used = find_nonzero(block, given, num_in, num_rows, num_in, used)
        for column in range(0, num_out, TILE_COLUMNS):
            if num_out - column < TILE_COLUMNS:
                narrow_tile(
                    block, given, num_in, used, num_used, numbers, at + column * num_in, LANES * num_in,
                    numbers, biases_at + column, block, target + column, num_out, floor,
                )  # fmt: skip
            elif num_rows <= HALF_ROWS:
                half_tile(
                    block, given, num_in, used, num_used, numbers, at + column * num_in, LANES * num_in,
                    numbers, biases_at + column, block, target + column, num_out, floor,
                )  # fmt: skip
            else:
                dense_tile(
                    block, given, num_in, used, num_used, numbers, at + column * num_in, LANES * num_in,
                    numbers, biases_at + column, block, target + column, num_out, floor,
                )  # fmt: skip
        at = biases_at + num_out
        given = target
        target = 2 * room_at + TILE_ROWS * widest - given  # the other half of the room
    return int(given)


@kernel
def flush(
    widths: Offsets,
    numbers: Float32s,
    expert: int,
    num_waiting: int,
    slots: Offsets,
    block: Float32s,
    room_at: int,
    used: Int32s,
    boards: Boards,
    stride: int,
    ranks_by_equity: bool,
    score_scale: np.float32,
    scores: Float32s,
    heads: Float32s,
    points: Float32s,
) -> None:
    """Scores, and where wanted the last hidden layer, of the positions that wait for an expert.

    Args:
        widths: see `FoldedNet`.
        numbers: see `FoldedNet`.
        expert: its index.
        num_waiting: 1 to TILE_ROWS of them.
        slots: their indices begin at TILE_ROWS * expert.
        block: see `_finish_block`, like the next two.
        room_at: .
        used: .
        boards: int8, flat: position k begins at k * stride.
        stride: see `boards`.
        ranks_by_equity: see `FoldedNet`.
        score_scale: see `FoldedNet`.
        scores: float32, by index.
        heads: float32, by index * LANES: the logits of the outcomes and the score.
        points: float32[LANES], `_POINTS`.
    """
    heads_at = _finish_block(widths, numbers, expert, num_waiting, block, room_at, used)
    for row in range(num_waiting):
        k = slots[expert * TILE_ROWS + row]
        at = heads_at + row * LANES
        if ranks_by_equity:
            mask = possible_mask(boards, k * stride)
            scores[k] = block[at + _SCORE] + score_scale * softmax_row(block, at, mask, points, heads, k * LANES)
        else:
            scores[k] = block[at + _SCORE]
        copy_lanes(block, at, heads, k * LANES)


@kernel
def score_walk(
    rows: Int16s,
    patterns_at: int,
    widths: Offsets,
    numbers: Float32s,
    num_experts: int,
    floor: np.float32,
    ranks_by_equity: bool,
    score_scale: np.float32,
    trace: Int32s,
    num_entries: int,
    boards: Boards,
    candidates: Boards,
    first: int,
    sums: Int32s,
    words: Offsets,
    block: Float32s,
    used: Int32s,
    slots: Offsets,
    waiting: Offsets,
    scores: Float32s,
    heads: Float32s,
    points: Float32s,
) -> None:
    """Score every candidate of a walk, but for those that still wait in blocks afterwards (`flush_waiting`).

    Args:
        rows: see `FoldedNet`, like the next seven.
        patterns_at: .
        widths: .
        numbers: .
        num_experts: .
        floor: .
        ranks_by_equity: .
        score_scale: .
        trace: as `generate_traced` gives it.
        num_entries: its length; 0 for a dance, whose one candidate is the position itself.
        boards: int8[4 * 32], one board a depth; the first is the position before the play.
        candidates: int8[M * 32], as the generator gives them.
        first: row of the walk's first candidate.
        sums: int32[5 * H], first layers of `boards`, and room for one more; the first is filled in.
        words: int64[5 * 4], the patterns of `boards` and of a candidate; the first four are filled in.
        block: float32, TILE_ROWS rows of H for each expert and the room of `_finish_block`.
        used: see `_finish_block`.
        slots: int64[TILE_ROWS * E], the rows of those that wait.
        waiting: int64[E], how many wait.
        scores: float32[M], receives the scores by row.
        heads: float32[M * LANES], likewise.
        points: float32[LANES], `_POINTS`.
    """
    width = widths[0]
    room_at = num_experts * TILE_ROWS * width
    nowhere = _NOWHERE * width
    row = first
    for entry in range(max(num_entries, 1)):
        code = int(trace[entry]) if num_entries else LEAF | 1 << 12
        depth = code >> 12 & 15
        before = (depth - 1) * ROW_BYTES
        source = code >> 6 & 63
        target = code & 63
        sums_at = depth * width
        parent_at = sums_at - width
        plus = nowhere
        minus = nowhere
        is_hit = False
        if num_entries:
            minus = (source * NUM_COUNTS + int(boards[before + source]) + 14) * width
        if target > 0:
            count = int(boards[before + target])
            plus = (target * NUM_COUNTS + count + 15) * width
            is_hit = count == -1
        bar = (int(boards[before]) + 14) * width if is_hit else 0
        if not code & LEAF:
            after = before + ROW_BYTES
            copy_board(boards, before, boards, after)
            boards[after + source] -= 1
            if is_hit:
                boards[after + target] = 1
                boards[after] -= 1
            elif target > 0:
                boards[after + target] += 1
        old = (depth - 1) * _NUM_WORDS
        new = old + _NUM_WORDS
        if code & LEAF:
            expert = put_words(candidates, row * ROW_BYTES, words, new)
        else:
            expert = put_words(boards, after, words, new)
        blocks = 0
        shots = 0
        if patterns_at:
            blocks = changed_places(words[old], words[old + 1], words[new], words[new + 1])
            shots = changed_places(words[old + 2], words[old + 3], words[new + 2], words[new + 3])
        if code & LEAF:
            if num_experts == 1:
                expert = 0
            slot = expert * TILE_ROWS + waiting[expert]
            walk_row_to_floats(
                block, slot * width, sums, parent_at, rows, plus, minus, bar, words, old, blocks, shots, patterns_at,
                width, floor,
            )  # fmt: skip
            slots[slot] = row
            row += 1
            waiting[expert] += 1
            if waiting[expert] == TILE_ROWS:
                flush(
                    widths, numbers, expert, TILE_ROWS, slots, block, room_at, used,
                    candidates, ROW_BYTES, ranks_by_equity, score_scale, scores, heads, points,
                )  # fmt: skip
                waiting[expert] = 0
        else:
            walk_row(
                sums, sums_at, sums, parent_at, rows, plus, minus, bar, words, old, blocks, shots, patterns_at, width
            )


@kernel
def flush_waiting(
    widths: Offsets, numbers: Float32s, num_experts: int, slots: Offsets, waiting: Offsets, block: Float32s,
    used: Int32s, boards: Boards, ranks_by_equity: bool, score_scale: np.float32, scores: Float32s, heads: Float32s,
    points: Float32s,
) -> None:  # fmt: skip
    """Score what still waits in the blocks of the experts, see `score_walk`; boards in rows of ROW_BYTES."""
    room_at = num_experts * TILE_ROWS * widths[0]
    for expert in range(num_experts):
        if waiting[expert]:
            flush(
                widths, numbers, expert, waiting[expert], slots, block, room_at, used,
                boards, ROW_BYTES, ranks_by_equity, score_scale, scores, heads, points,
            )  # fmt: skip
            waiting[expert] = 0


class Room(NamedTuple):
    """Work space of one call; allocated by the caller of the loop that borrows it."""

    candidates: Boards  # int8[M * 32], flat
    scratch: Board  # int8[3 * 32]
    boards: Boards  # int8[4 * 32], one board a depth of the walk
    trace: Int32s  # int32[2 * M]
    sums: Int32s  # int32[5 * H]
    words: Offsets  # int64[5 * 4], patterns by depth of the walk
    starts: Offsets  # int64[52 + 2 * MAX_PATTERNS]
    block: Float32s  # TILE_ROWS rows of H for each expert and the room of `_finish_block`; zeros: rows never used count
    used: Int32s  # int32[widest layer + 8]
    slots: Offsets  # int64[TILE_ROWS * E]
    waiting: Offsets  # int64[E], zeros
    scores: Float32s  # float32[M]
    heads: Float32s  # float32[M * LANES]
    points: Float32s  # float32[LANES], the points of the outcomes
    chances: Float32s  # float32[LANES]


@kernel
def new_room(net: FoldedNet, num_positions: int) -> Room:
    """Room for M positions at a time."""
    widths = net.widths
    widest = LANES
    for layer in range(1, widths.shape[0]):
        widest = max(widest, widths[layer])
    block_size = TILE_ROWS * (net.num_experts * widths[0] + 2 * widest)
    return Room(
        np.empty(num_positions * ROW_BYTES, dtype=np.int8),
        np.empty(3 * ROW_BYTES, dtype=np.int8),
        np.zeros(4 * ROW_BYTES, dtype=np.int8),
        np.empty(2 * num_positions, dtype=np.int32),
        np.empty(5 * widths[0], dtype=np.int32),
        np.empty(5 * _NUM_WORDS, dtype=np.int64),
        np.empty(52 + 2 * MAX_PATTERNS, dtype=np.int64),
        np.zeros(block_size, dtype=np.float32),
        np.empty(max(widths[0], widest) + 8, dtype=np.int32),
        np.empty(TILE_ROWS * net.num_experts, dtype=np.int64),
        np.zeros(net.num_experts, dtype=np.int64),
        np.empty(num_positions, dtype=np.float32),
        np.empty(num_positions * LANES, dtype=np.float32),
        _POINTS.copy(),
        np.empty(LANES, dtype=np.float32),
    )


@kernel
def is_open(boards: Boards, at: int) -> bool:
    """True where the player of the board at boards[at] has a checker left."""
    own = 0
    for location in range(1, 26):
        own += max(int(boards[at + location]), 0)
    return own > 0


@kernel
def best_row(boards: Boards, candidates: Boards, first: int, count: int, scores: Float32s) -> int:
    """The first candidate that ends the game, or else the first of the greatest score.

    Args:
        boards: int8[>= 26], the position before the play.
        candidates: int8, flat, rows of ROW_BYTES.
        first: row of the first candidate.
        count: how many there are.
        scores: float32, by row.
    """
    own = 0
    for location in range(1, 26):
        own += max(int(boards[location]), 0)
    if own <= 4:  # nobody bears off more in one turn
        for row in range(first, first + count):
            if not is_open(candidates, row * ROW_BYTES):
                return row
    best = first
    for row in range(first + 1, first + count):
        if scores[row] > scores[best]:
            best = row
    return best


@kernel
def near_rows(first: int, count: int, scores: Float32s, best: int, within: float, rows: Offsets) -> int:
    """The best candidate and those that come next, best first; equal scores: the first row.

    Args:
        first: row of the first candidate.
        count: how many there are.
        scores: float32, by row.
        best: row of the best candidate.
        within: how far behind the best one may be.
        rows: int64[NUM_PROPOSALS], receives the rows.

    Returns:
        How many there are, at most NUM_PROPOSALS.
    """
    rows[0] = best
    num_near = 1
    for row in range(first, first + count):
        if row == best or scores[row] < scores[best] - within:
            continue
        place = num_near
        while place > 1 and scores[row] > scores[rows[place - 1]]:
            place -= 1
        if place == NUM_PROPOSALS:
            continue
        num_near = min(num_near + 1, NUM_PROPOSALS)
        for k in range(num_near - 1, place, -1):
            rows[k] = rows[k - 1]
        rows[place] = row
    return num_near


@kernel
def propose(boards: Boards, dice: Dice, net: FoldedNet, within: float, proposals: Board, counts: Offsets) -> int:
    """The best candidates of each decision, for somebody else to choose from; a play that wins stands alone.

    Args:
        boards: int8[N, 26], checked (`movegen.checked_decisions`).
        dice: int8[N, 2], checked.
        net: the folded net.
        within: how far behind the best a candidate may be, in units of the score.
        proposals: int8[N, NUM_PROPOSALS, 26], receives the candidates, best first; the rest is not written.
        counts: int64[N], receives how many there are.

    Returns:
        The number of candidates scored.
    """
    room = new_room(net, MAX_CANDIDATES)
    rows = np.empty(boards.shape[0], dtype=np.int64)
    nothing = np.empty((0, NUM_OUTCOMES), dtype=np.float32)
    return _decide_all(boards, dice, net, room, rows, proposals.reshape(-1, 26), nothing, within, counts)


@kernel
def decide(boards: Boards, dice: Dice, net: FoldedNet, rows: Offsets, after: Board, chances: Float32s) -> int:
    """The best candidate of each decision; equal scores: the first row.

    Args:
        boards: int8[N, 26], checked (`movegen.checked_decisions`).
        dice: int8[N, 2], checked.
        net: the folded net.
        rows: int64[N], receives the row of the candidate.
        after: int8[N, 26], receives the candidate; or int8[0, 26].
        chances: float32[N, 6], receives its outcomes (`net.has_outcomes`); or float32[0, 6].

    Returns:
        The number of candidates scored; forced plays are scored only for their outcomes.
    """
    room = new_room(net, MAX_CANDIDATES)
    return _decide_all(boards, dice, net, room, rows, after, chances, 0.0, np.empty(0, dtype=np.int64))


@kernel
def _decide_all(
    boards: Boards, dice: Dice, net: FoldedNet, room: Room, rows: Offsets, after: Board, chances: Float32s,
    within: float, counts: Offsets,
) -> int:  # fmt: skip
    """`decide`, or with counts `propose`, which takes `after` for its proposals, with room for one decision."""
    proposed = np.zeros(NUM_PROPOSALS, dtype=np.int64)
    table = borrow(net.rows)
    base = borrow(net.base)
    widths = borrow(net.widths)
    numbers = borrow(net.numbers)
    num_experts = net.num_experts
    candidates = borrow(room.candidates)
    scratch = borrow(room.scratch)
    trace = borrow(room.trace)
    walk_boards = borrow(room.boards)
    sums = borrow(room.sums)
    words = borrow(room.words)
    starts = borrow(room.starts)
    block = borrow(room.block)
    used = borrow(room.used)
    slots = borrow(room.slots)
    waiting = borrow(room.waiting)
    scores = borrow(room.scores)
    heads = borrow(room.heads)
    points = borrow(room.points)
    shares = borrow(room.chances)
    all_boards = borrow(boards).reshape(-1)
    all_dice = borrow(dice).reshape(-1)
    all_after = borrow(after).reshape(-1)
    all_chances = borrow(chances).reshape(-1)
    width = widths[0]
    is_judging = chances.shape[0] > 0
    is_proposing = counts.shape[0] > 0
    is_playing = after.shape[0] > 0 and not is_proposing
    all_counts = borrow(counts)
    near = borrow(proposed)
    total = 0
    for i in range(boards.shape[0]):
        copy_board(all_boards, i * 26, walk_boards, 0)
        num_candidates, num_entries = generate_flat(
            walk_boards, all_dice[2 * i], all_dice[2 * i + 1], candidates, ROW_BYTES, 0, scratch, trace
        )
        best = 0
        if num_candidates > 1 or is_judging:
            num_plus, num_minus = row_starts(walk_boards, width, net.patterns_at, starts)
            sum_rows(sums, 0, base, 0, table, starts, num_plus, num_minus, width)
            put_words(walk_boards, 0, words, 0)
            score_walk(
                table, net.patterns_at, widths, numbers, num_experts, net.floor, net.ranks_by_equity, net.score_scale,
                trace, num_entries, walk_boards, candidates, 0, sums, words,
                block, used, slots, waiting, scores, heads, points,
            )  # fmt: skip
            flush_waiting(
                widths, numbers, num_experts, slots, waiting, block, used, candidates, net.ranks_by_equity,
                net.score_scale, scores, heads, points,
            )  # fmt: skip
            best = best_row(walk_boards, candidates, 0, num_candidates, scores)
            total += num_candidates
        rows[i] = best
        if is_proposing:
            num_near = 1
            if num_candidates > 1 and is_open(candidates, best * ROW_BYTES):
                num_near = near_rows(0, num_candidates, scores, best, within, near)
            near[0] = best
            all_counts[i] = num_near
            for k in range(num_near):
                copy_board(candidates, near[k] * ROW_BYTES, all_after, (i * NUM_PROPOSALS + k) * 26)
        if is_playing:
            copy_board(candidates, best * ROW_BYTES, all_after, i * 26)
        if is_judging:
            softmax_row(heads, best * LANES, possible_mask(candidates, best * ROW_BYTES), points, shares, 0)
            for j in range(NUM_OUTCOMES):
                all_chances[i * NUM_OUTCOMES + j] = shares[j]
    return total


@kernel
def judge_boards(boards: Boards, net: FoldedNet, scores: Float32s, chances: Float32s) -> None:
    """Score unrelated positions, and give their outcomes where wanted.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.
        net: the folded net.
        scores: float32[M], overwritten.
        chances: float32[M, 6], overwritten (`net.has_outcomes`); or float32[0, 6].
    """
    room = new_room(net, _GROUP)
    _judge_all(boards, net, room, scores, chances)


@kernel
def _judge_all(boards: Boards, net: FoldedNet, room: Room, scores: Float32s, chances: Float32s) -> None:
    """`judge_boards` with room for a group of positions."""
    table = borrow(net.rows)
    base = borrow(net.base)
    widths = borrow(net.widths)
    numbers = borrow(net.numbers)
    num_experts = net.num_experts
    group = borrow(room.candidates)
    board = borrow(room.boards)
    starts = borrow(room.starts)
    block = borrow(room.block)
    used = borrow(room.used)
    slots = borrow(room.slots)
    waiting = borrow(room.waiting)
    group_scores = borrow(room.scores)
    heads = borrow(room.heads)
    points = borrow(room.points)
    shares = borrow(room.chances)
    all_boards = borrow(boards).reshape(-1)
    all_chances = borrow(chances).reshape(-1)
    width = widths[0]
    room_at = num_experts * TILE_ROWS * width
    is_judging = chances.shape[0] > 0
    for first in range(0, boards.shape[0], _GROUP):
        num_boards = min(_GROUP, boards.shape[0] - first)
        for k in range(num_boards):
            copy_board(all_boards, (first + k) * 26, board, 0)
            copy_board(board, 0, group, k * ROW_BYTES)
            expert = phase_code_at(board, 0) if num_experts > 1 else 0
            num_plus, num_minus = row_starts(board, width, net.patterns_at, starts)
            row = expert * TILE_ROWS + waiting[expert]
            sum_rows_to_floats(block, row * width, base, 0, table, starts, num_plus, num_minus, width, net.floor)
            slots[row] = k
            waiting[expert] += 1
            if waiting[expert] == TILE_ROWS:
                flush(
                    widths, numbers, expert, TILE_ROWS, slots, block, room_at, used,
                    group, ROW_BYTES, net.ranks_by_equity, net.score_scale, group_scores, heads, points,
                )  # fmt: skip
                waiting[expert] = 0
        flush_waiting(
            widths, numbers, num_experts, slots, waiting, block, used, group, net.ranks_by_equity, net.score_scale,
            group_scores, heads, points,
        )  # fmt: skip
        for k in range(num_boards):
            scores[first + k] = group_scores[k]
            if is_judging:
                softmax_row(heads, k * LANES, possible_mask(group, k * ROW_BYTES), points, shares, 0)
                for j in range(NUM_OUTCOMES):
                    all_chances[(first + k) * NUM_OUTCOMES + j] = shares[j]
