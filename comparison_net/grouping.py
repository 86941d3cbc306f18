"""Rows of a long table to groups: ids of any type, in any order, with gaps.

M rows, N groups, K rows that count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison_net.tools import Bools, DataError, Int64s


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which rows belong together; groups stand in the order of their first row, rows of a group in their own order.

    Attributes:
        order: int64[K], rows of the table, one group after the other.
        offsets: int64[N + 1]; group i are the entries offsets[i] to offsets[i + 1] of `order`.
        ids: the N ids, for messages.
    """

    order: Int64s
    offsets: Int64s
    ids: npt.NDArray[Any]

    def __len__(self) -> int:
        """N."""
        return len(self.offsets) - 1

    def owners(self) -> Int64s:
        """int64[K], the group of each entry of `order`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def name(self, group: int) -> str:
        """A group by its id, in words."""
        return f"set {plain(self.ids[group])!r}"

    def rows_of(self, group: int) -> str:
        """The rows of a group in words."""
        rows = self.order[self.offsets[group] : self.offsets[group + 1]].tolist()
        return (
            f"row {rows[0]}" if len(rows) == 1 else f"rows {', '.join(map(str, rows[:5]))}" + ", ..." * (len(rows) > 5)
        )


def plain(value: Any) -> Any:
    """A number or word of numpy as Python shows it."""
    return value.item() if isinstance(value, np.generic) else value


def number_ids(ids: Any) -> tuple[Int64s, npt.NDArray[Any]]:
    """The number of each id in the order of first appearance, int64[M], and the different ids.

    >>> number_ids(["b", "a", "b"])[0].tolist()
    [0, 1, 0]
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise DataError(f"ids have the shape {list(array.shape)}: give one for each row")
    if array.dtype == object:
        numbers: dict[Any, int] = {}
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in array), np.int64, len(array))
        return codes, np.array(list(numbers), dtype=object)
    values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first, kind="stable")
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[by_appearance] = np.arange(len(values))
    return ranks[inverse], values[by_appearance]


def group_rows(ids: Any, is_kept: Bools | None = None) -> Grouping:
    """Rows by their group.

    Args:
        ids: one for each of M rows; of any type that can be compared for equality.
        is_kept: bool[M], rows that count; None for all.

    Raises:
        DataError: no row at all, or a group without a row that counts.
    """
    codes, names = number_ids(ids)
    if not len(codes):
        raise DataError("there is no row: give at least one choice set")
    order = np.argsort(codes, kind="stable")
    if is_kept is not None:
        order = order[is_kept[order]]
    counts = np.bincount(codes[order], minlength=len(names))
    if (empty := np.flatnonzero(counts == 0)).size:
        raise DataError(f"set {plain(names[empty[0]])!r}: none of its alternatives is available; drop the set")
    return Grouping(order, np.concatenate([[0], np.cumsum(counts)]), names)


def sizes_to_ids(sizes: Any, num_rows: int) -> Int64s:
    """A number for each of M rows from the sizes of groups that stand one after the other.

    Raises:
        DataError: they do not add up to the rows, or one is below 1.
    """
    counts = np.asarray(sizes)
    if counts.ndim != 1 or not np.issubdtype(counts.dtype, np.integer):
        raise DataError(f"sizes are {counts.dtype}{list(counts.shape)}: give a whole number for each set")
    if (wrong := np.flatnonzero(counts < 1)).size:
        raise DataError(f"set {wrong[0]} has {counts[wrong[0]]} alternatives: leave sets without alternatives out")
    if counts.sum() != num_rows:
        raise DataError(f"the sizes add up to {counts.sum():,} rows of {num_rows:,}: give the size of every set")
    return np.repeat(np.arange(len(counts)), counts)
