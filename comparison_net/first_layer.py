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
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backgammon.board import NUM_LOCATIONS, Board
from backgammon.evaluation.outcome import OUTCOMES
from backgammon.jit import kernel
from comparison_net.comparisons import Comparisons
from comparison_net.features import BASE, COLUMNS, NUM_COUNTS, ROW_STARTS, VALUES, Rows
from comparison_net.moe.mixed import Mixed, MixtureNet, TrainingDraw
from comparison_net.network import CandidateNet, ComparisonNet
from comparison_net.outcome_mask import allowed_outcomes

Starts = npt.NDArray[np.int32]
Columns = npt.NDArray[np.int16]
Offsets = npt.NDArray[np.int64]


@kernel
def _fold(weight: Rows, row_starts: Starts, columns: Columns, values: Rows, table: Rows) -> None:
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
def _unfold(gradient: Rows, row_starts: Starts, columns: Columns, values: Rows, weight_gradient: Rows) -> None:
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
    boards: Board, candidates: Board, offsets: Offsets, table: Rows, base: Rows, is_rectified: bool, out: Rows
) -> None:
    """The layer of every candidate into out[M, H]: parent's sum, then the rows of the locations that differ."""
    width = base.shape[0]
    parent = np.empty(width, dtype=np.float32)
    for d in range(boards.shape[0]):
        board = boards[d]
        parent[:] = base
        for location in range(26):
            row = table[location * 31 + board[location] + 15]
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
            if is_rectified:
                for j in range(width):
                    units[j] = max(units[j], np.float32(0.0))


@kernel
def _scatter_rows(
    boards: Board,
    candidates: Board,
    offsets: Offsets,
    units: Rows,
    gradient: Rows,
    is_rectified: bool,
    table_gradient: Rows,
    base_gradient: Rows,
) -> None:
    """Add the gradient of `_sum_rows` with regard to table and base, given gradient[M, H] with regard to its output."""
    width = base_gradient.shape[0]
    total = np.empty(width, dtype=np.float32)
    slope = np.empty(width, dtype=np.float32)
    for d in range(boards.shape[0]):
        board = boards[d]
        total[:] = np.float32(0.0)
        for m in range(offsets[d], offsets[d + 1]):
            for j in range(width):
                slope[j] = gradient[m, j] if units[m, j] > 0 or not is_rectified else np.float32(0.0)
                total[j] += slope[j]
            for location in range(26):
                count = candidates[m, location]
                if count != board[location]:
                    old = table_gradient[location * 31 + board[location] + 15]
                    new = table_gradient[location * 31 + count + 15]
                    for j in range(width):
                        new[j] += slope[j]
                        old[j] -= slope[j]
        for location in range(26):
            row = table_gradient[location * 31 + board[location] + 15]
            for j in range(width):
                row[j] += total[j]
        for j in range(width):
            base_gradient[j] += total[j]


class _FirstLayer(torch.autograd.Function):
    """Weight [H, F] and bias [H] (or None) to the layer float32[M, H] of a batch, rectified or not."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor | None, batch: Comparisons, is_rectified: bool) -> Tensor:
        """The layer's units."""
        transposed = weight.detach().t().contiguous().numpy()
        width = transposed.shape[1]
        table = np.empty((NUM_LOCATIONS * NUM_COUNTS, width), dtype=np.float32)
        _fold(transposed, ROW_STARTS, COLUMNS, VALUES, table)
        base = BASE @ transposed
        if bias is not None:
            base = base + bias.detach().numpy()
        units = torch.empty((len(batch.candidates), width))
        _sum_rows(batch.boards, batch.candidates, batch.offsets, table, base, is_rectified, units.numpy())
        ctx.save_for_backward(units)
        ctx.batch, ctx.is_rectified, ctx.has_bias = batch, is_rectified, bias is not None
        return units

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        """Gradients of weight and bias."""
        (units,) = ctx.saved_tensors
        batch: Comparisons = ctx.batch
        slopes = gradients[0].contiguous()
        width = units.shape[1]
        table = np.zeros((NUM_LOCATIONS * NUM_COUNTS, width), dtype=np.float32)
        base = np.zeros(width, dtype=np.float32)
        _scatter_rows(
            batch.boards, batch.candidates, batch.offsets, units.numpy(), slopes.numpy(), ctx.is_rectified, table, base
        )
        weight = BASE[:, None] * base
        _unfold(table, ROW_STARTS, COLUMNS, VALUES, weight)
        return torch.from_numpy(weight).t().contiguous(), torch.from_numpy(base) if ctx.has_bias else None, None, None


def mixture_outputs(net: MixtureNet, batch: Comparisons, draw: TrainingDraw | None = None) -> Mixed:
    """What a mixture says of the candidates of a batch; `draw` in training only."""
    first = net.first_layer
    hidden: Tensor = _FirstLayer.apply(first.weight, first.bias, batch, True)  # type: ignore[no-untyped-call]
    mixed: Mixed = net(hidden, batch.candidates, draw)
    return mixed


def candidate_outputs(
    net: CandidateNet, batch: Comparisons, rows: Tensor | None = None
) -> tuple[Tensor | None, Tensor | None]:
    """What the heads of `net` give for the candidates of a batch, without writing their features.

    Args:
        net: the network.
        batch: its candidates.
        rows: int64[R], candidates whose outcomes are wanted; None for all.

    Returns:
        Scores float32[M] (None where they come from the equity); logits float32[R, 6] of the outcomes (None without).
    """
    if isinstance(net, MixtureNet):
        mixed = mixture_outputs(net, batch)
        return mixed.scores, mixed.outcomes if mixed.outcomes is None or rows is None else mixed.outcomes[rows]
    assert isinstance(net, ComparisonNet)
    head = net.head
    if not net.trunk.layers:
        return _linear_outputs(net, batch, rows)
    first = net.trunk.layers[0]
    units: Tensor = _FirstLayer.apply(first.weight, first.bias, batch, True)  # type: ignore[no-untyped-call]
    hidden = net.trunk.upper(units)
    return head.scores(hidden), head.logits(hidden if rows is None else hidden[rows])


def _linear_outputs(net: ComparisonNet, batch: Comparisons, rows: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """`candidate_outputs` of a network without hidden layers: its heads, stacked, are the first layer."""
    score, outcome = net.head.score, net.head.outcome
    if outcome is None:
        assert score is not None
        units: Tensor = _FirstLayer.apply(score.weight, None, batch, False)  # type: ignore[no-untyped-call]
        return units.squeeze(-1), None
    weights = [outcome.weight] if score is None else [outcome.weight, score.weight]
    weight = torch.cat(weights)
    bias = torch.cat([outcome.bias, torch.zeros(len(weights) - 1)])
    units = _FirstLayer.apply(weight, bias, batch, False)  # type: ignore[no-untyped-call]
    logits = units[:, : len(OUTCOMES)]
    return None if score is None else units[:, -1], logits if rows is None else logits[rows]


def candidate_scores(net: CandidateNet, batch: Comparisons) -> Tensor:
    """Scores float32[M] of every candidate of a batch: `net` on its features, without writing the features."""
    scores, logits = candidate_outputs(net, batch)
    possible = torch.from_numpy(allowed_outcomes(batch.candidates)) if net.ranks_by_equity else None
    return net.head.final_scores(scores, logits, possible)
