"""The engine and other evaluators judging together: a better leaf than any of them, for teachers.

M positions after a play, N decisions, 6 outcomes. The engine chooses all plays, which is cheap; the mean of all judges
what comes of them, since their errors are of different kinds. With GNU Backgammon's nets a look-ahead of one ply then
costs 21 of their evaluations a candidate, where its own look-ahead spends ten times as many on choosing the replies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.bearoff.bearoff_plays import UNKNOWN, known_outcomes
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import Outcomes
from backgammon.evaluation.player import Noise
from backgammon.rules.rolls import group_rows
from backgammon.tools.arrays import Boards, Dice, Int64s


class JointEvaluator(Evaluator):
    """A mean of several; what the bear-off tables know is left as it is."""

    def __init__(self, engine: Evaluator, others: Sequence[Evaluator]) -> None:
        """Join.

        Args:
            engine: plays, and judges too; it has tables of the bear-off.
            others: judge beside it, each as much as the engine; one at least.
        """
        assert engine.bearoff is not None, "an engine has tables"
        self._engine, self._tables = engine, engine.bearoff
        self._others = tuple(others)

    @property
    def name(self) -> str:
        """All names."""
        return " with ".join([self._engine.name, *(other.name for other in self._others)])

    @property
    def identity(self) -> str:
        """What its numbers depend on."""
        return "+mean-with-".join([self._engine.identity, *(other.identity for other in self._others)])

    @property
    def bearoff(self) -> Bearoff:
        """The engine's tables."""
        return self._tables

    def judge(self, boards: Boards) -> Judgement:
        """The engine's scores and the mean of the outcomes."""
        scores, _ = self._engine.judge(boards)
        return Judgement(scores, self.outcomes(boards))

    def outcomes(self, boards: Boards) -> Outcomes:
        """The mean; see `Evaluator.outcomes`."""
        return self._mixed(boards, self._engine.outcomes(boards))

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """The engine's choice."""
        return self._engine.choose(boards, dice)

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """The engine's play, as it chooses inside a search, with the mean of the outcomes."""
        afters, outcomes = self._engine.reply(boards, dice)
        return afters, self._mixed(afters, outcomes)

    def reply_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes]:
        """The engine's replies with the mean of the outcomes; see `Evaluator.reply_to_rolls`."""
        afters, outcomes = self._engine.reply_to_rolls(boards)
        return afters, self._mixed(afters, outcomes)

    def _mixed(self, boards: Boards, outcomes: Outcomes) -> Outcomes:
        known, _ = known_outcomes(self._tables.tables, boards)
        rows = np.flatnonzero(known == UNKNOWN)
        if len(rows):
            first, group = group_rows(np.ascontiguousarray(boards[rows]))
            different = boards[rows[first]]
            total = self._others[0].outcomes(different)
            for other in self._others[1:]:
                total = total + other.outcomes(different)
            outcomes[rows] = (outcomes[rows] + total[group]) / np.float32(1 + len(self._others))
        return outcomes
