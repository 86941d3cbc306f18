"""What lies in a shards folder: its arrays, its manifest, its fingerprint, and how they are written and read.

D decisions, M candidates of all of them together. A shards folder holds one .npy file per field of `FIELDS` and
manifest.json with the versions, the counts, the sources, the names behind the indices, and a SHA-256 fingerprint of the
data. Candidates are not stored: the move generator makes them again (tens of millions a second) in the canonical order
of `movegen.ORDER_VERSION`, to which `chosen` refers.

A folder may also hold labels, what a teacher thinks of every candidate: the files of `LABELS`, one row for each
candidate, decision after decision, in canonical order. Without labels it is written in format version 1, the same
bytes as before there were any.

A folder is written under a temporary name and renamed whole, so that an interrupted build leaves nothing that could be
opened.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.rules.movegen import ORDER_VERSION
from backgammon.tools.errors import DataError
from backgammon.tools.storage import new_folder, read_bounded

FORMAT = "pairgammon-shards"
FORMAT_VERSION = 2
"""Of folders with labels; those without are of version 1."""
MANIFEST = "manifest.json"
MAX_MANIFEST = 1 << 28
"""Bytes of the manifest; a million names of players and matches have a sixth of it."""
MAX_ROWS = 1 << 40

FIELDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "boards": ("int8", (26,)),  # seen by the player on roll
    "dice": ("int8", (2,)),  # larger first
    "chosen": ("int32", ()),  # row of the played candidate in canonical order
    "counts": ("int32", ()),  # candidates; 1 only where forced plays were kept for their outcomes
    "points": ("int8", ()),  # +-1, 2, 3 won or lost by the player on roll in the end, cube apart; 0 unknown
    "won": ("int8", ()),  # +1 or -1: did the player on roll win the game (by a dropped double too); 0 unknown
    "unit": ("int32", ()),  # index into the manifest's units: what is split
    "game": ("int32", ()),  # number of the game, 0-based over all sources
    "player": ("int32", ()),  # index into the manifest's players
    "phase": ("int8", ()),  # code of backgammon.rules.phase.PHASES
}
"""Every array of a shards folder: dtype and shape of one decision."""
FILE_NAMES = {"boards": "positions", "counts": "num_candidates"}
"""What the file of an array is called where it has another name; older folders go on being read."""

LABELS: dict[str, tuple[str, tuple[int, ...]]] = {
    "equities": ("float32", ()),  # cubeless points of the player who makes the play; NaN: not judged
    "outcomes": ("uint16", (5,)),  # GNU Backgammon's five cumulative probabilities in units of 1 / PROBABILITY_UNIT
}
"""The arrays that a teacher may add: dtype and shape of one candidate."""
PROBABILITY_UNIT = 65_000
NOT_JUDGED = 65_535
"""In place of the first probability."""


@dataclass(frozen=True)
class Manifest:
    """What a shards folder says about itself."""

    decisions: int
    games: int
    forced: int
    """Plays dropped because there was nothing to choose."""
    units: tuple[str, ...]
    players: tuple[str, ...]
    sources: tuple[str, ...]
    """Names of the files, in the order they were read."""
    report: Mapping[str, Any]
    """The reading's own account: duplicates, skipped plays and why."""
    fingerprint: str = ""
    """SHA-256 over the arrays, the counts and the names; identifies the data wherever it lies."""
    format: str = FORMAT
    format_version: int = 1
    order_version: int = ORDER_VERSION
    labels: tuple[str, ...] = ()
    """Which of `LABELS` there are."""
    candidates: int = 0
    """Rows of the labels, M; 0 without labels."""
    teacher: str = ""
    """Who judged."""

    def to_dict(self) -> dict[str, Any]:
        """Every field that the format version has, for JSON."""
        values = dataclasses.asdict(self)
        return values if self.format_version > 1 else {k: v for k, v in values.items() if k not in LABEL_FIELDS}


_KINDS: dict[str, type] = {"int": int, "str": str, "tuple[str, ...]": list, "Mapping[str, Any]": dict}
"""What JSON makes of a field of the manifest, by its annotation."""

LABEL_FIELDS = ("labels", "candidates", "teacher")
"""Fields of the manifest that version 1 does not have."""


