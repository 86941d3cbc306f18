"""Losses on the scores of whole decisions: each decision counts alike, however many candidates it has.

B decisions, N the most candidates of one of them (shorter ones are padded; `mask` is True on real candidates), R
candidates whose outcome is known, 6 outcomes.

Writing x_i = exp(f_i - f_chosen) for the rejected candidates, the listwise loss is log(1 + sum x_i) and the pairwise
sum is sum log(1 + x_i): equal for two candidates, and pairwise is never less. Cross-entropy, not Tesauro's squared
error: the latter's extra factor sigma' starves pairs that are badly wrong.

The soft loss is the listwise one with a share of the choice for each candidate, ListNet's (Cao et al. 2007): it knows
which rejected candidates were nearly as good, and which were blunders.
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

    def __call__(self, scores: Tensor, mask: Tensor, chosen: Tensor, equities: Tensor | None = None) -> Tensor:
        """The loss of each decision, float32[B]; `equities` as for `soft_loss`, None without labels."""


def pairwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Bradley-Terry: mean over the rejected candidates of -log P(chosen preferred to it), float32[B].

    Args:
        scores: float32[B, N]; what stands on padding does not matter as long as it is finite.
        mask: bool[B, N], at least one True in each row.
        chosen: int64[B], a row with mask True.
    """
    columns = chosen[:, None]
    rejected = mask.scatter(1, columns, False)
    differences = scores - scores.gather(1, columns)
    losses = softplus(differences).masked_fill(~rejected, 0.0)
    return losses.sum(1) / rejected.sum(1).clamp(min=1)  # a forced play has nothing to reject, and no loss


def listwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Plackett-Luce first choice: -log softmax of the chosen among all candidates, float32[B]; arguments as above."""
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(allowed, 1) - scores.gather(1, chosen[:, None]).squeeze(1)


def soft_targets(mask: Tensor, chosen: Tensor, equities: Tensor, temperature: float) -> Tensor:
    """Shares of the choice, float32[B, N]: softmax(equity / temperature) over the judged candidates of each decision.

    A candidate that was not judged gets 0. A decision of which nothing was judged gives all to the chosen candidate.

    Args:
        mask: bool[B, N].
        chosen: int64[B].
        equities: float32[B, N], points of the mover; NaN where not judged, anything on padding.
        temperature: points of equity.
    """
    is_judged = mask & ~equities.isnan()
    is_any = is_judged.any(1, keepdim=True)
    levels = (equities / temperature).masked_fill(~is_judged, -torch.inf)
    # A row without any judgement would be softmax of -inf alone, not a number.
    shares = torch.softmax(levels.masked_fill(~is_any, 0.0), 1)
    return torch.where(is_any, shares, torch.zeros_like(shares).scatter(1, chosen[:, None], 1.0))


def soft_loss(
    scores: Tensor, mask: Tensor, chosen: Tensor, equities: Tensor | None = None, temperature: float = 0.03
) -> Tensor:
    """Cross-entropy of the softmax of all scores to `soft_targets`, float32[B]; listwise where nothing was judged."""
    if equities is None:
        return listwise_loss(scores, mask, chosen)
    shares = soft_targets(mask, chosen, equities, temperature)
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(allowed, 1) - (shares * scores.masked_fill(~mask, 0.0)).sum(1)


def outcome_loss(logits: Tensor, possible: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the outcomes to their targets, float32[R].

    Args:
        logits: float32[R, 6].
        possible: bool[R, 6], at least one True in each row.
        targets: float32[R, 6]; what they give to impossible outcomes is left out.
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
        temperature: points of equity, for "soft".
    """

    def loss(scores: Tensor, mask: Tensor, chosen: Tensor, equities: Tensor | None = None) -> Tensor:
        if name == "soft":
            return soft_loss(scores, mask, chosen, equities, temperature)
        return _CHOICE_LOSSES[name](scores, mask, chosen)

    return loss
