"""Choices among alternatives: the one shape of data that the learner reads.

N decisions, each with alternatives of its own; M alternatives of all of them, one decision after the other; L the most
alternatives of one decision; C outcome classes; R alternatives of which an outcome is known.

A decision is one choice set: somebody met its alternatives and took one, or somebody says what each is worth, or both.
What an alternative is does not matter here: items are opaque rows, read by an encoder. `ChoiceSets.from_arrays` makes
choice sets of a long table of numbers; `choice_tables` of data frames and files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from comparison_net.columns import checked_matrix, checked_truths, checked_values, checked_weights, per_set
from comparison_net.grouping import Grouping, group_rows, id_column, number_ids, sizes_to_ids
from comparison_net.tools import Bools, DataError, Float32s, Float64s, Int64s

UNKNOWN = -1
"""In the place of the chosen alternative where nobody knows."""


@dataclass(frozen=True, eq=False)
class ChoiceSets:
    """Decisions with all their alternatives.

    Attributes:
        items: M alternatives; anything with a length that an int64 array of rows picks from, such as float32[M, F].
        offsets: int64[N + 1]; decision i owns the items offsets[i] to offsets[i + 1], at least one.
        chosen: int64[N], counted from the start of the decision; UNKNOWN where nobody knows.
        context: N rows of what the alternatives of a decision have in common, as the encoder wants it; None for none.
        values: float32[M], what each alternative is worth, NaN where unknown; None where nothing is known.
        outcomes: float32[M, C], chances of the outcome classes, rows of NaN where unknown; None likewise.
        weights: float32[N], how much each decision counts; None for all alike.
        strata: int64[N], codes of `Domain.strata`; None for one stratum.
        units: int64[N], number of what is independent of everything else, such as a person: it is held out whole; None
            where each decision stands for itself.
        names: of the features, where items are rows of numbers; () for none.
    """

    items: Any
    offsets: Int64s
    chosen: Int64s
    context: Any = None
    values: Float32s | None = None
    outcomes: Float32s | None = None
    weights: Float32s | None = None
    strata: Int64s | None = None
    units: Int64s | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def from_arrays(
        cls,
        X: Any,  # noqa: N803 - what everybody calls it
        groups: Any = None,
        *,
        sizes: Any = None,
        chosen: Any = None,
        values: Any = None,
        weights: Any = None,
        context: Any = None,
        units: Any = None,
        available: Any = None,
        names: Sequence[str] = (),
    ) -> ChoiceSets:
        """Choice sets of a long table: a row for each alternative.

        Args:
            X: float[M, F], features of the alternatives.
            groups: M ids of the choice sets, of any type, in any order, with gaps; the sets stand in the order of their
                first row.
            sizes: int[N] in the place of `groups`, where the rows of each set stand together.
            chosen: bool[M], true for one row of each set; or int[N], counted from the start of each set, UNKNOWN (-1)
                where nobody knows; None where nobody knows at all.
            values: float[M], what each alternative is worth; NaN where unknown.
            weights: float[N], or float[M] with one number for all rows of a set.
            context: float[N, K], what the alternatives of a set have in common.
            units: ids of what is independent, such as persons: N of them, or M as for weights.
            available: bool[M]; rows where it is false are left out of their sets.
            names: of the features.

        Raises:
            DataError: arrays that do not fit together, no number in X, two chosen rows or none in a set, a chosen row
                that is not available, a set without alternatives.

        >>> sets = ChoiceSets.from_arrays([[1.0], [2.0], [3.0]], ["b", "a", "b"], chosen=[0, 1, 1])
        >>> sets.items.ravel().tolist(), sets.offsets.tolist(), sets.chosen.tolist()
        ([1.0, 3.0, 2.0], [0, 2, 3], [1, 0])
        """
        items = checked_matrix(X, names)
        if groups is None and sizes is None:
            raise DataError("the rows belong to no set: give groups, an id for each row, or the sizes of the sets")
        if groups is not None and sizes is not None:
            raise DataError("groups and sizes both say which rows belong together: give one of them")
        ids = sizes_to_ids(sizes, len(items)) if groups is None else id_column(groups, len(items))
        is_available = None if available is None else checked_truths(available, len(items), "available")
        grouping = group_rows(ids, is_available)
        rows = grouping.order
        return cls(
            items[rows],
            grouping.offsets,
            _chosen_rows(chosen, grouping, len(items)),
            None if context is None else per_set(checked_matrix(context), grouping, len(items), "context"),
            None if values is None else checked_values(values, len(items))[rows],
            weights=None if weights is None else checked_weights(weights, grouping, len(items)),
            units=None if units is None else number_ids(per_set(units, grouping, len(items), "units"), "unit")[0],
            names=tuple(names),
        )

    def __len__(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @property
    def num_items(self) -> int:
        """M."""
        return int(self.offsets[-1])

    def counts(self) -> Int64s:
        """int64[N], alternatives of each decision."""
        return np.diff(self.offsets)

    def owners(self) -> Int64s:
        """int64[M], the decision of each alternative."""
        return np.repeat(np.arange(len(self)), self.counts())

    def chosen_items(self) -> Int64s:
        """int64[N], the chosen alternatives as rows of `items`."""
        return self.offsets[:-1] + self.chosen

    def mask(self) -> Bools:
        """bool[N, L], True where a decision has an alternative; its True entries in row order are the alternatives."""
        counts = self.counts()
        is_real: Bools = np.arange(counts.max()) < counts[:, None]
        return is_real

    def value_losses(self, rows: Int64s) -> Float32s:
        """What taking alternatives `rows` loses to the best, float32[N]; NaN where no value is known.

        Args:
            rows: int64[N], counted from the start of the decision. One of unknown value costs what the worst of known
                value costs: who gives values leaves out what looks bad.
        """
        assert self.values is not None
        starts = self.offsets[:-1]
        taken = self.values[starts + rows]
        worst = np.fmin.reduceat(self.values, starts)
        return np.fmax.reduceat(self.values, starts) - np.where(np.isnan(taken), worst, taken)

    def sample(self, limit: int, rng: np.random.Generator, keep: Keeper | None = None) -> ChoiceSets:
        """The decisions with `limit` alternatives at most: the chosen one, the best by value, and others drawn.

        Half of them are the best by their values (and the chosen one in any case), the other half come at random from
        the rest: near ones decide, and of the hopeless ones a few are enough to learn that they are.

        Args:
            limit: at least 2.
            rng: draws.
            keep: a faster `kept_items`; None for that.
        """
        keys, chosen_items = rng.random(self.num_items), self.chosen_items()
        kept = (keep or kept_items)(keys, self.values, self.offsets, chosen_items, limit)
        offsets = np.concatenate([[0], np.cumsum(np.minimum(self.counts(), limit))])
        return ChoiceSets(
            self.items[kept],
            offsets,
            np.searchsorted(kept, chosen_items) - offsets[:-1],
            self.context,
            None if self.values is None else self.values[kept],
            None if self.outcomes is None else self.outcomes[kept],
            self.weights,
            self.strata,
            self.units,
            self.names,
        )

    def take(self, rows: Int64s) -> ChoiceSets:
        """The decisions `rows`, int64[K], in that order."""
        offsets = np.concatenate([[0], np.cumsum(self.counts()[rows])])
        items = np.repeat(self.offsets[rows] - offsets[:-1], np.diff(offsets)) + np.arange(offsets[-1])
        return ChoiceSets(
            self.items[items],
            offsets,
            self.chosen[rows],
            None if self.context is None else self.context[rows],
            None if self.values is None else self.values[items],
            None if self.outcomes is None else self.outcomes[items],
            None if self.weights is None else self.weights[rows],
            None if self.strata is None else self.strata[rows],
            None if self.units is None else self.units[rows],
            self.names,
        )

    def outcome_targets(self) -> OutcomeTargets | None:
        """What an outcome head should say; None where no outcome is known."""
        if self.outcomes is None:
            return None
        is_known = ~np.isnan(self.outcomes[:, 0])
        num_known = np.add.reduceat(is_known.astype(np.int64), self.offsets[:-1])
        rows = np.flatnonzero(is_known)
        shares = np.repeat(1 / np.maximum(num_known, 1), self.counts()).astype(np.float32)
        return OutcomeTargets(rows, self.outcomes[rows], shares[rows], int((num_known > 0).sum()))


class Keeper(Protocol):
    """Which alternatives a sample keeps."""

    def __call__(
        self, keys: Float64s, values: Float32s | None, offsets: Int64s, chosen_items: Int64s, limit: int
    ) -> Int64s:
        """See `kept_items`."""


def kept_items(keys: Float64s, values: Float32s | None, offsets: Int64s, chosen_items: Int64s, limit: int) -> Int64s:
    """The alternatives that `ChoiceSets.sample` keeps, int64[K], ascending.

    Args:
        keys: float64[M], drawn from [0, 1).
        values: float32[M], NaN where unknown; None without.
        offsets: int64[N + 1].
        chosen_items: int64[N], rows of the chosen ones.
        limit: at most so many of a decision: the chosen one, then the first `limit` // 2 by value, of equal ones the
            first, then the smallest keys.
    """
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    ranked = keys.copy()
    if values is not None:
        by_value = np.lexsort((-values, owners))  # NaN, unknown, stands last
        ranks = np.empty(len(by_value), dtype=np.int64)
        ranks[by_value] = np.arange(len(by_value)) - offsets[owners]
        is_best = (ranks < limit // 2) & ~np.isnan(values)
        ranked[is_best] -= 1.0
    ranked[chosen_items] = -2.0
    order = np.lexsort((ranked, owners))
    places = np.arange(len(order)) - offsets[owners]
    return np.sort(order[places < limit])


class OutcomeTargets(NamedTuple):
    """What the outcome head should say about the alternatives of which something is known.

    Attributes:
        rows: int64[R], ascending, of the M items.
        probabilities: float32[R, C].
        weights: float32[R]; they sum to 1 for each decision of which something is known.
        num_decisions: their number.
    """

    rows: Int64s
    probabilities: Float32s
    weights: Float32s
    num_decisions: int


def log_shares(scores: Float64s, offsets: Int64s) -> Float64s:
    """Logarithms of each alternative's share of its set (softmax of the scores), float64[M].

    Args:
        scores: float64[M].
        offsets: int64[N + 1], as in `ChoiceSets`.
    """
    starts, owners = offsets[:-1], np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    below = scores - np.maximum.reduceat(scores, starts)[owners]
    logs: Float64s = below - np.log(np.add.reduceat(np.exp(below), starts))[owners]
    return logs


def _chosen_rows(chosen: Any, grouping: Grouping, num_rows: int) -> Int64s:
    """int64[N] from truths by row, or from rows counted within their sets."""
    counts = np.diff(grouping.offsets)
    if chosen is None:
        return np.full(len(grouping), UNKNOWN)
    array = np.asarray(chosen)
    is_by_set = array.shape == (len(grouping),) and np.issubdtype(array.dtype, np.integer)
    # sets of one row each: ones mark rows, nothing but zeros counts from the start of each set
    if is_by_set and not (len(grouping) == num_rows and (array == 1).any()):
        if (wrong := np.flatnonzero((array < UNKNOWN) | (array >= counts))).size:
            name, row, size = grouping.name(int(wrong[0])), array[wrong[0]], counts[wrong[0]]
            raise DataError(f"{name}: row {row} is chosen of {size} alternatives; count from 0 within the set")
        return array.astype(np.int64)
    if array.shape == (len(grouping),) != (num_rows,):
        raise DataError(f"chosen are {array.dtype}: give a whole number for each set, or mark one of its rows")
    is_chosen = checked_truths(array, num_rows, "chosen")
    if (lost := np.setdiff1d(np.flatnonzero(is_chosen), grouping.order)).size:
        raise DataError(f"row {lost[0]} is chosen but not available; mend one of the two")
    places = np.flatnonzero(is_chosen[grouping.order])
    owners = grouping.owners()[places]
    per_set = np.bincount(owners, minlength=len(grouping))
    if (wrong := np.flatnonzero(per_set != 1)).size:
        first = int(wrong[0])
        name, rows = grouping.name(first), grouping.rows_of(first)
        number = "none is" if per_set[first] == 0 else f"{per_set[first]} are"
        raise DataError(f"{name} ({rows}): {number} chosen; mark one row, or leave the set out")
    result: Int64s = places - grouping.offsets[:-1]
    return result
