"""From a position and a roll to the best play in one walk: generation, first layer, scores, choice.

Axis legend: N decisions, M candidates, H width of the first layer.

Along the walk of the move generator (`generate_traced`) a move changes two counts by one each, or four with a hit: a
candidate costs one row added and one taken from the sums of the position before its last move, and the rows of the
patterns that the move changed. Sums are exact (see `fold`), so a score is the same here and in `judge`, and depends on
the candidate alone (of a net that asks for the decision, on the position before the play too), never on its rivals or
the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.learner.inputs.patterns import changed_places
from backgammon.learner.net.blocks import (
    Room,
    flush,
    flush_waiting,
    new_room,
    put_chances,
    see_decision,
    take_slot,
)
from backgammon.learner.net.board_rows import NOWHERE, NUM_WORDS, put_words, row_starts
from backgammon.learner.net.fold import NUM_COUNTS, FoldedNet
from backgammon.rules.board import Board
from backgammon.rules.movegen import LEAF, MAX_CANDIDATES, generate_flat
from backgammon.tools.arrays import Boards, Dice, Float32s, Offsets
from backgammon.tools.intrinsics import (
    ROW_BYTES,
    TILE_ROWS,
    borrow,
    copy_board,
    sum_rows,
    walk_row,
    walk_row_to_floats,
)
from backgammon.tools.jit import kernel

NUM_PROPOSALS = 3
"""Candidates that `propose` gives at most."""


class _Answers(NamedTuple):
    """What is wanted of N decisions, flat; arrays without a row are not filled in."""

    rows: Offsets  # int64[N], the best candidate
    after: Boards  # int8[N * 26], the best candidate itself; of proposals int8[N * NUM_PROPOSALS * 26]
    chances: Float32s  # float32[N * 6], its outcomes
    counts: Offsets  # int64[N], how many are proposed
    near: Offsets  # int64[NUM_PROPOSALS], work space


@kernel
def sum_position(net: FoldedNet, room: Room) -> None:
    """First layer and patterns of the first of the room's boards, and what it is to its candidates: a walk starts."""
    net, room = borrow(net), borrow(room)
    width = net.base.shape[0]
    num_plus, num_minus = row_starts(room.boards, width, net.patterns_at, room.starts)
    sum_rows(room.sums, 0, net.base, 0, net.rows, room.starts, num_plus, num_minus, width)
    put_words(room.boards, 0, room.words, 0)
    see_decision(net, room, room.boards)


@kernel
def score_walk(net: FoldedNet, room: Room, num_entries: int, first: int) -> None:
    """Score every candidate of a walk, but for those that still wait in blocks afterwards (`flush_waiting`).

    Args:
        net: the folded net.
        room: with the position in its place (`sum_position`), and the trace and the candidates of the generator.
        num_entries: length of the trace; 0 for a dance, whose one candidate is the position itself.
        first: row of the walk's first candidate.
    """
    net, room = borrow(net), borrow(room)
    rows, patterns_at, floor, width = net.rows, net.patterns_at, net.floor, net.base.shape[0]
    boards, candidates, sums, words, block = room.boards, room.candidates, room.sums, room.words, room.block
    slots, waiting, trace = room.slots, room.waiting, room.trace
    row = first
    for entry in range(max(num_entries, 1)):
        code = int(trace[entry]) if num_entries else LEAF | 1 << 12
        depth = code >> 12 & 15
        before = (depth - 1) * ROW_BYTES
        plus, minus, bar = _moved_rows(boards, before, code, num_entries > 0, width)
        old = (depth - 1) * NUM_WORDS
        new = old + NUM_WORDS
        if code & LEAF:
            expert = put_words(candidates, row * ROW_BYTES, words, new)
        else:
            _move(boards, before, code >> 6 & 63, code & 63, bar > 0)
            expert = put_words(boards, before + ROW_BYTES, words, new)
        changed_blocks = 0
        changed_shots = 0
        if patterns_at:
            changed_blocks = changed_places(words[old], words[old + 1], words[new], words[new + 1])
            changed_shots = changed_places(words[old + 2], words[old + 3], words[new + 2], words[new + 3])
        parent_at = (depth - 1) * width
        if code & LEAF:
            expert = net.own_step * expert + room.before[0]
            slot = take_slot(slots, waiting, expert, row)
            walk_row_to_floats(
                block, slot * width, sums, parent_at, rows, plus, minus, bar, words, old,
                changed_blocks, changed_shots, patterns_at, width, floor,
            )  # fmt: skip
            row += 1
            if waiting[expert] == TILE_ROWS:
                flush(net, room, expert)
        else:
            walk_row(
                sums, depth * width, sums, parent_at, rows, plus, minus, bar, words, old, changed_blocks, changed_shots,
                patterns_at, width,
            )  # fmt: skip


