"""Files packed with gzip or xz, unpacked as they are read. What a file is, its first bytes decide, not its name."""

from __future__ import annotations

import errno
import gzip
import lzma
import zlib
from pathlib import Path, PurePath
from typing import IO, cast

GZIP, XZ, ZIP = b"\x1f\x8b", b"\xfd7zXZ\x00", b"PK\x03\x04"
"""How packed files begin."""
PACKED_SUFFIXES = (".xz", ".gz")
"""Of what is packed as it is written, see `packed_as_named`."""
MAGIC_BYTES = len(XZ)
"""So many of the first bytes tell."""
DAMAGE = (OSError, EOFError, MemoryError, lzma.LZMAError, zlib.error)
"""What reading a damaged file may raise; an xz header can ask for a dictionary of 4 GiB."""


def open_unpacked(path: Path) -> IO[bytes]:
    """A file as bytes, unpacked if its beginning says gzip or xz.

    Raises:
        OSError: it cannot be read; once open, reading may raise any of DAMAGE.
    """
    if not path.is_file():
        raise OSError(errno.EINVAL, "is no file", str(path))  # a pipe without a writer would be waited for
    with path.open("rb") as file:
        magic = file.read(MAGIC_BYTES)
    if magic.startswith(GZIP):
        return cast(IO[bytes], gzip.GzipFile(path))
    return lzma.LZMAFile(path) if magic.startswith(XZ) else path.open("rb")


def unpacked_stream(file: IO[bytes], magic: bytes) -> IO[bytes]:
    """What is in an open file whose first bytes are `magic`; `file` itself where it is not packed."""
    if magic.startswith(GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    return lzma.LZMAFile(file) if magic.startswith(XZ) else file


def packed_as_named(name: PurePath, content: bytes) -> bytes:
    """The content of a file of that name, packed if it ends in .xz or .gz; the same bytes every time."""
    if name.suffix == ".xz":
        return lzma.compress(content, preset=9)
    return gzip.compress(content, mtime=0) if name.suffix == ".gz" else content
