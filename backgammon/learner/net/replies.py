"""The replies to all 21 rolls in a position by one kernel: a small net proposes, the net judges what it proposes.

Axis legend: K positions, 21 rolls in the order of `dice.ROLLS`, H width of a first layer.

This is what a look-ahead asks of every position, and to the last bit what `walk.propose` and `judge.judge_boards`
say roll by roll. But the first layers of the position are summed once for its 21 rolls, a reply's are these and the
rows of what it changes, and the blocks of the hidden layers fill across rolls: the replies of one position share most
of the units that are 0, and fewer blocks stay half empty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.learner.net.blocks import (
    Room,
    flush,
    flush_waiting,
    new_room,
    put_chances,
    see_decision,
    take_slot,
)
from backgammon.learner.net.board_rows import MAX_LOST, changed_counts, changed_patterns, put_words, row_starts
from backgammon.learner.net.fold import FoldedNet
from backgammon.learner.net.walk import NUM_PROPOSALS, best_row, is_open, near_rows, score_walk, sum_position
from backgammon.rules.movegen import MAX_CANDIDATES, generate_flat
from backgammon.rules.rolls import NUM_ROLLS
from backgammon.tools.arrays import Boards, Float32s, Offsets
from backgammon.tools.intrinsics import ROW_BYTES, TILE_ROWS, borrow, copy_board, sum_rows, sum_rows_to_floats
from backgammon.tools.jit import kernel

MAX_REPLIES = NUM_ROLLS * NUM_PROPOSALS
"""Replies of a position that the net judges, at most."""


class _Marks(NamedTuple):
    """Where the rolls of a position begin; allocated by the caller of the loop that borrows it."""

    candidates: Offsets  # int64[22], first candidate of each roll
    replies: Offsets  # int64[22], first proposed reply of each roll
    near: Offsets  # int64[NUM_PROPOSALS]
    lost: Offsets  # int64[MAX_LOST]


class _Answers(NamedTuple):
    """What is wanted, flat: the net's choice for each roll, or with counts all that it judges."""

    boards: Boards  # int8[21 * K * 26], or int8[MAX_REPLIES * K * 26]
    chances: Float32s  # float32[21 * K * 6], or float32[MAX_REPLIES * K * 6]
    counts: Offsets  # int64[0], or int64[21 * K]


class _Rooms(NamedTuple):
    """Work space for a position: its candidates by the small net, its proposed replies by the net."""

    proposing: Room
    judging: Room
    marks: _Marks


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
    answers = _Answers(afters.reshape(-1), chances.reshape(-1), np.empty(0, dtype=np.int64))
    return _reply_all(boards, small, net, within, answers, _new_rooms(small, net))


@kernel
def judge_proposals(
    boards: Boards, small: FoldedNet, net: FoldedNet, within: float, replies: Boards, chances: Float32s, counts: Offsets
) -> int:
    """What a small net proposes for each of the 21 rolls in each position, and what the net thinks of it.

    Args:
        boards: int8[K, 26], the player on roll, checked; games that are not over.
        small: proposes.
        net: judges; has outcomes.
        within: how far behind its best the small net proposes, in units of its score.
        replies: int8[K, MAX_REPLIES, 26], receives the proposals, roll after roll, best first; the rest is not written.
        chances: float32[K, MAX_REPLIES, 6], receives their outcomes.
        counts: int64[21 * K], receives how many there are for each roll.

    Returns:
        The number of candidates that the small net scored.
    """
    answers = _Answers(replies.reshape(-1), chances.reshape(-1), counts)
    return _reply_all(boards, small, net, within, answers, _new_rooms(small, net))


@kernel
def pack_proposals(
    replies: Boards, chances: Float32s, counts: Offsets, packed: Boards, packed_chances: Float32s
) -> None:
    """What `judge_proposals` has written, without the gaps between positions.

    Args:
        replies: int8[K, MAX_REPLIES, 26].
        chances: float32[K, MAX_REPLIES, 6].
        counts: int64[21 * K].
        packed: int8[P, 26], receives the P proposals, position after position.
        packed_chances: float32[P, 6], receives their outcomes.
    """
    row = 0
    for i in range(replies.shape[0]):
        count = 0
        for roll in range(NUM_ROLLS):
            count += counts[i * NUM_ROLLS + roll]
        for k in range(count):
            for location in range(replies.shape[2]):
                packed[row, location] = replies[i, k, location]
            for outcome in range(chances.shape[2]):
                packed_chances[row, outcome] = chances[i, k, outcome]
            row += 1


@kernel
def _new_rooms(small: FoldedNet, net: FoldedNet) -> _Rooms:
    """Room for a position."""
    marks = _Marks(
        np.empty(NUM_ROLLS + 1, dtype=np.int64),
        np.empty(NUM_ROLLS + 1, dtype=np.int64),
        np.empty(NUM_PROPOSALS, dtype=np.int64),
        np.empty(MAX_LOST, dtype=np.int64),
    )
    return _Rooms(new_room(small, NUM_ROLLS * MAX_CANDIDATES), new_room(net, MAX_REPLIES), marks)


