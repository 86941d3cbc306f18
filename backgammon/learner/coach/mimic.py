"""An opponent that chooses like a person: a play is drawn with the probability that his model gives it."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.player import Noise
from backgammon.learner.coach.people_inputs import TYPICAL_REGRET, people_inputs
from backgammon.learner.coach.people_model import PeopleModel
from backgammon.learner.coach.play_table import PlayTable, make_table
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Boards, Dice, Float64s, Int64s


class Mimic:
    """A `Player` that plays as its model says people do; the engine only tells it what each play is worth."""

    def __init__(self, model: PeopleModel, scorer: Scorer, name: str) -> None:
        """Seat the player.

        Args:
            model: of a person or of people.
            scorer: the net that the model was learnt beside.
            name: what reports call it.
        """
        self._model = model
        self._scorer = scorer
        self.name = name
        self._strength = float(model.about.get("strength", TYPICAL_REGRET))

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        """See `Player.choose`."""
        table, logs = self.judge(boards, dice)
        fractions = (noise >> np.uint64(11)).astype(np.float64) * 2.0**-53
        offsets = table.plays.offsets
        sums = np.concatenate([[0.0], np.cumsum(np.exp(logs))])
        before, after = sums[offsets[:-1]], sums[offsets[1:]]
        rows = np.searchsorted(sums[1:], before + fractions * (after - before), side="right") - offsets[:-1]
        chosen: Int64s = np.clip(rows, 0, table.plays.counts - 1)
        return chosen

    def judge(self, boards: Boards, dice: Dice) -> tuple[PlayTable, Float64s]:
        """Candidates of decisions, and their log-probabilities float64[M].

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].
        """
        zeros = np.zeros(len(boards), dtype=np.int64)
        table = make_table(Decisions.make(boards, dice), zeros, (self.name,), zeros.astype(np.int8), self._scorer)
        inputs = people_inputs(table, np.full(len(boards), self._strength))
        return table, self._model.log_probabilities(inputs)
