"""A model with more units, fewer, or patterns: what must stay the same does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from backgammon.evaluation.outcome import equities
from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Boards, Int8s
from backgammon.tools.errors import DataError
from comparison_net.checkpoint import Model
from comparison_net.network_config import NetworkConfig
from scripts.resize import add_context, first_sums, grow, importance, rank_from, see_patterns, take_units, thin_experts
from tests.random_nets import random_weights

Arrays = tuple[Int8s, Int8s]


def model_of_head(head: str) -> Model:
    network = NetworkConfig((32, 8), head=head, outcomes=True, score_from="sum")
    weights = random_weights(network, seed=3, scale=0.2)
    weights["trunk.layers.0.bias"][:3] = -1000.0  # silent
    return make_model(network, weights, "none", {})


@pytest.fixture
def candidates(random_play: Arrays) -> Int8s:
    return legal_candidates(random_play[0][:60], random_play[1][:60])[0]


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_a_grown_model_says_the_same_and_no_unit_is_silent(head: str, candidates: Boards) -> None:
    model = model_of_head(head)
    is_silent = first_sums(model, candidates).max(axis=0) <= 0
    assert is_silent[:3].all()
    grown = grow(model, 64, is_silent, np.random.default_rng(1))
    assert grown.network.hidden == (64, 8)
    assert {name: values.shape for name, values in grown.weights.items()} == weight_shapes(grown.network)
    assert (first_sums(grown, candidates)[:, :3].max(axis=0) > 0).all()
    np.testing.assert_allclose(Scorer(grown, "b").scores(candidates), Scorer(model, "a").scores(candidates), atol=2e-3)


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_patterns_start_without_an_effect(head: str, candidates: Boards) -> None:
    model = model_of_head(head)
    seeing = see_patterns(model)
    assert {name: values.shape for name, values in seeing.weights.items()} == weight_shapes(seeing.network)
    np.testing.assert_allclose(Scorer(seeing, "b").scores(candidates), Scorer(model, "a").scores(candidates), atol=2e-3)


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_a_context_starts_without_an_effect_and_then_has_one(head: str, random_play: Arrays) -> None:
    model = see_patterns(model_of_head(head))
    seeing = add_context(model)
    assert {name: values.shape for name, values in seeing.weights.items()} == weight_shapes(seeing.network)
    boards, dice = random_play[0][:60], random_play[1][:60]
    decisions = Decisions.make(boards, dice)
    before, after = Scorer(model, "before"), Scorer(seeing, "after")
    np.testing.assert_array_equal(after.choose(boards, dice), before.choose(boards, dice))
    np.testing.assert_array_equal(after.preferences(decisions), before.preferences(decisions))
    np.testing.assert_array_equal(after.outcomes(decisions.candidates), before.outcomes(decisions.candidates))
    taught = {**seeing.weights, "decision.weight": np.ones_like(seeing.weights["decision.weight"])}
    other = Scorer(dataclasses.replace(seeing, weights=taught), "taught")
    assert (other.preferences(decisions) != before.preferences(decisions)).any()
    np.testing.assert_array_equal(other.outcomes(decisions.candidates), before.outcomes(decisions.candidates))


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_silent_units_can_go_without_a_trace_and_matter_least(head: str, candidates: Boards) -> None:
    model = see_patterns(model_of_head(head))
    sums = first_sums(model, candidates)
    assert (importance(model, sums)[:3] == 0).all()
    fewer = take_units(model, np.arange(3, 32), np.maximum(sums, 0).mean(axis=0))
    assert {name: values.shape for name, values in fewer.weights.items()} == weight_shapes(fewer.network)
    np.testing.assert_allclose(Scorer(fewer, "b").scores(candidates), Scorer(model, "a").scores(candidates), atol=2e-3)


def test_the_mean_of_a_unit_that_goes_stays_in_the_bias(candidates: Boards) -> None:
    model = model_of_head("dense")
    weights = dict(model.weights)
    weights["trunk.layers.0.weight"] = np.array(weights["trunk.layers.0.weight"])
    weights["trunk.layers.0.weight"][5] = 0.0  # says its bias whatever the position
    weights["trunk.layers.0.bias"] = np.array(weights["trunk.layers.0.bias"])
    weights["trunk.layers.0.bias"][5] = 2.0
    model = dataclasses.replace(model, weights=weights)
    means = np.maximum(first_sums(model, candidates), 0).mean(axis=0)
    fewer = take_units(model, np.delete(np.arange(32), 5), means)
    np.testing.assert_allclose(Scorer(fewer, "b").scores(candidates), Scorer(model, "a").scores(candidates), atol=2e-3)


@pytest.fixture
def every_phase(random_play: Arrays, nasty: Arrays) -> Int8s:
    boards, dice = (np.concatenate(pair) for pair in zip(random_play, nasty, strict=True))
    found = legal_candidates(boards, dice)[0][::40]
    assert set(phase_codes(found).tolist()) == set(range(len(PHASES)))
    return found


def test_silent_units_of_an_expert_go_first_and_change_nothing(every_phase: Int8s) -> None:
    model = model_of_head("phase")
    weights = {name: np.array(values) for name, values in model.weights.items()}
    weights["experts.layers.0.bias"][:, [1, 4]] = -1000.0
    model = dataclasses.replace(model, weights=weights)
    thin = thin_experts(model, every_phase, 6)
    assert thin.network.hidden == (32, 6)
    assert {name: values.shape for name, values in thin.weights.items()} == weight_shapes(thin.network)
    before, after = Scorer(model, "before"), Scorer(thin, "after")
    np.testing.assert_allclose(after.scores(every_phase), before.scores(every_phase), atol=1e-4)
    np.testing.assert_allclose(after.outcomes(every_phase), before.outcomes(every_phase), atol=1e-6)


def test_what_a_unit_said_on_average_stays(every_phase: Int8s) -> None:
    model = model_of_head("phase")
    weights = {name: np.array(values) for name, values in model.weights.items()}
    weights["experts.layers.0.weight"][:, 2] = 0.0
    weights["experts.layers.0.bias"][:, 2] = 3.0  # always the same
    model = dataclasses.replace(model, weights=weights)
    thin = thin_experts(model, every_phase, 7)
    before, after = Scorer(model, "before"), Scorer(thin, "after")
    np.testing.assert_allclose(after.scores(every_phase), before.scores(every_phase), atol=1e-3)


def test_a_phase_that_was_not_seen_is_said(candidates: Boards) -> None:
    with pytest.raises(DataError, match="no candidate of phase"):
        thin_experts(model_of_head("phase"), candidates[:1], 6)


@pytest.mark.parametrize("head", ["dense", "phase"])
@pytest.mark.parametrize("source", ["equity", "sum"])
def test_a_model_can_rank_by_its_equity_alone(head: str, source: str, candidates: Boards) -> None:
    model = model_of_head(head)
    by_head = {name: values for name, values in model.weights.items() if name != "head.temperature"}
    ranked_by_head = dataclasses.replace(
        model, network=dataclasses.replace(model.network, score_from="head"), weights=by_head
    )
    for start in (model, ranked_by_head):
        changed = rank_from(start, source)
        assert {name: values.shape for name, values in changed.weights.items()} == weight_shapes(changed.network)
        scorer = Scorer(changed, "changed")
        found = scorer.outcomes(candidates)
        assert found.tobytes() == Scorer(start, "start").outcomes(candidates).tobytes()
        scores, values = scorer.scores(candidates).astype(np.float64), equities(found).astype(np.float64)
        np.testing.assert_allclose(scores * np.exp(float(changed.weights["head.temperature"][0])), values, atol=1e-4)
    dense = NetworkConfig((32, 8), head=head)
    without = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(dense).items()}
    with pytest.raises(DataError, match="without outcomes"):
        rank_from(make_model(dense, without, "none", {}), source)
