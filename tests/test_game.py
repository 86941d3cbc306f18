"""The turn machine and the score: what may follow what, and the Crawford game."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon import Position
from backgammon.rules import game
from backgammon.rules.game import Ending, Stage
from backgammon.rules.match import MatchScore
from backgammon.tools.errors import GameError, IllegalPlay


def opened(first: int = 3, second: int = 1) -> game.GameState:
    return game.open_game(game.new_game(), first, second)


def after_first_play() -> game.GameState:
    state = opened()
    return game.play(state, state.decision().candidates[0])


def test_the_larger_opening_die_starts_and_plays_both() -> None:
    assert opened(3, 1).turn == 0
    assert opened(1, 3).turn == 1
    assert opened(1, 3).roll == (3, 1)
    with pytest.raises(GameError, match="thrown again"):
        opened(2, 2)


def test_turns_alternate_and_the_board_is_swapped() -> None:
    state = opened()
    candidate = state.decision().candidates[0]
    state = game.play(state, candidate)
    assert state.turn == 1
    assert state.stage is Stage.ROLL
    assert state.position == Position(candidate).swap()
    state = game.roll_dice(state, 6, 5)
    assert state.roll == (6, 5)


def test_an_illegal_play_and_an_action_out_of_turn_change_nothing() -> None:
    state = opened()
    with pytest.raises(IllegalPlay):
        game.play(state, state.position.board)
    for action in (game.double, game.take, game.drop):
        with pytest.raises(GameError, match="waits for play"):
            action(state)
    with pytest.raises(GameError, match="waits for play"):
        game.roll_dice(state, 1, 1)
    assert state == opened()


def test_double_and_take_hand_the_cube_over() -> None:
    state = game.double(after_first_play())
    assert state.seat_to_act == 0
    state = game.take(state)
    assert (state.cube, state.cube_owner, state.turn, state.stage) == (2, 0, 1, Stage.ROLL)
    assert not state.may_double
    with pytest.raises(GameError, match="seat 0 owns the cube"):
        game.double(state)


def test_a_drop_costs_the_old_cube() -> None:
    state = game.drop(game.double(after_first_play()))
    assert state.is_over
    assert state.result is not None
    assert (state.result.winner, state.result.points, state.result.ending) == (1, 1, Ending.DROP)


def test_no_doubling_without_a_cube() -> None:
    state = game.open_game(game.new_game(has_cube=False), 3, 1)
    state = game.play(state, state.decision().candidates[0])
    with pytest.raises(GameError, match="no cube in this game"):
        game.double(state)


def test_bearing_off_the_last_checker_ends_the_game_with_its_size() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[1], board[24] = 1, -15  # the opponent has all its checkers on its own 1-point
    state = game.roll_dice(game.new_game(position=Position(board), turn=1), 2, 1)
    state = game.play(state, state.decision().candidates[0])
    assert state.result is not None
    assert (state.result.winner, state.result.size, state.result.ending) == (1, 2, Ending.BORNE_OFF)
    with pytest.raises(GameError, match="game is over"):
        game.resign(state, 0)


def test_resigning_gives_the_other_seat_size_times_cube() -> None:
    state = game.take(game.double(after_first_play()))
    state = game.resign(state, 0, 2)
    assert state.result is not None
    assert (state.result.winner, state.result.points, state.result.ending) == (1, 4, Ending.RESIGNED)
    with pytest.raises(GameError, match="resign 4"):
        game.resign(opened(), 0, 4)


def test_a_finished_position_cannot_be_set_up() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[3] = 1
    with pytest.raises(GameError, match="is over"):
        game.new_game(position=Position(board))


def test_the_crawford_game_is_the_first_with_one_player_one_point_away_and_only_that() -> None:
    score = MatchScore.start(5).after(0, 4)
    assert score.is_crawford
    score = score.after(1, 1)
    assert not score.is_crawford
    assert score.is_past_crawford
    assert not score.after(1, 1).is_crawford


def test_no_crawford_game_at_double_match_point_in_money_play_or_when_not_used() -> None:
    assert not MatchScore.start(5).at(4, 4).is_crawford
    assert not MatchScore.start(0).after(0, 4).is_crawford
    assert not MatchScore.start(5, uses_crawford=False).after(0, 4).is_crawford
    assert not MatchScore.start(1).is_crawford


def test_a_match_ends_at_its_length() -> None:
    score = MatchScore.start(3).after(1, 4)
    assert score.is_over
    assert score.away(0) == 3
    assert score.away(1) == 0
    with pytest.raises(GameError, match="is over at 0-4"):
        score.after(0, 1)
    with pytest.raises(GameError, match="money play"):
        MatchScore.start(0).away(0)
    with pytest.raises(GameError, match="match length -1"):
        MatchScore.start(-1)
    with pytest.raises(GameError, match="at least 1 point"):
        MatchScore.start(3).after(0, 0)
