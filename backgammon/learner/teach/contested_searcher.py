"""A look-ahead that goes a ply deeper where the best two candidates are close, and a choice hangs on it.

Axis legend: N decisions, M candidates of all of them.
"""

from __future__ import annotations

import numpy as np

from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.search import Analysis, Searcher
from backgammon.tools.arrays import Bools, Int64s


class ContestedSearcher(Searcher):
    """A search, and another one for what it leaves open."""

    def __init__(self, searcher: Searcher, deeper: Searcher, within: float) -> None:
        """Join.

        Args:
            searcher: looks at everything.
            deeper: looks again where the best two are within so many points.
            within: these.
        """
        super().__init__(searcher.evaluator, searcher.settings)
        self._deeper = deeper
        self._within = within

    @property
    def name(self) -> str:
        """The search's name, and what it does beside."""
        return f"{super().name}, contested a ply deeper"

    @property
    def identity(self) -> str:
        """Both searches, and the distance."""
        return f"{super().identity} within {self._within} {self._deeper.identity}"

    def analyse_decisions(self, decisions: Decisions) -> Analysis:
        """See `Searcher.analyse_decisions`."""
        analysis = super().analyse_decisions(decisions)
        rows = np.flatnonzero(is_contested(analysis, self._within))
        if not len(rows):
            return analysis
        return spliced(analysis, rows, self._deeper.analyse_decisions(decisions.take(rows)))

    def analyse_for_choice(self, decisions: Decisions) -> Analysis:
        """As `analyse_decisions`: what is contested shows when everything is judged."""
        return self.analyse_decisions(decisions)


def is_contested(analysis: Analysis, within: float) -> Bools:
    """bool[N]: the best two candidates, judged at one depth, are within so many points of each other."""
    decisions = analysis.decisions
    first = decisions.offsets[:-1]
    second = np.minimum(first + 1, decisions.offsets[1:] - 1)
    best, rival = analysis.order[first], analysis.order[second]
    is_near = np.abs(analysis.equities[best] - analysis.equities[rival]) <= within
    found: Bools = (decisions.counts > 1) & (analysis.plies[best] == analysis.plies[rival]) & is_near
    return found


def spliced(analysis: Analysis, rows: Int64s, deeper: Analysis) -> Analysis:
    """An analysis with that of decisions `rows`, int64[B], in the place of its own."""
    places, offsets = ragged.take(analysis.decisions.offsets, rows)
    values, outcomes = analysis.equities.copy(), analysis.outcomes.copy()
    plies, order = analysis.plies.copy(), analysis.order.copy()
    values[places], outcomes[places], plies[places] = deeper.equities, deeper.outcomes, deeper.plies
    moved = ragged.spread(analysis.decisions.offsets[rows] - offsets[:-1], offsets)
    order[places] = deeper.order + moved
    return Analysis(analysis.decisions, values, outcomes, plies, order)
