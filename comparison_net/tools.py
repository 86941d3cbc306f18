"""What every room of the learner needs: its errors, whole files, reading within a limit, the number of processors.

    LearnerError
    +-- ConfigError   a setting that does not exist or is out of range
    +-- DataError     choices that cannot be used: they do not fit together, hold no number, or are too few
    +-- ModelError    a file of weights that cannot be used: damaged, foreign, or made for other inputs

A message says what is wrong, where, and how to mend it. `backgammon.tools` has errors, a `replace_file`, a
`read_bounded` and a `usable_processors` of its own: the learner is a product by itself and stands on no other package
of the house, so these few lines are written twice.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


class LearnerError(Exception):
    """Base of all errors caused by input; never raised for a defect of the program itself."""


class ConfigError(LearnerError, ValueError):
    """A setting that does not exist or is out of range."""


class DataError(LearnerError, ValueError):
    """Choices that cannot be used."""


class ModelError(LearnerError):
    """A file of weights that cannot be used."""


def replace_file(path: Path, content: bytes) -> None:
    """Put a file at `path` so that a reader, or a crash, meets either the old one or the new one.

    It is written beside its place, forced to disk, then renamed; missing folders are created.

    Raises:
        OSError: it cannot be written; nothing of it stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
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


def read_bounded(path: Path, most: int) -> bytes:
    """All bytes of a file that has at most so many, counted as they are read: the system may say 0 of a size.

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


def usable_processors() -> int:
    """Processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
