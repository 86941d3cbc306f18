"""Labels looked at a ply deeper: what is judged again, and how the rest of a decision goes along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import cumulative, equities
from backgammon.learner.data.decision_shards import take_decisions, write_labelled_shards
from backgammon.learner.data.shard_format import NOT_JUDGED, PROBABILITY_UNIT
from backgammon.learner.data.shards import Shards, build_shards
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Int64s
from backgammon.tools.errors import ConfigError, DataError
from scripts import label_shards
from scripts.deepening import KEPT, WITHIN, deepen, join_labels, worth_a_look
from scripts.label_shards import TeacherChoice, make_teacher
from tests.played_games import taste_games
from tests.taste_labels import taste_labels, taste_outcomes


class Deeper(Evaluator):
    """Thinks better of every position than the taste of the labels does, by a quarter of its losses."""

    name = "deeper"

    def judge(self, boards: Boards) -> Judgement:
        found = taste_outcomes(boards)
        moved = found[:, 3] / 4
        found[:, 0] += moved
        found[:, 3] -= moved
        return Judgement(None, found)


@pytest.fixture
def labelled(tmp_path: Path) -> Shards:
    shards = build_shards(taste_games(5, seed=2), tmp_path / "shards")
    return write_labelled_shards(shards, *taste_labels(shards), tmp_path / "labelled", "taste")


def test_near_ones_of_open_decisions_are_looked_at() -> None:
    near = WITHIN / 4
    values = [
        [0.5, 0.5 - near, 0.5 - 2 * WITHIN],  # two of three
        [0.1, 0.1 - 2 * WITHIN],  # no rival
        [-0.3 - k * near / KEPT for k in range(KEPT + 3)],  # as many as may be
        [0.2],  # forced
    ]
    offsets = np.cumsum([0, *map(len, values)])
    rows = worth_a_look(np.concatenate([np.array(row, dtype=np.float32) for row in values]), offsets)
    assert rows.tolist() == [0, 1, *(offsets[2] + np.arange(KEPT))]
    alone = worth_a_look(np.concatenate([np.array(row, dtype=np.float32) for row in values]), offsets, least=1)
    assert alone.tolist() == [0, 1, 3, *(offsets[2] + np.arange(KEPT)), offsets[3]]


def test_the_rest_of_a_decision_moves_by_the_mean_difference() -> None:
    old = np.array([0.4, 0.38, -0.2, 0.9, 0.1], dtype=np.float32)
    offsets, rows = np.array([0, 3, 5]), np.array([0, 1])
    found = np.array([[0.75, 0, 0, 0.25, 0, 0], [0.74, 0, 0, 0.26, 0, 0]], dtype=np.float32)  # equities .5 and .48
    chances = np.arange(25, dtype=np.uint16).reshape(5, 5)
    new, new_chances = join_labels(old, chances, offsets, rows, found)
    np.testing.assert_allclose(new, [0.5, 0.48, -0.1, 0.9, 0.1], atol=1e-6)
    assert new_chances[2:].tolist() == chances[2:].tolist()
    assert (new_chances[:2] != chances[:2]).any(axis=1).all()


def test_deeper_labels_of_shards_are_those_of_the_evaluator(labelled: Shards) -> None:
    part = slice(20, 70)
    candidates, offsets = legal_candidates(np.array(labelled.boards[part]), np.array(labelled.dice[part]))
    starts = labelled.offsets
    assert labelled.equities is not None
    old = np.array(labelled.equities[starts[20] : starts[70]])
    found, chances = deepen(Deeper(), labelled, part)
    rows = worth_a_look(old, offsets)
    rows = rows[(candidates[rows] > 0).any(axis=1)]
    assert len(rows) > 20
    expected = Deeper().outcomes(candidates[rows])
    np.testing.assert_allclose(found[rows], equities(expected), atol=1e-6)
    np.testing.assert_allclose(chances[rows] / PROBABILITY_UNIT, cumulative(expected), atol=1e-4)
    counts = np.bincount(np.repeat(np.arange(50), np.diff(offsets))[rows], minlength=50)
    quiet = np.flatnonzero(np.repeat(counts, np.diff(offsets)) == 0)
    assert found[quiet].tobytes() == old[quiet].tobytes()


def test_a_teacher_that_judges_itself_may_forget_what_it_said_at_0_ply(labelled: Shards) -> None:
    part = slice(0, 90)
    candidates, offsets = legal_candidates(np.array(labelled.boards[part]), np.array(labelled.dice[part]))
    starts = labelled.offsets
    assert labelled.equities is not None
    assert labelled.outcomes is not None
    old = np.array(labelled.equities[: starts[90]])
    found, chances = deepen(Deeper(), labelled, part, values_only=True)
    looked = np.zeros(len(old), dtype=np.bool_)
    looked[worth_a_look(old, offsets, least=1)] = True
    assert (np.add.reduceat(looked, offsets[:-1]) > 0).all(), "the best candidate of every decision"
    assert ((chances[:, 0] != NOT_JUDGED) == looked).all()
    is_over = ~(candidates > 0).any(axis=1)
    deep = looked & ~is_over
    np.testing.assert_allclose(found[deep], equities(Deeper().outcomes(candidates[deep])), atol=1e-6)
    np.testing.assert_array_equal(
        chances[looked & is_over], np.array(labelled.outcomes[: starts[90]])[looked & is_over]
    )


def test_decisions_are_taken_with_their_labels(labelled: Shards, tmp_path: Path) -> None:
    rows: Int64s = np.sort(np.random.default_rng(1).permutation(len(labelled))[:40])
    taken = take_decisions(labelled, rows, tmp_path / "taken")
    assert len(taken) == 40
    assert taken.boards.tobytes() == labelled.boards[rows].tobytes()
    assert taken.equities is not None
    assert labelled.equities is not None
    for i, row in enumerate(rows.tolist()):
        mine = taken.equities[taken.offsets[i] : taken.offsets[i + 1]]
        theirs = labelled.equities[labelled.offsets[row] : labelled.offsets[row + 1]]
        assert mine.tobytes() == theirs.tobytes()


def test_a_sample_is_judged_and_its_folder_goes(
    labelled: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = label_shards.EngineTeacher.__new__(label_shards.EngineTeacher)
    teacher._searcher = Deeper()  # type: ignore[assignment]
    monkeypatch.setattr(label_shards.EngineTeacher, "identity", "deeper")
    monkeypatch.setattr(label_shards, "make_teacher", lambda _: teacher)
    monkeypatch.setattr(label_shards, "_teachers", {})
    choice = TeacherChoice("deeper", 1, chooses=True, deepens=True)
    found = label_shards.label_shards(labelled.path, choice, tmp_path / "out", workers=1, chunk=16, sample=50)
    assert len(found) == 50
    assert found.equities is not None
    best = np.maximum.reduceat(found.equities, found.offsets[:-1])
    np.testing.assert_array_equal(found.equities[found.offsets[:-1] + found.chosen], best)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labelled", "out", "shards"]


def test_only_labels_can_be_deepened_and_only_by_a_model(tmp_path: Path) -> None:
    shards = build_shards(taste_games(2, seed=5), tmp_path / "shards")
    choice = TeacherChoice("default", 1, deepens=True)
    with pytest.raises(DataError, match="no labels to deepen"):
        label_shards.label_shards(shards.path, choice, tmp_path / "out", workers=1)
    with pytest.raises(ConfigError, match="with --deepen a model"):
        make_teacher(choice._replace(name="gnubg:0"))
