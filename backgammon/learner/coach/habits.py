"""Where a player parts from others: what he does more and less often than they would in the same positions.

N plays, M candidates. A habit is a named feature of plays: its mean over the plays that were made, less its mean over
what a reference would have played there, over the decisions in which it varies. References are people of equal
strength, and the engine. Intervals are 95 %, clustered by match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backgammon.learner.coach.people_inputs import PeopleInputs
from backgammon.learner.coach.people_model import FLOOR, choice_logs
from backgammon.learner.coach.play_table import SCORES, PlayTable
from backgammon.learner.inputs.style_features import STYLE_FEATURES
from backgammon.rules import ragged
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Bools, Float64s
from backgammon.tools.intervals import Estimate, estimate_mean

CERTAIN = 2.6
"""Standard errors from which a difference is called a habit: with 60 features one in a hundred shows by chance."""
FEWEST = 100
"""Decisions in which a feature must vary."""


@dataclass(frozen=True)
class Habit:
    """One feature.

    Attributes:
        name: of `STYLE_FEATURES`.
        difference: mean over plays made less mean expected, in units of the feature.
        errors: the difference in standard errors.
        decisions: in which the feature varies.
    """

    name: str
    difference: Estimate
    errors: float
    decisions: int


@dataclass(frozen=True)
class Fit:
    """How well a model foresees a group of plays.

    Attributes:
        name: of the group.
        plays: unforced ones.
        nats: mean logarithm of the probability of the play that was made.
        agreement: share in which the likeliest play was made.
    """

    name: str
    plays: int
    nats: Estimate
    agreement: Estimate


def find_habits(table: PlayTable, inputs: PeopleInputs, logs: Float64s) -> list[Habit]:
    """The habits against a reference, surest first.

    Args:
        table: N plays of one player.
        inputs: theirs; the named features come first in `items`.
        logs: float64[M], log-probability of each candidate by the reference.
    """
    chances = np.exp(logs)
    offsets = table.plays.offsets
    habits = []
    for column, name in enumerate(STYLE_FEATURES):
        values = inputs.items[:, column].astype(np.float64)
        varies = ragged.largest(values, offsets) > ragged.smallest(values, offsets)
        if varies.sum() < FEWEST:
            continue
        differences = values[table.made] - ragged.total(chances * values, offsets)
        estimate = estimate_mean(differences[varies], table.plays.unit[varies])
        reach = estimate.half_width
        if reach:
            habits.append(Habit(name, estimate, 1.96 * estimate.value / reach, int(varies.sum())))
    return sorted(habits, key=lambda habit: -abs(habit.errors))


def engine_logs(table: PlayTable) -> Float64s:
    """Log-probabilities float64[M] of the engine as a chooser: its score as it stands, with the floor of the models."""
    return choice_logs(table.values.astype(np.float64), table.plays.offsets, FLOOR)


def measure_fit(table: PlayTable, logs: Float64s, is_wanted: Bools, name: str) -> Fit:
    """The figures of the plays of bool[N]; logs float64[M] over all candidates of the table."""
    made = logs[table.made]
    is_first = made >= ragged.largest(logs, table.plays.offsets)
    units = table.plays.unit[is_wanted]
    return Fit(
        name,
        int(is_wanted.sum()),
        estimate_mean(made[is_wanted], units),
        estimate_mean(is_first[is_wanted].astype(np.float64), units),
    )


def measure_gain(table: PlayTable, logs: Float64s, others: Float64s, is_wanted: Bools, name: str) -> Fit:
    """How much better `logs` foresee the plays of bool[N] than `others`: paired differences of both figures."""
    offsets = table.plays.offsets
    differences = logs[table.made] - others[table.made]
    hits = [(which[table.made] >= ragged.largest(which, offsets)).astype(np.float64) for which in (logs, others)]
    units = table.plays.unit[is_wanted]
    return Fit(
        name,
        int(is_wanted.sum()),
        estimate_mean(differences[is_wanted], units),
        estimate_mean((hits[0] - hits[1])[is_wanted], units),
    )


def groups_of(table: PlayTable) -> Iterator[tuple[str, Bools]]:
    """Names and members bool[N] of the groups that a report shows: all, contact, races, phases, kinds of score."""
    yield "all", np.ones(len(table), dtype=bool)
    yield "contact", ~table.is_race
    for code, name in enumerate(PHASES):
        yield name, table.phases == code
    for code, name in enumerate(SCORES):
        yield name, table.score == code


def most_typical(table: PlayTable, own: Float64s, others: Float64s, number: int = 10) -> list[int]:
    """Decisions whose play is most his own: far likelier for him than for people, one of a position and roll.

    Args:
        table: N plays of the player.
        own: float64[M], log-probabilities by his model.
        others: float64[M], by the model of people.
        number: at most so many.
    """
    lead = (own - others)[table.made]
    made = own[table.made]
    is_his = made >= ragged.largest(own, table.plays.offsets)
    seen: set[bytes] = set()
    found: list[int] = []
    for decision in np.argsort(-np.where(is_his, lead, -np.inf), kind="stable").tolist():
        key = table.plays.boards[decision].tobytes() + table.plays.dice[decision].tobytes()
        if not is_his[decision] or len(found) == number:
            break
        if key not in seen:
            seen.add(key)
            found.append(decision)
    return found
