"""Losses that learn what a play is worth instead of which is better, for `loss=scripts.value_losses:NAME`.

Regression wants targets with a deviation near 1, else the step size that suits the first layers is too small for the
last: the score is the value in units of VALUE_UNIT, a difference in units of DIFFERENCE_UNIT, which are about the
deviations over candidates of self-play. B decisions, N the most alternatives of one of them.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import huber_loss

from comparison_net.config import TrainConfig

VALUE_UNIT, DIFFERENCE_UNIT = 0.5, 0.15
"""Points."""
REACH = 0.1
"""Points beyond which an error counts linearly: a few hopeless candidates would outweigh all others."""


def value_loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Regression: mean over the alternatives of known value of Huber's error, float32[B].

    Args:
        scores: float32[B, N].
        mask: bool[B, N].
        chosen: int64[B], not read.
        values: float32[B, N], NaN where unknown, anything on padding.
        config: not read.
    """
    known = mask & ~values.isnan()
    return _mean_error(scores, values.masked_fill(~known, 0.0) / VALUE_UNIT, known, REACH / VALUE_UNIT)


def difference_loss(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Regression of what tells the alternatives of a decision apart: both sides less their means; as `value_loss`."""
    known = mask & ~values.isnan()
    wanted = _less_mean(values.masked_fill(~known, 0.0) / DIFFERENCE_UNIT, known)
    return _mean_error(_less_mean(scores, known), wanted, known, REACH / DIFFERENCE_UNIT)


def _less_mean(numbers: Tensor, known: Tensor) -> Tensor:
    """Numbers float32[B, N] less the mean of those that are `known`, bool[B, N], in each row."""
    count = known.sum(1, keepdim=True).clamp(min=1)
    return numbers - numbers.masked_fill(~known, 0.0).sum(1, keepdim=True) / count


def _mean_error(said: Tensor, wanted: Tensor, known: Tensor, reach: float) -> Tensor:
    """Mean over `known`, bool[B, N], of Huber's error, float32[B]; 0 where none is known."""
    errors = huber_loss(said, wanted, reduction="none", delta=reach).masked_fill(~known, 0.0)
    return errors.sum(1) / known.sum(1).clamp(min=1)
