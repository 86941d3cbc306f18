"""Text of a play in a log to legs: which checker is said to go from where to where, in the order written.

A leg is a pair (from, to) in the mover's own numbers: 25 the bar, 0 off. `13/7*/5(2)` has two legs, each made twice.
A leg may span both dice or several moves of a double; how it is then played is the business of `execution`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

MAX_LEGS = 4
"""A roll moves at most four checkers."""

LEGS, BLANK, CANNOT_MOVE, UNKNOWN, ILLEGAL_NOTE, MALFORMED = range(6)
"""What stands behind the dice: legs; nothing; "Cannot Move"; "????"; "Illegal play (...)"; something else."""

MAX_KNOWN = 60
"""Characters of the longest text that is kept in memory; a play needs no more, and what is longer is rubbish."""

CODE_SIZE = 3 + 2 * MAX_LEGS
"""Bytes of an encoded text: kind, number of legs, number of stars, then the legs as pairs."""

_CHAIN = re.compile(r"(bar|[0-9]{1,2})((?:/(?:off|[0-9]{1,2})\*?){1,4})(?:\(([1-4])\))?", re.IGNORECASE)
_EMPTY = bytes(2 * MAX_LEGS)


def encode_play(text: str) -> bytes:
    """CODE_SIZE bytes for the text behind the dice, in any dialect; single blanks between its words.

    >>> list(encode_play("8/4*(2)"))
    [0, 2, 1, 8, 4, 8, 4, 0, 0, 0, 0]
    """
    return _encode_known(text) if len(text) <= MAX_KNOWN else _encode(text)


@lru_cache(maxsize=1 << 14)
def _encode_known(text: str) -> bytes:
    """`encode_play` with a memory: the same short texts come again and again."""
    return _encode(text)


def _encode(text: str) -> bytes:
    kind = _kind_without_legs(text)
    if kind != LEGS:
        return bytes((kind, 0, 0)) + _EMPTY
    legs: list[int] = []
    stars = 0
    for word in text.split(" "):
        chain = _CHAIN.fullmatch(word)
        points = None if chain is None else _points(chain[1] + chain[2])
        if chain is None or points is None:
            return bytes((MALFORMED, 0, 0)) + _EMPTY
        stars += word.count("*")
        legs += [point for leg in pairwise(points) for point in leg] * int(chain[3] or 1)
    if len(legs) > 2 * MAX_LEGS:
        return bytes((MALFORMED, 0, 0)) + _EMPTY
    return bytes((LEGS, len(legs) // 2, stars, *legs)).ljust(CODE_SIZE, b"\0")


def _kind_without_legs(text: str) -> int:
    """LEGS when the text must be looked at as legs."""
    if not text:
        return BLANK
    if text[0].isdigit():
        return LEGS
    lowered = text.lower()
    if lowered in ("cannot move", "can't move", "dances"):
        return CANNOT_MOVE
    if lowered.strip("?") == "":
        return UNKNOWN
    return ILLEGAL_NOTE if lowered.startswith("illegal play") else LEGS


def _points(chain: str) -> list[int] | None:
    """The points of a chain such as "bar/20*/16"; None when they do not lead home."""
    words = chain.lower().replace("*", "").split("/")
    points = [25 if word == "bar" else 0 if word == "off" else int(word) for word in words]
    is_homeward = all(source > target for source, target in pairwise(points))
    return points if is_homeward and points[0] <= 25 else None
