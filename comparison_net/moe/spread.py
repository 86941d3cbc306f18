"""How a router spread the tokens of a step, as plain numbers for progress lines and logs.

n experts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Spread:
    """Means over some candidates.

    Attributes:
        load: float64[n], share of the taken slots that each expert has; sums to 1.
        dropped: share of tokens that no expert took.
        entropy: mean entropy of the gates, in nats.
        candidates: how many.
    """

    load: npt.NDArray[np.float64]
    dropped: float
    entropy: float
    candidates: int

    def __add__(self, other: Spread) -> Spread:
        """The spread over both."""
        total = self.candidates + other.candidates
        share = self.candidates / total
        return Spread(
            share * self.load + (1 - share) * other.load,
            share * self.dropped + (1 - share) * other.dropped,
            share * self.entropy + (1 - share) * other.entropy,
            total,
        )

    @property
    def load_variation(self) -> float:
        """Standard deviation of the load over its mean: 0 when all experts work alike."""
        return float(self.load.std() / self.load.mean())

    def as_dict(self) -> dict[str, Any]:
        """For the log of a run."""
        return {
            "load": [round(share, 5) for share in self.load.tolist()],
            "load_variation": round(self.load_variation, 5),
            "dropped": round(self.dropped, 5),
            "gate_entropy": round(self.entropy, 5),
        }

    def describe(self) -> str:
        """For a progress line.

        >>> Spread(np.array([0.75, 0.25]), 0.031, 0.5, 10).describe()
        'load 0.75 0.25, dropped 3.1 %'
        """
        shares = " ".join(f"{share:.2f}" for share in self.load)
        return f"load {shares}, dropped {100 * self.dropped:.1f} %"
