"""Where logs come from: files, folders, and the members of .gz, .xz and .zip files, each as bytes within a limit.

What a file is, its first bytes decide, not its name. Nothing is unpacked to disk, what is no log is not unpacked beyond
its beginning, and no more than the limit is ever unpacked to memory: a decompression bomb costs no more than an honest
file.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from backgammon.tools.errors import RecordError
from backgammon.tools.packed import DAMAGE, MAGIC_BYTES, ZIP, unpacked_stream

MAX_BYTES = 64 << 20
"""Bytes of one log, unpacked."""

MAX_ARCHIVE_BYTES = 1 << 30
"""Bytes of all members of one .zip file together, unpacked."""

MAX_MEMBERS = 100_000
"""Members of one .zip file."""

_DAMAGE = (
    *DAMAGE,
    ValueError,
    IndexError,  # zipfile trips over a member without a name
    NotImplementedError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)

Source = tuple[str, bytes | RecordError]
"""Name of a log and its bytes, or why they cannot be had."""

Check = Callable[[bytes], None]
"""Raises RecordError for the beginning of a file that is no log."""


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """Every file named or lying in a named folder, at any depth, in sorted order; hidden ones in folders are left out.

    Raises:
        RecordError: a path that does not exist, or no path at all.
    """
    found: list[Path] = []
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    for path in map(Path, given):
        if path.is_dir():
            found.extend(_walk(path))
        elif path.exists():
            found.append(path)
        else:
            raise RecordError(f"{path}: there is no such file or folder")
    if not given:
        raise RecordError("no logs are named: give files or folders")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder; links to folders are not followed, so there are no circles."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(place) / name


def open_sources(path: Path, check_head: Check | None = None, head_bytes: int = 1 << 16) -> Iterator[Source]:
    """The log in a file, or one after the other those in a .zip file, named "archive.zip/member".

    Args:
        path: of the file.
        check_head: raises RecordError for the beginning of a file that is no log, which then is not read any further.
        head_bytes: what it is given, unpacked.
    """
    name = str(path)
    check = _HeadCheck(check_head, head_bytes)
    try:
        if not path.is_file():
            raise RecordError("this is neither a file nor a folder")
        with path.open("rb") as file:
            magic = file.read(MAGIC_BYTES)
            file.seek(0)
            if magic.startswith(ZIP):
                yield from _open_members(name, file, check)
                return
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise RecordError(f"{size:,} bytes are more than a log can have ({MAX_BYTES:,})")
            data: bytes | RecordError = _unpack(file, magic, check)
    except RecordError as error:
        data = error
    except OSError as error:
        data = RecordError(f"cannot be read: {error.strerror or error}")
    yield name, data


class _HeadCheck:
    """Reads a stream to its end unless its beginning is refused."""

    def __init__(self, check: Check | None, head_bytes: int) -> None:
        self._check = check
        self._head_bytes = head_bytes

    def read(self, stream: IO[bytes]) -> bytes:
        """All bytes of a stream.

        Raises:
            RecordError: the beginning is not of a log, or there are more than MAX_BYTES.
        """
        head = stream.read(min(self._head_bytes, MAX_BYTES))
        if self._check is not None:
            self._check(head)
        data = head + stream.read(MAX_BYTES + 1 - len(head))
        if len(data) > MAX_BYTES:
            raise RecordError(f"unpacked it has more than {MAX_BYTES:,} bytes, the most that a log can have")
        return data


def _unpack(file: IO[bytes], magic: bytes, check: _HeadCheck) -> bytes:
    """The bytes of a file, unpacked if its first bytes (`magic`) say gzip or xz.

    Raises:
        RecordError: damaged, too large, an archive within an archive, or refused by its beginning.
    """
    if magic.startswith(ZIP):
        raise RecordError("an archive within an archive is not opened; unpack the outer one")
    try:
        stream = unpacked_stream(file, magic)
        if stream is not file:
            with stream:
                return check.read(stream)
    except _DAMAGE as error:
        raise RecordError(f"the compressed data are damaged ({error})") from error
    return check.read(file)


def _open_members(name: str, file: IO[bytes], check: _HeadCheck) -> Iterator[Source]:
    """The files of an open .zip file in sorted order."""
    total = 0
    try:
        with zipfile.ZipFile(file) as archive:
            members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
            if len(members) > MAX_MEMBERS:
                raise RecordError(f"{len(members):,} members are more than are opened ({MAX_MEMBERS:,})")
            for member in members:
                data = _read_member(archive, member, check)
                yield f"{name}/{member.filename}", data
                total += 0 if isinstance(data, RecordError) else len(data)
                if total > MAX_ARCHIVE_BYTES:
                    raise RecordError(f"unpacked it has more than {MAX_ARCHIVE_BYTES:,} bytes; the rest is not read")
    except RecordError as error:
        yield name, error
    except _DAMAGE as error:
        yield name, RecordError(f"the .zip file is damaged ({error})")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, check: _HeadCheck) -> bytes | RecordError:
    if member.flag_bits & 1:
        return RecordError("is encrypted; unpack it first")
    if member.file_size > MAX_BYTES:
        return RecordError(f"{member.file_size:,} bytes are more than a log can have ({MAX_BYTES:,})")
    try:
        with archive.open(member) as file:
            magic = file.read(MAGIC_BYTES)
            file.seek(0)
            return _unpack(file, magic, check)
    except RecordError as error:
        return error
    except _DAMAGE as error:
        return RecordError(f"is damaged ({error})")
