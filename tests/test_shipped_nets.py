"""Trained files of an earlier version still load, and choose what they chose then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.learner.net.scorer import load_scorer
from backgammon.records import read_logs
from backgammon.rules.board import Board

ROOT = Path(__file__).resolve().parent.parent
NUM_DECISIONS = 10_000
MODELS = {
    "default": None,
    "pruner": ROOT / "backgammon" / "learner" / "net" / "models" / "pruner.safetensors",
    "student": ROOT / "data" / "student" / "student.safetensors",
}


@pytest.fixture(scope="module")
def decisions() -> tuple[Board, Board]:
    """Boards int8[10000, 26] and dice int8[10000, 2]: the first unforced decisions of the held-out logs."""
    boards, dice, found = [], [], 0
    for game in read_logs((str(ROOT / "data" / "logs" / "held-out"),)):
        is_free = np.asarray(game.plays.counts) > 1
        boards.append(np.asarray(game.plays.boards)[is_free])
        dice.append(np.asarray(game.plays.dice)[is_free])
        found += int(is_free.sum())
        if found >= NUM_DECISIONS:
            break
    return np.concatenate(boards)[:NUM_DECISIONS], np.concatenate(dice)[:NUM_DECISIONS]


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_file_chooses_what_it_always_chose(name: str, decisions: tuple[Board, Board]) -> None:
    expected = np.load(ROOT / "tests" / "vectors" / "net-choices.npz")[name]
    np.testing.assert_array_equal(load_scorer(MODELS[name]).choose(*decisions), expected)


def test_the_published_figures_are_those_of_decisions_that_nobody_looked_at_before() -> None:
    """Of the net that ships: another one needs other decisions, drawn after the last choice about it."""
    labels = ROOT / "data" / "judged" / "gnubg-2ply-23501.jsonl.xz"
    done = CliRunner().invoke(main, ["evaluate", str(labels), "--json"], catch_exceptions=False)
    scores = json.loads(done.stdout)["scores"]["overall"]
    assert scores["decisions"] == 12_000
    for page, row in (("README.md", "| 0-ply |"), ("docs/model-card.md", "| **12,000, fresh**")):
        lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
        (line,) = (line for line in lines if line.startswith(row))
        for name, digits in (("agreement", 3), ("loss", 2)):
            assert f"{scores[name]['value']:.{digits}f}".lstrip("0") in line, (page, name)
