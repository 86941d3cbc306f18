"""The replies to all 21 rolls in a position by one kernel: a small net proposes, the net judges what it proposes.

Axis legend: K positions, 21 rolls in the order of `dice.ROLLS`, H width of a first layer.

This is what a look-ahead asks of every position, and to the last bit what `kernels.propose` and `kernels.judge_boards`
say roll by roll. But the first layers of the position are summed once for its 21 rolls, a reply's are these and the
rows of what it changes, and the blocks of the hidden layers fill across rolls: the replies of one position share most
of the units that are 0, and fewer blocks stay half empty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.evaluation.possible import possible_mask
from backgammon.learner.inputs.patterns import changed_places, put_patterns
from backgammon.learner.net.kernels import (
    NUM_COUNTS,
    NUM_OUTCOMES,
    NUM_PROPOSALS,
    FoldedNet,
    Room,
    best_row,
    flush,
    flush_waiting,
    is_open,
    near_rows,
    new_room,
    put_words,
    row_starts,
    score_walk,
)
from backgammon.rules.movegen import MAX_CANDIDATES, generate_flat
from backgammon.rules.rolls import NUM_ROLLS
from backgammon.tools.arrays import Boards, Float32s, Offsets
from backgammon.tools.intrinsics import (
    LANES,
    ROW_BYTES,
    TILE_ROWS,
    borrow,
    changed_locations,
    copy_board,
    highest_bit,
    softmax_row,
    sum_rows,
    sum_rows_to_floats,
)
from backgammon.tools.jit import kernel

_MAX_REPLIES = NUM_ROLLS * NUM_PROPOSALS
"""Replies of a position that the net judges, at most."""
_MAX_LOST = 32
"""More rows of counts than a reply takes away: eight moved checkers and as many hit ones."""


class _Marks(NamedTuple):
    """Where the rolls of a position begin; allocated by the caller of the loop that borrows it."""

    candidates: Offsets  # int64[22], first candidate of each roll
    replies: Offsets  # int64[22], first proposed reply of each roll
    near: Offsets  # int64[NUM_PROPOSALS]
    lost: Offsets  # int64[_MAX_LOST]


@kernel
def reply_to_rolls(
    boards: Boards, small: FoldedNet, net: FoldedNet, within: float, afters: Boards, chances: Float32s
) -> int:
    """The net's choice of what a small net proposes, for each of the 21 rolls in each position.

    Args:
        boards: int8[K, 26], the player on roll, checked; games that are not over.
        small: proposes.
        net: chooses and judges; has outcomes.
        within: how far behind its best the small net proposes, in units of its score.
        afters: int8[21 * K, 26], receives the plays, roll after roll.
        chances: float32[21 * K, 6], receives their outcomes.

    Returns:
        The number of candidates that the small net scored.
    """
    marks = _Marks(
        np.empty(NUM_ROLLS + 1, dtype=np.int64),
        np.empty(NUM_ROLLS + 1, dtype=np.int64),
        np.empty(NUM_PROPOSALS, dtype=np.int64),
        np.empty(_MAX_LOST, dtype=np.int64),
    )
    proposing = new_room(small, NUM_ROLLS * MAX_CANDIDATES)
    return _reply_all(boards, small, net, within, afters, chances, proposing, new_room(net, _MAX_REPLIES), marks)


@kernel
def _reply_all(
    boards: Boards, small: FoldedNet, net: FoldedNet, within: float, afters: Boards, chances: Float32s,
    proposing: Room, judging: Room, marks: _Marks,
) -> int:  # fmt: skip
    """`reply_to_rolls` with room for the candidates and for the replies of a position."""
    all_boards = borrow(boards).reshape(-1)
    all_afters = borrow(afters).reshape(-1)
    all_chances = borrow(chances).reshape(-1)
    board = borrow(proposing.boards)
    candidates = borrow(proposing.candidates)
    scratch = borrow(proposing.scratch)
    trace = borrow(proposing.trace)
    sums = borrow(proposing.sums)
    words = borrow(proposing.words)
    starts = borrow(proposing.starts)
    block = borrow(proposing.block)
    used = borrow(proposing.used)
    slots = borrow(proposing.slots)
    waiting = borrow(proposing.waiting)
    scores = borrow(proposing.scores)
    heads = borrow(proposing.heads)
    points = borrow(proposing.points)
    rows = borrow(small.rows)
    base = borrow(small.base)
    widths = borrow(small.widths)
    numbers = borrow(small.numbers)
    replies = borrow(judging.candidates)
    reply_words = borrow(judging.words)
    net_sums = borrow(judging.sums)
    net_starts = borrow(judging.starts)
    net_block = borrow(judging.block)
    net_used = borrow(judging.used)
    net_slots = borrow(judging.slots)
    net_waiting = borrow(judging.waiting)
    net_scores = borrow(judging.scores)
    net_heads = borrow(judging.heads)
    shares = borrow(judging.chances)
    net_rows = borrow(net.rows)
    net_base = borrow(net.base)
    net_widths = borrow(net.widths)
    net_numbers = borrow(net.numbers)
    first_candidates = borrow(marks.candidates)
    first_replies = borrow(marks.replies)
    near = borrow(marks.near)
    lost = borrow(marks.lost)
    width = widths[0]
    net_width = net_widths[0]
    net_room_at = net.num_experts * TILE_ROWS * net_width
    total = 0
    for i in range(boards.shape[0]):
        copy_board(all_boards, i * 26, board, 0)
        put_words(board, 0, words, 0)
        num_plus, num_minus = row_starts(board, width, small.patterns_at, starts)
        sum_rows(sums, 0, base, 0, rows, starts, num_plus, num_minus, width)
        num_plus, num_minus = row_starts(board, net_width, net.patterns_at, net_starts)
        sum_rows(net_sums, 0, net_base, 0, net_rows, net_starts, num_plus, num_minus, net_width)
        roll = 0
        end = 0
        for high in range(1, 7):
            for low in range(1, high + 1):
                first = end
                first_candidates[roll] = first
                end, num_entries = generate_flat(board, high, low, candidates, ROW_BYTES, first, scratch, trace)
                roll += 1
                if end - first > 1:
                    total += end - first
                    score_walk(
                        rows, small.patterns_at, widths, numbers, small.num_experts, small.floor,
                        small.ranks_by_equity, small.score_scale, trace, num_entries, board, candidates, first,
                        sums, words, block, used, slots, waiting, scores, heads, points,
                    )  # fmt: skip
        first_candidates[roll] = end
        flush_waiting(
            widths, numbers, small.num_experts, slots, waiting, block, used, candidates,
            small.ranks_by_equity, small.score_scale, scores, heads, points,
        )  # fmt: skip
        reply = 0
        for roll in range(NUM_ROLLS):
            first_replies[roll] = reply
            first = first_candidates[roll]
            count = first_candidates[roll + 1] - first
            near[0] = first
            num_near = 1
            if count > 1:
                near[0] = best_row(board, candidates, first, count, scores)
                if is_open(candidates, near[0] * ROW_BYTES):
                    num_near = near_rows(first, count, scores, near[0], within, near)
            for k in range(num_near):
                copy_board(candidates, near[k] * ROW_BYTES, replies, reply * ROW_BYTES)
                expert = put_words(replies, reply * ROW_BYTES, reply_words, 0)
                if net.num_experts == 1:
                    expert = 0
                num_plus, num_minus = _reply_starts(
                    board, words, replies, reply * ROW_BYTES, reply_words, net_width, net.patterns_at, net_starts, lost
                )
                slot = expert * TILE_ROWS + net_waiting[expert]
                sum_rows_to_floats(
                    net_block, slot * net_width, net_sums, 0, net_rows, net_starts, num_plus, num_minus, net_width,
                    net.floor,
                )  # fmt: skip
                net_slots[slot] = reply
                reply += 1
                net_waiting[expert] += 1
                if net_waiting[expert] == TILE_ROWS:
                    flush(
                        net_widths, net_numbers, expert, TILE_ROWS, net_slots, net_block, net_room_at, net_used,
                        replies, ROW_BYTES, net.ranks_by_equity, net.score_scale, net_scores, net_heads, points,
                    )  # fmt: skip
                    net_waiting[expert] = 0
        first_replies[NUM_ROLLS] = reply
        flush_waiting(
            net_widths, net_numbers, net.num_experts, net_slots, net_waiting, net_block, net_used, replies,
            net.ranks_by_equity, net.score_scale, net_scores, net_heads, points,
        )  # fmt: skip
        for roll in range(NUM_ROLLS):
            best = first_replies[roll]
            for k in range(best + 1, first_replies[roll + 1]):
                if net_scores[k] > net_scores[best]:
                    best = k
            place = i * NUM_ROLLS + roll
            copy_board(replies, best * ROW_BYTES, all_afters, place * 26)
            softmax_row(net_heads, best * LANES, possible_mask(replies, best * ROW_BYTES), points, shares, 0)
            for j in range(NUM_OUTCOMES):
                all_chances[place * NUM_OUTCOMES + j] = shares[j]
    return total


@kernel
def _reply_starts(
    board: Boards, words: Offsets, replies: Boards, at: int, reply_words: Offsets, width: int, patterns_at: int,
    starts: Offsets, lost: Offsets,
) -> tuple[int, int]:  # fmt: skip
    """Where the rows begin that lead from a position's sums to a reply's: the numbers to add and to subtract.

    Args:
        board: int8[>= 32], the position.
        words: int64[>= 4], its patterns.
        replies: int8, flat, rows of ROW_BYTES.
        at: where the reply begins.
        reply_words: int64[>= 4], its patterns.
        width: H.
        patterns_at: see `FoldedNet`.
        starts: int64[52 + 2 * MAX_PATTERNS], overwritten: rows to add, then rows to subtract.
        lost: int64[_MAX_LOST], overwritten.
    """
    num_plus = 0
    num_lost = 0
    changed = changed_locations(board, 0, replies, at)
    while changed:
        location = highest_bit(changed & -changed)
        changed &= changed - 1
        old = int(board[location])
        new = int(replies[at + location])
        row = location * NUM_COUNTS + 15
        for count in range(old, new):
            starts[num_plus] = (row + count) * width
            num_plus += 1
        for count in range(new, old):
            lost[num_lost] = (row + count) * width
            num_lost += 1
    end = num_plus
    if patterns_at:
        blocks = changed_places(words[0], words[1], reply_words[0], reply_words[1])
        shots = changed_places(words[2], words[3], reply_words[2], reply_words[3])
        num_plus = put_patterns(blocks & reply_words[0], reply_words[1], 0, starts, num_plus, width, patterns_at)
        num_plus = put_patterns(shots & reply_words[2], reply_words[3], 1, starts, num_plus, width, patterns_at)
        end = put_patterns(blocks & words[0], words[1], 0, starts, num_plus, width, patterns_at)
        end = put_patterns(shots & words[2], words[3], 1, starts, end, width, patterns_at)
    for k in range(num_lost):
        starts[end + k] = lost[k]
    return num_plus, end + num_lost - num_plus
