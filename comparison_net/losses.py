"""Losses on the scores of whole decisions: each decision counts alike, however many alternatives it has.

B decisions, N the most alternatives of one of them (shorter ones are padded; `mask` is True on real ones), R
alternatives whose outcome is known, C outcome classes.

Writing x_i = exp(f_i - f_chosen) for the rejected alternatives, the listwise loss is log(1 + sum x_i) and the pairwise
sum is sum log(1 + x_i): equal for two alternatives, and pairwise is never less. Cross-entropy, not Tesauro's squared
error: the latter's extra factor sigma' starves pairs that are badly wrong.

The soft loss is the listwise one with a share of the choice for each alternative, ListNet's (Cao et al. 2007): it
knows which rejected ones were nearly as good, and which were blunders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus

from comparison_net.config import LOSSES


class Loss(Protocol):
    """A loss that reads no more of a decision than it needs."""

    def __call__(self, scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None = None) -> Tensor:
        """The loss of each decision, float32[B]; `values` as for `soft_loss`, None without labels."""


def pairwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Bradley-Terry: mean over the rejected alternatives of -log P(chosen preferred to it), float32[B].

    Args:
        scores: float32[B, N]; what stands on padding does not matter as long as it is finite.
        mask: bool[B, N], at least one True in each row.
        chosen: int64[B], a row with mask True.
    """
    columns = chosen[:, None]
    rejected = mask.scatter(1, columns, False)
    differences = scores - scores.gather(1, columns)
    losses = softplus(differences).masked_fill(~rejected, 0.0)
    return losses.sum(1) / rejected.sum(1).clamp(min=1)  # a single alternative leaves nothing to reject, and no loss


def listwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Plackett-Luce first choice: -log softmax of the chosen among all alternatives, float32[B]; arguments as above."""
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(allowed, 1) - scores.gather(1, chosen[:, None]).squeeze(1)


def soft_targets(mask: Tensor, chosen: Tensor, values: Tensor, temperature: float) -> Tensor:
    """Shares of the choice, float32[B, N]: softmax(value / temperature) over the alternatives of known value.

    One of unknown value gets 0. A decision of which no value is known gives all to the chosen alternative.

    Args:
        mask: bool[B, N].
        chosen: int64[B].
        values: float32[B, N], NaN where unknown, anything on padding.
        temperature: difference in value that makes an alternative e times likelier.
    """
    is_known = mask & ~values.isnan()
    is_any = is_known.any(1, keepdim=True)
    levels = (values / temperature).masked_fill(~is_known, -torch.inf)
    # A row without any value would be softmax of -inf alone, not a number.
    shares = torch.softmax(levels.masked_fill(~is_any, 0.0), 1)
    return torch.where(is_any, shares, torch.zeros_like(shares).scatter(1, chosen[:, None], 1.0))


def soft_loss(
    scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None = None, temperature: float = 0.03
) -> Tensor:
    """Cross-entropy of the softmax of all scores to `soft_targets`, float32[B]; listwise where no value is known."""
    if values is None:
        return listwise_loss(scores, mask, chosen)
    shares = soft_targets(mask, chosen, values, temperature)
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(allowed, 1) - (shares * scores.masked_fill(~mask, 0.0)).sum(1)


def outcome_loss(logits: Tensor, possible: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the outcomes to their targets, float32[R].

    Args:
        logits: float32[R, C].
        possible: bool[R, C], at least one True in each row.
        targets: float32[R, C]; what they give to impossible outcomes is left out.
    """
    logarithms = torch.log_softmax(logits.masked_fill(~possible, -torch.inf), 1)
    return -(targets * logarithms.masked_fill(~possible, 0.0)).sum(1)


_CHOICE_LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "pairwise": pairwise_loss,
    "listwise": listwise_loss,
}
assert (*_CHOICE_LOSSES, "soft") == LOSSES


def loss_named(name: str, temperature: float = 0.03) -> Loss:
    """The loss with that name in `config.LOSSES`.

    Args:
        name: which.
        temperature: see `soft_targets`, for "soft".
    """

    def loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None = None) -> Tensor:
        if name == "soft":
            return soft_loss(scores, mask, chosen, values, temperature)
        return _CHOICE_LOSSES[name](scores, mask, chosen)

    return loss
