"""USMoE (Do, Le and Tran, arXiv 2503.22996): tokens and experts share one score, and the best pairs of all are taken.

Axes as in `algebra`. The score of a pair is alpha * (softmax over the experts) + beta * (column view); the N = K m best
of a group's m n pairs are taken, which maximises the taken sum for that budget. A token may get none, or many.

    trained         column view: softmax over the tokens of the group
    training-free   column view: 2 sigmoid(logits) / n, of the token alone (the form for causal models)
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.moe import selection
from comparison_net.moe.algebra import SparseRouting, measure, numbers, renormalised

DEFAULT_ALPHA = 0.5


def unified_scores(logits: Tensor, alpha: float = DEFAULT_ALPHA) -> Tensor:
    """Scores float32[G, m, n] of the pairs; beta = 1 - alpha."""
    return alpha * torch.softmax(logits, 2) + (1 - alpha) * torch.softmax(logits, 1)


def training_free_scores(logits: Tensor, ratio: float = 1 - DEFAULT_ALPHA) -> Tensor:
    """(1 - ratio) softmax over the experts + ratio * 2 sigmoid / n: no token's score depends on another token."""
    return (1 - ratio) * torch.softmax(logits, 2) + ratio * 2 * torch.sigmoid(logits) / logits.shape[2]


def unified_routing(
    logits: Tensor,
    choices_per_token: float,
    alpha: float = DEFAULT_ALPHA,
    is_free: bool = False,
    is_renormalised: bool = False,
) -> SparseRouting:
    """The best pairs of each group; their scores are the combine weights.

    Args:
        logits: float[G, m, n].
        choices_per_token: K, may be a fraction: round(K m) pairs are taken.
        alpha: weight of the view over the experts.
        is_free: take the score that needs no training.
        is_renormalised: combine weights of a token are divided by their sum.
    """
    m, n = logits.shape[1:]
    found_scores = selection.unified_scores(selection.check_finite(numbers(logits), "logits"), alpha, is_free)
    found = selection.best_pairs(found_scores, selection.pair_budget(m, n, choices_per_token))
    is_taken = torch.from_numpy(found).to(logits.device)
    scores = training_free_scores(logits, 1 - alpha) if is_free else unified_scores(logits, alpha)
    gates = scores * is_taken
    if is_renormalised:
        gates = renormalised(gates)
    metrics = measure(gates, torch.softmax(logits, 2), is_taken)
    slots = torch.from_numpy(selection.slots_of_selection(found)).to(logits.device)
    return SparseRouting(slots, gates, m, metrics)
