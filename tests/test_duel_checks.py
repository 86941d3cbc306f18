"""Luck and the sequential test of duels, and players that look ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backgammon.cli.depth import Depth
from backgammon.cli.players import make_player
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.rules.board import START
from backgammon.search import Ranker, RolloutSettings, Searcher, SearchSettings, Workshop
from backgammon.search.luck import roll_luck
from backgammon.table.duel import DuelChecks, duel
from backgammon.tools.errors import ConfigError, ModelError
from backgammon.tools.sprt import Sprt
from comparison_net.network_config import NetworkConfig
from tests.evaluators import PipEvaluator
from tests.random_nets import write_random_net
from tests.test_bearoff import random_boards


def test_luck_by_a_perfect_judge_leaves_the_skill(tmp_path: Path) -> None:
    engine = ExactEvaluator(PipEvaluator(), find_or_build(directory=tmp_path))
    boards = random_boards(20, 6, 3, seed=2)
    exact = engine.bearoff.equities(boards)
    throws = np.random.default_rng(3).integers(1, 7, size=(20, 2), dtype=np.int8)
    luck = roll_luck(engine, boards, throws, np.zeros(20, dtype=bool))
    after = equities(engine.play_best(boards, throws)[1])
    np.testing.assert_allclose(after - luck, exact, atol=2e-6)


def test_luck_is_taken_from_whom_it_came_to() -> None:
    players = PipEvaluator(), PipCountPlayer()
    found = duel(*players, num_games=12, seed=3, checks=DuelChecks(PipEvaluator()))
    plain = duel(*players, num_games=12, seed=3)
    turned = duel(*players[::-1], num_games=12, seed=3, checks=DuelChecks(PipEvaluator()))
    assert found.points.tobytes() == plain.points.tobytes()
    assert found.adjusted is not None
    assert turned.adjusted is not None
    assert np.abs(found.adjusted - found.points).min() > 0
    np.testing.assert_allclose(found.adjusted, -turned.adjusted[:, ::-1], atol=1e-9)
    assert found.adjusted_points is not None
    assert found.adjusted_points[0] == pytest.approx(found.adjusted.mean())
    assert plain.adjusted_points is None
    assert json.dumps(found.as_dict())


def test_a_sequential_test_ends_a_duel_early_with_the_same_games() -> None:
    players = PipCountPlayer(), RandomPlayer()
    found = duel(*players, num_games=4000, seed=1, checks=DuelChecks(sprt=Sprt(0.0, 0.5)))
    assert found.verdict == "high"
    assert found.games == 1000
    assert found.points.tobytes() == duel(*players, num_games=1000, seed=1).points.tobytes()


def test_the_ratio_is_that_of_two_normal_means() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(0.05, 1, size=4000)
    test = Sprt(0.0, 0.05)
    variance = means.var(ddof=1)
    expected = ((means - 0.0) ** 2 - (means - 0.05) ** 2).sum() / (2 * variance)
    assert test.ratio(means) == pytest.approx(expected)
    assert test.bound == pytest.approx(np.log(19))
    assert test.verdict(rng.normal(-0.5, 1, size=400)) == "low"
    assert test.verdict(means[:50]) is None
    assert test.ratio(np.ones(200)) == 0
    for wrong in ((0.1, 0.1, 0.05), (0.0, 0.1, 0.5), (0.0, 0.1, 0.0)):
        with pytest.raises(ConfigError):
            Sprt(*wrong)


def test_a_rollout_chooser_plays_what_its_rollouts_prefer() -> None:
    boards, dice = np.repeat(START[None], 2, axis=0), np.array([[3, 1], [6, 5]], dtype=np.int8)
    searcher = Searcher(PipEvaluator(), SearchSettings(1, "tiny"))
    settings = RolloutSettings(games=72, round_games=72, horizon=2, lead=None)
    chooser = Ranker(searcher, Workshop(PipEvaluator(), settings))
    rows = chooser.choose(boards, dice)
    assert rows.shape == (2,)
    assert rows.tolist() == [int(chooser.choose(boards[i : i + 1], dice[i : i + 1])[0]) for i in range(2)]
    assert chooser.name == "pips 1-ply rollout 72"


@pytest.mark.parametrize(
    ("depth", "plies", "seconds"),
    [({}, 0, None), ({"plies": 1}, 1, None), ({"seconds": 2.0}, 3, 2.0), ({"games": 36}, 2, None)],
)
def test_depth_fills_in_what_was_not_said(depth: dict[str, Any], plies: int, seconds: float | None) -> None:
    spec = Depth(**depth).spec(None)
    assert (spec.plies, spec.seconds) == (plies, seconds)
    assert Depth(**depth).is_given == bool(depth)
    assert (spec.rollout.games if spec.rollout else None) == depth.get("games")


def test_a_rollout_is_as_exact_as_it_was_asked_to_be() -> None:
    rollout = Depth(games=36, error=0.01).rollout_settings()
    assert rollout is not None
    assert rollout.max_error == 0.01
    with pytest.raises(ConfigError, match="--rollout"):
        Depth(error=0.01).rollout_settings()


def test_models_without_outcomes_cannot_look_ahead(tmp_path: Path) -> None:
    model = write_random_net(tmp_path / "scores.safetensors", NetworkConfig(hidden=(8,)))
    with pytest.raises(ModelError, match="outcomes"):
        make_player(f"{model}@1", threads=1)
    with pytest.raises(ModelError, match="outcomes"):
        make_player(str(model), threads=1, depth=Depth(games=36))
    assert make_player(str(model), threads=1).name == "scores"
