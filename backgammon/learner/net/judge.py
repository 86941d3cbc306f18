"""Scores and outcomes of unrelated positions: each first layer from nothing, blocks filled across positions.

M positions. The numbers are those that a walk gives to the last bit, see `fold`.
"""

from __future__ import annotations

from backgammon.learner.net.blocks import (
    Room,
    flush,
    flush_waiting,
    new_room,
    put_chances,
    take_slot,
)
from backgammon.learner.net.board_rows import row_starts
from backgammon.learner.net.fold import FoldedNet
from backgammon.learner.net.walk import sum_position
from backgammon.rules.phase import phase_code_at
from backgammon.tools.arrays import Boards, Float32s, Offsets
from backgammon.tools.intrinsics import ROW_BYTES, TILE_ROWS, borrow, copy_board, sum_rows_to_floats
from backgammon.tools.jit import kernel

_GROUP = 256
"""Positions that are judged together: enough to fill the blocks of several experts."""


@kernel
def judge_boards(boards: Boards, net: FoldedNet, scores: Float32s, chances: Float32s) -> None:
    """Score unrelated positions, and give their outcomes where wanted.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.
        net: the folded net.
        scores: float32[M], overwritten.
        chances: float32[M, 6], overwritten (`net.has_outcomes`); or float32[0, 6].
    """
    _judge_all(boards, net, new_room(net, _GROUP), scores, chances)


@kernel
def _judge_all(all_boards: Boards, net: FoldedNet, room: Room, scores: Float32s, all_chances: Float32s) -> None:
    """`judge_boards` with room for a group of positions."""
    net, room = borrow(net), borrow(room)
    boards = borrow(all_boards).reshape(-1)
    chances = borrow(all_chances).reshape(-1)
    width = net.base.shape[0]
    for first in range(0, scores.shape[0], _GROUP):
        num_boards = min(_GROUP, scores.shape[0] - first)
        for k in range(num_boards):
            copy_board(boards, (first + k) * 26, room.boards, 0)
            copy_board(room.boards, 0, room.candidates, k * ROW_BYTES)
            expert = net.own_step * phase_code_at(room.boards, 0)
            num_plus, num_minus = row_starts(room.boards, width, net.patterns_at, room.starts)
            slot = take_slot(room.slots, room.waiting, expert, k)
            sum_rows_to_floats(
                room.block, slot * width, net.base, 0, net.rows, room.starts, num_plus, num_minus,
                width, net.floor,
            )  # fmt: skip
            if room.waiting[expert] == TILE_ROWS:
                flush(net, room, expert)
        flush_waiting(net, room)
        for k in range(num_boards):
            scores[first + k] = room.scores[k]
            if chances.shape[0] > 0:
                put_chances(room, k, chances, first + k)


@kernel
def score_in_decisions(before: Boards, owners: Offsets, boards: Boards, net: FoldedNet, scores: Float32s) -> None:
    """Score positions in their decisions, for a net that asks for these.

    Args:
        before: int8[N, 26], the positions before the play, seen by the player on roll.
        owners: int64[M], the decision of each position; those of one decision together.
        boards: int8[M, 26], seen by the player who has just moved.
        net: the folded net.
        scores: float32[M], overwritten.
    """
    _score_all(before, owners, boards, net, new_room(net, _GROUP), scores)


@kernel
def _score_all(
    all_before: Boards, all_owners: Offsets, all_boards: Boards, net: FoldedNet, room: Room, scores: Float32s
) -> None:
    """`score_in_decisions` with room for a group of positions.

    The body is that of `_judge_all` but for the expert: shared in a kernel of its own it made judging 6 % slower.
    """
    net, room = borrow(net), borrow(room)
    before, owners = borrow(all_before).reshape(-1), borrow(all_owners)
    boards = borrow(all_boards).reshape(-1)
    width = net.base.shape[0]
    first = 0
    while first < scores.shape[0]:
        end = first
        while end < scores.shape[0] and owners[end] == owners[first] and end - first < _GROUP:
            end += 1
        copy_board(before, owners[first] * 26, room.boards, 0)
        sum_position(net, room)
        for k in range(end - first):
            copy_board(boards, (first + k) * 26, room.boards, 0)
            copy_board(room.boards, 0, room.candidates, k * ROW_BYTES)
            expert = net.own_step * phase_code_at(room.boards, 0) + room.before[0]
            num_plus, num_minus = row_starts(room.boards, width, net.patterns_at, room.starts)
            slot = take_slot(room.slots, room.waiting, expert, k)
            sum_rows_to_floats(
                room.block, slot * width, net.base, 0, net.rows, room.starts, num_plus, num_minus,
                width, net.floor,
            )  # fmt: skip
            if room.waiting[expert] == TILE_ROWS:
                flush(net, room, expert)
        flush_waiting(net, room)
        scores[first:end] = room.scores[: end - first]
        first = end
