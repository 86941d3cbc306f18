"""Grammar of play text: the hops that are written, before any rule is asked.

    play   leg { (blank or comma) leg }
    leg    point / point [*] { / point [*] } [ (count) ]      "-" does as well as "/"
    or, without any "/" or "-", pairs of points: 8 5 6 5
    point  24 ... 1; bar or 25; off or 0; upper or lower case

Points are numbered from the mover's side. One leg is one checker (count: that many); a hop is the way between two
written points and may take several dice. Dialects after the logs of XG, gnubg, Jellyfish, BackgammonGalaxy, Snowie,
FIBS.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from backgammon.rules.board import BAR
from backgammon.tools.errors import MalformedPlay
from backgammon.tools.quoting import quote

MAX_HOPS = 4
"""A double gives four moves; no play has more."""

MAX_LENGTH = 200
"""Characters of the longest text that is looked at; the longest real play has under 60."""

_OFF = 0
_NAMED_POINTS = {"bar": BAR, "off": _OFF}
_POINT = r"(?:bar|off|2[0-5]|1[0-9]|[0-9])"
_TARGET = _POINT + r"\*?"
_LEG = re.compile(rf"({_POINT}(?:/{_TARGET})+)(?:\(([1-4])\))?")
_PAIR_SOURCE = re.compile(_POINT)
_PAIR_TARGET = re.compile(_TARGET)
_LOOSE_SIGN = re.compile(r"\s*(/)\s*|\s+(?=[(*])")


class Hop(NamedTuple):
    """One checker from a written point to the next written point.

    Attributes:
        source: 25 (bar) to 1.
        target: 24 to 0 (off); not checked to lie ahead of `source`.
        is_starred: the text marks a hit.
    """

    source: int
    target: int
    is_starred: bool


@lru_cache(maxsize=1 << 14)  # logs repeat themselves: most plays of a big log are texts seen before
def parse_hops(text: str) -> tuple[Hop, ...]:
    """The hops of a play in the order they are written, counts multiplied out; empty for blank text.

    Raises:
        MalformedPlay: the text is not a play, or has more than four hops.

    >>> parse_hops("24/18*/13")
    (Hop(source=24, target=18, is_starred=True), Hop(source=18, target=13, is_starred=False))
    """
    if len(text) > MAX_LENGTH:
        raise MalformedPlay(f"{quote(text)} has {len(text)} characters: no play is that long")
    signs = text.lower().replace("-", "/")
    tokens = _LOOSE_SIGN.sub(r"\1", signs).replace(",", " ").split()
    hops: list[Hop] = []
    if "/" in signs:
        for token in tokens:
            hops += _parse_leg(token, text)
    elif tokens:
        hops = _parse_pairs(tokens, text)
    if len(hops) > MAX_HOPS:
        raise MalformedPlay(f"{quote(text)} has {len(hops)} moves: a play has four at most")
    return tuple(hops)


def _parse_leg(token: str, text: str) -> list[Hop]:
    """Hops of one leg such as 24/18*/13(2)."""
    match = _LEG.fullmatch(token)
    if match is None:
        raise _malformed(token, text)
    points = match[1].split("/")
    hops = [_make_hop(points[i].rstrip("*"), points[i + 1], text) for i in range(len(points) - 1)]
    return hops * int(match[2] or 1)


def _parse_pairs(tokens: list[str], text: str) -> list[Hop]:
    """Hops of text without separators: 8 5 6 5."""
    for index, token in enumerate(tokens):
        if (_PAIR_TARGET if index % 2 else _PAIR_SOURCE).fullmatch(token) is None:
            raise _malformed(token, text)
    if len(tokens) % 2:
        raise MalformedPlay(
            f"{quote(text)} has a point left over: write moves as 8/5 6/5 or as pairs of points, 8 5 6 5"
        )
    return [_make_hop(tokens[i], tokens[i + 1], text) for i in range(0, len(tokens), 2)]


def _make_hop(source: str, target: str, text: str) -> Hop:
    end = target.rstrip("*")
    hop = Hop(_point_number(source), _point_number(end), end != target)
    if hop.source == _OFF:
        raise MalformedPlay(f"{quote(text)}: a checker that is off does not come back, so no move starts there")
    if hop.target == BAR:
        raise MalformedPlay(f"{quote(text)}: a player's own checkers never move to the bar; write bar/20 to enter")
    if hop.target == _OFF and hop.is_starred:
        raise MalformedPlay(f"{quote(text)}: bearing off cannot hit, so 'off' takes no star")
    return hop


def point_name(point: int) -> str:
    """How a point is written: "bar" for 25, "off" for 0, otherwise its number."""
    return "bar" if point == BAR else "off" if point == _OFF else str(point)


def _point_number(name: str) -> int:
    number = _NAMED_POINTS.get(name)
    return int(name) if number is None else number


def _malformed(token: str, text: str) -> MalformedPlay:
    where = "" if token == text else f" in {quote(text)}"
    return MalformedPlay(f"{quote(token)}{where} is not a move: write 13/7, 24/18*/13, bar/20, 6/off or 8/5(2)")
