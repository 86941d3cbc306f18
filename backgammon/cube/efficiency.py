"""How efficient the cube is: between a dead cube (0) and one that is turned at the perfect moment (1).

Axis legend: M positions after a play, seen by the player who has just moved; the opponent rolls next.

Constants of GNU Backgammon 1.07, whose static values they reproduce. They are right for leaves deep in a search. At the
root they are low: least squares of deep cubeful labels give .76 with a centred cube, .73 with an owned one, .70 after
the double.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.tools.arrays import Boards, Float64s
from backgammon.tools.jit import kernel


class Efficiency(NamedTuple):
    """Efficiency by the kind of position; the race's grows with the pips of the player on roll.

    Attributes:
        contact: the sides have not passed each other.
        home: every checker of both sides is at home.
        race: at 0 pips.
        race_per_pip: added for each.
        race_least: but not below.
        race_most: nor above.
    """

    contact: float = 0.68
    home: float = 0.6
    race: float = 0.55
    race_per_pip: float = 0.00125
    race_least: float = 0.6
    race_most: float = 0.7


EXACT_MOST = 0.6
"""The most that a two-sided bear-off position gets in a match, where its efficiency comes from its exact equities."""


@kernel
def _fill(boards: Boards, constants: Efficiency, out: Float64s) -> None:
    for i in range(boards.shape[0]):
        own_back = 0
        their_back = 0
        pips = 0
        for location in range(26):
            count = boards[i, location]
            if count > 0:
                own_back = location
            elif count < 0:
                their_back = max(their_back, 25 - location)
                pips -= count * (25 - location)
        if own_back + their_back >= 25:
            out[i] = constants.contact
        elif own_back <= 6 and their_back <= 6:
            out[i] = constants.home
        else:
            grown = constants.race + constants.race_per_pip * pips
            out[i] = min(max(grown, constants.race_least), constants.race_most)


def efficiencies(boards: Boards, constants: Efficiency | None = None) -> Float64s:
    """Efficiency float64[M] of the cube in positions int8[M, 26] after a play."""
    out = np.empty(len(boards))
    _fill(np.require(boards, np.int8, ["C"]), constants or Efficiency(), out)
    return out
