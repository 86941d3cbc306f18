"""A real server in a process of its own, a real Chromium, and hands to play with: mouse, keyboard, fingers.

Used by `make test-web` and `make bench-web` only. Under its content security policy the page itself can evaluate
nothing, so these tests look by the browser's own protocol and wait for what a person would see.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""


STUCK_SECONDS = 60.0
"""Without anything to press, on a machine that does other work too."""


@dataclass(frozen=True)
class Site:
    """A running `pairgammon web`.

    Attributes:
        address: without the key.
        token: the key.
        folder: where it keeps games and errors.
        process_id: of the server.
    """

    address: str
    token: str
    folder: Path
    process_id: int

    def url(self, view: str = "play") -> str:
        return f"{self.address}/#token={self.token}&view={view}"

    def ask(self, name: str, /, **fields: Any) -> Any:
        """What the server says, asked without the page."""
        request = urllib.request.Request(
            f"{self.address}/api/{name}", json.dumps(fields).encode(), {"X-Pairgammon-Token": self.token}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)


@contextmanager
def running_site(folder: Path, seconds: float = 900.0) -> Iterator[Site]:
    """A server that keeps what it keeps in a folder, warmed up, until the end of the block, or for so long."""
    start = "from backgammon.cli import main; main()"
    command = ["-c", start, "web", "--no-browser", "--port", "0", "--data", str(folder)]
    process = subprocess.Popen([sys.executable, "-u", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    watch = threading.Timer(seconds, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"(http://[^/]+)/#token=([\w-]+)&", line)
        assert found, line
        site = Site(found[1], found[2], folder, process.pid)
        site.ask("position/rank", xgid="XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10", plies=1)
        yield site
    finally:
        watch.cancel()
        process.terminate()
        process.communicate()


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Chromium, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_context(browser: Browser, **settings: Any) -> BrowserContext:
    """A fresh browser profile in which nothing is animated."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
    context.set_default_timeout(20_000)
    context.add_init_script(
        "if (!localStorage.getItem('pairgammon-options')) localStorage.setItem('pairgammon-options', '{\"speed\":0}')"
    )
    return context


class Visit:
    """A page with what went wrong in it and what it loaded."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.faults: list[str] = []
        self.loaded: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("request", lambda request: self.loaded.append(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 4" not in text:  # a refusal is no fault
            self.faults.append(text)

    def new_game(self, **settings: Any) -> str:
        """A game set up behind the page's back, opened in it."""
        game_id = str(self.site.ask("games/new", **{"tutor": 0, "level": "full", "plies": 0, **settings})["id"])
        self.page.goto(self.site.url(f"play/{game_id}"))
        self.page.reload()
        self.page.wait_for_selector(".spot")
        return game_id

    def shown_board(self) -> list[int]:
        """The 26 counts as the labels of the board tell them."""
        labels: dict[str, str] = self.page.evaluate(
            "() => Object.fromEntries([...document.querySelectorAll('.spot')].map((spot) => "
            "[spot.dataset.location, spot.getAttribute('aria-label')]))"
        )
        board = [0] * 26
        for location, label in labels.items():
            found = re.search(r", (\d+) (yours|of the opponent)(?!.*off)", label.split(", can")[0])
            if location != "0" and found:
                count = int(found[1]) * (1 if found[2] == "yours" else -1)
                board[0 if location == "25" and count < 0 else int(location)] = count
            both = re.search(r"yours, (\d+) of the opponent", label)
            if location == "25" and both:
                board[0] = -int(both[1])
        return board


LOOK = """() => {
  const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];
  const at = (node) => middle(node.getBoundingClientRect());
  const buttons = Object.fromEntries([...document.querySelectorAll('main button[id]')]
    .filter((node) => !node.disabled && node.offsetParent !== null).map((node) => [node.id, at(node)]));
  const spots = [...document.querySelectorAll('.spot.movable')]
    .map((node) => [Number(node.dataset.location), ...at(node)]);
  return { buttons, spots };
}"""
"""What can be pressed now: buttons by id and points with a checker that can move, with their middles."""


