"""Small evaluators that tests of search, rollouts and labels share: deterministic, fast, and wrong in a known way."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.outcome import Outcomes, equities, final_outcomes, possible_outcomes
from backgammon.rules import ragged
from backgammon.rules.board import Board, checkers_off, pip_counts
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Int64s


class PipEvaluator:
    """Outcomes from pip counts, blots and points: never right, always the same, row by row."""

    name = "pips"

    def outcomes(self, boards: Boards) -> Outcomes:
        is_over, outcomes = final_outcomes(boards)
        live = boards[~is_over]
        own, opponent = pip_counts(live)
        shape = (live >= 2).sum(axis=1) - (live == 1).sum(axis=1) + (live <= -2).sum(axis=1) * -0.5
        logit = (opponent - own - 4) / 18.0 + 0.1 * shape + 0.05 * (checkers_off(live)[0] - checkers_off(live)[1])
        win = 1 / (1 + np.exp(-logit))
        raw = np.stack([win * 0.7, win * 0.25, win * 0.05, (1 - win) * 0.7, (1 - win) * 0.25, (1 - win) * 0.05], axis=1)
        raw *= possible_outcomes(live)
        outcomes[~is_over] = raw / raw.sum(axis=1, keepdims=True)
        return outcomes

    def choose(self, boards: Boards, dice: Dice) -> Int64s:
        candidates, offsets = legal_candidates(boards, dice)
        return ragged.best(equities(self.outcomes(candidates)), offsets)

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Board, Outcomes]:
        candidates, offsets = legal_candidates(boards, dice)
        outcomes = self.outcomes(candidates)
        best = offsets[:-1] + ragged.best(equities(outcomes), offsets)
        return candidates[best], outcomes[best]


class NoEvaluator(PipEvaluator):
    """Refuses to judge: for tests in which the tables must know everything."""

    name = "none"

    def outcomes(self, boards: Boards) -> Outcomes:
        assert not len(boards), "a position that the tables do not cover was asked for"
        return super().outcomes(boards)
