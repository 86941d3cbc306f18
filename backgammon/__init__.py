"""Backgammon: rules, move generator, notation, match records, play. Needs numpy and numba only.

The names below are loaded when they are first used, so that importing an error class or a parser does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backgammon.board import Position
    from backgammon.dice import Roll
    from backgammon.movegen import legal_candidates
    from backgammon.rules import Decision, Move, Play

__all__ = ["Decision", "Move", "Play", "Position", "Roll", "legal_candidates"]

_HOMES = {
    "Decision": "rules",
    "Move": "rules",
    "Play": "rules",
    "Position": "board",
    "Roll": "dice",
    "legal_candidates": "movegen",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'backgammon' has no attribute {name!r}")
    return getattr(import_module(f"backgammon.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
