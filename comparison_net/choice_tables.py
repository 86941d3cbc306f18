"""Choice sets from data frames and from files of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison_net.choices import UNKNOWN, ChoiceSets
from comparison_net.tools import DataError, read_bounded

MAX_FILE = 1 << 32
"""Bytes of a table."""
MAX_LINE = 1 << 24
"""Characters of a line; a longer one is refused."""


def from_frame(
    frame: Any,
    group: str,
    *,
    chosen: str | None = None,
    features: Sequence[str] | None = None,
    values: str | None = None,
    weights: str | None = None,
    unit: str | None = None,
    available: str | None = None,
) -> ChoiceSets:
    """Choice sets of a long data frame: a row for each alternative.

    Args:
        frame: pandas, polars, anything else with columns that numpy can read, or a mapping of arrays.
        group: column with the id of the choice set.
        chosen: column that marks one row of each set.
        features: columns of numbers; None for all that are not named otherwise.
        values: column of what each alternative is worth.
        weights: column of how much a set counts.
        unit: column of what is independent, such as a person.
        available: column of truths; rows where it is false are left out.

    Raises:
        DataError: a column that is not there, or see `ChoiceSets.from_arrays`.

    >>> table = {"trip": [1, 1, 2], "taken": [0, 1, 1], "cost": [3.0, 2.0, 5.0]}
    >>> sets = from_frame(table, "trip", chosen="taken")
    >>> sets.names, sets.chosen.tolist()
    (('cost',), [1, 0])
    """
    names = column_names(frame)
    special = [name for name in (group, chosen, values, weights, unit, available) if name is not None]
    wanted = [name for name in names if name not in special] if features is None else list(features)
    for name in (*special, *wanted):
        if name not in names:
            raise DataError(f"the frame has no column {name!r}; it has {', '.join(names[:20])}")
    if not wanted:
        raise DataError("the frame has no column of features beside those that are named otherwise")

    def column(name: str | None) -> npt.NDArray[Any] | None:
        return None if name is None else read_column(frame, name)

    columns = []
    for name in wanted:
        values_of = read_column(frame, name)
        if values_of.dtype.kind not in "biuf":
            raise DataError(f"column {name!r} holds {values_of.dtype}, not numbers; code it first, or leave it out")
        columns.append(values_of.astype(np.float64))
    return ChoiceSets.from_arrays(
        np.column_stack(columns),
        column(group),
        chosen=column(chosen),
        values=column(values),
        weights=column(weights),
        units=column(unit),
        available=column(available),
        names=wanted,
    )


def column_names(frame: Any) -> tuple[str, ...]:
    """Names of a frame's columns.

    Raises:
        DataError: it is no frame.
    """
    columns = frame.keys() if isinstance(frame, Mapping) else getattr(frame, "columns", None)
    if columns is None or not hasattr(frame, "__getitem__"):
        raise DataError(f"{type(frame).__name__} is no data frame: give one with columns, or a mapping of arrays")
    return tuple(map(str, columns))


def read_column(frame: Any, name: str) -> npt.NDArray[Any]:
    """A column as an array; numbers that are missing are NaN.

    By `frame[name]`, which every frame answers with something that numpy reads: the interchange protocol, which would
    be the other common way, warns in pandas 3 that it goes.
    """
    return np.asarray(frame[name])


def read_json_lines(path: Path) -> ChoiceSets:
    """Choice sets from a file with one JSON object a line.

    A line is `{"alternatives": [[1.0, 2.0], [0.5, 3.0]], "chosen": 1}`; an alternative is a list of numbers, or an
    object of named ones, the same names everywhere. Beside it may stand "values" (a number or null for each
    alternative), "weight", "unit" and "context" (a list of numbers). "chosen" counts from 0; without it nobody knows.

    Raises:
        DataError: a line that is none of that; file, line and reason are told.
    """
    items: list[list[float]] = []
    sizes: list[int] = []
    chosen: list[int] = []
    columns: dict[str, list[Any]] = {"values": [], "weight": [], "unit": [], "context": []}
    names: tuple[str, ...] = ()
    for number, entry in enumerate(_entries(path), 1):
        where = f"{path}:{number}"
        alternatives = entry.get("alternatives")
        if not isinstance(alternatives, list) or not alternatives:
            raise DataError(f'{where}: "alternatives" must be a list with at least one alternative')
        if isinstance(alternatives[0], dict):
            names = names or tuple(alternatives[0])
        items += [_numbers_of(alternative, names, where) for alternative in alternatives]
        sizes.append(len(alternatives))
        row = entry.get("chosen", UNKNOWN)
        if not isinstance(row, int) or isinstance(row, bool) or not UNKNOWN <= row < len(alternatives):
            raise DataError(f'{where}: "chosen" is {row!r}, of {len(alternatives)} alternatives; count from 0')
        chosen.append(row)
        for name, values in columns.items():
            if name in entry:
                values.append(entry[name])
    if not sizes:
        raise DataError(f"{path}: holds no choice set")
    for name, values in columns.items():
        if values and len(values) != len(sizes):
            raise DataError(
                f"{path}: {name!r} stands on {len(values)} of {len(sizes)} lines; give it on all or on none"
            )
    worths = [np.nan if worth is None else worth for line in columns["values"] for worth in line]
    try:
        return ChoiceSets.from_arrays(
            items,
            sizes=sizes,
            chosen=np.array(chosen),
            values=worths or None,
            weights=columns["weight"] or None,
            units=columns["unit"] or None,
            context=columns["context"] or None,
            names=names,
        )
    except (DataError, ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def _entries(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, one a line."""
    entries = []
    try:
        lines = read_bounded(path, MAX_FILE).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: no JSON ({error}); write one object a line") from error
        if not isinstance(entry, dict):
            raise DataError(f"{path}:{number}: write one JSON object a line")
        entries.append(entry)
    return entries


def _numbers_of(alternative: Any, names: tuple[str, ...], where: str) -> list[float]:
    """The features of one alternative."""
    if names and (not isinstance(alternative, dict) or set(alternative) != set(names)):
        raise DataError(f"{where}: an alternative with other names than {', '.join(names)}; name the same everywhere")
    numbers = [alternative[name] for name in names] if names else alternative
    if not isinstance(numbers, list) or not all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers
    ):
        raise DataError(f"{where}: an alternative must be a list of numbers, or an object of named numbers")
    return [float(value) for value in numbers]
