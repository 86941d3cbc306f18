"""The tied comparator of Tesauro (1988): P(a preferred to b) = sigma(f(a) - f(b)), one network f for both sides.

M alternatives of all decisions of a batch, R those whose outcome is asked for, H units of the last hidden layer, C
outcome classes, E experts.

The score has no bias: it would cancel in every difference. Swapping a and b inverts the answer exactly, and
preferences are transitive, because both follow from the order of the real numbers f(a), f(b). A score f is comparable
among the alternatives of ONE decision only.

Beside it, or instead of it, a net may carry an outcome head: how things end, as probabilities that mean the same
everywhere. Where `score_from` says so, the score IS the expected value of these outcomes in units of a learned
temperature: comparisons then sharpen the differences, results and labels anchor the level, and the ranking needs no
second output.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from comparison_net.choices import ChoiceSets
from comparison_net.domain import Domain
from comparison_net.encoders import Encoder, FirstLayer
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import Float32s, Float64s, Int64s

SCORED_ROWS = 65_536
"""Items that `scores_of` scores at a time."""
START_TEMPERATURE = 0.1
"""Value that counts as one unit of score before training: wider than the usual gap, so it starts gently."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """How a router spread its tokens; detached.

    Attributes:
        load: float32[E], share of all taken slots that each expert has; sums to 1.
        dropped: share of tokens that no expert took.
        entropy: mean entropy of the tokens' gate distributions, in nats, at most log E.
    """

    load: Tensor
    dropped: Tensor
    entropy: Tensor

    @property
    def load_variation(self) -> Tensor:
        """Coefficient of variation of the load: standard deviation over mean, 0 when all experts work alike."""
        return self.load.std(unbiased=False) / self.load.mean().clamp_min(1e-12)


@dataclass(frozen=True, eq=False)
class TrainingDraw:
    """What exists in training only; at play time there is none of it.

    Attributes:
        rng: source of noise and of the tilt; seeded by run, step and part, so that a run repeats.
        offsets: int64[N + 1], where each decision's alternatives start.
        balance: name of the auxiliary loss, see `config.BALANCES`.
        tilt: how much more weight the expert of a part gives to decisions of its own part than to others; 0 for its
            own part alone.
        progress: how much of the training is done, 0 to 1.
    """

    rng: np.random.Generator
    offsets: Int64s
    balance: str = "none"
    tilt: float = 0.0
    progress: float = 0.0

    def noise(self, shape: tuple[int, ...], deviation: float, device: torch.device) -> Tensor | None:
        """Normal noise float32, None when the deviation is 0."""
        if deviation == 0:
            return None
        drawn = self.rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
        return torch.from_numpy(drawn).to(device)

    def tilted(self, codes: Int64s, num_experts: int) -> Int64s:
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


class Trunk(nn.Module):
    """Layers on the inputs: the first, whose arithmetic is the encoder's, and those that follow it in a dense net."""

    def __init__(self, widths: tuple[int, ...], num_features: int, num_patterns: int = 0) -> None:
        """Layers of these widths; patterns start without an effect."""
        super().__init__()
        self.layers = nn.ModuleList()
        width = num_features
        for next_width in widths:
            self.layers.append(nn.Linear(width, next_width))
            width = next_width
        self.width = width
        self.patterns = nn.Parameter(torch.zeros(num_patterns, widths[0])) if num_patterns else None

    @property
    def first(self) -> FirstLayer:
        """Parameters of the first layer, of a net that has one."""
        layer = self.layers[0]
        assert isinstance(layer, nn.Linear)
        return FirstLayer(layer.weight, layer.bias, self.patterns)


