"""The board as a picture: uint8[572, 760, 3], drawn with numpy only.

Seat 0 plays the light checkers from the bottom: its home board is bottom right, its borne-off checkers lie in the lower
tray. The dice of the seat on roll lie on its side (right seat 0, left seat 1); dice already played are dimmed. Between
the trays each player's pips stand next to a checker of its colour, the one on roll marked.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from backgammon.env.raster import Canvas, Colour, Field, Point
from backgammon.env.scene import Scene
from backgammon.rules.board import BAR, NUM_CHECKERS, OPPONENT_BAR, checkers_off, pip_counts
from backgammon.tools.arrays import Uint8s

WIDTH, HEIGHT = 760, 572

_POINT_WIDTH = 48
_FIELD_LEFT, _FIELD_TOP, _FIELD_BOTTOM = 34, 36, 536
_BAR_LEFT = _FIELD_LEFT + 6 * _POINT_WIDTH
_BAR_WIDTH = 50
_RIGHT_LEFT = _BAR_LEFT + _BAR_WIDTH
_FIELD_RIGHT = _RIGHT_LEFT + 6 * _POINT_WIDTH
_TRAY_LEFT, _TRAY_RIGHT = _FIELD_RIGHT + 18, WIDTH - 22
_MIDDLE = (_FIELD_TOP + _FIELD_BOTTOM) / 2
_RADIUS = 22.0
_DIE = 38.0

_WOOD: Colour = (92, 56, 32)
_DARK_WOOD: Colour = (62, 36, 20)
_FELT: Colour = (38, 84, 72)
_LIGHT_POINT: Colour = (222, 196, 150)
_DARK_POINT: Colour = (150, 62, 46)
_LETTERS: Colour = (226, 204, 168)
_LIGHT: Colour = (244, 236, 220)
_DARK: Colour = (44, 42, 50)
_MARK: Colour = (250, 200, 70)
_FACES: tuple[Colour, Colour] = (_LIGHT, _DARK)
"""Colours of the checkers of seat 0 and seat 1."""
_INKS: tuple[Colour, Colour] = (_DARK, _LIGHT)
"""What is written on them."""

_EDGES: tuple[Colour, Colour] = (_LIGHT, (84, 81, 96))
"""Colours of the checkers' edges; dark ones would not show in the shade of the tray."""

_SPOTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    5: ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)),
    6: ((-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)),
}


def draw_picture(scene: Scene) -> Uint8s:
    """The picture of a scene, uint8[572, 760, 3], a new array."""
    canvas = _empty_board().copy()
    for point in range(1, 25):
        count = int(scene.board[point])
        if count:
            _draw_stack(canvas, point, abs(count), 0 if count > 0 else 1)
    _draw_bar(canvas, int(scene.board[BAR]), 0)
    _draw_bar(canvas, -int(scene.board[OPPONENT_BAR]), 1)
    for seat, num_off in enumerate(checkers_off(scene.board)):
        _draw_tray(canvas, int(num_off), seat)
    _draw_dice(canvas, scene)
    _draw_counts(canvas, scene)
    if scene.points:
        _draw_result(canvas, scene)
    return canvas.to_bytes()


def _point_centre(point: int) -> float:
    """Where the middle of a point is, in pixels from the left."""
    column = 12 - point if point <= 12 else point - 13
    left = _FIELD_LEFT + column * _POINT_WIDTH if column < 6 else _RIGHT_LEFT + (column - 6) * _POINT_WIDTH
    return left + _POINT_WIDTH / 2


@lru_cache(maxsize=1)
def _empty_board() -> Canvas:
    """Frame, field, points and their numbers, drawn once."""
    canvas = Canvas(WIDTH, HEIGHT, _WOOD)
    _add_grain(canvas.pixels)
    canvas.plate((4, 4, WIDTH - 4, HEIGHT - 4), 12, _DARK_WOOD, opacity=0.25)
    canvas.plate((10, 10, WIDTH - 10, HEIGHT - 10), 8, _WOOD, opacity=0.6)
    for left, right in ((_FIELD_LEFT, _BAR_LEFT), (_RIGHT_LEFT, _FIELD_RIGHT)):
        box = (left - 3, _FIELD_TOP - 3, right + 3, _FIELD_BOTTOM + 3)
        canvas.plate(box, 4, _DARK_WOOD)
        canvas.plate((left, _FIELD_TOP, right, _FIELD_BOTTOM), 2, _FELT)
    for top, bottom in ((_FIELD_TOP, _MIDDLE - 56), (_MIDDLE + 56, _FIELD_BOTTOM)):
        canvas.plate((_TRAY_LEFT - 3, top - 3, _TRAY_RIGHT + 3, bottom + 3), 4, _DARK_WOOD)
        canvas.plate((_TRAY_LEFT, top, _TRAY_RIGHT, bottom), 2, (30, 62, 54))
    middle_of_bar = _BAR_LEFT + _BAR_WIDTH / 2
    canvas.stroke((middle_of_bar, 8), (middle_of_bar, HEIGHT - 8), 1.5, _DARK_WOOD, opacity=0.8)
    for point in range(1, 25):
        _draw_point(canvas, point)
    return canvas


