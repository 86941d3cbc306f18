"""Luck: what a roll was worth more than the average roll, both with the best play. The one definition of the project.

Axis legend: N decisions, 21 rolls in the order of `dice.ROLLS`.

    luck of a roll = value after its best play - mean of that value over the 21 rolls, weighted by their chances

Values are those of the evaluator alone (0-ply). The opening roll, which is never a double, also decides who starts: its
mean runs over both players' rolls, as in GNU Backgammon. Whatever the evaluator, the expectation of luck is 0; so a
result minus the luck of all rolls has the same mean, and the better the evaluator the less variance.

`roll_luck` counts cubeless points, `roll_luck_at_stakes` the values of the score and the cube.
"""

from __future__ import annotations

import numpy as np

from backgammon.cube.valuation import Valuation
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.rules.board import swap
from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS
from backgammon.rules.rolls import NUM_ROLLS, expand_rolls
from backgammon.search.cubeful import CubefulSearcher
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
        is_opening: bool[N], the first roll of a game, which also says who starts.

    Returns:
        float64[N].
    """

    def values_of(asked: Boards) -> Float64s:
        positions, rolls = expand_rolls(swap(asked))
        return equities(judge.play_best(positions, rolls)[1]).astype(np.float64).reshape(-1, NUM_ROLLS)

    values = values_of(boards)
    # without a score the other player, if it had started, would have as much: the two cancel
    return _beyond_average(values, -values[is_opening], dice, is_opening)


def roll_luck_at_stakes(
    searcher: CubefulSearcher, boards: Boards, dice: Dice, is_opening: Bools, valuation: Valuation
) -> Float64s:
    """Luck of rolls in native values, cubeful: points per unit of the cube in money play, else chances of the match.

    Args:
        searcher: its source judges.
        boards: int8[N, 26], the player on roll, which has not doubled; games that are not over.
        dice: int8[N, 2].
        is_opening: bool[N], the first roll of a game, which also says who starts.
        valuation: at the stakes of the player on roll, the same for all.

    Returns:
        float64[N].
    """
    values = searcher.judge_each_roll(boards, valuation)
    theirs = np.empty((0, NUM_ROLLS))
    if is_opening.any():
        other = Valuation(valuation.stakes.swapped(), valuation.table)
        found = searcher.judge_each_roll(boards[is_opening], other)
        theirs = 1.0 - found if valuation.stakes.is_match else -found
    return _beyond_average(values, theirs, dice, is_opening)


def _beyond_average(values: Float64s, others: Float64s, dice: Dice, is_opening: Bools) -> Float64s:
    """What the rolls thrown were worth more than the average.

    Args:
        values: float64[N, 21] of the rolls, for the player on roll.
        others: float64[openings, 21], for the same player, had the opponent started with these rolls.
        dice: int8[N, 2] thrown.
        is_opening: bool[N].
    """
    # row by row: the last bits of a matrix product depend on how many rolls are looked at together
    average: Float64s = (values * _WEIGHTS).sum(axis=1)
    opening = (values[is_opening] * _OPENING_WEIGHTS).sum(axis=1) + (others * _OPENING_WEIGHTS).sum(axis=1)
    average[is_opening] = opening / 2
    high, low = dice.max(axis=1).astype(np.int64), dice.min(axis=1).astype(np.int64)
    luck: Float64s = values[np.arange(len(values)), roll_numbers(high, low)] - average
    return luck


def roll_numbers(high: Int64s, low: Int64s) -> Int64s:
    """Places of rolls in `dice.ROLLS`, from their dice int64[N]."""
    numbers: Int64s = high * (high - 1) // 2 + low - 1
    return numbers
