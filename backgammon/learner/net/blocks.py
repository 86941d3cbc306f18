"""Hidden layers and heads of positions that wait in blocks, and the work space of the kernels.

Axis legend: H width of the first layer, E experts, M positions, a block of TILE_ROWS positions of one expert.

The hidden layers take TILE_ROWS positions at once, those of one expert, and only the inputs that are not 0 in all of
them. A position's score and outcomes depend on the position alone, never on what else is in its block.

Functions take the net and the room as records and borrow them first (`intrinsics.borrow`): counted references would
cost a sixth of the time of one thread, and half of that of two. What is called for every candidate takes the arrays
that it needs, for a record is a hundred words to hand over.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.evaluation.outcome import POINTS
from backgammon.evaluation.possible import possible_mask
from backgammon.learner.net.board_rows import MAX_STARTS, NUM_WORDS
from backgammon.learner.net.fold import LOWEST, NUM_OUTCOMES, SCORE, FoldedNet
from backgammon.rules.board import Board
from backgammon.rules.phase import phase_code_at
from backgammon.tools.arrays import Boards, Float32s, Int32s, Offsets
from backgammon.tools.intrinsics import (
    HALF_ROWS,
    LANES,
    ROW_BYTES,
    ROW_COLUMNS,
    TILE_COLUMNS,
    TILE_ROWS,
    borrow,
    copy_lanes,
    dense_tile,
    find_nonzero,
    half_tile,
    narrow_tile,
    rectify_lanes,
    row_lane,
    row_tile,
    softmax_row,
    sum_rows_to_floats,
)
from backgammon.tools.jit import kernel

_POINTS = np.zeros(LANES, dtype=np.float32)
_POINTS[:NUM_OUTCOMES] = POINTS


class Room(NamedTuple):
    """Work space of one call; allocated by the caller of the loop that borrows it."""

    candidates: Boards  # int8[M * 32], flat: the positions that are judged
    scratch: Board  # int8[3 * 32]
    boards: Boards  # int8[4 * 32], one board a depth of the walk; the first is the position before the play
    trace: Int32s  # int32[2 * M], as `generate_traced` gives it
    sums: Int32s  # int32[5 * H], first layers of `boards`, and room for one more
    words: Offsets  # int64[5 * 4], patterns of `boards` and of a candidate
    starts: Offsets  # int64[MAX_STARTS]
    block: Float32s  # TILE_ROWS rows of H for each expert, then two lots of TILE_ROWS rows of the widest further layer,
    # or three with a context; zeros: rows that nobody waits in count
    used: Int32s  # int32[widest layer + 8]
    slots: Offsets  # int64[TILE_ROWS * E], which positions wait for each expert
    waiting: Offsets  # int64[E], how many; zeros
    scores: Float32s  # float32[M]
    heads: Float32s  # float32[M * LANES], the logits of the outcomes and the score
    points: Float32s  # float32[LANES], the points of the outcomes
    chances: Float32s  # float32[LANES]
    before: Offsets  # int64[1], what the position before the play counts in the number of an expert
    shift: Float32s  # float32[2 * W], what it adds to the second layer of the score, then zeros; float32[0] without a
    # context


@kernel
def new_room(net: FoldedNet, num_positions: int) -> Room:
    """Room for M positions at a time."""
    widths = net.widths
    widest = LANES
    for layer in range(1, widths.shape[0]):
        widest = max(widest, widths[layer])
    num_shifts = widths[1] if net.context.shape[0] else 0
    block_size = TILE_ROWS * (net.num_experts * widths[0] + (3 if num_shifts else 2) * widest)
    return Room(
        np.empty(num_positions * ROW_BYTES, dtype=np.int8),
        np.empty(3 * ROW_BYTES, dtype=np.int8),
        np.zeros(4 * ROW_BYTES, dtype=np.int8),
        np.empty(2 * num_positions, dtype=np.int32),
        np.empty(5 * widths[0], dtype=np.int32),
        np.empty(5 * NUM_WORDS, dtype=np.int64),
        np.empty(MAX_STARTS, dtype=np.int64),
        np.zeros(block_size, dtype=np.float32),
        np.empty(max(widths[0], widest) + 8, dtype=np.int32),
        np.empty(TILE_ROWS * net.num_experts, dtype=np.int64),
        np.zeros(net.num_experts, dtype=np.int64),
        np.empty(num_positions, dtype=np.float32),
        np.empty(num_positions * LANES, dtype=np.float32),
        _POINTS.copy(),
        np.empty(LANES, dtype=np.float32),
        np.zeros(1, dtype=np.int64),
        np.zeros(2 * num_shifts, dtype=np.float32),
    )


@kernel
def see_decision(net: FoldedNet, room: Room, boards: Boards) -> None:
    """What the position before the play is to its candidates: its part of the expert's number, its context.

    Args:
        net: the folded net.
        room: with the first layer of the position as the first of its sums.
        boards: int8[>= 26], the position.
    """
    net, room = borrow(net), borrow(room)
    if net.before_step:
        room.before[0] = net.before_step * phase_code_at(boards, 0)
    if net.context.shape[0]:
        num_in, width = net.widths[0], net.widths[1]
        block, used, context, shift = room.block, room.used, net.context, room.shift
        # Nothing waits in the blocks now: the first row of the first one is free.
        sum_rows_to_floats(block, 0, room.sums, 0, net.rows, room.starts, 0, 0, num_in, net.floor)
        num_used = find_nonzero(block, 0, num_in, 1, num_in, used)
        column = 0
        while column < width:
            if width - column >= ROW_COLUMNS:
                row_tile(
                    block, 0, num_in, used, num_used, context, column * num_in, LANES * num_in,
                    context, num_in * width + column, shift, column, width, LOWEST,
                )  # fmt: skip
                column += ROW_COLUMNS
            else:
                row_lane(
                    block, 0, num_in, used, num_used, context, column * num_in, LANES * num_in,
                    context, num_in * width + column, shift, column, width, LOWEST,
                )  # fmt: skip
                column += LANES


@kernel
def take_slot(slots: Offsets, waiting: Offsets, expert: int, position: int) -> int:
    """The next place in the block of an expert, for the first layer of a position; it must not be full."""
    slot = expert * TILE_ROWS + waiting[expert]
    slots[slot] = position
    waiting[expert] += 1
    return int(slot)


@kernel
def flush_waiting(net: FoldedNet, room: Room) -> None:
    """Score what still waits in the blocks of the experts."""
    net, room = borrow(net), borrow(room)
    for expert in range(net.num_experts):
        if room.waiting[expert]:
            flush(net, room, expert)


@kernel
def flush(net: FoldedNet, room: Room, expert: int) -> None:
    """Scores and heads of the positions of `room.candidates` whose first layers wait for an expert, at least one."""
    net, room = borrow(net), borrow(room)
    num_waiting = room.waiting[expert]
    block = room.block
    if room.shift.shape[0]:
        heads_at = _finish_shifted(
            net.widths,
            net.numbers,
            net.num_experts,
            block,
            room.used,
            expert,
            num_waiting,
            room.shift,
            net.has_outcomes,
        )
    else:
        heads_at = _finish_block(net.widths, net.numbers, net.num_experts, block, room.used, expert, num_waiting)
    for row in range(num_waiting):
        k = room.slots[expert * TILE_ROWS + row]
        at = heads_at + row * LANES
        score = block[at + SCORE]
        if net.ranks_by_equity:
            mask = possible_mask(room.candidates, k * ROW_BYTES)
            score += net.score_scale * softmax_row(block, at, mask, room.points, room.heads, k * LANES)
        room.scores[k] = score
        copy_lanes(block, at, room.heads, k * LANES)
    room.waiting[expert] = 0


@kernel
def _finish_block(
    widths: Offsets, numbers: Float32s, num_experts: int, block: Float32s, used: Int32s, expert: int, num_rows: int
) -> int:
    """Hidden layers and heads of an expert's block.

    Most units of a rectified layer are 0, and so are most of them in all candidates of one decision: only the others
    are multiplied. That changes no bit of a sum, so a score still does not depend on what else is in the block.

    Args:
        widths: see `FoldedNet`.
        numbers: see `FoldedNet`.
        num_experts: see `FoldedNet`.
        block: see `Room`; the first layers stand at TILE_ROWS * H * expert.
        used: see `Room`.
        expert: its index.
        num_rows: 1 to TILE_ROWS first layers; what stands in the rows behind them is computed and means nothing.

    Returns:
        Where the rows of heads begin in the block, LANES apart.
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
    room_at = num_experts * TILE_ROWS * widths[0]
    target = room_at
    for layer in range(1, num_layers + 1):
        num_in = widths[layer - 1]
        num_out = widths[layer] if layer < num_layers else LANES
        floor = np.float32(0) if layer < num_layers else LOWEST
        _put_layer(block, given, num_in, num_rows, used, numbers, at, target, num_out, floor)
        at += (num_in + 1) * num_out
        given = target
        target = 2 * room_at + TILE_ROWS * widest - given  # the other half of the room
    return int(given)


