"""Games with random plays: by the rules, the same in any company, and what is recorded is what the player prefers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backgammon.evaluation.outcome import POINTS, final_outcomes
from backgammon.rules.board import START, swap
from backgammon.rules.decisions import Decisions
from backgammon.table.noisy_games import NoisyTurn, play_noisy_games, points_of_choosers
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import ConfigError
from tests.evaluators import PipEvaluator

NOISE = (0.0, 0.5)


def choose(decisions: Decisions) -> Int64s:
    return PipEvaluator().choose(decisions.boards, decisions.dice)


@pytest.fixture(scope="module")
def turns() -> list[NoisyTurn]:
    return list(play_noisy_games(choose, range(40), NOISE, seed=4))


def test_games_follow_the_rules_from_the_start_to_the_end(turns: list[NoisyTurn]) -> None:
    first = turns[0].decisions
    assert (first.boards == START).all()
    assert (first.dice[:, 0] > first.dice[:, 1]).all(), "no double begins a game"
    for before, after in itertools.pairwise(turns):
        goes_on = ~before.is_over
        assert after.decisions.unit.tolist() == before.decisions.unit[goes_on].tolist()
        np.testing.assert_array_equal(after.decisions.boards, swap(before.afters[goes_on]))
    assert turns[-1].is_over.all()
    for turn in turns:
        is_over, outcomes = final_outcomes(turn.afters)
        np.testing.assert_array_equal(turn.is_over, is_over)
        assert turn.points[is_over].tolist() == (outcomes[is_over] @ POINTS).tolist()
        assert not turn.points[~is_over].any()


def test_half_of_the_plays_of_every_second_game_are_random(turns: list[NoisyTurn]) -> None:
    units = np.concatenate([turn.decisions.unit for turn in turns])
    is_random = np.concatenate([turn.is_random for turn in turns])
    is_other = np.concatenate([turn.played != turn.decisions.chosen_rows for turn in turns])
    assert not is_random[units % 2 == 0].any()
    assert not is_other[~is_random].any()
    assert 0.45 < is_random[units % 2 == 1].mean() < 0.55
    assert 0.5 < is_other[is_random].mean() < 1, "a random play may be the preferred one"
    for turn in turns:
        np.testing.assert_array_equal(turn.decisions.chosen_rows, choose(turn.decisions))


def test_random_plays_are_spread_evenly_over_the_candidates() -> None:
    first = next(play_noisy_games(choose, range(4000), (1.0,), seed=9))
    places = (first.played + 0.5) / first.decisions.counts
    assert np.histogram(places, 4, (0, 1))[0] == pytest.approx(np.full(4, 1000), rel=0.12)
    dice = first.decisions.dice[:, 0]
    assert abs(np.corrcoef(places, dice)[0, 1]) < 0.05


def test_a_game_is_the_same_in_any_company(turns: list[NoisyTurn]) -> None:
    alone = list(play_noisy_games(choose, range(7, 9), NOISE, seed=4))
    for one, all_ in zip(alone, turns, strict=False):
        rows = np.flatnonzero(np.isin(all_.decisions.unit, [7, 8]))
        np.testing.assert_array_equal(one.afters, all_.afters[rows])
        assert one.decisions.unit.tolist() == all_.decisions.unit[rows].tolist()
    other = next(play_noisy_games(choose, range(40), NOISE, seed=5))
    assert other.decisions.dice.tobytes() != turns[0].decisions.dice.tobytes()


def test_points_are_known_where_the_preferred_play_was_made(turns: list[NoisyTurn]) -> None:
    points = points_of_choosers(turns)
    winner: dict[int, tuple[int, int]] = {}
    for number, turn in enumerate(turns):
        for place in np.flatnonzero(turn.is_over).tolist():
            winner[int(turn.decisions.unit[place])] = number % 2, int(turn.points[place])
    assert len(winner) == 40
    for number, (turn, found) in enumerate(zip(turns, points, strict=True)):
        for place, game in enumerate(turn.decisions.unit.tolist()):
            side, won = winner[game]
            expected = won if side == number % 2 else -won
            is_preferred = turn.played[place] == turn.decisions.chosen_rows[place]
            assert found[place] == (expected if is_preferred else 0)


@pytest.mark.parametrize("noise", [(), (1.5,), (-0.1, 0.2)])
def test_shares_out_of_range_are_refused(noise: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        next(play_noisy_games(choose, range(2), noise, seed=1))
