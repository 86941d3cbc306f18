"""The container of eXtreme Gammon's .xg and .xgp files: a header, a picture, and an archive of compressed members.

    "RGMH", version, header size, offset and size of the picture, GUID, four texts of 1,024 UTF-16 units
    picture (JPEG), perhaps
    data of the members, register, 36-byte trailer at the very end of the file

All numbers are little-endian. The trailer holds a CRC-32 of data and register, the number of members, the sizes of
register and data, and whether the register is compressed. Every size is checked against the file before it is used, and
nothing is ever unpacked beyond what a member says and a limit allows: a bomb costs no more than an honest file. Source:
format description by the author of eXtreme Gammon, checked on real files of versions 30 and 32.
"""

from __future__ import annotations

import struct
import zlib

from backgammon.tools.errors import RecordError

MAGIC = b"RGMH"
RECORDS, COMMENTS = "temp.xg", "temp.xgc"
"""Names of the members with the records of the match and with its comments."""

MAX_MEMBERS = 16
"""Members of an archive; real ones have two to four."""

MAX_MEMBER_BYTES = 32 << 20
"""Bytes of a member, unpacked: some 13,000 records. The longest matches have a few thousand."""

_HEADER = struct.Struct("<4sii")
_TRAILER = struct.Struct("<Iiiiii12x")
_ENTRY = struct.Struct("<iiiIBB2x")
_NAME_BYTES = 256
_ENTRY_BYTES = 2 * _NAME_BYTES + _ENTRY.size


def is_archive(head: bytes) -> bool:
    """True for the beginning of a file of this kind."""
    return head.startswith(MAGIC)


def unpack_archive(data: bytes) -> dict[str, bytes]:
    """Contents of the members that matter, by name: RECORDS and COMMENTS as far as they are there.

    Raises:
        RecordError: another file, a damaged one, or members beyond the limits.
    """
    if len(data) < _HEADER.size + _TRAILER.size or not is_archive(data):
        raise RecordError("not an eXtreme Gammon file: it does not begin with RGMH or is cut off")
    _, version, header_size = _HEADER.unpack_from(data)
    crc, num_members, _, register_size, data_size, is_packed = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    end = len(data) - _TRAILER.size
    start = end - register_size - data_size
    if version != 1 or min(register_size, data_size) < 0 or start < max(header_size, _HEADER.size):
        raise RecordError("the eXtreme Gammon file is damaged: its archive does not fit into it; save it again in XG")
    if not 1 <= num_members <= MAX_MEMBERS:
        raise RecordError(f"the eXtreme Gammon file has {num_members} members; 1 to {MAX_MEMBERS} are read")
    if zlib.crc32(data[start:end]) != crc:
        raise RecordError("the eXtreme Gammon file is damaged: its checksum is wrong; copy or save it again")
    register = data[start + data_size : end]
    if is_packed:
        register = _inflate(register, num_members * _ENTRY_BYTES, "register")
    if len(register) < num_members * _ENTRY_BYTES:
        raise RecordError("the eXtreme Gammon file is damaged: its register is too short")
    return _read_members(data[start : start + data_size], register, num_members)


def _read_members(data: bytes, register: bytes, num_members: int) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for first in range(0, num_members * _ENTRY_BYTES, _ENTRY_BYTES):
        name_size = min(register[first], _NAME_BYTES - 1)
        name = register[first + 1 : first + 1 + name_size].decode("cp1252", errors="replace").lower()
        if name not in (RECORDS, COMMENTS) or name in members:
            continue
        entry = _ENTRY.unpack_from(register, first + 2 * _NAME_BYTES)
        members[name] = _read_member(data, name, entry)
    return members


def _read_member(data: bytes, name: str, entry: tuple[int, int, int, int, int, int]) -> bytes:
    size, stored_size, offset, crc, is_stored, _ = entry
    if not 0 <= size <= MAX_MEMBER_BYTES:
        raise RecordError(f"member {name} of the eXtreme Gammon file has {size:,} bytes; {MAX_MEMBER_BYTES:,} are read")
    if min(stored_size, offset) < 0 or offset + stored_size > len(data):
        raise RecordError(f"the eXtreme Gammon file is damaged: member {name} lies outside of it")
    stored = data[offset : offset + stored_size]
    content = stored if is_stored else _inflate(stored, size, f"member {name}")
    if len(content) != size or zlib.crc32(content) != crc:
        raise RecordError(f"the eXtreme Gammon file is damaged: member {name} is not what its register says")
    return content


def _inflate(packed: bytes, size: int, what: str) -> bytes:
    """At most `size` bytes of a zlib stream.

    Raises:
        RecordError: no such stream, or more in it.
    """
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, size) if size else b""
    except zlib.error as error:
        raise RecordError(f"the eXtreme Gammon file is damaged: {what} cannot be unpacked ({error})") from error
    if inflater.unconsumed_tail and not inflater.eof:
        # The stream may end right here: one more byte tells an honest stream from a bomb.
        try:
            more = inflater.decompress(inflater.unconsumed_tail, 1)
        except zlib.error as error:
            raise RecordError(f"the eXtreme Gammon file is damaged: {what} cannot be unpacked ({error})") from error
        if more:
            raise RecordError(f"the eXtreme Gammon file is damaged: {what} holds more than its register says")
    return content
