"""A folded net's score straight from the definition: features by name, matrices, rectified units. Slow and obvious."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.outcome import final_outcomes
from backgammon.learner.inputs.features import BASE, TABLE
from backgammon.tools.arrays import Boards, Float32s, Float64s, Int8s
from tests.naive.outcome import possible_outcomes

Layers = list[tuple[Float64s, Float64s]]
"""Hidden layers in order: (weight [out, in], bias [out]); float64."""


def features(board: Int8s) -> Float64s:
    """Features of one board: the base and one table row for each location."""
    total = BASE.astype(np.float64)
    for location in range(26):
        total = total + TABLE[location, int(board[location]) + 15]
    return total


def score(board: Int8s, layers: Layers, output: Float64s) -> float:
    """f(board): rectified hidden layers, then a weighted sum."""
    units = features(board)
    for weight, bias in layers:
        units = np.maximum(weight @ units + bias, 0.0)
    return float(output @ units)


def outcomes(board: Int8s, layers: Layers, weight: Float64s, bias: Float64s) -> Float64s:
    """Six chances: rectified hidden layers, six logits, softmax over those that the rules allow."""
    units = features(board)
    for layer_weight, layer_bias in layers:
        units = np.maximum(layer_weight @ units + layer_bias, 0.0)
    logits = weight @ units + bias
    is_over, final = final_outcomes(board[None])
    if is_over[0]:
        certain: Float64s = final[0].astype(np.float64)
        return certain
    powers = np.where(possible_outcomes(board), np.exp(logits), 0.0)
    chances: Float64s = powers / powers.sum()
    return chances


def proposals_of(scores: Float32s, candidates: Boards, within: float) -> Int8s:
    """The three best within a distance of the best, or a play that wins; sorted and cut."""
    ranked = sorted(range(len(scores)), key=lambda row: -float(scores[row]))
    winning = [row for row in range(len(scores)) if (candidates[row] <= 0).all()]
    near = [row for row in ranked if scores[row] >= scores[ranked[0]] - np.float32(within)]
    return candidates[winning[:1] or near[:3]]
