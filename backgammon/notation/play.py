"""Plays as text: written the way gnubg and XG write them, read in every dialect, judged by the rules.

Written: `24/18*/13(2) bar/20 6/off`. Hops of one checker are merged, an intermediate point stays only where it hits, equal
moves share a count, a star stands at the first landing on a point, sources descend; bar and off are words. The rules of
merging are those of GNU Backgammon 1.07's FormatMove. Read: see `legs` for the grammar, `readings` for the meaning.

Points are numbered from the mover's side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from backgammon.errors import AmbiguousPlay, IllegalPlay, MalformedPlay
from backgammon.notation.illegal import explain_illegal
from backgammon.notation.legs import parse_hops, point_name
from backgammon.notation.quoting import quote
from backgammon.notation.readings import legal_plays, make_play, possible_readings, row_after
from backgammon.rules import Decision, Play

MAX_LISTED = 12
"""Plays that an error message lists before it says how many more there are."""


def format_play(play: Play) -> str:
    """The canonical text of a play; empty for a dance.

    >>> from backgammon.rules import Move
    >>> format_play((Move(24, 18, True), Move(18, 13, False), Move(6, 5, False)))
    '24/18*/13 6/5'
    """
    hits = {move.target for move in play if move.is_hit}
    chains = Counter(_merge_moves(play, hits))
    texts = []
    for chain, count in chains.items():
        text = point_name(chain[0])
        for point in chain[1:]:
            text += f"/{point_name(point)}"
            if point in hits:
                text += "*"
                hits.discard(point)
        texts.append(text if count == 1 else f"{text}({count})")
    return " ".join(texts)


def _merge_moves(play: Play, hits: set[int]) -> list[tuple[int, ...]]:
    """The points that each checker is written with, sources descending."""
    left = sorted(((move.source, move.target) for move in play), reverse=True)
    chains = []
    while left:
        chain = list(left.pop(0))
        index = 0
        while index < len(left):
            if left[index][0] != chain[-1]:
                index += 1
                continue
            _, target = left.pop(index)
            if chain[-1] in hits:
                chain.append(target)
            else:
                chain[-1] = target
        chains.append(tuple(chain))
    return chains


def parse_play(text: str, decision: Decision) -> int:
    """The row of the candidate that a whole play leads to.

    Missing stars and any order of the legs are accepted; blank text is the play of a dance. A leg of two dice without a
    star takes the way that hits nobody in passing.

    Args:
        text: for instance `24/18*/13 6/5`, `8/5,6/5`, `8 5 6 5`, `25/20`, `6/0`.
        decision: the position and roll it is played in.

    Raises:
        MalformedPlay: the text is not a play.
        AmbiguousPlay: it can be read in ways that lead to different positions; the message lists them.
        IllegalPlay: it is a play, but the roll or the position forbids it; the message says what is legal from there.

    >>> from backgammon import Decision, Position
    >>> decision = Decision.make(Position.start(), (3, 1))
    >>> format_play(decision.plays[parse_play("6/5, 8/5", decision)])
    '8/5 6/5'
    """
    hops = parse_hops(text)
    if not hops:
        if decision.is_dance:
            return 0
        raise MalformedPlay(f"no play given for {decision.roll}: write for instance {_example(decision)}")
    readings = possible_readings(hops, decision)
    found = [(reading, row_after(reading.steps, decision)) for reading in readings if reading.false_star is None]
    legal = [(reading, row) for reading, row in found if row is not None]
    rows = {row for reading, row in legal if reading.is_clean} or {row for _, row in legal}
    if len(rows) == 1:
        return rows.pop()
    if rows:
        meanings = (format_play(make_play(reading.steps, decision)) for reading, row in legal if row in rows)
        raise AmbiguousPlay(f"{quote(text)} can be read in more than one way with {decision.roll}: {_list(meanings)}")
    raise IllegalPlay(explain_illegal(text, hops, decision))


def complete_play(text: str, decision: Decision) -> int:
    """The row of the only play that contains what is typed: parse_play, and short forms such as `8/5` alone.

    Blank text is accepted when there is nothing to choose.

    Raises:
        MalformedPlay: the text is not a play, or blank where there is a choice.
        AmbiguousPlay: several plays contain it; the message lists them.
        IllegalPlay: no legal play contains it.
    """
    hops = parse_hops(text)
    if not hops and decision.is_forced:
        return 0
    try:
        return parse_play(text, decision)
    except IllegalPlay:
        fitting = _plays_with(text, decision)
        if len(fitting) > 1:
            raise AmbiguousPlay(f"{quote(text)} fits {len(fitting)} plays of {decision.roll}: {_list(fitting.values())}") from None
        if not fitting:
            raise
    return next(iter(fitting))


def _plays_with(text: str, decision: Decision) -> dict[int, str]:
    """Row and text of every candidate that a play with the typed moves leads to."""
    readings = possible_readings(parse_hops(text), decision)
    wanted = [Counter(reading.steps) for reading in readings if reading.false_star is None]
    fitting: dict[int, str] = {}
    for row, play in legal_plays(decision):
        made = Counter((move.source, move.target) for move in play)
        if row not in fitting and any(steps <= made for steps in wanted):
            fitting[row] = format_play(play)
    return fitting


def _example(decision: Decision) -> str:
    return format_play(decision.plays[0])


def _list(texts: Iterable[str]) -> str:
    """The texts with commas, the tail counted only."""
    distinct = list(dict.fromkeys(texts))
    more = f" and {len(distinct) - MAX_LISTED} more" if len(distinct) > MAX_LISTED else ""
    return ", ".join(distinct[:MAX_LISTED]) + more
