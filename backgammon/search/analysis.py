"""One decision, every candidate, best first: what is shown to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.rules.decision import Decision
from backgammon.search.contest import roll_out_candidates
from backgammon.search.rollout import RolloutEstimate, RolloutSettings
from backgammon.search.searcher import Analysis, Searcher, SearchSettings
from backgammon.search.work import Workshop
from backgammon.tools.arrays import Float32s
from backgammon.tools.intervals import NORMAL_REACH


@dataclass(frozen=True, eq=False)
class RankedCandidate:
    """What a candidate is worth to the player who moves.

    Attributes:
        row: of the decision's candidates.
        equity: cubeless money points, -3 to 3.
        outcomes: float32[6], see `outcome.OUTCOMES`.
        ply: depth of the search; rollouts keep that of the search before them.
        margin: equity of the best candidate minus this one's. Below 0 only where a candidate that was judged less
            deeply claims more than the best.
        standard_error: of a rollout's equity; None for a search.
        games: of the rollout; 0 for a search.
        joint_error: standard error of a rollout's margin; None for a search.
        searched_margin: what the search before a rollout put this candidate behind its own best; None for a search.
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


def analyse_decision(
    decision: Decision,
    evaluator: Evaluator,
    settings: SearchSettings | None = None,
    rollout: RolloutSettings | None = None,
    threads: int = 1,
) -> list[RankedCandidate]:
    """Every candidate, best first.

    Args:
        decision: position and roll.
        evaluator: a net or an `Engine`.
        settings: of the search; None for the defaults.
        rollout: roll out the candidates that the search has judged at its full depth; None for the search alone.
        threads: share the work between so many.
    """
    boards, dice = decision.position.board[None], np.array([decision.roll], dtype=np.int8)
    searcher = Searcher(evaluator, settings, threads)
    analysis = searcher.analyse(boards, dice)
    if rollout is None:
        return rank_candidates(analysis, 0)
    return rank_rollouts(analysis, 0, *roll_out_analysis(analysis, Workshop(evaluator, rollout, threads=threads)))


def rank_candidates(analysis: Analysis, index: int) -> list[RankedCandidate]:
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


def roll_out_analysis(
    analysis: Analysis, workshop: Workshop, progress: Callable[[], None] | None = None
) -> list[list[RolloutEstimate]]:
    """Rollouts of the candidates that a search has judged at its full depth, for every decision in their order.

    Args:
        analysis: of N decisions.
        workshop: does the games.
        progress: called after each work unit.

    Returns:
        For each decision one estimate for each of its searched candidates, best of the search first.
    """
    rows = map(analysis.searched_rows, range(len(analysis.decisions)))
    searched = [analysis.decisions.candidates[at] for at in rows]
    return roll_out_candidates(searched, workshop, progress)


def rank_rollouts(analysis: Analysis, index: int, estimates: list[RolloutEstimate]) -> list[RankedCandidate]:
    """The candidates of decision `index`: those rolled out by the rollout's equity, then the others."""
    ranked = rank_candidates(analysis, index)
    return rank_rolled(ranked[: len(estimates)], estimates, ranked[len(estimates) :])


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
