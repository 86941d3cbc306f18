"""Fast arithmetic of a trained net at play time: generation, layers and choice in one compiled path.

Axis legend: H width of the first layer, K and W widths of a hidden layer's input and output, all padded with zeros to
a multiple of TILE_COLUMNS; E experts (sub-networks), M positions, N decisions.

The input coding is additive over the 26 locations (see `features`), so the first layer is a sum of one table row for
each (location, count). Along the walk of the move generator (`generate_traced`) a move changes two counts by one
each, or four with a hit; `steps` holds the difference between the rows of neighbouring counts, so a candidate costs
one row added and one subtracted from the sums of the position before its last move. The hidden layers then take eight
candidates at once; with several experts, eight that belong to the same one.

The first layer is summed in fixed point, int32 with a scale that is a power of two and leaves no sum room to
overflow: such sums are exact, so a score does not depend on the way it was reached, and is the same from
`decide` and from `judge_boards`. It is finer than float32's own rounding of sums of that size. A candidate's score
and outcomes depend on the candidate alone, never on its rivals, the position before the play or the batch.

Inner functions take flat arrays and offsets, not the net as a tuple and not views of rows, and the arrays are
borrowed (`intrinsics.borrow`): counted references would cost a sixth of the time of one thread, and half of that of
two.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.evaluation.outcome import POINTS
from backgammon.intrinsics import (
    LANES,
    TILE_COLUMNS,
    TILE_ROWS,
    borrow,
    copy_board_at,
    dense_tile,
    locations_above,
    softmax_row,
    step_and_scale_row,
    step_row,
    sum_rows,
)
from backgammon.jit import kernel
from backgammon.movegen import LEAF, MAX_CANDIDATES, generate_flat
from backgammon.phase import phase_code_at

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

NUM_COUNTS = 31
"""Counts -15..15 of a location; a row of the tables is location * NUM_COUNTS + count + 15."""
NUM_OUTCOMES = 6

_ROW_BYTES = 32
"""A board of 26 counts padded to a power of two."""
_NOWHERE = 30
"""A row of `steps` that is zero: there is no count above 15 to step to."""
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

    layers: list[tuple[Floats, Floats]]
    score: tuple[Floats, float] | None
    outcome: tuple[Floats, Floats] | None


class FoldedNet(NamedTuple):
    """A net as the kernels read it; every array flat and contiguous.

    Attributes:
        rows: int32[26 * 31 * H], first layer by (location, count) in fixed point, row-major.
        steps: int32[26 * 31 * H], rows of count + 1 minus rows of count; zero at count 15.
        base: int32[H], first layer of the empty board, bias included.
        scale: value of one fixed-point unit, a power of two.
        floor: 0 for rectified units, -inf when the first layer is the output (a linear net).
        widths: int64[1 + L], H and the padded widths of the L further hidden layers.
        numbers: float32, for one expert after the other: each layer's matrix [K, W] and bias [W]; the last layer, of
            TILE_COLUMNS, is that of the heads: the logits of the six outcomes, then the score, then nothing.
        num_experts: 1, or one for each code of `phase.PHASES`.
        ranks_by_equity: the equity of the outcomes times `score_scale` is added to the score.
        score_scale: what a point of equity is worth in the score; 0 where it does not count.
        has_outcomes: the heads of the outcomes are there.
    """

    rows: Integers
    steps: Integers
    base: Integers
    scale: np.float32
    floor: np.float32
    widths: Offsets
    numbers: Floats
    num_experts: int
    ranks_by_equity: bool
    score_scale: np.float32
    has_outcomes: bool


def fold_net(
    table: npt.NDArray[np.float64],
    base: npt.NDArray[np.float64],
    experts: list[Expert],
    is_linear: bool = False,
    score_scale: float = 0.0,
) -> FoldedNet:
    """Lay a net out for the kernels.

    Args:
        table: float64[26, 31, H'], first layer by (location, count); the row of an empty location must be zero.
        base: float64[H'].
        experts: one, or one for each phase code; all of one shape.
        is_linear: the first layer is not followed by rectification.
        score_scale: see `FoldedNet`.

    Returns:
        The net with all widths padded to a multiple of TILE_COLUMNS.
    """
    widths = [_padded(table.shape[2]), *(_padded(len(bias)) for _, bias in experts[0].layers)]
    largest = float((np.abs(base) + np.abs(table).max(axis=1).sum(axis=0)).max())
    bits = min(_MAX_SCALE_BITS, 30 - math.ceil(math.log2(max(largest, 1e-9))))
    rows = np.zeros((26, NUM_COUNTS, widths[0]), dtype=np.int32)
    rows[:, :, : table.shape[2]] = np.rint(np.ldexp(table, bits))
    steps = np.zeros_like(rows)
    steps[:, :-1] = rows[:, 1:] - rows[:, :-1]
    padded_base = np.zeros(widths[0], dtype=np.int32)
    padded_base[: len(base)] = np.rint(np.ldexp(base, bits))
    return FoldedNet(
        rows.ravel(),
        steps.ravel(),
        padded_base,
        np.float32(math.ldexp(1.0, -bits)),
        _LOWEST if is_linear else np.float32(0),
        np.array(widths, dtype=np.int64),
        np.concatenate([part for expert in experts for part in _expert_numbers(expert, widths)]),
        len(experts),
        score_scale > 0,
        np.float32(score_scale),
        experts[0].outcome is not None,
    )


def _expert_numbers(expert: Expert, widths: list[int]) -> list[Floats]:
    """The numbers of one expert in the order of `FoldedNet.numbers`."""
    parts = []
    for (weight, bias), num_in, num_out in zip(expert.layers, widths[:-1], widths[1:], strict=True):
        matrix = np.zeros((num_in, num_out), dtype=np.float32)
        matrix[: weight.shape[1], : weight.shape[0]] = weight.T
        parts += [matrix.ravel(), _pad(bias, num_out)]
    heads = np.zeros((widths[-1], TILE_COLUMNS), dtype=np.float32)
    biases = np.zeros(TILE_COLUMNS, dtype=np.float32)
    if expert.outcome is not None:
        weight, bias = expert.outcome
        heads[: weight.shape[1], :NUM_OUTCOMES] = weight.T
        biases[:NUM_OUTCOMES] = bias
    if expert.score is not None:
        weight, biases[_SCORE] = expert.score
        heads[: len(weight), _SCORE] = weight
    return [*parts, heads.ravel(), biases]


def _padded(width: int) -> int:
    return -(-width // TILE_COLUMNS) * TILE_COLUMNS


def _pad(values: npt.NDArray[np.floating], width: int) -> Floats:
    out = np.zeros(width, dtype=np.float32)
    out[: len(values)] = values
    return out


@kernel
def _row_starts(board: Board, width: int, starts: Offsets) -> int:
    """Where the table rows of a board's occupied locations begin, into `starts`; gives their number."""
    num_rows = 0
    for location in range(26):
        count = int(board[location])
        if count != 0:
            starts[num_rows] = (location * 31 + count + 15) * width
            num_rows += 1
    return num_rows


@kernel
def possible_mask(boards: Board, at: int) -> int:
    """Outcomes that the rules still allow (`evaluation.outcome.possible_outcomes`), bit k for outcome k.

    Args:
        boards: int8, flat; a board seen by the player who has just moved begins at `at`.
        at: where it begins.

    Returns:
        The mask; one bit only when the player who has just moved has no checker left.
    """
    own = locations_above(boards, at, 0)
    theirs = ~locations_above(boards, at, -1) & _LOCATIONS
    num_own = 0
    num_theirs = 0
    for location in range(at, at + 26):
        count = int(boards[location])
        num_own += max(count, 0)
        num_theirs -= min(count, 0)
    if num_own == 0:
        return 1 if num_theirs < 15 else (4 if theirs & _HOME else 2)
    has_contact = own > (theirs & -theirs)  # our rearmost checker has one of theirs still to pass
    mask = 0b001001
    if num_theirs == 15:
        mask |= 0b110 if has_contact or theirs & _HOME else 0b010
    if num_own == 15:
        mask |= 0b110000 if has_contact or own >> 19 else 0b010000
    return mask


@kernel
def _finish_block(widths: Offsets, numbers: Floats, expert: int, block: Floats, room_at: int) -> int:
    """Hidden layers and heads of the eight first layers of an expert, which stand in `block` at 8 * H * expert.

    Args:
        widths: see `FoldedNet`.
        numbers: see `FoldedNet`.
        expert: its index.
        block: float32; from `room_at` on room for two lots of eight rows of the widest further layer.
        room_at: where that room begins.

    Returns:
        Where the eight rows of heads begin in `block`, TILE_COLUMNS apart.
    """
    num_layers = widths.shape[0]
    size = 0
    widest = TILE_COLUMNS
    for layer in range(1, num_layers + 1):
        num_out = widths[layer] if layer < num_layers else TILE_COLUMNS
        size += (widths[layer - 1] + 1) * num_out
        widest = max(widest, num_out)
    at = expert * size
    given = expert * TILE_ROWS * widths[0]
    target = room_at
    for layer in range(1, num_layers + 1):
        is_last = layer == num_layers
        num_in = widths[layer - 1]
        num_out = TILE_COLUMNS if is_last else widths[layer]
        biases_at = at + num_in * num_out
        for column in range(0, num_out, TILE_COLUMNS):
            dense_tile(
                block,
                given,
                num_in,
                num_in,
                numbers,
                at + column,
                num_out,
                numbers,
                biases_at + column,
                block,
                target + column,
                num_out,
                _LOWEST if is_last else np.float32(0),
            )
        at = biases_at + num_out
        given = target
        target = 2 * room_at + TILE_ROWS * widest - given  # the other half of the room
    return int(given)


@kernel
def _flush(
    widths: Offsets,
    numbers: Floats,
    expert: int,
    num_waiting: int,
    slots: Offsets,
    block: Floats,
    room_at: int,
    boards: Board,
    stride: int,
    ranks_by_equity: bool,
    score_scale: np.float32,
    scores: Floats,
    heads: Floats,
    points: Floats,
) -> None:
    """Scores, and where wanted the last hidden layer, of the positions that wait for an expert.

    Args:
        widths: see `FoldedNet`.
        numbers: see `FoldedNet`.
        expert: its index.
        num_waiting: 1 to 8 of them.
        slots: their indices begin at 8 * expert.
        block: see `_finish_block`.
        room_at: see `_finish_block`.
        boards: int8, flat: position k begins at k * stride.
        stride: see `boards`.
        ranks_by_equity: see `FoldedNet`.
        score_scale: see `FoldedNet`.
        scores: float32, by index.
        heads: float32, by index * LANES: the logits of the outcomes and the score.
        points: float32[LANES], `_POINTS`.
    """
    heads_at = _finish_block(widths, numbers, expert, block, room_at)
    for row in range(num_waiting):
        k = slots[expert * TILE_ROWS + row]
        at = heads_at + row * TILE_COLUMNS
        if ranks_by_equity:
            mask = possible_mask(boards, k * stride)
            scores[k] = block[at + _SCORE] + score_scale * softmax_row(block, at, mask, points, heads, k * LANES)
        else:
            scores[k] = block[at + _SCORE]
        for j in range(LANES):
            heads[k * LANES + j] = block[at + j]


@kernel
def _score_walk(
    steps: Integers,
    widths: Offsets,
    numbers: Floats,
    num_experts: int,
    scale: np.float32,
    floor: np.float32,
    ranks_by_equity: bool,
    score_scale: np.float32,
    trace: Integers,
    num_entries: int,
    boards: Board,
    candidates: Board,
    sums: Integers,
    block: Floats,
    slots: Offsets,
    waiting: Offsets,
    scores: Floats,
    heads: Floats,
    points: Floats,
) -> None:
    """Score every candidate of a walk.

    Args:
        steps: see `FoldedNet`, like the next seven.
        widths: .
        numbers: .
        num_experts: .
        scale: .
        floor: .
        ranks_by_equity: .
        score_scale: .
        trace: as `generate_traced` gives it.
        num_entries: its length; 0 for a dance, whose one candidate is the position itself.
        boards: int8[4 * 32], one board a depth; the first is the position before the play.
        candidates: int8[M * 32], as the generator gives them.
        sums: int32[5 * H], first layers of `boards`, and room for one more; the first is filled in.
        block: float32, eight rows of H for each expert and the room of `_finish_block`.
        slots: int64[8 * E], overwritten.
        waiting: int64[E], zeros; zeros again afterwards.
        scores: float32[M], overwritten.
        heads: float32[M * LANES], overwritten.
        points: float32[LANES], `_POINTS`.
    """
    width = widths[0]
    room_at = num_experts * TILE_ROWS * width
    nowhere = _NOWHERE * width
    num_leaves = 0
    for entry in range(max(num_entries, 1)):
        code = int(trace[entry]) if num_entries else LEAF | 1 << 12
        before = ((code >> 12 & 15) - 1) * _ROW_BYTES
        source = code >> 6 & 63
        target = code & 63
        sums_at = (code >> 12 & 15) * width
        parent_at = sums_at - width
        plus = nowhere
        minus = nowhere
        is_hit = False
        if num_entries:
            minus = (source * NUM_COUNTS + int(boards[before + source]) + 14) * width
        if target > 0:
            plus = (target * NUM_COUNTS + int(boards[before + target]) + 15) * width
            is_hit = boards[before + target] == -1
        if is_hit:  # two counts more: the blot that goes and the bar that gets it
            step_row(sums, sums_at, sums, parent_at, steps, plus, minus, width)
            parent_at = sums_at
            plus += width
            minus = (int(boards[before]) + 14) * width
        if code & LEAF:
            expert = phase_code_at(candidates, num_leaves * _ROW_BYTES) if num_experts > 1 else 0
            row = expert * TILE_ROWS + waiting[expert]
            step_and_scale_row(block, row * width, sums, parent_at, steps, plus, minus, width, scale, floor)
            slots[row] = num_leaves
            num_leaves += 1
            waiting[expert] += 1
            if waiting[expert] == TILE_ROWS:
                _flush(
                    widths, numbers, expert, TILE_ROWS, slots, block, room_at,
                    candidates, _ROW_BYTES, ranks_by_equity, score_scale, scores, heads, points,
                )  # fmt: skip
                waiting[expert] = 0
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
    for expert in range(num_experts):
        if waiting[expert]:
            _flush(
                widths, numbers, expert, waiting[expert], slots, block, room_at,
                candidates, _ROW_BYTES, ranks_by_equity, score_scale, scores, heads, points,
            )  # fmt: skip
            waiting[expert] = 0


class _Room(NamedTuple):
    """Work space of one call; allocated by the caller of the loop that borrows it."""

    candidates: Board  # int8[M * 32], flat
    scratch: Board  # int8[3 * 32]
    boards: Board  # int8[4 * 32], one board a depth of the walk
    trace: Integers  # int32[2 * M]
    sums: Integers  # int32[5 * H]
    starts: Offsets  # int64[26]
    block: Floats  # eight rows of H for each expert and the room of `_finish_block`; zeros: unused rows hold numbers
    slots: Offsets  # int64[8 * E]
    waiting: Offsets  # int64[E], zeros
    scores: Floats  # float32[M]
    heads: Floats  # float32[M * LANES]
    points: Floats  # float32[LANES], the points of the outcomes
    chances: Floats  # float32[LANES]


@kernel
def _new_room(net: FoldedNet, num_positions: int) -> _Room:
    """Room for M positions at a time."""
    widths = net.widths
    widest = TILE_COLUMNS
    for layer in range(1, widths.shape[0]):
        widest = max(widest, widths[layer])
    block_size = TILE_ROWS * (net.num_experts * widths[0] + 2 * widest)
    return _Room(
        np.empty(num_positions * _ROW_BYTES, dtype=np.int8),
        np.empty(3 * _ROW_BYTES, dtype=np.int8),
        np.zeros(4 * _ROW_BYTES, dtype=np.int8),
        np.empty(2 * num_positions, dtype=np.int32),
        np.empty(5 * widths[0], dtype=np.int32),
        np.empty(26, dtype=np.int64),
        np.zeros(block_size, dtype=np.float32),
        np.empty(TILE_ROWS * net.num_experts, dtype=np.int64),
        np.zeros(net.num_experts, dtype=np.int64),
        np.empty(num_positions, dtype=np.float32),
        np.empty(num_positions * LANES, dtype=np.float32),
        _POINTS.copy(),
        np.empty(LANES, dtype=np.float32),
    )


@kernel
def _best_row(boards: Board, candidates: Board, num_candidates: int, scores: Floats) -> int:
    """The first candidate that ends the game, or else the first of the greatest score.

    Args:
        boards: int8[>= 26], the position before the play.
        candidates: int8[M * 32], flat.
        num_candidates: M.
        scores: float32[M].
    """
    own = 0
    for location in range(1, 26):
        own += max(int(boards[location]), 0)
    if own <= 4:  # nobody bears off more in one turn
        for row in range(num_candidates):
            left = 0
            for location in range(1, 26):
                left += max(int(candidates[row * _ROW_BYTES + location]), 0)
            if left == 0:
                return row
    best = 0
    for row in range(1, num_candidates):
        if scores[row] > scores[best]:
            best = row
    return best


@kernel
def decide(boards: Board, dice: Board, net: FoldedNet, rows: Offsets, after: Board, chances: Floats) -> int:
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
    room = _new_room(net, MAX_CANDIDATES)
    return _decide_all(boards, dice, net, room, rows, after, chances)


@kernel
def _decide_all(
    boards: Board, dice: Board, net: FoldedNet, room: _Room, rows: Offsets, after: Board, chances: Floats
) -> int:
    """`decide` with room for one decision."""
    steps = borrow(net.steps)
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
    starts = borrow(room.starts)
    block = borrow(room.block)
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
    is_playing = after.shape[0] > 0
    total = 0
    for i in range(boards.shape[0]):
        copy_board_at(all_boards, i * 26, walk_boards, 0)
        num_candidates, num_entries = generate_flat(
            walk_boards, all_dice[2 * i], all_dice[2 * i + 1], candidates, _ROW_BYTES, 0, scratch, trace
        )
        best = 0
        if num_candidates > 1 or is_judging:
            num_rows = _row_starts(walk_boards, width, starts)
            sum_rows(sums, 0, base, table, starts, num_rows, width)
            _score_walk(
                steps, widths, numbers, num_experts, net.scale, net.floor, net.ranks_by_equity, net.score_scale,
                trace, num_entries, walk_boards, candidates, sums, block, slots, waiting, scores, heads, points,
            )  # fmt: skip
            best = _best_row(walk_boards, candidates, num_candidates, scores)
            total += num_candidates
        rows[i] = best
        if is_playing:
            copy_board_at(candidates, best * _ROW_BYTES, all_after, i * 26)
        if is_judging:
            softmax_row(heads, best * LANES, possible_mask(candidates, best * _ROW_BYTES), points, shares, 0)
            for j in range(NUM_OUTCOMES):
                all_chances[i * NUM_OUTCOMES + j] = shares[j]
    return total


@kernel
def judge_boards(boards: Board, net: FoldedNet, scores: Floats, chances: Floats) -> None:
    """Score unrelated positions, and give their outcomes where wanted.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.
        net: the folded net.
        scores: float32[M], overwritten.
        chances: float32[M, 6], overwritten (`net.has_outcomes`); or float32[0, 6].
    """
    room = _new_room(net, _GROUP)
    _judge_all(boards, net, room, scores, chances)


@kernel
def _judge_all(boards: Board, net: FoldedNet, room: _Room, scores: Floats, chances: Floats) -> None:
    """`judge_boards` with room for a group of positions."""
    steps = borrow(net.steps)
    table = borrow(net.rows)
    base = borrow(net.base)
    widths = borrow(net.widths)
    numbers = borrow(net.numbers)
    num_experts = net.num_experts
    group = borrow(room.candidates)
    board = borrow(room.boards)
    sums = borrow(room.sums)
    starts = borrow(room.starts)
    block = borrow(room.block)
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
    nowhere = _NOWHERE * width
    is_judging = chances.shape[0] > 0
    for first in range(0, boards.shape[0], _GROUP):
        num_boards = min(_GROUP, boards.shape[0] - first)
        for k in range(num_boards):
            copy_board_at(all_boards, (first + k) * 26, board, 0)
            copy_board_at(board, 0, group, k * _ROW_BYTES)
            expert = phase_code_at(board, 0) if num_experts > 1 else 0
            num_rows = _row_starts(board, width, starts)
            sum_rows(sums, 0, base, table, starts, num_rows, width)
            row = expert * TILE_ROWS + waiting[expert]
            step_and_scale_row(block, row * width, sums, 0, steps, nowhere, nowhere, width, net.scale, net.floor)
            slots[row] = k
            waiting[expert] += 1
            if waiting[expert] == TILE_ROWS:
                _flush(
                    widths, numbers, expert, TILE_ROWS, slots, block, room_at,
                    group, _ROW_BYTES, net.ranks_by_equity, net.score_scale, group_scores, heads, points,
                )  # fmt: skip
                waiting[expert] = 0
        for expert in range(num_experts):
            if waiting[expert]:
                _flush(
                    widths, numbers, expert, waiting[expert], slots, block, room_at,
                    group, _ROW_BYTES, net.ranks_by_equity, net.score_scale, group_scores, heads, points,
                )  # fmt: skip
                waiting[expert] = 0
        for k in range(num_boards):
            scores[first + k] = group_scores[k]
            if is_judging:
                softmax_row(heads, k * LANES, possible_mask(group, k * _ROW_BYTES), points, shares, 0)
                for j in range(NUM_OUTCOMES):
                    all_chances[(first + k) * NUM_OUTCOMES + j] = shares[j]


@kernel
def fill_possible(boards: Board, possible: npt.NDArray[np.bool_]) -> None:
    """Write `possible_mask` of positions int8[M, 26] into possible bool[M, 6]."""
    flat = boards.reshape(-1)
    for i in range(boards.shape[0]):
        mask = possible_mask(flat, i * 26)
        for k in range(NUM_OUTCOMES):
            possible[i, k] = mask >> k & 1 == 1
