"""Phases at the borders of their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.rules.board import START
from backgammon.rules.phase import PHASES, phase_codes, phase_name


@pytest.mark.parametrize(
    ("own_back", "opponent_back", "phase"),
    [
        # the opponent's rearmost checker in its own numbering: index 25 - opponent_back of the board
        (6, 18, "race"),
        (6, 20, "bearoff"),
        (6, 25, "bearoff"),
        (7, 19, "bearin"),
        (12, 14, "bearin"),
        (12, 12, "race"),
        (14, 12, "opponent bearin"),
        (19, 7, "opponent bearin"),
        (20, 6, "opponent bearoff"),
        (25, 6, "opponent bearoff"),
        (13, 13, "other"),
        (25, 25, "other"),
    ],
)
def test_phase_by_the_rearmost_checkers(own_back: int, opponent_back: int, phase: str) -> None:
    board = np.zeros(26, dtype=np.int8)
    board[own_back] = 1
    board[25 - opponent_back] = -1
    assert phase_name(board) == phase


def test_the_start_is_other_and_codes_index_the_names() -> None:
    assert PHASES[phase_codes(START[None])[0]] == "other"
