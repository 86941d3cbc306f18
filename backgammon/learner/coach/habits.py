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
from backgammon.learner.coach.people_model import FLOOR
from backgammon.learner.coach.play_table import SCORES, PlayTable
from backgammon.learner.inputs.style_features import STYLE_FEATURES
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
    starts = table.offsets[:-1]
    habits = []
    for column, name in enumerate(STYLE_FEATURES):
        values = inputs.items[:, column].astype(np.float64)
        varies = np.maximum.reduceat(values, starts) > np.minimum.reduceat(values, starts)
        if varies.sum() < FEWEST:
            continue
        differences = values[table.chosen_rows] - np.add.reduceat(chances * values, starts)
        estimate = estimate_mean(differences[varies], table.unit[varies])
        reach = estimate.half_width
        if reach:
            habits.append(Habit(name, estimate, 1.96 * estimate.value / reach, int(varies.sum())))
    return sorted(habits, key=lambda habit: -abs(habit.errors))


def engine_logs(table: PlayTable) -> Float64s:
    """Log-probabilities float64[M] of the engine as a chooser: its score as it stands, with the floor of the models."""
    starts, counts = table.offsets[:-1], np.diff(table.offsets)
    values = table.values.astype(np.float64)
    powers = np.exp(values - np.repeat(np.maximum.reduceat(values, starts), counts))
    shares = powers / np.repeat(np.add.reduceat(powers, starts), counts)
    return np.asarray(np.log((1 - FLOOR) * shares + np.repeat(FLOOR / counts, counts)))


def measure_fit(table: PlayTable, logs: Float64s, is_wanted: Bools, name: str) -> Fit:
    """The figures of the plays of bool[N]; logs float64[M] over all candidates of the table."""
    made = logs[table.chosen_rows]
    is_first = made >= np.maximum.reduceat(logs, table.offsets[:-1])
    units = table.unit[is_wanted]
    return Fit(
        name,
        int(is_wanted.sum()),
        estimate_mean(made[is_wanted], units),
        estimate_mean(is_first[is_wanted].astype(np.float64), units),
    )


def measure_gain(table: PlayTable, logs: Float64s, others: Float64s, is_wanted: Bools, name: str) -> Fit:
    """How much better `logs` foresee the plays of bool[N] than `others`: paired differences of both figures."""
    starts = table.offsets[:-1]
    differences = logs[table.chosen_rows] - others[table.chosen_rows]
    hits = [
        (which[table.chosen_rows] >= np.maximum.reduceat(which, starts)).astype(np.float64) for which in (logs, others)
    ]
    units = table.unit[is_wanted]
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
    lead = (own - others)[table.chosen_rows]
    made = own[table.chosen_rows]
    is_his = made >= np.maximum.reduceat(own, table.offsets[:-1])
    seen: set[bytes] = set()
    found: list[int] = []
    for decision in np.argsort(-np.where(is_his, lead, -np.inf), kind="stable").tolist():
        key = table.boards[decision].tobytes() + table.dice[decision].tobytes()
        if not is_his[decision] or len(found) == number:
            break
        if key not in seen:
            seen.add(key)
            found.append(decision)
    return found
