"""The pictures of the board in the browser that the documents show: `python -m scripts.web_pictures` (needs chromium).

Play, tutor and review, each on a desktop and on a phone; the phone's review in the dark.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click
from playwright.sync_api import Browser

from scripts.program import program
from tests.browser.driver import ROOT, Site, Visit, open_context, running_site, start_browser

DESKTOP = {"viewport": {"width": 1120, "height": 680}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
LOG = ROOT / "tests" / "vectors" / "logs" / "gnubg-match5.mat"


@program(__doc__)
@click.option("--out", default=str(ROOT / "docs" / "web"), show_default=True, help="Folder of the pictures.")
def main(out: str) -> None:
    """Take the pictures."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running_site(Path(data)) as site, start_browser() as browser:
        number = _judge(site, browser)
        for name, settings in (("desktop", DESKTOP), ("phone", PHONE)):
            _picture(browser, site, settings, folder / f"play-{name}.png", _play)
            _picture(browser, site, settings, folder / f"tutor-{name}.png", _tutor)
            dark = settings if name == "desktop" else {**settings, "color_scheme": "dark"}
            _picture(browser, site, dark, folder / f"review-{name}.png", lambda visit: _review(visit, number))


def _picture(browser: Browser, site: Site, settings: object, path: Path, show: object) -> None:
    assert isinstance(settings, dict)
    assert callable(show)
    context = open_context(browser, **settings)
    visit = Visit(context.new_page(), site)
    show(visit)
    visit.page.wait_for_timeout(300)
    visit.page.screenshot(path=path)
    context.close()
    assert visit.faults == []
    click.echo(f"{path}: {path.stat().st_size // 1024} KB")


def _judge(site: Site, browser: Browser) -> int:
    """A match to review."""
    context = open_context(browser)
    visit = Visit(context.new_page(), site)
    visit.page.goto(site.url("review"))
    visit.page.set_input_files("#file", LOG)
    visit.page.wait_for_selector(".review-board", timeout=200_000)
    context.close()
    return int(site.ask("matches/list")["matches"][0]["id"])


def _play(visit: Visit) -> None:
    visit.new_game(length=5, seed=2, plies=1, name="Ann")
    deadline = time.monotonic() + 60
    while len(visit.page.locator(".log li").all()) < 7 and time.monotonic() < deadline:
        visit.page.wait_for_timeout(60)
        if visit.page.locator("#roll").count():
            visit.page.keyboard.press(" ")
        elif visit.page.locator(".spot.movable").count():
            visit.page.keyboard.press("h")
            visit.page.click("button.pick >> nth=0")
            visit.page.keyboard.press(" ")
    visit.page.wait_for_selector("#roll, .spot.movable")
    if visit.page.locator("#roll").count():
        visit.page.keyboard.press(" ")
        visit.page.wait_for_selector(".spot.movable")


def _tutor(visit: Visit) -> None:
    visit.new_game(position="XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10", tutor=0.02, plies=1, name="Ann")
    visit.page.fill("input[aria-label='Type a play']", "24/23 13/10")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#tutor-title")
    if visit.page.viewport_size and visit.page.viewport_size["width"] < 500:
        visit.page.evaluate("() => scrollTo(0, 0)")


def _review(visit: Visit, number: int) -> None:
    visit.page.goto(visit.site.url(f"review/{number}"))
    visit.page.wait_for_selector(".review-board")


if __name__ == "__main__":
    main()