class Hands(ABC):
    """Presses buttons and points in one of three ways."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @abstractmethod
    def button(self, name: str, place: list[float]) -> None:
        """Press a button."""

    @abstractmethod
    def point(self, location: int, place: list[float]) -> None:
        """Move a checker away from a point."""


class Mouse(Hands):
    def button(self, name: str, place: list[float]) -> None:  # noqa: ARG002 - it needs the place alone
        self.page.mouse.click(*place)

    def point(self, location: int, place: list[float]) -> None:  # noqa: ARG002
        self.page.mouse.click(*place)


class Fingers(Hands):
    def button(self, name: str, place: list[float]) -> None:  # noqa: ARG002 - it needs the place alone
        self.page.touchscreen.tap(*place)

    def point(self, location: int, place: list[float]) -> None:  # noqa: ARG002
        self.page.touchscreen.tap(*place)


KEYS = {"roll": " ", "done": " ", "dance": " ", "next-game": " ", "double": "d", "take": "t", "pass": "p"}
TOP_ROW = [13, 14, 15, 16, 17, 18, 25, 19, 20, 21, 22, 23, 24, 0]
BOTTOM_ROW = [12, 11, 10, 9, 8, 7, 25, 6, 5, 4, 3, 2, 1, 0]


class Keys(Hands):
    """Never touches the mouse: letters, Space, arrows and Enter."""

    def button(self, name: str, place: list[float]) -> None:  # noqa: ARG002 - the keyboard needs no place
        self.page.keyboard.press(KEYS[name])

    def point(self, location: int, place: list[float]) -> None:  # noqa: ARG002
        row = TOP_ROW if location in TOP_ROW else BOTTOM_ROW
        self.page.keyboard.press("ArrowUp" if row is TOP_ROW else "ArrowDown")
        self.page.keyboard.press("Home")
        for _ in range(row.index(location)):
            self.page.keyboard.press("ArrowRight")
        focused = self.page.evaluate("() => document.activeElement.dataset.location")
        assert focused == str(location)
        self.page.keyboard.press("Enter")


def play_to_the_end(
    visit: Visit,
    hands: Hands,
    is_over: Callable[[dict[str, Any]], bool],
    at_turn: Callable[[], None] = lambda: None,
    rng: np.random.Generator | None = None,
) -> dict[str, int]:
    """Press what can be pressed until it is over; gives what was pressed how often.

    Args:
        visit: the page.
        hands: how to press.
        is_over: of what LOOK sees.
        at_turn: called whenever a roll is to be played and nothing has been moved.
        rng: which point to press, and whether to double or take; None for the first, always.
    """
    counts: dict[str, int] = {}
    acted = time.monotonic()
    while True:
        seen = visit.page.evaluate(LOOK)
        buttons, spots = seen["buttons"], seen["spots"]
        if is_over(seen):
            return counts
        if spots and "undo" not in buttons:
            at_turn()
        wanted = [name for name in _wishes(counts, rng) if name in buttons]
        if wanted:
            hands.button(wanted[0], buttons[wanted[0]])
            counts[wanted[0]] = counts.get(wanted[0], 0) + 1
            acted = time.monotonic()
        elif spots:
            location, x, y = spots[0 if rng is None else int(rng.integers(len(spots)))]
            hands.point(location, [x, y])
            counts["moves"] = counts.get("moves", 0) + 1
            acted = time.monotonic()
        else:
            assert time.monotonic() - acted < STUCK_SECONDS, "the page is stuck"
            visit.page.wait_for_timeout(5)


def _wishes(counts: dict[str, int], rng: np.random.Generator | None) -> list[str]:
    """Buttons to press, the best first; the cube is turned at most twice."""
    doubles = ["double"] if counts.get("double", 0) < 2 and (rng is None or rng.random() < 0.1) else []
    answers = ["take", "pass"] if rng is None or rng.random() < 0.7 else ["pass", "take"]
    return ["tutor-anyway", *answers, *doubles, "roll", "dance", "done", "next-game"]
