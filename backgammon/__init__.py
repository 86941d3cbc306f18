"""Backgammon: rules, move generator, notation, match records, play. Needs numpy and numba only.

The names below are loaded when they are first used, so that importing an error class or a parser does not load numba.
Importing the package also registers its environments with Gymnasium, whenever that is imported, and gives positions
and decisions their picture in notebooks.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from backgammon.registration import register_with_gymnasium
from backgammon.rules import drawing

if TYPE_CHECKING:
    from backgammon.learner.net.engine_builder import load_engine
    from backgammon.rules.board import Position
    from backgammon.rules.decision import Decision, Move, Play
    from backgammon.rules.dice import Roll
    from backgammon.rules.movegen import legal_candidates
    from backgammon.tools.arrays import Int8s

__all__ = ["Decision", "Move", "Play", "Position", "Roll", "legal_candidates", "load_engine"]

_HOMES = {
    "Decision": "rules.decision",
    "Move": "rules.decision",
    "Play": "rules.decision",
    "Position": "rules.board",
    "Roll": "rules.dice",
    "legal_candidates": "rules.movegen",
    "load_engine": "learner.net.engine_builder",
}


# As in `comparison_net`: two products, each stands by itself.
def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'backgammon' has no attribute {name!r}")
    return getattr(import_module(f"backgammon.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def _draw(board: Int8s, dice: tuple[int, int] | None) -> str:
    from backgammon.notation.svg import board_svg
    from backgammon.rules.board import Position
    from backgammon.rules.dice import make_roll

    return board_svg(Position(board), None if dice is None else make_roll(*dice))


drawing.hand_in_drawer(_draw)
register_with_gymnasium()
