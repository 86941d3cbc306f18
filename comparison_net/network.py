"""The tied comparator of Tesauro (1988): P(a preferred to b) = sigma(f(a) - f(b)), one network f for both sides.

B any leading shape, F features, H units of the last hidden layer.

The output has no bias: it would cancel in every difference. Swapping a and b inverts the answer exactly, and
preferences are transitive, because both follow from the order of the real numbers f(a), f(b). A score f is comparable
among the candidates of ONE decision only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from comparison_net.config import NetworkConfig
from comparison_net.features import NUM_FEATURES


class Trunk(nn.Module):
    """Hidden layers of rectified units: float32[B, F] to float32[B, H]; nothing for a linear network (H = F)."""

    def __init__(self, config: NetworkConfig, num_features: int) -> None:
        """Layers of the widths in `config.hidden`."""
        super().__init__()
        self.layers = nn.ModuleList()
        width = num_features
        for next_width in config.hidden:
            self.layers.append(nn.Linear(width, next_width))
            width = next_width
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        """The last hidden layer."""
        return self.upper(torch.relu(self.layers[0](features))) if self.layers else features

    def upper(self, hidden: Tensor) -> Tensor:
        """The last hidden layer from the first."""
        for layer in self.layers[1:]:
            hidden = torch.relu(layer(hidden))
        return hidden


class ScoreHead(nn.Module):
    """One ordinal score from the trunk: float32[B, H] to float32[B]."""

    def __init__(self, width: int) -> None:
        """A linear map without bias."""
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores, comparable within a decision."""
        scores: Tensor = self.score(hidden)
        return scores.squeeze(-1)


class ComparisonNet(nn.Module):
    """f: features of a candidate to its score."""

    def __init__(self, config: NetworkConfig, num_features: int = NUM_FEATURES) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        self.config = config
        self.trunk = Trunk(config, num_features)
        self.head = ScoreHead(self.trunk.width)

    def forward(self, features: Tensor) -> Tensor:
        """Scores float32[B] of candidates float32[B, F]."""
        scores: Tensor = self.head(self.trunk(features))
        return scores

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """P(first preferred to second), float32[B], for candidates float32[B, F]."""
        return preference(self(first), self(second))

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Copies of all parameters by name, in the order of the layers."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}


def preference(first: Tensor, second: Tensor) -> Tensor:
    """sigma(first - second) for scores of any one shape.

    Computed from the smaller side, so that preference(a, b) + preference(b, a) is exactly 1 in floating point too.
    """
    difference = first - second
    smaller = torch.sigmoid(-difference.abs())
    return torch.where(difference >= 0, 1 - smaller, smaller)