class ScoreScale(nn.Module):
    """How a score is made from outcomes, where it is.

    Attributes:
        temperature: float32[1], logarithm of the value that counts as one unit of score; None where the score is an
            output of its own alone.
    """

    values: Tensor

    def __init__(self, config: NetworkConfig, domain: Domain) -> None:
        """The start temperature."""
        super().__init__()
        start = torch.full((1,), math.log(START_TEMPERATURE))
        self.temperature = nn.Parameter(start) if config.ranks_by_value else None
        values = torch.tensor(domain.outcomes.values if domain.outcomes else ())
        self.register_buffer("values", values, persistent=False)

    def final_scores(self, scores: Tensor | None, logits: Tensor | None, possible: Tensor | None) -> Tensor:
        """What ranks the alternatives, float32[M].

        Args:
            scores: float32[M], the output of its own; None without one.
            logits: float32[M, C] of the outcomes; read only where their value counts.
            possible: bool[M, C], see `Encoder.possible_outcomes`; likewise.
        """
        if self.temperature is None:
            assert scores is not None
            return scores
        assert logits is not None
        assert possible is not None, "a value depends on the outcomes that are still possible"
        expected = masked_probabilities(logits, possible) @ self.values * torch.exp(-self.temperature)
        return expected if scores is None else scores + expected


class Head(ScoreScale):
    """What stands on a trunk: a score without bias, the logits of the outcomes, or both.

    Attributes:
        score: Linear(H, 1) without bias; None where the score is the value of the outcomes.
        outcome: Linear(H, C); None without outcomes.
    """

    def __init__(self, width: int, config: NetworkConfig, domain: Domain) -> None:
        """Heads on a trunk of `width` units."""
        super().__init__(config, domain)
        self.score = nn.Linear(width, 1, bias=False) if config.has_score else None
        self.outcome = nn.Linear(width, domain.num_outcomes) if config.outcomes else None

    def scores(self, hidden: Tensor) -> Tensor | None:
        """Scores float32[M], comparable within a decision; None where they come from the outcomes."""
        return None if self.score is None else self.score(hidden).squeeze(-1)

    def logits(self, hidden: Tensor, rows: Tensor | None = None) -> Tensor | None:
        """Logits float32[R, C] of the outcomes of the items in `rows`, None for all; None without outcomes."""
        return None if self.outcome is None else self.outcome(hidden if rows is None else hidden[rows])


