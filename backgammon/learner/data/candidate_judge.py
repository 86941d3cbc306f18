"""Candidates of many decisions judged at one depth: by search, or by rollouts of what the search finds worth it.

Axis legend: N decisions, M candidates of all of them.
"""

from __future__ import annotations

from pathlib import Path

from backgammon.evaluation.evaluator import Evaluator
from backgammon.search import (
    Analysis,
    RankedCandidate,
    RolloutSettings,
    Searcher,
    SearchSettings,
    Workshop,
    rank_candidates,
    rank_rollouts,
    roll_out_analysis,
)
from backgammon.tools.arrays import Boards, Dice


class Judge:
    """Judges the candidates of decisions at one depth."""

    def __init__(
        self,
        evaluator: Evaluator,
        search: SearchSettings,
        rollout: RolloutSettings | None = None,
        threads: int = 1,
        folder: Path | None = None,
    ) -> None:
        """Set up.

        Args:
            evaluator: an engine; must allow calls from several threads.
            search: depth and filter.
            rollout: roll out what the search judges at its full depth; None for the search alone.
            threads: share the work between so many.
            folder: keeps the work units of rollouts; None keeps nothing.
        """
        self._searcher = Searcher(evaluator, search, threads)
        self._workshop = None if rollout is None else Workshop(evaluator, rollout, threads=threads, folder=folder)

    @property
    def identity(self) -> str:
        """What tells its labels from those of another judge."""
        rollout = "" if self._workshop is None else f" {self._workshop.settings}"
        return self._searcher.identity + rollout

    def judge(self, boards: Boards, dice: Dice) -> Analysis:
        """The search's values of every candidate of boards int8[N, 26] with dice int8[N, 2]; no rollouts."""
        return self._searcher.analyse(boards, dice)

    def rank(self, boards: Boards, dice: Dice) -> tuple[Analysis, list[list[RankedCandidate]]]:
        """The search's values, and the candidates of each decision best first, rolled out if that was asked for."""
        analysis = self.judge(boards, dice)
        if self._workshop is None:
            return analysis, [rank_candidates(analysis, index) for index in range(len(boards))]
        estimates = roll_out_analysis(analysis, self._workshop)
        return analysis, [rank_rollouts(analysis, index, found) for index, found in enumerate(estimates)]
