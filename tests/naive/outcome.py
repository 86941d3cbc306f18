"""How games have ended and how they may still end, one board at a time."""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import Board
from backgammon.tools.arrays import Boards


def final_outcome(board: Board) -> list[float]:
    """The certain outcome of a board int8[26] seen by the player who has just moved; all 0 where the game goes on."""
    if any(count > 0 for count in board.tolist()):
        return [0.0] * 6
    theirs = [-count for count in board.tolist()]
    if sum(theirs) < 15:
        return [1.0, 0, 0, 0, 0, 0]
    # With all 15 left: a backgammon if one of them is still on the bar (0) or in the winner's home board (1 to 6).
    return [0, 0, 1.0, 0, 0, 0] if sum(theirs[:7]) else [0, 1.0, 0, 0, 0, 0]


def final_outcomes(boards: Boards) -> np.ndarray:
    """float32[M, 6] of boards int8[M, 26]."""
    return np.array([final_outcome(board) for board in boards], dtype=np.float32).reshape(-1, 6)


def possible_outcomes(board: Board) -> list[bool]:
    """Which of the six outcomes the rules still allow, for the player who has just moved."""
    if any(final_outcome(board)):
        return [chance > 0 for chance in final_outcome(board)]
    own = {location: count for location, count in enumerate(board.tolist()) if count > 0}
    theirs = {location: -count for location, count in enumerate(board.tolist()) if count < 0}
    has_contact = max(own) > min(theirs)
    gammon = sum(theirs.values()) == 15
    lost_gammon = sum(own.values()) == 15
    return [
        True,
        gammon,
        gammon and (has_contact or min(theirs) < 7),
        True,
        lost_gammon,
        lost_gammon and (has_contact or max(own) > 18),
    ]
