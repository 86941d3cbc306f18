"""USMoE (Do, Le and Tran, arXiv 2503.22996): tokens and experts share one score, and the best pairs of all are taken.

Axes as in `algebra`. The score of a pair is alpha * (softmax over the experts) + beta * (column view); the N = K m best
of a group's m n pairs are taken, which maximises the taken sum for that budget. A token may get none, or many.

    trained         column view: softmax over the tokens of the group
    training-free   column view: 2 sigmoid(logits) / n, of the token alone (the form for causal models)
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.moe.algebra import SparseRouting, measure, renormalised, slots_of_selection

DEFAULT_ALPHA = 0.5


def unified_scores(logits: Tensor, alpha: float = DEFAULT_ALPHA) -> Tensor:
    """Scores float32[G, m, n] of the pairs; beta = 1 - alpha."""
    return alpha * torch.softmax(logits, 2) + (1 - alpha) * torch.softmax(logits, 1)


def training_free_scores(logits: Tensor, ratio: float = 1 - DEFAULT_ALPHA) -> Tensor:
    """(1 - ratio) softmax over the experts + ratio * 2 sigmoid / n: no token's score depends on another token."""
    return (1 - ratio) * torch.softmax(logits, 2) + ratio * 2 * torch.sigmoid(logits) / logits.shape[2]


def unified_routing(
    scores: Tensor, logits: Tensor, choices_per_token: float, is_renormalised: bool = False
) -> SparseRouting:
    """The best pairs of each group; their scores are the combine weights.

    Args:
        scores: float32[G, m, n], above 0.
        logits: float32[G, m, n], for the metrics.
        choices_per_token: K, may be a fraction: round(K m) pairs are taken.
        is_renormalised: combine weights of a token are divided by their sum.
    """
    groups, m, n = scores.shape
    budget = min(m * n, max(1, round(choices_per_token * m)))
    best = scores.detach().flatten(1).topk(budget, dim=1).indices
    is_taken = torch.zeros((groups, m * n), dtype=torch.bool).scatter_(1, best, True).reshape(groups, m, n)
    gates = scores * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    metrics = measure(gates, torch.softmax(logits, 2), is_taken)
    return SparseRouting(slots_of_selection(is_taken), gates, m, metrics)
