"""Files that appear whole or not at all, and are read within a limit."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path


def replace_file(path: Path, *chunks: bytes) -> None:
    """Put a file at `path` so that a reader, or a crash, meets either the old one or the new one.

    It is written beside its place, forced to disk, then renamed; several processes may do so at once.

    Args:
        path: where to; missing folders are created.
        *chunks: the content, in pieces that are written one after the other.

    Raises:
        OSError: it cannot be written; nothing of it stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        _write(partial, chunks)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the rename itself reaches the disk with the folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(path: Path, chunks: Sequence[bytes]) -> None:
    with path.open("xb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())


def read_bounded(path: Path, most: int) -> bytes:
    """All bytes of a file that has at most so many, counted as they are read: what the system says of a size may be 0.

    Args:
        path: a file, or a pipe; a pipe that nobody writes to is empty.
        most: bytes.

    Raises:
        OSError: it cannot be read, is a device or a folder, or has more.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise OSError(errno.EINVAL, "is no file", str(path))
        if hasattr(os, "set_blocking"):
            os.set_blocking(handle, True)
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than the {most:,} bytes that it may have", str(path))
    return content