@kernel
def _put_layer(
    block: Float32s, given: int, num_in: int, num_rows: int, used: Int32s, numbers: Float32s, at: int, target: int,
    num_out: int, floor: np.float32,
) -> None:  # fmt: skip
    """A layer of a block's rows from `given` to `target`; its matrix stands at `numbers[at]`, its biases behind it."""
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


@kernel
def _finish_shifted(
    widths: Offsets, numbers: Float32s, num_experts: int, block: Float32s, used: Int32s, expert: int, num_rows: int,
    shift: Float32s, has_outcomes: bool,
) -> int:  # fmt: skip
    """`_finish_block` of a net with a context: one second layer, rectified with the shift and without.

    The score is read off the shifted units, the outcomes off the others: they are those of the position alone.
    """
    num_in = widths[0]
    width = widths[1]
    lot = TILE_ROWS * max(LANES, width)
    at = expert * ((num_in + 1) * width + (width + 1) * LANES)
    plain = num_experts * TILE_ROWS * num_in
    shifted = plain + lot
    heads = shifted + lot
    _put_layer(block, expert * TILE_ROWS * num_in, num_in, num_rows, used, numbers, at, plain, width, LOWEST)
    for row in range(num_rows):
        for column in range(0, width, LANES):
            place = row * width + column
            rectify_lanes(block, plain + place, shift, column, block, shifted + place)
            if has_outcomes:
                rectify_lanes(block, plain + place, shift, width + column, block, plain + place)
    at += (num_in + 1) * width
    _put_layer(block, shifted, width, num_rows, used, numbers, at, heads, LANES, LOWEST)
    if has_outcomes:
        _put_layer(block, plain, width, num_rows, used, numbers, at, shifted, LANES, LOWEST)
        for row in range(num_rows):
            for j in range(NUM_OUTCOMES):
                block[heads + row * LANES + j] = block[shifted + row * LANES + j]
    return int(heads)


@kernel
def put_chances(room: Room, position: int, chances: Float32s, row: int) -> None:
    """Write the outcomes of a position of the room that was scored into row `row` of float32[N * 6]."""
    mask = possible_mask(room.candidates, position * ROW_BYTES)
    softmax_row(room.heads, position * LANES, mask, room.points, room.chances, 0)
    for j in range(NUM_OUTCOMES):
        chances[row * NUM_OUTCOMES + j] = room.chances[j]
