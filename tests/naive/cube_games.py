"""The slow twin of `table.cube_games`: one unit after the other through the turn machine of `rules.game`."""

from __future__ import annotations

import numpy as np

from backgammon.cube.stakes import Stakes, stakes_in_game
from backgammon.rules import game as turns
from backgammon.rules.game import GameState
from backgammon.rules.match import MatchScore
from backgammon.table.cube_games import CubePlayer
from tests.naive import env as dice


def play_unit(players: tuple[CubePlayer, CubePlayer], seed: int, pair: int, half: int, rules: Stakes) -> float:
    """Points of the first player, or 1 and 0 of a match; in half 1 the players have changed seats."""
    key = int(np.random.default_rng(seed).integers(0, 1 << 64, dtype=np.uint64))
    seated = players if half == 0 else players[::-1]
    score, number = MatchScore.start(rules.length), 0
    while True:
        episode = pair * (2 * rules.length - 1 if rules.length else 1) + number + 1
        winner, points = _play_game(seated, key, episode, score, rules)
        score, number = score.after(winner, points), number + 1
        sign = 1 if winner == half else -1
        if not rules.length:
            return sign * points
        if score.is_over:
            return float(sign > 0)


def _play_game(
    seated: tuple[CubePlayer, CubePlayer], key: int, episode: int, score: MatchScore, rules: Stakes
) -> tuple[int, int]:
    """Winner and points."""
    state, turn = turns.open_game(turns.new_game(not score.is_crawford), *dice.throw_opening(key, episode, 0)), 0
    while True:
        if turn:
            state = _ask_about_cube(state, seated, score, rules)
            if state.is_over:
                break
            state = turns.roll_dice(state, *dice.throw_dice(key, episode, turn))
        decision, stakes = state.decision(), _stakes(state, score, rules)
        board, roll = state.position.board[None], np.array([decision.roll], dtype=np.int8)
        noise = np.array([dice.noise(key, episode, turn)], dtype=np.uint64)
        (row,) = seated[state.turn].choose_plays(board, roll, [stakes], noise)
        state, turn = turns.play(state, decision.candidates[row]), turn + 1
        if state.is_over:
            break
    result = state.result
    assert result is not None
    is_single = rules.has_jacoby and state.cube_owner is None
    return result.winner, result.cube if is_single else result.points


def _stakes(state: GameState, score: MatchScore, rules: Stakes) -> Stakes:
    held = state.cube, state.cube_owner
    return stakes_in_game(score, state.turn, *held, rules.has_jacoby, rules.has_beavers)


def _ask_about_cube(
    state: GameState, seated: tuple[CubePlayer, CubePlayer], score: MatchScore, rules: Stakes
) -> GameState:
    stakes, board = _stakes(state, score, rules), state.position.board[None]
    if not (state.may_double and stakes.may_double):
        return state
    (own,) = seated[state.turn].decide_cubes(board, [stakes])
    if not own.is_double:
        return state
    (answer,) = seated[1 - state.turn].decide_cubes(board, [stakes])
    state = turns.double(state)
    if answer.is_beaver:
        state = turns.beaver(state)
        return turns.raccoon(state) if own.is_raccoon else state
    return turns.take(state) if answer.is_take else turns.drop(state)
