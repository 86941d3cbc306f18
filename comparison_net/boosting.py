"""Boosted trees on choices: each tree takes a step down the listwise loss, the shares of a set counted exactly.

N decisions, M alternatives, F features, T thresholds of all features, D levels of a tree, L = 2^D leaves.

Newton boosting (Friedman 2001; Chen and Guestrin 2016): with p the share of an alternative in its set and y what was
chosen, a leaf's value is -sum(p - y) / (sum(p (1 - p)) + RIDGE). Trees are grown level by level; the gains of all
thresholds in all leaves of a level are one product of matrices, on a sample of decisions drawn anew for each tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison_net.choices import ChoiceSets, log_shares
from comparison_net.tools import Bools, Float32s, Float64s, Int64s

MAX_BINS = 32
RIDGE = 1.0
LEAST_CURVATURE = 1.0
"""Sum of p (1 - p) that a leaf must have."""
_BLOCK = 65_536
"""Rows that a tree scores at a time."""
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class BoostSettings:
    """How trees are grown.

    Attributes:
        rate: share of a tree's step that is taken.
        depth: D.
        max_trees: at most.
        sampled_sets: decisions that a tree is grown on, at most, and at most half of all.
        sampled_features: share of the features that a tree may read.
        patience: trees without a better held-out likelihood before it stops.
    """

    rate: float = 0.1
    depth: int = 4
    max_trees: int = 300
    sampled_sets: int = 8192
    sampled_features: float = 0.8
    patience: int = 30


@dataclass(frozen=True, eq=False)
class Tree:
    """A complete tree: node i has the children 2 i + 1 (code below the threshold) and 2 i + 2.

    Attributes:
        features: int64[2^D - 1].
        bins: uint8[2^D - 1]; an alternative whose code is at least that goes to the right. 255: all go left.
        values: float64[2^D], the leaves.
    """

    features: Int64s
    bins: Codes
    values: Float64s

    def leaves(self, codes: Codes) -> Int64s:
        """int64[M], the leaf of each row of codes uint8[M, F]."""
        rows = np.arange(len(codes))
        nodes = np.zeros(len(codes), dtype=np.int64)
        for _ in range(len(self.values).bit_length() - 1):
            nodes = 2 * nodes + 1 + (codes[rows, self.features[nodes]] >= self.bins[nodes])
        return nodes - len(self.features)


class Binning:
    """Thresholds of every feature at quantiles of what was seen."""

    def __init__(self, rows: npt.NDArray[Any]) -> None:
        """Of rows float[M, F]: at most MAX_BINS - 1 thresholds for each feature, between values that occur."""
        self.edges: list[Float64s] = []
        for column in rows.T:
            values = np.unique(column)
            if len(values) > MAX_BINS:
                values = np.unique(np.quantile(column, np.linspace(0, 1, MAX_BINS), method="nearest"))
            self.edges.append(((values[1:] + values[:-1]) / 2).astype(np.float64))

    def codes(self, rows: npt.NDArray[Any]) -> Codes:
        """uint8[M, F], the thresholds that each number has passed."""
        columns = [
            np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges, rows.T, strict=True)
        ]
        return np.stack(columns, 1).astype(np.uint8)

    def thresholds(self, features: Int64s) -> tuple[Int64s, Codes]:
        """int64[T] and uint8[T]: feature and least code to the right, for all thresholds of some features."""
        counts = np.array([len(self.edges[feature]) for feature in features], dtype=np.int64)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(features, counts), (np.arange(counts.sum()) - starts + 1).astype(np.uint8)


class Boosting:
    """Trees on the decisions of one part, watched on those of another.

    Attributes:
        trees: as they were grown.
        curve: mean held-out log-likelihood after each.
    """

    def __init__(
        self, sets: ChoiceSets, binning: Binning, codes: Codes, is_learnt: Bools, settings: BoostSettings, seed: int
    ) -> None:
        """Grow.

        Args:
            sets: in each of which somebody chose.
            binning: of the features.
            codes: uint8[M, F] of the alternatives.
            is_learnt: bool[N]; the others say when to stop.
            settings: how trees are grown.
            seed: of the samples.
        """
        self.settings = settings
        self.trees: list[Tree] = []
        self.curve: list[float] = []
        rng = np.random.default_rng([seed, 11])
        weights = np.ones(len(sets)) if sets.weights is None else sets.weights.astype(np.float64)
        target = np.zeros(sets.num_items)
        target[sets.chosen_items()] = 1.0
        scores, rows_of = np.zeros(sets.num_items), np.flatnonzero(is_learnt)
        best, owners = 0, sets.owners()
        while len(self.trees) < settings.max_trees and len(self.trees) - best < settings.patience:
            shares = np.exp(log_shares(scores, sets.offsets))
            drawn = rng.choice(rows_of, min(settings.sampled_sets, -(-len(rows_of) // 2)), replace=False)
            items = np.flatnonzero(np.isin(owners, drawn))
            slopes = (shares - target)[items] * weights[owners[items]]
            curvatures = np.maximum(shares * (1 - shares), 1e-6)[items] * weights[owners[items]]
            features = np.sort(rng.permutation(len(binning.edges))[: self._num_features(len(binning.edges))])
            tree = self._grow(codes[items], slopes, curvatures, binning.thresholds(features))
            self.trees.append(tree)
            scores += tree.values[tree.leaves(codes)]
            logs = log_shares(scores, sets.offsets)[sets.chosen_items()]
            judged = is_learnt if is_learnt.all() else ~is_learnt
            self.curve.append(float(np.average(logs[judged], weights=weights[judged])))
            if self.curve[-1] > self.curve[best - 1] or len(self.curve) == 1:
                best = len(self.curve)

    def _num_features(self, most: int) -> int:
        return max(min(most, 8), round(most * self.settings.sampled_features))

    def _grow(self, codes: Codes, slopes: Float64s, curvatures: Float64s, thresholds: tuple[Int64s, Codes]) -> Tree:
        """One tree on the alternatives of a sample."""
        features, bins = thresholds
        depth = self.settings.depth
        tree_features = np.zeros(2**depth - 1, dtype=np.int64)
        tree_bins = np.full(2**depth - 1, 255, dtype=np.uint8)
        is_right = (codes[:, features] >= bins).astype(np.float32)
        places = np.zeros(len(codes), dtype=np.int64)  # of each row within its level
        for level in range(depth):
            size = 2**level
            both = np.zeros((len(codes), 2 * size), dtype=np.float32)
            both[np.arange(len(codes)), places] = slopes
            both[np.arange(len(codes)), size + places] = curvatures
            right = is_right.T @ both
            best, gains = best_splits(right, both.sum(axis=0), size)
            first = size - 1
            worthy = gains > 0
            tree_features[first : first + size][worthy] = features[best[worthy]]
            tree_bins[first : first + size][worthy] = bins[best[worthy]]
            goes_right = worthy[places] & (codes[np.arange(len(codes)), features[best[places]]] >= bins[best[places]])
            places = 2 * places + goes_right
        slope, curvature = (np.bincount(places, one, 2**depth) for one in (slopes, curvatures))
        return Tree(tree_features, tree_bins, -self.settings.rate * slope / (curvature + RIDGE))

    def scores(self, codes: Codes, num_trees: int) -> Float64s:
        """float64[M], the sum of the first trees for codes uint8[M, F]."""
        total = np.zeros(len(codes))
        for start in range(0, len(codes), _BLOCK):
            part = codes[start : start + _BLOCK]
            for tree in self.trees[:num_trees]:
                total[start : start + _BLOCK] += tree.values[tree.leaves(part)]
        return total


def best_splits(right: Float32s, totals: Float32s, size: int) -> tuple[Int64s, Float64s]:
    """The best threshold of each leaf, int64[size], and what it gains, float64[size].

    Args:
        right: float32[T, 2 size], sums of slopes, then of curvatures, of what goes right in each leaf.
        totals: float32[2 size], the same of all.
        size: leaves of the level.
    """
    slopes, curvatures = right[:, :size].astype(np.float64), right[:, size:].astype(np.float64)
    all_slopes, all_curvatures = totals[:size].astype(np.float64), totals[size:].astype(np.float64)
    others, other_curvatures = all_slopes - slopes, all_curvatures - curvatures
    gains = slopes**2 / (curvatures + RIDGE) + others**2 / (other_curvatures + RIDGE)
    gains -= all_slopes**2 / (all_curvatures + RIDGE)
    gains[(curvatures < LEAST_CURVATURE) | (other_curvatures < LEAST_CURVATURE)] = -np.inf
    best = gains.argmax(axis=0)
    return best, gains[best, np.arange(size)]
