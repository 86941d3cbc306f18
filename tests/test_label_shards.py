"""The labelling script: every candidate judged once, for the mover, in parts that can be taken up again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.evaluation.outcome import cumulative
from backgammon.learner.data.comparisons import make_comparisons
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice
from backgammon.tools.errors import ConfigError, DataError
from comparison_net.checkpoint import save_model
from comparison_net.network_config import NetworkConfig
from scripts import label_shards
from scripts.label_shards import GnubgTeacher, TeacherChoice, make_teacher
from tests.played_games import taste_games
from tests.taste_labels import taste_labels, taste_outcomes

TASTE = TeacherChoice("taste")


class TasteTeacher:
    """Knows the chances of `taste_labels`, but nothing of games that are over."""

    name = identity = "taste"

    def chances(self, positions: Boards, dice: Dice) -> npt.NDArray[np.floating[Any]]:
        candidates, _ = legal_candidates(positions, dice)
        found = cumulative(taste_outcomes(candidates))
        found[~(candidates > 0).any(axis=1)] = np.nan
        return found


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    monkeypatch.setattr(label_shards, "make_teacher", lambda _: TasteTeacher())
    monkeypatch.setattr(label_shards, "_teachers", {})
    return build_shards(taste_games(6, seed=3), tmp_path / "shards")


def test_every_candidate_gets_its_label(shards: Shards, tmp_path: Path) -> None:
    labelled = label_shards.label_shards(shards.path, TASTE, tmp_path / "out", workers=1, chunk=50)
    equities, outcomes = taste_labels(shards)
    assert labelled.equities is not None
    assert labelled.outcomes is not None
    np.testing.assert_allclose(labelled.equities, equities, atol=1e-6)
    assert np.abs(labelled.outcomes.astype(int) - outcomes).max() <= 1
    assert labelled.manifest.teacher == "taste"
    assert labelled.chosen.tolist() == shards.chosen.tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "shards"], "the parts are gone"


def test_the_teacher_may_choose(shards: Shards, tmp_path: Path) -> None:
    chooser = TeacherChoice("taste", chooses=True)
    labelled = label_shards.label_shards(shards.path, chooser, tmp_path / "out", workers=1)
    batch = make_comparisons(labelled, np.arange(len(labelled)))
    assert not batch.value_losses(batch.chosen).any()


def test_an_experts_choice_may_count_as_evidence(shards: Shards, tmp_path: Path) -> None:
    plain = label_shards.label_shards(shards.path, TASTE, tmp_path / "plain", workers=1)
    choice = TASTE._replace(bonus=0.25)
    raised = label_shards.label_shards(shards.path, choice, tmp_path / "raised", workers=1)
    assert plain.equities is not None
    assert raised.equities is not None
    difference = np.array(raised.equities) - plain.equities
    places = raised.offsets[:-1] + raised.chosen
    np.testing.assert_allclose(difference[places], 0.25, atol=1e-6)
    assert not np.delete(difference, places).any()
    assert np.array_equal(np.array(raised.outcomes), np.array(plain.outcomes))
    chooser = choice._replace(chooses=True, bonus=9.0)
    assert label_shards.label_shards(shards.path, chooser, tmp_path / "sure", workers=1).chosen.tolist() == (
        shards.chosen.tolist()
    ), "the teacher chooses after the bonus"


def test_work_that_was_interrupted_goes_on(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label_part = label_shards.label_part
    done: list[int] = []

    def until_two(part: label_shards.Part) -> int:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part.first)
        return label_part(part)

    monkeypatch.setattr(label_shards, "label_part", until_two)
    with pytest.raises(KeyboardInterrupt):
        label_shards.label_shards(shards.path, TASTE, tmp_path / "out", workers=1, chunk=50)
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="parts of other work"):
        label_shards.label_shards(shards.path, TASTE, tmp_path / "out", workers=1, chunk=60)
    again: list[int] = []

    def noting(part: label_shards.Part) -> int:
        again.append(part.first)
        return label_part(part)

    monkeypatch.setattr(label_shards, "label_part", noting)
    resumed = label_shards.label_shards(shards.path, TASTE, tmp_path / "out", workers=1, chunk=50)
    assert again == list(range(100, len(shards), 50))
    whole = label_shards.label_shards(shards.path, TASTE, tmp_path / "whole", workers=1, chunk=1000)
    assert resumed.manifest.fingerprint == whole.manifest.fingerprint
    with pytest.raises(DataError, match="exists already"):
        label_shards.label_shards(shards.path, TASTE, tmp_path / "out", workers=1)


def test_a_teacher_is_named_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="write gnubg:0"):
        make_teacher(TeacherChoice("gnubg:deep"))
    monkeypatch.setitem(sys.modules, "gnubg", None)
    with pytest.raises(ConfigError, match=r"pip install -e '.\[peers\]'"):
        make_teacher(TeacherChoice("gnubg:0"))


@pytest.mark.parametrize("plies", [0, 1])
def test_gnubg_judges_for_the_mover(plies: int, shards: Shards) -> None:
    """Asked for the same positions by way of `Expert.rank`, which the logs are made with."""
    pytest.importorskip("gnubg")
    teacher = GnubgTeacher(plies)
    rows = np.arange(0, len(open_shards(shards.path)), 23)
    batch = make_comparisons(shards, rows)
    equities, outcomes = label_shards.judge(teacher, batch.context, np.array(shards.dice[rows]))
    assert (outcomes <= 65_000).all()
    for first, last in zip(batch.offsets, batch.offsets[1:], strict=False):
        candidates = batch.items[first:last]
        if not (candidates > 0).any(axis=1).all():
            continue
        ranked = teacher._judge.rank(candidates)
        np.testing.assert_allclose(equities[first:last][ranked.rows], ranked.equities, atol=1e-6)


def test_a_model_is_a_teacher_at_any_depth(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    network = NetworkConfig(hidden=(8,), outcomes=True)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in weight_shapes(network).items()}
    save_model(tmp_path / "tiny.safetensors", make_model(network, weights, "none", {}))
    rows = np.arange(0, len(shards), 40)
    batch = make_comparisons(shards, rows)
    found = {}
    for plies in (0, 1):
        teacher = make_teacher(TeacherChoice(str(tmp_path / "tiny.safetensors"), plies))
        assert teacher.name == f"tiny {plies}-ply"
        found[plies], outcomes = label_shards.judge(teacher, batch.context, np.array(shards.dice[rows]))
        assert (outcomes <= 65_000).all()
    assert len(found[0]) == len(batch.items)
    assert (found[0] != found[1]).any()
    is_over = ~(batch.items > 0).any(axis=1)
    assert (found[0][is_over] == found[1][is_over]).all()
    # Who proposes the replies inside the look-ahead is a part of who judges.
    tiny = TeacherChoice(str(tmp_path / "tiny.safetensors"), 1)
    pruners = ("default", "none", tiny.name)
    assert len({make_teacher(tiny._replace(pruner=pruner)).identity for pruner in pruners}) == 3
    weights = {name: w for name, w in weights.items() if "outcome" not in name}
    save_model(tmp_path / "old.safetensors", make_model(NetworkConfig((8,)), weights, "none", {}))
    with pytest.raises(ConfigError, match="gives no chances"):
        make_teacher(TeacherChoice(str(tmp_path / "old.safetensors")))
