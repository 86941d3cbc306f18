"""How efficient the cube is: between a dead cube (0) and one that is turned at the perfect moment (1).

Axis legend: M positions after a play, seen by the player who has just moved; the opponent rolls next.

The constants are GNU Backgammon's (1.07), whose static values they reproduce. They are right for leaves two plies and
more below the root. Nearer to it they are low, as most wrong doubles are too early; there SHALLOW adds .06, chosen on
8,056 cube decisions of people with 4-ply labels (2.69 to 2.2 mpt at 0 ply, 1.59 to 1.1 at 1 ply, but .27 to .5 at 2).
For decisions without a look-ahead a net moves SHALLOW by position and stakes (`cube_net`).
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


GNUBG = Efficiency()
"""For leaves two plies and more below the root, and wherever GNU Backgammon's numbers are wanted."""

SHALLOW = Efficiency(contact=0.74, home=0.66, race=0.61, race_least=0.66, race_most=0.76)
"""For positions without a look-ahead, and for leaves one ply below the root."""

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


def efficiencies(boards: Boards, constants: Efficiency = GNUBG) -> Float64s:
    """Efficiency float64[M] of the cube in positions int8[M, 26] after a play."""
    out = np.empty(len(boards))
    _fill(np.require(boards, np.int8, ["C"]), constants, out)
    return out
