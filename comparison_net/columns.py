"""Columns of a long table as they come from people; what cannot be used is refused with its row and the mend.

M rows, N choice sets, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison_net.grouping import Grouping, plain, same_kind
from comparison_net.tools import Bools, DataError, Float32s, Float64s

LARGEST = float(np.finfo(np.float32).max)
"""Values and weights are kept in float32."""
_NO_NUMBERS = (TypeError, ValueError, OverflowError)


def checked_matrix(X: Any, names: Sequence[str] = ()) -> npt.NDArray[Any]:  # noqa: N803
    """float[M, F] of numbers, float32 where it is given so and float64 otherwise.

    Raises:
        DataError: another shape, something that is no finite number, or other names than columns.
    """
    if hasattr(X, "tocsr"):
        raise DataError("the features are a sparse matrix, which is not read; give X.toarray()")
    if np.ma.isMaskedArray(X):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    try:
        given = np.asarray(X)
        if np.iscomplexobj(given):
            raise DataError("Complex data not supported: the features have imaginary parts; give real numbers")
        if given.dtype.kind in "mM":
            raise DataError("the features are dates or times: give numbers, such as days since the first")
        rows = given if given.dtype == np.float32 else given.astype(np.float64)
    except DataError:
        raise
    except _NO_NUMBERS as error:
        fault = _first_fault(X, names) or str(error)
        raise DataError(f"the features are not all numbers: {fault}; code words as numbers first") from None
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
        value = "NaN" if np.isnan(rows[row, column]) else str(rows[row, column])
        raise DataError(
            f"row {row}, column {_named(column, names)}: {value} is no number; fill the gap or drop the set"
        )
    return rows


def _first_fault(X: Any, names: Sequence[str]) -> str:  # noqa: N803
    """Where rows cease to be rows of numbers, in words; empty where that cannot be found."""
    width = None
    for number, row in enumerate(X if isinstance(X, (list, tuple, np.ndarray)) else ()):
        if not isinstance(row, (list, tuple, np.ndarray)):
            return ""
        width = len(row) if width is None else width
        if len(row) != width:
            return f"row {number} has {len(row)} numbers and row 0 has {width}"
        for column, value in enumerate(row):
            if not is_number(value):
                where = f"row {number}, column {_named(column, names)}"
                return f"{where}: {_short(value)} is none"
    return ""


def _named(column: int, names: Sequence[str]) -> str:
    return repr(names[column]) if names else str(column)


def _short(value: Any) -> str:
    """A value in words that fit a line."""
    text = repr(plain(value))
    return text if len(text) <= 40 else f"{text[:37]}..."


def is_number(value: Any) -> bool:
    """True of what can be a float."""
    try:
        float(value)
    except _NO_NUMBERS:
        return False
    return True


def _column_of_numbers(values: Any, what: str) -> Float64s:
    """float64[K] of K numbers, gaps NaN.

    Raises:
        DataError: no column, or something that is no number.
    """
    array = np.asarray(same_kind(values))
    if array.ndim != 1:
        raise DataError(f"{what} have the shape {list(array.shape)}: give a column of numbers")
    try:
        return array.astype(np.float64)
    except _NO_NUMBERS:
        row = next(number for number, value in enumerate(array) if not is_number(value))
        raise DataError(f"{what}, row {row}: {_short(array[row])} is no number") from None


def checked_values(values: Any, num_rows: int) -> Float32s:
    """float32[M], NaN where unknown.

    Raises:
        DataError: another number of them, or one that is infinite or none.
    """
    numbers = _column_of_numbers(values, "values")
    if len(numbers) != num_rows:
        raise DataError(f"values have the shape [{len(numbers)}], {num_rows} numbers are needed")
    if (wrong := np.flatnonzero(np.abs(numbers) > LARGEST)).size:
        raise DataError(f"row {wrong[0]}: {numbers[wrong[0]]} in values is no number; give a finite one")
    return numbers.astype(np.float32)


def checked_truths(values: Any, num_rows: int, what: str) -> Bools:
    """bool[M] of truths, or of zeros and ones.

    Raises:
        DataError: another number of them, or something else.
    """
    array = np.asarray(values)
    if array.shape != (num_rows,):
        raise DataError(f"{what} has the shape {list(array.shape)}, a truth for each of {num_rows} rows is needed")
    if array.dtype == np.bool_:
        return array
    for row, value in enumerate(array) if array.dtype == object else ():
        if not isinstance(value, (bool, int, float, np.generic)):  # a gap of pandas is neither true nor false
            raise DataError(f"row {row}: {_short(value)} in {what}: give 0 or 1")
    truths: Bools = array.astype(np.bool_)
    if (wrong := np.flatnonzero(array != truths)).size:
        raise DataError(f"row {wrong[0]}: {_short(array[wrong[0]])} in {what}: give 0 or 1")
    return truths


def per_set(values: Any, grouping: Grouping, num_rows: int, what: str) -> npt.NDArray[Any]:
    """One entry for each set, from as many or from one for each row that is the same within a set.

    Raises:
        DataError: another number of entries, or different ones within a set.
    """
    array = np.asarray(same_kind(values))
    if array.ndim == 0:
        raise DataError(f"{what}: {_short(values)} alone; give one for each of {len(grouping)} sets")
    if len(array) == len(grouping):
        return array
    if len(array) != num_rows:
        raise DataError(f"{what}: {len(array)} entries for {len(grouping)} sets and {num_rows} rows; give one for each")
    sorted_rows = array[grouping.order]
    firsts: npt.NDArray[Any] = sorted_rows[grouping.offsets[:-1]]
    differs = np.asarray(sorted_rows != firsts[grouping.owners()], dtype=np.bool_)
    if (wrong := np.flatnonzero(differs.reshape(len(sorted_rows), -1).any(1))).size:
        name = grouping.name(int(grouping.owners()[wrong[0]]))
        raise DataError(f"{name}: {what} differ between its rows; give the same for all of them")
    return firsts


def checked_weights(values: Any, grouping: Grouping, num_rows: int) -> Float32s:
    """float32[N], how much each set counts; values as for `per_set`.

    Raises:
        DataError: a weight below 0 or none, different ones within a set, or nothing but zeros.
    """
    if np.asarray(same_kind(values)).ndim:
        values = _column_of_numbers(values, "weights")
        if (wrong := np.flatnonzero(~((values >= 0) & (values <= LARGEST)))).size:
            row = int(wrong[0])
            where = grouping.name(row) if len(values) == len(grouping) else f"row {row}"
            raise DataError(f"{where}: weight {values[row]}; give 0 or a positive number")
    weights = per_set(values, grouping, num_rows, "weights")
    if not weights.any():
        raise DataError("every weight is zero: there is nothing to learn from; give a positive one")
    return weights.astype(np.float32)
