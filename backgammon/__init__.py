"""Backgammon: rules, move generator, notation, match records, play. Needs numpy and numba only.

The names below are loaded when they are first used, so that importing an error class or a parser does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backgammon.rules.board import Position
    from backgammon.rules.decision import Decision, Move, Play
    from backgammon.rules.dice import Roll
    from backgammon.rules.movegen import legal_candidates

__all__ = ["Decision", "Move", "Play", "Position", "Roll", "legal_candidates"]

_HOMES = {
    "Decision": "rules.decision",
    "Move": "rules.decision",
    "Play": "rules.decision",
    "Position": "rules.board",
    "Roll": "rules.dice",
    "legal_candidates": "rules.movegen",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'backgammon' has no attribute {name!r}")
    return getattr(import_module(f"backgammon.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
