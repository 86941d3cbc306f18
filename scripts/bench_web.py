"""What a person at the board waits for, in a real Chromium: a click, the engine's answer, the first page.

    make bench-web                               prints medians and the 95th percentile
    python -m scripts.bench_web --games 100      the random clicker: so many games to the end, server and page compared
    python -m scripts.bench_web --requests 1000  so many games by requests alone, for the server's memory

A click is timed inside the page, from the pointer's release to the first frame after the checkers were drawn anew; the
engine's answer from the sending of a request to its last byte; the first page from the address to the drawn lobby.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from scripts.program import program
from tests.browser.driver import Mouse, Site, Visit, open_context, play_to_the_end, running_site, start_browser
from tests.web_boards import next_action

WATCH = """() => {
  window.clicks = [];
  let pressed = 0;
  document.addEventListener('pointerup', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (!pressed) return;
    const from = pressed;
    pressed = 0;
    requestAnimationFrame(() => window.clicks.push(performance.now() - from));
  }).observe(document.querySelector('svg.board'), { subtree: true, childList: true });
}"""
"""Times each click until the frame in which its checkers are drawn."""


@program(__doc__)
@click.option("--games", type=click.IntRange(min=0), default=0, help="Games of the random clicker, after the times.")
@click.option("--requests", type=click.IntRange(min=0), default=0, help="Games by requests alone, after those.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
def main(games: int, requests: int, seed: int) -> None:
    """Print the times, then play."""
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), 7200) as site, start_browser() as browser:
        context = open_context(browser)
        visit = Visit(context.new_page(), site)
        _show("first page, warm", _time_pages(visit))
        times, answers = _time_clicks(visit, seed)
        _show("click to redrawn board", times)
        _show("answer of the engine at 1-ply, cube included", answers)
        moves = 0
        for game in range(games):
            moves += _play_game(visit, seed + game)
        click.echo(f"{games} games by clicks, {moves} moves: page and server agree, no stuck state")
        click.echo(f"server: {_resident_mb(site):.0f} MB resident")
        for game in range(requests):
            _request_game(site, seed + game)
            if (game + 1) % 100 == 0:
                click.echo(f"{game + 1} games by requests: server {_resident_mb(site):.0f} MB resident")
        assert visit.faults == []


def _show(name: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    click.echo(f"{name}: median {statistics.median(ordered):.0f} ms, 95 % {high:.0f} ms ({len(ordered)} times)")


def _time_pages(visit: Visit) -> list[float]:
    found = []
    for _ in range(6):
        start = time.perf_counter()
        visit.page.goto(visit.site.url("play"))
        visit.page.reload()
        visit.page.wait_for_selector("#new-game")
        found.append(1000 * (time.perf_counter() - start))
    return found[1:]


def _time_clicks(visit: Visit, seed: int) -> tuple[list[float], list[float]]:
    """Milliseconds of every click and of every answer of the engine, over one game at 1-ply."""
    answers: list[float] = []

    def note(request: Any) -> None:
        if request.url.endswith("/games/act") and '"action":"go"' in (request.post_data or ""):
            answers.append(request.timing["responseEnd"] - request.timing["requestStart"])

    visit.page.on("requestfinished", note)
    visit.new_game(length=0, seed=seed, plies=1)
    visit.page.evaluate(WATCH)
    play_to_the_end(visit, Mouse(visit.page), lambda seen: "next-game" in seen["buttons"])
    return list(visit.page.evaluate("() => window.clicks")), answers


def _play_game(visit: Visit, seed: int) -> int:
    """One game of the random clicker; gives the moves that it made."""
    game_id = visit.new_game(length=0, seed=seed)

    def agree() -> None:
        assert visit.shown_board() == visit.site.ask("games/show", id=game_id)["board"], (game_id, seed)

    rng = np.random.default_rng(seed)
    counts = play_to_the_end(visit, Mouse(visit.page), lambda seen: "next-game" in seen["buttons"], agree, rng)
    agree()
    return counts.get("moves", 0)


def _request_game(site: Site, seed: int) -> None:
    """One game without the page."""
    view = site.ask("games/new", seed=seed, tutor=0, level="full", plies=0)
    while not view["result"]:
        view = site.ask("games/act", id=view["id"], version=view["version"], **next_action(view))


def _resident_mb(site: Site) -> float:
    """Memory of the server."""
    for line in Path(f"/proc/{site.process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no memory is told")


if __name__ == "__main__":
    main()
