"""How error messages show the text they complain about."""

from __future__ import annotations

LONGEST = 60


def quote(text: str) -> str:
    r"""`text` in quotes on one line, control characters escaped, cut after 60 characters.

    >>> print(quote("13/7" + chr(10)))
    '13/7\n'
    """
    return repr(text) if len(text) <= LONGEST else f"{text[:LONGEST]!r}..."
