"""The first layer on positions against its twin, the dense layer on the encoded features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from backgammon.tools.arrays import Int8s
from comparison_net.comparator import CandidateNet
from comparison_net.network import ComparisonNet
from comparison_net.network_config import NetworkConfig
from tests.board_nets import ENCODER, decisions_of, dense_twin

Arrays = tuple[Int8s, Int8s]


def make_net(seed: int, config: NetworkConfig) -> ComparisonNet:
    torch.manual_seed(seed)
    return ComparisonNet(config, ENCODER)


def assert_equal_gradients(
    found: Tensor, net: CandidateNet, expected: Tensor, twin: CandidateNet, names: Sequence[str], least: float = 0.0
) -> None:
    mine = torch.autograd.grad(found, [net.get_parameter(name) for name in names])
    theirs = torch.autograd.grad(expected, [twin.get_parameter(name) for name in names])
    for name, one, other in zip(names, mine, theirs, strict=True):
        atol = 3e-5 * max(float(other.abs().max()), least)
        torch.testing.assert_close(one, other, rtol=0, atol=atol, msg=name)


def names_of(net: CandidateNet) -> list[str]:
    return [name for name, _ in net.named_parameters()]


@pytest.mark.parametrize("source", ["random_play", "nasty"])
@pytest.mark.parametrize("hidden", [(), (1,), (37,), (64, 16), (32, 16, 8)], ids=str)
def test_scores_and_gradients_are_those_of_the_dense_layer(
    hidden: tuple[int, ...], source: str, request: pytest.FixtureRequest
) -> None:
    boards, dice = request.getfixturevalue(source)
    batch = decisions_of(boards[:300], dice[:300])
    net = make_net(3, NetworkConfig(hidden=hidden))
    twin = dense_twin(net)
    # Whole numbers as slopes: their sums over a decision do not cancel as a loss's would.
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, batch.num_items).astype(np.float32))
    found, expected = net.answers(batch).scores, twin.answers(batch).scores
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert_equal_gradients((found * slopes).sum(), net, (expected * slopes).sum(), twin, names_of(net))


def test_the_gradient_agrees_with_differences(random_play: Arrays) -> None:
    """Straight from the definition of a derivative, for the weights that matter most."""
    batch = decisions_of(random_play[0][:20], random_play[1][:20])
    net = make_net(4, NetworkConfig(hidden=()))
    assert net.head.score is not None
    weight = net.head.score.weight
    (gradient,) = torch.autograd.grad(net.answers(batch).scores.sum(), [weight])
    for feature in gradient[0].abs().argsort()[-5:].tolist():
        with torch.no_grad():
            before = net.answers(batch).scores.double().sum()
            weight[0, feature] += 1
            after = net.answers(batch).scores.double().sum()
            weight[0, feature] -= 1
        assert float(after - before) == pytest.approx(float(gradient[0, feature]), rel=1e-4)


@pytest.mark.parametrize("score_from", ["head", "equity"])
@pytest.mark.parametrize("hidden", [(), (37,), (32, 16)], ids=str)
def test_all_heads_get_what_the_dense_layer_would_give_them(
    hidden: tuple[int, ...], score_from: str, random_play: Arrays
) -> None:
    batch = decisions_of(random_play[0][:200], random_play[1][:200])
    net = make_net(6, NetworkConfig(hidden, outcomes=True, score_from=score_from))
    twin = dense_twin(net)
    rows = torch.from_numpy(np.sort(np.random.default_rng(2).permutation(batch.num_items)[:100]))
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, (100, 6)).astype(np.float32))
    answers, dense = net.answers(batch, rows), twin.answers(batch)
    assert answers.logits is not None
    assert answers.possible is not None
    assert dense.logits is not None
    assert dense.possible is not None
    torch.testing.assert_close(answers.logits, dense.logits[rows], rtol=0, atol=1e-5)
    assert answers.possible.equal(dense.possible[rows])
    torch.testing.assert_close(answers.scores, dense.scores, rtol=0, atol=1e-4)
    names = [name for name in names_of(net) if "score" not in name and "temperature" not in name]
    found, expected = (answers.logits * slopes).sum(), (dense.logits[rows] * slopes).sum()
    assert_equal_gradients(found, net, expected, twin, names)


@pytest.mark.parametrize("hidden", [(37,), (32, 16)], ids=str)
def test_the_pull_is_the_gradient_of_the_sum_of_the_units(hidden: tuple[int, ...], random_play: Arrays) -> None:
    batch = decisions_of(random_play[0][:100], random_play[1][:100])
    net = make_net(7, NetworkConfig(hidden))
    twin = dense_twin(net)
    scores, plain = net.answers(batch, pull=0.25).scores, net.answers(batch).scores
    assert scores.tolist() == plain.tolist()
    units = twin.first_units(batch, 0.0)
    loss = twin.answers(batch).scores.sum() + 0.25 * units.sum()
    assert_equal_gradients(scores.sum(), net, loss, twin, names_of(net))
    pulled = twin.answers(batch, pull=0.25).scores.sum()
    again = net.answers(batch, pull=0.25).scores.sum()
    assert_equal_gradients(again, net, pulled, twin, names_of(net))


def test_a_batch_gives_the_same_bytes_every_time(random_play: Arrays) -> None:
    batch = decisions_of(random_play[0][:100], random_play[1][:100])
    net = make_net(5, NetworkConfig(hidden=(32, 8)))
    first, second = net.answers(batch).scores, net.answers(batch).scores
    assert first.detach().numpy().tobytes() == second.detach().numpy().tobytes()


@pytest.mark.parametrize("source", ["random_play", "nasty"])
def test_patterns_add_their_rows(source: str, request: pytest.FixtureRequest) -> None:
    boards, dice = request.getfixturevalue(source)
    batch = decisions_of(boards[:100], dice[:100])
    net = make_net(8, NetworkConfig((24, 8, 4), inputs="patterns"))
    assert net.trunk.patterns is not None
    with torch.no_grad():
        net.trunk.patterns.normal_(0, 0.1)
    twin = dense_twin(net)
    found, expected = net.answers(batch).scores, twin.answers(batch).scores
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, batch.num_items).astype(np.float32))
    assert_equal_gradients((found * slopes).sum(), net, (expected * slopes).sum(), twin, names_of(net), least=1e-3)
