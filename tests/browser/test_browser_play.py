"""Whole matches through the page, by mouse, by keyboard alone and on a phone; undo, drag, tutor, two tabs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser.driver import Fingers, Hands, Keys, Mouse, Site, Visit, open_context, play_to_the_end


def is_match_over(seen: dict[str, Any]) -> bool:
    return "again" in seen["buttons"]


def assert_match_was_played(site: Site, game_id: str, counts: dict[str, int]) -> None:
    view = site.ask("games/show", id=game_id)
    assert view["is_session_over"]
    assert max(view["points"]) >= view["length"]
    assert counts["moves"] > 10


@pytest.mark.parametrize("hands", [Mouse, Keys])
def test_a_match_to_3_points_with_the_cube(visit: Visit, hands: type[Hands]) -> None:
    game_id = visit.new_game(length=3, seed=11)
    visit.page.locator(".spot[tabindex='0']").focus()

    counts = play_to_the_end(visit, hands(visit.page), is_match_over)
    assert_match_was_played(visit.site, game_id, counts)
    assert counts["double"] >= 1
    assert visit.shown_board() == visit.site.ask("games/show", id=game_id)["board"]


def test_a_match_on_a_touch_phone(browser: Browser, site: Site) -> None:
    context = open_context(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visit = Visit(context.new_page(), site)
    game_id = visit.new_game(length=3, seed=4)
    page = visit.page
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    counts = play_to_the_end(visit, Fingers(page), is_match_over)
    assert_match_was_played(site, game_id, counts)
    context.close()
    assert visit.faults == []


def test_a_random_clicker_reaches_the_end_and_page_and_server_agree_at_every_turn(visit: Visit) -> None:
    rng = np.random.default_rng(7)
    for seed in range(2):  # a hundred games: python -m scripts.bench_web --games 100
        game_id = visit.new_game(length=0, seed=seed)

        def agree(game_id: str = game_id) -> None:
            assert visit.shown_board() == visit.site.ask("games/show", id=game_id)["board"]

        play_to_the_end(visit, Mouse(visit.page), lambda seen: "next-game" in seen["buttons"], agree, rng)
        agree()


def spot(visit: Visit, location: int) -> tuple[float, float]:
    """The middle of a point."""
    box = visit.page.locator(f".spot[data-location='{location}']").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


OPENING = "XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10"


def test_drag_over_two_hops_drag_back_undo_and_swap_of_dice(visit: Visit) -> None:
    visit.new_game(position=OPENING)
    page = visit.page

    def drag(source: int, target: int) -> None:
        page.mouse.move(*spot(visit, source))
        page.mouse.down()
        page.mouse.move(*spot(visit, 7), steps=3)
        page.mouse.move(*spot(visit, target), steps=3)
        page.mouse.up()

    start = visit.shown_board()
    drag(24, 20)  # both dice in one drag
    board = visit.shown_board()
    assert (board[24], board[20]) == (1, 1)
    assert page.locator("#done").is_enabled()
    page.keyboard.press("z")
    assert visit.shown_board()[20] == 0
    page.keyboard.press("Backspace")
    assert visit.shown_board() == start
    drag(13, 10)
    drag(10, 13)
    assert visit.shown_board() == start
    page.mouse.click(*spot(visit, 8))  # the higher die leads
    assert visit.shown_board()[5] == 1
    page.keyboard.press("z")
    page.keyboard.press("x")
    page.mouse.click(*spot(visit, 8))  # swapped: the lower one
    assert visit.shown_board()[7] == 1
    page.keyboard.press("z")
    page.mouse.click(*spot(visit, 8), button="right")  # the other die by the right button
    assert visit.shown_board()[5] == 1
    page.keyboard.press("z")
    page.mouse.click(*spot(visit, 5))  # a click on an empty point makes it
    assert visit.shown_board()[5] == 2


def test_the_tutor_speaks_shows_the_best_and_takes_back(visit: Visit) -> None:
    game_id = visit.new_game(position=OPENING, tutor=0.02)
    page = visit.page
    page.fill("input[aria-label='Type a play']", "24/23 13/10")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tutor-title")
    assert "8/5 6/5 is best: it holds the 5-point" in page.locator("#tutor-text").inner_text()
    assert page.locator(".arrow.best").count() == 2
    assert page.evaluate("() => document.activeElement.id") == "tutor-back"
    page.keyboard.press("Enter")
    assert page.locator("#tutor-title").count() == 0
    assert visit.site.ask("games/show", id=game_id)["version"] == 0
    page.keyboard.press("h")
    page.wait_for_selector("button.pick")
    page.click("button.pick >> nth=0")
    page.keyboard.press(" ")
    page.wait_for_selector(".log li >> nth=1")
    assert "31: 8/5 6/5" in page.locator(".log li >> nth=0").inner_text()


def test_two_tabs_see_one_game_and_a_stale_turn_is_redrawn(browser: Browser, site: Site) -> None:
    context = open_context(browser)
    first, second = Visit(context.new_page(), site), Visit(context.new_page(), site)
    game_id = first.new_game(position=OPENING)
    second.page.goto(site.url(f"play/{game_id}"))
    second.page.wait_for_selector(".spot")
    assert second.shown_board() == first.shown_board()
    for visit, text in ((first, "8/5 6/5"), (second, "13/9")):
        visit.page.fill("input[aria-label='Type a play']", text)
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(".log li >> nth=1")
    assert "has not seen the last turn" in second.page.locator(".message.bad").inner_text()
    assert "8/5 6/5" in second.page.locator(".log li >> nth=0").inner_text()
    assert second.shown_board() == site.ask("games/show", id=game_id)["board"]
    context.close()
    assert first.faults == second.faults == []


def test_the_geometry_of_the_page_is_that_of_the_report(visit: Visit) -> None:
    from xml.etree import ElementTree

    from backgammon.notation.svg import board_svg
    from backgammon.rules.board import Position

    visit.new_game(position=OPENING)
    drawn = ElementTree.fromstring(board_svg(Position.start()))
    wanted = sorted((float(one.get("cx", 0)), float(one.get("cy", 0))) for one in drawn.findall("{*}circle"))
    found = visit.page.evaluate(
        "() => [...document.querySelectorAll('.checker')].map((node) => "
        "node.getAttribute('transform').match(/[-\\d.]+/g).map(Number))"
    )
    assert sorted(map(tuple, found)) == wanted


def test_a_screen_reader_hears_the_board_and_the_turn(visit: Visit) -> None:
    visit.new_game(position=OPENING)
    page = visit.page
    tree = page.locator("main").aria_snapshot()
    assert '- button "Point 13, 5 yours, can move"' in tree
    assert '- button "Point 12, 5 of the opponent"' in tree
    assert '- button "Tray, empty"' in tree
    page.mouse.click(*spot(visit, 8))
    assert page.locator("#live").inner_text() == "8 to 5"
