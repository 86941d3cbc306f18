"""Boosted trees on choices: splits against a slow twin, and a held-out likelihood that rises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from comparison_net import boosting
from comparison_net.boosting import LEAST_CURVATURE, RIDGE, Binning, Boosting, BoostSettings, Passed, Tree, best_splits
from comparison_net.choices import log_shares
from tests.choice_makers import made_choices


def naive_gain(slopes: list[float], curvatures: list[float], goes_right: list[bool]) -> float:
    """What a cut gains, or -inf where a side is too light."""
    total = 0.0
    for wanted in (True, False):
        slope = sum(one for one, right in zip(slopes, goes_right, strict=True) if right == wanted)
        curvature = sum(one for one, right in zip(curvatures, goes_right, strict=True) if right == wanted)
        if curvature < LEAST_CURVATURE:
            return -np.inf
        total += slope**2 / (curvature + RIDGE)
    return total - sum(slopes) ** 2 / (sum(curvatures) + RIDGE)


def test_the_best_cut_of_each_leaf_is_that_of_the_slow_twin() -> None:
    rng = np.random.default_rng(1)
    slopes, curvatures = rng.normal(size=60), rng.uniform(0.1, 0.25, 60)
    leaf, right = rng.integers(2, size=60), rng.random((5, 60)) < 0.5
    both = np.zeros((60, 4), dtype=np.float32)
    both[np.arange(60), leaf], both[np.arange(60), 2 + leaf] = slopes, curvatures
    best, gains = best_splits(right.astype(np.float32) @ both, both.sum(axis=0), 2)
    for one in (0, 1):
        inside = leaf == one
        expected = [
            naive_gain(slopes[inside].tolist(), curvatures[inside].tolist(), cut[inside].tolist()) for cut in right
        ]
        assert best[one] == int(np.argmax(expected))
        assert gains[one] == pytest.approx(max(expected), rel=1e-4)


@pytest.mark.parametrize("num_rows", [1, 16, 300, 517])
def test_sums_by_blocks_are_those_of_one_product_and_a_left_child_is_the_rest(num_rows: int) -> None:
    rng = np.random.default_rng(num_rows)
    codes = rng.integers(0, 6, (num_rows, 3)).astype(np.uint8)
    features, bins = np.array([0, 0, 1, 2, 2]), np.array([1, 4, 3, 2, 5], dtype=np.uint8)
    slopes, curvatures, nodes = rng.normal(size=num_rows), rng.random(num_rows), rng.integers(4, size=num_rows)
    passed, is_right = Passed(codes, features, bins, 4), codes[:, features] >= bins
    thresholds = rng.integers(5, size=num_rows)
    assert (passed.of(thresholds) == is_right[np.arange(num_rows), thresholds]).all()

    def expected(places: np.ndarray, size: int) -> np.ndarray:
        columns = [np.where(places == node, one, 0.0) for one in (slopes, curvatures) for node in range(size)]
        return np.asarray(is_right.T @ np.stack(columns, axis=1))

    parents = passed.sums(slopes, curvatures, nodes // 2, 2)
    np.testing.assert_allclose(parents, expected(nodes // 2, 2), atol=1e-4)
    children = boosting._sums_of_children(parents, passed, slopes, curvatures, nodes)
    np.testing.assert_allclose(children, expected(nodes, 4), atol=1e-4)


def test_a_tree_walks_by_its_codes() -> None:
    tree = Tree(np.array([1, 0, 0]), np.array([2, 1, 255], dtype=np.uint8), np.array([0.0, 1.0, 2.0, 3.0]))
    codes = np.array([[0, 0], [1, 1], [0, 2], [9, 9]], dtype=np.uint8)
    assert tree.values[tree.leaves(codes)].tolist() == [0.0, 1.0, 2.0, 2.0], "255 sends everybody to the left"


def test_codes_count_the_thresholds_that_a_number_has_passed() -> None:
    rows = np.array([[0.0, 5.0], [1.0, 5.0], [3.0, 5.0]])
    binning = Binning(rows)
    assert [edges.tolist() for edges in binning.edges] == [[0.5, 2.0], []]
    assert binning.codes(np.array([[-9.0, 0.0], [0.7, 5.0], [99.0, 9.0]])).tolist() == [[0, 0], [1, 0], [2, 0]]
    features, bins = binning.thresholds(np.array([0, 1]))
    assert (features.tolist(), bins.tolist()) == ([0, 0], [1, 2])


def test_what_is_foreseen_of_others_rises_and_the_sample_decides_nothing_but_noise() -> None:
    sets = made_choices(900, seed=3, curve=2.0)
    binning = Binning(sets.items)
    codes = binning.codes(sets.items)
    is_learnt = np.arange(len(sets)) % 3 > 0
    forest = Boosting(sets, binning, codes, is_learnt, BoostSettings(), 1)
    again = Boosting(sets, binning, codes, is_learnt, BoostSettings(), 1)
    assert forest.curve == again.curve
    best = int(np.argmax(forest.curve)) + 1
    logs = log_shares(forest.scores(codes, best), sets.offsets)[sets.chosen_items()]
    assert logs[~is_learnt].mean() == pytest.approx(max(forest.curve))
    assert max(forest.curve) > -np.log(sets.counts()).mean() + 0.25
    assert len(forest.curve) == min(best + BoostSettings().patience, BoostSettings().max_trees)


def test_a_decision_without_weight_is_not_learnt_from() -> None:
    sets = made_choices(300, seed=4)
    binning = Binning(sets.items)
    codes = binning.codes(sets.items)
    settings = BoostSettings(max_trees=3, sampled_sets=10**6)
    weighted = replace(sets, weights=(np.arange(300) < 200).astype(np.float32))
    other = weighted.chosen.copy()
    other[200:] = 0
    everybody = np.ones(300, dtype=bool)
    one = Boosting(weighted, binning, codes, everybody, settings, 1)
    two = Boosting(replace(weighted, chosen=other), binning, codes, everybody, settings, 1)
    np.testing.assert_array_equal(one.scores(codes, 3), two.scores(codes, 3))
