"""An opponent that chooses like a person: a play is drawn with the probability that his model gives it.

N decisions, M candidates.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement
from backgammon.evaluation.player import Noise
from backgammon.evaluation.strengths import PEOPLE, RATING_POINTS
from backgammon.learner.coach.people_inputs import TYPICAL_REGRET, people_inputs
from backgammon.learner.coach.people_model import PeopleModel, load_people, shipped_people
from backgammon.learner.coach.play_table import make_table
from backgammon.learner.net.scorer import Scorer, load_scorer
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.ending import has_won
from backgammon.tools.arrays import Boards, Dice, Float64s, Int64s
from backgammon.tools.errors import ConfigError

RATINGS = (4.0, 15.0)
"""Chosen: below, the model loses more than such people do; above is far from the weakest fifth (docs/coach.md)."""


class Mimic(Evaluator):
    """Prefers and plays as its model says people do; what a position is worth is the engine's to say."""

    def __init__(self, model: PeopleModel, scorer: Scorer, name: str, strength: float | None = None) -> None:
        """Seat the player.

        Args:
            model: of a person or of people.
            scorer: the net that the model was learnt beside; it must have outcomes.
            name: what reports call it.
            strength: mean regret in points of whom it plays like; None for what the model says of its player.
        """
        scorer.require_outcomes()
        self._model = model
        self._scorer = scorer
        self._name = name
        self._strength = float(model.about.get("strength", TYPICAL_REGRET)) if strength is None else strength

    @property
    def name(self) -> str:
        """What reports call it."""
        return self._name

    def judge(self, boards: Boards) -> Judgement:
        """The engine's outcomes; preferences need the position before the play as well."""
        return Judgement(None, self._scorer.outcomes(boards))

    def preferences(self, decisions: Decisions) -> Float64s:
        """Natural logarithm float64[M] of the probability of each candidate."""
        return self.judge_plays(decisions).preferences

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """The same and the engine's outcomes float32[M, 6], at the price of one judgement."""
        zeros = np.zeros(len(decisions), dtype=np.int64)
        table = make_table(decisions, zeros, (self.name,), zeros.astype(np.int8), self._scorer)
        inputs = people_inputs(table, np.full(len(decisions), self._strength))
        return self.lean(decisions, self._model.log_probabilities(inputs), table.outcomes)

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:
        """See `Player.choose`: drawn, but for a play that wins; without noise the likeliest."""
        if noise is None:
            return super().choose(boards, dice)
        decisions = Decisions.make(boards, dice)
        offsets = decisions.offsets
        wins = has_won(decisions.candidates).astype(np.float64)
        can_win = ragged.spread(ragged.largest(wins, offsets), offsets) > 0
        chances = np.where(can_win, wins, np.exp(self.preferences(decisions)))
        fractions = (noise >> np.uint64(11)).astype(np.float64) * 2.0**-53
        sums = np.concatenate([[0.0], np.cumsum(chances)])
        before, after = sums[offsets[:-1]], sums[offsets[1:]]
        rows = np.searchsorted(sums[1:], before + fractions * (after - before), side="right") - offsets[:-1]
        chosen: Int64s = np.clip(rows, 0, decisions.counts - 1)
        return chosen


def load_mimic(name: str, threads: int) -> Mimic:
    """A person to play like.

    Args:
        name: a file that `pairgammon coach` wrote, or "people:N", people who lose N by the rating.
        threads: of the net.

    Raises:
        ModelError: no such file, or one that cannot be used.
        ConfigError: a rating that is none, or that nobody in the logs has.
    """
    scorer = load_scorer(threads=threads)
    if not name.startswith(PEOPLE):
        model = load_people(Path(name))
        return Mimic(model, scorer, str(model.about.get("player") or Path(name).stem))
    try:
        rating = float(name.removeprefix(PEOPLE))
    except ValueError:
        rating = math.nan
    if not RATINGS[0] <= rating <= RATINGS[1]:
        raise ConfigError(f"{name}: give people a rating from {RATINGS[0]:g} to {RATINGS[1]:g}, as in people:8")
    return Mimic(shipped_people(), scorer, f"people {rating:g}", rating / RATING_POINTS)
