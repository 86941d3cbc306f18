"""Shots: with how many rolls the opponent can hit, counted by the move generator, so that every rule is kept."""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import swap
from backgammon.rules.dice import ROLLS
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Bools, Float32s, Offsets

_CHUNK = 50_000
"""Candidates whose replies are generated together: twenty of each roll are held in memory."""


def shots_against(candidates: Boards) -> Float32s:
    """Of the 36 rolls of two dice, how many let the opponent hit a checker of the player who has just moved.

    Args:
        candidates: int8[M, 26], seen by that player.

    Returns:
        float32[M], whole numbers from 0 to 36.
    """
    shots = np.zeros(len(candidates), dtype=np.float32)
    can_be_hit = (candidates[:, 1:25] == 1).any(axis=1) & (candidates < 0).any(axis=1)
    places = np.flatnonzero(can_be_hit)
    for start in range(0, len(places), _CHUNK):
        part = places[start : start + _CHUNK]
        boards = swap(candidates[part])
        for roll in ROLLS:
            replies, offsets = legal_candidates(boards, np.tile(np.array(roll, dtype=np.int8), (len(part), 1)))
            shots[part] += _is_hit(boards, replies, offsets) * (1 if roll.high == roll.low else 2)
    return shots


def _is_hit(boards: Boards, replies: Boards, offsets: Offsets) -> Bools:
    """bool[N]: some reply puts one more checker of the other side on its bar."""
    on_bar = np.repeat(boards[:, 0], np.diff(offsets))
    is_hit: Bools = np.logical_or.reduceat(replies[:, 0] < on_bar, offsets[:-1])
    return is_hit
