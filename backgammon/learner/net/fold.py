"""A trained net laid out for play: the first layer as rows of fixed point, the hidden layers as panels.

Axis legend: H width of the first layer, padded with zeros to a multiple of ROW_UNIT; K and W widths of a hidden layer's
input and output, those above the first padded to a multiple of LANES; E experts (sub-networks), P patterns.

The input coding is additive over the 26 locations (see `features`), so the first layer is a sum of one table row for
each (location, count). The table holds the differences between neighbouring counts, so a moved checker adds one row
and takes one away.

The first layer is summed in fixed point: rows of int16, sums of int32, with a power of two for each unit's scale that
leaves no row and no sum room to overflow. Such sums are exact, so a score does not depend on the way it was reached.
What int16 rounds away is about 1e-5 points of equity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.learner.inputs.patterns import MAX_PATTERNS, NUM_PATTERNS
from backgammon.tools.arrays import Float32s, Float64s, Int16s, Int32s, Offsets
from backgammon.tools.intrinsics import LANES, ROW_UNIT

NUM_COUNTS = 31
"""Counts -15..15 of a location; a row of steps is location * NUM_COUNTS + count + 15."""
FEW = 2
"""Counts to either side that have a row of their own; more of them are rare, and are steps from there."""
NUM_FEW = 2 * FEW + 1
NUM_OUTCOMES = 6
SCORE = NUM_OUTCOMES
"""Lane of the score among the heads; the outcomes stand before it."""
LOWEST = np.float32(-np.inf)
_MAX_SCALE_BITS = 24


class Expert(NamedTuple):
    """What one expert adds to the first layer that all share.

    Attributes:
        layers: hidden layers after the first: (weight float32[W, K], bias float32[W]) as torch keeps them.
        score: float32[last W] and a bias, which counts between candidates of different experts; None when the equity
            alone is the score.
        outcome: float32[6, last W] and float32[6], the logits of the outcomes; None without them.
    """

    layers: list[tuple[Float32s, Float32s]]
    score: tuple[Float32s, float] | None
    outcome: tuple[Float32s, Float32s] | None


class FoldedNet(NamedTuple):
    """A net as the kernels read it; every array flat and contiguous.

    Attributes:
        rows: int16[(26 * (31 + 5) + P) * H], the first layer in fixed point, row-major: by (location, count) what
            count + 1 adds to count, zero at count 15; then by (location, count) the layer itself for counts from -2 to
            2; then what the patterns add, if the net has any.
        patterns_at: where the rows of the patterns begin; 0 when the net has none.
        base: int32[H], first layer of the empty board, bias included.
        floor: 0 for rectified units, -inf when the first layer is the output (a linear net).
        widths: int64[1 + L], H and the padded widths of the L further hidden layers.
        numbers: float32, for one expert after the other: each layer's matrix in panels of LANES outputs
            [W / LANES, K, LANES] and its bias [W]; the last layer, of LANES, is that of the heads: the logits of the
            six outcomes, then the score, then nothing. The first of the matrices takes the units of the fixed point.
        num_experts: 1, or one for each code of `phase.PHASES`, or for each pair of them.
        own_step: what the phase of a candidate counts in the number of its expert: 0 or 1.
        before_step: what the phase of the position before the play counts: 0, 1 or the number of phases.
        context: float32[(H + 1) * W], laid out as the layers are, with biases of 0: what the first layer of the
            position before the play adds to the second layer of the score; empty for a net without.
        ranks_by_equity: the equity of the outcomes times `score_scale` is added to the score.
        score_scale: what a point of equity is worth in the score; 0 where it does not count.
        has_outcomes: the heads of the outcomes are there.
    """

    rows: Int16s
    patterns_at: int
    base: Int32s
    floor: np.float32
    widths: Offsets
    numbers: Float32s
    num_experts: int
    own_step: int
    before_step: int
    context: Float32s
    ranks_by_equity: bool
    score_scale: np.float32
    has_outcomes: bool


class Decision(NamedTuple):
    """What a net takes from the position before the play.

    Attributes:
        own_step: see `FoldedNet`; None for what goes with the number of experts.
        before_step: see `FoldedNet`.
        context: float32[W, H'] as torch keeps it; None without.
    """

    own_step: int | None = None
    before_step: int = 0
    context: Float32s | None = None


NOTHING = Decision()


def fold_net(
    table: Float64s,
    base: Float64s,
    experts: list[Expert],
    is_linear: bool = False,
    score_scale: float = 0.0,
    patterns: Float32s | None = None,
    decision: Decision = NOTHING,
) -> FoldedNet:
    """Lay a net out for the kernels.

    Args:
        table: float64[26, 31, H'], first layer by (location, count); the row of an empty location must be zero.
        base: float64[H'].
        experts: one, or one for each phase code; all of one shape.
        is_linear: the first layer is not followed by rectification, nor by hidden layers.
        score_scale: see `FoldedNet`.
        patterns: float32[NUM_PATTERNS, H'], what each pattern adds to the first layer; not for a linear net.
        decision: what the net takes from the position before the play.

    Returns:
        The net with its widths padded, see the head of this file.
    """
    if is_linear:
        table, base, experts = _in_two_parts(table, base, experts)
    widths = [_padded(table.shape[2], ROW_UNIT), *(_padded(len(bias), LANES) for _, bias in experts[0].layers)]
    bits = scale_bits(table, base, patterns)
    whole = np.zeros((26, NUM_COUNTS, widths[0]), dtype=np.int32)
    whole[:, :, : table.shape[2]] = np.rint(np.ldexp(table, bits))
    steps = np.zeros(whole.shape, dtype=np.int16)
    steps[:, :-1] = np.diff(whole, axis=1)
    few = whole[:, 15 - FEW : 16 + FEW].astype(np.int16)
    parts = [steps.ravel(), few.ravel()]
    patterns_at = 0
    if patterns is not None:
        padded = np.zeros((NUM_PATTERNS, widths[0]), dtype=np.int16)
        # A product with a power of two is what ldexp gives, and faster: this is a part of every start.
        scaled = patterns * np.ldexp(np.float32(1), bits)
        padded[:, : patterns.shape[1]] = np.rint(scaled, out=scaled)
        patterns_at = steps.size + few.size
        parts.append(padded.ravel())
    padded_base = np.zeros(widths[0], dtype=np.int32)
    padded_base[: len(base)] = np.rint(np.ldexp(base, bits))
    units = np.ones(widths[0], dtype=np.float32)
    units[: len(base)] = np.ldexp(np.float32(1), -bits)
    context = np.empty(0, dtype=np.float32)
    if decision.context is not None:
        rows = np.zeros((widths[0], widths[1]), dtype=np.float32)
        rows[: decision.context.shape[1], : decision.context.shape[0]] = decision.context.T
        context = np.concatenate([_panels(rows * units[:, None]), np.zeros(widths[1], dtype=np.float32)])
    return FoldedNet(
        np.concatenate(parts),
        patterns_at,
        padded_base,
        LOWEST if is_linear else np.float32(0),
        np.array(widths, dtype=np.int64),
        np.concatenate([part for expert in experts for part in _expert_numbers(expert, widths, units)]),
        len(experts),
        int(len(experts) > 1) if decision.own_step is None else decision.own_step,
        decision.before_step,
        context,
        score_scale > 0,
        np.float32(score_scale),
        experts[0].outcome is not None,
    )


def scale_bits(table: Float64s, base: Float64s, patterns: Float32s | None = None) -> Int32s:
    """Bits after the point for each unit of the first layer: no row beyond int16, no sum beyond int32; int32[H']."""
    rows = np.concatenate([np.diff(table, axis=1), table[:, 15 - FEW : 16 + FEW]], axis=1)
    row = np.abs(rows).max(axis=(0, 1))
    largest = np.abs(base) + np.abs(table).max(axis=1).sum(axis=0)
    if patterns is not None:
        pattern = np.abs(patterns).max(axis=0)
        row = np.maximum(row, pattern)
        largest = largest + MAX_PATTERNS * pattern
    by_row = 15 - np.ceil(np.log2(np.maximum(row, 1e-9) * (1 + 2.0**-14)))  # rounding moves a difference by 1
    by_sum = 30 - np.ceil(np.log2(np.maximum(largest, 1e-9)))
    bits: Int32s = np.minimum(np.minimum(by_row, by_sum), _MAX_SCALE_BITS).astype(np.int32)
    return bits


def _in_two_parts(table: Float64s, base: Float64s, experts: list[Expert]) -> tuple[Float64s, Float64s, list[Expert]]:
    """A linear net with each unit as two, what int16 holds and the rest: they are few, and so is the room they take."""
    bits = scale_bits(table, base)
    coarse, coarse_base = (np.ldexp(np.rint(np.ldexp(part, bits)), -bits) for part in (table, base))
    doubled = [
        Expert(
            [],
            (np.tile(expert.score[0], 2), expert.score[1]) if expert.score else None,
            (np.tile(expert.outcome[0], (1, 2)), expert.outcome[1]) if expert.outcome else None,
        )
        for expert in experts
    ]
    return (
        np.concatenate([coarse, table - coarse], axis=2),
        np.concatenate([coarse_base, base - coarse_base]),
        doubled,
    )


def _expert_numbers(expert: Expert, widths: list[int], units: Float32s) -> list[Float32s]:
    """The numbers of one expert in the order of `FoldedNet.numbers`; units float32[H] of the first layer's sums."""
    matrices, biases = [], []
    for (weight, bias), num_in, num_out in zip(expert.layers, widths[:-1], widths[1:], strict=True):
        matrix = np.zeros((num_in, num_out), dtype=np.float32)
        matrix[: weight.shape[1], : weight.shape[0]] = weight.T
        matrices.append(matrix)
        biases.append(_pad(bias, num_out))
    heads = np.zeros((widths[-1], LANES), dtype=np.float32)
    head_biases = np.zeros(LANES, dtype=np.float32)
    if expert.outcome is not None:
        weight, bias = expert.outcome
        heads[: weight.shape[1], :NUM_OUTCOMES] = weight.T
        head_biases[:NUM_OUTCOMES] = bias
    if expert.score is not None:
        weight, head_biases[SCORE] = expert.score
        heads[: len(weight), SCORE] = weight
    matrices.append(heads)
    biases.append(head_biases)
    # Rectification commutes with a positive factor, and a power of two rounds nothing: so the matrix that reads the
    # first layer carries its units.
    matrices[0] *= units[:, None]
    return [part for matrix, bias in zip(matrices, biases, strict=True) for part in (_panels(matrix), bias)]


def _panels(matrix: Float32s) -> Float32s:
    """A matrix [K, W] as panels [W / LANES, K, LANES], flat."""
    return np.ascontiguousarray(matrix.reshape(len(matrix), -1, LANES).transpose(1, 0, 2)).ravel()


def _padded(width: int, unit: int) -> int:
    return -(-width // unit) * unit


def _pad(values: npt.NDArray[np.floating], width: int) -> Float32s:
    out = np.zeros(width, dtype=np.float32)
    out[: len(values)] = values
    return out
