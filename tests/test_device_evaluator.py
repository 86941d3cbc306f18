"""A net on a torch device says what the compiled one says; here the device is the processor, in plain torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.comparisons import choice_sets
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.scorer import load_scorer
from backgammon.learner.teach import improvement, teacher
from backgammon.learner.teach.improvement import Improvement, RoundPlan
from backgammon.learner.teach.teacher import TeacherSpec, find_teacher, pack_teacher
from backgammon.learner.training import device_evaluator
from backgammon.learner.training.device_evaluator import DeviceEvaluator, build_device_engine
from backgammon.rules.decisions import Decisions
from backgammon.tools.errors import ModelError
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError
from comparison_net.training.run_state import load_net
from tests.board_nets import ENCODER
from tests.random_nets import write_random_net

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")),
]


def net_in(folder: Path, **shape: Any) -> Path:
    """A small random net with chances."""
    network = NetworkConfig(**{"hidden": (16, 8), "outcomes": True, **shape})
    return write_random_net(folder / "tiny.safetensors", network, seed=7)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "shape", [{}, {"head": "phase", "inputs": "patterns"}, {"score_from": "sum"}, {"context": True}], ids=str
)
def test_a_device_says_what_the_net_says_in_training_and_nearly_what_it_says_at_play(
    shape: dict[str, Any], device: str, tmp_path: Path, random_play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_evaluator, "ROWS", 500)
    monkeypatch.setattr(device_evaluator, "DECISIONS", 30)
    path = net_in(tmp_path, **shape)
    here, there = load_scorer(path), DeviceEvaluator(path, "tiny", device)
    decisions = Decisions.make(random_play[0][:80], random_play[1][:80])
    with torch.no_grad():
        answers = load_net(path, ENCODER).answers(choice_sets(decisions))
    outcomes, scores = answers.probabilities().numpy(), answers.scores.numpy()
    at_play, theirs = here.judge(decisions.candidates), there.judge(decisions.candidates)
    assert at_play.outcomes is not None
    assert theirs.outcomes is not None
    np.testing.assert_allclose(theirs.outcomes, outcomes, rtol=0, atol=1e-6)
    np.testing.assert_allclose(theirs.outcomes, at_play.outcomes, rtol=0, atol=1e-4)
    assert (theirs.outcomes[at_play.outcomes == 0] == 0).all()
    preferred, leanings, again = there.judge_plays(decisions)
    np.testing.assert_allclose(again, outcomes, rtol=0, atol=1e-6)
    np.testing.assert_allclose(leanings, here.judge_plays(decisions).leanings, rtol=0, atol=1e-3)
    is_open = np.isfinite(preferred)
    largest = float(np.abs(scores).max())
    np.testing.assert_allclose(preferred[is_open], scores[is_open], rtol=0, atol=1e-6 * max(1.0, largest))
    np.testing.assert_array_equal(is_open, np.isfinite(here.preferences(decisions)))
    assert there.identity != here.identity
    nothing = there.judge(decisions.candidates[:0]).outcomes
    assert nothing is not None
    assert nothing.shape == (0, 6)


def test_the_net_that_ships_chooses_and_looks_ahead_alike(random_play: Any) -> None:
    here, there = build_engine(EngineSpec(plies=1)), build_device_engine(EngineSpec(plies=1), "cpu")
    boards, dice = random_play[0][:12], random_play[1][:12]
    mine, theirs = here.analyse(boards, dice), there.analyse(boards, dice)
    assert (mine.plies == theirs.plies).all()
    np.testing.assert_allclose(theirs.equities, mine.equities, rtol=0, atol=2e-3)
    np.testing.assert_allclose(theirs.equities[mine.plies == 1], mine.equities[mine.plies == 1], rtol=0, atol=2e-3)


def test_rounds_on_a_device_play_judge_and_learn_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def build(device: str, spec: EngineSpec) -> Any:
        asked.append(f"{device} {spec.plies}-ply")
        return build_device_engine(spec, "cpu")

    here = Improvement(tmp_path / "rounds", str(net_in(tmp_path)), RoundPlan(games=4), device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="this machine has none"):
        list(here.run(1))
    assert not (tmp_path / "rounds").exists()
    monkeypatch.setattr(teacher, "_build_on", build)
    monkeypatch.setattr(improvement, "check_device", lambda _: None)
    with pytest.raises(ConfigError, match="this machine has none"):  # by the training, once the games are labelled
        list(here.run(1))
    assert asked == ["cuda 0-ply", "cuda 1-ply"]
    assert (tmp_path / "rounds" / "1" / "labelled").is_dir()


def test_where_a_teacher_judges_is_part_of_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_build_on", lambda _, spec: build_device_engine(spec, "cpu"))
    spec = EngineSpec(str(net_in(tmp_path)))
    plain, there = pack_teacher(TeacherSpec(engine=spec)), pack_teacher(TeacherSpec(engine=spec, device="cuda"))
    assert plain.values != there.values
    assert "device" not in plain.values
    assert find_teacher(there.values).name == find_teacher(plain.values).name


def test_what_cannot_be_asked_there_is_refused(tmp_path: Path) -> None:
    path = net_in(tmp_path, outcomes=False)
    with pytest.raises(ModelError, match="gives no chances"):
        DeviceEvaluator(path, "tiny", "cpu")
