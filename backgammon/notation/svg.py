"""The board as SVG, for pages and notebooks: one self-contained element, made of text only.

The player in whose view the position is given plays the light checkers and bears off bottom right, as in `diagram`.
Points are numbered from that player's side. Coordinates are SVG units, x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import hypot
from typing import NamedTuple

from backgammon.rules.board import BAR, OPPONENT_BAR, Position
from backgammon.rules.decision import Play
from backgammon.rules.dice import Roll
from backgammon.tools.quoting import page_text

WIDTH, HEIGHT = 632, 428

_POINT_WIDTH = 40
_LEFT, _TOP, _BOTTOM = 46, 24, 404
_BAR_WIDTH = 40
_RIGHT_HALF = _LEFT + 6 * _POINT_WIDTH + _BAR_WIDTH
_RIGHT = _RIGHT_HALF + 6 * _POINT_WIDTH
_BAR_X = _LEFT + 6 * _POINT_WIDTH + _BAR_WIDTH / 2
_TRAY_X = (_RIGHT + WIDTH) / 2
_MIDDLE = (_TOP + _BOTTOM) / 2
_BAR_OFFSET = 150
"""From the middle of the board to where the checkers on the bar begin."""
_RADIUS = 18.0
_TRIANGLE = 160
_SHOWN = 5
"""Checkers drawn of a stack; a taller one shows its number."""

LIGHT, DARK = "#f6eddc", "#2d2a33"
_EDGE = "#1b1a1f"
_WOOD, _FELT, _FRAME = "#5f3a22", "#2a5c4f", "#3e2414"
_POINTS = ("#dcc294", "#97402f")
_TEXT = "#ecd9b8"

_SPOTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    5: ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)),
    6: ((-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)),
}


class Arrow(NamedTuple):
    """A move that is shown on the board.

    Attributes:
        source: 25 (bar) to 1.
        target: 24 to 0 (off).
        colour: of CSS.
    """

    source: int
    target: int
    colour: str


def play_arrows(play: Play, colour: str) -> tuple[Arrow, ...]:
    """An arrow for each distinct move of a play."""
    return tuple(Arrow(source, target, colour) for source, target in dict.fromkeys((m.source, m.target) for m in play))


def board_svg(
    position: Position,
    roll: Roll | None = None,
    arrows: Sequence[Arrow] = (),
    cube: int = 1,
    cube_side: int = 0,
    title: str = "",
) -> str:
    """The picture as the text of one `<svg>` element.

    Args:
        position: seen by the player of the light checkers.
        roll: that player's dice.
        arrows: drawn over the checkers, in order.
        cube: its value; 1 in the middle is not drawn.
        cube_side: 1 the light player owns it, -1 the dark one, 0 nobody.
        title: what a reader who cannot see it is told.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" text-anchor="middle">',
        f"<title>{page_text(title or 'backgammon position')}</title>",
        *_empty_board(),
        *_checkers(position),
        *_counts(position),
        *(_dice(roll) if roll is not None else ()),
        *(_cube(cube, cube_side) if cube > 1 or cube_side else ()),
        *(_arrow(arrow) for arrow in arrows),
        "</svg>",
    ]
    return "".join(parts)


def board_geometry() -> dict[str, object]:
    """Where everything lies on a board, in SVG units, for whoever draws one elsewhere (the page does).

    `point_x` has the middle of points 1 to 24 at the places 1 to 24; the sixth checker of a stack and those above it
    are not drawn.
    """
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "top": _TOP,
        "bottom": _BOTTOM,
        "middle": _MIDDLE,
        "point_width": _POINT_WIDTH,
        "right_half": _RIGHT_HALF,
        "right": _RIGHT,
        "bar_x": _BAR_X,
        "bar_offset": _BAR_OFFSET,
        "tray_x": _TRAY_X,
        "radius": _RADIUS,
        "triangle": _TRIANGLE,
        "shown": _SHOWN,
        "point_x": [0.0, *map(_point_x, range(1, 25))],
        "spots": {str(value): [list(spot) for spot in spots] for value, spots in _SPOTS.items()},
    }


def _point_x(point: int) -> float:
    """The middle of a point."""
    column = 12 - point if point <= 12 else point - 13
    left = _LEFT + column * _POINT_WIDTH if column < 6 else _RIGHT_HALF + (column - 6) * _POINT_WIDTH
    return left + _POINT_WIDTH / 2


def _empty_board() -> Iterable[str]:
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{_WOOD}"/>'
    for left, width in ((_LEFT, 6 * _POINT_WIDTH), (_RIGHT_HALF, 6 * _POINT_WIDTH), (_RIGHT + 8, WIDTH - _RIGHT - 16)):
        yield f'<rect x="{left}" y="{_TOP}" width="{width}" height="{_BOTTOM - _TOP}" rx="2" fill="{_FELT}"/>'
    yield f'<rect x="{_BAR_X - 1}" y="0" width="2" height="{HEIGHT}" fill="{_FRAME}"/>'
    for point in range(1, 25):
        x, half = _point_x(point), _POINT_WIDTH / 2 - 1
        base, tip = (_BOTTOM, _BOTTOM - _TRIANGLE) if point <= 12 else (_TOP, _TOP + _TRIANGLE)
        yield f'<path d="M{x - half:g} {base}L{x:g} {tip}L{x + half:g} {base}Z" fill="{_POINTS[point % 2]}"/>'
        y = _BOTTOM + 16 if point <= 12 else _TOP - 8
        yield f'<text x="{x:g}" y="{y}" font-size="12" fill="{_TEXT}">{point}</text>'