@kernel
def _reply_all(
    all_boards: Boards, small: FoldedNet, net: FoldedNet, within: float, answers: _Answers, rooms: _Rooms
) -> int:
    """`reply_to_rolls`, or with counts `judge_proposals`, with room for a position."""
    boards = borrow(all_boards).reshape(-1)
    afters, chances, counts = borrow(answers.boards), borrow(answers.chances), borrow(answers.counts)
    small, net = borrow(small), borrow(net)
    proposing, judging, marks = borrow(rooms.proposing), borrow(rooms.judging), borrow(rooms.marks)
    width = net.base.shape[0]
    total = 0
    for i in range(all_boards.shape[0]):
        copy_board(boards, i * 26, proposing.boards, 0)
        sum_position(small, proposing)
        num_plus, num_minus = row_starts(proposing.boards, width, net.patterns_at, judging.starts)
        sum_rows(judging.sums, 0, net.base, 0, net.rows, judging.starts, num_plus, num_minus, width)
        see_decision(net, judging, proposing.boards)
        total += _score_rolls(small, proposing, marks.candidates)
        _judge_proposals(net, proposing, judging, marks, within)
        for roll in range(NUM_ROLLS):
            first, end = marks.replies[roll], marks.replies[roll + 1]
            place = i * NUM_ROLLS + roll
            if counts.shape[0] > 0:
                counts[place] = end - first
                place = i * MAX_REPLIES + first
            else:
                for k in range(first + 1, end):
                    if judging.scores[k] > judging.scores[first]:
                        first = k
                end = first + 1
            for k in range(first, end):
                copy_board(judging.candidates, k * ROW_BYTES, afters, (place + k - first) * 26)
                put_chances(judging, k, chances, place + k - first)
    return total


@kernel
def _score_rolls(net: FoldedNet, room: Room, firsts: Offsets) -> int:
    """Scores of the candidates of all rolls, but for forced plays; the number of those scored.

    Args:
        net: the folded net.
        room: with the position in its place.
        firsts: int64[NUM_ROLLS + 1], receives where the candidates of each roll begin and the last ones end.
    """
    net, room = borrow(net), borrow(room)
    total = 0
    roll = 0
    end = 0
    for high in range(1, 7):
        for low in range(1, high + 1):
            first = end
            firsts[roll] = first
            end, num_entries = generate_flat(
                room.boards, high, low, room.candidates, ROW_BYTES, first, room.scratch, room.trace
            )
            roll += 1
            if end - first > 1:
                total += end - first
                score_walk(net, room, num_entries, first)
    firsts[roll] = end
    flush_waiting(net, room)
    return total


@kernel
def _judge_proposals(net: FoldedNet, proposing: Room, judging: Room, marks: _Marks, within: float) -> None:
    """Judge the best candidates of each roll, each from the sums of the position and what the play changed."""
    net, proposing, judging, marks = borrow(net), borrow(proposing), borrow(judging), borrow(marks)
    board, candidates, scores, words = proposing.boards, proposing.candidates, proposing.scores, proposing.words
    replies, starts, near, lost = judging.candidates, judging.starts, marks.near, marks.lost
    width = net.base.shape[0]
    reply = 0
    for roll in range(NUM_ROLLS):
        marks.replies[roll] = reply
        first = marks.candidates[roll]
        count = marks.candidates[roll + 1] - first
        near[0] = first
        num_near = 1
        if count > 1:
            near[0] = best_row(board, candidates, first, count, scores)
            if is_open(candidates, near[0] * ROW_BYTES):
                num_near = near_rows(first, count, scores, near[0], within, near)
        for k in range(num_near):
            at = reply * ROW_BYTES
            copy_board(candidates, near[k] * ROW_BYTES, replies, at)
            expert = put_words(replies, at, judging.words, 0)
            expert = net.own_step * expert + judging.before[0]
            num_plus, num_lost = changed_counts(board, replies, at, width, starts, lost)
            end = num_plus
            if net.patterns_at:
                num_plus, end = changed_patterns(words, judging.words, width, net.patterns_at, starts, num_plus)
            for row in range(num_lost):
                starts[end + row] = lost[row]
            slot = take_slot(judging.slots, judging.waiting, expert, reply)
            sum_rows_to_floats(
                judging.block, slot * width, judging.sums, 0, net.rows, starts, num_plus, end + num_lost - num_plus,
                width, net.floor,
            )  # fmt: skip
            reply += 1
            if judging.waiting[expert] == TILE_ROWS:
                flush(net, judging, expert)
    marks.replies[NUM_ROLLS] = reply
    flush_waiting(net, judging)
