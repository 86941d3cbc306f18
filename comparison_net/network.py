"""The tied comparator of Tesauro (1988): P(a preferred to b) = sigma(f(a) - f(b)), one network f for both sides.

B any leading shape, F features, H units of the last hidden layer, 6 outcomes in the order of `outcome.OUTCOMES`.

The score has no bias: it would cancel in every difference. Swapping a and b inverts the answer exactly, and
preferences are transitive, because both follow from the order of the real numbers f(a), f(b). A score f is comparable
among the candidates of ONE decision only.

Beside it, or instead of it, the trunk may carry an outcome head: how the game ends, for the player who has just moved,
as probabilities that mean the same everywhere. Where `score_from` is "equity", the score IS the equity of these
outcomes in units of a learned temperature: comparisons then sharpen the differences, results and labels anchor the
level, and the ranking needs no second output.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from backgammon.evaluation.outcome import OUTCOMES, POINTS
from backgammon.learner.inputs.features import NUM_FEATURES
from backgammon.learner.inputs.patterns import NUM_PATTERNS
from comparison_net.config import NetworkConfig

START_TEMPERATURE = 0.1
"""Points of equity that count as one unit of score before training: wider than the usual gap, so it starts gently."""


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
        has_patterns = config.inputs == "patterns"
        self.patterns = nn.Parameter(torch.zeros(NUM_PATTERNS, config.hidden[0])) if has_patterns else None

    def forward(self, features: Tensor) -> Tensor:
        """The last hidden layer, of a net without patterns (`first_layer` has both)."""
        return self.upper(torch.relu(self.layers[0](features))) if self.layers else features

    def upper(self, hidden: Tensor) -> Tensor:
        """The last hidden layer from the first."""
        for layer in self.layers[1:]:
            hidden = torch.relu(layer(hidden))
        return hidden


class EquityScale(nn.Module):
    """How a score is made from outcomes, where it is.

    Attributes:
        temperature: float32[1], logarithm of the points of equity that count as one unit of score; None where the
            score is an output of its own alone.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """The start temperature."""
        super().__init__()
        has_equity = config.score_from != "head"
        self.temperature = nn.Parameter(torch.full((1,), math.log(START_TEMPERATURE))) if has_equity else None

    def final_scores(self, scores: Tensor | None, logits: Tensor | None, possible: Tensor | None) -> Tensor:
        """What ranks the candidates, float32[B].

        Args:
            scores: float32[B], the output of its own; None without one.
            logits: float32[B, 6] of the outcomes; read only where the equity counts.
            possible: bool[B, 6], see `outcome_mask.allowed_outcomes`; likewise.
        """
        if self.temperature is None:
            assert scores is not None
            return scores
        assert logits is not None
        assert possible is not None, "an equity depends on the outcomes that the rules still allow"
        equities = masked_probabilities(logits, possible) @ torch.from_numpy(POINTS) * torch.exp(-self.temperature)
        return equities if scores is None else scores + equities


class Head(EquityScale):
    """What stands on the trunk: a score without bias, the logits of the outcomes, or both.

    Attributes:
        score: Linear(H, 1) without bias; None where the score is the equity.
        outcome: Linear(H, 6); None without outcomes.
    """

    def __init__(self, width: int, config: NetworkConfig) -> None:
        """Heads on a trunk of `width` units."""
        super().__init__(config)
        self.score = nn.Linear(width, 1, bias=False) if config.score_from != "equity" else None
        self.outcome = nn.Linear(width, len(OUTCOMES)) if config.outcomes else None

    def scores(self, hidden: Tensor) -> Tensor | None:
        """Scores float32[B], comparable within a decision; None where they come from the equity."""
        return None if self.score is None else self.score(hidden).squeeze(-1)

    def logits(self, hidden: Tensor) -> Tensor | None:
        """Logits float32[B, 6] of the outcomes; None without them."""
        return None if self.outcome is None else self.outcome(hidden)


def masked_probabilities(logits: Tensor, possible: Tensor) -> Tensor:
    """Probabilities float32[B, 6] of logits float32[B, 6]; exactly 0 where possible bool[B, 6] is False."""
    return torch.softmax(logits.masked_fill(~possible, -torch.inf), -1)


class CandidateNet(nn.Module):
    """What the dense net and the mixtures have in common: a trunk that starts with a layer on the features, and a head.

    Attributes:
        config: the shape.
        head: holds the temperature where the score is the equity.
    """

    config: NetworkConfig
    head: EquityScale

    @property
    def has_score(self) -> bool:
        """False where the score is the equity alone."""
        return self.config.score_from != "equity"

    @property
    def ranks_by_equity(self) -> bool:
        """True where the equity of the outcomes is the score or a part of it."""
        return self.config.score_from != "head"

    @property
    def has_outcomes(self) -> bool:
        """True with logits of the outcomes."""
        return self.config.outcomes

    @property
    def first_layer(self) -> nn.Linear:
        """The layer on the features, of a net that has one."""
        first = self.get_submodule("trunk.layers.0")
        assert isinstance(first, nn.Linear)
        return first

    @property
    def patterns(self) -> nn.Parameter | None:
        """Rows float32[P, H] that patterns add to the first layer; None for a net that sees counts alone."""
        patterns = getattr(self.get_submodule("trunk"), "patterns", None)
        return patterns if isinstance(patterns, nn.Parameter) else None

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Copies of all parameters by name, in the order of the layers."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}


class ComparisonNet(CandidateNet):
    """f: features of a candidate to its score, and to its outcomes where the network has them."""

    head: Head

    def __init__(self, config: NetworkConfig, num_features: int = NUM_FEATURES) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        self.config = config
        self.trunk = Trunk(config, num_features)
        self.head = Head(self.trunk.width, config)

    def forward(self, features: Tensor, possible: Tensor | None = None) -> Tensor:
        """Scores float32[B] of candidates float32[B, F].

        Args:
            features: of the candidates.
            possible: bool[B, 6], see `outcome_mask.allowed_outcomes`; read only where the equity counts, and needed
                there.
        """
        hidden = self.trunk(features)
        return self.head.final_scores(self.head.scores(hidden), self.head.logits(hidden), possible)

    def outcomes(self, features: Tensor, possible: Tensor) -> Tensor:
        """Probabilities float32[B, 6] of candidates float32[B, F]; exactly 0 where possible bool[B, 6] is False."""
        logits = self.head.logits(self.trunk(features))
        assert logits is not None, "this network has no outcome head"
        return masked_probabilities(logits, possible)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """P(first preferred to second), float32[B], for candidates float32[B, F]."""
        return preference(self(first), self(second))


def preference(first: Tensor, second: Tensor) -> Tensor:
    """sigma(first - second) for scores of any one shape.

    Computed from the smaller side, so that preference(a, b) + preference(b, a) is exactly 1 in floating point too.
    """
    difference = first - second
    smaller = torch.sigmoid(-difference.abs())
    return torch.where(difference >= 0, 1 - smaller, smaller)
