from __future__ import annotations

import numpy as np
import pytest

from backgammon.tools.intervals import estimate_mean, estimate_rate, student_quantile


def clustered_hits(num_units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits whose rate differs from unit to unit, units of very different size."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 120, num_units)
    rates = rng.beta(14, 6, num_units)
    hits = np.concatenate([rng.random(n) < p for n, p in zip(sizes, rates, strict=True)]).astype(np.float64)
    return hits, np.repeat(np.arange(num_units), sizes)


def bootstrap_interval(values: np.ndarray, units: np.ndarray, seed: int) -> tuple[float, float]:
    """Percentiles of the mean when whole units are drawn with replacement."""
    rng = np.random.default_rng(seed)
    sums, counts = np.bincount(units, weights=values), np.bincount(units)
    draws = rng.integers(0, len(counts), (4000, len(counts)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@pytest.mark.parametrize("num_units", [40, 400])
def test_interval_of_a_rate_agrees_with_a_bootstrap_over_matches(num_units: int) -> None:
    hits, units = clustered_hits(num_units, seed=num_units)
    estimate = estimate_rate(hits, units)
    low, high = bootstrap_interval(hits, units, seed=1)
    assert estimate.value == hits.mean()
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low == pytest.approx(low, abs=0.15 * (high - low))
    assert estimate.high == pytest.approx(high, abs=0.15 * (high - low))


def test_interval_of_a_mean_agrees_with_a_bootstrap_over_matches() -> None:
    hits, units = clustered_hits(200, seed=9)
    ranks = 1 + 3 * (1 - hits)
    estimate = estimate_mean(ranks, units)
    low, high = bootstrap_interval(ranks, units, seed=2)
    assert estimate.low == pytest.approx(low, abs=0.1 * (high - low))
    assert estimate.high == pytest.approx(high, abs=0.1 * (high - low))


def test_interval_is_wider_than_for_independent_plays_when_matches_differ() -> None:
    hits, units = clustered_hits(100, seed=4)
    clustered = estimate_rate(hits, units).half_width
    independent = estimate_rate(hits, np.arange(len(hits))).half_width
    assert clustered is not None
    assert independent is not None
    assert clustered > 1.2 * independent


def test_interval_covers_the_truth_in_about_95_of_100_samples() -> None:
    covered = 0
    for seed in range(400):
        hits, units = clustered_hits(25, seed=10_000 + seed)
        estimate = estimate_rate(hits, units)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.7 <= estimate.high
    assert 0.92 <= covered / 400 <= 0.985


def test_one_match_gives_no_interval() -> None:
    estimate = estimate_rate(np.array([1.0, 0.0]), np.array([3, 3]))
    assert (estimate.value, estimate.low, estimate.high) == (0.5, None, None)
    assert estimate.half_width is None


def test_all_hits_leave_room_for_doubt() -> None:
    estimate = estimate_rate(np.ones(50), np.repeat(np.arange(5), 10))
    assert estimate.value == estimate.high == 1.0
    assert estimate.low is not None
    assert estimate.low < 0.6  # five matches, not fifty plays


@pytest.mark.parametrize(("freedom", "table"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (30, 2.042)])
def test_student_quantile_agrees_with_the_table(freedom: int, table: float) -> None:
    assert student_quantile(freedom) == pytest.approx(table, rel=2e-3)
