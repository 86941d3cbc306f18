"""Other programs' nets as an evaluator, so that GNU Backgammon's cube and plays at a score follow by our formulas.

Its package from PyPI gives chances and no cubeful equities. Static cubeful values by `cube.static` from the same
chances equal those of GNU Backgammon itself to 6e-5, and look-ahead with the cube (`search.cubeful`) to 2e-6; so an
engine at stakes over this evaluator, with GNU Backgammon's efficiency of the cube, decides as GNU Backgammon does.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from backgammon.cube.efficiency import GNUBG
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.peers.peer_judge import asked_outcomes
from backgammon.engine.peers.peer_player import PeerPlayer
from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.search.cubeful import CubefulSearcher
from backgammon.search.searcher import SearchSettings
from backgammon.tools.arrays import Boards


class PeerChances(Protocol):
    """Who gives a program's chances: a `PeerJudge` in this process, for teachers, which are spread over processes
    themselves; a `PeerPlayer` in processes of its own, for an opponent, whose failure must not end the game.
    """

    @property
    def name(self) -> str:
        """What reports call it."""

    def chances(self, boards: Boards) -> npt.NDArray[np.floating[Any]]:
        """Cumulative chances [M, 5] of who has just moved, in positions int8[M, 26] of games that are not over."""


class PeerEvaluator(Evaluator):
    """The chances of another program at 0-ply."""

    def __init__(self, peer: PeerChances, bearoff: Bearoff | None = None) -> None:
        """Ask a peer that gives chances.

        Args:
            peer: whom to ask; the N in the name of a `PeerPlayer` does not matter here.
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
        return Judgement(None, asked_outcomes(boards, self._peer.chances))


def peer_stakes_engine(peer: PeerPlayer, plies: int, bearoff: Bearoff) -> StakesEngine:
    """GNU Backgammon at a ply for decisions at any stakes; arguments as in `PeerEvaluator`."""
    searcher = CubefulSearcher(PeerEvaluator(peer, bearoff), efficiency=GNUBG)
    return StakesEngine(searcher, SearchSettings(plies, shallow=0.0))
