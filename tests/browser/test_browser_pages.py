"""Review, quiz, position and matches through the page; what is refused; nothing from outside; accessibility."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.driver import ROOT, Site, Visit, open_context
from tests.logs import random_game
from tests.xg_files import XgMatch, game_records, xg_file

AXE = Path(os.environ.get("AXE", ROOT / ".venv" / "axe" / "package" / "axe.min.js"))


def xg_match() -> bytes:
    """An .xg of two games between players who know no better."""
    return xg_file([XgMatch(length=0).record(), *game_records(random_game(3)), *game_records(random_game(5))])


def drop(visit: Visit, name: str, data: bytes) -> None:
    """Drop a file on the page."""
    visit.page.evaluate(
        """([name, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name));
          const view = document.getElementById('view');
          for (const kind of ['dragover', 'drop']) {
            view.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
          }
        }""",
        [name, list(data)],
    )


@pytest.fixture(scope="module")
def judged(site: Site, browser: Browser) -> str:
    """The title of a match that has been judged, by dropping it."""
    context = open_context(browser)
    visit = Visit(context.new_page(), site)
    visit.page.goto(site.url("review"))
    visit.page.wait_for_selector("#file")
    visit.page.select_option("select[aria-label='Depth']", "0")
    drop(visit, "match.xg", xg_match())
    visit.page.wait_for_selector(".review-board", timeout=60_000)
    title: str = visit.page.locator("h1").inner_text()
    context.close()
    assert visit.faults == []
    return title


def test_a_dropped_match_opens_at_its_worst_error_and_keys_go_from_error_to_error(visit: Visit, judged: str) -> None:
    page = visit.page
    page.goto(visit.site.url("review"))
    page.click(f"button[aria-label='Open {judged}']")
    page.wait_for_selector(".review-board")
    badge = page.locator(".review-title .badge").inner_text()
    losses = [float(text.strip("−").split()[0]) for text in page.locator(".roll-list .lost").all_inner_texts() if text]
    assert float(badge.strip("−").split()[0]) == max(losses)
    assert page.locator("table.candidates tr.played").count() >= 1
    if "before roll" not in page.locator(".review-title").inner_text():  # a decision about the cube moves nothing
        assert page.locator(".arrow.best").count() >= 1
    before = page.locator(".review-title").inner_text()
    page.keyboard.press("b")
    assert page.locator(".review-title").inner_text() != before
    page.keyboard.press("n")
    assert page.locator(".review-title").inner_text() == before
    page.keyboard.press("ArrowRight")
    assert page.locator(".review-title").inner_text() != before


def play_something(page: Page) -> None:
    for _ in range(8):
        if page.locator("#done").is_enabled():
            break
        box = page.locator(".spot.movable").first.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.press(" ")


def test_the_quiz_asks_an_error_and_says_when_it_comes_back(visit: Visit, judged: str) -> None:  # noqa: ARG001
    page = visit.page
    page.goto(visit.site.url("quiz"))
    page.wait_for_selector("#done, [data-answer]")
    if page.locator("[data-answer]").count():  # the worst error is one of the cube
        page.locator("[data-answer]").first.click()
    else:
        play_something(page)
    verdict = page.locator("#verdict")
    verdict.wait_for()
    assert "comes back in" in verdict.inner_text()
    assert page.locator("table.candidates tr").count() > 2
    with page.expect_download() as download:
        page.click("text=Export for Anki")
    assert download.value.path().read_text().startswith("#separator:tab")


def test_any_id_is_shown_ranked_and_set_up_with_the_mouse(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.site.url("position"))
    page.wait_for_selector("#rank")
    page.fill("#paste", "4HPwATDgc/ABMA")
    page.keyboard.press("Enter")
    page.select_option("label:has-text('Dice') select", "31")
    page.click("#rank")
    page.wait_for_selector("button.pick")
    assert page.locator("button.pick").first.inner_text() == "8/5 6/5"
    box = page.locator(".spot[data-location='8']").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 10, box["y"] + box["height"] - 20, button="right")
    page.wait_for_selector(".spot[data-location='8'][aria-label^='Point 8, 2 yours']")
    page.fill("#paste", "no such thing")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message.bad")


def test_the_matches_are_listed_with_rates(visit: Visit, judged: str) -> None:
    visit.page.goto(visit.site.url("matches"))
    visit.page.wait_for_selector(".chart")
    assert judged in visit.page.locator("main").inner_text()
    assert visit.page.locator("tbody tr").count() >= 3


def test_nothing_is_loaded_from_outside(visit: Visit, judged: str) -> None:  # noqa: ARG001
    for view in ("play", "review", "position", "quiz", "matches"):
        visit.page.goto(visit.site.url(view))
        visit.page.reload()
        visit.page.wait_for_selector("h1", state="attached")
    assert len(visit.loaded) > 20
    assert {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in visit.loaded} == {visit.site.address}


def test_a_page_without_the_key_says_where_it_is(visit: Visit) -> None:
    visit.page.goto(f"{visit.site.address}/")
    assert "pairgammon web" in visit.page.locator(".message.bad").inner_text()


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [
        ({"Host": "evil.example"}, 2, 403),
        ({}, 2, 403),
        ({"X-Pairgammon-Token": "guess"}, 2, 403),
        ({"X-Pairgammon-Token": None}, 20_000, 413),
    ],
)
def test_what_does_not_belong_here_is_refused(
    site: Site, headers: dict[str, str | None], size: int, status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=20)
    sent = {key: site.token if value is None else value for key, value in headers.items()}
    connection.request("POST", "/api/start", b"{}".ljust(size), sent)
    answer = connection.getresponse()
    assert answer.status == status
    assert b'"message"' in answer.read()
    connection.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation_on_the_main_pages(
    browser: Browser, site: Site, judged: str, theme: str
) -> None:
    if not AXE.is_file():
        assert os.environ.get("CI") != "true", f"{AXE} is missing: make test-web fetches it"
        pytest.skip(f"{AXE} is missing")
    context = open_context(browser, color_scheme=theme, bypass_csp=True)
    visit = Visit(context.new_page(), site)
    page = visit.page
    number = next(m["id"] for m in site.ask("matches/list")["matches"] if m["title"] == judged)
    game = site.ask("games/new", position="XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10")["id"]
    found = []
    for view, there in (
        ("play", "#new-game"),
        (f"play/{game}", ".spot"),
        (f"review/{number}", ".review-board"),
        ("position", ".ids code"),
        ("quiz", ".tools, h1"),
        ("matches", ".chart"),
    ):
        page.goto(site.url(view))
        page.reload()
        page.wait_for_selector(there)
        page.add_script_tag(path=AXE)
        report = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        found += [
            (view, one["id"], one["nodes"][0]["html"][:120], one["nodes"][0]["failureSummary"][-200:])
            for one in report["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    context.close()
    assert found == []
