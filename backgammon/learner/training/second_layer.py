"""The second layer of a network in training, computed on the few units of the first that are not zero.

M candidates, E experts (1 for a dense net), H units of the first layer, W of the second, A units of a candidate that
are above zero: a fifth of H in a trained net.

A rectified unit that is zero adds nothing to the layer above, gets no gradient through its rectification, and gives
none to its weights. So all three products of a dense layer (values, gradient of the units, gradient of the weights)
cost A / H of what matrices cost, and each candidate uses the matrix of its own expert, without sorting candidates by
expert and copying their rows. The twin in the tests is `torch.nn.functional.linear`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backgammon.tools.arrays import Float32s, Int64s
from backgammon.tools.intrinsics import borrow
from backgammon.tools.jit import loose_kernel

_BLOCK = 4
"""Candidates that are computed together."""


@loose_kernel
def _block_size(codes: Int64s, first: int) -> int:
    """How many of the candidates from `first` on, _BLOCK at most, have the same expert."""
    size = 1
    while size < _BLOCK and first + size < codes.shape[0] and codes[first + size] == codes[first]:
        size += 1
    return size


@loose_kernel
def _find_active(a: Float32s, b: Float32s, c: Float32s, d: Float32s, active: Int64s) -> int:
    """Write the units that are above zero in any of four candidates into active[H + 2]; gives their number."""
    num_active = 0
    for k in range(a.shape[0]):
        active[num_active] = k  # written always, kept if it counts: a branch would be guessed wrong too often
        num_active += (a[k] > 0) | (b[k] > 0) | (c[k] > 0) | (d[k] > 0)
    return num_active


@loose_kernel
def _sum_units(units: Float32s, codes: Int64s, weight: Float32s, places: Int64s, bias: Float32s, out: Float32s) -> None:
    """Write the rectified layer into out[M, W], for units[M, H], weight[E * H, W] and the rows places[M] of bias."""
    num_units = units.shape[1]
    width = bias.shape[1]
    matrix = borrow(weight)
    inputs = borrow(units)
    active = np.empty(num_units + 2, dtype=np.int64)
    nothing = np.zeros(num_units, dtype=np.float32)
    totals = np.empty((_BLOCK, width), dtype=np.float32)
    total_a, total_b, total_c, total_d = totals[0], totals[1], totals[2], totals[3]
    m = 0
    while m < units.shape[0]:
        size = _block_size(codes, m)
        a = inputs[m]
        b = inputs[m + 1] if size > 1 else nothing
        c = inputs[m + 2] if size > 2 else nothing
        d = inputs[m + 3] if size > 3 else nothing
        first = codes[m] * num_units
        num_active = _find_active(a, b, c, d, active)
        if num_active % 2:
            active[num_active] = active[num_active - 1]  # an even number; the doubled one is taken off below
        for r in range(size):
            totals[r, :] = bias[places[m + r]]
        for i in range(0, num_active, 2):
            k = active[i]
            n = active[i + 1]
            share = np.float32(1.0) if n != k else np.float32(0.0)
            row_k = matrix[first + k]
            row_n = matrix[first + n]
            a_k, b_k, c_k, d_k = a[k], b[k], c[k], d[k]
            a_n, b_n, c_n, d_n = share * a[n], share * b[n], share * c[n], share * d[n]
            for j in range(width):
                total_a[j] += a_k * row_k[j] + a_n * row_n[j]
                total_b[j] += b_k * row_k[j] + b_n * row_n[j]
                total_c[j] += c_k * row_k[j] + c_n * row_n[j]
                total_d[j] += d_k * row_k[j] + d_n * row_n[j]
        for r in range(size):
            for j in range(width):
                out[m + r, j] = max(totals[r, j], np.float32(0.0))
        m += size


@loose_kernel
def _spread_gradient(
    units: Float32s,
    codes: Int64s,
    weight: Float32s,
    places: Int64s,
    out: Float32s,
    gradient: Float32s,
    unit_gradient: Float32s,
    weight_gradient: Float32s,
    bias_gradient: Float32s,
) -> None:
    """The gradients of `_sum_units`: of the units into unit_gradient[M, H], the others added to what is there."""
    num_units = units.shape[1]
    width = out.shape[1]
    matrix = borrow(weight)
    matrix_gradient = borrow(weight_gradient)
    inputs = borrow(units)
    active = np.empty(num_units + 2, dtype=np.int64)
    nothing = np.zeros(num_units, dtype=np.float32)
    slopes = np.empty((_BLOCK, width), dtype=np.float32)
    slope_a, slope_b, slope_c, slope_d = slopes[0], slopes[1], slopes[2], slopes[3]
    found = np.empty((_BLOCK, num_units), dtype=np.float32)
    m = 0
    while m < units.shape[0]:
        size = _block_size(codes, m)
        expert = codes[m]
        slopes[:] = np.float32(0.0)
        for r in range(size):
            for j in range(width):
                slopes[r, j] = gradient[m + r, j] if out[m + r, j] > 0 else np.float32(0.0)
                bias_gradient[places[m + r], j] += slopes[r, j]
        a = inputs[m]
        b = inputs[m + 1] if size > 1 else nothing
        c = inputs[m + 2] if size > 2 else nothing
        d = inputs[m + 3] if size > 3 else nothing
        found[:size] = np.float32(0.0)
        for i in range(_find_active(a, b, c, d, active)):
            k = active[i]
            row = matrix[expert * num_units + k]
            row_gradient = matrix_gradient[expert * num_units + k]
            unit_a, unit_b, unit_c, unit_d = a[k], b[k], c[k], d[k]
            sum_a = sum_b = sum_c = sum_d = np.float32(0.0)
            for j in range(width):
                sum_a += slope_a[j] * row[j]
                sum_b += slope_b[j] * row[j]
                sum_c += slope_c[j] * row[j]
                sum_d += slope_d[j] * row[j]
                row_gradient[j] += unit_a * slope_a[j] + unit_b * slope_b[j] + unit_c * slope_c[j] + unit_d * slope_d[j]
            found[0, k] = sum_a
            found[1, k] = sum_b
            found[2, k] = sum_c
            found[3, k] = sum_d
        for r in range(size):
            for k in range(num_units):
                unit_gradient[m + r, k] = found[r, k] if units[m + r, k] > 0 else np.float32(0.0)
        m += size


class _SecondLayer(torch.autograd.Function):
    """Units [M, H], weight [E, W, H] and bias [E, W] to the rectified layer float32[M, W] of each one's expert."""

    @staticmethod
    def forward(ctx: Any, units: Tensor, codes: Int64s, weight: Tensor, places: Int64s, bias: Tensor) -> Tensor:
        """The layer's units."""
        num_experts, width, num_units = weight.shape
        transposed = weight.detach().transpose(1, 2).contiguous().view(num_experts * num_units, width)
        out = torch.empty((len(units), width))
        _sum_units(units.detach().numpy(), codes, transposed.numpy(), places, bias.detach().numpy(), out.numpy())
        ctx.save_for_backward(units, transposed, out)
        ctx.codes, ctx.shape, ctx.places, ctx.num_places = codes, weight.shape, places, len(bias)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, Tensor, None, Tensor]:
        """Gradients of units, weight and bias."""
        units, transposed, out = ctx.saved_tensors
        num_experts, width, num_units = ctx.shape
        unit_gradient = torch.empty_like(units)
        weight_gradient = torch.zeros_like(transposed)
        bias_gradient = torch.zeros((ctx.num_places, width))
        _spread_gradient(
            units.numpy(),
            ctx.codes,
            transposed.numpy(),
            ctx.places,
            out.numpy(),
            gradients[0].contiguous().numpy(),
            unit_gradient.numpy(),
            weight_gradient.numpy(),
            bias_gradient.numpy(),
        )
        by_expert = weight_gradient.view(num_experts, num_units, width).transpose(1, 2).contiguous()
        return unit_gradient, None, by_expert, None, bias_gradient


def second_layer(units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None) -> Tensor:
    """relu(weight[code] @ units + bias[code] + shift) for every candidate.

    Args:
        units: float32[M, H], rectified: what is below zero counts as zero.
        codes: int64[M], the expert of each candidate.
        weight: float32[E, W, H].
        bias: float32[E, W].
        shift: float32[M, W]; None for zeros.

    Returns:
        float32[M, W].
    """
    places = codes
    if shift is not None:
        bias, places = bias[torch.from_numpy(codes)] + shift, np.arange(len(codes))
    result: Tensor = _SecondLayer.apply(units.contiguous(), codes, weight, places, bias)  # type: ignore[no-untyped-call]
    return result
