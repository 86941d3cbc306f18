"""Who draws a position for a notebook: handed in from above, for a picture is text and stands higher than the rules."""

from __future__ import annotations

from collections.abc import Callable

from backgammon.tools.arrays import Int8s

Drawer = Callable[[Int8s, tuple[int, int] | None], str]
"""From a board int8[26], seen by the player on roll, and the dice to the text of one `<svg>` element."""

_drawers: list[Drawer] = []


def hand_in_drawer(drawer: Drawer) -> None:
    """Say who draws from now on."""
    _drawers[:] = [drawer]


def draw(board: Int8s, dice: tuple[int, int] | None = None) -> str | None:
    """The picture of a position, int8[26] seen by the player on roll; None where nobody draws."""
    return _drawers[0](board, dice) if _drawers else None
