"""The market window: from which winning chances on one doubles, cashes, and plays on for a gammon.

Axis legend: P winning chances from 0 to 1.

The shares of gammons and backgammons among wins and losses are kept, the winning chances vary; every value is then a
broken line, and the points of the window are where the lines of the static model cross. So there is one rule for money
and match. eXtreme Gammon's window computes live take points a little differently: they do not agree digit for digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.cube.efficiency import GNUBG
from backgammon.cube.static import make_prospects, static_values
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Float64s

_NUM_POINTS = 4001


@dataclass(frozen=True)
class MarketWindow:
    """Winning chances of the player on roll where the proper action changes.

    Attributes:
        double_point: from here on a double is right (without volatility: the static model).
        cash_point: from here on the opponent should pass; its take point is 1 less this.
        too_good_point: beyond this the player should play on; 1 if gammons do not make up for it.
    """

    double_point: float
    cash_point: float
    too_good_point: float

    @property
    def take_point(self) -> float:
        """Winning chances that the opponent needs to take."""
        return 1.0 - self.cash_point


def market_window(valuation: Valuation, outcomes: Outcomes, efficiency: float = GNUBG.contact) -> MarketWindow:
    """The window at the valuation's stakes.

    Args:
        valuation: of the player on roll, who may double.
        outcomes: float32[6], whose shares of gammons count; one side may have none.
        efficiency: 0 for a dead cube, 1 for a live one.

    Raises:
        GameError: no double is possible.
    """
    stakes = valuation.stakes
    after = stakes.doubled()
    chances = np.linspace(0.0, 1.0, _NUM_POINTS)
    prospects = make_prospects(_with_chances(outcomes, chances), np.full(len(chances), efficiency))
    values = static_values(valuation.terms, prospects, [(stakes.cube, stakes.owner), (after.cube, after.owner)])
    no_double, double_take = (valuation.emg(values[:, k]) for k in (0, 1))
    if not stakes.is_match:
        double_take = 2.0 * double_take
    cash_point = _crossing(chances, double_take - 1.0)
    return MarketWindow(
        min(_crossing(chances, np.minimum(double_take, 1.0) - no_double), cash_point),
        cash_point,
        _crossing(chances, no_double - 1.0),
    )


def _with_chances(outcomes: Outcomes, chances: Float64s) -> Outcomes:
    """Outcomes float32[P, 6] of the same shares for other winning chances float64[P]."""
    parts = np.asarray(outcomes, dtype=np.float64)
    shares = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    for side in (slice(0, 3), slice(3, 6)):
        if parts[side].sum() > 0:
            shares[side] = parts[side] / parts[side].sum()
    weights = np.stack([chances] * 3 + [1.0 - chances] * 3, axis=1)
    return np.asarray(weights * shares, dtype=np.float32)


def _crossing(chances: Float64s, gain: Float64s) -> float:
    """The last chance where a gain becomes positive for good, 1 if it never does."""
    if gain[-1] <= 0:
        negative = np.flatnonzero(gain > 1e-9)
        if not len(negative):
            return 1.0
        last = int(negative[-1])
        gain, chances = gain[: last + 1], chances[: last + 1]
    below = np.flatnonzero(gain <= 0)
    if not len(below):
        return 0.0
    k = int(below[-1])
    return float(chances[k] - gain[k] * (chances[k + 1] - chances[k]) / (gain[k + 1] - gain[k]))
