"""Files of tables: arrays that are mapped into memory as they lie on disk, and refused when a byte is not as written.

    bytes 0..7        magic; its line ends show a transfer in text mode
    bytes 8..39       SHA-256 of bytes 40..4095
    bytes 40..4095    JSON, filled up with NUL: version, kind, points, checkers, arrays (name, dtype, shape, offset in
                      the payload), payload_bytes, payload_sha256
    bytes 4096..      payload: the arrays, little-endian, C order, each starting at a multiple of 64

A file has no time or host in it: the same table is the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.tools.arrays import Uint8s
from backgammon.tools.errors import DataError
from backgammon.tools.storage import replace_file

FORMAT_VERSION = 1

_MAGIC = b"PGBEAR\r\n"
_HEADER_BYTES = 4096
_DIGEST_END = 40
_ALIGNMENT = 64

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TableFile:
    """A table that has been read: `kind`, the size it was made for, and its read-only arrays by name."""

    kind: str
    points: int
    checkers: int
    arrays: Mapping[str, Array]


def write_table(path: Path, table: TableFile) -> None:
    """Write a table file that appears whole or not at all; an older file of that name is replaced.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    chunks: list[bytes] = []
    entries: list[dict[str, Any]] = []
    position = 0
    for name, array in table.arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entries.append({"name": name, "dtype": little.dtype.str, "shape": list(little.shape), "offset": position})
        content = little.tobytes()
        content += bytes(-len(content) % _ALIGNMENT)
        chunks.append(content)
        position += len(content)
    payload = b"".join(chunks)
    description = {
        "version": FORMAT_VERSION,
        "kind": table.kind,
        "points": table.points,
        "checkers": table.checkers,
        "arrays": entries,
        "payload_bytes": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
    }
    text = json.dumps(description).encode().ljust(_HEADER_BYTES - _DIGEST_END, b"\0")
    replace_file(path, _MAGIC, hashlib.sha256(text).digest(), text, payload)


def read_table(path: Path, full_check: bool = True) -> TableFile:
    """Map a table file into memory.

    Args:
        path: the file.
        full_check: also compare the checksum of the payload (about 0.5 ms per MB). Without it the header is still
            checked against its own checksum and the size against the header, which finds a truncated file but not a
            flipped bit of the payload; meant for workers of a process that has checked.

    Raises:
        DataError: not such a file, of another version, truncated or damaged.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
    description = _parse_header(path, header)
    size = path.stat().st_size - _HEADER_BYTES
    if size != description["payload_bytes"]:
        raise _damaged(path, f"its tables have {size:,} bytes, not {description['payload_bytes']:,}")
    payload: Uint8s = np.asarray(np.memmap(path, dtype=np.uint8, mode="r", offset=_HEADER_BYTES))
    if full_check and hashlib.sha256(payload.data).hexdigest() != description["payload_sha256"]:
        raise _damaged(path, "its tables do not match their checksum")
    arrays: dict[str, Array] = {}
    for entry in description["arrays"]:
        dtype = np.dtype(entry["dtype"])
        num_bytes = dtype.itemsize * int(np.prod(entry["shape"]))
        content = payload[entry["offset"] : entry["offset"] + num_bytes]
        arrays[entry["name"]] = content.view(dtype).reshape(entry["shape"])
    return TableFile(description["kind"], description["points"], description["checkers"], arrays)


def _parse_header(path: Path, header: bytes) -> dict[str, Any]:
    if not header.startswith(_MAGIC):
        raise _damaged(path, "it is not a bear-off table")
    text = header[_DIGEST_END:]
    if len(header) < _HEADER_BYTES or hashlib.sha256(text).digest() != header[len(_MAGIC) : _DIGEST_END]:
        raise _damaged(path, "its header is truncated or damaged")
    description: dict[str, Any] = json.loads(text.rstrip(b"\0"))
    if description["version"] != FORMAT_VERSION:
        raise _damaged(path, f"it has version {description['version']}, this program reads {FORMAT_VERSION}")
    return description


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(f"{path}: {reason}; make it again with: pairgammon bearoff build --force")
