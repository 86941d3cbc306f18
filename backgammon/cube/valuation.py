"""Values that know their unit: points of money play, equity normalised to money (EMG), match-winning chances (MWC).

* POINTS: money play, per unit of the cube before the decision.
* MWC: chance to win the match.
* EMG: the straight line through MWC that makes -1 of losing the present cube and +1 of winning it. In money play a
  point per cube unit is 1 EMG. Losing a double that is passed is -1 EMG by construction.

A value after a double is normalised with the cube BEFORE it. 1/1000 EMG is 1 mpt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from backgammon.cube.met import MatchEquityTable, default_table
from backgammon.cube.stakes import CENTRED, Stakes
from backgammon.cube.static import Terms, chance_after, dead_values, make_terms
from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Float64s

_NARROWEST = 1e-7
"""Winning and losing this cube differ by less MWC than that: the game decides nothing, so every EMG is 0."""


class Unit(Enum):
    """What a value is counted in; see the module's text."""

    POINTS = "points"
    EMG = "EMG"
    MWC = "MWC"


@dataclass(frozen=True)
class Value:
    """A number and its unit, for the player on roll.

    >>> print(Value(0.5, Unit.MWC))
    50.00 % MWC
    """

    amount: float
    unit: Unit

    def __str__(self) -> str:
        if self.unit is Unit.MWC:
            return f"{100 * self.amount:.2f} % MWC"
        return f"{self.amount:+.3f} {self.unit.value}"


class Valuation:
    """From outcomes to values at given stakes, and from one unit to another.

    The native unit is POINTS in money play and MWC in a match. Methods take and give arrays float64[...].
    """

    def __init__(self, stakes: Stakes, table: MatchEquityTable | None = None) -> None:
        """Values at `stakes`, with the table of match equities that ships if none is given."""
        self.stakes = stakes
        self.table = table or default_table()

    @property
    def unit(self) -> Unit:
        """The native unit."""
        return Unit.MWC if self.stakes.is_match else Unit.POINTS

    @cached_property
    def terms(self) -> Terms:
        """The stakes as kernels read them."""
        return make_terms(self.stakes, self.table)

    @cached_property
    def opponent_terms(self) -> Terms:
        """The same stakes when the opponent is on roll."""
        return make_terms(self.stakes.swapped(), self.table)

    @cached_property
    def won_and_lost(self) -> tuple[float, float]:
        """Native values of winning and of losing the present cube once."""
        if not self.stakes.is_match:
            return 1.0, -1.0
        chances, cube = self.terms.chances, self.stakes.cube
        return float(chance_after(chances, cube, 0)), float(chance_after(chances, 0, cube))

    def cubeless(self, outcomes: Outcomes) -> Float64s:
        """Native values float64[N] of outcomes float32[N, 6] when the cube stays where it is."""
        return dead_values(self.terms, outcomes, self.stakes.cube, self.stakes.owner)

    def emg(self, native: npt.ArrayLike) -> Float64s:
        """EMG of native values."""
        won, lost = self.won_and_lost
        values = np.asarray(native, dtype=np.float64)
        if won - lost < _NARROWEST:
            return np.zeros_like(values)
        return np.asarray((2.0 * values - won - lost) / (won - lost))

    def native(self, emg: npt.ArrayLike) -> Float64s:
        """Native values of EMG."""
        won, lost = self.won_and_lost
        return np.asarray((np.asarray(emg, dtype=np.float64) * (won - lost) + won + lost) / 2.0)

    def emg_change(self, native: npt.ArrayLike) -> Float64s:
        """EMG of differences between native values."""
        return np.asarray(self.emg(native) - self.emg(0.0))

    def mwc_cost(self, emg_lost: float) -> float:
        """Chances to win the match that an error of so many EMG costs; 0 in money play."""
        won, lost = self.won_and_lost
        return emg_lost * (won - lost) / 2.0 if self.stakes.is_match else 0.0

    @cached_property
    def gammon_values(self) -> tuple[float, float]:
        """What a gammon adds to a win, in halves of the game's swing: of the player on roll and of the opponent.

        (win of 2 cubes - win of 1) / (win of 1 - loss of 1): .5 in money play, 0 where gammons do not count.
        """
        if not self.stakes.is_match:
            price = 0.0 if self.stakes.has_jacoby and self.stakes.owner == CENTRED else 0.5
            return price, price
        won, lost = self.won_and_lost
        if won - lost < _NARROWEST:
            return 0.0, 0.0
        chances, cube = self.terms.chances, self.stakes.cube
        own = chance_after(chances, 2 * cube, 0) - won
        theirs = lost - chance_after(chances, 0, 2 * cube)
        return float(own / (won - lost)), float(theirs / (won - lost))
