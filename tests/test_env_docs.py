"""The examples of docs/environments.md run, in order, as they stand there."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "environments.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) >= 6
    names: dict[str, Any] = {}
    for number, block in enumerate(BLOCKS):
        if "pettingzoo" in block and find_spec("pettingzoo") is None:
            continue
        exec(compile(block, f"{PAGE.name}, example {number + 1}", "exec"), names)
    assert "Position(" in capsys.readouterr().out


def test_the_page_names_every_argument_of_the_environments() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for word in (
        "opponent",
        "reward",
        "match_length",
        "illegal",
        "observation",
        "render_mode",
        "max_candidates",
        "padded",
    ):
        assert f"`{word}" in text or f"{word}=" in text, word
