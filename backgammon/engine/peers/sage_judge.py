"""Open Sage (PyPI package `bgsage`, extra [sage]) as a judge of our candidates, with its table of the bear-off.

Axis legend: M positions.

Its boards are ours but for the sign of the opponent's bar. It counts plies from 1: what it calls 3-ply is 2-ply here.
Inside a look-ahead it plays replies by its own filters. In its own play each candidate's net follows from the position
before the play, at 0-ply alone; here each position has one value, that of its own `post_move_analytics`.
"""

from __future__ import annotations

import numpy as np

from backgammon.engine.peers.peer_judge import PeerJudge
from backgammon.tools.arrays import Boards, Float64s


class SageJudge(PeerJudge):
    """Open Sage at a ply."""

    program = "sage"

    def __init__(self, plies: int) -> None:
        """Load the engine.

        Raises:
            ImportError: the package is not installed, or lacks its table of the bear-off.
        """
        import bgbot_cpp
        from bgsage import weights

        super().__init__(plies)
        nets, path = weights.default_weights(), weights.bearoff_db_path()
        self._bearoff = bgbot_cpp.BearoffDB()  # its searchers do not keep it alive
        if path is None or not self._bearoff.load(path):
            raise ImportError("bgsage has no table of the bear-off: install it again")
        self._searchers = {
            depth: bgbot_cpp.create_multipy(
                nets.strategy_type, nets.weight_paths_list, nets.hidden_sizes_list, n_plies=depth + 1
            )
            for depth in {0, plies}
        }
        for searcher in self._searchers.values():
            bgbot_cpp.multipy_set_bearoff_db(searcher, self._bearoff)

    def chances(self, candidates: Boards, plies: int = 0) -> Float64s:
        """See `PeerJudge.chances`."""
        evaluate = self._searchers[plies].evaluate_board
        boards = candidates.copy()
        boards[:, 0] = -boards[:, 0]
        return np.array([evaluate(board, board)["probs"] for board in boards.tolist()], dtype=np.float64).reshape(-1, 5)
