"""OpenSpiel's action numbers, alone and against OpenSpiel itself where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.env import open_spiel
from backgammon.rules.board import START, Board
from backgammon.rules.decision import Move, apply_move
from backgammon.rules.dice import Roll
from backgammon.tools.errors import GameError, IllegalPlay


def test_numbers_that_open_spiel_prints_itself() -> None:
    # from action_to_string of OpenSpiel 2.0.2 at the start with 2-1, player 0
    for action, moves in (
        (0, ((24, 22), (24, 23))),
        (11, ((13, 11), (24, 23))),
        (52, ((24, 22), (22, 21))),
        (349, ((13, 11), (11, 10))),
    ):
        decoded = open_spiel.decode(action, 0, START, Roll(2, 1))
        assert tuple((move.source, move.target) for move in decoded) == moves
        assert open_spiel.encode(decoded, 0, Roll(2, 1), START) == action


def test_bar_none_and_the_smaller_die_first() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[25, 6]] = 1, 1
    board[19] = -2  # the entry point of the 6
    low_first = 24 + 26 * 25 + 676
    assert open_spiel.decode(low_first, 1, board, Roll(6, 2)) == (Move(25, 23, False),)
    assert open_spiel.encode([Move(25, 23, False)], 1, Roll(6, 2), board) == low_first
    assert open_spiel.encode([], 0, Roll(6, 2), board) == 1351
    assert open_spiel.decode(1351, 0, board, Roll(6, 2)) == ()


def test_wrong_numbers_and_moves_are_refused() -> None:
    with pytest.raises(GameError, match="0 to 1351"):
        open_spiel.decode(1352, 0, START, Roll(2, 1))
    with pytest.raises(GameError, match="player"):
        open_spiel.decode(0, 2, START, Roll(2, 1))
    with pytest.raises(IllegalPlay, match="no 5"):
        open_spiel.decode(0, 0, START, Roll(5, 1))
    with pytest.raises(IllegalPlay, match="cannot be played"):
        open_spiel.encode([Move(24, 19, False)], 0, Roll(2, 1), START)
    with pytest.raises(GameError, match="halve a double"):
        open_spiel.encode([Move(6, 5, False)] * 3, 0, Roll(1, 1), START)


def test_every_legal_action_of_random_games_goes_both_ways() -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rng = np.random.default_rng(4)
    game = pyspiel.load_game("backgammon")
    num_actions = 0
    while num_actions < 20_000:
        state = game.new_initial_state()
        while not state.is_terminal():
            legal = state.legal_actions()
            if not state.is_chance_node():
                player = state.current_player()
                board, roll = board_of(state, player), roll_of(state)
                for action in legal:
                    moves = open_spiel.decode(action, player, board, roll)
                    again = open_spiel.encode(moves, player, roll, board)
                    assert again in legal
                    assert result(board, open_spiel.decode(again, player, board, roll)) == result(board, moves)
                num_actions += len(legal)
            state.apply_action(int(rng.choice(legal)))


def result(board: Board, moves: tuple[Move, ...]) -> bytes:
    for move in moves:
        board = apply_move(board, move)
    return board.tobytes()


def board_of(state: object, player: int) -> Board:
    """The board of the player on roll, from OpenSpiel's observation (counts by unary units, see its source)."""
    tensor = np.array(state.observation_tensor(player)).astype(int)  # type: ignore[attr-defined]
    counts = [tensor[k : k + 96].reshape(24, 4) @ np.array([1, 2, 3, 1]) for k in (0, 96)]
    counts = [c + 3 * (tensor[k + 3 : k + 96 : 4] > 0) for c, k in zip(counts, (0, 96), strict=True)]
    board = np.zeros(26, dtype=np.int8)
    on_board = counts[0] - counts[1]
    board[1:25] = on_board[::-1] if player == 0 else on_board
    board[25], board[0] = tensor[192], -tensor[195]
    return board


def roll_of(state: object) -> Roll:
    dice = np.array(state.observation_tensor(state.current_player()))[-2:].astype(int)  # type: ignore[attr-defined]
    high, low = sorted((int(die) for die in dice), reverse=True)
    return Roll(high, low)
