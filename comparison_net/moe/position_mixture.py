"""Mixture over positions: a shared first layer, a gate of the position, and experts with heads of their own.

M candidates, H units of the first layer, E experts, K experts of a candidate, C gate features.

    phase           the expert of the candidate's phase or plan (`codes`), and no other
    phase-soft      K experts by a linear gate on the gate features, renormalised
    phase-learned   the same, the gate started so that it follows the hard split
    softmax-token   K experts by a linear gate on the first layer; in training with noise and capacity
    sinkhorn-token  the same gate; in training Sinkhorn's plan selects

In training the group of the last two is the part of the batch that is computed together; at play time each candidate
takes its K best, whoever else asks. A candidate that found no slot in training passes by the skip, a linear score on
the first layer, as a dropped token passes by a transformer's residual.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backgammon.learner.inputs.codes import GATE_FEATURES, PLANS, SPLITS, expert_codes, gate_features
from backgammon.rules.board import Board
from comparison_net.config import NetworkConfig
from comparison_net.moe.algebra import Metrics, SparseRouting
from comparison_net.moe.balance import balance_loss
from comparison_net.moe.experts import NUM_OUTCOMES, PositionExperts
from comparison_net.moe.mixed import Mixed, MixtureNet, SharedTrunk, TrainingDraw
from comparison_net.moe.settings import TOKEN_CHOICES
from comparison_net.moe.token_choice import chosen_gates, sinkhorn_token_choice, softmax_token_choice
from comparison_net.network import EquityScale

GATE_DEVIATION = 0.02
"""Of a fresh router's weights, as in the Switch transformer's code."""
HARD_START = 4.0
"""Logit by which phase-learned prefers the expert of the hard split at its start."""


class PositionMixture(MixtureNet):
    """The net; `config.hidden` is the width of the shared first layer, then those of the experts' hidden layers."""

    def __init__(self, config: NetworkConfig) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        self.config = config
        width, *hidden = config.hidden
        self.trunk = SharedTrunk(width, config.inputs == "patterns")
        self.experts = PositionExperts(config.num_experts, width, hidden, self.has_outcomes, self.has_score)
        self.head = EquityScale(config)
        self.gate: nn.Linear | None = None
        self.skip: nn.Linear | None = None
        if config.head in TOKEN_CHOICES:
            self.gate = nn.Linear(width, config.num_experts, bias=False)
            self.skip = nn.Linear(width, self.experts.num_outputs, bias=False)
            nn.init.zeros_(self.skip.weight)
        elif config.head != "phase":
            self.gate = nn.Linear(len(GATE_FEATURES), config.num_experts)
            nn.init.zeros_(self.gate.bias)
        if self.gate is not None:
            nn.init.normal_(self.gate.weight, std=GATE_DEVIATION)
        if config.head == "phase-learned" and self.gate is not None:
            start_hard(self.gate, config.split)

    def forward(self, hidden: Tensor, boards: Board, draw: TrainingDraw | None = None) -> Mixed:
        """Scores and outcome logits of candidates, see `MixtureNet`."""
        balance = hidden.new_zeros(())
        gates: Tensor | None
        if self.gate is None:
            experts, gates, metrics = self._by_code(boards, draw)
        elif self.skip is None:
            logits = self.gate(torch.from_numpy(gate_features(boards)))
            experts, gates, metrics = chosen_gates(logits, self.config.choices, is_renormalised=True)
            balance = self._balance(logits, None, draw)
        else:
            logits = self.gate(hidden)
            if draw is None:
                experts, gates, metrics = chosen_gates(logits, self.config.choices, self.config.renormalise)
            else:
                noise = draw.noise((1, *logits.shape), self.noise_deviation)
                routing = self._route(logits, noise)
                gates, experts = routing.gates[0].topk(self.config.choices, dim=1)
                metrics = routing.metrics
                balance = self._balance(logits, noise, draw)
        result = self.experts(hidden, experts, gates)
        if self.skip is not None:
            result = result + self.skip(hidden)
        scores = None if self.experts.score is None else result[:, 0]
        outcomes = None if self.experts.outcome is None else result[:, -NUM_OUTCOMES:]
        return Mixed(scores, outcomes, balance, metrics)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of the noise on the logits in training."""
        return self.config.noise / self.config.num_experts if self.config.head == "softmax-token" else 0.0

    def _by_code(self, boards: Board, draw: TrainingDraw | None) -> tuple[Tensor, None, Metrics]:
        codes = expert_codes(boards, self.config.split)
        if draw is not None:
            codes = draw.tilted(codes, self.config.num_experts)
        experts = torch.from_numpy(codes)
        load = torch.bincount(experts, minlength=self.config.num_experts).float()
        return experts[:, None], None, Metrics(load / load.sum(), torch.zeros(()), torch.zeros(()))

    def _route(self, logits: Tensor, noise: Tensor | None) -> SparseRouting:
        """The routing of a training part: one group of M tokens."""
        config = self.config
        if config.head == "sinkhorn-token":
            return sinkhorn_token_choice(logits[None], config.choices, config.capacity, config.renormalise)
        return softmax_token_choice(
            logits[None], config.choices, config.capacity, noise, config.batch_priority, config.renormalise
        )

    def _balance(self, logits: Tensor, noise: Tensor | None, draw: TrainingDraw | None) -> Tensor:
        if draw is None or draw.balance == "none":
            return logits.new_zeros(())
        return balance_loss(draw.balance, logits[None], noise, self.config.choices, self.noise_deviation)


def start_hard(gate: nn.Linear, split: str) -> None:
    """Make a gate on the gate features follow the hard split: plan units only, zero elsewhere."""
    names = SPLITS[split]
    with torch.no_grad():
        gate.weight.zero_()
        for code, name in enumerate(PLANS):
            expert = names.index(name) if name in names else names.index("other")
            gate.weight[expert, code] = HARD_START
