"""Backgammon: rules, move generator, notation, match records, play. Needs numpy and numba only."""

from __future__ import annotations

from backgammon.board import Position
from backgammon.dice import Roll
from backgammon.movegen import legal_candidates
from backgammon.rules import Decision, Move, Play

__all__ = ["Decision", "Move", "Play", "Position", "Roll", "legal_candidates"]
