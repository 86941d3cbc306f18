"""GNU Backgammon (PyPI package `gnubg`, extra [peers]) as a judge of our candidates.

Axis legend: M positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backgammon.engine.peers.peer_judge import PeerJudge
from backgammon.tools.arrays import Boards, Float64s

EngineBoard = tuple[tuple[int, ...], tuple[int, ...]]
"""Counts of the player who is not on roll and of the one who is: points 1..24 from the owner's side, the bar last."""


class GnubgJudge(PeerJudge):
    """GNU Backgammon at a ply."""

    program = "gnubg"

    def __init__(self, plies: int) -> None:
        """Load the engine.

        Raises:
            ImportError: the package is not installed.
        """
        import gnubg

        super().__init__(plies)
        self._evaluate = gnubg.evaluate
        self._cube = gnubg.cubeinfo(1, -1, 1, 0, (0, 0), 0, 0)
        self._cube["jacoby"] = 0
        self._cube["gammonprice"] = ((1.0, 1.0), (1.0, 1.0))
        self._contexts = {depth: gnubg.evalcontext(0, depth, 1, 1, 0.0) for depth in {0, plies}}

    def chances(self, candidates: Boards, plies: int = 0) -> Float64s:
        """See `PeerJudge.chances`; it judges the side on roll, the opponent of who has just moved."""
        evaluate, cube, context = self._evaluate, self._cube, self._contexts[plies]
        judged = [evaluate(board, cube, context)[:5] for board in engine_boards(-candidates[:, ::-1])]
        win, gammon, backgammon, lose_gammon, lose_backgammon = np.array(judged).reshape(-1, 5).T
        return np.stack([1 - win, lose_gammon, lose_backgammon, gammon, backgammon], axis=1)


def engine_boards(boards: Boards) -> Iterator[EngineBoard]:
    """Positions int8[M, 26] of the player on roll as the packages take them."""
    own = np.maximum(boards[:, 1:], 0).tolist()
    other = np.maximum(-boards[:, 24::-1], 0).tolist()
    return zip(map(tuple, other), map(tuple, own), strict=True)
