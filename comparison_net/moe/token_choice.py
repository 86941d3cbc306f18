"""Token choice: every token asks for its best experts, and an expert takes tokens until its slots are full.

Axes as in `algebra`. Two affinities to select by, one combine weight, the softmax G over the experts:

    softmax    G of the logits, with noise while training (Shazeer et al. 2017; V-MoE)
    sinkhorn   an optimal-transport plan of the logits, which spreads the tokens evenly; noise on the plan's logits only
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.comparator import Metrics
from comparison_net.moe.algebra import SparseRouting, entropy, measure, numbers, renormalised
from comparison_net.moe.selection import Capacity, ask, check_finite, sinkhorn_tokens, softmax_tokens, token_capacity
from comparison_net.tools import Int64s


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
        logits: float[G, m, n].
        num_choices: K, 1..n.
        capacity_factor: see `token_capacity`.
        noise: float[G, m, n] added to the logits, of standard deviation noise_std / n; None at play time.
        is_batch_priority: tokens with the largest gate are served first.
        is_renormalised: combine weights of a token are divided by their sum over the experts that took it.
    """
    noisy = logits if noise is None else logits + noise
    capacity = token_capacity(logits.shape[1], logits.shape[2], num_choices, capacity_factor)
    slots = softmax_tokens(numbers(noisy), num_choices, capacity, is_batch_priority)
    return _routing(slots, torch.softmax(noisy, -1), capacity, is_renormalised)


def sinkhorn_token_choice(
    logits: Tensor,
    num_choices: int,
    capacity_factor: Capacity,
    is_renormalised: bool = False,
    noise: Tensor | None = None,
) -> SparseRouting:
    """Sinkhorn token choice: the plan selects, the softmax of the logits weighs. Arguments as above."""
    capacity = token_capacity(logits.shape[1], logits.shape[2], num_choices, capacity_factor)
    slots = sinkhorn_tokens(numbers(logits if noise is None else logits + noise), num_choices, capacity)
    return _routing(slots, torch.softmax(logits, -1), capacity, is_renormalised)


def _routing(found: Int64s, probabilities: Tensor, capacity: int, is_renormalised: bool) -> SparseRouting:
    slots = torch.from_numpy(found).to(probabilities.device)
    is_taken = slots >= 0
    gates = probabilities * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    return SparseRouting(slots, gates, capacity, measure(gates, probabilities, is_taken))


def chosen_gates(logits: Tensor, num_choices: int, is_renormalised: bool) -> tuple[Tensor, Tensor, Metrics]:
    """Token choice without capacity for tokens that stand alone: a gate of each item by itself.

    Args:
        logits: float[M, n].
        num_choices: K; all experts when it is n.
        is_renormalised: the K gates are divided by their sum, see `renormalised`.

    Returns:
        experts int64[M, K] by falling gate, gates float[M, K], and metrics.
    """
    probabilities = torch.softmax(logits, -1)
    wanted = ask(check_finite(numbers(logits), "logits"), num_choices)
    experts = torch.from_numpy(wanted).to(logits.device)
    gates = probabilities.gather(1, experts)
    if is_renormalised:
        gates = renormalised(gates)
    with torch.no_grad():
        load = torch.bincount(experts.flatten(), minlength=logits.shape[1]).to(gates.dtype)
        share = load / load.sum().clamp_min(1)
        return experts, gates, Metrics(share, torch.zeros(()), entropy(probabilities))
