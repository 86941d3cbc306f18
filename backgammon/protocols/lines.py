"""Lines from a client, bounded: a line that is too long costs the client an error, and the engine no memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

MAX_LINE = 4096
"""Bytes of the longest line that is read; the longest that any protocol needs has about 200."""

_STRIPPED = "\0\r\n\t "
"""GNU Backgammon ends its lines with a NUL behind the line feed, so the next line begins with it."""


def read_lines(stream: BinaryIO) -> Iterator[str | None]:
    """Every line without its end and without blanks around it, as soon as it is there; None for one that is too long.

    Args:
        stream: buffered; what is not UTF-8 is replaced.

    >>> from io import BytesIO
    >>> list(read_lines(BytesIO(b"ubgi" + bytes([10, 0]) + b" quit ")))
    ['ubgi', 'quit']
    """
    while chunk := stream.readline(MAX_LINE):
        is_whole = chunk.endswith(b"\n") or len(chunk) < MAX_LINE
        if not is_whole:
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        yield chunk.decode("utf-8", "replace").strip(_STRIPPED) if is_whole else None
