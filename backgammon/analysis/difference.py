"""What differs between two plays of one decision, from named features and in one sentence: hits, shots, points, prime.

Every word of the sentence stands for a feature that was counted and differs; nothing is guessed about intentions. All
points are numbered from the side of the player who moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.rules.board import BAR, HOME, checkers_off
from backgammon.rules.decision import Decision
from backgammon.rules.shots import shots_against

FIRST_ANCHOR = 18
"""From the opponent's bar-point on, two checkers behind the opponent's lines are an anchor."""


@dataclass(frozen=True)
class PlayFeatures:
    """What can be counted after a play.

    Attributes:
        hits: checkers of the opponent that the play has sent to the bar.
        shots: rolls of 36 with which the opponent can hit.
        blots: single checkers that some checker of the opponent still has to pass.
        points: points held by two checkers or more.
        prime: length of the longest row of such points.
        back: checkers on the bar and in the opponent's home board.
        off: checkers borne off.
    """

    hits: int
    shots: int
    blots: int
    points: frozenset[int]
    prime: int
    back: int
    off: int


def measure_play(decision: Decision, row: int) -> PlayFeatures:
    """The features of a candidate."""
    after = decision.candidates[row]
    points = frozenset(point for point in range(1, 25) if after[point] >= 2)
    return PlayFeatures(
        hits=int(decision.position.board[0]) - int(after[0]),
        shots=int(shots_against(after[None])[0]),
        blots=sum(bool(after[point] == 1 and (after[:point] < 0).any()) for point in range(1, 25)),
        points=points,
        prime=_longest_row(points),
        back=int(np.maximum(after[BAR - HOME :], 0).sum()),
        off=int(checkers_off(after)[0]),
    )


def describe_difference(decision: Decision, best: int, other: int) -> str:
    """One sentence on what the candidate `best` has over `other`, as counted; what speaks for `other` is said too.

    >>> from backgammon.rules.board import Position
    >>> decision = Decision.make(Position.start(), (3, 1))
    >>> from backgammon.notation.play_text import parse_play
    >>> best, other = parse_play("8/5 6/5", decision), parse_play("13/10 24/23", decision)
    >>> describe_difference(decision, best, other).split(", ")[0]
    'it holds the 5-point and the 24-point anchor'
    """
    one, two = measure_play(decision, best), measure_play(decision, other)
    parts = [
        *_hits(one, two),
        *_points("holds", one.points - two.points),
        *_points("gives up", two.points - one.points),
    ]
    counts = (
        ("leaves", "shot", " of 36", one.shots, two.shots),
        ("leaves", "blot", "", one.blots, two.blots),
        ("has", "point", " in a row", one.prime, two.prime),
        ("has", "checker", " back", one.back, two.back),
        ("has", "checker", " off", one.off, two.off),
    )
    for verb, noun, where, here, there in counts:
        if here != there:
            parts.append((verb, f"{_count(here, noun)}{where} instead of {there}"))
    return _join(parts) if parts else "hits, shots, points, primes and checkers off are the same after both plays."


def _hits(one: PlayFeatures, two: PlayFeatures) -> list[tuple[str, str]]:
    if one.hits == two.hits:
        return []
    if not two.hits or not one.hits:
        return [("hits" if one.hits else "does not hit", "" if max(one.hits, two.hits) == 1 else "twice")]
    return [("hits", f"{_count(one.hits, 'checker')} instead of {two.hits}")]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s'[: number != 1]}"


def _points(verb: str, points: frozenset[int]) -> list[tuple[str, str]]:
    """(verb, the points in words), nearest to home first."""
    if not points:
        return []
    names = [f"the {point}-point{' anchor' if point >= FIRST_ANCHOR else ''}" for point in sorted(points)]
    return [(verb, " and ".join(names))]


def _join(parts: list[tuple[str, str]]) -> str:
    """Clauses as one sentence; a verb that has just been said is not repeated."""
    clauses, last = [], ""
    for verb, what in parts:
        clauses.append(what if verb == last and what else f"{verb} {what}".strip())
        last = verb
    text = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])}, and {clauses[-1]}"
    return f"it {text}."


def _longest_row(points: frozenset[int]) -> int:
    longest = 0
    for point in points:
        length = 1
        while point + length in points:
            length += 1
        longest = max(longest, length)
    return longest
