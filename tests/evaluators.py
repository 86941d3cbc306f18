"""Small evaluators that tests of search, rollouts and labels share: deterministic, fast, and wrong in a known way."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import Outcomes, final_outcomes
from backgammon.evaluation.possible import allowed_outcomes
from backgammon.rules.board import checkers_off, pip_counts
from backgammon.tools.arrays import Boards


class PipEvaluator(Evaluator):
    """Outcomes from pip counts, blots and points: never right, always the same, row by row."""

    name = "pips"

    def judge(self, boards: Boards) -> Judgement:
        return Judgement(None, self.outcomes(boards))

    def outcomes(self, boards: Boards) -> Outcomes:
        is_over, outcomes = final_outcomes(boards)
        live = boards[~is_over]
        own, opponent = pip_counts(live)
        shape = (live >= 2).sum(axis=1) - (live == 1).sum(axis=1) + (live <= -2).sum(axis=1) * -0.5
        logit = (opponent - own - 4) / 18.0 + 0.1 * shape + 0.05 * (checkers_off(live)[0] - checkers_off(live)[1])
        win = 1 / (1 + np.exp(-logit))
        raw = np.stack([win * 0.7, win * 0.25, win * 0.05, (1 - win) * 0.7, (1 - win) * 0.25, (1 - win) * 0.05], axis=1)
        raw *= allowed_outcomes(live)
        outcomes[~is_over] = raw / raw.sum(axis=1, keepdims=True)
        return outcomes


class NoEvaluator(PipEvaluator):
    """Refuses to judge: for tests in which the tables must know everything."""

    name = "none"

    def outcomes(self, boards: Boards) -> Outcomes:
        assert not len(boards), "a position that the tables do not cover was asked for"
        return super().outcomes(boards)
