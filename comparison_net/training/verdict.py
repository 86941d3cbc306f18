"""How well a network does on held-out decisions: sums that parts of the work can add up, and the figures they give.

B decisions of a part, R candidates whose outcome is known, 6 outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.learner.data.comparisons import OutcomeTargets
from backgammon.rules.phase import PHASES

Counts = npt.NDArray[np.int64]


def _no_counts() -> Counts:
    return np.zeros(len(PHASES), dtype=np.int64)


@dataclass
class Verdict:
    """Sums over decisions."""

    agreed: Counts = field(default_factory=_no_counts)
    """int64[6] by phase: the chosen candidate is the network's first."""
    decisions: Counts = field(default_factory=_no_counts)
    """int64[6] by phase."""
    equity_loss_sum: float = 0.0
    """Points lost to the best judged candidate."""
    num_judged: int = 0
    """Decisions with a judged candidate."""
    log_loss_sum: float = 0.0
    brier_sum: float = 0.0
    num_outcomes: int = 0
    """Decisions with a candidate whose outcome is known."""

    def __add__(self, other: Verdict) -> Verdict:
        """The verdict on both."""
        return Verdict(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def add_losses(self, losses: npt.NDArray[np.float32]) -> None:
        """Enter equity losses float32[B] in points, NaN where nothing was judged."""
        self.equity_loss_sum += float(np.nansum(losses, dtype=np.float64))
        self.num_judged += int((~np.isnan(losses)).sum())

    def add_outcomes(self, probabilities: npt.NDArray[np.float32], targets: OutcomeTargets) -> None:
        """Enter outcomes float32[R, 6] of the candidates that have targets; each decision counts alike."""
        weights = targets.weights.astype(np.float64)
        expected = targets.probabilities.astype(np.float64)
        found = probabilities.astype(np.float64)
        # What a target gives to an outcome that the rules exclude is left out, as in the training loss.
        logarithms = np.log(found, out=np.zeros_like(found), where=found > 0)
        self.log_loss_sum -= float(weights @ (expected * logarithms).sum(axis=1))
        self.brier_sum += float(weights @ ((found - expected) ** 2).sum(axis=1))
        self.num_outcomes += targets.num_decisions

    @property
    def agreement(self) -> float | None:
        """Share of decisions whose chosen candidate is the network's first; None without decisions."""
        total = int(self.decisions.sum())
        return int(self.agreed.sum()) / total if total else None

    @property
    def equity_loss(self) -> float | None:
        """Millipoints lost in a decision by the network's first candidate; None without labels."""
        return 1000 * self.equity_loss_sum / self.num_judged if self.num_judged else None

    def figures(self) -> dict[str, Any]:
        """Everything by name, for JSON; None for what cannot be said."""
        outcomes = max(self.num_outcomes, 1)
        pairs = zip(PHASES, self.agreed, self.decisions, strict=True)
        return {
            "agreement": self.agreement,
            "by_phase": {name: [int(agreed), int(total)] for name, agreed, total in pairs},
            "equity_loss": self.equity_loss,
            "outcome_log_loss": self.log_loss_sum / outcomes if self.num_outcomes else None,
            "outcome_brier": self.brier_sum / outcomes if self.num_outcomes else None,
        }
