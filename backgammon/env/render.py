"""Render modes: text ("ansi"), a picture ("rgb_array"), or something to look at at once ("human").

"human" opens a window with pygame where pygame is installed and prints the text to the terminal where it is not.
"""

from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec
from typing import Any

from backgammon.env.picture import HEIGHT, WIDTH, draw_picture
from backgammon.env.scene import Scene
from backgammon.notation import BoardNotes, draw_board
from backgammon.rules.board import Position
from backgammon.rules.dice import Roll
from backgammon.tools.arrays import Uint8s
from backgammon.tools.errors import ConfigError, GameError

RENDER_MODES = ("ansi", "rgb_array", "human")
RENDER_FPS = 4

Frame = str | Uint8s | None


def draw_text(scene: Scene) -> str:
    """The diagram of `notation.draw_board`, X being seat 0, under a line that says whose turn it is."""
    names = ("X", "O")
    if scene.points:
        title = f"{names[scene.seat]} wins {abs(scene.points)}"
    else:
        left = [scene.dice[0]] * scene.num_left[0] + [scene.dice[-1]] * scene.num_left[1]
        still = "" if len(left) == len(scene.dice) else f", still to play {''.join(map(str, left))}"
        title = f"{names[scene.seat]} to play {scene.dice[0]}{scene.dice[1]}{still}"
    is_own_roll = scene.seat == 0 and not scene.points
    notes = BoardNotes(
        x_name="X (seat 0)",
        o_name="O (seat 1)",
        points=scene.score,
        length=scene.match_length if scene.score is not None else None,
        roll=Roll(scene.dice[0], scene.dice[1]) if is_own_roll else None,
        title=title,
    )
    return draw_board(Position(scene.board), notes) + "\n"


class Renderer:
    """Shows scenes in one mode; the window, if there is one, stays open until `close`."""

    def __init__(self, mode: str | None) -> None:
        """Check the mode; None is allowed and refuses to show anything.

        Raises:
            ConfigError: a mode that does not exist.
        """
        if mode is not None and mode not in RENDER_MODES:
            raise ConfigError(f"render_mode {mode!r}: give one of {', '.join(RENDER_MODES)}, or None")
        self._mode = mode
        self._window: _Window | None = None

    def show(self, scene: Scene) -> Frame:
        """The text or picture; None after showing it to a human.

        Raises:
            GameError: no render mode was chosen.
        """
        if self._mode == "ansi":
            return draw_text(scene)
        if self._mode == "rgb_array":
            return draw_picture(scene)
        if self._mode is None:
            raise GameError(f"make the environment with render_mode set to one of {', '.join(RENDER_MODES)}")
        if find_spec("pygame") is None:
            sys.stdout.write(draw_text(scene) + "\n")
        else:
            self._window = self._window or _Window()
            self._window.show(draw_picture(scene))
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None


class _Window:
    """A pygame window; pygame is imported here only."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pygame 2.6 warns about its own use of pkg_resources
            import pygame

        self._pygame: Any = pygame
        pygame.display.init()
        pygame.display.set_caption("Backgammon")
        self._surface = pygame.display.set_mode((WIDTH, HEIGHT))
        self._clock = pygame.time.Clock()

    def show(self, picture: Uint8s) -> None:
        """Put the picture on the screen; waits as long as the frame rate asks."""
        self._pygame.event.pump()
        self._pygame.surfarray.blit_array(self._surface, picture.swapaxes(0, 1))
        self._pygame.display.flip()
        self._clock.tick(RENDER_FPS)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
