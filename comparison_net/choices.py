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
import numpy.typing as npt

from comparison_net.grouping import Grouping, group_rows, number_ids, plain, sizes_to_ids
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
        if (groups is None) == (sizes is None):
            raise DataError("the rows belong to no set: give groups, an id for each row, or the sizes of the sets")
        ids = sizes_to_ids(sizes, len(items)) if groups is None else groups
        if np.shape(ids) != (len(items),):
            raise DataError(f"{np.shape(ids)[0] if np.ndim(ids) else 0} group ids for {len(items)} rows: give one each")
        is_available = None if available is None else _truths(available, len(items), "available")
        grouping = group_rows(ids, is_available)
        rows = grouping.order
        return cls(
            items[rows],
            grouping.offsets,
            _chosen_rows(chosen, grouping, len(items)),
            None if context is None else _per_set(checked_matrix(context), grouping, len(items), "context"),
            None if values is None else _numbers(values, len(items), "values", has_gaps=True)[rows],
            weights=None if weights is None else _weights(weights, grouping, len(items)),
            units=None if units is None else number_ids(_per_set(units, grouping, len(items), "units"))[0],
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


def checked_matrix(X: Any, names: Sequence[str] = ()) -> npt.NDArray[Any]:  # noqa: N803
    """float[M, F] of numbers, float32 where it is given so and float64 otherwise.

    Raises:
        DataError: another shape, something that is no finite number, or other names than columns.
    """
    if hasattr(X, "tocsr"):
        raise DataError("the features are a sparse matrix, which is not read; give X.toarray()")
    try:
        given = np.asarray(X)
        if np.iscomplexobj(given):
            raise DataError("Complex data not supported: the features have imaginary parts; give real numbers")
        rows = given if given.dtype == np.float32 else given.astype(np.float64)
    except DataError:
        raise
    except (TypeError, ValueError) as error:
        raise DataError(f"the features are not all numbers ({error}); code words as numbers first") from None
    if rows.ndim != 2:
        raise DataError(
            f"the features have the shape {list(rows.shape)}: give a row for each alternative. Reshape your data: "
            "X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one alternative"
        )
    if not rows.shape[1]:
        raise DataError(f"0 feature(s) (shape={rows.shape}) while a minimum of 1 is required; give at least one column")
    if names and len(names) != rows.shape[1]:
        raise DataError(f"{len(names)} names for {rows.shape[1]} features: give one for each column")
    if (wrong := np.argwhere(~np.isfinite(rows))).size:
        row, column = wrong[0].tolist()
        name = repr(names[column]) if names else str(column)
        value = "NaN" if np.isnan(rows[row, column]) else str(rows[row, column])
        raise DataError(f"row {row}, column {name}: {value} is no number; fill the gap or drop the set")
    return rows


def _numbers(values: Any, num_rows: int, what: str, has_gaps: bool = False) -> Float32s:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (num_rows,):
        raise DataError(f"{what} have the shape {list(numbers.shape)}, {num_rows} numbers are needed")
    is_wrong = np.isinf(numbers) if has_gaps else ~np.isfinite(numbers)
    if (wrong := np.flatnonzero(is_wrong)).size:
        raise DataError(f"row {wrong[0]}: {numbers[wrong[0]]} in {what} is no number; give a finite one")
    return numbers.astype(np.float32)


def _truths(values: Any, num_rows: int, what: str) -> Bools:
    array = np.asarray(values)
    if array.shape != (num_rows,):
        raise DataError(f"{what} has the shape {list(array.shape)}, a truth for each of {num_rows} rows is needed")
    truths: Bools = array.astype(np.bool_)
    if array.dtype != np.bool_ and (wrong := np.flatnonzero(array != truths)).size:
        raise DataError(f"row {wrong[0]}: {plain(array[wrong[0]])!r} in {what}: give 0 or 1")
    return truths


def _chosen_rows(chosen: Any, grouping: Grouping, num_rows: int) -> Int64s:
    """int64[N] from truths by row, or from rows counted within their sets."""
    counts = np.diff(grouping.offsets)
    if chosen is None:
        return np.full(len(grouping), UNKNOWN)
    array = np.asarray(chosen)
    is_by_set = array.shape == (len(grouping),) and np.issubdtype(array.dtype, np.integer)
    if is_by_set and not (len(grouping) == num_rows and set(np.unique(array)) <= {0, 1}):
        if (wrong := np.flatnonzero((array < UNKNOWN) | (array >= counts))).size:
            name, row, size = grouping.name(int(wrong[0])), array[wrong[0]], counts[wrong[0]]
            raise DataError(f"{name}: row {row} is chosen of {size} alternatives; count from 0 within the set")
        return array.astype(np.int64)
    is_chosen = _truths(array, num_rows, "chosen")
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


def _per_set(values: Any, grouping: Grouping, num_rows: int, what: str) -> npt.NDArray[Any]:
    """One entry for each set, from as many or from one for each row that is the same within a set."""
    array = np.asarray(values)
    if len(array) == len(grouping):
        return array
    if len(array) != num_rows:
        raise DataError(f"{what}: {len(array)} entries for {len(grouping)} sets and {num_rows} rows; give one for each")
    sorted_rows = array[grouping.order]
    firsts: npt.NDArray[Any] = sorted_rows[grouping.offsets[:-1]]
    differs = sorted_rows != firsts[grouping.owners()]
    if (wrong := np.flatnonzero(differs.reshape(len(sorted_rows), -1).any(1))).size:
        name = grouping.name(int(grouping.owners()[wrong[0]]))
        raise DataError(f"{name}: {what} differ between its rows; give the same for all of them")
    return firsts


def _weights(values: Any, grouping: Grouping, num_rows: int) -> Float32s:
    weights = np.asarray(_per_set(values, grouping, num_rows, "weights"), dtype=np.float64)
    if (wrong := np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))).size:
        raise DataError(f"{grouping.name(int(wrong[0]))}: weight {weights[wrong[0]]}; give 0 or a positive number")
    if not weights.any():
        raise DataError("every weight is zero: there is nothing to learn from; give a positive one")
    return weights.astype(np.float32)
