"""Game phase of a position: the one definition for router, reports and data.

Five categories after Tesauro (1988), who trained one specialist for each, and the race, which he left to another
program. They are read from the position BEFORE the play, with the player on roll as "own", so all candidates of a
decision share one phase. First match counts:

    race              no contact left: the rearmost checkers have passed each other
    bearoff           every own checker is in the own home board (and there is contact)
    opponent bearoff  every opponent's checker is in the opponent's home board
    bearin            no own checker is behind the 12-point (own side of the board)
    opponent bearin   no opponent's checker is behind the opponent's 12-point
    other             all the rest
"""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import Board
from backgammon.tools.arrays import Boards, Int8s
from backgammon.tools.intrinsics import highest_bit, locations_above
from backgammon.tools.jit import kernel

PHASES: tuple[str, ...] = ("bearoff", "bearin", "opponent bearoff", "opponent bearin", "other", "race")
"""Names by code; the order of Tesauro's Table 1, then the race."""

_LOCATIONS = (1 << 26) - 1

BEAROFF, BEARIN, OPPONENT_BEAROFF, OPPONENT_BEARIN, OTHER, RACE = range(6)


@kernel
def phase_of_masks(ours: int, theirs: int) -> int:
    """Code (index into PHASES) from masks of the locations 0..25 where each side has checkers."""
    own_back = highest_bit(ours) if ours else 0
    opponent_back = 25 - highest_bit(theirs & -theirs) if theirs else 0
    if own_back + opponent_back < 25:
        return RACE
    if own_back <= 6:
        return BEAROFF
    if opponent_back <= 6:
        return OPPONENT_BEAROFF
    if own_back <= 12:
        return BEARIN
    if opponent_back <= 12:
        return OPPONENT_BEARIN
    return OTHER


@kernel
def phase_code_at(boards: Boards, at: int) -> int:
    """Code (index into PHASES) of the position whose 26 counts begin at `at` of flat int8 `boards`."""
    return phase_of_masks(locations_above(boards, at, 0), ~locations_above(boards, at, -1) & _LOCATIONS)


@kernel
def phase_code(board: Board) -> int:
    """Code (index into PHASES) of one position, int8[26] of the player on roll."""
    return phase_code_at(board, 0)


@kernel
def _fill_phase_codes(boards: Boards, codes: Int8s) -> None:
    for i in range(boards.shape[0]):
        codes[i] = phase_code(boards[i])


def phase_codes(boards: Boards) -> Int8s:
    """Codes int8[N] of positions int8[N, 26], each seen by its player on roll."""
    codes = np.empty(len(boards), dtype=np.int8)
    _fill_phase_codes(np.ascontiguousarray(boards, dtype=np.int8), codes)
    return codes


def phase_name(board: Board) -> str:
    """Name of the phase of one position, int8[26] of the player on roll."""
    return PHASES[int(phase_codes(board[None])[0])]
