"""Which expert takes which token: selections alone, in one place for training and for play time. numpy.

G groups, m tokens of a group, n experts, K experts that a token asks for, c slots of an expert.

A selection carries no gradient, so the training side hands its numbers over and gets truths back; what is taken is
weighed where it is learnt (`token_choice`, `expert_choice`, `unified`) and where it is played. Of equal numbers the
first in order is taken, everywhere: tokens in their order, experts in theirs.
"""

from __future__ import annotations

import math

import numpy as np

from comparison_net.moe.transport import sinkhorn_plans, sparse_plans
from comparison_net.tools import Bools, DataError, Float32s, Int64s

Capacity = float | None
"""Slots of an expert relative to an even spread; None for as many as are asked for."""


def token_capacity(num_tokens: int, num_experts: int, num_choices: int, factor: Capacity) -> int:
    """C = ceil(m K factor / n), at most m."""
    if factor is None:
        return num_tokens
    return min(num_tokens, math.ceil(num_tokens * num_choices * factor / num_experts))


def expert_capacity(num_tokens: int, num_experts: int, factor: float) -> int:
    """C = round(m factor / n), from 1 to m; 0 without tokens."""
    return min(num_tokens, max(1, round(num_tokens * factor / num_experts)))


def pair_budget(num_tokens: int, num_experts: int, choices_per_token: float) -> int:
    """Pairs that unified routing takes in a group: round(K m), from 1 to m n; 0 without tokens."""
    return min(num_tokens * num_experts, max(1, round(choices_per_token * num_tokens)))


def check_finite(values: Float32s, what: str) -> Float32s:
    """`values` float32[G, m, n] as they are.

    Raises:
        DataError: one of them is no finite number; the first is named.
    """
    if np.isfinite(values).all():
        return values
    place = np.argwhere(~np.isfinite(values))[0].tolist()
    names = ("group", "token", "expert")[-len(place) :]
    where = ", ".join(f"{name} {number}" for name, number in zip(names, place, strict=True))
    raise DataError(
        f"{what} of a router: {values[tuple(place)]} at {where}; the weights have run away, lower the learning rate"
    )


def largest(values: Float32s, count: int, axis: int) -> Bools:
    """True at the `count` largest entries along an axis; of equal ones the first.

    >>> largest(np.array([[1.0, 3.0, 3.0, 3.0]], np.float32), 2, 1).tolist()
    [[False, True, True, False]]
    """
    mask = np.zeros(values.shape, dtype=bool)
    if values.size:
        places = np.argsort(-values, axis=axis, kind="stable").take(np.arange(count), axis)
        np.put_along_axis(mask, places, True, axis)
    return mask


def ask(affinity: Float32s, num_choices: int) -> Int64s:
    """The K experts of each token by falling affinity, int64[..., K]."""
    if num_choices == 1:
        first: Int64s = affinity.argmax(-1)[..., None]
        return first
    order: Int64s = np.argsort(-affinity, axis=-1, kind="stable")[..., :num_choices]
    return order


def serve(wanted: Int64s, num_experts: int, capacity: int, priority: Float32s | None = None) -> Int64s:
    """Slots of a token choice: all first choices before any second, each in the order of the tokens.

    Args:
        wanted: int64[G, m, K], experts by falling preference, distinct within a token.
        num_experts: n.
        capacity: c; who comes later is not taken.
        priority: float32[G, m], tokens with more of it are served first; None for the order of the tokens.

    Returns:
        int64[G, m, n], -1 where not taken.
    """
    slots = np.full((*wanted.shape[:2], num_experts), -1, dtype=np.int64)
    used = np.zeros((len(wanted), 1, num_experts), dtype=np.int64)
    order = None if priority is None else np.argsort(-priority, axis=1, kind="stable")[..., None]
    experts = np.arange(num_experts)
    for choice in range(wanted.shape[2]):
        asked = wanted[..., choice : choice + 1]
        if order is not None:
            asked = np.take_along_axis(asked, order, 1)
        asks = asked == experts
        places = used + asks.cumsum(1) - 1
        taken = np.where(asks & (places < capacity), places, -1)
        used = used + asks.sum(1, keepdims=True)
        if order is not None:
            served = taken.copy()
            np.put_along_axis(taken, np.broadcast_to(order, taken.shape), served, 1)
        slots = np.maximum(slots, taken)
    return slots


