"""Losses on the scores of whole decisions: each decision counts alike, however many candidates it has.

B decisions, N the most candidates of one of them (shorter ones are padded; `mask` is True on real candidates).

Writing x_i = exp(f_i - f_chosen) for the rejected candidates, the listwise loss is log(1 + sum x_i) and the pairwise
sum is sum log(1 + x_i): equal for two candidates, and pairwise is never less. Cross-entropy, not Tesauro's squared
error: the latter's extra factor sigma' starves pairs that are badly wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from comparison_net.config import LOSSES

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(scores float32[B, N], mask bool[B, N], chosen int64[B]) to the loss of each decision, float32[B]."""


def pairwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Bradley-Terry: mean over the rejected candidates of -log P(chosen preferred to it), float32[B].

    Args:
        scores: float32[B, N]; what stands on padding does not matter as long as it is finite.
        mask: bool[B, N], at least two True in each row.
        chosen: int64[B], a row with mask True.
    """
    columns = chosen[:, None]
    rejected = mask.scatter(1, columns, False)
    differences = scores - scores.gather(1, columns)
    losses = softplus(differences).masked_fill(~rejected, 0.0)
    return losses.sum(1) / rejected.sum(1)


def listwise_loss(scores: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
    """Plackett-Luce first choice: -log softmax of the chosen among all candidates, float32[B]; arguments as above."""
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.logsumexp(allowed, 1) - scores.gather(1, chosen[:, None]).squeeze(1)


_LOSSES: dict[str, Loss] = {"pairwise": pairwise_loss, "listwise": listwise_loss}
assert tuple(_LOSSES) == LOSSES


def loss_named(name: str) -> Loss:
    """The loss with that name in `config.LOSSES`."""
    return _LOSSES[name]
