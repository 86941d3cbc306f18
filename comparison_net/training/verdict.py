"""How well a network does on held-out decisions: sums that parts of the work can add up, and the figures they give.

B decisions of a part, S strata, R alternatives whose outcome is known, C outcome classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparison_net.choices import OutcomeTargets
from comparison_net.domain import Domain
from comparison_net.network_config import LOG_LOSS
from comparison_net.tools import Float32s, Float64s, Int64s


@dataclass
class Verdict:
    """Sums over decisions."""

    agreed: Int64s
    """int64[S] by stratum: the chosen alternative is the network's first."""
    decisions: Int64s
    """int64[S] by stratum."""
    value_lost: Float64s
    """float64[S] by stratum: sum of the value lost to the best alternative of known value."""
    valued: Int64s
    """int64[S] by stratum: decisions with an alternative of known value."""
    log_loss_sum: float = 0.0
    brier_sum: float = 0.0
    num_outcomes: int = 0
    """Decisions with an alternative whose outcome is known."""
    choice_log_sum: float = 0.0
    """Logarithms of the chosen alternatives' shares (softmax of the scores) of decisions with something to choose."""

    @classmethod
    def none(cls, num_strata: int) -> Verdict:
        """The verdict on nothing."""
        counts = [np.zeros(num_strata, dtype=np.int64) for _ in range(3)]
        return cls(counts[0], counts[1], np.zeros(num_strata), counts[2])

    def __add__(self, other: Verdict) -> Verdict:
        """The verdict on both."""
        return Verdict(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def add_losses(self, losses: Float32s, strata: Int64s) -> None:
        """Enter losses of value float32[B], NaN where no value is known, of decisions of the strata int64[B]."""
        is_known = ~np.isnan(losses)
        size = len(self.valued)
        self.value_lost += np.bincount(strata[is_known], losses[is_known].astype(np.float64), size)
        self.valued += np.bincount(strata[is_known], minlength=size)

    def add_outcomes(self, probabilities: Float32s, targets: OutcomeTargets) -> None:
        """Enter outcomes float32[R, C] of the alternatives that have targets; each decision counts alike."""
        weights = targets.weights.astype(np.float64)
        expected = targets.probabilities.astype(np.float64)
        found = probabilities.astype(np.float64)
        # What a target gives to an outcome that is impossible is left out, as in the training loss.
        logarithms = np.log(found, out=np.zeros_like(found), where=found > 0)
        self.log_loss_sum -= float(weights @ (expected * logarithms).sum(axis=1))
        self.brier_sum += float(weights @ ((found - expected) ** 2).sum(axis=1))
        self.num_outcomes += targets.num_decisions

    @property
    def agreement(self) -> float | None:
        """Share of decisions whose chosen alternative is the network's first; None without decisions."""
        total = int(self.decisions.sum())
        return int(self.agreed.sum()) / total if total else None

    @property
    def value_loss(self) -> float | None:
        """Value lost in a decision by the network's first alternative; None without values."""
        total = int(self.valued.sum())
        return float(self.value_lost.sum()) / total if total else None

    def losses(self, domain: Domain) -> dict[str, list[Any]]:
        """[value lost in a decision, decisions with values] by stratum, for JSON; strata without any are left out."""
        unit, rows = domain.value_unit[1], zip(domain.strata[1], self.value_lost, self.valued, strict=True)
        return {name: [unit * float(lost / number), int(number)] for name, lost, number in rows if number}

    def figures(self, domain: Domain, has_log_loss: bool = False) -> dict[str, Any]:
        """Everything by name, for JSON; None for what cannot be said.

        Args:
            domain: names strata, value and its unit.
            has_log_loss: tell LOG_LOSS too; where nobody selects by it, models stay as they were before it was there.
        """
        outcomes = max(self.num_outcomes, 1)
        pairs = zip(domain.strata[1], self.agreed, self.decisions, strict=True)
        units, total = domain.value_unit[1], int(self.decisions.sum())
        log_loss = {LOG_LOSS: -self.choice_log_sum / total if total else None} if has_log_loss else {}
        return {
            **log_loss,
            "agreement": self.agreement,
            domain.by_stratum: {name: [int(agreed), int(total)] for name, agreed, total in pairs},
            domain.value_loss: None if self.value_loss is None else units * self.value_loss,
            "outcome_log_loss": self.log_loss_sum / outcomes if self.num_outcomes else None,
            "outcome_brier": self.brier_sum / outcomes if self.num_outcomes else None,
        }