def slots_of_selection(is_selected: Bools) -> Int64s:
    """Slots int64[G, m, n] of a selection bool[G, m, n]: an expert's tokens in their order; -1 where not selected."""
    return np.where(is_selected, is_selected.cumsum(1) - 1, -1)


def best_pairs(scores: Float32s, budget: int) -> Bools:
    """True at the `budget` best (token, expert) pairs of each group, bool[G, m, n]."""
    groups, m, n = scores.shape
    taken: Bools = largest(scores.reshape(groups, m * n), budget, 1).reshape(scores.shape)
    return taken


def log_softmax(logits: Float32s) -> Float32s:
    """Logarithms of the softmax over the experts: its order without its saturation, for logits float32[..., n]."""
    below = logits - logits.max(-1, keepdims=True, initial=-np.inf)
    result: Float32s = below - np.log(np.exp(below).sum(-1, keepdims=True))
    return result


def softmax(logits: Float32s, axis: int) -> Float32s:
    """Shares of exp(logits) along an axis."""
    powers = np.exp(logits - logits.max(axis, keepdims=True, initial=-np.inf))
    shares: Float32s = powers / powers.sum(axis, keepdims=True)
    return shares


def softmax_tokens(logits: Float32s, num_choices: int, capacity: int, is_priority: bool = False) -> Int64s:
    """Slots int64[G, m, n] of softmax token choice; with priority the surest tokens are served first."""
    check_finite(logits, "logits")
    priority = log_softmax(logits).max(-1) if is_priority else None
    return serve(ask(logits, num_choices), logits.shape[2], capacity, priority)


def sinkhorn_tokens(logits: Float32s, num_choices: int, capacity: int) -> Int64s:
    """Slots int64[G, m, n] of Sinkhorn token choice: the plan says what a token asks for."""
    check_finite(logits, "logits")
    return serve(ask(sinkhorn_plans(logits), num_choices), logits.shape[2], capacity)


def softmax_experts(logits: Float32s, capacity: int) -> Bools:
    """What softmax expert choice takes, bool[G, m, n]: the tokens with the largest gate for each expert."""
    return largest(log_softmax(check_finite(logits, "logits")), capacity, 1)


def sinkhorn_experts(logits: Float32s, capacity: int) -> Bools:
    """What Sinkhorn expert choice takes, bool[G, m, n]."""
    return largest(sinkhorn_plans(check_finite(logits, "logits")), capacity, 1)


def sparse_experts(logits: Float32s, capacity: int) -> Bools:
    """What sparsity-constrained expert choice takes, bool[G, m, n]: the nonzero entries of the plan, and no more.

    V-MoE's code fills the slots that stay empty with tokens of plan 0; the paper does not, and neither do we.
    """
    taken: Bools = sparse_plans(softmax(check_finite(logits, "logits"), 2), capacity) > 0
    return taken


def unified_scores(logits: Float32s, alpha: float, is_free: bool) -> Float32s:
    """Scores float32[G, m, n] of USMoE: alpha of the view over the experts, the rest of the view over the tokens.

    The training-free view of a token is 2 sigmoid / n, which no other token changes.
    """
    column = 2 / (1 + np.exp(np.minimum(-logits, 80))) / np.float32(logits.shape[2]) if is_free else softmax(logits, 1)
    scores: Float32s = np.float32(alpha) * softmax(logits, 2) + np.float32(1 - alpha) * column
    return scores
