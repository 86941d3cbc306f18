"""Soft MoE (Puigcerver et al., ICLR 2024): every slot is a mean of all tokens, every result a mean of all slots.

Axes as in `algebra`; an expert has c slots. Logits of token i and slot j are the scalar product of the two directions,
times one learned scale: without the normalisation both softmaxes become nearly one-hot as d grows.

    D = softmax over the tokens (each slot's weights sum to 1)
    B = softmax over all n c slots (each token's weights sum to 1)
"""

from __future__ import annotations

import torch
from torch import Tensor

from comparison_net.comparator import Metrics
from comparison_net.moe.algebra import SoftRouting, entropy

NORM_EPSILON = 1e-6


def soft_logits(tokens: Tensor, slots: Tensor, scale: Tensor) -> Tensor:
    """Logits float32[G, m, n, c].

    Args:
        tokens: float32[G, m, d].
        slots: float32[n, c, d], the learned slot directions.
        scale: one number.
    """
    flat = slots.reshape(-1, slots.shape[-1])
    logits = unit_rows(tokens) @ (scale * unit_rows(flat)).T
    return logits.reshape(*tokens.shape[:2], *slots.shape[:2])


def unit_rows(rows: Tensor) -> Tensor:
    """Rows of length 1: each divided by the root of its summed squares plus a little."""
    return rows * torch.rsqrt((rows * rows).sum(-1, keepdim=True) + NORM_EPSILON)


def soft_routing(logits: Tensor) -> SoftRouting:
    """Dispatch and combine from logits float32[G, m, n, c]."""
    dispatch = torch.softmax(logits, 1)
    combine = torch.softmax(logits.flatten(2), 2).reshape(logits.shape)
    with torch.no_grad():
        by_expert = combine.sum(3)
        load = by_expert.mean((0, 1))
        metrics = Metrics(load / load.sum(), torch.zeros(()), entropy(by_expert))
    return SoftRouting(dispatch, combine, metrics)
