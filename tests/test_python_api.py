"""The page about Python runs, and what it says stands in the public face."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import backgammon

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "python-api.md"


def test_every_example_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(ROOT)
    failures, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 40
    assert failures == 0


def test_every_field_of_a_specification_stands_in_the_table() -> None:
    from backgammon.engine.engine_spec import EngineSpec

    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| field |") :].split("\n\n")[0]
    assert not [name for name in EngineSpec.__dataclass_fields__ if f"`{name}`" not in table]


def test_every_name_of_the_face_is_there() -> None:
    assert all(callable(getattr(backgammon, name)) for name in backgammon.__all__)
    assert set(dir(backgammon)) == set(backgammon.__all__)
