"""Micro-moves: the numbering, and a mask that never leads out of the legal plays."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.rules.board import START
from backgammon.rules.movegen import legal_candidates
from backgammon.table.arena.micro import (
    NO_OP,
    NUM_ACTIONS,
    decode_action,
    describe_action,
    encode_action,
    fill_mask,
    move_checker,
)
from backgammon.tools.arrays import Int8s
from tests.naive import env as twin

Arrays = tuple[Int8s, Int8s]
Board = Int8s


def mask_of(board: Board, dice: tuple[int, ...]) -> Int8s:
    high, low = max(dice), min(dice)
    mask = np.full(NUM_ACTIONS, 7, dtype=np.int8)
    fill_mask(board, high, low, dice.count(high), 0 if high == low else dice.count(low), mask)
    return mask


def all_dice(roll: Int8s) -> tuple[int, ...]:
    first, second = (int(die) for die in roll)
    return (first,) * 4 if first == second else (first, second)


def board_of(counts: dict[int, int]) -> Board:
    board = np.zeros(26, dtype=np.int8)
    for index, count in counts.items():
        board[index] = count
    return board


def legal(counts: dict[int, int], dice: tuple[int, ...]) -> set[str]:
    return {describe_action(int(a)) for a in np.flatnonzero(mask_of(board_of(counts), dice))}


def test_every_action_but_1_to_5_has_one_meaning() -> None:
    for action in range(6, NUM_ACTIONS):
        decoded = decode_action(action)
        assert decoded is not None
        assert encode_action(*decoded) == action
    assert [decode_action(action) for action in range(6)] == [None] * 6


def test_numbering_of_pgx_bar_is_source_1_and_the_24_point_source_2() -> None:
    assert encode_action(25, 4) == 1 * 6 + 3
    assert encode_action(24, 4) == 2 * 6 + 3
    assert encode_action(1, 6) == 25 * 6 + 5 == NUM_ACTIONS - 1


def walk(board: Board, dice: tuple[int, ...]) -> None:
    """Compare the mask with the slow twin here and after every legal action."""
    points = tuple(int(count) for count in board)
    expected = twin.legal_actions(points, dice)
    mask = mask_of(board, dice)
    assert set(np.flatnonzero(mask).tolist()) == set(expected)
    assert set(mask[mask != 0].tolist()) == {1}
    for action, (after, left) in expected.items():
        if action == NO_OP:
            continue
        moved = board.copy()
        move_checker(moved, action)
        assert tuple(int(count) for count in moved) == after
        if left and (moved > 0).any() and len(left) < 3:
            walk(moved, left)


@pytest.mark.parametrize("source", ["random_play", "nasty"])
def test_mask_equals_the_slow_twin_before_and_after_every_move(source: str, request: pytest.FixtureRequest) -> None:
    boards, dice = request.getfixturevalue(source)
    for board, roll in zip(boards[:300], dice[:300], strict=True):
        walk(board, all_dice(roll))


@pytest.mark.parametrize("source", ["random_play", "nasty"])
def test_turns_of_legal_actions_end_in_exactly_the_candidates(source: str, request: pytest.FixtureRequest) -> None:
    boards, dice = (values[:800] for values in request.getfixturevalue(source))
    candidates, offsets = legal_candidates(boards, dice)
    for i in range(len(boards)):
        rows = candidates[offsets[i] : offsets[i + 1]]
        expected = {row.tobytes() for row in rows}
        assert reachable(boards[i], all_dice(dice[i])) == expected


def reachable(board: Board, dice: tuple[int, ...]) -> set[bytes]:
    """Boards at the end of a turn, by the fast mask alone."""
    ends: set[bytes] = set()
    seen: set[tuple[bytes, tuple[int, ...]]] = set()
    todo = [(board, dice)]
    while todo:
        here, left = todo.pop()
        if (here.tobytes(), left) in seen:
            continue
        seen.add((here.tobytes(), left))
        actions = np.flatnonzero(mask_of(here, left)) if left and (here > 0).any() else [NO_OP]
        for action in actions:
            if action == NO_OP:
                ends.add(here.tobytes())
                continue
            after = here.copy()
            move_checker(after, int(action))
            todo.append((after, twin.without(left, int(action) % 6 + 1)))
    return ends


def test_the_first_move_may_not_strand_the_second_die() -> None:
    # 5-2: 8/6 would leave no five, 8/3 and 7/5 leave both
    counts = {3: 3, 4: 5, 5: 2, 6: 3, 7: 1, 8: 1, 1: -3, 2: -3, 9: -1, 21: -2, 22: -1, 23: -5}
    assert "8/6" not in legal(counts, (5, 2))
    assert "8/6" in legal(counts, (2,))


def test_of_two_dice_that_exclude_each_other_only_the_larger_may_be_played() -> None:
    counts = {20: 1, 11: -2, 1: -2}
    assert legal(counts, (6, 3)) == {"20/14"}
    assert legal(counts | {14: -2}, (6, 3)) == {"20/17"}


def test_the_no_op_is_legal_only_when_nothing_else_is() -> None:
    closed = {25: 1, 6: 1} | dict.fromkeys(range(19, 25), -2)
    assert legal(closed, (6, 5)) == {"no move"}
    assert mask_of(START, (3, 1))[NO_OP] == 0
    assert legal({20: 1, 14: -2, 1: -2}, (6,)) == {"no move"}


def test_checkers_on_the_bar_move_first() -> None:
    assert legal({25: 2, 13: 1, 1: -3}, (3, 1)) == {"bar/22", "bar/24"}
    assert legal({25: 1, 22: 1, 13: 1, 24: -2}, (1,)) == {"no move"}


def test_a_larger_die_bears_off_from_the_highest_point() -> None:
    assert legal({4: 1, 2: 1, 24: -1}, (6, 5)) == {"4/off"}
    assert legal({4: 1, 2: 1, 24: -1}, (3,)) == {"4/1"}


def test_doubles_are_offered_until_they_are_played() -> None:
    assert legal({24: 1, 12: -2, 1: -2}, (6, 6, 6, 6)) == {"24/18"}
    assert legal({18: 1, 12: -2, 1: -2}, (6, 6, 6)) == {"no move"}
