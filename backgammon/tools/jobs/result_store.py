"""Results of units in a folder, each in a file of the unit's name that appears whole or not at all.

The first line of a file is the SHA-256 of the unit's name and the rest. A damaged file, or one of another unit, is
reported, never used.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from backgammon.tools.errors import DataError
from backgammon.tools.storage import read_bounded, replace_file

MAX_RESULT = 1 << 30
"""Bytes of a unit's result; one of those there are has some megabytes."""


class ResultStore:
    """Keeps results in a folder, which is made with the first; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        """Nothing is read or made yet."""
        self.folder = folder

    def find(self, name: str) -> bytes | None:
        """The result of unit `name`; None where it is not kept.

        Raises:
            DataError: the file is damaged.
            OSError: it cannot be read, or is no file.
        """
        if self.folder is None:
            return None
        path = self._path(name)
        try:
            digest, _, result = read_bounded(path, MAX_RESULT).partition(b"\n")
        except FileNotFoundError:
            return None
        if _digest(name, result) != digest:
            raise DataError(f"{path}: damaged, its checksum does not match; delete it and run again")
        return result

    def keep(self, name: str, result: bytes) -> None:
        """Keep the result of unit `name`.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.folder is not None:
            replace_file(self._path(name), _digest(name, result), b"\n", result)

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.result"


def _digest(name: str, result: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + result).hexdigest().encode()
