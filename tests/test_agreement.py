from __future__ import annotations

import json
from math import isnan

import numpy as np
import pytest

from backgammon.agreement import (
    TESAURO_TABLE_1,
    AgreementCounter,
    chosen_ranks,
    estimate_mean,
    estimate_rate,
    student_quantile,
)
from backgammon.phase import PHASES


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


def test_rank_counts_better_candidates_and_earlier_equal_ones() -> None:
    scores = np.array([3.0, 1.0, 3.0, 2.0, 5.0, 5.0])
    offsets = np.array([0, 4, 6])
    assert [int(chosen_ranks(scores, offsets, np.array([row, 1]))[0]) for row in range(4)] == [1, 4, 2, 3]
    assert chosen_ranks(scores, offsets, np.array([0, 1])).tolist() == [1, 2]


def test_rank_one_is_the_row_that_argmax_gives() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 25, 300)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    scores = rng.integers(0, 5, offsets[-1]).astype(np.float32)
    chosen = np.array([scores[a:b].argmax() for a, b in zip(offsets[:-1], offsets[1:], strict=True)])
    assert (chosen_ranks(scores, offsets, chosen) == 1).all()


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


def count_example() -> AgreementCounter:
    counter = AgreementCounter()
    other, race = PHASES.index("other"), PHASES.index("race")
    counter.add(
        ranks=np.array([1, 2, 1, 5]),
        sizes=np.array([10, 4, 1, 20]),
        phases=np.array([other, other, other, race]),
        players=["ann", "bob", "ann", "ann"],
        units=["m1", "m1", "m1", "m2"],
    )
    counter.add(np.array([1]), np.array([2]), np.array([race]), ["bob"], ["m2"])
    return counter


def test_forced_plays_are_counted_and_left_out() -> None:
    counter = count_example()
    report = counter.report()
    assert counter.decisions == report.overall.decisions == 4
    assert report.forced == 1
    assert report.overall.top1.value == 0.5
    assert report.overall.top3.value == 0.75
    assert report.overall.mean_rank.value == pytest.approx(9 / 4)
    assert report.overall.chance == pytest.approx((0.1 + 0.25 + 0.05 + 0.5) / 4)


def test_groups_by_phase_in_order_and_by_player_most_decisions_first() -> None:
    report = count_example().report()
    assert [(row.name, row.decisions, row.matches) for row in report.by_phase] == [("other", 2, 1), ("race", 2, 1)]
    assert [(row.name, row.decisions, row.matches) for row in report.by_player] == [("ann", 2, 2), ("bob", 2, 2)]
    assert report.by_player[1].top1.value == 0.5


def test_report_as_json_has_tesauro_beside_his_phases_only() -> None:
    rows = json.loads(json.dumps(count_example().report().as_dict()))["by_phase"]
    assert rows[0]["tesauro_1988"] == {"relative_score": 0.58, "comparison": 0.65}
    assert rows[1]["tesauro_1988"] is None


def test_nothing_added_is_a_report_of_nothing() -> None:
    report = AgreementCounter().report()
    assert report.overall.decisions == 0
    assert isnan(report.overall.top1.value)
    assert report.by_phase == ()


def test_table_1_covers_the_five_engaged_phases() -> None:
    assert tuple(TESAURO_TABLE_1) == PHASES[:5]
