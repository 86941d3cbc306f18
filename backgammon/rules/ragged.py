"""Groups of rows that stand one after the other: what numpy lacks for the candidates of many decisions.

Axis legend: N groups, M rows of all of them together; group i are the rows offsets[i] to offsets[i + 1], at least one.
`offsets` is int64[N + 1], strictly increasing from 0 to M. A row is counted from the start of its group where a name
says `row`, and among all M where it says `place`. Of equal values the first comes first; NaN stands behind all numbers.
"""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from backgammon.tools.arrays import Int64s, Offsets

Values = npt.NDArray[Any]
Array = TypeVar("Array", bound=npt.NDArray[Any])


def offsets_of(counts: npt.NDArray[np.integer[Any]]) -> Offsets:
    """Where groups of so many rows each begin, int64[N + 1], for counts int[N].

    >>> offsets_of(np.array([2, 3])).tolist()
    [0, 2, 5]
    """
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def owners(offsets: Offsets) -> Int64s:
    """The group of each row, int64[M].

    >>> owners(np.array([0, 2, 5])).tolist()
    [0, 0, 1, 1, 1]
    """
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def spread(values: Array, offsets: Offsets) -> Array:
    """A value [N] of each group at each of its rows, [M]."""
    return np.repeat(values, np.diff(offsets), axis=0)  # type: ignore[return-value]


def largest(values: Values, offsets: Offsets) -> Values:
    """The largest value of each group, [N]; NaN only where there is no number."""
    return np.fmax.reduceat(values, offsets[:-1]) if len(offsets) > 1 else values[:0]


def smallest(values: Values, offsets: Offsets) -> Values:
    """The smallest value of each group, [N]; NaN only where there is no number."""
    return np.fmin.reduceat(values, offsets[:-1]) if len(offsets) > 1 else values[:0]


def total(values: Values, offsets: Offsets) -> Values:
    """The sum of each group, [N, ...], of values [M, ...]; truths are counted."""
    summed = values.astype(np.int64) if values.dtype == np.bool_ else values
    return np.add.reduceat(summed, offsets[:-1], axis=0) if len(offsets) > 1 else summed[:0]


def best(values: Values, offsets: Offsets) -> Int64s:
    """Row int64[N] of the largest value of each group; of equal ones the first, where all are NaN row 0.

    >>> best(np.array([1.0, 3.0, 3.0, 2.0, np.nan]), np.array([0, 3, 5])).tolist()
    [1, 0]
    """
    starts = offsets[:-1]
    hits = np.flatnonzero(values == spread(largest(values, offsets), offsets))
    first = np.append(hits, len(values))[np.searchsorted(hits, starts)]
    rows: Int64s = np.where(first < offsets[1:], first - starts, 0)
    return rows


def order(values: Values, offsets: Offsets) -> Int64s:
    """Places int64[M] group by group, the largest value of each group first.

    >>> order(np.array([1.0, 3.0, 3.0, 2.0, np.nan]), np.array([0, 3, 5])).tolist()
    [1, 2, 0, 3, 4]
    """
    return np.lexsort((-values, owners(offsets)))


def ranks(values: Values, offsets: Offsets) -> Int64s:
    """Rank int64[M] of each row in its group, from 0 for the largest value.

    >>> ranks(np.array([1.0, 3.0, 3.0, 2.0, np.nan]), np.array([0, 3, 5])).tolist()
    [2, 0, 1, 0, 1]
    """
    found = np.empty(len(values), dtype=np.int64)
    found[order(values, offsets)] = np.arange(len(values)) - spread(offsets[:-1], offsets)
    return found


def take(offsets: Offsets, groups: Int64s) -> tuple[Int64s, Offsets]:
    """Places int64[K] of the rows of some groups int64[B], one group after the other, and the offsets int64[B + 1].

    >>> places, cut = take(np.array([0, 2, 5]), np.array([1, 0]))
    >>> places.tolist(), cut.tolist()
    ([2, 3, 4, 0, 1], [0, 3, 5])
    """
    cut = offsets_of(np.diff(offsets)[groups])
    places: Int64s = spread(offsets[groups] - cut[:-1], cut) + np.arange(cut[-1])
    return places, cut


def keep(is_kept: npt.NDArray[np.bool_], offsets: Offsets) -> Offsets:
    """Offsets int64[N + 1] of what is left of every group when only the rows bool[M] stay; no group may become empty.

    >>> keep(np.array([True, False, False, True, True]), np.array([0, 2, 5])).tolist()
    [0, 1, 3]
    """
    return offsets_of(total(is_kept, offsets))


def split(counts: npt.NDArray[np.integer[Any]], size: int) -> list[slice]:
    """Groups of counts int[N], N >= 1, cut into consecutive parts of about `size` rows each, alike in rows.

    The cut depends on the counts alone, not on who works on the parts, so sums over parts are the same for any number
    of workers.

    >>> split(np.array([5, 5, 5, 5, 5, 5]), 10)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    ends = np.cumsum(counts, dtype=np.int64)
    num_parts = max(1, round(int(ends[-1]) / size))
    inner = np.searchsorted(ends, ends[-1] * np.arange(1, num_parts) / num_parts, side="right")
    bounds = [0, *inner.tolist(), len(ends)]
    return [slice(first, last) for first, last in itertools.pairwise(bounds) if last > first]
