"""A chooser that rolls its candidates out before it plays."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.player import Noise
from backgammon.rules.movegen import legal_candidates
from backgammon.search.analysis import rank_rollouts, roll_out_analysis
from backgammon.search.searcher import Searcher
from backgammon.search.work import Workshop
from backgammon.tools.arrays import Boards, Dice, Int64s


class RolloutChooser:
    """Plays the candidate that wins the rollouts of those that a search finds worth it. Slow, and the strongest."""

    def __init__(self, searcher: Searcher, workshop: Workshop) -> None:
        """Join a search, whose settings say what is rolled out, and a workshop that does it."""
        self._searcher = searcher
        self._workshop = workshop

    @property
    def name(self) -> str:
        """The search's name and the games of a rollout at most."""
        return f"{self._searcher.name} rollout {self._workshop.settings.games}"

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - no chance
        """Rows int64[N] of the candidates to play, see `Player.choose`; a forced play is not looked at."""
        _, offsets = legal_candidates(boards, dice)
        rows = np.zeros(len(boards), dtype=np.int64)
        open_rows = np.flatnonzero(np.diff(offsets) > 1)
        if len(open_rows):
            analysis = self._searcher.analyse(boards[open_rows], dice[open_rows])
            estimates = roll_out_analysis(analysis, self._workshop)
            rows[open_rows] = [rank_rollouts(analysis, i, found)[0].row for i, found in enumerate(estimates)]
        return rows
