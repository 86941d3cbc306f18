"""Pictures and texts of games."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from backgammon.env import render
from backgammon.env.picture import HEIGHT, WIDTH, draw_picture
from backgammon.env.raster import Canvas, encode_png
from backgammon.env.render import Renderer, draw_text
from backgammon.env.scene import Scene
from backgammon.rules.board import START

LIGHT, DARK = np.array([244, 236, 220]), np.array([44, 42, 50])
OPENING = Scene(START, 0, (6, 3), (1, 1))


def at(
    picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], x: int, y: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    pixel: np.ndarray[tuple[int], np.dtype[np.int64]] = picture[y, x].astype(np.int64)
    return pixel


def test_a_picture_is_an_rgb_array_and_the_same_every_time() -> None:
    picture = draw_picture(OPENING)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    assert (picture == draw_picture(OPENING)).all()
    picture[:] = 0
    assert draw_picture(OPENING).any()


def test_light_checkers_stand_on_the_6_point_bottom_right_and_dark_ones_opposite() -> None:
    picture = draw_picture(OPENING)
    x = 34 + 6 * 48 + 50 + 24
    assert np.abs(at(picture, x + 9, 514) - LIGHT).max() < 15
    assert np.abs(at(picture, x + 9, 58) - DARK).max() < 30


@pytest.mark.parametrize("count", range(16))
def test_every_number_of_checkers_can_be_drawn_everywhere(count: int) -> None:
    pictures = set()
    for index in (1, 12, 13, 24, 25, 0):
        board = np.zeros(26, dtype=np.int8)
        board[index] = -count if index == 0 else count
        board[6 if index != 6 else 7] += 0
        pictures.add(draw_picture(Scene(board, 1, (5, 5, 5, 5), (2, 0), (11, 4), 13)).tobytes())
    assert len(pictures) == (1 if count == 0 else 6)


def test_played_dice_and_the_result_change_the_picture() -> None:
    whole = draw_picture(OPENING)
    half = draw_picture(Scene(START, 0, (6, 3), (0, 1)))
    assert (whole != half).any()
    over = draw_picture(Scene(START, 1, (), (0, 0), points=-2))
    assert np.abs(at(over, WIDTH // 2 - 70, HEIGHT // 2 - 20) - DARK).max() < 30


def test_text_names_who_is_to_play_what_is_left_and_the_result() -> None:
    assert draw_text(OPENING).startswith("X to play 63\n")
    assert draw_text(Scene(START, 1, (6, 3), (0, 1))).startswith("O to play 63, still to play 3\n")
    assert draw_text(Scene(START, 1, (), (0, 0), points=-3)).startswith("O wins 3\n")
    match = draw_text(Scene(START, 0, (2, 2, 2, 2), (3, 0), (1, 4), 7))
    assert "7 point match" in match
    assert "222" in match


def test_without_pygame_a_human_reads_the_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render, "find_spec", lambda _name: None)
    renderer = Renderer("human")
    assert renderer.show(OPENING) is None
    renderer.close()
    assert "167 pips" in capsys.readouterr().out


def test_a_picture_can_be_kept_as_a_png_file() -> None:
    picture = draw_picture(OPENING)
    png = encode_png(picture)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    header, data = png[8:33], png[33:-12]
    assert struct.unpack(">II", header[8:16]) == (WIDTH, HEIGHT)
    assert struct.unpack(">I", data[-4:])[0] == zlib.crc32(data[4:-4])
    rows = np.frombuffer(zlib.decompress(data[8:-4]), dtype=np.uint8).reshape(HEIGHT, 1 + 3 * WIDTH)
    assert (rows[:, 1:].reshape(picture.shape) == picture).all()
    assert not rows[:, 0].any()


def test_shapes_cover_what_they_should() -> None:
    canvas = Canvas(40, 40, (0, 0, 0))
    canvas.polygon([(10, 10), (30, 10), (30, 30), (10, 30)], (255, 255, 255))
    assert canvas.pixels[:, :, 0].sum() / 255 == pytest.approx(400, rel=0.01)
    canvas = Canvas(40, 40, (0, 0, 0))
    canvas.disc((20, 20), 10, (255, 255, 255))
    assert canvas.pixels[:, :, 0].sum() / 255 == pytest.approx(np.pi * 100, rel=0.01)
    canvas.plate((-50, -50, -10, -10), 3, (255, 0, 0))  # outside: nothing happens
    copy = canvas.copy()
    copy.stroke((0, 0), (40, 40), 3, (9, 9, 9))
    assert (copy.pixels != canvas.pixels).any()