class Said(NamedTuple):
    """What the layers of a net give for a batch.

    Attributes:
        scores: float32[M]; None where the score is to be made from the outcomes.
        logits: float32[R, C] of the outcomes, None without an outcome head.
        balance: auxiliary loss of a router, one number; None for a dense net.
        metrics: how the tokens were spread; None for a dense net.
    """

    scores: Tensor | None
    logits: Tensor | None
    balance: Tensor | None = None
    metrics: Metrics | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What a net says about a batch.

    Attributes:
        scores: float32[M], comparable within a decision.
        logits: float32[R, C] of the outcomes that were asked for; None without an outcome head.
        possible: bool[R, C], the classes that they can still have; None likewise.
        balance: auxiliary loss of a router, one number; None for a dense net.
        metrics: how the tokens were spread; None for a dense net.
    """

    scores: Tensor
    logits: Tensor | None = None
    possible: Tensor | None = None
    balance: Tensor | None = None
    metrics: Metrics | None = None

    def padded(self, mask: Tensor) -> Tensor:
        """Scores float32[N, L], 0 on padding, for `ChoiceSets.mask`."""
        return torch.zeros(mask.shape, device=mask.device).masked_scatter(mask, self.scores)

    def in_float32(self) -> Answers:
        """The same in float32, whatever they were computed in."""
        logits = None if self.logits is None else self.logits.float()
        balance = None if self.balance is None else self.balance.float()
        return replace(self, scores=self.scores.float(), logits=logits, balance=balance)

    def probabilities(self) -> Tensor:
        """Chances float32[R, C] of the outcomes; exactly 0 for those that are impossible."""
        assert self.logits is not None, "this network has no outcome head"
        assert self.possible is not None
        return masked_probabilities(self.logits, self.possible)


class CandidateNet(nn.Module):
    """What all nets have in common: a trunk that starts with the encoder's layer, and a score from what stands on it.

    Attributes:
        config: the shape, as the domain resolved it.
        encoder: reads the items.
        trunk: the first layer.
        head: holds the temperature where outcomes make the score.
        decision: Linear(H, W) without bias, from the first layer of what a decision's alternatives have in common to
            the second layer of the score; starts at 0. None without `context`.
    """

    trunk: Trunk
    head: ScoreScale
    decision: nn.Linear | None

    def __init__(self, config: NetworkConfig, encoder: Encoder) -> None:
        """Nothing but the shape.

        Raises:
            ConfigError: see `NetworkConfig.for_domain`.
        """
        super().__init__()
        self.config = config.for_domain(encoder.domain)
        self.encoder = encoder
        self.decision = None
        if self.config.context:
            width, above = self.config.hidden
            self.decision = nn.Linear(width, above, bias=False)
            nn.init.zeros_(self.decision.weight)

    @property
    def domain(self) -> Domain:
        """What the net was made for."""
        return self.encoder.domain

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.parameters()).device

    def say(self, sets: ChoiceSets, rows: Tensor | None, draw: TrainingDraw | None, pull: float) -> Said:
        """What the layers give; arguments as for `answers`."""
        raise NotImplementedError

    def answers(
        self, sets: ChoiceSets, rows: Tensor | None = None, draw: TrainingDraw | None = None, pull: float = 0.0
    ) -> Answers:
        """The one forward pass.

        Args:
            sets: a batch.
            rows: int64[R], items whose outcomes are wanted; None for all.
            draw: in training, for what a router draws.
            pull: in training, see `Encoder.first_layer`.
        """
        # A score with outcomes in it needs those of every alternative.
        said = self.say(sets, None if self.config.ranks_by_value else rows, draw, pull)
        logits, possible = said.logits, None
        if self.config.ranks_by_value:
            possible = torch.from_numpy(self.encoder.possible_outcomes(sets.items)).to(self.device)
        scores = self.head.final_scores(said.scores, logits, possible)
        if logits is not None and possible is None:
            wanted = sets.items if rows is None else sets.items[rows.numpy()]
            possible = torch.from_numpy(self.encoder.possible_outcomes(wanted)).to(self.device)
        elif logits is not None and possible is not None and rows is not None:
            logits, possible = logits[rows], possible[rows]
        return Answers(scores, logits, possible, said.balance, said.metrics)

    def first_units(self, sets: ChoiceSets, pull: float) -> Tensor:
        """The rectified first layer float32[M, H], of a net that has one."""
        return self.encoder.first_layer(sets, self.trunk.first, True, pull)

    def score_shift(self, sets: ChoiceSets) -> Tensor | None:
        """What the context adds to the second layer of every alternative's score, float32[M, W]; None without one."""
        if self.decision is None:
            return None
        shifts: Tensor = self.decision(self.first_units(self.encoder.decisions(sets), 0.0))
        return shifts[torch.from_numpy(sets.owners())]

    def weights(self) -> dict[str, Float32s]:
        """Copies of all parameters by name, in the order of the layers."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}


def masked_probabilities(logits: Tensor, possible: Tensor) -> Tensor:
    """Probabilities float32[M, C] of logits float32[M, C]; exactly 0 where possible bool[M, C] is False."""
    return torch.softmax(logits.masked_fill(~possible, -torch.inf), -1)


def preference(first: Tensor, second: Tensor) -> Tensor:
    """sigma(first - second) for scores of any one shape.

    Computed from the smaller side, so that preference(a, b) + preference(b, a) is exactly 1 in floating point too.
    """
    difference = first - second
    smaller = torch.sigmoid(-difference.abs())
    return torch.where(difference >= 0, 1 - smaller, smaller)


def scores_of(net: CandidateNet, rows: Float32s) -> Float64s:
    """float64[M], a net's scores of items float32[M, F] each by itself, without a decision and a context."""
    parts = [np.empty(0)]
    for start in range(0, len(rows), SCORED_ROWS):
        part = rows[start : start + SCORED_ROWS]
        alone = ChoiceSets(part, np.arange(len(part) + 1), np.zeros(len(part), dtype=np.int64))
        with torch.no_grad():
            parts.append(net.answers(alone).scores.cpu().double().numpy())
    return np.concatenate(parts)