@kernel
def _moved_rows(boards: Boards, before: int, code: int, has_moved: bool, width: int) -> tuple[int, int, int]:
    """The rows that a move adds, takes away, and that of the opponent's bar; 0 for the last where nothing is hit."""
    source = code >> 6 & 63
    target = code & 63
    plus = NOWHERE * width
    minus = plus
    bar = 0
    if has_moved:
        minus = (source * NUM_COUNTS + int(boards[before + source]) + 14) * width
    if target > 0:
        count = int(boards[before + target])
        plus = (target * NUM_COUNTS + count + 15) * width
        if count == -1:
            bar = (int(boards[before]) + 14) * width
    return plus, minus, bar


@kernel
def _move(boards: Boards, before: int, source: int, target: int, is_hit: bool) -> None:
    """Write the board after a move behind the one before it."""
    after = before + ROW_BYTES
    copy_board(boards, before, boards, after)
    boards[after + source] -= 1
    if is_hit:
        boards[after + target] = 1
        boards[after] -= 1
    elif target > 0:
        boards[after + target] += 1


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
    near = np.empty(NUM_PROPOSALS, dtype=np.int64)
    nothing = np.empty(0, dtype=np.float32)
    return _decide_all(boards, dice, net, room, _Answers(rows, proposals.reshape(-1), nothing, counts, near), within)


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
    none = np.empty(0, dtype=np.int64)
    return _decide_all(boards, dice, net, room, _Answers(rows, after.reshape(-1), chances.reshape(-1), none, none), 0.0)


@kernel
def _decide_all(
    all_boards: Boards, all_dice: Dice, net: FoldedNet, room: Room, answers: _Answers, within: float
) -> int:
    """`decide`, or with counts `propose`, with room for one decision."""
    net, room = borrow(net), borrow(room)
    boards = borrow(all_boards).reshape(-1)
    dice = borrow(all_dice).reshape(-1)
    rows, after, chances, counts, near = borrow(answers)
    is_judging = chances.shape[0] > 0
    is_proposing = counts.shape[0] > 0
    total = 0
    for i in range(rows.shape[0]):
        copy_board(boards, i * 26, room.boards, 0)
        num_candidates, num_entries = generate_flat(
            room.boards, dice[2 * i], dice[2 * i + 1], room.candidates, ROW_BYTES, 0, room.scratch, room.trace
        )
        best = 0
        if num_candidates > 1 or is_judging:
            sum_position(net, room)
            score_walk(net, room, num_entries, 0)
            flush_waiting(net, room)
            best = best_row(room.boards, room.candidates, 0, num_candidates, room.scores)
            total += num_candidates
        rows[i] = best
        if is_proposing:
            num_near = 1
            if num_candidates > 1 and is_open(room.candidates, best * ROW_BYTES):
                num_near = near_rows(0, num_candidates, room.scores, best, within, near)
            near[0] = best
            counts[i] = num_near
            for k in range(num_near):
                copy_board(room.candidates, near[k] * ROW_BYTES, after, (i * NUM_PROPOSALS + k) * 26)
        elif after.shape[0] > 0:
            copy_board(room.candidates, best * ROW_BYTES, after, i * 26)
        if is_judging:
            put_chances(room, best, chances, i)
    return total
