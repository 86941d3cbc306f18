"""Calibration figures: a perfect prophet has nothing to answer for, a biased one is found out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.measure.calibration import NUM_CLASSES, calibrate, draw_calibration, read_cases
from backgammon.notation.gnu_id import START_ID
from backgammon.records import write_mat
from backgammon.rules.board import START
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import DataError
from comparison_net.network_config import NetworkConfig
from scripts.calibrate import main
from tests.random_nets import write_random_net

LABEL = {
    "id": START_ID,
    "dice": [3, 1],
    "cands": [["sGfwATDgc/ABMA", 0.159, 2, [0.55, 0.17, 0.01, 0.12, 0.005]], ["0HPiATDgc/ABMA", -0.134]],
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    session = Session(("pipcount", "random"), seed=1, num_games=6)
    path = tmp_path / "games.mat"
    path.write_text(write_mat(play_session((PipCountPlayer(), RandomPlayer()), session)), encoding="utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_random_net(tmp_path / "tiny.safetensors", NetworkConfig(hidden=(8,), outcomes=True))


def test_a_prophet_who_knows_the_chances_is_calibrated() -> None:
    rng = np.random.default_rng(1)
    chances = rng.random(200_000)
    found = calibrate("win", chances, (rng.random(200_000) < chances).astype(np.float64), np.arange(200_000))
    assert found.error < 0.005
    assert found.floor == pytest.approx(0, abs=1e-5)
    assert found.brier.value == pytest.approx(1 / 6, abs=0.002), "the integral of p (1 - p)"
    assert [row.cases > 15_000 for row in found.table] == [True] * NUM_CLASSES
    for row in found.table:
        assert row.observed.low is not None
        assert row.observed.high is not None
        assert row.observed.low - 0.01 < row.predicted < row.observed.high + 0.01


def test_against_labels_the_best_log_loss_is_their_own_uncertainty() -> None:
    chances = np.random.default_rng(2).random(1000)
    same = calibrate("win", chances, chances, np.arange(1000))
    assert (same.brier.value, same.error) == (0, 0)
    assert same.log_loss.value == pytest.approx(same.floor)
    shifted = calibrate("win", np.clip(chances + 0.1, 0, 1), chances, np.arange(1000))
    assert shifted.error == pytest.approx(0.095, abs=0.01)
    assert shifted.brier.value == pytest.approx(0.01, abs=0.001)
    assert shifted.log_loss.value > shifted.floor


def test_labels_give_a_case_for_every_judged_candidate(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(LABEL) + "\n")
    cases = read_cases([str(tmp_path / "a.jsonl")])
    assert cases.kind == "labels"
    np.testing.assert_allclose(cases.observed, [[0.55, 0.17, 0.01, 0.12, 0.005]], atol=1e-5)
    assert cases.boards[0][[5, 6, 7, 8]].tolist() == [2, 4, 0, 2], "seen by the player who has just moved"
    (tmp_path / "a.jsonl").write_text(json.dumps({**LABEL, "cands": [["0HPiATDgc/ABMA", -0.134]]}) + "\n")
    with pytest.raises(DataError, match="equities but no chances"):
        read_cases([str(tmp_path / "a.jsonl")])


def test_logs_give_a_case_for_every_play_of_a_finished_game(log: Path) -> None:
    cases = read_cases([str(log)])
    assert cases.kind == "results"
    assert len(np.unique(cases.units)) == 6
    assert set(np.unique(cases.observed)) == {0.0, 1.0}
    assert (cases.boards > 0).any(axis=1).all(), "games that are over are no cases"
    assert not (cases.observed[:, 0] * cases.observed[:, 3]).any(), "who wins loses no gammon"
    openings = (np.abs(cases.boards).sum(axis=1) == np.abs(START).sum()).sum()
    assert openings > 6


def test_the_command_prints_and_draws(model: Path, log: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    text = CliRunner().invoke(main, [str(model), str(log), "--svg", str(picture)], catch_exceptions=False).stdout
    assert text.startswith("tiny: ")
    assert [line.split(":")[0] for line in text.splitlines() if "Brier" in line] == ["win", "gammon won", "gammon lost"]
    root = ElementTree.fromstring(picture.read_text())
    assert root.tag.endswith("svg")
    assert len(root.findall("{*}circle")) >= 3
    figures = json.loads(CliRunner().invoke(main, [str(model), str(log), "--json"]).stdout)
    assert figures["win"]["brier"]["value"] > 0
    refused = CliRunner().invoke(main, [str(model), str(tmp_path / "nowhere")])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: ")


def test_names_in_a_picture_are_escaped() -> None:
    found = calibrate("win", np.full(3, 0.5), np.array([0.0, 1.0, 1.0]), np.zeros(3, dtype=np.int64))
    assert "a &lt;b&gt; &amp; c" in draw_calibration([found], "a <b> & c")
