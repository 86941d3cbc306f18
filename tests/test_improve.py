"""Rounds of improvement: each from the net of the one before, resumable at any step, to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.learner.data.shards import open_shards
from backgammon.learner.net.model_files import load_model
from backgammon.learner.teach import improvement
from backgammon.learner.teach.improvement import EXPERT_NOISE, Improvement, RoundPlan
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.tools.errors import ConfigError, ModelError
from backgammon.tools.jobs.delivery import is_finished
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import LearnerError
from tests.random_nets import write_random_net

TRAINING = ("batch_decisions=64", "epochs=1", "threads=1")
PLAN = RoundPlan(games=3, noise=(0.0, 0.3), sample=60)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with outcomes that knows nothing."""
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    return write_random_net(path, NetworkConfig(hidden=(8,), outcomes=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, start: Path) -> Path:
    """Two rounds that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    improve(folder / "rounds", start)
    return folder / "rounds"


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything but what tells the time."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.name not in ("log.jsonl", "summary.json", "config.toml", "state.safetensors")
    }


def improve(out: Path, start: Path, rounds: int = 2, plan: RoundPlan = PLAN) -> list[Path]:
    return list(Improvement(out, str(start), plan, settings=TRAINING).run(rounds))


def test_each_round_goes_on_from_the_net_of_the_one_before(whole: Path, start: Path) -> None:
    runs = [whole / "1/run", whole / "2/run"]
    labelled = [open_shards(whole / number / "labelled") for number in "12"]
    assert [len(shards) for shards in labelled] == [60, 60]
    assert [shards.manifest.teacher for shards in labelled] == ["start 1-ply", "model 1-ply"]
    assert len(open_shards(whole / "2/set")) == 120, "the labels of both rounds"
    assert labelled[0].boards.tobytes() != labelled[1].boards.tobytes()
    assert 'start = "' + str(runs[0] / "model.safetensors") in (runs[1] / "config.toml").read_text()
    models = [load_model(path) for path in (start, *runs)]
    for before, after in pairwise(models):
        assert before.network == after.network
        assert any((before.weights[name] != after.weights[name]).any() for name in before.weights)
    again = files_of(whole)
    assert improve(whole, start) == runs, "what is there is left alone"
    assert files_of(whole) == again


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("step", ["play_into_shards", "label_shards", "join_shards", "train_on_shards"])
def test_interrupted_in_any_step_it_goes_on_to_the_same_bytes(
    step: str, tmp_path: Path, start: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = getattr(improvement, step)
    calls: list[int] = []

    def dies(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == (1 if step == "join_shards" else 2):
            raise Killed
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(improvement, step, dies)
        with pytest.raises(Killed):
            improve(tmp_path / "cut", start)
    improve(tmp_path / "cut", start)
    assert files_of(tmp_path / "cut") == files_of(whole)


def test_another_plan_or_net_does_not_go_on(tmp_path: Path, start: Path) -> None:
    improve(tmp_path / "rounds", start, 1)
    with pytest.raises(ConfigError, match="begun with another plan"):
        improve(tmp_path / "rounds", start, 2, RoundPlan(games=4))
    with pytest.raises(ConfigError, match="begun with another training"):
        list(Improvement(tmp_path / "rounds", str(start), PLAN, settings=(*TRAINING, "seed=3")).run(2))
    with pytest.raises(LearnerError, match="device"):
        list(Improvement(tmp_path / "rounds", str(start), PLAN, settings=TRAINING, device="abacus").run(2))
    fewer = (*TRAINING[:-1], "threads=2")
    assert list(Improvement(tmp_path / "rounds", str(start), PLAN, settings=fewer).run(1)), "threads decide nothing"
    with pytest.raises(ConfigError, match="begun with another start"):
        improve(tmp_path / "rounds", tmp_path / "rounds/1/run", 2)


def test_a_student_learns_from_the_choices_of_another_and_its_own_look_ahead(
    tmp_path: Path, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gnubg")
    asked: list[TeacherSpec] = []
    monkeypatch.setattr(improvement, "pack_teacher", lambda spec: asked.append(spec) or pack_teacher(spec))  # type: ignore[func-returns-value]
    plan = RoundPlan(games=3, noise=EXPERT_NOISE, player="gnubg:0", prefer=0.3, pruner="own", sample=80)
    improve(tmp_path / "rounds", start, 1, plan)
    folder = tmp_path / "rounds/1"
    assert [spec.names for spec in asked] == [("gnubg:0",), ("model",)], "nobody else's values"
    assert asked[1].engine.pruner == str(folder / "pruner/model.safetensors"), (
        "what proposes has learnt from these games"
    )
    games, labelled = open_shards(folder / "games"), open_shards(folder / "labelled")
    assert labelled.manifest.teacher == "start 1-ply"
    rows = np.sort(np.random.default_rng(1).permutation(len(games))[:80])
    assert labelled.chosen.tolist() == games.chosen[rows].tolist(), "the expert's choices stay"
    assert sorted(path.name for path in folder.iterdir()) == ["games", "labelled", "pruner", "run"]


def test_a_model_that_is_none_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="/dev/zero: is no file; give a model file or a run folder"):
        next(Improvement(tmp_path / "out", "/dev/zero", PLAN).run(1))
    assert not (tmp_path / "out").exists()


def test_what_does_not_go_together_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_random_net(Path("scores.safetensors"), NetworkConfig(hidden=(8,)))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["improve", "--out", "r", *map(str, arguments)], catch_exceptions=False)

    for options, said in (
        (("--prefer", 0.1), "another player than the net"),
        (("--teacher", "gnubg:0"), "the first teacher is 'model'"),
        (("--games", 0), "at least 1 game"),
        (("--memory", -1), "at least 0 rounds"),
        (("--model", "scores.safetensors"), "gives no chances"),
        (("--rounds", 0), "at least 1"),
    ):
        result = run(*options)
        assert result.exit_code == 1, options
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not Path("r").exists()


def test_a_folder_with_parts_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "games").mkdir()
    assert is_finished(tmp_path / "games")
    (tmp_path / "games.parts").mkdir()
    assert not is_finished(tmp_path / "games")
