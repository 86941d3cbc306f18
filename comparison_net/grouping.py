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


def same_kind(values: Any) -> Any:
    """A list of different kinds as an array of objects, everything else as it is: numpy would make 1 and "1" the same.

    >>> same_kind([1, "1"]).tolist()
    [1, '1']
    """
    if not isinstance(values, (list, tuple)):
        return values
    kinds = set(map(type, values))
    if len(kinds) <= 1 and not kinds & {tuple} and (kinds != {int} or np.asarray(values).dtype.kind in "iu"):
        return values
    objects = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        objects[row] = value
    return objects


def id_column(ids: Any, num_rows: int) -> npt.NDArray[Any]:
    """The ids of M rows.

    Raises:
        DataError: another number of them, or no column.
    """
    array = np.asarray(same_kind(ids))
    if array.ndim != 1:
        raise DataError(f"the group ids have the shape {list(array.shape)}: give one for each of {num_rows} rows")
    if len(array) != num_rows:
        raise DataError(f"{len(array)} group ids for {num_rows} rows: give one each")
    return array


def number_ids(ids: Any, what: str = "set") -> tuple[Int64s, npt.NDArray[Any]]:
    """The number of each id in the order of first appearance, int64[M], and the different ids.

    Args:
        ids: of any type that can be compared for equality.
        what: they are ids of.

    Raises:
        DataError: no column, an id that is missing (NaN), or one that cannot be compared.

    >>> number_ids(["b", "a", "b"])[0].tolist()
    [0, 1, 0]
    """
    array = np.asarray(same_kind(ids))
    if array.ndim != 1:
        raise DataError(f"ids have the shape {list(array.shape)}: give one for each row")
    if array.dtype == object:
        numbers: dict[Any, int] = {}
        try:
            codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in array), np.int64, len(array))
        except TypeError as error:
            raise DataError(f"an id of a {what} cannot be compared ({error}); give numbers, words or tuples") from None
        values = np.empty(len(numbers), dtype=object)
        for place, value in enumerate(numbers):
            values[place] = value
        gaps = np.array([is_missing(value) for value in values], dtype=np.bool_)
    else:
        values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
        by_appearance = np.argsort(first, kind="stable")
        ranks = np.empty(len(values), dtype=np.int64)
        ranks[by_appearance] = np.arange(len(values))
        codes, values = ranks[inverse], values[by_appearance]
        gaps = values != values
    if gaps.any():
        row = int(np.flatnonzero(gaps[codes])[0])
        raise DataError(f"row {row}: the id of its {what} is missing ({array[row]}); give it one, or leave the row out")
    return codes, values


def is_missing(value: Any) -> bool:
    """True of what does not equal itself: NaN, and the gaps of pandas. None is an id like any other."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


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
    total = sum(counts.tolist())  # exact, whatever the sizes
    if total != num_rows:
        raise DataError(f"the sizes add up to {total:,} rows of {num_rows:,}: give the size of every set")
    return np.repeat(np.arange(len(counts)), counts)
