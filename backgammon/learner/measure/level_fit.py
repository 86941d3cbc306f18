"""What playing levels lose on labelled decisions, and the scales that make them lose what they should.

Axis legend: N unforced decisions, M candidates of all of them.

The rating is 500 times the points lost per unforced decision. Every figure of a level is the mean over all seeds: the
chance of each candidate is known, so nothing is drawn. Intervals are 95 %, clustered by game. The decisions come from
strong play; in the games of weaker players other decisions arise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backgammon.engine.levels import candidate_equities, choice_chances, decision_scales
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.strengths import RATING_POINTS
from backgammon.learner.measure.label_scores import unforced
from backgammon.records.decision_set import DecisionSet
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.phase import RACE, phase_codes
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import ConfigError
from backgammon.tools.intervals import Estimate, estimate_mean

LARGEST_SCALE = 4.0
SIZES = (2, 5, 10, 20, 40, 1000)
"""Classes of decisions by their number of candidates."""


@dataclass(frozen=True)
class LevelGauge:
    """Labelled unforced decisions and what a model makes of them.

    Attributes:
        found: N of them.
        values: float64[M], the model's equities, see `candidate_equities`.
        chosen: int64[N], the rows that the model plays at its best.
    """

    found: DecisionSet
    values: Float64s
    chosen: Int64s

    def chances(self, scale: float) -> Float64s:
        """Chance of each candidate, float64[M], at a level's scale; 0 is the model at its best."""
        decisions = self.found.decisions
        if not scale:
            chances = np.zeros(len(self.values))
            chances[decisions.places(self.chosen)] = 1.0
            return chances
        scales = decision_scales(decisions.boards, self.values, decisions.offsets, scale)
        return choice_chances(self.values, decisions.offsets, scales)

    def mean(self, what: Float64s, scale: float) -> Estimate:
        """Mean of `what`, float64[M], over the plays of a level."""
        decisions = self.found.decisions
        return estimate_mean(ragged.total(self.chances(scale) * what, decisions.offsets), decisions.unit)

    def agreement(self, scale: float) -> Estimate:
        """Share in which a level plays the judge's choice."""
        assert self.found.labels is not None
        is_best = np.zeros(len(self.values))
        is_best[self.found.decisions.places(self.found.labels.best)] = 1.0
        return self.mean(is_best, scale)

    def rating(self, scale: float) -> Estimate:
        """Rating at a scale."""
        return self.mean(RATING_POINTS * self.found.losses.astype(np.float64), scale)

    def fit(self, rating: float) -> float:
        """The scale that gives a rating; it grows with the scale.

        Raises:
            ConfigError: the model at its best loses more, or no scale loses so much.
        """
        low, high = 0.0, LARGEST_SCALE
        least, most = self.rating(low).value, self.rating(high).value
        if not least < rating < most:
            raise ConfigError(f"rating {rating:g}: this model can have {least:.2f} to {most:.1f}")
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (middle, high) if self.rating(middle).value < rating else (low, middle)
        return high


def gauge_levels(found: DecisionSet, engine: Evaluator) -> LevelGauge:
    """The unforced of labelled decisions, every candidate of which was judged, and what a model makes of them.

    Raises:
        DataError: there is none.
        ConfigError: candidates that nobody judged.
    """
    kept = unforced(found)
    if np.isnan(kept.losses).any():
        raise ConfigError("a level may play any candidate: take labels of all of them, these leave some out")
    decisions = kept.decisions
    values = candidate_equities(engine, decisions.candidates)
    return LevelGauge(kept, values, engine.choose(decisions.boards, decisions.dice))


@dataclass(frozen=True)
class LikelyScale:
    """The scale that explains people's plays best in a group of decisions.

    Attributes:
        group: its name.
        plays: in it.
        scale: of greatest likelihood.
        log_likelihood: mean of a play.
    """

    group: str
    plays: int
    scale: float
    log_likelihood: float


def likely_scales(plays: Decisions, engine: Evaluator) -> Iterator[LikelyScale]:
    """The scales of greatest likelihood, in races and elsewhere by the number of candidates.

    Args:
        plays: of people, unforced.
        engine: its equities stand for the truth.
    """
    values = candidate_equities(engine, plays.candidates)
    best = ragged.largest(values, plays.offsets)
    is_open = np.isfinite(best)
    behind = values - ragged.spread(np.where(is_open, best, 0.0), plays.offsets)
    played = plays.places(plays.chosen_rows)
    grid = np.geomspace(0.001, 0.3, 120)
    fits = [
        behind[played] / scale - np.log(ragged.total(np.exp(np.minimum(behind / scale, 0.0)), plays.offsets))
        for scale in grid
    ]
    for name, members in _groups(plays):
        chosen = members & is_open
        if chosen.any():
            likelihood = [float(fit[chosen].mean()) for fit in fits]
            place = int(np.argmax(likelihood))
            yield LikelyScale(name, int(chosen.sum()), float(grid[place]), likelihood[place])


def _groups(plays: Decisions) -> list[tuple[str, Bools]]:
    is_race, counts = phase_codes(plays.boards) == RACE, plays.counts
    sizes = (
        (f"of these {a} to {b - 1} candidates", ~is_race & (counts >= a) & (counts < b)) for a, b in pairwise(SIZES)
    )
    return [("races", is_race), ("elsewhere", ~is_race), *sizes]