def _checkers(position: Position) -> Iterable[str]:
    board = position.board
    for point in range(1, 25):
        yield from _stack(_point_x(point), int(board[point]), _BOTTOM if point <= 12 else _TOP, point <= 12)
    yield from _stack(_BAR_X, int(board[BAR]), _MIDDLE + _BAR_OFFSET, True)
    yield from _stack(_BAR_X, int(board[OPPONENT_BAR]), _MIDDLE - _BAR_OFFSET, False)
    for count, is_light in ((position.off, True), (position.opponent_off, False)):
        for k in range(count):
            y = _BOTTOM - 10.4 * (k + 1) if is_light else _TOP + 10.4 * k + 0.8
            colour = LIGHT if is_light else DARK
            yield f'<rect x="{_RIGHT + 12}" y="{y:g}" width="{WIDTH - _RIGHT - 24}" height="9" rx="2"'
            yield f' fill="{colour}" stroke="{_EDGE}"/>'


def _stack(x: float, count: int, base: float, grows_up: bool) -> Iterable[str]:
    """Checkers on a point (negative: dark), from its base."""
    colour, ink = (LIGHT, DARK) if count > 0 else (DARK, LIGHT)
    for k in range(min(abs(count), _SHOWN)):
        offset = _RADIUS + 1 + k * (2 * _RADIUS - 1)
        y = base - offset if grows_up else base + offset
        yield f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS - 1:g}" fill="{colour}" stroke="{_EDGE}" stroke-width="1.5"/>'
        if k == _SHOWN - 1 and abs(count) > _SHOWN:
            yield f'<text x="{x:g}" y="{y + 5:g}" font-size="15" fill="{ink}">{abs(count)}</text>'


def _counts(position: Position) -> Iterable[str]:
    """Pip counts, in the tray beside each side's borne-off checkers."""
    for pips, y in ((position.opponent_pips, _MIDDLE - 12), (position.pips, _MIDDLE + 20)):
        yield f'<text x="{_TRAY_X:g}" y="{y:g}" font-size="13" fill="{_TEXT}">{pips}</text>'


def _dice(roll: Roll) -> Iterable[str]:
    for value, x in zip(roll, (_RIGHT_HALF + 90, _RIGHT_HALF + 134), strict=True):
        yield f'<rect x="{x}" y="{_MIDDLE - 17:g}" width="34" height="34" rx="7" fill="{LIGHT}" stroke="{_EDGE}"/>'
        for dx, dy in _SPOTS[value]:
            yield f'<circle cx="{x + 17 + 9 * dx}" cy="{_MIDDLE + 9 * dy:g}" r="3.4" fill="{DARK}"/>'


def _cube(value: int, side: int) -> Iterable[str]:
    y = _MIDDLE - 16 + side * 150
    yield f'<rect x="7" y="{y:g}" width="32" height="32" rx="4" fill="#ffffff" stroke="{_EDGE}"/>'
    yield f'<text x="23" y="{y + 21:g}" font-size="14" fill="{_EDGE}">{value}</text>'


def _place(location: int) -> tuple[float, float]:
    """Where an arrow begins or ends: the middle of the stacks of a point, the bar, or the tray."""
    if location == BAR:
        return _BAR_X, _MIDDLE + 110
    if location == 0:
        return _TRAY_X, _BOTTOM - 60
    return _point_x(location), (_BOTTOM - 60 if location <= 12 else _TOP + 60)


def _arrow(arrow: Arrow) -> str:
    """A line with a head; one along the edge of the board is bent towards the middle so that it can be seen."""
    (x0, y0), (x1, y1) = _place(arrow.source), _place(arrow.target)
    bend_y = (y0 + y1) / 2 + (_MIDDLE - (y0 + y1) / 2) * 0.55
    bend_x = (x0 + x1) / 2
    length = hypot(x1 - bend_x, y1 - bend_y) or 1.0
    ux, uy = (x1 - bend_x) / length, (y1 - bend_y) / length
    left = f"{x1 - 13 * ux - 7 * uy:.1f} {y1 - 13 * uy + 7 * ux:.1f}"
    right = f"{x1 - 13 * ux + 7 * uy:.1f} {y1 - 13 * uy - 7 * ux:.1f}"
    line = f"M{x0:.1f} {y0:.1f}Q{bend_x:.1f} {bend_y:.1f} {x1 - 8 * ux:.1f} {y1 - 8 * uy:.1f}"
    colour = page_text(arrow.colour)
    return (
        f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="5" stroke-linecap="round" opacity="0.9"/>'
        f'<path d="M{x1:.1f} {y1:.1f}L{left}L{right}Z" fill="{colour}"/>'
    )
