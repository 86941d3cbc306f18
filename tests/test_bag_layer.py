"""The first layer as an embedding bag against the compiled one, on tensors of the processor."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from backgammon.learner.training.bag_layer import bag_layer
from backgammon.learner.training.device_evaluator import DeviceEncoder
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from tests.board_nets import ENCODER, decisions_of


@pytest.mark.parametrize("source", ["random_play", "nasty"])
@pytest.mark.parametrize("inputs", ["counts", "patterns"])
@pytest.mark.parametrize("pull", [0.0, 0.25])
def test_units_and_gradients_are_those_of_the_compiled_layer(
    inputs: str, source: str, pull: float, request: pytest.FixtureRequest
) -> None:
    boards, dice = request.getfixturevalue(source)
    batch = decisions_of(boards[:200], dice[:200])
    torch.manual_seed(3)
    net = make_network(NetworkConfig((48, 8), inputs=inputs), ENCODER)
    if net.trunk.patterns is not None:
        with torch.no_grad():
            net.trunk.patterns.normal_(0, 0.02)
    slopes = torch.from_numpy(np.random.default_rng(1).integers(-3, 4, (batch.num_items, 48)).astype(np.float32))
    layer = net.trunk.first
    parameters = [tensor for tensor in layer if tensor is not None]
    units, expected = bag_layer(batch, layer, True, pull), ENCODER.first_layer(batch, layer, True, pull)
    torch.testing.assert_close(units, expected, rtol=0, atol=1e-6 * max(1.0, float(expected.detach().abs().max())))
    is_clear = expected.detach().abs() > 1e-5  # at the bend itself either slope is right
    is_clear |= (units.detach() == 0) & (expected.detach() == 0)
    mine = torch.autograd.grad((units * slopes * is_clear).sum(), parameters)
    theirs = torch.autograd.grad((expected * slopes * is_clear).sum(), parameters)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize("head", ["dense", "phase", "softmax-token"])
def test_whole_nets_say_the_same(head: str, random_play: tuple[np.ndarray, np.ndarray]) -> None:
    batch = decisions_of(random_play[0][:150], random_play[1][:150])
    torch.manual_seed(4)
    net = make_network(NetworkConfig((32, 8), head=head, experts=3), ENCODER)
    other = copy.deepcopy(net)
    other.encoder = DeviceEncoder()
    torch.testing.assert_close(other.answers(batch).scores, net.answers(batch).scores, rtol=0, atol=2e-6)


def test_sums_stay_float32_under_an_autocast(random_play: tuple[np.ndarray, np.ndarray]) -> None:
    batch = decisions_of(random_play[0][:50], random_play[1][:50])
    torch.manual_seed(5)
    layer = make_network(NetworkConfig((32, 8)), ENCODER).trunk.first
    with torch.autocast("cpu", torch.bfloat16):
        units = bag_layer(batch, layer, True, 0.0)
    assert units.dtype == torch.float32
    assert units.equal(bag_layer(batch, layer, True, 0.0))
