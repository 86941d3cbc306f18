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


def soft_loss(
    scores: Sequence[float], chosen: int, equities: Sequence[float | None] | None = None, temperature: float = 0.03
) -> float:
    """Cross-entropy of the shares exp(score) / sum to exp(equity / temperature) / sum, the unjudged (None) left out."""
    judged = {row: equity for row, equity in enumerate(equities or []) if equity is not None}
    if not judged:
        return listwise_loss(scores, chosen)
    best = max(judged.values())
    powers = {row: math.exp((equity - best) / temperature) for row, equity in judged.items()}
    return sum(power / sum(powers.values()) * listwise_loss(scores, row) for row, power in powers.items())


def outcome_loss(logits: Sequence[float], possible: Sequence[bool], target: Sequence[float]) -> float:
    """-sum of target times logarithm of the chance, over the possible outcomes alone."""
    total = sum(math.exp(logit) for logit, is_possible in zip(logits, possible, strict=True) if is_possible)
    return -sum(
        share * math.log(math.exp(logit) / total)
        for logit, is_possible, share in zip(logits, possible, target, strict=True)
        if is_possible
    )
