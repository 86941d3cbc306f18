"""Files of arrays that say what they are: safetensors, mapped into memory, refused when a byte is not as written.

The container's header has one entry of our own, a JSON text with the kind of file, its version, a description, and a
SHA-256 over every byte of the file with the digest itself blanked out. A digest shows damage, and nothing else: so
names, types and shapes are compared with the layout that the reader expects, and places are checked, before anything is
mapped. Whether the numbers make sense is for the reader to say.

A file has no time or host in it: the same arrays are the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from backgammon.tools.errors import DataError
from backgammon.tools.storage import replace_file

Array = npt.NDArray[Any]
Layout = Mapping[str, tuple[str, tuple[int, ...]]]
"""Names of arrays, each with its dtype ("float32") and shape."""

_ENTRY = "pairgammon"
_BLANK = "0" * 64
_MAX_HEADER = 1 << 20
_CODES = {"int8": "I8", "uint8": "U8", "int16": "I16", "uint16": "U16", "int32": "I32", "int64": "I64",
          "float32": "F32", "float64": "F64"}  # fmt: skip
"""What the container calls a dtype."""


def write_tensors(path: Path, kind: str, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> None:
    """Write a file that appears whole or not at all.

    Args:
        path: where to; a file that is there is replaced, missing folders are created.
        kind: of the file, its version included.
        tensors: by name; stored little-endian and contiguous.
        description: whatever else tells what they are, for JSON.

    Raises:
        OSError: it cannot be written; nothing of it stays behind.
    """
    entry = json.dumps({"kind": kind, "sha256": _BLANK, "description": description}, sort_keys=True)
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    content = safetensors.numpy.save(contiguous, {_ENTRY: entry})
    replace_file(path, content.replace(_BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1))


def map_tensors(path: Path, kind: str, layout: Layout, description: Mapping[str, Any]) -> dict[str, Array]:
    """The read-only arrays of a file, mapped into memory, which processes share.

    Args:
        path: the file.
        kind: what it must be.
        layout: what it must hold.
        description: what it must say of itself.

    Raises:
        DataError: another kind or description, or damaged; the message gives the file and the reason.
        OSError: it cannot be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path}: is no file that can be mapped into memory")
    with path.open("rb") as file:
        try:
            header, places = _read_header(file, kind, layout, description)
            start = 8 + len(header)
            payload = np.asarray(np.memmap(file, dtype=np.uint8, mode="r", offset=0))
            _check_payload(payload, header, places)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{path}: {_reason(error)}") from error
    return {
        name: payload[start + begin : start + end].view(np.dtype(layout[name][0])).reshape(layout[name][1])
        for name, (begin, end) in places.items()
    }


def _reason(error: Exception) -> str:
    return str(error) if type(error) is ValueError else f"damaged ({type(error).__name__}: {error})"


def _read_header(
    file: BinaryIO, kind: str, layout: Layout, description: Mapping[str, Any]
) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """The bytes of the header, and where in the payload each array begins and ends.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RecursionError: it is not the header of such a file.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > _MAX_HEADER:
        raise ValueError("is no file of arrays, or damaged: its header has no end")
    header = file.read(length)
    found = json.loads(header)
    entry = json.loads(found.pop("__metadata__")[_ENTRY])
    if entry["kind"] != kind:
        raise ValueError(f"is {entry['kind']!r}, not {kind!r}")
    if entry["description"] != dict(description):
        raise ValueError(f"holds {entry['description']}, not {dict(description)}")
    described = {name: (array["dtype"], tuple(array["shape"])) for name, array in found.items()}
    expected = {name: (_CODES[dtype], shape) for name, (dtype, shape) in layout.items()}
    if described != expected:
        raise ValueError(f"holds {described}, not {expected}")
    return header, {name: _place(array["data_offsets"], *layout[name]) for name, array in found.items()}


def _place(offsets: Any, dtype: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Begin and end of an array in the payload, which must suit its dtype and shape."""
    begin, end = offsets
    item_bytes = np.dtype(dtype).itemsize
    size = item_bytes * int(np.prod(shape, dtype=np.int64))
    if type(begin) is not int or type(end) is not int or begin < 0 or begin % item_bytes or end - begin != size:
        raise ValueError(f"damaged: an array of {size:,} bytes cannot lie at {offsets}")
    return begin, end


def _check_payload(content: npt.NDArray[np.uint8], header: bytes, places: Mapping[str, tuple[int, int]]) -> None:
    """Refuse a file that is cut short, longer than its arrays, misaligned, or altered anywhere."""
    start = 8 + len(header)
    expected = start + sum(end - begin for begin, end in places.values())
    is_filled = start + max((end for _, end in places.values()), default=0) == expected
    if len(content) != expected or start % 8 or not is_filled:
        raise ValueError(f"damaged: it has {len(content):,} bytes, not {expected:,}")
    stated = json.loads(json.loads(header)["__metadata__"][_ENTRY])["sha256"].encode()
    digest = hashlib.sha256(content[:8].tobytes() + header.replace(stated, _BLANK.encode(), 1))
    digest.update(content[start:].data)
    if digest.hexdigest().encode() != stated:
        raise ValueError("damaged: its contents do not match their checksum")
