"""Cube decisions from our own play as labels: what is written is read, repeats itself, and is a judge's own answer."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.cube.cube_net import read_cube_net
from backgammon.cube.stakes import OWN, Stakes
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.stakes_labels import StakesLabel, read_stakes_labels
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules.board import START
from scripts import label_cubes, learn_cube
from scripts.label_cubes import CubeCase, question
from tests.engine_parts import kept_parts


@pytest.fixture(scope="module", autouse=True)
def one_net() -> Iterator[None]:
    with kept_parts():
        yield


def label(out: Path, *options: str) -> list[StakesLabel]:
    words = ["--count", "6", "--plies", "0", "--out", str(out), *options]
    done = CliRunner().invoke(label_cubes.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    reading = read_stakes_labels([out])
    assert not reading.rejected
    return reading.labels


def weights(path: Path) -> list[Any]:
    return [json.loads(line)["w"] for line in lzma.decompress(path.read_bytes()).splitlines()]


def test_labels_are_what_the_engine_answers_and_repeat_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_cubes, "STARTS", (Stakes(),))
    monkeypatch.setattr(label_cubes, "PAIRS", 1)
    found = label(tmp_path / "one.jsonl.xz")
    assert len(found) == 6
    answers = build_engine(EngineSpec()).cube.decide_cubes(
        np.array([one.line.position.board for one in found]), [one.line.stakes for one in found]
    )
    for one, answer in zip(found, answers, strict=True):
        assert one.verdict is not None
        assert one.verdict.equities == pytest.approx(answer.equities, abs=1e-6)
    assert set(weights(tmp_path / "one.jsonl.xz")) <= {1 / label_cubes.CLOSE_SHARE, 1 / label_cubes.FAR_SHARE}
    label(tmp_path / "same.jsonl.xz")
    assert (tmp_path / "one.jsonl.xz").read_bytes() == (tmp_path / "same.jsonl.xz").read_bytes()
    label(tmp_path / "other.jsonl.xz", "--seed", "5")
    assert (tmp_path / "one.jsonl.xz").read_bytes() != (tmp_path / "other.jsonl.xz").read_bytes()


def test_a_wide_draw_has_many_stakes_and_is_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_cubes, "WIDE_ROWS", 1024)
    monkeypatch.setattr(label_cubes, "WIDE_PARTS", 256)
    found = label(tmp_path / "wide.jsonl.xz", "--wide")
    assert len({one.line.stakes for one in found}) > 3
    assert all((one.line.position.board != START).any() for one in found)
    words = [str(tmp_path / "wide.jsonl.xz"), "--out", str(tmp_path / "net.safetensors"), "--passes", "1"]
    done = CliRunner().invoke(learn_cube.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    net = read_cube_net(tmp_path / "net.safetensors")
    assert all(np.isfinite(array).all() for array in net)


def test_gnubg_is_asked_with_its_player_1_on_roll() -> None:
    asked = question(CubeCase(START, Stakes(7, (1, 4), 2, OWN), "1/1", 2.0))
    assert (asked["cube"], asked["owner"], asked["length"], asked["score"]) == (2, 1, 7, [4, 1])
    asked = question(CubeCase(START, Stakes(has_jacoby=True), "1/1", 2.0))
    assert (asked["owner"], asked["length"], asked["jacoby"]) == (-1, 0, True)
    assert sum(map(sum, asked["board"])) == 30


def test_what_another_judge_needs_is_refused(tmp_path: Path) -> None:
    refused = CliRunner().invoke(label_cubes.main, ["--out", str(tmp_path / "x"), "--work", str(tmp_path)])
    assert refused.exit_code == 1
    assert "--work and --preload are for --judge gnubg" in refused.output
