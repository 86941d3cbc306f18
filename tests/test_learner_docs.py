"""The page about the learner runs."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "learner.md"


def test_every_example_of_the_page_runs() -> None:
    failures, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 15
    assert failures == 0
