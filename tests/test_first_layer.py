"""The first layer on positions against its twin, the dense layer on the encoded features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backgammon.learner.data.comparisons import Comparisons
from backgammon.learner.inputs.features import encode
from backgammon.learner.inputs.patterns import patterns_of
from backgammon.learner.net.outcome_mask import allowed_outcomes
from backgammon.learner.training.first_layer import candidate_outputs, candidate_scores
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Int8s
from comparison_net.config import NetworkConfig
from comparison_net.network import ComparisonNet

Arrays = tuple[Int8s, Int8s]


def make_batch(decisions: Arrays) -> Comparisons:
    boards, dice = decisions
    candidates, offsets = legal_candidates(boards, dice)
    return Comparisons(boards, candidates, offsets, np.zeros(len(boards), dtype=np.int64))


@pytest.mark.parametrize("source", ["random_play", "nasty"])
@pytest.mark.parametrize("hidden", [(), (1,), (37,), (64, 16), (32, 16, 8)], ids=str)
def test_scores_and_gradients_are_those_of_the_dense_layer(
    hidden: tuple[int, ...], source: str, request: pytest.FixtureRequest
) -> None:
    boards, dice = request.getfixturevalue(source)
    batch = make_batch((boards[:300], dice[:300]))
    torch.manual_seed(3)
    net = ComparisonNet(NetworkConfig(hidden=hidden))
    weights = list(net.parameters())
    # Whole numbers as slopes: their sums over a decision do not cancel as a loss's would.
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, len(batch.candidates)).astype(np.float32))
    found = candidate_scores(net, batch)
    expected = net(torch.from_numpy(encode(batch.candidates)))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    for mine, dense in zip(
        torch.autograd.grad((found * slopes).sum(), weights),
        torch.autograd.grad((expected * slopes).sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(mine, dense, rtol=0, atol=3e-5 * float(dense.abs().max()))


def test_the_gradient_agrees_with_differences(random_play: Arrays) -> None:
    """Straight from the definition of a derivative, for the weights that matter most."""
    batch = make_batch((random_play[0][:20], random_play[1][:20]))
    torch.manual_seed(4)
    net = ComparisonNet(NetworkConfig(hidden=()))
    assert net.head.score is not None
    weight = net.head.score.weight
    (gradient,) = torch.autograd.grad(candidate_scores(net, batch).sum(), [weight])
    for feature in gradient[0].abs().argsort()[-5:].tolist():
        with torch.no_grad():
            before = candidate_scores(net, batch).double().sum()
            weight[0, feature] += 1
            after = candidate_scores(net, batch).double().sum()
            weight[0, feature] -= 1
        assert float(after - before) == pytest.approx(float(gradient[0, feature]), rel=1e-4)


@pytest.mark.parametrize("score_from", ["head", "equity"])
@pytest.mark.parametrize("hidden", [(), (37,), (32, 16)], ids=str)
def test_all_heads_get_what_the_dense_layer_would_give_them(
    hidden: tuple[int, ...], score_from: str, random_play: Arrays
) -> None:
    batch = make_batch((random_play[0][:200], random_play[1][:200]))
    torch.manual_seed(6)
    net = ComparisonNet(NetworkConfig(hidden, outcomes=True, score_from=score_from))
    features, possible = (
        torch.from_numpy(encode(batch.candidates)),
        torch.from_numpy(allowed_outcomes(batch.candidates)),
    )
    rows = torch.from_numpy(np.sort(np.random.default_rng(2).permutation(len(batch.candidates))[:100]))
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, (100, 6)).astype(np.float32))
    scores, logits = candidate_outputs(net, batch, rows)
    dense = net.head.logits(net.trunk(features))
    assert logits is not None
    assert dense is not None
    torch.testing.assert_close(logits, dense[rows], rtol=0, atol=1e-5)
    torch.testing.assert_close(candidate_scores(net, batch), net(features, possible), rtol=0, atol=1e-4)
    assert (scores is None) == (score_from == "equity")
    weights = [weight for name, weight in net.named_parameters() if "score" not in name and "temp" not in name]
    for mine, expected in zip(
        torch.autograd.grad((logits * slopes).sum(), weights),
        torch.autograd.grad((dense[rows] * slopes).sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(mine, expected, rtol=0, atol=3e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("hidden", [(37,), (32, 16)], ids=str)
def test_the_pull_is_the_gradient_of_the_sum_of_the_units(hidden: tuple[int, ...], random_play: Arrays) -> None:
    batch = make_batch((random_play[0][:100], random_play[1][:100]))
    torch.manual_seed(7)
    net = ComparisonNet(NetworkConfig(hidden))
    weights = list(net.parameters())
    scores, _ = candidate_outputs(net, batch, pull=0.25)
    plain, _ = candidate_outputs(net, batch)
    assert scores is not None
    assert plain is not None
    assert scores.tolist() == plain.tolist()
    units = torch.relu(net.trunk.layers[0](torch.from_numpy(encode(batch.candidates))))
    dense = net(torch.from_numpy(encode(batch.candidates)), None)
    loss = dense.sum() + 0.25 * units.sum()
    for mine, expected in zip(
        torch.autograd.grad(scores.sum(), weights), torch.autograd.grad(loss, weights), strict=True
    ):
        torch.testing.assert_close(mine, expected, rtol=0, atol=3e-5 * float(expected.abs().max()))


def test_a_batch_gives_the_same_bytes_every_time(random_play: Arrays) -> None:
    batch = make_batch((random_play[0][:100], random_play[1][:100]))
    torch.manual_seed(5)
    net = ComparisonNet(NetworkConfig(hidden=(32, 8)))
    first, second = candidate_scores(net, batch), candidate_scores(net, batch)
    assert first.detach().numpy().tobytes() == second.detach().numpy().tobytes()


@pytest.mark.parametrize("source", ["random_play", "nasty"])
def test_patterns_add_their_rows(source: str, request: pytest.FixtureRequest) -> None:
    boards, dice = request.getfixturevalue(source)
    batch = make_batch((boards[:100], dice[:100]))
    torch.manual_seed(8)
    net = ComparisonNet(NetworkConfig((24, 8, 4), inputs="patterns"))
    patterns = net.patterns
    assert patterns is not None
    with torch.no_grad():
        patterns.normal_(0, 0.1)
    lists = [torch.from_numpy(rows.astype(np.int64)) for rows in patterns_of(batch.candidates)]
    added = torch.stack([patterns[rows].sum(0) for rows in lists])
    first = net.trunk.layers[0](torch.from_numpy(encode(batch.candidates))) + added
    expected = net.head.scores(net.trunk.upper(torch.relu(first)))
    found, _ = candidate_outputs(net, batch)
    assert found is not None
    assert expected is not None
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, len(batch.candidates)).astype(np.float32))
    weights = list(net.parameters())
    for mine, dense in zip(
        torch.autograd.grad((found * slopes).sum(), weights),
        torch.autograd.grad((expected * slopes).sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(mine, dense, rtol=0, atol=3e-5 * max(float(dense.abs().max()), 1e-3))
