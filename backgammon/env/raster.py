"""A small antialiased rasteriser on numpy arrays: what a picture of a board needs, without a graphics library.

Every shape is a signed distance (negative inside, in pixels) evaluated in its own bounding box; the edge is one pixel
of blending. Coordinates are pixels, x to the right and y down. Colours are (red, green, blue), 0..255.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import ceil, cos, floor, hypot, pi, sin
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.tools.arrays import Uint8s

Colour = tuple[int, int, int]
Field = npt.NDArray[np.floating[Any]]
Point = tuple[float, float]
Distance = Callable[[Field, Field], Field]


class Canvas:
    """A picture being drawn; `pixels` is float32[H, W, 3], 0..255."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        """A canvas of one colour."""
        self.pixels: Field = np.empty((height, width, 3), dtype=np.float32)
        self.pixels[:] = colour

    def copy(self) -> Canvas:
        """Another canvas with the same picture."""
        other = Canvas.__new__(Canvas)
        other.pixels = self.pixels.copy()
        return other

    def to_bytes(self) -> Uint8s:
        """The picture as uint8[H, W, 3]."""
        return (self.pixels + 0.5).astype(np.uint8)

    def fill(
        self,
        box: tuple[float, float, float, float],
        distance: Distance,
        colour: Colour,
        opacity: float = 1.0,
        softness: float = 1.0,
    ) -> None:
        """Blend a shape in.

        Args:
            box: left, top, right, bottom of what the shape may touch.
            distance: signed distance at arrays x and y.
            colour: of the shape.
            opacity: 0..1.
            softness: width of the edge in pixels; large values make shadows.
        """
        height, width, _ = self.pixels.shape
        margin = softness
        left, top = max(0, floor(box[0] - margin)), max(0, floor(box[1] - margin))
        right, bottom = min(width, ceil(box[2] + margin)), min(height, ceil(box[3] + margin))
        if left >= right or top >= bottom:
            return
        x = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5)
        y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
        cover = np.clip(0.5 - distance(x, y) / np.float32(softness), 0.0, 1.0)[..., None] * np.float32(opacity)
        region = self.pixels[top:bottom, left:right]
        region += cover * (np.array(colour, dtype=np.float32) - region)

    def disc(self, centre: Point, radius: float, colour: Colour, opacity: float = 1.0, softness: float = 1.0) -> None:
        """A filled circle."""
        cx, cy = centre
        box = (cx - radius, cy - radius, cx + radius, cy + radius)
        self.fill(box, lambda x, y: _length(x - cx, y - cy) - np.float32(radius), colour, opacity, softness)

    def ring(self, centre: Point, radius: float, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A circle line of the given width."""
        cx, cy = centre
        reach = radius + width
        box = (cx - reach, cy - reach, cx + reach, cy + reach)
        self.fill(
            box,
            lambda x, y: np.abs(_length(x - cx, y - cy) - np.float32(radius)) - np.float32(width / 2),
            colour,
            opacity,
        )

    def plate(
        self,
        box: tuple[float, float, float, float],
        radius: float,
        colour: Colour,
        opacity: float = 1.0,
        softness: float = 1.0,
    ) -> None:
        """A filled rectangle with round corners."""
        left, top, right, bottom = box
        cx, cy = (left + right) / 2, (top + bottom) / 2
        half_x, half_y = (right - left) / 2 - radius, (bottom - top) / 2 - radius

        def distance(x: Field, y: Field) -> Field:
            dx, dy = np.abs(x - cx) - half_x, np.abs(y - cy) - half_y
            outside = _length(np.maximum(dx, 0), np.maximum(dy, 0))
            result: Field = outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(radius)
            return result

        self.fill(box, distance, colour, opacity, softness)

    def polygon(self, corners: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
        """A filled convex polygon, corners clockwise on the screen."""
        xs, ys = [x for x, _ in corners], [y for _, y in corners]

        def distance(x: Field, y: Field) -> Field:
            sides = []
            for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
                length = hypot(x1 - x0, y1 - y0)
                sides.append(((x - x0) * (y0 - y1) + (y - y0) * (x1 - x0)) / -length)
            result: Field = np.maximum.reduce(sides)
            return result

        self.fill((min(xs), min(ys), max(xs), max(ys)), distance, colour, opacity)

    def stroke(self, start: Point, end: Point, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A line with round ends."""
        (x0, y0), (x1, y1) = start, end
        dx, dy = x1 - x0, y1 - y0
        squared = dx * dx + dy * dy or 1.0

        def distance(x: Field, y: Field) -> Field:
            along = np.clip(((x - x0) * dx + (y - y0) * dy) / squared, 0.0, 1.0)
            from_x: Field = x - np.float32(x0) - along * np.float32(dx)
            from_y: Field = y - np.float32(y0) - along * np.float32(dy)
            return _length(from_x, from_y) - np.float32(width / 2)

        box = (min(x0, x1) - width, min(y0, y1) - width, max(x0, x1) + width, max(y0, y1) + width)
        self.fill(box, distance, colour, opacity)

    def text(self, text: str, centre: Point, height: float, colour: Colour, weight: float = 0.13) -> None:
        """Digits and the few signs of `_glyph`, centred; `weight` is the line width relative to the height."""
        advance = 0.74 * height
        left = centre[0] - advance * (len(text) - 1) / 2
        for i, sign in enumerate(text):
            for (x0, y0), (x1, y1) in _glyph(sign):
                x, y = left + i * advance, centre[1]
                start, end = (x + x0 * height, y + y0 * height), (x + x1 * height, y + y1 * height)
                self.stroke(start, end, weight * height, colour)


def _length(x: Field, y: Field) -> Field:
    """Distance from the origin."""
    result: Field = np.hypot(x, y)
    return result


def encode_png(picture: Uint8s) -> bytes:
    """A picture uint8[H, W, 3] as the bytes of a PNG file (W3C Portable Network Graphics, 8-bit RGB, no filter)."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each row begins with its filter, 0
    rows[:, 1:] = picture.reshape(height, -1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    parts = [struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse from angle `start` to `end` in quarter turns, 0 at three o'clock, clockwise."""
    steps = max(3, ceil(abs(end - start) * 5))
    angles = [(start + (end - start) * k / steps) * pi / 2 for k in range(steps + 1)]
    return [(cx + rx * cos(a), cy + ry * sin(a)) for a in angles]


def _outlines(sign: str) -> list[list[Point]]:
    """The strokes of a sign in a box of height 1 around (0, 0)."""
    outlines: dict[str, list[list[Point]]] = {
        "0": [_arc(0, 0, 0.27, 0.5, 0, 4)],
        "1": [[(-0.16, -0.32), (0.05, -0.5), (0.05, 0.5)]],
        "2": [[*_arc(0, -0.22, 0.27, 0.28, -2, 0.3), (-0.27, 0.5), (0.28, 0.5)]],
        "3": [_arc(-0.02, -0.25, 0.26, 0.25, -1.8, 1), _arc(-0.02, 0.23, 0.28, 0.27, -1, 1.8)],
        "4": [[(0.12, 0.5), (0.12, -0.5), (-0.29, 0.2), (0.3, 0.2)]],
        "5": [[(0.24, -0.5), (-0.2, -0.5), (-0.23, -0.06), *_arc(-0.02, 0.18, 0.28, 0.32, -1.5, 1.7)]],
        "6": [_arc(0, 0.2, 0.27, 0.3, 0, 4), [(-0.27, 0.2), (-0.24, -0.12), (-0.05, -0.38), (0.2, -0.5)]],
        "7": [[(-0.27, -0.5), (0.27, -0.5), (-0.07, 0.5)]],
        "8": [_arc(0, -0.26, 0.23, 0.24, 0, 4), _arc(0, 0.24, 0.28, 0.26, 0, 4)],
        "9": [_arc(0, -0.2, 0.27, 0.3, 0, 4), [(0.27, -0.2), (0.24, 0.12), (0.05, 0.38), (-0.2, 0.5)]],
        "-": [[(-0.2, 0.0), (0.2, 0.0)]],
        "+": [[(-0.25, 0.0), (0.25, 0.0)], [(0.0, -0.25), (0.0, 0.25)]],
        "/": [[(-0.2, 0.5), (0.2, -0.5)]],
    }
    return outlines[sign]


@lru_cache(maxsize=32)
def _glyph(sign: str) -> list[tuple[Point, Point]]:
    """The straight pieces of a sign."""
    return [piece for outline in _outlines(sign) for piece in pairwise(outline)]
