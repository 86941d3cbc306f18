"""The one way from decisions to candidates in order: search, roll out what the search finds worth it, rank.

Axis legend: N decisions, M candidates of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.player import Noise
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.search.contest import roll_out_candidates
from backgammon.search.rollout import RolloutEstimate, RolloutSettings
from backgammon.search.searcher import Analysis, Searcher
from backgammon.search.work import Workshop
from backgammon.tools.arrays import Boards, Dice, Float32s, Int64s
from backgammon.tools.intervals import NORMAL_REACH

Progress = Callable[[], None]
"""Called after each work unit of a rollout."""


@dataclass(frozen=True, eq=False)
class RankedCandidate:
    """What a candidate is worth to the player who moves.

    Attributes:
        row: of the decision's candidates.
        equity: cubeless money points, -3 to 3; at a score and cube cubeful EMG.
        outcomes: float32[6], see `outcome.OUTCOMES`.
        ply: depth of the search; rollouts keep that of the search before them.
        margin: equity of the best candidate minus this one's. Below 0 only where the engine chooses by more than the
            equity, or a candidate that was judged less deeply claims more than the best.
        standard_error: of a rollout's equity; None for a search.
        games: of the rollout; 0 for a search.
        joint_error: standard error of a rollout's margin; None for a search.
        searched_margin: what the search before a rollout put this candidate behind its own best; None for a search.
        mwc: chance to win the match; None in money play and without a score.
    """

    row: int
    equity: float
    outcomes: Float32s
    ply: int
    margin: float
    standard_error: float | None = None
    games: int = 0
    joint_error: float | None = None
    searched_margin: float | None = None
    mwc: float | None = None

    @property
    def half_width(self) -> float | None:
        """Half of the 95 % interval of a rollout's equity, points; None for a search."""
        return None if self.standard_error is None else NORMAL_REACH * self.standard_error

    @property
    def loss(self) -> float:
        """Points that the play gives up, 0 or more.

        After a rollout the search's verdict stands as far as the rollout allows it: it is moved into the 95 % interval
        of the rollout's margin. So what lies within that interval is no error, and of more only what exceeds it is.
        """
        if self.joint_error is None or self.searched_margin is None:
            return max(0.0, self.margin)
        reach = NORMAL_REACH * self.joint_error
        return max(0.0, min(max(self.searched_margin, self.margin - reach), self.margin + reach))


