"""What a model of people reads of a play and of whoever makes it.

N decisions, M candidates, F numbers of a candidate, C of the decision and its player.

A candidate: its named features, its counts, its outcomes, and how far it is behind the best in three measures. The
decision: its phase, how many candidates there are, and the player's strength, measured as mean regret on his OTHER
plays of the match, for logs hold no ratings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.evaluation.outcome import equities
from backgammon.learner.coach.play_table import PlayTable
from backgammon.learner.inputs.style_features import STYLE_FEATURES, style_features
from backgammon.rules import ragged
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Float32s, Float64s, Int64s, Offsets

VERSION = "people-1"
"""Travels in every model of people; changes with the meaning, scale or place of an input."""

SHAPES: tuple[str, ...] = ("score behind the best", "regret", "log(1 + 4 regret)")
"""What a linear part weighs by phase and strength: the calibration of a softmax."""

SHAPE_SCALES = (1.0, 0.1, 0.3)
"""Sizes of the three measures, so that a hidden layer sees them alike."""

NUM_INPUTS = len(STYLE_FEATURES) + 6 * NUM_LOCATIONS + 6 + 4
NUM_CONTEXT = len(PHASES) + 2

TYPICAL_REGRET = 0.0105
"""Mean regret in points of an unforced play over 1,238 matches between people (0-ply, each capped at .3)."""
REGRET_CAP = 0.3
"""Points that a play loses at most in a mean: one blunder is no measure of strength."""
_PRIOR_PLAYS = 40
"""Plays of typical regret that are added before the mean is taken: a few plays say little."""
_STRENGTH_UNIT = 0.01


@dataclass(frozen=True, eq=False)
class PeopleInputs:
    """Arrays of a batch.

    Attributes:
        items: float32[M, F].
        shape: float32[M, 3], see `SHAPES`, all 0 for the best candidate, negative behind it.
        context: float32[N, C].
        offsets: int64[N + 1].
    """

    items: Float32s
    shape: Float32s
    context: Float32s
    offsets: Offsets

    def __len__(self) -> int:
        return len(self.context)

    @property
    def owners(self) -> Int64s:
        """int64[M]: the decision of each candidate."""
        return ragged.owners(self.offsets)

    def take(self, decisions: Int64s) -> PeopleInputs:
        """The decisions of int64[K], in that order."""
        rows, offsets = ragged.take(self.offsets, decisions)
        return PeopleInputs(self.items[rows], self.shape[rows], self.context[decisions], offsets)


def people_inputs(table: PlayTable, strengths: Float64s) -> PeopleInputs:
    """The inputs of plays.

    Args:
        table: N plays with their candidates.
        strengths: float64[N], see `measure_strengths`.
    """
    plays = table.plays
    regrets = table.regrets
    behind = table.values - ragged.spread(ragged.largest(table.values, plays.offsets), plays.offsets)
    shape = np.stack([behind, -regrets, -np.log1p(4 * regrets)], axis=1).astype(np.float32)
    worth = equities(table.outcomes)
    own, theirs = np.maximum(plays.candidates, 0), np.maximum(-plays.candidates, 0)
    items = np.concatenate(
        [
            style_features(plays.boards[plays.owners], plays.candidates),
            np.minimum(own, 4) / 4,
            np.minimum(theirs, 4) / 4,
            own == 1,
            theirs == 1,
            own >= 2,
            theirs >= 2,
            table.outcomes,
            shape,
            worth[:, None],
        ],
        axis=1,
    ).astype(np.float32)
    phases = np.eye(len(PHASES), dtype=np.float32)[table.phases]
    others = np.stack([(strengths - TYPICAL_REGRET) / _STRENGTH_UNIT, np.log(plays.counts)], axis=1)
    return PeopleInputs(items, shape, np.concatenate([phases, others], axis=1).astype(np.float32), plays.offsets)


def measure_strengths(table: PlayTable) -> Float64s:
    """Strength of the player of every play, float64[N]: mean regret in points on his other plays of the match.

    The play itself is left out, or the answer would be among the inputs; a typical player's plays are added.
    """
    regrets, seats = _regrets(table), _seats(table)
    totals, counts = np.bincount(seats, regrets), np.bincount(seats)
    others = totals[seats] - regrets + _PRIOR_PLAYS * TYPICAL_REGRET
    strengths: Float64s = others / (counts[seats] - 1 + _PRIOR_PLAYS)
    return strengths


def other_half_strengths(table: PlayTable) -> Float64s:
    """Strength of the player of every play, float64[N], from the other half of his plays of the match alone.

    Every second play is one half; typical plays are added as in `measure_strengths`. Plays of one half share their
    strength, and none of them has a part in it: groups by it say nothing of what was played.
    """
    seats = _seats(table)
    counts = np.bincount(seats)
    order = np.argsort(seats, kind="stable")
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    halves = 2 * seats + places % 2
    totals = np.bincount(halves, _regrets(table), 2 * len(counts)) + _PRIOR_PLAYS * TYPICAL_REGRET
    numbers = np.bincount(halves, minlength=2 * len(counts)) + _PRIOR_PLAYS
    strengths: Float64s = (totals / numbers)[halves ^ 1]
    return strengths


def _regrets(table: PlayTable) -> Float64s:
    """What each play loses, float64[N], as it counts in a mean."""
    return np.minimum(table.regrets[table.made], REGRET_CAP).astype(np.float64)


def _seats(table: PlayTable) -> Int64s:
    """Who plays in which match, int64[N], a number for each pair."""
    seats: Int64s = np.unique(table.plays.unit * len(table.players) + table.player, return_inverse=True)[1]
    return seats
