"""Another program (GNU Backgammon, Open Sage) as a teacher: it chooses, and judges every candidate.

Axis legend: N decisions, M candidates of all of them, K positions after a play, 6 outcomes.

At 0-ply it judges every candidate; from 1 ply on the best of 0-ply are judged deeper, as `peer_judge` says, and so is
the chosen one.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from backgammon.engine.peers.peer_judge import KEPT, WITHIN, PeerJudge, asked_outcomes
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import Noise
from backgammon.learner.teach.teacher_verdict import Verdict
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.search import Analysis, RankedCandidate
from backgammon.search.ranker import searched_candidates
from backgammon.tools.arrays import Boards, Dice, Int64s


class PeerTeacher:
    """A program at a ply; see `teacher.Teacher`."""

    def __init__(self, judge: PeerJudge) -> None:
        """Teach what a judge says, at its depth."""
        self._judge = judge
        self.name = judge.name

    stakes_engine = None
    """It judges plays without a cube."""

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """Rows int64[N] of its best candidates; a forced play is not looked at."""
        decisions = Decisions.make(boards, dice)
        rows = np.zeros(len(decisions), dtype=np.int64)
        rows[~decisions.is_forced] = self.teach(decisions.take(~decisions.is_forced)).analysis.best_rows
        return rows

    def rank(self, decisions: Decisions) -> list[list[RankedCandidate]]:
        """See `teacher.Teacher.rank`."""
        analysis, _ = self.teach(decisions)
        return [searched_candidates(analysis, index) for index in range(len(decisions))]

    def teach(self, decisions: Decisions) -> Verdict:
        """See `teacher.Teacher.teach`."""
        candidates, offsets = decisions.candidates, decisions.offsets
        outcomes = asked_outcomes(candidates, self._judge.chances)
        shallow = equities(outcomes)
        values = shallow.copy()
        depths = np.zeros(len(values), dtype=np.int8)
        if self._judge.plies:
            best = ragged.spread(ragged.largest(shallow, offsets), offsets)
            is_kept = (ragged.ranks(shallow, offsets) < KEPT) & (shallow >= best - np.float32(WITHIN))
            if decisions.chosen is not None:  # judged like its rivals
                is_kept[decisions.places(decisions.chosen)] = True
            deep = np.flatnonzero(is_kept)
            outcomes[deep] = asked_outcomes(candidates[deep], partial(self._judge.chances, plies=self._judge.plies))
            values[deep] = equities(outcomes[deep])
            depths[deep] = self._judge.plies
        order = np.lexsort((-values, -depths.astype(np.int64), decisions.owners))
        return Verdict(Analysis(decisions, values, outcomes, depths, order), shallow)
