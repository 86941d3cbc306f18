"""Optimal-transport plans between the tokens of a group and the experts; they only select, so no gradient is kept.

G groups, m tokens of a group, n experts. A plan has row sums near 1 (every token is served once) and column sums
exactly m / n (every expert works as much as the others).

Inside, arrays are float64[m, n, G]: sums over tokens or experts run along whole rows of groups, in an order that does
not depend on G, so that a group's plan is its own to the last bit.

Sources: Sinkhorn's plan as in Liu et al., Routers in Vision Mixture of Experts (arXiv 2401.15969); the plan with at
most k tokens in a column as in Liu, Puigcerver and Blondel, Sparsity-constrained optimal transport (ICLR 2023).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comparison_net.tools import Float32s, Float64s

Plans = Float32s
"""float32[G, m, n]."""

SINKHORN_ITERATIONS = 20
SPARSE_STEPS = 20
SPARSE_RATE = 1e-2

_WIDEST = 600.0
"""Spread of a row up to which factors of exp(logits) neither vanish nor overflow in doubles; else logarithms."""
_BLOCK = 128
"""Groups computed together: their numbers stay in the caches."""


def _by_blocks(given: Plans, compute: Callable[[Float64s], Float64s]) -> Plans:
    """`compute` on float64[m, n, g] for some groups at a time."""
    plans = np.empty(given.shape, dtype=np.float32)
    for start in range(0, len(given), _BLOCK):
        block = given[start : start + _BLOCK].astype(np.float64).transpose(1, 2, 0)
        block = np.asfortranarray(block) if block.shape[2] == 1 else np.ascontiguousarray(block)
        plans[start : start + _BLOCK] = compute(block).transpose(2, 0, 1)
    return plans


def _sum_tokens(values: Float64s) -> Float64s:
    """float64[1, n, G], each added up token by token."""
    if values.shape[2] == 1:  # contiguous along the tokens, which `sum` would add in another order
        return np.cumsum(values, axis=0)[-1:]
    total: Float64s = values.sum(0, keepdims=True)
    return total


def sinkhorn_plans(logits: Plans, epsilon: float = 1.0, iterations: int = SINKHORN_ITERATIONS) -> Plans:
    """The plan that maximises <P, logits> + epsilon * entropy, after some iterations.

    Args:
        logits: float32[G, m, n], finite.
        epsilon: weight of the entropy, above 0.
        iterations: pairs of a row step and a column step; the columns come last, so their sums are exact.

    Returns:
        float32[G, m, n].
    """
    _, m, n = logits.shape
    if not logits.size:
        return np.zeros(logits.shape, dtype=np.float32)

    def by_factors(given: Float64s) -> Float64s:
        # Factors of exp(logits - row's largest), row and column in turn: the same numbers as in the log domain.
        similarity = np.exp((given - given.max(1, keepdims=True)) / epsilon)
        columns = np.ones((1, n, given.shape[2]))
        for _ in range(iterations):
            rows = 1.0 / (similarity * columns).sum(1, keepdims=True)
            columns = m / n / _sum_tokens(similarity * rows)
        plan: Float64s = similarity * rows * columns
        return plan

    def by_logarithms(given: Float64s) -> Float64s:
        scaled = given / epsilon
        columns = np.zeros((1, n, given.shape[2]))
        for _ in range(iterations):
            rows = -_log_sum(scaled + columns, 1)
            columns = np.log(m / n) - _log_sum(scaled + rows, 0)
        plan: Float64s = np.exp(scaled + rows + columns)
        return plan

    spreads = (logits.max(2) - logits.min(2)).max(1) / epsilon
    is_wide = spreads > _WIDEST
    plans = np.empty(logits.shape, dtype=np.float32)
    plans[~is_wide] = _by_blocks(logits[~is_wide], by_factors)
    plans[is_wide] = _by_blocks(logits[is_wide], by_logarithms)
    return plans


def _log_sum(values: Float64s, axis: int) -> Float64s:
    """Logarithm of the sum of exp(values) along an axis, which stays."""
    highest = values.max(axis, keepdims=True)
    powers = np.exp(values - highest)
    total = _sum_tokens(powers) if axis == 0 else powers.sum(axis, keepdims=True)
    result: Float64s = highest + np.log(total)
    return result


def sparse_plans(
    similarity: Plans, k: int, gamma: float = 1.0, rate: float = SPARSE_RATE, steps: int = SPARSE_STEPS
) -> Plans:
    """The plan that maximises <P, similarity> - gamma / 2 * |P|^2 with at most k tokens for each expert.

    Args:
        similarity: float32[G, m, n], finite.
        k: most nonzero entries of a column, 1..m.
        gamma: weight of the square, above 0.
        rate: step size of Adam on the semi-dual.
        steps: its steps.

    Returns:
        float32[G, m, n]; column sums m / n, row sums as near 1 as the steps came.
    """
    _, m, n = similarity.shape
    if not similarity.size:
        return np.zeros(similarity.shape, dtype=np.float32)

    def compute(given: Float64s) -> Float64s:
        # The semi-dual climbed by Adam; the gradient is what each token still lacks of its row sum.
        dual, first, second = np.zeros((3, m, 1, given.shape[2]))
        for step in range(1, steps + 1):
            gradient = 1.0 - _nearest_sparse((dual + given) / gamma, k, m / n).sum(1, keepdims=True)
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient * gradient
            spread = np.sqrt(second / (1.0 - 0.999**step))
            dual = dual + rate * (first / (1.0 - 0.9**step)) / (spread + 1e-8)
        return _nearest_sparse((dual + given) / gamma, k, m / n)

    return _by_blocks(similarity, compute)


def _nearest_sparse(values: Float64s, k: int, mass: float) -> Float64s:
    """Nearest vectors to values[m, n, G] along the first axis with entries >= 0, sum `mass` and at most k above 0.

    Of equal values the first ones are kept.
    """
    largest = np.sort(values, axis=0)[::-1][:k]
    thresholds = (np.cumsum(largest, axis=0) - mass) / np.arange(1, k + 1)[:, None, None]
    # The k largest in falling order: as long as a value stands above its threshold, it is kept.
    num_kept = np.logical_and.accumulate(largest > thresholds, axis=0).sum(0, keepdims=True)
    last = np.maximum(num_kept - 1, 0)
    smallest = np.take_along_axis(largest, last, 0)
    threshold = np.take_along_axis(thresholds, last, 0)
    is_kept = values >= smallest
    if (is_kept.sum(0, keepdims=True) > num_kept).any():
        is_tied = values == smallest
        room = num_kept - (values > smallest).sum(0, keepdims=True)
        is_kept &= ~is_tied | (np.cumsum(is_tied, axis=0) <= room)
    nearest: Float64s = np.where(is_kept, values - threshold, 0.0)
    return nearest
