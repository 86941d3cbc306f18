"""The rolls of many positions at once, and equal positions merged: what would cost more in numpy than the judging.

Axis legend: M positions after a play, U different rows, 21 rolls in the order of `dice.ROLLS`, 6 outcomes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backgammon.rules.dice import ROLLS
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int8s, Int64s
from backgammon.tools.jit import DISABLED, kernel
from backgammon.tools.stream import throw_dice

NUM_ROLLS = len(ROLLS)
_DICE = np.array(ROLLS, dtype=np.int8)
_WEIGHTS = np.array([1.0 if roll.is_double else 2.0 for roll in ROLLS])
"""Ways out of 36."""
_FACTOR = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_SHIFT = np.uint64(32)


@kernel
def _hash(rows: Int8s, row: int) -> Any:
    """FNV-1a of a row of small integers."""
    code = _BASIS
    for column in range(rows.shape[1]):
        code = (code ^ np.uint64(np.int64(rows[row, column]) + 128)) * _FACTOR
    return code ^ (code >> _SHIFT)


if DISABLED:  # plain numpy scalars warn about the wrap-around that the arithmetic wants
    _hash = np.errstate(over="ignore")(_hash)


@kernel
def _find_groups(rows: Int8s, slots: Int64s, first: Int64s, group: Int64s) -> int:
    """See `group_rows`; slots int64[power of two, more than M], -1 everywhere."""
    mask = slots.shape[0] - 1
    num_groups = 0
    for row in range(rows.shape[0]):
        slot = np.int64(_hash(rows, row) & np.uint64(mask))
        while True:
            member = slots[slot]
            if member < 0:
                slots[slot] = num_groups
                first[num_groups] = row
                group[row] = num_groups
                num_groups += 1
                break
            column = 0
            while column < rows.shape[1] and rows[first[member], column] == rows[row, column]:
                column += 1
            if column == rows.shape[1]:
                group[row] = member
                break
            slot = (slot + 1) & mask
    return num_groups


@kernel
def _expand(boards: Boards, positions: Boards, dice: Dice) -> None:
    for i in range(boards.shape[0]):
        for roll in range(NUM_ROLLS):
            row = NUM_ROLLS * i + roll
            for location in range(26):
                positions[row, location] = -boards[i, 25 - location]
            dice[row, 0] = _DICE[roll, 0]
            dice[row, 1] = _DICE[roll, 1]


@kernel
def _average(outcomes: Float32s, group: Int64s, out: Float32s) -> None:
    sums = np.empty(6)
    for i in range(out.shape[0]):
        sums[:] = 0.0
        for roll in range(NUM_ROLLS):
            row = group[NUM_ROLLS * i + roll]
            for outcome in range(6):
                sums[outcome] += _WEIGHTS[roll] * outcomes[row, outcome]
        for outcome in range(6):  # what the opponent wins, the player who has just moved loses
            out[i, outcome] = sums[(outcome + 3) % 6] / 36.0


@kernel
def _mean(values: Float64s, group: Int64s, out: Float64s) -> None:
    for i in range(out.shape[0]):
        out[i] = 0.0
        for roll in range(NUM_ROLLS):
            row = group[NUM_ROLLS * i + roll]
            for column in range(out.shape[1]):
                out[i, column] += _WEIGHTS[roll] * values[row, column]
        for column in range(out.shape[1]):
            out[i, column] /= 36.0


@kernel
def _throw(key: np.uint64, games: Int64s, turn: int, dice: Dice) -> None:
    for i in range(games.shape[0]):
        dice[i, 0], dice[i, 1] = throw_dice(key, np.uint64(games[i]), np.uint64(turn))


def group_rows(rows: Int8s) -> tuple[Int64s, Int64s]:
    """Which rows are equal: each different row once, in the order of its first appearance.

    Args:
        rows: int8[M, any].

    Returns:
        first: int64[U], the row where each appears first.
        group: int64[M], which of the U each row is: rows[first][group] equals rows.
    """
    rows = np.ascontiguousarray(rows)
    slots = np.full(1 << (2 * len(rows) + 1).bit_length(), -1, dtype=np.int64)
    first = np.empty(len(rows), dtype=np.int64)
    group = np.empty(len(rows), dtype=np.int64)
    num_groups = _find_groups(rows, slots, first, group)
    return first[:num_groups], group


def expand_rolls(boards: Boards) -> tuple[Boards, Dice]:
    """The 21 rolls of the opponent in each position.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.

    Returns:
        int8[21 * M, 26] seen by the opponent, who is on roll, and the dice int8[21 * M, 2]; rolls in the order of
        `dice.ROLLS` within each position.
    """
    positions = np.empty((NUM_ROLLS * len(boards), 26), dtype=np.int8)
    dice = np.empty((NUM_ROLLS * len(boards), 2), dtype=np.int8)
    _expand(np.ascontiguousarray(boards), positions, dice)
    return positions, dice


def average_rolls(outcomes: Float32s, group: Int64s) -> Float32s:
    """Averages over the 21 rolls, weighted by their probabilities and seen from the other side.

    Args:
        outcomes: float32[U, 6] of the opponent after its replies.
        group: int64[21 * M], row of `outcomes` for each position and roll.

    Returns:
        float32[M, 6], for the player whose move was before the opponent's. Each depends on its own rolls only, summed
        in a fixed order.
    """
    averages = np.empty((len(group) // NUM_ROLLS, 6), dtype=np.float32)
    _average(outcomes, group, averages)
    return averages


def mean_over_rolls(values: Float64s, group: Int64s) -> Float64s:
    """Float64s over the 21 rolls, weighted by their probabilities, of any values and from the same side.

    Args:
        values: float64[U, K].
        group: int64[21 * M], row of `values` for each position and roll.

    Returns:
        float64[M, K], each summed in a fixed order.
    """
    means = np.empty((len(group) // NUM_ROLLS, values.shape[1]))
    _mean(np.ascontiguousarray(values), group, means)
    return means


def throw_rolls(key: int, games: Int64s, turn: int) -> Dice:
    """The dice of a turn in each game, int8[G, 2], larger first: a pure function of key, game number and turn."""
    dice = np.empty((len(games), 2), dtype=np.int8)
    _throw(np.uint64(key), games, turn, dice)
    return dice
