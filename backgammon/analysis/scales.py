"""Marks and rating words of other programs, by equity lost.

Sources: GNU Backgammon 1.07, defaults of `set analysis threshold` and the table of its manual ("Rating"); eXtreme
Gammon 2 as its manual ("Performance") and its users describe it (error 0.020, blunder 0.080, the bands of PR).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Mark(NamedTuple):
    """A class of plays by what they lose.

    Attributes:
        name: in words.
        sign: as it is written behind a play.
        least: equity lost, from this on.
    """

    name: str
    sign: str
    least: float


GNUBG_MARKS = (Mark("doubtful", "?!", 0.030), Mark("bad", "?", 0.060), Mark("very bad", "??", 0.120))
XG_MARKS = (Mark("error", "?", 0.020), Mark("blunder", "??", 0.080))
LUCK_MARKS = (Mark("lucky", "+", 0.3), Mark("very lucky", "++", 0.6))
"""Of a roll; the same with the opposite sign is unlucky and very unlucky."""

_RATINGS = (0.002, 0.005, 0.008, 0.012, 0.018, 0.026, 0.035)
_RATING_WORDS = (
    "supernatural",
    "world class",
    "expert",
    "advanced",
    "intermediate",
    "casual player",
    "beginner",
    "awful",
)


_PR_BANDS = (2.5, 5.0, 7.5, 12.5, 17.5, 22.5, 30.0)
_PR_WORDS = (
    "world champion",
    "world class",
    "expert",
    "advanced",
    "intermediate",
    "casual player",
    "beginner",
    "distracted",
)


def find_mark(value: float, marks: tuple[Mark, ...]) -> Mark | None:
    """The most severe mark that a value reaches; None below all of them.

    >>> find_mark(0.08, GNUBG_MARKS).name
    'bad'
    """
    place = bisect_right([mark.least for mark in marks], value)
    return marks[place - 1] if place else None


def count_marks(values: list[float], marks: tuple[Mark, ...]) -> dict[str, int]:
    """How many values have each mark, each value counted once, by the name of the mark."""
    found = [find_mark(value, marks) for value in values]
    return {mark.name: sum(one is mark for one in found) for mark in marks}


def count_luck(values: list[float]) -> dict[str, int]:
    """How many rolls were how lucky, luckiest first; those in between are left out."""
    lucky, unlucky = count_marks(values, LUCK_MARKS), count_marks([-value for value in values], LUCK_MARKS)
    return {
        "very lucky": lucky["very lucky"],
        "lucky": lucky["lucky"],
        "unlucky": unlucky["lucky"],
        "very unlucky": unlucky["very lucky"],
    }


def rating_word(error: float) -> str:
    """GNU Backgammon's word for a mean loss in equity per counted decision.

    >>> rating_word(0.0065)
    'expert'
    """
    return _RATING_WORDS[bisect_right(_RATINGS, error)]


def pr_word(performance_rating: float) -> str:
    """What XG calls a player of such a PR.

    >>> pr_word(6.1)
    'expert'
    """
    return _PR_WORDS[bisect_right(_PR_BANDS, performance_rating)]
