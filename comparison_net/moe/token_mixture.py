"""Mixture inside one item: its parts are the tokens of a group, so every router stays free of the item's rivals.

M items (one group each), m tokens, d width of a token, H units of the first layer, n experts, c slots.

A token is a row of a table for its place and kind, plus a linear view of the whole item's first layer: without that
view an expert would see one place alone, and everything could be folded into the table. Layers
tokens + mixture(tokens) follow; the mean of the rectified tokens joins the first layer, and hidden layers and the
heads come last.

With `attention` the layers are the blocks of a transformer (Vaswani et al. 2017, normalised before each part):
tokens + attention(norm(tokens)), then tokens + mixture(norm(tokens)).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from comparison_net.addresses import is_address
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, Head, Metrics, Said, TrainingDraw, Trunk
from comparison_net.encoders import Encoder
from comparison_net.moe.algebra import SoftRouting, SparseRouting, load_router
from comparison_net.moe.balance import balance_loss
from comparison_net.moe.expert_choice import sinkhorn_expert_choice, softmax_expert_choice, sparse_expert_choice
from comparison_net.moe.experts import TokenExperts
from comparison_net.moe.soft import soft_logits, soft_routing
from comparison_net.moe.token_choice import sinkhorn_token_choice, softmax_token_choice
from comparison_net.moe.unified import unified_routing
from comparison_net.network_config import NOISY_ROUTERS, NetworkConfig

EMBEDDING_DEVIATION = 0.3
GATE_DEVIATION = 0.02


class SoftGate(nn.Module):
    """Slot directions [n, c, d] and the scale of Soft MoE."""

    def __init__(self, num_experts: int, num_slots: int, width: int) -> None:
        """Directions at random, scale 1."""
        super().__init__()
        self.slots = nn.Parameter(torch.randn(num_experts, num_slots, width) / width**0.5)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits float32[G, m, n, c]."""
        return soft_logits(tokens, self.slots, self.scale)


class Attention(nn.Module):
    """What each token of an item takes from all of them, by scaled products of queries and keys."""

    def __init__(self, width: int, num_heads: int) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(width)
        self.given = nn.Linear(width, 3 * width)
        self.result = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """float32[M, m, d] from tokens float32[M, m, d]."""
        items, m, width = tokens.shape
        given = self.given(self.norm(tokens)).reshape(items, m, 3, self.num_heads, -1)
        queries, keys, values = given.permute(2, 0, 3, 1, 4)
        taken = scaled_dot_product_attention(queries, keys, values)
        result: Tensor = self.result(taken.transpose(1, 2).reshape(items, m, width))
        return result


class TokenLayer(nn.Module):
    """tokens + mixture(tokens), or a block of a transformer with a mixture in it."""

    def __init__(self, config: NetworkConfig, num_experts: int, is_routed: bool) -> None:
        """Fresh weights from torch's current generator.

        Args:
            config: router and sizes.
            num_experts: of the layer.
            is_routed: False for one expert that takes every token.
        """
        super().__init__()
        self.config = config
        self.attention = Attention(config.token_width, config.attention) if config.attention else None
        self.norm = nn.LayerNorm(config.token_width) if config.attention else None
        self.experts = TokenExperts(num_experts, config.token_width, config.token_hidden)
        self.gate: nn.Module | None = None
        if is_routed and config.head == "soft":
            self.gate = SoftGate(num_experts, config.slots, config.token_width)
        elif is_routed:
            self.gate = nn.Linear(config.token_width, num_experts, bias=False)
            nn.init.normal_(self.gate.weight, std=GATE_DEVIATION)

    def forward(self, tokens: Tensor, draw: TrainingDraw | None) -> tuple[Tensor, Tensor, Metrics]:
        """Tokens float32[M, m, d] after the layer, the auxiliary loss, and metrics."""
        if self.attention is not None:
            tokens = tokens + self.attention(tokens)
        given = tokens if self.norm is None else self.norm(tokens)
        routing, balance = self.route(given, draw)
        return tokens + self.experts(given, routing), balance, routing.metrics

    def route(self, tokens: Tensor, draw: TrainingDraw | None) -> tuple[SparseRouting | SoftRouting, Tensor]:
        """The routing of tokens float32[M, m, d] as the experts get them, each item a group; the auxiliary loss."""
        config = self.config
        none = tokens.new_zeros(())
        if self.gate is None:
            return _to_one_expert(tokens), none
        logits = self.gate(tokens)
        if config.head == "soft":
            return soft_routing(logits), none
        deviation = config.noise / logits.shape[2] if config.head in NOISY_ROUTERS else 0.0
        noise = None if draw is None else draw.noise(tuple(logits.shape), deviation, logits.device)
        routing = sparse_routing(config, logits, noise)
        if draw is None or draw.balance == "none":
            return routing, none
        # One spread over all items of the part: an expert may well be idle on a single one.
        pooled = logits.reshape(1, -1, logits.shape[2])
        pooled_noise = None if noise is None else noise.reshape(pooled.shape)
        return routing, balance_loss(draw.balance, pooled, pooled_noise, config.choices, deviation)


