"""Dice: the 21 rolls, and their text."""

from __future__ import annotations

import pytest

from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS, make_roll, parse_roll
from backgammon.tools.errors import DiceError


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
