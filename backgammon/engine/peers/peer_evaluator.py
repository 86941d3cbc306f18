"""GNU Backgammon's nets as an evaluator, so that its cube and its plays at a score follow from them by our formulas.

The package from PyPI gives chances and no cubeful equities. Static cubeful values by `cube.static` from the same
chances equal those of GNU Backgammon itself to 6e-5, and look-ahead with the cube (`search.cubeful`) to 2e-6; so an
engine at stakes over this evaluator, with GNU Backgammon's efficiency of the cube, decides as GNU Backgammon does.
"""

from __future__ import annotations

import numpy as np

from backgammon.cube.efficiency import GNUBG
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.peers.peer_player import PeerPlayer
from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import final_outcomes, from_cumulative
from backgammon.search.cubeful import CubefulSearcher
from backgammon.search.searcher import SearchSettings
from backgammon.tools.arrays import Boards


class PeerEvaluator(Evaluator):
    """The chances of GNU Backgammon at 0-ply."""

    def __init__(self, peer: PeerPlayer, bearoff: Bearoff | None = None) -> None:
        """Ask a peer that gives chances.

        Args:
            peer: of a name "gnubg:N"; the N does not matter here.
            bearoff: two-sided tables for the cube in money play, which GNU Backgammon has too; None for none.
        """
        self._peer = peer
        self._bearoff = bearoff

    @property
    def name(self) -> str:
        """The peer's name."""
        return self._peer.name

    @property
    def bearoff(self) -> Bearoff | None:
        """The tables."""
        return self._bearoff

    def judge(self, boards: Boards) -> Judgement:
        """See `Evaluator.judge`.

        Raises:
            PeerError: the program has failed.
        """
        is_over, outcomes = final_outcomes(boards)
        if not is_over.all():
            outcomes[~is_over] = from_cumulative(self._peer.chances(np.ascontiguousarray(boards[~is_over])))
        return Judgement(None, outcomes)


def peer_stakes_engine(peer: PeerPlayer, plies: int, bearoff: Bearoff) -> StakesEngine:
    """GNU Backgammon at a ply for decisions at any stakes; arguments as in `PeerEvaluator`."""
    searcher = CubefulSearcher(PeerEvaluator(peer, bearoff), efficiency=GNUBG)
    return StakesEngine(searcher, SearchSettings(plies, shallow=0.0))
