"""Bytes that many units share, such as a model: a unit names them by their digest, each worker has them once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from backgammon.tools.errors import DataError

_contents: dict[str, bytes] = {}
"""Of this process, by digest."""


def digest_of(content: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def install_contents(contents: Mapping[str, bytes]) -> None:
    """Make contents known in this process, which is a worker's or does the units itself."""
    _contents.update(contents)


def find_content(digest: str) -> bytes:
    """The bytes of that digest.

    Raises:
        DataError: nobody has brought them here.
    """
    content = _contents.get(digest)
    if content is None:
        raise DataError(f"content {digest[:12]} is not known to this worker: hand it to the workers when they start")
    return content
