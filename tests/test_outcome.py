"""The certain outcomes of games that are over, and the possible ones of all, against their slow twins."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.outcome import final_outcomes
from backgammon.evaluation.possible import allowed_outcomes, possible_mask
from backgammon.rules.board import Board, points_won
from backgammon.rules.ending import has_won, points_of_winner
from backgammon.rules.movegen import legal_candidates
from tests.naive.outcome import final_outcomes as naive_final_outcomes
from tests.naive.outcome import possible_outcomes

Arrays = tuple[Board, Board]


def ended_games(count: int, rng: np.random.Generator) -> Board:
    """Boards int8[count, 26] of a player with no checker left against 1 to 15 checkers anywhere."""
    boards = np.zeros((count, 26), dtype=np.int8)
    for board in boards:
        left = 15 if rng.random() < 0.7 else int(rng.integers(1, 15))
        points = rng.integers(0, 25, left) if rng.random() < 0.5 else rng.integers(7, 25, left)
        np.subtract.at(board, points, 1)
    return boards


def test_ended_games_are_won_single_gammon_or_backgammon() -> None:
    boards = ended_games(4000, np.random.default_rng(3))
    is_over, outcomes = final_outcomes(boards)
    assert is_over.all()
    assert outcomes.tolist() == naive_final_outcomes(boards).tolist()
    assert (outcomes.sum(axis=0)[:3] > 200).all(), "all three kinds are among them"


def test_games_that_go_on_have_no_outcome(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        candidates, _ = legal_candidates(boards, dice)
        is_over, outcomes = final_outcomes(candidates)
        assert outcomes.tolist() == naive_final_outcomes(candidates).tolist()
        assert (is_over == outcomes.any(axis=1)).all()
        assert not is_over.all()


def test_no_board_is_no_outcome() -> None:
    is_over, outcomes = final_outcomes(np.zeros((0, 26), dtype=np.int8))
    assert is_over.shape == (0,)
    assert outcomes.shape == (0, 6)


def test_the_mask_of_possible_outcomes_follows_the_rules(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        positions = np.concatenate([legal_candidates(boards, dice)[0], ended_games(50, np.random.default_rng(1))])
        expected = np.array([possible_outcomes(board) for board in positions])
        assert allowed_outcomes(positions).tolist() == expected.tolist()
        flat = np.zeros((len(positions), 32), dtype=np.int8)
        flat[:, :26] = positions
        masks = [possible_mask(flat.ravel(), 32 * k) for k in range(len(positions))]
        assert masks == (expected @ (1 << np.arange(6))).tolist()


def test_who_has_won_is_said_alike_by_kernels_and_by_the_board(random_play: Arrays) -> None:
    ended = ended_games(300, np.random.default_rng(5))
    boards = np.concatenate([ended, random_play[0]])
    assert has_won(boards).tolist() == [True] * 300 + [False] * len(random_play[0])
    won = [points_of_winner(boards.reshape(-1), 26 * i) for i in range(len(boards))]
    assert won == [max(0, points_won(board)) for board in boards]
    assert {points_won(-board[::-1]) for board in ended} == {-1, -2, -3}
