"""Whether the arrays of a shards folder can be what they say: ranges, indices, sums, before anything is made of them.

A fingerprint shows damage and nothing else, so this is asked whatever it says. What is let through can cost no more
memory or time than honest data of the same size. D decisions, M candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.learner.data.shard_format import LABELS, NOT_JUDGED, PROBABILITY_UNIT, Manifest
from backgammon.rules.board import BAR, NUM_CHECKERS, OPPONENT_BAR
from backgammon.rules.phase import PHASES
from backgammon.tools.errors import DataError

MAX_CANDIDATES = 4_096
"""Of one decision; the most that any position and roll can have is below."""

MAX_EQUITY = 1_000.0
"""Points; a cube of that size is in nobody's log."""

_CHUNK = 1 << 18

Arrays = Mapping[str, npt.NDArray[Any]]


def check_arrays(path: Path, manifest: Manifest, arrays: Arrays) -> None:
    """Refuse arrays that no build of shards writes.

    Args:
        path: of the folder, for messages.
        manifest: of the folder, whose counts and types have been checked.
        arrays: of `FIELDS` and the manifest's labels, of the right dtypes and lengths.

    Raises:
        DataError: what is wrong, with the array and the first row.
    """
    total = 0
    for first in range(0, manifest.decisions, _CHUNK):
        part = {
            name: np.asarray(values[first : first + _CHUNK]) for name, values in arrays.items() if name not in LABELS
        }
        for name, is_wrong, rule in _rules(part, manifest):
            _refuse(path, name, is_wrong, rule, first)
        total += int(part["counts"].sum(dtype=np.int64))
    if manifest.labels and total != manifest.candidates:
        raise DataError(
            f"{path}: {total:,} candidates are counted, the manifest says {manifest.candidates:,}; "
            "build the shards again"
        )
    for first in range(0, manifest.candidates, _CHUNK):
        for name in manifest.labels:
            values = np.asarray(arrays[name][first : first + _CHUNK])
            is_wrong, rule = _label_rule(name, values)
            _refuse(path, name, is_wrong, rule, first)


def _rules(part: Arrays, manifest: Manifest) -> Iterator[tuple[str, npt.NDArray[np.bool_], str]]:
    """(array, bool[D] of rows that break the rule, the rule)."""
    boards, dice, counts = part["boards"], part["dice"], part["counts"]
    own, other = np.maximum(boards, 0).sum(1, dtype=np.int64), np.maximum(-boards, 0).sum(1, dtype=np.int64)
    is_unplayable = (own < 1) | (other < 1) | (own > NUM_CHECKERS) | (other > NUM_CHECKERS)
    is_wrong_bar = (boards[:, BAR] < 0) | (boards[:, OPPONENT_BAR] > 0)
    is_too_low = (boards < -NUM_CHECKERS).any(1)  # -128 has no positive twin
    yield "boards", is_unplayable | is_wrong_bar | is_too_low, "a position of a game that goes on"
    yield "dice", (dice < 1).any(1) | (dice > 6).any(1) | (dice[:, 0] < dice[:, 1]), "two dice, the larger first"
    yield "counts", (counts < 1) | (counts > MAX_CANDIDATES), f"1 to {MAX_CANDIDATES} candidates"
    yield "chosen", (part["chosen"] < 0) | (part["chosen"] >= counts), "one of the candidates"
    for name, low, end in (
        ("points", -3, 4),
        ("won", -1, 2),
        ("unit", 0, len(manifest.units)),
        ("game", 0, manifest.games),
        ("player", 0, len(manifest.players)),
        ("phase", 0, len(PHASES)),
    ):
        yield name, (part[name] < low) | (part[name] >= end), f"{low} to {end - 1}"


def _label_rule(name: str, values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.bool_], str]:
    if name == "equities":
        return ~(np.isnan(values) | (np.abs(values) <= MAX_EQUITY)), f"nothing judged, or at most {MAX_EQUITY:g} points"
    is_judged = values[:, 0] != NOT_JUDGED
    return is_judged & (values > PROBABILITY_UNIT).any(1), f"probabilities of at most {PROBABILITY_UNIT}"


def _refuse(path: Path, name: str, is_wrong: npt.NDArray[np.bool_], rule: str, first: int) -> None:
    if is_wrong.any():
        row = first + int(is_wrong.argmax())
        raise DataError(f"{path}: {name}, row {row}: {rule} must stand there; build the shards again")
