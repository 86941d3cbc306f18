"""The first layer of a network in training, computed on positions instead of on features.

B decisions, M candidates of all of them, F features, H units of the layer, R = 26 * 31 rows, one for each (location,
count).

The features are sums over locations (see `features`), so a layer W x + b is a sum of rows of the table W TABLE, and a
candidate differs from the position before the play in a few locations: its sum is the parent's plus a few rows. The
gradient goes the same way back. A few thousand additions for a candidate replace the 65,000 multiplications (and as
many again for the gradient) of a dense layer of 256 units, and no row of features is ever written. The dense layer is
the twin in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backgammon.learner.inputs.features import BASE, COLUMNS, NUM_COUNTS, ROW_STARTS, VALUES
from backgammon.learner.inputs.patterns import MAX_PATTERNS, change_patterns, list_patterns
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Float32s, Int16s, Int32s, Offsets
from backgammon.tools.jit import kernel
from comparison_net.choices import ChoiceSets
from comparison_net.encoders import FirstLayer


@kernel
def _fold(weight: Float32s, row_starts: Int32s, columns: Int16s, values: Float32s, table: Float32s) -> None:
    """table[R, H] = TABLE @ weight for weight[F, H], TABLE in compressed rows."""
    for r in range(table.shape[0]):
        row = table[r]
        row[:] = np.float32(0.0)
        for k in range(row_starts[r], row_starts[r + 1]):
            value = values[k]
            source = weight[columns[k]]
            for j in range(row.shape[0]):
                row[j] += value * source[j]


@kernel
def _unfold(
    gradient: Float32s, row_starts: Int32s, columns: Int16s, values: Float32s, weight_gradient: Float32s
) -> None:
    """Add TABLE.T @ gradient to weight_gradient[F, H], for gradient[R, H]."""
    for r in range(gradient.shape[0]):
        row = gradient[r]
        for k in range(row_starts[r], row_starts[r + 1]):
            value = values[k]
            target = weight_gradient[columns[k]]
            for j in range(row.shape[0]):
                target[j] += value * row[j]


@kernel
def _sum_rows(
    boards: Boards,
    candidates: Boards,
    offsets: Offsets,
    table: Float32s,
    base: Float32s,
    patterns: Float32s,
    is_rectified: bool,
    out: Float32s,
) -> None:
    """The layer of every candidate into out[M, H]: parent's sum, then the rows that differ.

    Args:
        boards: int8[B, 26].
        candidates: int8[M, 26].
        offsets: int64[B + 1].
        table: float32[R, H].
        base: float32[H].
        patterns: float32[P, H], or float32[0, H] for a layer without them.
        is_rectified: as it says.
        out: float32[M, H].
    """
    width = base.shape[0]
    parent = np.empty(width, dtype=np.float32)
    has_patterns = patterns.shape[0] > 0
    all_boards = boards.reshape(-1)
    all_candidates = candidates.reshape(-1)
    lists = np.empty((4, MAX_PATTERNS), dtype=np.int32)
    before, after, removed, added = lists[0], lists[1], lists[2], lists[3]
    num_before = 0
    for d in range(boards.shape[0]):
        board = boards[d]
        parent[:] = base
        for location in range(26):
            row = table[location * 31 + board[location] + 15]
            for j in range(width):
                parent[j] += row[j]
        if has_patterns:
            num_before = list_patterns(all_boards, d * 26, before)
            for k in range(num_before):
                row = patterns[before[k]]
                for j in range(width):
                    parent[j] += row[j]
        for m in range(offsets[d], offsets[d + 1]):
            units = out[m]
            units[:] = parent
            for location in range(26):
                count = candidates[m, location]
                if count != board[location]:
                    old = table[location * 31 + board[location] + 15]
                    new = table[location * 31 + count + 15]
                    for j in range(width):
                        units[j] += new[j] - old[j]
            if has_patterns:
                num_after = list_patterns(all_candidates, m * 26, after)
                num_removed, num_added = change_patterns(before, num_before, after, num_after, removed, added)
                for k in range(num_removed):
                    row = patterns[removed[k]]
                    for j in range(width):
                        units[j] -= row[j]
                for k in range(num_added):
                    row = patterns[added[k]]
                    for j in range(width):
                        units[j] += row[j]
            if is_rectified:
                for j in range(width):
                    units[j] = max(units[j], np.float32(0.0))


@kernel
def _scatter_rows(
    boards: Boards,
    candidates: Boards,
    offsets: Offsets,
    units: Float32s,
    gradient: Float32s,
    is_rectified: bool,
    pull: np.float32,
    table_gradient: Float32s,
    base_gradient: Float32s,
    pattern_gradient: Float32s,
) -> None:
    """Add the gradient of `_sum_rows` with regard to table, base and patterns, given that of its output[M, H].

    `pull` is added to the gradient of every rectified unit that is above 0. The walk over rows is that of `_sum_rows`,
    written again with slopes in the place of sums, for it goes on while the lists of patterns are in cache.
    """
    width = base_gradient.shape[0]
    total = np.empty(width, dtype=np.float32)
    slope = np.empty(width, dtype=np.float32)
    has_patterns = pattern_gradient.shape[0] > 0
    all_boards = boards.reshape(-1)
    all_candidates = candidates.reshape(-1)
    lists = np.empty((4, MAX_PATTERNS), dtype=np.int32)
    before, after, removed, added = lists[0], lists[1], lists[2], lists[3]
    num_before = 0
    for d in range(boards.shape[0]):
        board = boards[d]
        total[:] = np.float32(0.0)
        if has_patterns:
            num_before = list_patterns(all_boards, d * 26, before)
        for m in range(offsets[d], offsets[d + 1]):
            for j in range(width):
                slope[j] = gradient[m, j] + pull if units[m, j] > 0 or not is_rectified else np.float32(0.0)
                total[j] += slope[j]
            for location in range(26):
                count = candidates[m, location]
                if count != board[location]:
                    old = table_gradient[location * 31 + board[location] + 15]
                    new = table_gradient[location * 31 + count + 15]
                    for j in range(width):
                        new[j] += slope[j]
                        old[j] -= slope[j]
            if has_patterns:
                num_after = list_patterns(all_candidates, m * 26, after)
                num_removed, num_added = change_patterns(before, num_before, after, num_after, removed, added)
                for k in range(num_removed):
                    row = pattern_gradient[removed[k]]
                    for j in range(width):
                        row[j] -= slope[j]
                for k in range(num_added):
                    row = pattern_gradient[added[k]]
                    for j in range(width):
                        row[j] += slope[j]
        for location in range(26):
            row = table_gradient[location * 31 + board[location] + 15]
            for j in range(width):
                row[j] += total[j]
        for k in range(num_before):
            row = pattern_gradient[before[k]]
            for j in range(width):
                row[j] += total[j]
        for j in range(width):
            base_gradient[j] += total[j]


class _FirstLayer(torch.autograd.Function):
    """Weight [H, F], bias [H] (or None) and patterns [P, H] (or None) to the layer float32[M, H] of a batch."""

    @staticmethod
    def forward(
        ctx: Any,
        weight: Tensor,
        bias: Tensor | None,
        patterns: Tensor | None,
        batch: ChoiceSets,
        is_rectified: bool,
        pull: float,
    ) -> Tensor:
        """The layer's units; in the gradient each candidate counts `pull` times the sum of its units as a loss."""
        transposed = weight.detach().t().contiguous().numpy()
        width = transposed.shape[1]
        table = np.empty((NUM_LOCATIONS * NUM_COUNTS, width), dtype=np.float32)
        _fold(transposed, ROW_STARTS, COLUMNS, VALUES, table)
        base = BASE @ transposed
        if bias is not None:
            base = base + bias.detach().numpy()
        rows = np.empty((0, width), dtype=np.float32) if patterns is None else patterns.detach().numpy()
        units = torch.empty((batch.num_items, width))
        _sum_rows(batch.context, batch.items, batch.offsets, table, base, rows, is_rectified, units.numpy())
        ctx.save_for_backward(units)
        ctx.batch, ctx.is_rectified, ctx.has_bias, ctx.num_patterns = batch, is_rectified, bias is not None, len(rows)
        ctx.pull = pull
        return units

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None, None, None]:
        """Gradients of weight, bias and patterns."""
        (units,) = ctx.saved_tensors
        batch: ChoiceSets = ctx.batch
        slopes = gradients[0].contiguous()
        width = units.shape[1]
        table = np.zeros((NUM_LOCATIONS * NUM_COUNTS, width), dtype=np.float32)
        base = np.zeros(width, dtype=np.float32)
        rows = np.zeros((ctx.num_patterns, width), dtype=np.float32)
        _scatter_rows(
            batch.context,
            batch.items,
            batch.offsets,
            units.numpy(),
            slopes.numpy(),
            ctx.is_rectified,
            np.float32(ctx.pull),
            table,
            base,
            rows,
        )
        weight = BASE[:, None] * base
        _unfold(table, ROW_STARTS, COLUMNS, VALUES, weight)
        return (
            torch.from_numpy(weight).t().contiguous(),
            torch.from_numpy(base) if ctx.has_bias else None,
            torch.from_numpy(rows) if ctx.num_patterns else None,
            None,
            None,
            None,
        )


def first_layer(sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
    """Units float32[M, H] of the candidates of a batch, without writing their features; see `Encoder.first_layer`."""
    units: Tensor = _FirstLayer.apply(*layer, sets, is_rectified, pull)  # type: ignore[no-untyped-call]
    return units
