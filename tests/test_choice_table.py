"""The table of choices against peers: what a line says, on figures that were made up and on a table that was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from scripts import choice_table
from scripts.choice_table import BARS, MODELS, Part, interval, likelihood, read_lines, table_lines, tempered, top_one


def lines(model: str, figures: list[float]) -> dict[tuple[str, str, int], dict[str, Any]]:
    return {
        ("hc", model, split): {"ll": figure, "top1": 0.7, "cpu_seconds": 2.0} for split, figure in enumerate(figures)
    }


def test_differences_are_paired_by_split() -> None:
    own = [-0.8, -0.5, -0.6, -0.4, -0.7]
    done = lines("ranker", own) | lines("xgboost pairwise", [value - 0.1 for value in own])
    row = table_lines(done)[-1]
    assert row.startswith("| hc | -0.6000 ± 0.196 | 0.700 | 2.0 | +0.1000 ± 0.0000 |")
    bar = json.loads(BARS.read_text())["sets"]["hc"]["linear"]["ll_by_split"]
    mean, half = interval(np.array(own) - np.array(bar))
    assert f"{mean:+.4f} ± {half:.4f} (linear -0.635)" in row


def made_table() -> Any:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(240, 2))
    utilities = (x @ [1.5, -1.0] + rng.gumbel(size=240)).reshape(-1, 3)
    chosen = (utilities == utilities.max(axis=1, keepdims=True)).astype(int).ravel()
    sets = np.repeat(np.arange(80), 3)
    frame = {"set_id": sets, "person_id": sets // 2, "alternative": "a", "available": 1, "chosen": chosen}
    return pd.DataFrame({**frame, "x_a": x[:, 0], "x_b": x[:, 1]})


def test_a_part_is_judged_by_its_choices() -> None:
    part = Part.of(made_table())
    right, wrong = part.y * 5.0, part.y * -5.0
    assert top_one(right, part) == 1.0
    assert top_one(wrong, part) == 0.0
    assert top_one(np.zeros(240), part) == pytest.approx(1 / 3)
    assert likelihood(np.zeros(240), part) == pytest.approx(-np.log(3))
    found, scale = tempered(right, part)
    assert found == pytest.approx(0, abs=1e-9)
    assert scale == pytest.approx(np.exp(2.5))


def test_what_was_fitted_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[int] = []

    def fit(name: str, train: Part, tune: Part, seed: int) -> Any:  # noqa: ARG001
        calls.append(seed)
        return lambda part: part.sets.items @ [1.5, -1.0]

    monkeypatch.setattr(choice_table, "read_choices", lambda *_: made_table())
    monkeypatch.setitem(MODELS, "ranker", fit)
    given = ["--out", str(tmp_path / "r.jsonl"), "--set", "hc", "--model", "ranker", "--splits", "3"]
    for _ in range(2):
        done = CliRunner().invoke(choice_table.main, given)
        assert done.exit_code == 0, done.output
    assert calls == [1, 2, 3]
    assert len(read_lines(tmp_path / "r.jsonl")) == 3
    assert "| hc | -" in done.output


def test_a_library_that_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choice_table, "read_choices", lambda *_: made_table())
    monkeypatch.setitem(__import__("sys").modules, "xgboost", None)
    given = ["--out", str(tmp_path / "r.jsonl"), "--set", "hc", "--model", "xgboost pairwise"]
    done = CliRunner().invoke(choice_table.main, given)
    assert done.exit_code == 1
    assert "xgboost pairwise: xgboost is not installed: pip install -e '.[bench-choice]'" in done.output
