"""The engine and GNU Backgammon's 0-ply nets judging together: a better leaf than either, for teachers.

M positions after a play, N decisions, 6 outcomes. The engine chooses all plays, which is cheap; the mean of both
judges what comes of them, since their errors are of different kinds. In a look-ahead of one ply that costs 21 of the
other's evaluations a candidate, where its own look-ahead spends ten times as many on choosing the replies.
"""

from __future__ import annotations

import numpy as np

from backgammon.engine.peers.gnubg_judge import GnubgJudge
from backgammon.evaluation.bearoff.bearoff_plays import UNKNOWN, known_outcomes
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import Outcomes, from_cumulative
from backgammon.evaluation.player import Noise
from backgammon.rules.rolls import group_rows
from backgammon.tools.arrays import Boards, Dice, Int64s


class JointEvaluator(Evaluator):
    """A mean of two; what the bear-off tables know is left as it is."""

    def __init__(self, engine: ExactEvaluator, share: float = 0.5) -> None:
        """Join.

        Args:
            engine: plays, and judges too.
            share: of GNU Backgammon in the mean.

        Raises:
            ImportError: the package `gnubg` is not installed.
        """
        self._engine = engine
        self._judge = GnubgJudge(0)
        self._share = np.float32(share)

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self._engine.name} with gnubg 0-ply"

    @property
    def identity(self) -> str:
        """What its numbers depend on."""
        return f"{self._engine.identity}+gnubg-0-ply-{self._share}"

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

    def _mixed(self, boards: Boards, outcomes: Outcomes) -> Outcomes:
        known, _ = known_outcomes(self._engine.bearoff.tables, boards)
        rows = np.flatnonzero(known == UNKNOWN)
        if len(rows):
            first, group = group_rows(np.ascontiguousarray(boards[rows]))
            judged = from_cumulative(self._judge.chances(boards[rows[first]], 0))[group]
            outcomes[rows] += self._share * (judged - outcomes[rows])
        return outcomes
