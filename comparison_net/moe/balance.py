"""Auxiliary losses that keep every expert at work; all are 0 (gshard: 1) for an even spread.

Axes as in `algebra`. Formulas as in V-MoE's routers (importance and load after Shazeer et al. 2017)
and GShard / Switch.
"""

from __future__ import annotations

import torch
from torch import Tensor


def importance_loss(probabilities: Tensor) -> Tensor:
    """Squared coefficient of variation of the experts' summed gates, mean over the groups.

    Args:
        probabilities: float32[G, m, n], softmax over the experts.
    """
    return _squared_variation(probabilities.sum(1)).mean()


def load_loss(logits: Tensor, noisy: Tensor, num_choices: int, deviation: float) -> Tensor:
    """Squared coefficient of variation of the chance to be among a token's first K under fresh noise.

    Args:
        logits: float32[G, m, n], without noise.
        noisy: float32[G, m, n], with the noise that selected; the same as `logits` when there was none.
        num_choices: K.
        deviation: standard deviation of the noise, above 0.
    """
    threshold = noisy.topk(num_choices, dim=2).values[..., -1:]
    chance = 1 - torch.special.ndtr((threshold - logits) / deviation)
    return _squared_variation(chance.mean(1)).mean()


def gshard_loss(probabilities: Tensor) -> Tensor:
    """N * sum over the experts of (share of tokens that put it first) * (mean gate), mean over the groups."""
    n = probabilities.shape[2]
    first = torch.nn.functional.one_hot(probabilities.argmax(2), n).to(probabilities.dtype)
    return (n * (first.mean(1) * probabilities.mean(1)).sum(1)).mean()


def balance_loss(name: str, logits: Tensor, noise: Tensor | None, num_choices: int, deviation: float) -> Tensor:
    """The auxiliary loss with that name in `config.BALANCES`; 0 for "none".

    Args:
        name: what is balanced.
        logits: float32[G, m, n].
        noise: float32[G, m, n] or None.
        num_choices: K.
        deviation: of the noise; where there is none, 1 / n as V-MoE's default.
    """
    noisy = logits if noise is None else logits + noise  # importance is of the gates without noise, as in V-MoE
    total = logits.new_zeros(())
    if name.startswith("importance"):
        total = total + importance_loss(torch.softmax(logits, 2))
    if name.endswith("load"):
        total = total + load_loss(logits, noisy, num_choices, deviation or 1 / logits.shape[2])
    if name == "gshard":
        total = total + gshard_loss(torch.softmax(noisy, 2))
    return total


def _squared_variation(values: Tensor) -> Tensor:
    """(standard deviation / mean)^2 along the last axis."""
    return values.var(-1, unbiased=False) / values.mean(-1).square().clamp_min(torch.finfo(values.dtype).tiny)
