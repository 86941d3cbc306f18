"""Positions: results of games, pips, validity, and that `Position` is a value."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from backgammon.rules.board import START, Position, checkers_off, pip_counts, points_won, swap
from backgammon.tools.errors import PositionError


def board_of(counts: dict[int, int]) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    board = np.zeros(26, dtype=np.int8)
    for index, count in counts.items():
        board[index] = count
    return board


def test_start_is_symmetric_and_has_167_pips_each() -> None:
    assert (swap(START) == START).all()
    assert [int(pips) for pips in pip_counts(START)] == [167, 167]
    assert [int(off) for off in checkers_off(START)] == [0, 0]


def test_swap_twice_is_the_same_board() -> None:
    board = board_of({25: 1, 6: 3, 0: -2, 20: -1})
    assert (swap(swap(board)) == board).all()
    assert swap(board)[25] == 2
    assert swap(board)[0] == -1


@pytest.mark.parametrize(
    ("loser", "points"),
    [
        ({1: -14}, 1),  # has borne one off
        ({13: -15}, 2),  # none off, none in the winner's home
        ({19: -15}, 2),  # all in its own home board
        ({6: -1, 19: -14}, 3),  # one left in the winner's home board
        ({0: -1, 19: -14}, 3),  # one on the bar
        ({7: -15}, 2),  # just outside the winner's home board
        ({6: -1, 19: -13}, 1),  # in the winner's home, but has borne one off
    ],
)
def test_size_of_a_win(loser: dict[int, int], points: int) -> None:
    board = board_of(loser)
    assert points_won(board) == points
    assert points_won(swap(board)) == -points
    assert points_won(START) == 0


def test_a_position_is_immutable_hashable_and_equal_by_content() -> None:
    position = Position(START)
    assert position == Position.start()
    assert hash(position) == hash(Position.start())
    assert position != position.swap().swap().board
    with pytest.raises(ValueError, match="read-only"):
        position.board[6] = 1
    assert pickle.loads(pickle.dumps(position)) == position  # values travel between processes
    assert eval(repr(position)) == position


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({6: 15, 5: 1}, "16 checkers"),
        ({6: -15, 5: -1}, "the opponent has 16"),
        ({25: -1, 6: 1}, "index 25"),
        ({0: 1, 6: 1}, "index 0"),
        ({}, "no checkers at all"),
    ],
)
def test_impossible_boards_are_refused(counts: dict[int, int], message: str) -> None:
    with pytest.raises(PositionError, match=message):
        Position(board_of(counts))


def test_a_board_of_the_wrong_shape_or_kind_is_refused() -> None:
    with pytest.raises(PositionError, match="26 counts"):
        Position([0] * 25)
    with pytest.raises(PositionError, match="whole numbers"):
        Position([0.5] * 26)  # type: ignore[list-item]
    with pytest.raises(PositionError, match="more than 15"):
        Position([0] * 25 + [300])
