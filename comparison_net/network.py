"""Nets by their configuration: the dense one, and the two kinds of mixtures of experts.

M alternatives, C outcome classes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, Head, Said, TrainingDraw, Trunk
from comparison_net.encoders import Encoder, FirstLayer
from comparison_net.moe.item_mixture import ItemMixture
from comparison_net.moe.token_mixture import TokenMixture
from comparison_net.network_config import NetworkConfig


class ComparisonNet(CandidateNet):
    """The dense net: every alternative passes the same layers."""

    head: Head

    def __init__(self, config: NetworkConfig, encoder: Encoder) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__(config, encoder)
        domain = encoder.domain
        self.trunk = Trunk(self.config.hidden, domain.num_features, self.config.num_patterns(domain))
        self.head = Head(self.trunk.width, self.config, domain)

    def say(self, sets: ChoiceSets, rows: Tensor | None, draw: TrainingDraw | None, pull: float) -> Said:  # noqa: ARG002
        """See `CandidateNet`; nothing is drawn."""
        if not self.trunk.layers:
            return self._say_linear(sets, rows)
        hidden = self.first_units(sets, pull)
        if len(self.trunk.layers) == 2:
            second = self.trunk.layers[1]
            assert isinstance(second, nn.Linear)
            codes = np.zeros(len(hidden), dtype=np.int64)
            weight, bias = second.weight[None], second.bias[None]
            if (shift := self.score_shift(sets)) is not None:
                shifted = self.encoder.second_layer(hidden, codes, weight, bias, shift)
                plain = self.encoder.second_layer(hidden, codes, weight, bias) if self.config.outcomes else shifted
                return Said(self.head.scores(shifted), self.head.logits(plain, rows))
            hidden = self.encoder.second_layer(hidden, codes, weight, bias)
        else:
            for layer in self.trunk.layers[1:]:
                hidden = torch.relu(layer(hidden))
        return Said(self.head.scores(hidden), self.head.logits(hidden, rows))

    def _say_linear(self, sets: ChoiceSets, rows: Tensor | None) -> Said:
        """`say` without hidden layers: the heads, stacked, are the first layer."""
        score, outcome = self.head.score, self.head.outcome
        if outcome is None:
            assert score is not None
            units = self.encoder.first_layer(sets, FirstLayer(score.weight), False, 0.0)
            return Said(units.squeeze(-1), None)
        weights = [outcome.weight] if score is None else [outcome.weight, score.weight]
        bias = torch.cat([outcome.bias, outcome.bias.new_zeros(len(weights) - 1)])
        units = self.encoder.first_layer(sets, FirstLayer(torch.cat(weights), bias), False, 0.0)
        logits = units[:, : self.domain.num_outcomes]
        return Said(None if score is None else units[:, -1], logits if rows is None else logits[rows])


def make_network(config: NetworkConfig, encoder: Encoder) -> CandidateNet:
    """The network of that shape, with fresh weights from torch's current generator.

    Raises:
        ConfigError: the encoder's domain does not offer what a setting names.
    """
    if not config.is_mixture:
        return ComparisonNet(config, encoder)
    return (TokenMixture if config.tokens == "locations" else ItemMixture)(config, encoder)
