"""Expert choice: every expert takes its best tokens, so all experts work alike; a token may get none, or several.

Axes as in `algebra`. Three affinities to select by, one combine weight, the softmax G over the experts:

    softmax    G itself (Zhou et al. 2022); noise on the logits while training, as in V-MoE
    sinkhorn   the entropic optimal-transport plan of the logits; noise on the plan's logits only
    sparse     the plan with at most c tokens in a column; only its nonzero entries are taken
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.moe.algebra import SparseRouting, measure, numbers, renormalised
from comparison_net.moe.selection import (
    expert_capacity,
    sinkhorn_experts,
    slots_of_selection,
    softmax_experts,
    sparse_experts,
)
from comparison_net.tools import Bools


def softmax_expert_choice(
    logits: Tensor, capacity_factor: float, is_renormalised: bool = False, noise: Tensor | None = None
) -> SparseRouting:
    """Softmax expert choice of logits float[G, m, n]; experts a token has on average: `capacity_factor`."""
    noisy = logits if noise is None else logits + noise
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    is_taken = softmax_experts(numbers(noisy), capacity)
    return _routing(is_taken, torch.softmax(noisy, -1), capacity, is_renormalised)


def sinkhorn_expert_choice(
    logits: Tensor, capacity_factor: float, is_renormalised: bool = False, noise: Tensor | None = None
) -> SparseRouting:
    """Sinkhorn expert choice: as above, the tokens taken by the plan."""
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    is_taken = sinkhorn_experts(numbers(logits if noise is None else logits + noise), capacity)
    return _routing(is_taken, torch.softmax(logits, -1), capacity, is_renormalised)


def sparse_expert_choice(
    logits: Tensor, capacity_factor: float, is_renormalised: bool = False, noise: Tensor | None = None
) -> SparseRouting:
    """Sparsity-constrained expert choice: the plan is sparse already, similarity is the softmax G."""
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    is_taken = sparse_experts(numbers(logits if noise is None else logits + noise), capacity)
    return _routing(is_taken, torch.softmax(logits, -1), capacity, is_renormalised)


def _routing(found: Bools, probabilities: Tensor, capacity: int, is_renormalised: bool) -> SparseRouting:
    is_taken = torch.from_numpy(found).to(probabilities.device)
    gates = probabilities * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    slots = torch.from_numpy(slots_of_selection(found)).to(probabilities.device)
    return SparseRouting(slots, gates, capacity, measure(gates, probabilities, is_taken))
