"""Which outcomes a candidate can still have, games that are over included: what an outcome head is masked with.

M candidates, 6 outcomes in the order of `outcome.OUTCOMES`.
"""

from __future__ import annotations

import numpy as np

from backgammon.learner.net.kernels import NUM_OUTCOMES, fill_possible
from backgammon.tools.arrays import Boards, Bools


def allowed_outcomes(boards: Boards) -> Bools:
    """bool[M, 6] of candidates int8[M, 26], seen by the player who has just moved.

    Where the game goes on, what the rules still allow; where it is over, the one outcome that came about.
    """
    allowed = np.empty((len(boards), NUM_OUTCOMES), dtype=np.bool_)
    fill_possible(np.require(boards, np.int8, ["C", "W"]), allowed)
    return allowed
