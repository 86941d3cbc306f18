"""The input coding straight from its description, one feature at a time by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def features(board: Sequence[int]) -> dict[str, np.float32]:
    """Every feature of a board (26 counts, seen by the player who has just moved) by name.

    Sums run over the locations in order and in float32, as the encoder's do, so that the values are equal to the bit.
    """
    values: dict[str, np.float32] = {}
    for side, sign in (("own", 1), ("opponent", -1)):
        for point in range(1, 25):
            location = point if side == "own" else 25 - point
            put_units(values, f"{side} {point}", sign * board[location])
        put_units(values, f"{side} bar", sign * board[25 if side == "own" else 0])
        off, pips = np.float32(1), np.float32(0)
        for location in range(26):
            count = max(sign * board[location], 0)
            distance = location if side == "own" else 25 - location
            off += np.float32(-count / 15)
            pips += np.float32(count * distance / 167)
        values[f"{side} off"] = off
        values[f"{side} pips"] = pips
    return values


def put_units(values: dict[str, np.float32], place: str, count: int) -> None:
    """The five units of one side on one location."""
    values[f"{place} one"] = np.float32(count == 1)
    values[f"{place} two"] = np.float32(count == 2)
    values[f"{place} three"] = np.float32(count == 3)
    values[f"{place} four+"] = np.float32(count >= 4)
    values[f"{place} surplus"] = np.float32((count - 3) / 2 if count > 3 else 0)
