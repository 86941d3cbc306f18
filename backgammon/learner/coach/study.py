"""The study of one player: a model of him on top of people's, judged on matches it has not seen, and his habits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from backgammon.learner.coach.habits import (
    Fit,
    Habit,
    engine_logs,
    find_habits,
    groups_of,
    measure_fit,
    measure_gain,
    most_typical,
)
from backgammon.learner.coach.people_fit import CALIBRATION, PERSONAL, FitSettings, fit_people
from backgammon.learner.coach.people_inputs import measure_strengths, people_inputs
from backgammon.learner.coach.people_model import PeopleModel
from backgammon.learner.coach.play_table import PlayTable
from backgammon.rules import ragged
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import DataError

FEWEST_PLAYS = 1500
"""Below it habits cannot be told from chance: only the calibration is learnt, and the report says so."""
NUM_FOLDS = 5
MIN_GROUP = 100

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Study:
    """What was found out about a player.

    Attributes:
        player: the name.
        table: his N unforced plays.
        model: of him, learnt from all of them.
        is_calibration: too few plays for habits; see `FEWEST_PLAYS`.
        strength: mean regret in points.
        fits: of his model on matches that it has not seen, by group.
        gains: the same, over people of equal strength.
        from_people: habits against people of equal strength.
        from_engine: habits against the engine.
        typical: decisions that are most his own.
        own: float64[M], log-probabilities of all candidates by models that have not seen the match.
        others: float64[M], by the model of people.
    """

    player: str
    table: PlayTable
    model: PeopleModel
    is_calibration: bool
    strength: float
    fits: list[Fit]
    gains: list[Fit]
    from_people: list[Habit]
    from_engine: list[Habit]
    typical: list[int]
    own: Float64s
    others: Float64s


def learn_people(table: PlayTable, is_wanted: Bools, seed: int = 1, progress: Progress | None = None) -> PeopleModel:
    """A model of people from the plays of bool[N].

    Raises:
        DataError: too few plays.
    """
    if is_wanted.sum() < FEWEST_PLAYS:
        raise DataError(f"{int(is_wanted.sum()):,} plays by other people: a model of people needs {FEWEST_PLAYS:,}")
    # Strength is measured over all plays of the match, before any are left out.
    strengths = measure_strengths(table)[is_wanted]
    plays = table.take(is_wanted)
    inputs = people_inputs(plays, strengths)
    weights = fit_people(inputs, plays.plays.chosen_rows, FitSettings(seed=seed), progress=progress)
    about = {"player": "", "plays": len(plays), "matches": len(np.unique(plays.plays.unit)), "seed": seed}
    return PeopleModel(weights, about)


def study_player(
    table: PlayTable, name: str, people: PeopleModel, seed: int = 1, progress: Progress | None = None
) -> Study:
    """Learn a player and compare him with people of equal strength and with the engine.

    Args:
        table: plays of everybody.
        name: the player; case and blanks around do not matter.
        people: a model that has not seen the player, or the comparison flatters him less than it should.
        seed: of folds and training.
        progress: called with the parts done and all parts.

    Raises:
        DataError: nobody of that name, or a single match.
    """
    plays = table.take(table.of_player(name))
    units = np.unique(plays.plays.unit)
    if len(units) < 2:
        raise DataError(f"{name!r} has {len(plays):,} plays in a single match: intervals need at least two")
    strengths = measure_strengths(plays)
    inputs = people_inputs(plays, strengths)
    others = people.log_probabilities(inputs)
    is_calibration = len(plays) < FEWEST_PLAYS
    settings = replace(CALIBRATION if is_calibration else PERSONAL, seed=seed)
    own = np.empty_like(others)
    folds = _folds(plays, units, seed)
    for number, fold in enumerate(folds):
        learnt = np.flatnonzero(~fold)
        weights = fit_people(inputs.take(learnt), plays.plays.chosen_rows[learnt], settings, people.weights)
        judged = np.flatnonzero(fold)
        rows, _ = ragged.take(plays.plays.offsets, judged)
        own[rows] = PeopleModel(weights, {}).log_probabilities(inputs.take(judged))
        if progress is not None:
            progress(number + 1, len(folds) + 1)
    weights = fit_people(inputs, plays.plays.chosen_rows, settings, people.weights)
    strength = float(np.minimum(plays.regrets[plays.made], 0.3).mean())
    about = {"player": name.strip(), "plays": len(plays), "matches": len(units), "seed": seed, "strength": strength}
    if progress is not None:
        progress(len(folds) + 1, len(folds) + 1)
    shown = [(group, members) for group, members in groups_of(plays) if members.sum() >= MIN_GROUP or group == "all"]
    return Study(
        player=name.strip(),
        table=plays,
        model=PeopleModel(weights, about),
        is_calibration=is_calibration,
        strength=strength,
        fits=[measure_fit(plays, own, members, group) for group, members in shown],
        gains=[measure_gain(plays, own, others, members, group) for group, members in shown],
        from_people=find_habits(plays, inputs, others),
        from_engine=find_habits(plays, inputs, engine_logs(plays)),
        typical=[] if is_calibration else most_typical(plays, own, others),
        own=own,
        others=others,
    )


def _folds(plays: PlayTable, units: Int64s, seed: int) -> list[Bools]:
    """bool[N] for each fold: the plays of its matches."""
    count = min(NUM_FOLDS, len(units))
    numbers = np.random.default_rng([seed, 5]).permutation(len(units)) % count
    of_play = numbers[np.searchsorted(units, plays.plays.unit)]
    return [np.asarray(of_play == fold) for fold in range(count)]
