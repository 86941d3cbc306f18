"""How error messages show the text they complain about."""

from __future__ import annotations

LONGEST = 60


def quote(text: str) -> str:
    """`text` in quotes on one line, control characters escaped, cut after 60 characters.

    >>> quote("13/7\\n")
    "'13/7\\\\n'"
    """
    return repr(text) if len(text) <= LONGEST else f"{text[:LONGEST]!r}..."
