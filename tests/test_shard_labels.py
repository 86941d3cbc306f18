"""Labels of shards: every candidate judged once, as the teacher plays, whoever does the units and whatever dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.peers.judge_loader import load_judge
from backgammon.engine.peers.peer_name import PEER_JUDGES
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import cumulative, equities
from backgammon.learner.data.comparisons import make_comparisons
from backgammon.learner.data.decision_shards import take_decisions, write_labelled_shards
from backgammon.learner.data.shard_format import NOT_JUDGED
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.learner.net.scorer import load_pruner, load_scorer
from backgammon.learner.teach import shard_labels
from backgammon.learner.teach.contested_searcher import is_contested
from backgammon.learner.teach.peer_teacher import PeerTeacher
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards, label_unit, shard_units
from backgammon.learner.teach.teacher import (
    EngineTeacher,
    PackedTeacher,
    TeacherSpec,
    find_teacher,
    pack_teacher,
)
from backgammon.learner.teach.teacher_verdict import Verdict, labels_of
from backgammon.rules.decisions import Decisions
from backgammon.search import Analysis, Searcher, SearchSettings
from backgammon.tools.arrays import Boards, Int64s
from backgammon.tools.errors import ConfigError, DataError, ModelError
from backgammon.tools.jobs.workers import ProcessWorkers
from tests.played_games import taste_games
from tests.taste_labels import taste_labels, taste_outcomes

TASTE = PackedTeacher({"names": [["taste", "taste"]]}, {}, "taste")


class Taste(Evaluator):
    """Knows the chances of `taste_labels`."""

    name = "taste"

    def judge(self, boards: Boards) -> Judgement:
        return Judgement(None, taste_outcomes(boards))


class TasteTeacher:
    """The same as a teacher, without the tables of the bear-off."""

    def teach(self, decisions: Decisions) -> Verdict:
        analysis = Searcher(Taste(), SearchSettings(0)).analyse_decisions(decisions)
        return Verdict(analysis, analysis.equities)


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    monkeypatch.setattr(shard_labels, "find_teacher", lambda _: TasteTeacher())
    monkeypatch.setattr(shard_labels, "DECISIONS_OF_UNIT", {0: 50})
    return build_shards(taste_games(6, seed=3), tmp_path / "shards")


def labelled(shards: Shards, out: Path, plan: LabelPlan | None = None) -> Shards:
    label_shards(shards, TASTE, out, plan)
    return open_shards(out)


def test_every_candidate_gets_its_label(shards: Shards, tmp_path: Path) -> None:
    found = labelled(shards, tmp_path / "out")
    values, outcomes = taste_labels(shards)
    assert found.equities is not None
    assert found.outcomes is not None
    np.testing.assert_allclose(found.equities, values, atol=1e-6)
    assert np.abs(found.outcomes.astype(int) - outcomes).max() <= 1
    assert found.manifest.teacher == "taste"
    assert found.chosen.tolist() == shards.chosen.tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "shards"], "the parts are gone"
    with pytest.raises(DataError, match="exists already"):
        labelled(shards, tmp_path / "out")


def test_the_teacher_may_choose(shards: Shards, tmp_path: Path) -> None:
    found = labelled(shards, tmp_path / "out", LabelPlan(teacher_chooses=True))
    batch = make_comparisons(found, np.arange(len(found)))
    assert not batch.value_losses(batch.chosen).any()


def test_an_experts_choice_may_count_as_evidence(shards: Shards, tmp_path: Path) -> None:
    plain = labelled(shards, tmp_path / "plain")
    raised = labelled(shards, tmp_path / "raised", LabelPlan(prefer=0.25))
    assert plain.equities is not None
    assert raised.equities is not None
    difference = np.array(raised.equities) - plain.equities
    places = raised.offsets[:-1] + raised.chosen
    np.testing.assert_allclose(difference[places], 0.25, atol=1e-6)
    assert not np.delete(difference, places).any()
    assert np.array_equal(np.array(raised.outcomes), np.array(plain.outcomes))
    sure = labelled(shards, tmp_path / "sure", LabelPlan(prefer=6.0, teacher_chooses=True))
    assert sure.chosen.tolist() == shards.chosen.tolist(), "the teacher chooses after what is preferred"


def test_a_sample_is_judged_with_all_that_belongs_to_it(shards: Shards, tmp_path: Path) -> None:
    found = labelled(shards, tmp_path / "out", LabelPlan(sample=60))
    rows = np.sort(np.random.default_rng(1).permutation(len(shards))[:60])
    assert found.boards.tobytes() == np.array(shards.boards)[rows].tobytes()
    other = labelled(shards, tmp_path / "other", LabelPlan(sample=60, seed=2))
    assert other.boards.tobytes() != found.boards.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out", "shards"]


def test_work_that_was_interrupted_goes_on(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def stops(message: bytes) -> bytes:
        calls.append(len(calls))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return label_unit(message)

    stops.__module__, stops.__qualname__ = label_unit.__module__, label_unit.__qualname__
    monkeypatch.setattr(shard_labels, "label_unit", stops)
    with pytest.raises(KeyboardInterrupt):
        labelled(shards, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    resumed = labelled(shards, tmp_path / "out")
    assert len(calls) == 1 + -(-len(shards) // 50), "two units were kept"
    monkeypatch.setattr(shard_labels, "DECISIONS_OF_UNIT", {0: 1000})
    assert resumed.manifest == labelled(shards, tmp_path / "whole").manifest


# Teachers


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Decisions:
    """60 decisions of games as people of a taste play them."""
    found = build_shards(taste_games(4, seed=5), tmp_path_factory.mktemp("decisions") / "shards")
    return found.decisions(np.linspace(0, len(found) - 1, 60).astype(np.int64))


@pytest.mark.parametrize("plies", [0, 1])
def test_the_engine_judges_as_it_plays(plies: int, decisions: Decisions) -> None:
    """Dances looked through at 1 ply, and a share of the 0-ply value: what `hint --ply` shows."""
    packed = pack_teacher(TeacherSpec(engine=EngineSpec(plies=plies)))
    assert packed.name == f"default {plies}-ply"
    teacher = find_teacher(packed.values)
    engine = ExactEvaluator(load_scorer(), find_or_build(), load_pruner(), expands_dances=plies == 1)
    searcher = Searcher(engine, SearchSettings(plies))
    expected = searcher.analyse_decisions(decisions)
    verdict = teacher.teach(decisions)
    assert verdict.analysis.outcomes.tobytes() == expected.outcomes.tobytes()
    assert verdict.analysis.order.tolist() == expected.order.tolist()
    chosen = teacher.choose(decisions.boards, decisions.dice)
    assert chosen.tolist() == searcher.choose(decisions.boards, decisions.dice).tolist()
    shallow = Searcher(engine, SearchSettings(0)).analyse_decisions(decisions)
    np.testing.assert_allclose(verdict.shallow, shallow.equities, atol=1e-6)


def verdict_of(decisions: Decisions, plies: Int64s, gains: float) -> Verdict:
    """A teacher that finds every candidate of `plies` so much better than at 0-ply."""
    outcomes = taste_outcomes(decisions.candidates)
    shallow = equities(outcomes)
    deep = outcomes.copy()
    deep[plies > 0] = deep[plies > 0] * 0.9 + np.array([0.1, 0, 0, 0, 0, 0], dtype=np.float32) * gains
    order = np.arange(len(shallow))
    return Verdict(Analysis(decisions, equities(deep), deep, plies.astype(np.int8), order), shallow)


def test_what_was_not_looked_at_goes_along_with_its_decision_and_keeps_no_chances(decisions: Decisions) -> None:
    plies = (np.arange(len(decisions.candidates)) % 3 == 0).astype(np.int64)
    verdict = verdict_of(decisions, plies, 1.0)
    values, chances = labels_of(verdict)
    for index in range(len(decisions)):
        rows = np.arange(decisions.offsets[index], decisions.offsets[index + 1])
        is_deep = plies[rows] == plies[rows].max()
        np.testing.assert_array_equal(values[rows[is_deep]], verdict.analysis.equities[rows[is_deep]])
        shift = (verdict.analysis.equities - verdict.shallow)[rows[is_deep]].mean()
        np.testing.assert_allclose(values[rows[~is_deep]], verdict.shallow[rows[~is_deep]] + shift, atol=1e-6)
        assert ((chances[rows][:, 0] == NOT_JUDGED) == ~is_deep).all()


def test_no_label_is_worth_more_than_a_backgammon(decisions: Decisions) -> None:
    plies = (np.arange(len(decisions.candidates)) % 3 == 0).astype(np.int64)
    analysis, shallow = verdict_of(decisions, plies, 1.0)
    values, _ = labels_of(Verdict(analysis, np.full_like(shallow, 2.99)))
    assert np.abs(values).max() <= 3
    raised, _ = labels_of(Verdict(analysis._replace(equities=analysis.equities + 1), np.full_like(shallow, -2.99)))
    assert np.abs(raised).max() <= 3


def test_contested_decisions_are_looked_at_a_ply_deeper(decisions: Decisions) -> None:
    plain = find_teacher(pack_teacher(TeacherSpec(engine=EngineSpec(plies=1))).values).teach(decisions).analysis
    packed = pack_teacher(TeacherSpec(engine=EngineSpec(plies=1), contested=0.03))
    assert packed.name == "default 1-ply, contested a ply deeper"
    teacher = find_teacher(packed.values)
    found = teacher.teach(decisions).analysis
    wanted = is_contested(plain, 0.03)
    assert 5 < wanted.sum() < len(decisions)
    engine = ExactEvaluator(load_scorer(), find_or_build(), load_pruner())
    deeper = Searcher(engine, SearchSettings(2)).analyse_decisions(decisions)
    for index in range(len(decisions)):
        rows = slice(int(decisions.offsets[index]), int(decisions.offsets[index + 1]))
        source = deeper if wanted[index] else plain
        assert found.outcomes[rows].tobytes() == source.outcomes[rows].tobytes()
        assert found.plies[rows].tolist() == source.plies[rows].tolist()
        assert found.order[rows].tolist() == source.order[rows].tolist()
    blind = Decisions.make(decisions.boards, decisions.dice)
    best = teacher.teach(blind).analysis.best_rows[~decisions.is_forced]
    chosen = teacher.choose(decisions.boards, decisions.dice)
    assert chosen[~decisions.is_forced].tolist() == best.tolist()


@pytest.mark.parametrize(("package", "name"), [("gnubg", "gnubg:0"), ("gnubg", "gnubg:1"), ("bgsage", "sage:0")])
def test_a_program_judges_for_the_mover(package: str, name: str, decisions: Decisions) -> None:
    """Asked for the same positions by way of `PeerJudge.rank`."""
    pytest.importorskip(package)
    judge = load_judge(PEER_JUDGES[name])
    teacher = PeerTeacher(judge)
    blind = Decisions.make(decisions.boards, decisions.dice)
    analysis, ranked = teacher.teach(blind).analysis, teacher.rank(blind)
    num_asked = 0
    for index, one in enumerate(blind):
        if not (one.candidates > 0).any(axis=1).all():
            continue
        theirs = judge.rank(one.candidates)
        assert [own.ply for own in ranked[index]] == theirs.plies
        np.testing.assert_allclose([own.equity for own in ranked[index]], theirs.equities, atol=3e-6)
        num_asked += 1
    assert num_asked > 40
    np.testing.assert_allclose(cumulative(analysis.outcomes).max(axis=1) <= 1 + 1e-6, True)


def test_teachers_that_do_not_go_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: tuple[tuple[TeacherSpec, str], ...] = (
        (TeacherSpec(("gnubg:deep",)), "write gnubg:0"),
        (TeacherSpec(("sage:3",)), "write sage:0, sage:1 or sage:2"),
        (TeacherSpec(("gnubg:0", "gnubg:1")), "a model first"),
        (TeacherSpec(("gnubg:0", "model")), "a model first"),
        (TeacherSpec(("model", "gnubg:1")), "gnubg:0 or sage:0, which judge the leaves"),
        (TeacherSpec(("sage:0", "model")), "a model first"),
        (TeacherSpec(("model", "model")), "each of them once"),
        (TeacherSpec(("gnubg:1",), EngineSpec(plies=1)), "looks ahead by itself"),
        (TeacherSpec(("gnubg:1",), EngineSpec("x")), "looks ahead by itself"),
        (TeacherSpec(("runs/one",), EngineSpec("runs/two")), "would not be used"),
        (TeacherSpec(contested=2), "from 0 to 1"),
        (TeacherSpec(engine=EngineSpec(plies=3), contested=0.1), "below 3"),
        (TeacherSpec(engine=EngineSpec(plies=1, seconds=1.0)), "must not depend on the clock"),
    )
    for spec, said in refused:
        with pytest.raises(ConfigError, match=said):
            pack_teacher(spec)
    with pytest.raises(ModelError, match="cannot be read"):
        pack_teacher(TeacherSpec(engine=EngineSpec(str(tmp_path / "none"))))
    for package, name, extra in (("gnubg", "gnubg:3", "peers"), ("bgbot_cpp", "sage:1", "sage")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(ConfigError, match=rf"^{name}: .* pip install 'pairgammon\[{extra}\]'$"):
            pack_teacher(TeacherSpec((name,)))


def test_a_model_travels_by_its_content(shards: Shards, tmp_path: Path) -> None:
    """What is asked for is named by it, wherever its file lies."""
    content = next(iter(pack_teacher(TeacherSpec()).contents.values()))
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.safetensors").write_bytes(content)
    specs = [TeacherSpec(engine=EngineSpec(str(tmp_path / folder / "net.safetensors"))) for folder in ("here", "there")]
    rows = np.arange(20)
    names = [[unit.name for unit in shard_units(shards, rows, pack_teacher(spec))] for spec in specs]
    assert names[0] == names[1]
    engines = (EngineSpec(), EngineSpec(pruner=None), EngineSpec(filter_name="tiny"))
    others = [TeacherSpec(engine=engine) for engine in engines]
    assert len({next(shard_units(shards, rows, pack_teacher(spec))).name for spec in (specs[0], *others)}) == 4


def test_processes_give_the_same_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_labels, "DECISIONS_OF_UNIT", {0: 20})
    source = build_shards(taste_games(1, seed=3), tmp_path / "shards")
    for name, workers in (("own", None), ("processes", ProcessWorkers(2))):
        label_shards(source, pack_teacher(TeacherSpec()), tmp_path / name, workers=workers)
    assert open_shards(tmp_path / "own").manifest == open_shards(tmp_path / "processes").manifest


def test_decisions_are_taken_with_their_labels(tmp_path: Path) -> None:
    source = build_shards(taste_games(3, seed=2), tmp_path / "shards")
    own = write_labelled_shards(source, *taste_labels(source), tmp_path / "labelled", "taste")
    rows: Int64s = np.sort(np.random.default_rng(1).permutation(len(own))[:40])
    taken = take_decisions(own, rows, tmp_path / "taken")
    assert len(taken) == 40
    assert taken.boards.tobytes() == own.boards[rows].tobytes()
    assert taken.equities is not None
    assert own.equities is not None
    for i, row in enumerate(rows.tolist()):
        mine = taken.equities[taken.offsets[i] : taken.offsets[i + 1]]
        theirs = own.equities[own.offsets[row] : own.offsets[row + 1]]
        assert mine.tobytes() == theirs.tobytes()


def test_a_model_without_chances_plays_and_does_not_judge(decisions: Decisions) -> None:
    class Ranker(Evaluator):
        has_outcomes = False

        def judge(self, boards: Boards) -> Judgement:
            return Judgement(equities(taste_outcomes(boards)), None)

    teacher = EngineTeacher(Engine(EngineSpec(), Ranker()))
    assert len(teacher.choose(decisions.boards, decisions.dice)) == len(decisions)
    asks: Callable[[], object] = lambda: teacher.teach(decisions)  # noqa: E731
    with pytest.raises(ModelError, match="gives no chances"):
        asks()
    with pytest.raises(ModelError, match="gives no chances"):
        EngineTeacher(Engine(EngineSpec(), Ranker()), contested=0.1)
