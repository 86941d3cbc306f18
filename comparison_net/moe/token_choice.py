"""Token choice: every token asks for its best experts, and an expert takes tokens until its slots are full.

Axes as in `algebra`. Two affinities to select by, one combine weight, the softmax G over the experts:

    softmax    G of the logits, with noise while training (Shazeer et al. 2017; V-MoE)
    sinkhorn   an optimal-transport plan of the logits, which spreads the tokens evenly
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from comparison_net.comparator import Metrics
from comparison_net.moe.algebra import SparseRouting, assign_slots, entropy, measure, renormalised
from comparison_net.moe.transport import sinkhorn_plans

Capacity = float | None
"""Slots of an expert relative to an even spread; None for as many as are asked for."""


def token_capacity(num_tokens: int, num_experts: int, num_choices: int, factor: Capacity) -> int:
    """C = ceil(m K factor / n), at most m."""
    if factor is None:
        return num_tokens
    return min(num_tokens, math.ceil(num_tokens * num_choices * factor / num_experts))


def softmax_token_choice(
    logits: Tensor,
    num_choices: int,
    capacity_factor: Capacity,
    noise: Tensor | None = None,
    is_batch_priority: bool = False,
    is_renormalised: bool = False,
) -> SparseRouting:
    """Softmax token choice.

    Args:
        logits: float32[G, m, n].
        num_choices: K, 1..n.
        capacity_factor: see `token_capacity`.
        noise: float32[G, m, n] added to the logits, of standard deviation noise_std / n; None at play time.
        is_batch_priority: tokens with the largest gate are served first.
        is_renormalised: combine weights of a token are divided by their sum over the experts that took it.
    """
    probabilities = torch.softmax(logits if noise is None else logits + noise, -1)
    return _choose(probabilities, probabilities, num_choices, capacity_factor, is_batch_priority, is_renormalised)


def sinkhorn_token_choice(
    logits: Tensor, num_choices: int, capacity_factor: Capacity, is_renormalised: bool = False
) -> SparseRouting:
    """Sinkhorn token choice: the plan selects, the softmax of the logits weighs."""
    plans = torch.from_numpy(sinkhorn_plans(logits.detach().numpy()))
    return _choose(plans, torch.softmax(logits, -1), num_choices, capacity_factor, False, is_renormalised)


def _choose(
    affinity: Tensor,
    probabilities: Tensor,
    num_choices: int,
    capacity_factor: Capacity,
    is_batch_priority: bool,
    is_renormalised: bool,
) -> SparseRouting:
    _, m, n = affinity.shape
    capacity = token_capacity(m, n, num_choices, capacity_factor)
    best = affinity.detach().topk(num_choices, dim=2)
    slots = assign_slots(best.indices, n, capacity, best.values[..., 0] if is_batch_priority else None)
    is_taken = slots >= 0
    gates = probabilities * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    return SparseRouting(slots, gates, capacity, measure(gates, probabilities, is_taken))


def chosen_gates(logits: Tensor, num_choices: int, is_renormalised: bool) -> tuple[Tensor, Tensor, Metrics]:
    """Token choice without capacity for tokens that stand alone: a gate of each position by itself.

    Args:
        logits: float32[M, n].
        num_choices: K; all experts when it is n.
        is_renormalised: the K gates are divided by their sum.

    Returns:
        experts int64[M, K] by falling gate, gates float32[M, K], and metrics.
    """
    probabilities = torch.softmax(logits, -1)
    gates, experts = probabilities.topk(num_choices, dim=1)
    if is_renormalised:
        gates = gates / gates.sum(1, keepdim=True)
    with torch.no_grad():
        load = torch.bincount(experts.flatten(), minlength=logits.shape[1]).to(gates.dtype)
        return experts, gates, Metrics(load / load.sum(), torch.zeros(()), entropy(probabilities))
