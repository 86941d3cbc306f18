"""Dice: the 21 rolls with their probabilities, and checks of dice that come from outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.tools.errors import DiceError


class Roll(NamedTuple):
    """Two dice, the larger first."""

    high: int
    low: int

    @property
    def is_double(self) -> bool:
        """True for 1-1 to 6-6."""
        return self.high == self.low

    def __str__(self) -> str:
        return f"{self.high}{self.low}"


ROLLS: tuple[Roll, ...] = tuple(Roll(high, low) for high in range(1, 7) for low in range(1, high + 1))
"""The 21 distinct rolls: 11, 21, 22, 31, ..., 66."""

ROLL_PROBABILITIES: tuple[float, ...] = tuple((1 if roll.is_double else 2) / 36 for roll in ROLLS)
"""Probability of each of ROLLS; sums to 1."""


def make_roll(first: int, second: int) -> Roll:
    """A checked roll, larger die first.

    Raises:
        DiceError: a die is not a whole number from 1 to 6.
    """
    for die in (first, second):
        if isinstance(die, bool) or not isinstance(die, (int, np.integer)) or not 1 <= die <= 6:
            raise DiceError(f"dice {first!r} and {second!r}: each must be a whole number from 1 to 6")
    return Roll(max(int(first), int(second)), min(int(first), int(second)))


def parse_roll(text: str) -> Roll:
    """A roll from text such as "31", "3-1", "3 1" or "3,1".

    Raises:
        DiceError: the text does not hold exactly two dice.
    """
    digits = text.strip().replace("-", "").replace(",", "").replace(" ", "")
    if len(digits) != 2 or not digits.isascii() or not digits.isdigit():
        raise DiceError(f"dice {text!r}: write two digits from 1 to 6, for instance 31")
    return make_roll(int(digits[0]), int(digits[1]))
