"""When an error is asked again: soon after a wrong answer, ever later after right ones.

An answer is right when it would have lost less than GOOD, wrong from BAD on, and in between neither: then the time
stays as it was. A right answer multiplies the time by EASE, after P. Wozniak's SM-2 (1990) with one ease for all.
"""

from __future__ import annotations

from typing import NamedTuple

GOOD, BAD = 0.005, 0.02
"""Equity."""
EASE = 2.5
FIRST_DAYS = 1.0
AGAIN_SECONDS = 600.0
"""After a wrong answer."""
LONGEST_DAYS = 365.0
DAY = 86_400.0
"""Seconds."""


class Schedule(NamedTuple):
    """Where an error stands.

    Attributes:
        due: seconds since 1970 from which on it is asked.
        days: time after the last right answer; 0 before the first.
        asked: answers so far.
        failed: wrong ones among them.
    """

    due: float
    days: float
    asked: int
    failed: int


FIRST = Schedule(0.0, 0.0, 0, 0)


def schedule_next(schedule: Schedule, loss: float, now: float) -> Schedule:
    """Where an error stands after an answer.

    Args:
        schedule: before it.
        loss: equity that the answer gives up, 0 or more.
        now: seconds since 1970.

    >>> once = schedule_next(FIRST, 0.0, now=0.0)
    >>> once.days, schedule_next(once, 0.0, now=once.due).days, schedule_next(once, 0.3, now=once.due).due - once.due
    (1.0, 2.5, 600.0)
    """
    _, days, asked, failed = schedule
    if loss >= BAD:
        return Schedule(now + AGAIN_SECONDS, 0.0, asked + 1, failed + 1)
    days = FIRST_DAYS if not days else days * EASE if loss < GOOD else days
    days = min(days, LONGEST_DAYS)
    return Schedule(now + days * DAY, days, asked + 1, failed)
