"""The losses of one decision straight from their formulas, with plain floats."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pairwise_loss(scores: Sequence[float], chosen: int) -> float:
    """Mean of -log sigma(f(chosen) - f(other)) over the other candidates."""
    others = [score for row, score in enumerate(scores) if row != chosen]
    return sum(-math.log(1 / (1 + math.exp(-(scores[chosen] - other)))) for other in others) / len(others)


def listwise_loss(scores: Sequence[float], chosen: int) -> float:
    """-log of the chosen candidate's share of the sum of exp(score)."""
    return -math.log(math.exp(scores[chosen]) / sum(math.exp(score) for score in scores))
