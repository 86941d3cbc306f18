"""Plays as text, read and written.

`parse_play` reads a whole play in any dialect and `complete_play` also short forms; `format_play` writes the
canonical text. See `legs` for the grammar, `readings` for the meaning, `formatting` for the canonical form. Points
are numbered from the mover's side.
"""

from __future__ import annotations

from backgammon.notation.formatting import format_play, list_plays
from backgammon.notation.grammar import parse_hops
from backgammon.notation.illegal import explain_illegal
from backgammon.notation.readings import make_play, plays_with, possible_readings, row_after
from backgammon.rules.decision import Decision
from backgammon.tools.errors import AmbiguousPlay, IllegalPlay, MalformedPlay
from backgammon.tools.quoting import quote

__all__ = ["complete_play", "format_play", "parse_play"]


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
        raise MalformedPlay(f"no play given for {decision.roll}: write for instance {format_play(decision.plays[0])}")
    readings = [reading for reading in possible_readings(hops, decision) if reading.false_star is None]
    legal = [(reading, row) for reading in readings if (row := row_after(reading.steps, decision)) is not None]
    rows = {row for reading, row in legal if reading.is_clean} or {row for _, row in legal}
    if len(rows) == 1:
        return rows.pop()
    if rows:
        meanings = list_plays(make_play(reading.steps, decision) for reading, row in legal if row in rows)
        raise AmbiguousPlay(f"{quote(text)} with {decision.roll} can mean {meanings}: write the point in between")
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
        fitting = plays_with(hops, decision)
        if len(fitting) > 1:
            plays = list_plays(fitting.values())
            raise AmbiguousPlay(f"{quote(text)} fits {len(fitting)} plays of {decision.roll}: {plays}") from None
        if not fitting:
            raise
    return next(iter(fitting))
