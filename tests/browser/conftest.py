"""One server and one browser for all tests of the board, a fresh page for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.driver import Site, Visit, open_context, running_site, start_browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with start_browser() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A page on a desktop; at the end nothing may have gone wrong in it."""
    context = open_context(browser)
    found = Visit(context.new_page(), site)
    yield found
    context.close()
    assert found.faults == []
