"""A test that may be looked at while it runs: which of two means fits the points of pairs of games better.

Sequential probability ratio test after Wald (1945) with the likelihood of normal means and the variance of the sample
(the generalised test that engine matches use): with n pairs of mean m and variance v, the log-likelihood ratio of
`high` against `low` is n (high - low) (m - (high + low) / 2) / v.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from backgammon.tools.arrays import Float64s
from backgammon.tools.errors import ConfigError

MIN_PAIRS = 100
"""No verdict before so many pairs, for a variance of a few means nothing."""


@dataclass(frozen=True)
class Sprt:
    """The two hypotheses, in points per game of the first player, and the chance of a wrong verdict.

    Attributes:
        low: not better than this.
        high: at least this good.
        error: of either kind, 0 to 0.5.

    Raises:
        ConfigError: values that give no test.
    """

    low: float = 0.0
    high: float = 0.05
    error: float = 0.05

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ConfigError(f"SPRT from {self.low} to {self.high} points per game: the first must be the smaller")
        if not 0 < self.error < 0.5:
            raise ConfigError(f"SPRT with an error of {self.error}: give more than 0 and less than 0.5")

    @property
    def bound(self) -> float:
        """A ratio beyond this, on either side, is a verdict."""
        return log((1 - self.error) / self.error)

    def ratio(self, means: Float64s) -> float:
        """Log-likelihood ratio of the means float64[P] of pairs, 0 where they tell nothing."""
        if len(means) < 2:
            return 0.0
        variance = float(means.var(ddof=1))
        if variance == 0.0:
            return 0.0
        return len(means) * (self.high - self.low) * (float(means.mean()) - (self.high + self.low) / 2) / variance

    def verdict(self, means: Float64s) -> str | None:
        """What the means float64[P] say: "high", "low", or None as long as they leave it open."""
        ratio = self.ratio(means)
        if len(means) < MIN_PAIRS or abs(ratio) < self.bound:
            return None
        return "high" if ratio > 0 else "low"
