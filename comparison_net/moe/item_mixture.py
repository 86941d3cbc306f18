"""Mixture over items: a shared first layer, a gate of the item, and experts with heads of their own.

M items, H units of the first layer, E experts, K experts of an item, C outcome classes.

    split           the expert of the item's part of a hard split, and no other
    gate            K experts by a linear gate on the domain's gate features, renormalised
    split-gate      the same, the gate started so that it follows the hard split
    merged          that gate on the decision; in training the experts' weights are averaged by it, at a temperature
                    that falls until one expert is left, as at play time (SMEAR: Muqeet, Liu, Raffel, arXiv 2306.03745)
    softmax-token   K experts by a linear gate on the first layer; in training with noise and capacity
    sinkhorn-token  the same gate; in training Sinkhorn's plan selects

In training the group of the last two is the part of the batch that is computed together; at play time each item takes
its K best, whoever else asks. An item that found no slot in training passes by the skip, a linear score on the first
layer, as a dropped token passes by a transformer's residual.

All this asks the item itself (`route_by` alternative), or once for each decision what its items have in common, which
is then the token that is routed (decision); a split may also have an expert for each pair of the decision's part and
the item's (pair). Whichever it is, an item has one score in its decision, and scores order a decision completely.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from comparison_net.addresses import is_address
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, Metrics, Said, ScoreScale, TrainingDraw, Trunk
from comparison_net.encoders import Encoder
from comparison_net.moe.algebra import SparseRouting, entropy, load_router, numbers
from comparison_net.moe.balance import balance_loss
from comparison_net.moe.experts import ItemExperts
from comparison_net.moe.selection import ask, check_finite
from comparison_net.moe.token_choice import chosen_gates, sinkhorn_token_choice, softmax_token_choice
from comparison_net.network_config import (
    BY_ALTERNATIVE,
    BY_DECISION,
    MERGED,
    NOISY_ROUTERS,
    SPLIT,
    SPLIT_GATE,
    NetworkConfig,
)

GATE_DEVIATION = 0.02
"""Of a fresh router's weights, as in the Switch transformer's code."""
HARD_START = 4.0
"""Logit by which split-gate and merged prefer the expert of the hard split at their start."""
HARDENED = 0.7
"""Share of the training after which merged experts stand alone and the gate is left as it is."""
LAST_TEMPERATURE = 0.05
"""Of the gate of merged experts just before; it falls to that from 1 in equal ratios."""


class ItemMixture(CandidateNet):
    """The net; `config.hidden` is the width of the shared first layer, then those of the experts' hidden layers."""

    def __init__(self, config: NetworkConfig, encoder: Encoder) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__(config, encoder)
        config, domain = self.config, encoder.domain
        width, *hidden = config.hidden
        self.num_experts = config.num_experts(domain)
        self.trunk = Trunk((width,), domain.num_features, config.num_patterns(domain))
        num_outcomes = domain.num_outcomes if config.outcomes else 0
        is_tied = config.route_by != BY_DECISION
        self.experts = ItemExperts(self.num_experts, width, hidden, num_outcomes, config.has_score, is_tied)
        self.head = ScoreScale(config, domain)
        self.gate: nn.Linear | None = None
        self.skip: nn.Linear | None = None
        kind = config.kind(domain)
        if config.routes_learned:
            self.gate = nn.Linear(width, self.num_experts, bias=False)
            self.skip = nn.Linear(width, self.experts.num_outputs, bias=False)
            nn.init.zeros_(self.skip.weight)
        elif kind != SPLIT:
            self.gate = nn.Linear(len(domain.gate_features), self.num_experts)
            nn.init.zeros_(self.gate.bias)
        if self.gate is not None:
            nn.init.normal_(self.gate.weight, std=GATE_DEVIATION)
        if kind in (SPLIT_GATE, MERGED) and self.gate is not None:
            start_hard(self.gate, domain.gate_parts[config.split])

    def say(self, sets: ChoiceSets, rows: Tensor | None, draw: TrainingDraw | None, pull: float) -> Said:
        """See `CandidateNet`."""
        hidden = self.first_units(sets, pull)
        balance = hidden.new_zeros(())
        if self.gate is None:
            experts, metrics = self._by_split(sets, draw)
            result = self.experts(hidden, experts, None, self.encoder, self.score_shift(sets))
        elif self.config.kind(self.domain) == MERGED:
            logits = self._logits(sets, hidden)
            shares = merging_shares(logits, 1.0 if draw is None else draw.progress)
            metrics = Metrics(shares.detach().mean(0), torch.zeros(()), entropy(shares))
            balance = self._balance(logits, None, draw)
            result = self.experts.merged(hidden, shares, sets.owners(), self.encoder, self.score_shift(sets))
        else:
            experts, gates, metrics, balance = self._by_gate(self._logits(sets, hidden), draw)
            if self.config.route_by == BY_DECISION:
                owners = torch.from_numpy(sets.owners())
                experts, gates = experts[owners], gates[owners]
            result = self.experts(hidden, experts, gates, self.encoder)
        if self.skip is not None:
            result = result + self.skip(hidden)
        scores = None if self.experts.score is None else result[:, 0]
        outcomes = None if self.experts.outcome is None else result[:, -self.experts.num_outcomes :]
        if outcomes is not None and rows is not None:
            outcomes = outcomes[rows]
        return Said(scores, outcomes, balance, metrics)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of the noise on the logits in training."""
        return self.config.noise / self.num_experts if self.config.head in NOISY_ROUTERS else 0.0

    def _logits(self, sets: ChoiceSets, hidden: Tensor) -> Tensor:
        """What the gate says of every token, float32[M, E], or of every decision, float32[N, E]."""
        assert self.gate is not None
        if self.config.route_by == BY_DECISION:
            sets = self.encoder.decisions(sets)
            hidden = hidden if self.skip is None else self.first_units(sets, 0.0)
        given = torch.from_numpy(self.encoder.gate_features(sets)).to(self.device) if self.skip is None else hidden
        logits: Tensor = self.gate(given)
        return logits

    def _by_gate(self, logits: Tensor, draw: TrainingDraw | None) -> tuple[Tensor, Tensor, Metrics, Tensor]:
        """Experts int64[T, K] of T tokens, their gates float32[T, K], metrics, and the auxiliary loss."""
        if self.skip is None:
            return *chosen_gates(logits, self.config.choices, is_renormalised=True), self._balance(logits, None, draw)
        if draw is None:
            return *chosen_gates(logits, self.config.choices, self.config.renormalise), logits.new_zeros(())
        noise = draw.noise((1, *logits.shape), self.noise_deviation, logits.device)
        routing = self._route(logits, noise)
        wanted = ask(numbers(routing.gates[0]), self.config.choices)
        experts = torch.from_numpy(wanted).to(logits.device)
        return experts, routing.gates[0].gather(1, experts), routing.metrics, self._balance(logits, noise, draw)

    def _by_split(self, sets: ChoiceSets, draw: TrainingDraw | None) -> tuple[Tensor, Metrics]:
        """The expert int64[M, 1] of each item's part, of its decision's, or of the pair of both."""
        split, route_by = self.config.split, self.config.route_by
        codes = np.zeros(sets.num_items, dtype=np.int64)
        if route_by != BY_ALTERNATIVE:
            codes = self.encoder.codes(self.encoder.decisions(sets), split)[sets.owners()]
        if route_by != BY_DECISION:
            codes = codes * len(self.domain.splits[split]) + self.encoder.codes(sets, split)
        if draw is not None:
            codes = draw.tilted(codes, self.num_experts)
        experts = torch.from_numpy(codes).to(self.device)
        load = torch.from_numpy(np.bincount(codes, minlength=self.num_experts)).float()
        return experts[:, None], Metrics(load / load.sum(), torch.zeros(()), torch.zeros(()))

    def _route(self, logits: Tensor, noise: Tensor | None) -> SparseRouting:
        """The routing of a training part: one group of M tokens."""
        config = self.config
        if is_address(config.head):
            return load_router(config.head)(logits[None], config, noise)
        if config.head == "sinkhorn-token":
            return sinkhorn_token_choice(logits[None], config.choices, config.capacity, config.renormalise, noise)
        return softmax_token_choice(
            logits[None], config.choices, config.capacity, noise, config.batch_priority, config.renormalise
        )

    def _balance(self, logits: Tensor, noise: Tensor | None, draw: TrainingDraw | None) -> Tensor:
        if draw is None or draw.balance == "none":
            return logits.new_zeros(())
        return balance_loss(draw.balance, logits[None], noise, self.config.choices, self.noise_deviation)


def merging_shares(logits: Tensor, progress: float) -> Tensor:
    """Share float32[N, E] of each expert in a decision's weights: a softmax ever harder, in the end the largest alone.

    Args:
        logits: float32[N, E].
        progress: how much of the training is done, 0 to 1; 1 at play time.
    """
    if progress >= HARDENED:
        check_finite(numbers(logits), "logits")
        taken = torch.from_numpy(ask(numbers(logits), 1)[:, 0]).to(logits.device)
        return torch.nn.functional.one_hot(taken, logits.shape[1]).float()
    return torch.softmax(logits / LAST_TEMPERATURE ** (progress / HARDENED), 1)


def start_hard(gate: nn.Linear, parts: tuple[int, ...]) -> None:
    """Make a gate follow a hard split: `parts` says which expert each gate feature stands for, -1 for none."""
    with torch.no_grad():
        gate.weight.zero_()
        for feature, expert in enumerate(parts):
            if expert >= 0:
                gate.weight[expert, feature] = HARD_START
