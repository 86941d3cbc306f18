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


def margin_loss(scores: Sequence[float], chosen: int, margin: float = 1.0) -> float:
    """Mean over the other candidates of what is missing to a lead of `margin`."""
    others = [score for row, score in enumerate(scores) if row != chosen]
    return sum(max(0.0, margin - (scores[chosen] - other)) for other in others) / len(others)


def ranking_loss(scores: Sequence[float], values: Sequence[float | None]) -> float:
    """Mean over the stages of a ranking by value of -log share among those that are worth no more."""
    known = {row: value for row, value in enumerate(values) if value is not None}
    terms = []
    for row, value in known.items():
        rest = [other for other, worth in known.items() if worth <= value]
        if len(rest) > 1:
            terms.append(-math.log(math.exp(scores[row]) / sum(math.exp(scores[other]) for other in rest)))
    return sum(terms) / max(1, len(terms))


def best_worst_loss(scores: Sequence[float], chosen: int, values: Sequence[float | None]) -> float:
    """-log share of the chosen, and of the worst known among the others by exp(-score)."""
    others = {row: value for row, value in enumerate(values) if value is not None and row != chosen}
    if not others:
        return listwise_loss(scores, chosen)
    worst = min(others, key=lambda row: others[row])
    rest = [row for row in range(len(scores)) if row != chosen]
    share = math.exp(-scores[worst]) / sum(math.exp(-scores[row]) for row in rest)
    return listwise_loss(scores, chosen) - math.log(share)


def pairs_loss(scores: Sequence[float], values: Sequence[float | None]) -> float:
    """Mean over pairs of the cross-entropy of sigma(difference) to 1, 0, or one half for a tie."""
    terms = []
    for i, one in enumerate(values):
        for j, other in enumerate(values[:i]):
            if one is not None and other is not None:
                chance = 1 / (1 + math.exp(scores[j] - scores[i]))
                target = 0.5 if one == other else float(one > other)
                terms.append(-target * math.log(chance) - (1 - target) * math.log(1 - chance))
    return sum(terms) / max(1, len(terms))


def outcome_loss(logits: Sequence[float], possible: Sequence[bool], target: Sequence[float]) -> float:
    """-sum of target times logarithm of the chance, over the possible outcomes alone."""
    total = sum(math.exp(logit) for logit, is_possible in zip(logits, possible, strict=True) if is_possible)
    return -sum(
        share * math.log(math.exp(logit) / total)
        for logit, is_possible, share in zip(logits, possible, target, strict=True)
        if is_possible
    )
