"""Labels of decisions drawn from shards: one line a decision, the same for any number of workers."""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backgammon.learner.data.shards import Shards, build_shards
from backgammon.notation import parse_position_ids, position_ids
from backgammon.rules.board import swap
from backgammon.rules.movegen import legal_candidates
from scripts import label_decisions
from tests.played_games import taste_games


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    return build_shards(taste_games(2, seed=3), tmp_path / "shards")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["label_decisions", *arguments])
    return label_decisions.main()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().splitlines()]


def test_decisions_are_drawn_once_and_unforced(shards: Shards) -> None:
    rows = label_decisions.draw_rows(shards, 20, 1)
    assert len(rows) == 20
    assert (np.diff(rows) > 0).all()
    assert (np.array(shards.counts)[rows] > 1).all()
    assert (label_decisions.draw_rows(shards, 20, 2) != rows).any()
    assert len(label_decisions.draw_rows(shards, 10**6, 1)) == (np.array(shards.counts) > 1).sum()


def test_every_candidate_stands_in_the_line_best_first(
    shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gnubg")
    outs = [tmp_path / f"{workers}.jsonl.xz" for workers in (1, 2)]
    for workers, out in enumerate(outs, 1):
        options = ("--sample", "60", "--plies", "1", "--workers", str(workers), "--out", str(out))
        assert run(monkeypatch, str(shards.path), *options) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    lines = read(outs[0])
    rows = label_decisions.draw_rows(shards, 60, 1)
    assert len(lines) == len(rows) == 60
    for line, row in zip(lines, rows, strict=True):
        board = np.array(shards.boards[row])
        assert (parse_position_ids([line["id"]])[0] == board).all()
        candidates, _ = legal_candidates(board[None], np.array([line["dice"]], dtype=np.int8))
        ids = position_ids(swap(candidates))
        assert line["played"] == ids[shards.chosen[row]]
        assert sorted(one[0] for one in line["cands"]) == sorted(ids)
        searched = [equity for _, equity, ply in line["cands"] if ply == 1]
        assert searched == sorted(searched, reverse=True)
        assert 1 <= len(searched) <= 8
    assert run(monkeypatch, str(shards.path), "--out", str(outs[0])) == 1
    assert "exists already" in capsys.readouterr().err


def test_without_the_package_it_says_what_to_install(
    shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gnubg", None)
    assert run(monkeypatch, str(shards.path), "--out", str(tmp_path / "x.jsonl.xz")) == 1
    assert "pip install -e '.[peers]'" in capsys.readouterr().err
