"""Files and folders that appear whole or not at all, and files that are read within a limit.

They are made under another name beside their place and renamed. Whoever makes one holds a lock on it, which goes with
the process: what a killed one has left behind is not locked, and goes when the same name is written again.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path

if sys.platform != "win32":  # there nothing is locked, and nothing swept
    import fcntl


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
    sweep(path)
    partial, lock = _make_partial(path, is_folder=False)
    try:
        _write(partial, chunks)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)
    _sync_folder(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which is at `path` when all went well, and else nowhere.

    Raises:
        OSError: it cannot be made, or `path` is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    partial, lock = _make_partial(path, is_folder=True)
    try:
        yield partial
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    _sync_folder(path.parent)


def sweep(path: Path) -> None:
    """Remove what killed processes have left behind of a file or folder `path` that they were making."""
    if sys.platform == "win32":
        return
    for partial in path.parent.glob(f".{escape(path.name)}.partial-*"):
        lock = _lock(partial)
        if lock is None:
            continue
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
        os.close(lock)


def _make_partial(path: Path, is_folder: bool) -> tuple[Path, int]:
    """A new, locked file or folder beside `path`, and the open file that holds the lock."""
    while True:
        partial = path.with_name(f".{path.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
        if is_folder:
            partial.mkdir()
        else:
            partial.touch(exist_ok=False)
        lock = _lock(partial)
        # between these lines somebody else may have taken it for a leftover
        if lock is not None and partial.exists():
            return partial, lock
        if lock is not None:
            os.close(lock)


def _lock(path: Path) -> int | None:
    """An open file that holds the lock on a file or folder; None where another process has it, or it is gone."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    if sys.platform != "win32":
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            return None
    return opened


def _write(path: Path, chunks: Sequence[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """The rename itself reaches the disk with the folder."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


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
