"""Dice: the 21 rolls, text, and throws."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.dice import ROLL_PROBABILITIES, ROLLS, make_roll, parse_roll, throw, throw_opening
from backgammon.errors import DiceError


def test_twenty_one_rolls_with_probabilities_that_sum_to_one() -> None:
    assert len(set(ROLLS)) == 21
    assert sum(ROLL_PROBABILITIES) == pytest.approx(1)
    assert all(roll.high >= roll.low for roll in ROLLS)


@pytest.mark.parametrize("text", ["31", "13", "3-1", " 3 1 ", "3,1"])
def test_text_of_a_roll(text: str) -> None:
    assert parse_roll(text) == (3, 1)
    assert str(parse_roll(text)) == "31"


@pytest.mark.parametrize("text", ["", "3", "311", "71", "30", "a1", "٣١"])
def test_text_that_is_no_roll(text: str) -> None:
    with pytest.raises(DiceError):
        parse_roll(text)


def test_dice_must_be_whole_numbers_from_1_to_6() -> None:
    for bad in (0, 7, True, 2.0):
        with pytest.raises(DiceError):
            make_roll(bad, 1)  # type: ignore[arg-type]


def test_throws_repeat_from_the_seed_and_are_fair() -> None:
    assert throw(np.random.default_rng(3)) == throw(np.random.default_rng(3))
    rng = np.random.default_rng(4)
    counts = np.bincount([die for _ in range(6000) for die in throw(rng)], minlength=7)[1:]
    assert ((counts - 2000) ** 2 / 2000).sum() < 25  # chi-square, 5 degrees of freedom: p = 0.0001
    first, second = throw_opening(rng)
    assert first != second
