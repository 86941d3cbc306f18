"""The script that kills commands: each case reads what was prepared for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.kill_resume import CASES, Trial


@pytest.mark.parametrize("name", CASES)
def test_a_case_reads_what_was_prepared_for_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(self: Trial, arguments: Sequence[str], out: Path) -> Any:
        started.append(self._words(arguments, out))

    monkeypatch.setattr(Trial, "_start", start)
    monkeypatch.setattr(Trial, "_finish", lambda *_: None)
    trial = Trial(name, tmp_path, random.Random(1), is_cold=False)
    words = trial._words(CASES[name].command, tmp_path / "plain")
    made = [str(tmp_path / "source"), str(tmp_path / "source.mat")]
    assert [begun[begun.index("--out") + 1] for begun in started] == [word for word in words if word in made]
    assert any(str(tmp_path / "plain") in word for word in words)
