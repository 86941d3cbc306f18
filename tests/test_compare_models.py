"""Two models on fresh decisions: only what they choose differently is judged, and that is enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.shards import open_shards
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.teach.shard_labels import label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.rules import ragged
from backgammon.tools.jobs.workers import ThreadWorkers
from scripts import compare_models

STUDENT = str(Path(__file__).resolve().parent.parent / "data" / "student" / "student.safetensors")
ARGUMENTS = ["default", STUDENT, "--player", "model", "--judge", "model", "--games", "12", "--seed", "4"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the program prints; its folder is tmp_path."""
    monkeypatch.setattr(compare_models, "ProcessWorkers", ThreadWorkers)
    found = CliRunner().invoke(compare_models.main, [str(tmp_path), *ARGUMENTS], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


def test_the_difference_is_what_judging_everything_gives(run: str, tmp_path: Path) -> None:
    shards = open_shards(next(path for path in tmp_path.glob("games-*") if path.is_dir()))
    label_shards(shards, pack_teacher(TeacherSpec()), tmp_path / "all")
    judged = open_shards(tmp_path / "all")
    rows = np.flatnonzero(judged.counts[:] > 1)
    assert judged.equities is not None
    values = []
    for model in (None, STUDENT):
        picks = build_engine(EngineSpec(model)).choose(np.array(judged.boards[rows]), np.array(judged.dice[rows]))
        values.append(judged.equities[judged.offsets[rows] + picks].astype(np.float64))
    more = 1000 * (values[0] - values[1])
    line = next(line for line in run.splitlines() if line.startswith("all "))
    assert line.split()[1] == f"{len(rows):,}"
    assert float(line.split()[2]) == pytest.approx(more.mean(), abs=6e-4)
    best = ragged.largest(judged.equities, judged.offsets)[rows]
    assert (best - values[0]).mean() < (best - values[1]).mean()  # the judge is the first model


def test_only_what_differs_is_judged(run: str, tmp_path: Path) -> None:
    asked = open_shards(next(path for path in tmp_path.glob("judged-*") if not path.name.endswith("-asked")))
    shards = open_shards(next(tmp_path.glob("games-*")))
    share = float(next(line for line in run.splitlines() if "of the choices differ" in line).split()[1])
    assert 0 < len(asked) < len(shards) / 2
    assert len(asked) == round(share * int((shards.counts[:] > 1).sum()))


def test_a_model_does_not_differ_from_itself(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "default", "default", *ARGUMENTS[2:]]
    found = CliRunner().invoke(compare_models.main, arguments, catch_exceptions=False)
    assert "0.0000 of the choices differ" in found.stdout
    assert not list(tmp_path.glob("judged-*"))


def test_one_model_is_not_enough(tmp_path: Path) -> None:
    found = CliRunner().invoke(compare_models.main, [str(tmp_path), "default"])
    assert found.exit_code == 2
    assert "name two models or more" in found.output
