"""A loss, a router and an encoder of somebody's own: all that it takes, in one file."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from backgammon.learner.inputs.board_domain import BOARDS
from comparison_net.choices import ChoiceSets
from comparison_net.config import TrainConfig
from comparison_net.encoders import Encoder, FirstLayer
from comparison_net.moe.algebra import SparseRouting, measure
from comparison_net.network_config import NetworkConfig


def squared(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Tesauro's squared error of 1988: (1 - P(chosen preferred))^2, mean over the rejected."""
    rejected = mask.scatter(1, chosen[:, None], False)
    errors = torch.sigmoid(scores - scores.gather(1, chosen[:, None])).square().masked_fill(~rejected, 0.0)
    return errors.sum(1) / rejected.sum(1).clamp(min=1)


def everybody(logits: Tensor, config: NetworkConfig, noise: Tensor | None) -> SparseRouting:  # noqa: ARG001
    """Every token goes to every expert, by its softmax."""
    gates = torch.softmax(logits, -1)
    is_taken = torch.ones_like(gates, dtype=torch.bool)
    slots = torch.arange(logits.shape[1])[None, :, None].expand(logits.shape)
    return SparseRouting(slots, gates, logits.shape[1], measure(gates, gates, is_taken))


class PipEncoder(Encoder):
    """Five numbers of a position: pips and checkers off of both sides, and blots."""

    domain = dataclasses.replace(BOARDS, version="pips-1", num_features=5, inputs={"tests.own_parts:PipEncoder": 0})

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:  # noqa: ARG002
        boards = np.asarray(sets.items, dtype=np.float32)
        own, other, places = np.maximum(boards, 0), np.maximum(-boards, 0), np.arange(26)
        rows = [
            own @ places / 167,
            other @ (25 - places) / 167,
            own.sum(1) / 15,
            other.sum(1) / 15,
            (own == 1).sum(1) / 5,
        ]
        units = linear(torch.from_numpy(np.stack(rows, 1).astype(np.float32)), layer.weight, layer.bias)
        return torch.relu(units) if is_rectified else units
