"""The tied comparator: antisymmetric and transitive by construction, so choosing is taking the largest score."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from backgammon.evaluation.outcome import equities
from backgammon.evaluation.possible import allowed_outcomes
from backgammon.learner.net.model_files import weight_shapes
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Int8s
from comparison_net.comparator import masked_probabilities, preference
from comparison_net.network import ComparisonNet
from comparison_net.network_config import NetworkConfig
from tests.board_nets import ENCODER, alone, decisions_of

Arrays = tuple[Int8s, Int8s]

SHAPES = [(), (16,), (32, 8)]


@pytest.fixture(params=SHAPES, ids=str)
def net(request: pytest.FixtureRequest) -> ComparisonNet:
    torch.manual_seed(5)
    return ComparisonNet(NetworkConfig(hidden=request.param), ENCODER)


@pytest.fixture
def scores(net: ComparisonNet, random_play: Arrays) -> list[Tensor]:
    """Scores of the candidates of 200 decisions."""
    sets = decisions_of(random_play[0][:200], random_play[1][:200])
    with torch.no_grad():
        found = net.answers(sets).scores
    return [found[first:last] for first, last in itertools.pairwise(sets.offsets)]


def pairs(scores: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(1)
    for rows in scores:
        first, second = rng.integers(0, len(rows), size=2)
        yield rows[first], rows[second]


def test_swapping_the_inputs_inverts_the_answer_exactly(scores: list[Tensor]) -> None:
    for first, second in pairs(scores):
        assert float(preference(first, second) + preference(second, first)) == 1.0


def test_a_preference_and_its_inverse_sum_to_one_for_any_scores() -> None:
    scores = torch.from_numpy(np.random.default_rng(2).normal(scale=20, size=(2, 100_000)).astype(np.float32))
    assert (preference(scores[0], scores[1]) + preference(scores[1], scores[0]) == 1.0).all()
    assert preference(torch.tensor(3.0), torch.tensor(3.0)) == 0.5


def test_preferences_are_transitive(scores: list[Tensor]) -> None:
    rng = np.random.default_rng(3)
    for rows in scores:
        a, b, c = (rows[i] for i in rng.integers(0, len(rows), size=3))
        if preference(a, b) >= 0.5 and preference(b, c) >= 0.5:
            assert preference(a, c) >= 0.5


def test_scan_tournament_and_largest_score_choose_alike(scores: list[Tensor]) -> None:
    for rows in scores[:60]:
        wins = (preference(rows[:, None], rows[None, :]) > 0.5).sum(1)  # everybody against everybody
        scan = 0
        for row in range(len(rows)):
            scan = row if rows[row] > rows[scan] else scan
        assert scan == int(rows.argmax()) == int(wins.argmax())


def test_the_output_has_no_bias(net: ComparisonNet) -> None:
    assert "head.score.bias" not in net.weights()


def test_weights_have_the_shapes_a_checkpoint_expects(net: ComparisonNet) -> None:
    assert {name: weight.shape for name, weight in net.weights().items()} == weight_shapes(net.config)
    assert all(weight.dtype == np.float32 for weight in net.weights().values())


def test_weights_are_copies(net: ComparisonNet) -> None:
    for weight in net.weights().values():
        weight[:] = 0
    assert all(parameter.abs().sum() > 0 for parameter in net.parameters())


@pytest.mark.parametrize("score_from", ["head", "equity"])
@pytest.mark.parametrize("hidden", SHAPES, ids=str)
def test_outcomes_sum_to_one_and_are_exactly_0_where_impossible(
    hidden: tuple[int, ...], score_from: str, nasty: Arrays
) -> None:
    torch.manual_seed(6)
    net = ComparisonNet(NetworkConfig(hidden, outcomes=True, score_from=score_from), ENCODER)
    assert {name: weight.shape for name, weight in net.weights().items()} == weight_shapes(net.config)
    candidates, _ = legal_candidates(*nasty)
    possible = allowed_outcomes(candidates)
    with torch.no_grad():
        found = net.answers(alone(candidates)).probabilities().numpy()
    assert (found[~possible] == 0.0).all()
    assert (found[possible] > 0.0).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    is_over = ~(candidates > 0).any(axis=1)
    assert is_over.any()
    assert (found[is_over].max(axis=1) == 1.0).all(), "a finished game is certain"


def test_a_score_from_the_equity_ranks_by_the_equity(random_play: Arrays) -> None:
    torch.manual_seed(7)
    net = ComparisonNet(NetworkConfig((32, 8), outcomes=True, score_from="equity"), ENCODER)
    sets = decisions_of(random_play[0][:300], random_play[1][:300])
    assert net.head.temperature is not None
    for temperature in (0.1, 3.0):
        with torch.no_grad():
            net.head.temperature[:] = float(np.log(temperature))
            answers = net.answers(sets)
            values = equities(answers.probabilities().numpy())
            np.testing.assert_allclose(answers.scores.numpy() * temperature, values, rtol=1e-4, atol=1e-5)


def test_masked_probabilities_ignore_what_stands_on_the_impossible() -> None:
    logits = torch.tensor([[0.0, 0.0, 1e9, 0.0, torch.inf, 0.0]])
    possible = torch.tensor([[True, True, False, True, False, True]])
    assert masked_probabilities(logits, possible).tolist() == [[0.25, 0.25, 0.0, 0.25, 0.0, 0.25]]
