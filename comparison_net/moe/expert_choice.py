"""Expert choice: every expert takes its best tokens, so all experts work alike; a token may get none, or several.

Axes as in `algebra`. Three affinities to select by, one combine weight, the softmax G over the experts:

    softmax    G itself (Zhou et al. 2022)
    sinkhorn   the entropic optimal-transport plan of the logits
    sparse     the plan with at most c tokens in a column; only its nonzero entries are taken
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.moe.algebra import SparseRouting, measure, renormalised, slots_of_selection
from comparison_net.moe.transport import sinkhorn_plans, sparse_plans


def expert_capacity(num_tokens: int, num_experts: int, factor: float) -> int:
    """C = round(m factor / n), from 1 to m."""
    return min(num_tokens, max(1, round(num_tokens * factor / num_experts)))


def softmax_expert_choice(logits: Tensor, capacity_factor: float, is_renormalised: bool = False) -> SparseRouting:
    """Softmax expert choice of logits float32[G, m, n]; experts a token has on average: `capacity_factor`."""
    probabilities = torch.softmax(logits, -1)
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    is_taken = _best_tokens(probabilities.detach(), capacity)
    return _routing(is_taken, probabilities, capacity, is_renormalised)


def sinkhorn_expert_choice(logits: Tensor, capacity_factor: float, is_renormalised: bool = False) -> SparseRouting:
    """Sinkhorn expert choice: as above, the tokens taken by the plan."""
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    is_taken = _best_tokens(torch.from_numpy(sinkhorn_plans(logits.detach().numpy())), capacity)
    return _routing(is_taken, torch.softmax(logits, -1), capacity, is_renormalised)


def sparse_expert_choice(logits: Tensor, capacity_factor: float, is_renormalised: bool = False) -> SparseRouting:
    """Sparsity-constrained expert choice: the plan is sparse already, similarity is the softmax G."""
    probabilities = torch.softmax(logits, -1)
    capacity = expert_capacity(logits.shape[1], logits.shape[2], capacity_factor)
    plans = torch.from_numpy(sparse_plans(probabilities.detach().numpy(), capacity))
    return _routing(plans > 0, probabilities, capacity, is_renormalised)


def _best_tokens(affinity: Tensor, capacity: int) -> Tensor:
    """bool[G, m, n], the `capacity` largest of each column."""
    tokens = affinity.topk(capacity, dim=1).indices
    return torch.zeros_like(affinity, dtype=torch.bool).scatter_(1, tokens, True)


def _routing(is_taken: Tensor, probabilities: Tensor, capacity: int, is_renormalised: bool) -> SparseRouting:
    gates = probabilities * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    return SparseRouting(slots_of_selection(is_taken), gates, capacity, measure(gates, probabilities, is_taken))
