"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
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