class Ranker:
    """Ranks the candidates of decisions by search, and by rollouts where a workshop is given; itself a `Player`."""

    def __init__(self, searcher: Searcher, workshop: Workshop | None = None) -> None:
        """Join a search and who does rollouts.

        Args:
            searcher: depth and filter; what it judges at its full depth is rolled out.
            workshop: rolls out; None for the search alone.
        """
        self._searcher = searcher
        self._workshop = workshop

    @property
    def name(self) -> str:
        """The engine, its depth, and the games of a rollout at most."""
        rollout = self.rollout
        return self._searcher.name if rollout is None else f"{self._searcher.name} rollout {rollout.games}"

    @property
    def identity(self) -> str:
        """What tells its numbers from those of another ranker."""
        rollout = "" if self.rollout is None else f" {self.rollout}"
        return self._searcher.identity + rollout

    @property
    def searcher(self) -> Searcher:
        """The search."""
        return self._searcher

    @property
    def evaluator(self) -> Evaluator:
        """The engine without look-ahead."""
        return self._searcher.evaluator

    @property
    def rollout(self) -> RolloutSettings | None:
        """Settings of the rollouts; None for the search alone."""
        return None if self._workshop is None else self._workshop.settings

    def rank(
        self, decisions: Decisions, by_equity: bool = False, progress: Progress | None = None
    ) -> list[list[RankedCandidate]]:
        """The candidates of each decision, best first.

        Those that were rolled out come first, then deeper judged ones before others. A play that was chosen is judged
        as deeply as the best, so that what it loses never compares two depths.

        Args:
            decisions: N of them.
            by_equity: order what was judged equally deeply by the equities, which losses are counted in, not by what
                the engine chooses by.
            progress: see `Progress`.
        """
        analysis = self._searcher.analyse_decisions(decisions)
        lists = [searched_candidates(analysis, index) for index in range(len(decisions))]
        if by_equity:
            lists = [_by_equity(ranked) for ranked in lists]
        return lists if self._workshop is None else self._roll_out(decisions, lists, self._workshop, progress)

    def rank_one(self, decision: Decision, by_equity: bool = False) -> list[RankedCandidate]:
        """The candidates of one decision, best first; see `rank`."""
        return self.rank(Decisions.of([decision]), by_equity)[0]

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:
        """Rows int64[N] of the best candidates, see `Player.choose`; a forced play is not looked at."""
        if self._workshop is None:
            return self._searcher.choose(boards, dice, noise)
        decisions = Decisions.make(boards, dice)
        rows = np.zeros(len(decisions), dtype=np.int64)
        is_open = ~decisions.is_forced
        if is_open.any():
            rows[is_open] = [ranked[0].row for ranked in self.rank(decisions.take(is_open))]
        return rows

    @staticmethod
    def _roll_out(
        decisions: Decisions, lists: list[list[RankedCandidate]], workshop: Workshop, progress: Progress | None
    ) -> list[list[RankedCandidate]]:
        """The lists with what was judged at the full depth of its decision rolled out."""
        counts = [sum(one.ply == ranked[0].ply for one in ranked) for ranked in lists]
        starts = decisions.offsets[:-1].tolist()
        deepest = [
            decisions.candidates[[start + one.row for one in ranked[:count]]]
            for start, ranked, count in zip(starts, lists, counts, strict=True)
        ]
        others = [len(ranked) - count for ranked, count in zip(lists, counts, strict=True)]
        estimates = roll_out_candidates(deepest, workshop, progress, others)
        return [
            rank_rolled(ranked[:count], found, ranked[count:])
            for ranked, count, found in zip(lists, counts, estimates, strict=True)
        ]


def searched_candidates(analysis: Analysis, index: int) -> list[RankedCandidate]:
    """The candidates of decision `index` of an analysis, best first."""
    start, stop = analysis.decisions.offsets[index : index + 2].tolist()
    order = analysis.order[start:stop]
    best = float(analysis.equities[order[0]])
    return [
        RankedCandidate(
            row=int(at) - start,
            equity=float(analysis.equities[at]),
            outcomes=analysis.outcomes[at],
            ply=int(analysis.plies[at]),
            margin=best - float(analysis.equities[at]),
        )
        for at in order
    ]


def _by_equity(ranked: list[RankedCandidate]) -> list[RankedCandidate]:
    """Deeper judged ones first, then by equity."""
    ordered = sorted(ranked, key=lambda one: (-one.ply, -one.equity))
    return [replace(one, margin=ordered[0].equity - one.equity) for one in ordered]


def rank_rolled(
    rolled: Sequence[RankedCandidate], estimates: Sequence[RolloutEstimate], others: Sequence[RankedCandidate] = ()
) -> list[RankedCandidate]:
    """Candidates that were rolled out, best first, then those that were not.

    The margin of a candidate is the mean over the games that it and the best have both played, and its equity that
    much less than the best one's: one that was given up early is placed by what it was behind, not by the dice of its
    fewer games.

    Args:
        rolled: with the margins that the search gave them.
        estimates: of these, in their order.
        others: the rest, best first.
    """
    best = max(estimates, key=lambda one: (len(one.games), one.equity))
    found = []
    for candidate, estimate in zip(rolled, estimates, strict=True):
        # Nobody who was given up can be the best; by the dice of a few games one might look so.
        margin = 0.0 if estimate is best else max(0.0, best.lead_over(estimate))
        found.append(
            replace(
                candidate,
                equity=best.equity - margin,
                outcomes=estimate.outcomes,
                margin=margin,
                standard_error=estimate.standard_error,
                games=len(estimate.games),
                joint_error=best.joint_error(estimate),
                searched_margin=candidate.margin,
            )
        )
    found.sort(key=lambda one: (one.margin, -one.games))
    return [*found, *(replace(candidate, margin=best.equity - candidate.equity) for candidate in others)]
