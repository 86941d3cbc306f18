"""What crosses the wire between whoever hands out units and whoever does them: some values and some arrays, as bytes.

The same values and arrays give the same bytes, so that these can name what depends on them. The form is that of a
safetensors file with one entry of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from backgammon.tools.errors import DataError

_ENTRY = "pairgammon"
_LENGTH_BYTES = 8

Arrays = dict[str, npt.NDArray[Any]]
Columns = Mapping[str, tuple[str, tuple[int, ...]]]
"""Names of arrays, each with its dtype ("float32") and the shape of a row."""


def pack_message(values: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]] | None = None) -> bytes:
    """Values that JSON knows, and arrays by name, as bytes."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    whole = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    packed: bytes = safetensors.numpy.save(whole, {_ENTRY: text})
    return packed


def unpack_message(message: bytes) -> tuple[dict[str, Any], Arrays]:
    """(values, arrays) as `pack_message` was given them.

    Raises:
        DataError: not such a message.
    """
    try:
        arrays: Arrays = safetensors.numpy.load(message)
        length = int.from_bytes(message[:_LENGTH_BYTES], "little")
        head = json.loads(message[_LENGTH_BYTES : _LENGTH_BYTES + length])
        values: dict[str, Any] = json.loads(head["__metadata__"][_ENTRY])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"not a message between workers, or damaged ({error})") from error
    return values, arrays


def unpack_columns(message: bytes, columns: Columns) -> tuple[dict[str, Any], Arrays]:
    """As `unpack_message`, of a result: it may have been kept in a file, where a right checksum proves no sense.

    Args:
        message: a result.
        columns: what it must hold.

    Raises:
        DataError: it holds something else.
    """
    values, arrays = unpack_message(message)
    found = {name: (array.dtype.name, array.shape[1:] if array.ndim else None) for name, array in arrays.items()}
    if found != dict(columns):
        raise DataError(f"a kept unit holds {found}, not {dict(columns)}; delete its folder and run again")
    return values, arrays
