"""The luck of a roll: what the dice gave, measured by an evaluator.

Axis legend: N decisions, 21 rolls.

Luck is the equity after the best play of the roll minus its average over the rolls that could have come. Whatever the
evaluator, its expectation is 0; so a result minus the luck of all rolls has the same mean, and the better the evaluator
the less variance.
"""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.rules.board import swap
from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS
from backgammon.rules.rolls import NUM_ROLLS, expand_rolls
from backgammon.tools.arrays import Boards, Bools, Dice, Float64s, Int64s

_WEIGHTS = np.array(ROLL_PROBABILITIES)
_IS_DOUBLE = np.array([roll.is_double for roll in ROLLS])
_OPENING_WEIGHTS = np.where(_IS_DOUBLE, 0.0, 1.0 / (~_IS_DOUBLE).sum())


def roll_luck(judge: Evaluator, boards: Boards, dice: Dice, is_opening: Bools) -> Float64s:
    """Luck of rolls in cubeless points, for the player who has thrown them.

    Args:
        judge: plays and judges.
        boards: int8[N, 26], the player on roll; games that are not over.
        dice: int8[N, 2].
        is_opening: bool[N], the first roll of a game, which is never a double.

    Returns:
        float64[N].
    """
    positions, rolls = expand_rolls(swap(boards))
    values = equities(judge.play_best(positions, rolls)[1]).astype(np.float64).reshape(-1, NUM_ROLLS)
    weights = np.where(is_opening[:, None], _OPENING_WEIGHTS, _WEIGHTS)
    high, low = dice.max(axis=1).astype(np.int64), dice.min(axis=1).astype(np.int64)
    thrown = values[np.arange(len(values)), roll_numbers(high, low)]
    luck: Float64s = thrown - (weights * values).sum(axis=1)
    return luck


def roll_numbers(high: Int64s, low: Int64s) -> Int64s:
    """Places of rolls in `dice.ROLLS`, from their dice int64[N]."""
    numbers: Int64s = high * (high - 1) // 2 + low - 1
    return numbers
