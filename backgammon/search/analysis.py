"""One decision, every candidate, best first: what is shown to people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from backgammon.evaluation.outcome import PlayingEvaluator
from backgammon.rules.decision import Decision
from backgammon.search.contest import roll_out_candidates
from backgammon.search.rollout import RolloutEstimate, RolloutSettings
from backgammon.search.searcher import Analysis, Searcher, SearchSettings
from backgammon.search.work import Workshop
from backgammon.tools.arrays import Float32s


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
    """

    row: int
    equity: float
    outcomes: Float32s
    ply: int
    margin: float
    standard_error: float | None = None
    games: int = 0


def analyse_decision(
    decision: Decision,
    evaluator: PlayingEvaluator,
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
    """The candidates of decision `index`: those rolled out by the rollout's equity, then the others.

    A candidate that was given up early stands behind those that played on: what it was behind decides, not the equity
    of its fewer games.
    """
    ranked = rank_candidates(analysis, index)
    rolled = sorted(zip(ranked, estimates, strict=False), key=lambda pair: (-len(pair[1].games), -pair[1].equity))
    best = rolled[0][1].equity
    return [
        *(
            RankedCandidate(
                row=candidate.row,
                equity=estimate.equity,
                outcomes=estimate.outcomes,
                ply=candidate.ply,
                margin=best - estimate.equity,
                standard_error=estimate.standard_error,
                games=len(estimate.games),
            )
            for candidate, estimate in rolled
        ),
        *(replace(candidate, margin=best - candidate.equity) for candidate in ranked[len(estimates) :]),
    ]
