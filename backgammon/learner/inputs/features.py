"""Input coding: a position as a row of named numbers, additive over the 26 locations of the board.

M positions, F features. Positions are seen by the player who has just moved (candidates).

    features(board) = BASE + sum over locations of TABLE[location, count at the location + 15]

Because every feature is a sum over locations, a linear first layer W can be folded into one table of W @ TABLE[...]:
at play time a candidate that differs from its parent in a few locations costs a few row additions (see `scorer`).

The units per side and location (one, two, three, four or more, and the surplus above three halved) are those of
Tesauro (1989) with an extra unit for exactly three; checkers off and pips are scaled to 0..1 (pips may exceed 1).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backgammon.rules.board import BAR, NUM_CHECKERS, NUM_LOCATIONS, OPPONENT_BAR
from backgammon.tools.arrays import Boards, Float32s, Float64s, Int16s, Int32s
from backgammon.tools.errors import PositionError
from backgammon.tools.jit import kernel

VERSION = "raw-1"
"""Travels in every checkpoint; changes whenever a feature changes its meaning, scale or place."""

NUM_COUNTS = 2 * NUM_CHECKERS + 1
"""Counts a location can hold, -15..15; a table is indexed by count + COUNT_OFFSET."""
COUNT_OFFSET = NUM_CHECKERS
START_PIPS = 167

UNITS: tuple[str, ...] = ("one", "two", "three", "four+", "surplus")


def _unit_values(count: int) -> tuple[float, ...]:
    """Values of UNITS for `count` checkers of one side on one location."""
    return float(count == 1), float(count == 2), float(count == 3), float(count >= 4), max(count - 3, 0) / 2


def _places() -> Iterator[tuple[str, int, int]]:
    """(name, location, sign of the counts) of every place where checkers of a side can stand."""
    for side, sign in (("own", 1), ("opponent", -1)):
        for point in range(1, 25):
            # The opponent's points are named from the opponent's side, as its own player would count them.
            yield f"{side} {point if sign > 0 else BAR - point}", point, sign
        yield f"{side} bar", BAR if sign > 0 else OPPONENT_BAR, sign


def _build() -> tuple[tuple[str, ...], Float32s, Float32s]:
    """NAMES, BASE and TABLE from the one description of the coding."""
    places = list(_places())
    names = [f"{place} {unit}" for place, _, _ in places for unit in UNITS]
    totals = {}
    for side in ("own", "opponent"):
        for total in ("off", "pips"):
            totals[side, total] = len(names)
            names.append(f"{side} {total}")
    base = np.zeros(len(names), dtype=np.float32)
    table = np.zeros((NUM_LOCATIONS, NUM_COUNTS, len(names)), dtype=np.float32)
    for side in ("own", "opponent"):
        base[totals[side, "off"]] = 1.0
    for index, (_, location, sign) in enumerate(places):
        side = "own" if sign > 0 else "opponent"
        distance = location if sign > 0 else BAR - location
        for count in range(1, NUM_CHECKERS + 1):
            row = table[location, COUNT_OFFSET + sign * count]
            row[index * len(UNITS) : (index + 1) * len(UNITS)] = _unit_values(count)
            row[totals[side, "off"]] = -count / NUM_CHECKERS
            row[totals[side, "pips"]] = count * distance / START_PIPS
    return tuple(names), base, table


NAMES, BASE, TABLE = _build()
NUM_FEATURES = len(NAMES)
for _array in (BASE, TABLE):
    _array.setflags(write=False)

# TABLE is 98 % zeros: the encoder walks its entries row by row (compressed rows: entries ROW_STARTS[r] to
# ROW_STARTS[r + 1]).
_nonzero_rows, _nonzero_columns = np.nonzero(TABLE.reshape(-1, NUM_FEATURES))
ROW_STARTS = np.searchsorted(_nonzero_rows, np.arange(NUM_LOCATIONS * NUM_COUNTS + 1)).astype(np.int32)
COLUMNS = _nonzero_columns.astype(np.int16)
VALUES = TABLE.reshape(-1, NUM_FEATURES)[_nonzero_rows, _nonzero_columns]


@kernel
def encode_rows(
    boards: Boards,
    row_starts: Int32s,
    columns: Int16s,
    values: Float32s,
    base: Float32s,
    out: Float32s,
) -> None:
    """Write the features of boards int8[M, 26] into out float32[M, F]; counts must lie in -15..15."""
    for i in range(boards.shape[0]):
        row = out[i]
        row[:] = base
        for location in range(26):
            count = boards[i, location]
            if count != 0:
                entry = location * 31 + count + 15
                for k in range(row_starts[entry], row_starts[entry + 1]):
                    row[columns[k]] += values[k]


def encode(boards: Boards, out: Float32s | None = None) -> Float32s:
    """The features of many positions.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.
        out: float32[M, F] to fill; a new array when None.

    Returns:
        float32[M, F].

    Raises:
        PositionError: another shape or dtype, or a count outside -15..15.

    >>> from backgammon.rules.board import START
    >>> row = encode(START[None])[0]
    >>> float(row[NAMES.index("own 24 two")]), float(row[NAMES.index("own pips")])
    (1.0, 1.0)
    """
    checked = check_counts(boards)
    if out is None:
        out = np.empty((len(checked), NUM_FEATURES), dtype=np.float32)
    encode_rows(checked, ROW_STARTS, COLUMNS, VALUES, BASE, out)
    return out


def check_counts(boards: Boards) -> Boards:
    """`boards` as contiguous int8[M, 26] that the kernels can index with.

    Raises:
        PositionError: another shape or dtype, or a count outside -15..15.
    """
    array = np.asarray(boards)
    if array.ndim != 2 or array.shape[1] != NUM_LOCATIONS or array.dtype != np.int8:
        raise PositionError(f"boards must be int8[M, {NUM_LOCATIONS}], not {array.dtype}{list(array.shape)}")
    if array.size and (array.max() > NUM_CHECKERS or array.min() < -NUM_CHECKERS):
        raise PositionError(
            f"boards hold counts outside -{NUM_CHECKERS}..{NUM_CHECKERS}: no location can hold more checkers"
        )
    return np.require(array, requirements=["C", "W"])  # read-only arrays would compile every kernel a second time


def fold(weight: Float32s, bias: Float32s | None) -> tuple[Float64s, Float64s]:
    """A linear layer on the features as a layer on the counts.

    Args:
        weight: float32[H, F].
        bias: float32[H], or None for zeros.

    Returns:
        table: float64[26, 31, H], to be summed at [location, count + 15] over the locations.
        base: float64[H], to be added once.
    """
    wide = weight.astype(np.float64)
    table = TABLE.reshape(-1, NUM_FEATURES).astype(np.float64) @ wide.T
    base = wide @ BASE.astype(np.float64)
    if bias is not None:
        base = base + bias.astype(np.float64)
    return table.reshape(NUM_LOCATIONS, NUM_COUNTS, len(weight)), base
