"""Short forms of eXtreme Gammon's files, so that a fuzzer gets far with few bytes."""

from __future__ import annotations

import itertools
import struct
import zlib

_RECORD_BYTES = 2_560
_TRAILER_BYTES = 36


def spread(data: bytes) -> bytes:
    """Records of eXtreme Gammon from a short description, so that a fuzzer need not carry 2,560 bytes for each.

    A record is a kind, a number of patches, and for each patch an offset (2 bytes), a length and the bytes.
    """
    records: list[bytes] = []
    position = 0
    while position + 2 <= len(data) and len(records) < 64:
        record = bytearray(_RECORD_BYTES)
        record[8] = data[position] % 8
        num_patches = data[position + 1]
        position += 2
        for _ in range(num_patches):
            head = data[position : position + 3]
            if len(head) < 3:
                break
            offset, length = int.from_bytes(head[:2], "little") % _RECORD_BYTES, head[2]
            patch = data[position + 3 : position + 3 + length][: _RECORD_BYTES - offset]
            record[offset : offset + len(patch)] = patch
            position += 3 + length
        records.append(bytes(record))
    return b"".join(records)


def squeeze(records: bytes) -> bytes:
    """Inverse of `spread` for real records."""
    parts: list[bytes] = []
    for first in range(0, len(records), _RECORD_BYTES):
        record = records[first : first + _RECORD_BYTES]
        runs = [
            list(run)
            for is_filled, run in itertools.groupby(range(_RECORD_BYTES), lambda i, r=record: bool(r[i]))  # type: ignore[misc]
            if is_filled
        ]
        patches = [run[i : i + 255] for run in runs for i in range(0, len(run), 255)][:255]
        parts.append(bytes((record[8], len(patches))))
        parts += [struct.pack("<HB", run[0], len(run)) + record[run[0] : run[-1] + 1] for run in patches]
    return b"".join(parts)


def mend(data: bytes) -> bytes:
    """A container of eXtreme Gammon with the right checksum, so that what lies behind it is reached."""
    if len(data) < _TRAILER_BYTES:
        return data
    register_size, data_size = struct.unpack_from("<ii", data, len(data) - _TRAILER_BYTES + 12)
    end = len(data) - _TRAILER_BYTES
    start = end - register_size - data_size
    if not 0 <= start <= end:
        return data
    crc = struct.pack("<I", zlib.crc32(data[start:end]))
    return data[:end] + crc + data[end + 4 :]
