"""The move generator against its slow twin, perft, GNU Backgammon's results, and the rules one by one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backgammon.notation import parse_position_id, position_id
from backgammon.rules.board import START, Position, swap
from backgammon.rules.dice import ROLLS
from backgammon.rules.movegen import MAX_CANDIDATES, generate_batch, legal_candidates
from backgammon.tools.arrays import Boards, Dice, Int8s
from backgammon.tools.errors import DiceError, PositionError
from tests.naive.movegen import legal_results

Arrays = tuple[Int8s, Int8s]


def results(board: dict[int, int], die1: int, die2: int) -> set[tuple[tuple[int, int], ...]]:
    """Candidates of a small board {index: count} as sets of (index, count), empty points left out."""
    full = np.zeros(26, dtype=np.int8)
    for index, count in board.items():
        full[index] = count
    candidates, _ = legal_candidates(full[None], np.array([[die1, die2]], dtype=np.int8))
    return {tuple((i, int(c)) for i, c in enumerate(row) if c) for row in candidates}


def final(board: dict[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(board.items()))


def assert_equals_twin(boards: Boards, dice: Dice) -> None:
    candidates, offsets = legal_candidates(boards, dice)
    for i in range(len(boards)):
        expected = legal_results(tuple(boards[i].tolist()), int(dice[i, 0]), int(dice[i, 1]))
        found = [tuple(row) for row in candidates[offsets[i] : offsets[i + 1]].tolist()]
        assert found == expected, f"{boards[i].tolist()} with {dice[i].tolist()}"


def test_equals_the_slow_twin_in_content_and_order_on_random_play(random_play: Arrays) -> None:
    assert_equals_twin(*random_play)


def test_equals_the_slow_twin_in_content_and_order_on_nasty_positions(nasty: Arrays) -> None:
    assert_equals_twin(*nasty)


def test_perft_from_the_start_is_447_and_202782() -> None:
    rolls = np.array(ROLLS, dtype=np.int8)
    first, _ = legal_candidates(np.repeat(START[None], 21, axis=0), rolls)
    assert len(first) == 447
    boards = np.repeat(swap(first), 21, axis=0)
    second, _ = legal_candidates(boards, np.tile(rolls, (len(first), 1)))
    assert len(second) == 202_782


@pytest.mark.parametrize(
    ("roll", "count"),
    list(zip(ROLLS, [42, 15, 75, 16, 17, 73, 14, 18, 17, 52, 8, 8, 9, 9, 4, 10, 14, 14, 14, 7, 11], strict=True)),
)
def test_number_of_opening_candidates(roll: tuple[int, int], count: int) -> None:
    candidates, _ = legal_candidates(START[None], np.array([roll], dtype=np.int8))
    assert len(candidates) == count


def test_gives_the_results_that_gnu_backgammon_gives() -> None:
    lines = (Path(__file__).parent / "vectors" / "gnubg_moves.jsonl").read_text().splitlines()
    assert len(lines) == 300
    for line in lines:
        vector = json.loads(line)
        board = parse_position_id(vector["id"]).board
        candidates, _ = legal_candidates(board[None], np.array([vector["dice"]], dtype=np.int8))
        found = sorted(position_id(Position(candidate).swap()) for candidate in candidates)
        if found == [position_id(Position(board).swap())]:
            assert vector["n"] <= 1
        else:
            assert found == sorted(vector["after"])


def test_checkers_on_the_bar_enter_before_anything_else_moves() -> None:
    # two on the bar, 3-1, the opponent holds the entry point of the 1: one enters, nothing else moves
    assert results({25: 2, 13: 1, 24: -2, 1: -3}, 3, 1) == {final({25: 1, 22: 1, 13: 1, 24: -2, 1: -3})}


def test_a_closed_board_is_a_dance_and_leaves_the_position_unchanged() -> None:
    board = {25: 1, 6: 1, 19: -2, 20: -2, 21: -2, 22: -2, 23: -2, 24: -2}
    assert results(board, 6, 5) == {final(board)}


def test_both_dice_must_be_played_if_one_order_allows_it() -> None:
    # 6-5: the five first is blocked everywhere; the six first, 24/18, opens 18/13
    board = {24: 1, 13: 1, 19: -2, 8: -2, 2: -2, 7: -2}
    assert results(board, 6, 5) == {final({13: 2, 19: -2, 8: -2, 2: -2, 7: -2})}


def test_could_play_either_die_but_not_both_so_the_larger_must_be_played() -> None:
    # one checker on the 20-point: 6 leads to 14, 3 leads to 17, and from both the other die is blocked
    board = {20: 1, 11: -2, 1: -2}
    assert results(board, 6, 3) == {final({14: 1, 11: -2, 1: -2})}


def test_plays_the_smaller_die_when_only_that_one_can_be_played() -> None:
    board = {20: 1, 14: -2, 11: -2, 1: -2}
    assert results(board, 6, 3) == {final({17: 1, 14: -2, 11: -2, 1: -2})}


def test_a_larger_die_bears_off_from_the_highest_point_only() -> None:
    assert results({4: 1, 2: 1, 24: -1}, 6, 5) == {final({24: -1})}
    # 5/off with the six, then 2/1; or 5/4 with the one first, then 4/off: never 2/off with the six
    assert results({5: 1, 2: 1, 24: -1}, 6, 1) == {final({1: 1, 24: -1}), final({2: 1, 24: -1})}


def test_no_bearing_off_while_a_checker_is_outside_home() -> None:
    assert results({7: 1, 1: 2, 24: -1}, 2, 1) == {final({5: 1, 1: 1, 24: -1}), final({4: 1, 1: 2, 24: -1})}


def test_the_last_checker_that_either_die_bears_off_is_borne_off() -> None:
    # seen wrong elsewhere: no play at all, because 6 and 1 each end the game with one die
    assert results({1: 1, 20: -2}, 6, 1) == {final({20: -2})}
    assert results({2: 1, 20: -2}, 6, 1) == {final({20: -2})}


def test_a_first_half_move_that_strands_the_second_die_is_forbidden() -> None:
    # published trap: 8/6 with the 2 leaves no five, although both dice can be played otherwise
    board = {3: 3, 4: 5, 5: 2, 6: 3, 7: 1, 8: 1, 1: -3, 2: -3, 9: -1, 21: -2, 22: -1, 23: -5}
    stranded = final({3: 3, 4: 5, 5: 2, 6: 4, 7: 1, 1: -3, 2: -3, 9: -1, 21: -2, 22: -1, 23: -5})
    found = results(board, 5, 2)
    assert found
    assert stranded not in found
    pips = sum(index * count for index, count in board.items() if count > 0)
    for result in found:
        assert sum(index * count for index, count in result if count > 0) == pips - 7


def test_a_double_is_played_four_times_or_as_often_as_possible() -> None:
    assert results({24: 1, 1: -2}, 6, 6) == {final({1: -2})}
    assert results({24: 1, 12: -2, 1: -2}, 6, 6) == {final({18: 1, 12: -2, 1: -2})}


def test_a_hit_on_the_way_sends_the_opponent_to_its_bar_and_is_another_result() -> None:
    # 3-1 from the 6-point: 6/3/2 passes the blot on the 5-point, 6/5*/2 hits it
    found = results({6: 1, 5: -1, 24: -2}, 3, 1)
    assert found == {final({2: 1, 5: -1, 24: -2}), final({2: 1, 0: -1, 24: -2})}


def test_a_buffer_that_is_too_small_is_filled_as_far_as_decisions_fit() -> None:
    boards = np.repeat(START[None], 3, axis=0)
    dice = np.array([[3, 1]] * 3, dtype=np.int8)
    offsets = np.zeros(4, dtype=np.int64)
    scratch = np.empty((3, 26), dtype=np.int8)
    out = np.empty((MAX_CANDIDATES + 20, 26), dtype=np.int8)
    assert generate_batch(boards, dice, out, offsets, 0, scratch) == 2
    assert offsets[:3].tolist() == [0, 16, 32]


def test_an_empty_batch_gives_no_candidates() -> None:
    candidates, offsets = legal_candidates(np.zeros((0, 26), np.int8), np.zeros((0, 2), np.int8))
    assert candidates.shape == (0, 26)
    assert offsets.tolist() == [0]


@pytest.mark.parametrize("bad", [[0, 1], [7, 1], [-3, 2]])
def test_impossible_dice_are_refused(bad: list[int]) -> None:
    with pytest.raises(DiceError, match="must be 1 to 6"):
        legal_candidates(START[None], np.array([bad], dtype=np.int8))


def test_impossible_boards_are_refused() -> None:
    dice = np.array([[3, 1]], dtype=np.int8)
    for index, count in ((6, 14), (25, -1), (0, 1)):
        board = START.copy()
        board[index] = count
        with pytest.raises(PositionError, match="decision 0"):
            legal_candidates(board[None], dice)
    over = START.copy()
    over[over > 0] = 0
    with pytest.raises(PositionError, match="not a position in play"):
        legal_candidates(over[None], dice)
    with pytest.raises(PositionError, match="shape"):
        legal_candidates(START, dice)
    with pytest.raises(PositionError, match="whole numbers"):
        legal_candidates(START[None].astype(np.float32), dice)