def file_name(name: str) -> str:
    """The file of an array, without its suffix."""
    return FILE_NAMES.get(name, name)


def write_folder(out: Path, manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Everything under a temporary name beside `out`, then one rename."""
    with new_folder(out) as partial:
        for name in (*FIELDS, *manifest.labels):
            with (partial / f"{file_name(name)}.npy").open("wb") as file:
                np.save(file, arrays[name], allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        text = json.dumps(manifest.to_dict(), indent=1, ensure_ascii=False)
        with (partial / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())


def fingerprint_of(manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over versions, counts and names, then name, dtype, shape and bytes of every array.

    Paths of the sources are left out: the same logs in another folder are the same data.
    """
    described = dataclasses.replace(manifest, fingerprint="", sources=(), report={}).to_dict()
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in (*FIELDS, *manifest.labels):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\0{file_name(name)} {array.dtype.str} {array.shape}\0".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def read_manifest(path: Path) -> Manifest:
    """The checked manifest of a folder.

    Raises:
        DataError: there is none, of another version or candidate order, or with values of other kinds.
    """
    try:
        values = json.loads(read_bounded(path / MANIFEST, MAX_MANIFEST))
    except OSError as error:
        raise DataError(
            f"{path}: not a shards folder, {MANIFEST} cannot be read ({error.strerror or error})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path / MANIFEST}: damaged ({error}); build the shards again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataError(f"{path / MANIFEST}: not the manifest of {FORMAT}")
    if (version := values.get("format_version")) not in (1, FORMAT_VERSION):
        raise DataError(
            f"{path}: format version {version}, this program reads 1 to {FORMAT_VERSION}; build the shards again"
        )
    if (found := values.get("order_version")) != ORDER_VERSION:
        raise DataError(f"{path}: candidate order {found}, this program uses {ORDER_VERSION}; build the shards again")
    if problem := _problem(values, version):
        raise DataError(f"{path / MANIFEST}: damaged, {problem}; build the shards again")
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Manifest(**fields)


def _problem(values: dict[str, Any], version: int) -> str:
    """What in a manifest is of another kind than it must be; "" where all is well."""
    kinds = {item.name: _KINDS[str(item.type)] for item in dataclasses.fields(Manifest)}
    names = set(kinds) - set(LABEL_FIELDS if version == 1 else ())
    if set(values) != names:
        return f"it holds {sorted(values)}"
    for name in sorted(names):
        kind, value = kinds[name], values[name]
        is_right = type(value) is kind
        if isinstance(value, list):
            is_right = is_right and all(type(item) is str for item in value)
        if not is_right or (isinstance(value, int) and not 0 <= value <= MAX_ROWS):
            return f"{name!r} is not as it was written"
    labels = values.get("labels", [])
    return "" if set(labels) <= set(LABELS) and len(set(labels)) == len(labels) else "its labels are unknown"


def open_array(folder: Path, name: str, form: tuple[str, tuple[int, ...]], num_rows: int) -> npt.NDArray[Any]:
    """A read-only map of one array with the dtype and shape that FIELDS or LABELS promises.

    The head of the file must be the very bytes that numpy writes for them; nobody interprets it.

    Raises:
        DataError: missing, no file, truncated, or with another head.
    """
    file = folder / f"{file_name(name)}.npy"
    dtype, shape = np.dtype(form[0]), (num_rows, *form[1])
    head = _npy_head(dtype, shape)
    size = len(head) + dtype.itemsize * math.prod(shape)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise DataError(f"{file}: is no file that can be mapped into memory; build the shards again")
        with file.open("rb") as stream:
            if stream.read(len(head)) != head or os.fstat(stream.fileno()).st_size != size:
                what = "decisions" if name in FIELDS else "candidates"
                raise DataError(f"{file}: does not hold {dtype} for {num_rows} {what}; build the shards again")
            if not num_rows:
                return np.empty(shape, dtype=dtype)
            return np.memmap(stream, dtype=dtype, mode="r", offset=len(head), shape=shape)
    except (OSError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: missing, truncated or damaged ({error}); build the shards again") from error


def _npy_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """The bytes before the values of such an array."""
    head = io.BytesIO()
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, description)
    return head.getvalue()
