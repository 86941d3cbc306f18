from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from backgammon.evaluation.player import Noise, PipCountPlayer, Player, RandomPlayer
from backgammon.rules import ragged
from backgammon.rules.board import START, Board, Position
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates


def board(**points: int) -> Board:
    """board(p24=2, p1=-2): every other point is empty."""
    counts = np.zeros(26, dtype=np.int8)
    for name, count in points.items():
        counts[int(name[1:])] = count
    return counts


def choose_one(player: Player, position: Board, dice: tuple[int, int], noise: int = 0) -> Board:
    boards, rolls = position[None], np.array([dice], dtype=np.int8)
    row = player.choose(boards, rolls, np.array([noise], dtype=np.uint64))[0]
    candidates, _ = legal_candidates(boards, rolls)
    return np.asarray(candidates[row])


@pytest.fixture
def decisions() -> tuple[Board, Board, Noise]:
    rng = np.random.default_rng(7)
    dice = rng.integers(1, 7, (500, 2), dtype=np.int8)
    return np.repeat(START[None], 500, axis=0), dice, rng.integers(0, 2**64, 500, dtype=np.uint64)


@pytest.mark.parametrize("player", [RandomPlayer(), PipCountPlayer()])
def test_players_choose_existing_rows(player: Player, decisions: tuple[Board, Board, Noise]) -> None:
    boards, dice, noise = decisions
    rows = player.choose(boards, dice, noise)
    _, offsets = legal_candidates(boards, dice)
    assert rows.dtype == np.int64
    assert rows.shape == (500,)
    assert (rows >= 0).all()
    assert (rows < np.diff(offsets)).all()


@pytest.mark.parametrize("player", [RandomPlayer(), PipCountPlayer()])
def test_a_choice_depends_on_its_own_decision_only(player: Player, decisions: tuple[Board, Board, Noise]) -> None:
    boards, dice, noise = decisions
    together = player.choose(boards, dice, noise)
    alone = [int(player.choose(boards[i : i + 1], dice[i : i + 1], noise[i : i + 1])[0]) for i in range(0, 500, 25)]
    assert together[::25].tolist() == alone


@pytest.mark.parametrize("player", [RandomPlayer(), PipCountPlayer()])
def test_no_decisions_give_no_rows(player: Player) -> None:
    rows = player.choose(np.zeros((0, 26), np.int8), np.zeros((0, 2), np.int8), np.zeros(0, np.uint64))
    assert rows.shape == (0,)


def test_random_player_is_uniform_over_candidates() -> None:
    rng = np.random.default_rng(3)
    boards, dice = np.repeat(START[None], 32_000, axis=0), np.full((32_000, 2), (3, 1), np.int8)
    rows = RandomPlayer().choose(boards, dice, rng.integers(0, 2**64, 32_000, dtype=np.uint64))
    counts = np.bincount(rows, minlength=16)
    expected = 32_000 / 16
    assert ((counts - expected) ** 2 / expected).sum() < 37.7  # chi square, 15 degrees of freedom, p = .001


def test_random_player_stays_in_range_at_both_ends_of_the_noise() -> None:
    candidates = Decision.make(Position.start(), (3, 1)).candidates
    assert (choose_one(RandomPlayer(), START, (3, 1), 0) == candidates[0]).all()
    assert (choose_one(RandomPlayer(), START, (3, 1), 2**64 - 1) == candidates[-1]).all()


def test_pipcount_hits_when_it_can() -> None:
    # own 13 and 8; a blot of the opponent on 7 that 61 hits
    after = choose_one(PipCountPlayer(), board(p13=2, p8=2, p6=5, p7=-1, p20=-5), (6, 1))
    assert after[0] == -1


def test_pipcount_hits_the_more_advanced_of_two_blots() -> None:
    # 1 hits on 7 (18 pips lost by the opponent), 2 hits on 6; only one die each: both hits together lose most
    after = choose_one(PipCountPlayer(), board(p8=2, p7=-1, p6=-1, p20=-5, p24=-2), (2, 1))
    assert after[0] == -2


def test_pipcount_bears_off_rather_than_fill_a_gap() -> None:
    after = choose_one(PipCountPlayer(), board(p6=2, p4=2, p2=2, p24=-2), (4, 2))
    assert after.sum() == 6 - 2 - 2


def test_pipcount_makes_points_when_pips_are_equal() -> None:
    # opening 31: 8/5 6/5 makes the 5-point
    after = choose_one(PipCountPlayer(), START, (3, 1))
    assert after[5] == 2


def test_best_rows_takes_the_first_of_equal_values() -> None:
    values = np.array([2, 2, 1, 0, 5, 5, 7], dtype=np.int64)
    assert ragged.best(values, np.array([0, 3, 4, 6, 7])).tolist() == [0, 0, 0, 0]


def test_best_rows_agrees_with_argmax_on_random_values() -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(1, 30, 400)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    values = rng.integers(0, 6, offsets[-1]).astype(np.float32)
    expected = [int(values[a:b].argmax()) for a, b in pairwise(offsets)]
    assert ragged.best(values, offsets).tolist() == expected
