"""Optimal-transport plans between the tokens of a group and the experts; they only select, so no gradient is kept.

G groups, m tokens of a group, n experts. A plan has row sums near 1 (every token is served once) and column sums
exactly m / n (every expert works as much as the others).

Sources: Sinkhorn's plan as in Liu et al., Routers in Vision Mixture of Experts (arXiv 2401.15969); the plan with at
most k tokens in a column as in Liu, Puigcerver and Blondel, Sparsity-constrained optimal transport (ICLR 2023).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backgammon.tools.jit import kernel

Plans = npt.NDArray[np.float32]
"""float32[G, m, n]."""

SINKHORN_ITERATIONS = 20
SPARSE_STEPS = 20
SPARSE_RATE = 1e-2

_LOWEST_EXPONENT = -600.0
"""Below a row's largest logit by more, an entry counts as this: in doubles no scaling factor can then overflow."""


@kernel
def _fill_sinkhorn(logits: Plans, epsilon: float, iterations: int, plans: Plans) -> None:
    """U and v in turn, kept as factors of exp(logits - row's largest): the same numbers as in the log domain."""
    num_groups, m, n = logits.shape
    similarity = np.empty((m, n))
    row_factors = np.empty(m)
    column_factors = np.empty(n)
    sums = np.empty(n)
    for g in range(num_groups):
        for i in range(m):
            largest = logits[g, i].max()
            for e in range(n):
                exponent = (float(logits[g, i, e]) - float(largest)) / epsilon
                similarity[i, e] = np.exp(max(exponent, _LOWEST_EXPONENT))
        column_factors[:] = 1.0
        for _ in range(iterations):
            sums[:] = 0.0
            for i in range(m):
                total = 0.0
                for e in range(n):
                    total += similarity[i, e] * column_factors[e]
                row_factors[i] = 1.0 / total
                for e in range(n):
                    sums[e] += similarity[i, e] * row_factors[i]
            for e in range(n):
                column_factors[e] = m / n / sums[e]
        for i in range(m):
            for e in range(n):
                plans[g, i, e] = similarity[i, e] * row_factors[i] * column_factors[e]


@kernel
def _project_column(
    values: npt.NDArray[np.float64], k: int, mass: float, chosen: npt.NDArray[np.int64], column: npt.NDArray[np.float64]
) -> None:
    """Nearest vector with entries >= 0, sum `mass` and at most k above 0, into column[m]; destroys values[m]."""
    column[:] = 0.0
    total = 0.0
    threshold = 0.0
    num_kept = 0
    for rank in range(k):
        best = 0
        for i in range(1, values.shape[0]):
            if values[i] > values[best]:
                best = i
        value = values[best]
        # the k largest in falling order: as long as a value stands above the threshold, it is kept
        if value - (total + value - mass) / (rank + 1) <= 0.0:
            break
        total += value
        threshold = (total - mass) / (rank + 1)
        chosen[rank] = best
        column[best] = value
        values[best] = -np.inf
        num_kept += 1
    for rank in range(num_kept):
        column[chosen[rank]] -= threshold


@kernel
def _fill_sparse(similarity: Plans, k: int, gamma: float, rate: float, steps: int, plans: Plans) -> None:
    """The semi-dual climbed by Adam; the gradient is what each token still lacks of its row sum."""
    num_groups, m, n = similarity.shape
    dual = np.empty(m)
    first, second = np.empty(m), np.empty(m)
    gradient = np.empty(m)
    values = np.empty(m)
    column = np.empty(m)
    chosen = np.empty(k, dtype=np.int64)
    for g in range(num_groups):
        dual[:] = 0.0
        first[:] = 0.0
        second[:] = 0.0
        for step in range(steps + 1):
            gradient[:] = 1.0
            for e in range(n):
                for i in range(m):
                    values[i] = (dual[i] + similarity[g, i, e]) / gamma
                _project_column(values, k, m / n, chosen, column)
                for i in range(m):
                    gradient[i] -= column[i]
                    if step == steps:
                        plans[g, i, e] = column[i]
            if step < steps:
                for i in range(m):
                    first[i] = 0.9 * first[i] + 0.1 * gradient[i]
                    second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i]
                    mean = first[i] / (1.0 - 0.9 ** (step + 1))
                    spread = np.sqrt(second[i] / (1.0 - 0.999 ** (step + 1)))
                    dual[i] += rate * mean / (spread + 1e-8)


def sinkhorn_plans(logits: Plans, epsilon: float = 1.0, iterations: int = SINKHORN_ITERATIONS) -> Plans:
    """The plan that maximises <P, logits> + epsilon * entropy, after some iterations.

    Args:
        logits: float32[G, m, n], finite.
        epsilon: weight of the entropy, above 0.
        iterations: pairs of a row step and a column step; the columns come last, so their sums are exact.

    Returns:
        float32[G, m, n].
    """
    plans = np.empty(logits.shape, dtype=np.float32)
    _fill_sinkhorn(np.require(logits, np.float32, ["C", "W"]), epsilon, iterations, plans)
    return plans


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
    plans = np.empty(similarity.shape, dtype=np.float32)
    _fill_sparse(np.require(similarity, np.float32, ["C", "W"]), k, gamma, rate, steps, plans)
    return plans
