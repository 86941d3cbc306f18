"""Choice sets from data frames and from files of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison_net.choices import UNKNOWN, ChoiceSets
from comparison_net.columns import LARGEST, is_number
from comparison_net.grouping import is_missing
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
    special = [str(name) for name in (group, chosen, values, weights, unit, available) if name is not None]
    wanted = [name for name in names if name not in special] if features is None else list(map(str, features))
    for name in (*special, *wanted):
        if name not in names:
            raise DataError(f"the frame has no column {name!r}; it has {', '.join(names[:20])}")
        if names.count(name) > 1:
            raise DataError(f"the frame has {names.count(name)} columns {name!r}; rename all but one")
    if not wanted:
        raise DataError("the frame has no column of features beside those that are named otherwise")
    columns = {name: read_column(frame, name) for name in (*special, *wanted)}
    num_rows = len(columns[str(group)])
    for name, values_of in columns.items():
        if len(values_of) != num_rows:
            raise DataError(f"column {name!r} has {len(values_of):,} rows and {group!r} has {num_rows:,}: give as many")

    def column(name: str | None) -> npt.NDArray[Any] | None:
        return None if name is None else columns[str(name)]

    return ChoiceSets.from_arrays(
        np.column_stack([_feature(columns[name], name) for name in wanted]),
        column(group),
        chosen=column(chosen),
        values=column(values),
        weights=column(weights),
        units=column(unit),
        available=column(available),
        names=wanted,
    )


def _feature(column: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """A column as numbers, float64[M]; gaps become NaN, which `ChoiceSets.from_arrays` refuses with their row."""
    if column.dtype == object:
        for row, value in enumerate(column):
            if isinstance(value, str) or not (is_number(value) or value is None or is_missing(value)):
                raise DataError(f"column {name!r}, row {row}: {value!r} is no number; code it first, or leave it out")
        return np.array([np.nan if value is None or is_missing(value) else float(value) for value in column])
    if column.dtype.kind not in "biuf":
        raise DataError(f"column {name!r} holds {column.dtype}, not numbers; code it first, or leave it out")
    return column.astype(np.float64)


def column_names(frame: Any) -> tuple[str, ...]:
    """Names of a frame's columns.

    Raises:
        DataError: it is no frame.
    """
    return tuple(map(str, _labels(frame)))


def _labels(frame: Any) -> list[Any]:
    """A frame's columns as it names them: numbers, where pandas made them up."""
    if hasattr(frame, "collect_schema") and hasattr(frame, "collect") and not hasattr(frame, "to_numpy"):
        raise DataError(f"{type(frame).__name__} holds no rows yet: give frame.collect()")
    columns = frame.keys() if isinstance(frame, Mapping) else getattr(frame, "columns", None)
    if columns is None or not hasattr(frame, "__getitem__"):
        raise DataError(f"{type(frame).__name__} is no data frame: give one with columns, or a mapping of arrays")
    return list(columns)


def are_words(frame: Any) -> bool:
    """True where a frame's columns have names; pandas makes up numbers otherwise."""
    return all(isinstance(label, str) for label in _labels(frame))


def read_column(frame: Any, name: str) -> npt.NDArray[Any]:
    """A column as an array; numbers that are missing are NaN.

    By `frame[name]`, which every frame answers with something that numpy reads: the interchange protocol, which would
    be the other common way, warns in pandas 3 that it goes.
    """
    label = name if isinstance(frame, Mapping) and name in frame else _labels(frame)[column_names(frame).index(name)]
    return np.asarray(frame[label])


def read_json_lines(path: Path | str) -> ChoiceSets:
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
    for where, entry in _entries(path):
        alternatives = entry.get("alternatives")
        if not isinstance(alternatives, list) or not alternatives:
            raise DataError(f'{where}: "alternatives" must be a list with at least one alternative')
        if not items and isinstance(alternatives[0], dict):
            names = tuple(alternatives[0])
        items += [_numbers_of(alternative, names, where) for alternative in alternatives]
        wrong = [len(item) for item in items[-len(alternatives) :] if len(item) != len(items[0])]
        if wrong:
            raise DataError(f"{where}: an alternative of {wrong[0]} numbers, the first of all has {len(items[0])}")
        sizes.append(len(alternatives))
        row = entry.get("chosen", UNKNOWN)
        if not isinstance(row, int) or isinstance(row, bool) or not UNKNOWN <= row < len(alternatives):
            raise DataError(f'{where}: "chosen" is {row!r}, of {len(alternatives)} alternatives; count from 0')
        chosen.append(row)
        _check_beside(entry, len(alternatives), where)
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


def _check_beside(entry: Mapping[str, Any], num_alternatives: int, where: str) -> None:
    """Refuse what stands beside the alternatives of a line and is not as `read_json_lines` says."""
    values, context = entry.get("values", []), entry.get("context", [])
    if "values" in entry and (not isinstance(values, list) or len(values) != num_alternatives):
        raise DataError(f'{where}: "values" must be a list of {num_alternatives}, one for each alternative')
    if not all(value is None or _is_plain_number(value) for value in values):
        raise DataError(f'{where}: "values" must be numbers or null')
    if "context" in entry and not (isinstance(context, list) and context and all(map(_is_plain_number, context))):
        raise DataError(f'{where}: "context" must be a list of numbers')
    if not _is_plain_number(entry.get("weight", 1)):
        raise DataError(f'{where}: "weight" must be a number')
    if "unit" in entry and not isinstance(entry["unit"], (str, int, float)):
        raise DataError(f'{where}: "unit" must be a word or a number')


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _entries(path: Path | str) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a file, one a line, with file and line; blank lines are left out."""
    entries = []
    try:
        lines = read_bounded(Path(path), MAX_FILE).decode().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: no JSON ({error}); write one object a line") from error
        if not isinstance(entry, dict):
            raise DataError(f"{path}:{number}: write one JSON object a line")
        entries.append((f"{path}:{number}", entry))
    return entries


def _numbers_of(alternative: Any, names: tuple[str, ...], where: str) -> list[float]:
    """The features of one alternative."""
    if names and (not isinstance(alternative, dict) or set(alternative) != set(names)):
        raise DataError(f"{where}: an alternative with other names than {', '.join(names)}; name the same everywhere")
    numbers = [alternative[name] for name in names] if names else alternative
    if not isinstance(numbers, list) or not all(map(_is_plain_number, numbers)):
        raise DataError(f"{where}: an alternative must be a list of numbers, or an object of named numbers")
    return [float(value) for value in numbers]
