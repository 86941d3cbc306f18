"""Means of losses and lucks with their intervals, and the factors by which programs show them."""

from __future__ import annotations

import numpy as np

from backgammon.tools.arrays import Float64s
from backgammon.tools.intervals import Estimate, estimate_mean

GNUBG_FACTOR, XG_FACTOR = 1000.0, 500.0
"""GNU Backgammon shows a mean loss in thousandths, eXtreme Gammon's PR is half of that."""


def mean_of(values: Float64s) -> Estimate:
    """Mean with its interval, every value an observation of its own; without spread there is no interval."""
    if len(values) and float(values.min()) == float(values.max()):
        return Estimate(float(values[0]), None, None)
    return estimate_mean(values, np.arange(len(values)))


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The estimate of a multiple."""
    low = None if estimate.low is None else estimate.low * factor
    high = None if estimate.high is None else estimate.high * factor
    return Estimate(estimate.value * factor, low, high)


def at_least_zero(estimate: Estimate) -> Estimate:
    """Nobody loses less than nothing."""
    return Estimate(estimate.value, None if estimate.low is None else max(0.0, estimate.low), estimate.high)
