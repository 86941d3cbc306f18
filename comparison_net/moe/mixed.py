"""What both kinds of mixtures share: the first layer, what they are given while training, and what they give back.

B decisions, M candidates, H units of the first layer, E experts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from backgammon.learner.inputs.features import NUM_FEATURES
from backgammon.learner.inputs.patterns import NUM_PATTERNS
from backgammon.rules.board import Board
from comparison_net.moe.algebra import Metrics
from comparison_net.network import CandidateNet


@dataclass(frozen=True, eq=False)
class TrainingDraw:
    """What exists in training only; at play time there is none of it.

    Attributes:
        rng: source of noise and of the tilt; seeded by run, step and part, so that a run repeats.
        offsets: int64[B + 1], where each decision's candidates start.
        balance: name of the auxiliary loss, see `balance.BALANCES`.
        tilt: how much more weight a phase expert gives to decisions of its own phase than to others; 0 for its own
            phase alone.
    """

    rng: np.random.Generator
    offsets: npt.NDArray[np.int64]
    balance: str = "none"
    tilt: float = 0.0

    def noise(self, shape: tuple[int, ...], deviation: float) -> Tensor | None:
        """Normal noise float32, None when the deviation is 0."""
        if deviation == 0:
            return None
        return torch.from_numpy(self.rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation))

    def tilted(self, codes: npt.NDArray[np.int64], num_experts: int) -> npt.NDArray[np.int64]:
        """Codes int64[M] where a share of the decisions is given whole to an expert drawn at random.

        An expert trained on its slice alone collapses outside it. With a share s drawn, it meets its own decisions with
        weight 1 - s + s / E and foreign ones with s / E: their ratio is the tilt for s = E / (tilt + E - 1). The
        gradient's mean is that of weighting all data for all experts, at the cost of one expert.
        """
        if self.tilt <= 0:
            return codes
        counts = np.diff(self.offsets)
        share = num_experts / (self.tilt + num_experts - 1)
        is_drawn = self.rng.random(len(counts)) < share
        drawn = self.rng.integers(0, num_experts, len(counts))
        return np.where(np.repeat(is_drawn, counts), np.repeat(drawn, counts), codes)


@dataclass(frozen=True, eq=False)
class Mixed:
    """What a mixture says of M candidates.

    Attributes:
        scores: float32[M]; None where the score is to be made from the outcomes.
        outcomes: float32[M, 6] logits, None without an outcome head.
        balance: auxiliary loss, one number; 0 at play time.
        metrics: how the tokens were spread.
    """

    scores: Tensor | None
    outcomes: Tensor | None
    balance: Tensor
    metrics: Metrics


class SharedTrunk(nn.Module):
    """The layer that all experts share; its parameters are named like those of the dense net's trunk."""

    def __init__(self, width: int, has_patterns: bool = False) -> None:
        """A layer of `width` units, H, on the counts; patterns start without an effect."""
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(NUM_FEATURES, width)])
        self.patterns = nn.Parameter(torch.zeros(NUM_PATTERNS, width)) if has_patterns else None

    def forward(self, features: Tensor) -> Tensor:
        """Rectified units float32[M, H] from features float32[M, F]; of a trunk without patterns."""
        return torch.relu(self.layers[0](features))


class MixtureNet(CandidateNet):
    """A net of a shared first layer and a mixture; the two kinds are `PositionMixture` and `TokenMixture`."""

    trunk: SharedTrunk

    def forward(self, hidden: Tensor, boards: Board, draw: TrainingDraw | None = None) -> Mixed:
        """Scores and outcome logits of candidates.

        Args:
            hidden: float32[M, H], the rectified first layer.
            boards: int8[M, 26], the candidates.
            draw: None at play time.
        """
        raise NotImplementedError