def _add_grain(pixels: Field) -> None:
    """The grain of wood: slow waves along x with a ripple, a few per cent darker and lighter."""
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]].astype(np.float32)
    bend = y + 5 * np.sin(x / 90) + 2 * np.sin(x / 37 + 1)
    grain = np.sin(bend / 2.3 + 3 * np.sin(bend / 17)) * 0.6 + np.sin(bend / 0.9) * 0.4
    pixels *= (1 + 0.06 * grain)[..., None]


def _draw_point(canvas: Canvas, point: int) -> None:
    x, half = _point_centre(point), _POINT_WIDTH / 2 - 1
    colour = _DARK_POINT if point % 2 else _LIGHT_POINT
    length = 212
    if point <= 12:
        tip = (x, _FIELD_BOTTOM - length)
        canvas.polygon([(x - half, _FIELD_BOTTOM), tip, (x + half, _FIELD_BOTTOM)], colour)
        canvas.text(str(point), (x, _FIELD_BOTTOM + 18), 12, _LETTERS)
    else:
        canvas.polygon([(x + half, _FIELD_TOP), (x, _FIELD_TOP + length), (x - half, _FIELD_TOP)], colour)
        canvas.text(str(point), (x, _FIELD_TOP - 18), 12, _LETTERS)


def _paint_checker(canvas: Canvas, centre: Point, seat: int) -> None:
    """A turned wooden checker: shadow, rim, groove and a highlight."""
    face = _FACES[seat]
    rim: Colour = (176, 158, 128) if seat == 0 else (14, 13, 18)
    groove: Colour = (206, 192, 166) if seat == 0 else (78, 76, 88)
    x, y = centre
    canvas.disc((x + 1.5, y + 2.5), _RADIUS - 0.5, (0, 0, 0), opacity=0.45, softness=5)
    canvas.disc(centre, _RADIUS - 0.5, rim)
    canvas.disc(centre, _RADIUS - 1.8, face)
    canvas.ring(centre, _RADIUS - 6.5, 1.8, groove)
    canvas.disc((x - 4, y - 5), _RADIUS - 13, (255, 255, 255), opacity=0.25 if seat == 0 else 0.08, softness=10)


@lru_cache(maxsize=2)
def _sprite(seat: int) -> tuple[Field, Field]:
    """(colour times cover, cover) of a checker, drawn once: found from what it looks like on black and on white."""
    size = int(2 * _RADIUS + 12)
    on_black, on_white = (Canvas(size, size, (shade,) * 3) for shade in (0, 255))
    for canvas in (on_black, on_white):
        _paint_checker(canvas, (size / 2, size / 2), seat)
    cover: Field = 1 - (on_white.pixels - on_black.pixels).mean(axis=2, keepdims=True) / 255
    return on_black.pixels, cover


def _draw_checker(canvas: Canvas, centre: Point, seat: int, label: str = "") -> None:
    colour, cover = _sprite(seat)
    half = colour.shape[0] // 2
    x, y = round(centre[0]), round(centre[1])
    region = canvas.pixels[y - half : y + half, x - half : x + half]
    region *= 1 - cover
    region += colour
    if label:
        canvas.text(label, (x, y), 15, _INKS[seat])


def _draw_stack(canvas: Canvas, point: int, count: int, seat: int) -> None:
    """Checkers on a point: five at most, the number on the last of more."""
    x = _point_centre(point)
    for k in range(min(count, 5)):
        offset = _RADIUS + 1 + k * (2 * _RADIUS - 0.5)
        y = _FIELD_BOTTOM - offset if point <= 12 else _FIELD_TOP + offset
        _draw_checker(canvas, (x, y), seat, str(count) if count > 5 and k == 4 else "")


