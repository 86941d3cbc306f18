"""Boosted trees on choices: each tree takes a step down the listwise loss, the shares of a set counted exactly.

N decisions, M alternatives, F features, T thresholds of all features, D levels of a tree, L = 2^D leaves.

Newton boosting (Friedman 2001; Chen and Guestrin 2016): with p the share of an alternative in its set and y what was
chosen, a leaf's value is -sum(p - y) / (sum(p (1 - p)) + RIDGE). Trees are grown level by level; the gains of all
thresholds in all leaves of a level are products of matrices, on a sample of decisions drawn anew for each tree.
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
_SMALL_PRODUCT = 100_000
"""Multiplications of a product that no library shares among threads."""
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
        judged = is_learnt if is_learnt.all() else ~is_learnt
        logs = log_shares(scores, sets.offsets)
        while len(self.trees) < settings.max_trees and len(self.trees) - best < settings.patience:
            shares = np.exp(logs)
            is_drawn = np.zeros(len(sets), dtype=np.bool_)
            is_drawn[rng.choice(rows_of, min(settings.sampled_sets, -(-len(rows_of) // 2)), replace=False)] = True
            items = np.flatnonzero(is_drawn[owners])
            slopes = (shares[items] - target[items]) * weights[owners[items]]
            curvatures = np.maximum(shares[items] * (1 - shares[items]), 1e-6) * weights[owners[items]]
            features = np.sort(rng.permutation(len(binning.edges))[: self._num_features(len(binning.edges))])
            tree = self._grow(codes[items], slopes, curvatures, binning.thresholds(features))
            self.trees.append(tree)
            scores += tree.values[tree.leaves(codes)]
            logs = log_shares(scores, sets.offsets)
            self.curve.append(float(np.average(logs[sets.chosen_items()][judged], weights=weights[judged])))
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
        passed = Passed(codes, features, bins, 2 ** (depth - 1))
        places = np.zeros(len(codes), dtype=np.int64)  # of each row within its level
        right = passed.sums(slopes, curvatures, places, 1)
        for level in range(depth):
            size = 2**level
            if level:
                right = _sums_of_children(right, passed, slopes, curvatures, places)
            totals = np.concatenate([np.bincount(places, one, size) for one in (slopes, curvatures)])
            best, gains = best_splits(right, totals, size)
            first = size - 1
            worthy = gains > 0
            tree_features[first : first + size][worthy] = features[best[worthy]]
            tree_bins[first : first + size][worthy] = bins[best[worthy]]
            places = 2 * places + (worthy[places] & passed.of(best[places]))
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


class Passed:
    """Which rows pass which thresholds, in blocks whose products with a few columns are small.

    One product of everything would be shared among threads that mostly wait: that burnt four times the processor time.
    Small ones are computed by the thread that asks, and what they read stays near.
    """

    def __init__(self, codes: Codes, features: Int64s, bins: Codes, most_nodes: int) -> None:
        """Of R rows.

        Args:
            codes: uint8[R, F].
            features: int64[T], of each threshold.
            bins: uint8[T], the least code that passes; at least 1.
            most_nodes: that sums will be asked for.
        """
        self.num_rows = len(codes)
        self.size = int(np.clip(_SMALL_PRODUCT // max(1, len(bins) * most_nodes), 16, 256))
        padded = np.zeros((-(-len(codes) // self.size) * self.size, codes.shape[1]), dtype=np.uint8)
        padded[: len(codes)] = codes
        blocks = np.ascontiguousarray(padded.reshape(-1, self.size, codes.shape[1]).transpose(0, 2, 1))
        self.blocks = (blocks[:, features] >= bins[:, None]).astype(np.float32)  # [R / size, T, size]

    def of(self, thresholds: Int64s) -> Bools:
        """bool[R], whether each row passes its threshold of int64[R]."""
        rows = np.arange(self.num_rows)
        passed: Bools = self.blocks[rows // self.size, thresholds, rows % self.size] > 0
        return passed

    def sums(self, slopes: Float64s, curvatures: Float64s, nodes: Int64s, num_nodes: int) -> Float32s:
        """float32[T, 2 K], over the rows of each of K nodes that pass each threshold: of slopes, then of curvatures.

        Args:
            slopes: float64[R].
            curvatures: float64[R].
            nodes: int64[R], the node of each row; below 0 for none.
            num_nodes: K.
        """
        columns = np.zeros((len(self.blocks) * self.size, 2 * num_nodes), dtype=np.float32)
        rows = np.flatnonzero(nodes >= 0)
        columns[rows, nodes[rows]] = slopes[rows]
        columns[rows, num_nodes + nodes[rows]] = curvatures[rows]
        sums: Float32s = (self.blocks @ columns.reshape(-1, self.size, 2 * num_nodes)).sum(axis=0)
        return sums


def _sums_of_children(
    right: Float32s, passed: Passed, slopes: Float64s, curvatures: Float64s, places: Int64s
) -> Float32s:
    """`Passed.sums` of K nodes from those of the K / 2 nodes above: a left one is its parent less its right sister.

    Args:
        right: float32[T, K], of the nodes above.
        passed: the thresholds of all rows.
        slopes: float64[R].
        curvatures: float64[R].
        places: int64[R], the node of each row, of K.
    """
    sisters = passed.sums(slopes, curvatures, np.where(places % 2, places // 2, -1), right.shape[1] // 2)
    children = np.empty((len(right), 2 * right.shape[1]), dtype=np.float32)
    children[:, ::2], children[:, 1::2] = right - sisters, sisters
    return children


def best_splits(right: Float32s, totals: Float64s, size: int) -> tuple[Int64s, Float64s]:
    """The best threshold of each leaf, int64[size], and what it gains, float64[size].

    Args:
        right: float32[T, 2 size], sums of slopes, then of curvatures, of what goes right in each leaf.
        totals: float64[2 size], the same of all.
        size: leaves of the level.
    """
    slopes, curvatures = right[:, :size].astype(np.float64), right[:, size:].astype(np.float64)
    all_slopes, all_curvatures = totals[:size], totals[size:]
    others, other_curvatures = all_slopes - slopes, all_curvatures - curvatures
    gains = slopes**2 / (curvatures + RIDGE) + others**2 / (other_curvatures + RIDGE)
    gains -= all_slopes**2 / (all_curvatures + RIDGE)
    gains[(curvatures < LEAST_CURVATURE) | (other_curvatures < LEAST_CURVATURE)] = -np.inf
    best = gains.argmax(axis=0)
    return best, gains[best, np.arange(size)]
