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

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus

from comparison_net.addresses import is_address, load_part
from comparison_net.config import TrainConfig


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


def margin_loss(scores: Tensor, mask: Tensor, chosen: Tensor, margin: float = 1.0) -> Tensor:
    """Hinge: mean over the rejected alternatives of what the chosen one lacks of a lead of `margin`, float32[B]."""
    columns = chosen[:, None]
    rejected = mask.scatter(1, columns, False)
    lacking = torch.relu(margin + scores - scores.gather(1, columns)).masked_fill(~rejected, 0.0)
    return lacking.sum(1) / rejected.sum(1).clamp(min=1)


def ranking_loss(scores: Tensor, mask: Tensor, values: Tensor) -> Tensor:
    """Plackett-Luce of the full ranking by value, mean over its stages, float32[B]; 0 where fewer than two are known.

    At each stage an alternative is chosen among those that are worth no more; equal values share one (Breslow 1974).

    Args:
        scores: float32[B, N].
        mask: bool[B, N].
        values: float32[B, N], NaN where unknown, anything on padding.
    """
    is_known = mask & ~values.isnan()
    worth = values.masked_fill(~is_known, -torch.inf)
    remain = is_known[:, None, :] & (worth[:, None, :] <= worth[:, :, None])
    levels = scores[:, None, :].expand(remain.shape).masked_fill(~remain, -torch.inf)
    # Who is alone at its stage, or not known, has a term of 0; a row of -inf alone would be no number.
    counts = is_known & (remain.sum(2) > 1)
    safe = levels.masked_fill(~counts[:, :, None], 0.0)
    terms = (torch.logsumexp(safe, 2) - scores).masked_fill(~counts, 0.0)
    return terms.sum(1) / counts.sum(1).clamp(min=1)


def best_worst_loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor) -> Tensor:
    """Best-worst choice (maxdiff), float32[B]: the chosen one as best of all, the least valued as worst of the rest.

    Args:
        scores: float32[B, N].
        mask: bool[B, N].
        chosen: int64[B].
        values: float32[B, N], NaN where unknown; the worst is looked for among the others that are known.
    """
    others = (mask & ~values.isnan()).scatter(1, chosen[:, None], False)
    worst = values.masked_fill(~others, torch.inf).argmin(1)
    rest = mask.scatter(1, chosen[:, None], False)
    negated = (-scores).masked_fill(~rest, -torch.inf)
    has_worst = others.any(1)
    losses = torch.logsumexp(negated.masked_fill(~has_worst[:, None], 0.0), 1) + scores.gather(1, worst[:, None])[:, 0]
    return listwise_loss(scores, mask, chosen) + losses.masked_fill(~has_worst, 0.0)


def pairs_loss(scores: Tensor, mask: Tensor, values: Tensor) -> Tensor:
    """Mean over all pairs of known value of -log P(better preferred to worse), float32[B]; a tie wants one half."""
    is_known = mask & ~values.isnan()
    places = torch.arange(scores.shape[1])
    is_pair = is_known[:, :, None] & is_known[:, None, :] & (places[:, None] < places)
    worth = values.masked_fill(~is_known, 0.0)
    targets = 0.5 + 0.5 * torch.sign(worth[:, :, None] - worth[:, None, :])
    differences = scores[:, :, None] - scores[:, None, :]
    losses = softplus(differences) - targets * differences
    return losses.masked_fill(~is_pair, 0.0).sum((1, 2)) / is_pair.sum((1, 2)).clamp(min=1)


def smoothed(losses: Tensor, scores: Tensor, mask: Tensor, share: float) -> Tensor:
    """Losses of a cross-entropy float32[B] where all alternatives get a `share` of the target alike."""
    if share == 0:
        return losses
    allowed = scores.masked_fill(~mask, -torch.inf)
    logarithms = (scores - torch.logsumexp(allowed, 1)[:, None]).masked_fill(~mask, 0.0)
    return (1 - share) * losses - share * logarithms.sum(1) / mask.sum(1)


def make_loss(config: TrainConfig) -> Loss:
    """The loss of a run.

    A value loss counts a decision of which no value is known by its choice (listwise). A loss from outside the package
    is a function (scores, mask, chosen, values, config) to float32[B].

    Raises:
        ConfigError: a loss from outside that cannot be loaded.
    """
    own = load_part(config.loss, "loss") if is_address(config.loss) else None

    def loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None = None) -> Tensor:
        if own is not None:
            result: Tensor = own(scores, mask, chosen, values, config)
            return result
        if config.loss == "pairwise":
            return pairwise_loss(scores, mask, chosen)
        if config.loss == "margin":
            return margin_loss(scores, mask, chosen, config.margin)
        if config.loss == "listwise" or values is None:
            return smoothed(listwise_loss(scores, mask, chosen), scores, mask, config.label_smoothing)
        if config.loss == "soft":
            soft = soft_loss(scores, mask, chosen, values, config.soft_temperature)
            return smoothed(soft, scores, mask, config.label_smoothing)
        if config.loss == "best-worst":
            return best_worst_loss(scores, mask, chosen, values)
        by_value = ranking_loss(scores, mask, values) if config.loss == "ranking" else pairs_loss(scores, mask, values)
        is_any = (mask & ~values.isnan()).any(1)
        return torch.where(is_any, by_value, listwise_loss(scores, mask, chosen))

    return loss
