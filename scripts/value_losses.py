"""Losses that learn what a play is worth instead of which is better, for `loss=scripts.value_losses:NAME`.

The score is the value in units of `soft_temperature`, so that a score means the same as where `loss=soft` is at its
least, and the step sizes of both can be compared. B decisions, N the most alternatives of one of them.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import huber_loss

from comparison_net.config import TrainConfig

REACH = 0.1
"""Points beyond which an error counts linearly: a few hopeless candidates would outweigh all others."""


def value_loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Regression: mean over the alternatives of known value of Huber's error, float32[B].

    Args:
        scores: float32[B, N].
        mask: bool[B, N].
        chosen: int64[B], not read.
        values: float32[B, N], NaN where unknown, anything on padding.
        config: says what a unit of score is worth.
    """
    known = mask & ~values.isnan()
    wanted = values.masked_fill(~known, 0.0) / config.soft_temperature
    return _mean_error(scores, wanted, known, REACH / config.soft_temperature)


def difference_loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Regression of what tells the alternatives of a decision apart: both sides less their means; as `value_loss`."""
    known = mask & ~values.isnan()
    count = known.sum(1, keepdim=True).clamp(min=1)
    wanted = values.masked_fill(~known, 0.0) / config.soft_temperature
    said = scores.masked_fill(~known, 0.0)
    return _mean_error(
        said - said.sum(1, keepdim=True) / count,
        wanted - wanted.sum(1, keepdim=True) / count,
        known,
        REACH / config.soft_temperature,
    )


def _mean_error(said: Tensor, wanted: Tensor, known: Tensor, reach: float) -> Tensor:
    """Mean over `known`, bool[B, N], of Huber's error, float32[B]; 0 where none is known."""
    errors = huber_loss(said, wanted, reduction="none", delta=reach).masked_fill(~known, 0.0)
    return errors.sum(1) / known.sum(1).clamp(min=1)