def _draw_bar(canvas: Canvas, count: int, seat: int) -> None:
    """Checkers on the bar, each side's on its own half; three at most, the number on the last of more."""
    x = _BAR_LEFT + _BAR_WIDTH / 2
    for k in range(min(count, 3)):
        offset = 62 + k * (2 * _RADIUS - 2)
        y = _MIDDLE + offset if seat == 0 else _MIDDLE - offset
        _draw_checker(canvas, (x, y), seat, str(count) if count > 3 and k == 2 else "")


def _draw_tray(canvas: Canvas, num_off: int, seat: int) -> None:
    """Borne-off checkers lying on edge."""
    thickness = 11.6
    for k in range(min(num_off, NUM_CHECKERS)):
        top = _FIELD_BOTTOM - 3 - (k + 1) * thickness if seat == 0 else _FIELD_TOP + 3 + k * thickness
        box = (_TRAY_LEFT + 5.0, top + 0.8, _TRAY_RIGHT - 5.0, top + thickness - 0.8)
        canvas.plate(box, 3, _EDGES[seat])
        canvas.stroke((box[0] + 3, top + thickness / 2), (box[2] - 3, top + thickness / 2), 1.2, _INKS[seat], 0.35)


def _draw_dice(canvas: Canvas, scene: Scene) -> None:
    """The roll on the side of the seat on roll; what has been played is dimmed."""
    left = _RIGHT_LEFT if scene.seat == 0 else _FIELD_LEFT
    middle = left + 3 * _POINT_WIDTH
    pitch = _DIE + 10
    num_left = list(scene.num_left)
    for k, value in enumerate(scene.dice):
        which = 0 if value == scene.dice[0] else 1
        is_left = num_left[which] > 0
        num_left[which] -= 1
        x = middle + (k - (len(scene.dice) - 1) / 2) * pitch
        _draw_die(canvas, (x, _MIDDLE), value, scene.seat, 1.0 if is_left else 0.3)


def _draw_die(canvas: Canvas, centre: Point, value: int, seat: int, opacity: float) -> None:
    x, y = centre
    half = _DIE / 2
    canvas.plate((x - half + 1, y - half + 3, x + half + 1, y + half + 3), 8, (0, 0, 0), 0.4 * opacity, softness=5)
    canvas.plate((x - half, y - half, x + half, y + half), 8, _INKS[seat], opacity)
    canvas.plate((x - half + 1, y - half + 1, x + half - 1, y + half - 1), 7, _FACES[seat], opacity)
    for dx, dy in _SPOTS[value]:
        canvas.disc((x + dx * 10, y + dy * 10), 3.7, _INKS[seat], opacity)


def _draw_counts(canvas: Canvas, scene: Scene) -> None:
    """Pips of both sides between the trays, each beside a small checker; in a match the score in the frame."""
    x = (_TRAY_LEFT + _TRAY_RIGHT) / 2
    for seat, pips in enumerate(pip_counts(scene.board)):
        y = _MIDDLE + (26 if seat == 0 else -26)
        if scene.seat == seat and not scene.points:
            canvas.plate((_TRAY_LEFT - 6, y - 17, _TRAY_RIGHT + 6, y + 17), 8, _DARK_WOOD)
            canvas.ring((_TRAY_LEFT + 7, y), 9, 2, _MARK)
        canvas.disc((_TRAY_LEFT + 7, y), 7, _FACES[seat])
        canvas.text(str(int(pips)), (x + 10, y), 14, _LETTERS)
        if scene.score is not None:
            edge = _FIELD_BOTTOM + 18 if seat == 0 else _FIELD_TOP - 18
            canvas.text(f"{scene.score[seat]}/{scene.match_length}", (x, edge), 12, _MARK)


def _draw_result(canvas: Canvas, scene: Scene) -> None:
    """The points of the game on the winner's checker colour, in the middle of the board."""
    x = _BAR_LEFT + _BAR_WIDTH / 2
    canvas.plate((x - 62, _MIDDLE - 40, x + 62, _MIDDLE + 40), 14, (0, 0, 0), 0.5, softness=8)
    canvas.plate((x - 58, _MIDDLE - 36, x + 58, _MIDDLE + 36), 12, _MARK)
    canvas.plate((x - 54, _MIDDLE - 32, x + 54, _MIDDLE + 32), 9, _FACES[scene.seat])
    canvas.text(f"+{abs(scene.points)}", (x, _MIDDLE), 38, _INKS[scene.seat])