def sparse_routing(config: NetworkConfig, logits: Tensor, noise: Tensor | None) -> SparseRouting:
    """The configured sparse routing of logits float32[G, m, n]."""
    renormalise = config.renormalise
    if is_address(config.head):
        return load_router(config.head)(logits, config, noise)
    if config.head == "softmax-token":
        return softmax_token_choice(logits, config.choices, config.capacity, noise, config.batch_priority, renormalise)
    if config.head == "sinkhorn-token":
        return sinkhorn_token_choice(logits, config.choices, config.capacity, renormalise, noise)
    if config.head in ("us", "us-free"):
        return unified_routing(logits, config.capacity, config.alpha, config.head == "us-free", renormalise)
    choose = {
        "softmax-expert": softmax_expert_choice,
        "sinkhorn-expert": sinkhorn_expert_choice,
        "sparse-expert": sparse_expert_choice,
    }[config.head]
    return choose(logits, config.capacity, renormalise, noise)


def _to_one_expert(tokens: Tensor) -> SparseRouting:
    """The dense layer as a routing: one expert takes every token with weight 1."""
    groups, m, _ = tokens.shape
    slots = torch.arange(m, device=tokens.device).expand(groups, m)[..., None]
    metrics = Metrics(torch.ones(1), torch.zeros(()), torch.zeros(()))
    return SparseRouting(slots, tokens.new_ones(groups, m, 1), m, metrics)


class TokenMixture(CandidateNet):
    """The net; `config.hidden` is the width of the first layer, then those of the layers after the tokens join it."""

    head: Head

    def __init__(self, config: NetworkConfig, encoder: Encoder) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__(config, encoder)
        config, domain = self.config, encoder.domain
        width, *hidden = config.hidden
        d = config.token_width
        assert domain.tokens is not None
        self.trunk = Trunk((width,), domain.num_features)
        self.embedding = nn.Embedding(domain.tokens.places * domain.tokens.kinds, d)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_DEVIATION)
        self.context = nn.Linear(width, d)
        num_experts = config.num_experts(domain)
        self.token_layers = nn.ModuleList(
            [TokenLayer(config, num_experts if is_routed else 1, is_routed) for is_routed in config.routed_layers()]
        )
        self.layers = nn.ModuleList()
        joined = width + d
        for next_width in hidden:
            self.layers.append(nn.Linear(joined, next_width))
            joined = next_width
        self.head = Head(joined, config, domain)

    def say(self, sets: ChoiceSets, rows: Tensor | None, draw: TrainingDraw | None, pull: float) -> Said:
        """See `CandidateNet`."""
        hidden = self.first_units(sets, pull)
        tokens = self.first_tokens(hidden, sets)
        balance = hidden.new_zeros(())
        measured = []
        for layer, is_routed in zip(self.token_layers, self.config.routed_layers(), strict=True):
            tokens, extra, metrics = layer(tokens, draw)
            balance = balance + extra
            if is_routed or self.config.head == "dense":
                measured.append(metrics)
        units = torch.cat([hidden, torch.relu(tokens).mean(1)], 1)
        for hidden_layer in self.layers:
            units = torch.relu(hidden_layer(units))
        logits = self.head.logits(units)
        if logits is not None and rows is not None:
            logits = logits[rows]
        return Said(self.head.scores(units), logits, balance, _mean_metrics(measured))

    def first_tokens(self, hidden: Tensor, sets: ChoiceSets) -> Tensor:
        """Tokens float32[M, m, d] before the first mixture."""
        places = torch.from_numpy(self.encoder.token_rows(sets)).to(hidden.device)
        tokens: Tensor = self.embedding(places) + self.context(hidden)[:, None]
        return tokens


def _mean_metrics(measured: list[Metrics]) -> Metrics:
    """Means over the layers."""
    if len(measured) == 1:
        return measured[0]
    return Metrics(
        torch.stack([metrics.load for metrics in measured]).mean(0),
        torch.stack([metrics.dropped for metrics in measured]).mean(),
        torch.stack([metrics.entropy for metrics in measured]).mean(),
    )
