"""The engine as a teacher: labelled lines, interruption, and `rank` with chances."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import from_cumulative
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.data.line_ranking import NumberedLine
from backgammon.learner.data.shards import build_shards
from backgammon.learner.teach import line_labels
from backgammon.learner.teach.line_labels import label_lines, write_line_labels
from backgammon.learner.teach.teacher import EngineTeacher, PackedTeacher
from backgammon.notation.gnu_id import parse_position_ids, position_id, position_ids
from backgammon.notation.play_text import parse_play
from backgammon.records import write_mat
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates
from backgammon.search import RolloutSettings, Searcher, SearchSettings
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import DataError, NotationError
from backgammon.tools.jobs.delivery import parts_folder
from backgammon.tools.jobs.workers import ThreadWorkers
from comparison_net.network_config import NetworkConfig
from tests.evaluators import PipEvaluator
from tests.played_games import taste_games
from tests.positions import random_play_decisions
from tests.random_nets import write_random_net

SPEC = EngineSpec(plies=1)
ROLLOUT = RolloutSettings(games=72, round_games=36, horizon=2)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Bearoff:
    return find_or_build(directory=tmp_path_factory.mktemp("bearoff"))


@pytest.fixture
def teacher(monkeypatch: pytest.MonkeyPatch) -> PackedTeacher:
    """The engine with a player that counts pips, at the depth of SPEC."""
    return patched(monkeypatch, SPEC)


def patched(monkeypatch: pytest.MonkeyPatch, spec: EngineSpec) -> PackedTeacher:
    own = EngineTeacher(Engine(spec, PipEvaluator(), find_or_build()))
    monkeypatch.setattr(line_labels, "find_teacher", lambda _: own)
    return PackedTeacher({"names": [["pips", "pips"]]}, {}, own.name, spec.plies, spec.rollout is not None)


def in_units_of(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_labels, "LINES_OF_UNIT", number)


@pytest.fixture(scope="module")
def lines() -> list[NumberedLine]:
    boards, dice = random_play_decisions(40, seed=21)
    records = [
        {"id": position_id(Position(board)), "dice": roll, "game": f"g/{i}", "played": "x", "candidates": 7}
        for i, (board, roll) in enumerate(zip(boards, dice.tolist(), strict=True))
    ]
    return [(number, json.dumps(record).encode()) for number, record in enumerate(records, start=1)]


def parsed(parts: Sequence[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(parts).splitlines()]


def test_a_label_lists_every_candidate_best_first(
    teacher: PackedTeacher, lines: list[NumberedLine], tables: Bearoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_units_of(7, monkeypatch)
    labels = parsed(list(label_lines(lines[:15], teacher)))
    assert len(labels) == 15
    searcher = Searcher(ExactEvaluator(PipEvaluator(), tables, expands_dances=True), SearchSettings(1))
    for label, (_, text) in zip(labels, lines[:15], strict=True):
        source = json.loads(text)
        assert {key: label[key] for key in ("id", "game", "played")} == {k: source[k] for k in ("id", "game", "played")}
        assert "candidates" not in label
        board = parse_position_ids([label["id"]])
        dice = np.array([label["dice"]], dtype=np.int8)
        candidates, _ = legal_candidates(board, dice)
        analysis = searcher.analyse(board, dice)
        assert label["n"] == len(candidates) == len(label["cands"])
        assert [entry[0] for entry in label["cands"]] == position_ids(swap(candidates[analysis.order]))
        assert [entry[3] for entry in label["cands"]] == analysis.plies[analysis.order].tolist()
        decision = Decision.make(Position(board[0]), tuple(label["dice"]))
        for entry, at in zip(label["cands"], analysis.order.tolist(), strict=True):
            assert parse_play(entry[1], decision) == at
            assert entry[2] == pytest.approx(analysis.equities[at], abs=1e-6)
            np.testing.assert_allclose(from_cumulative(np.array(entry[4])), analysis.outcomes[at], atol=1e-5)


def test_the_file_is_the_same_in_units_and_packed(
    teacher: PackedTeacher, lines: list[NumberedLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = b"".join(label_lines(lines, teacher))
    in_units_of(7, monkeypatch)
    assert write_line_labels(lines, teacher, tmp_path / "a.jsonl", ThreadWorkers(2)) == len(lines)
    in_units_of(9, monkeypatch)
    assert write_line_labels(lines, teacher, tmp_path / "a.jsonl.xz") == len(lines)
    assert (tmp_path / "a.jsonl").read_bytes() == whole
    assert lzma.decompress((tmp_path / "a.jsonl.xz").read_bytes()) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.xz"]


def stop_after(number: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ctrl-C after so many units; gives a list that grows by one for each."""
    label_unit = line_labels.label_unit
    calls: list[int] = []

    def stops(message: bytes) -> bytes:
        if len(calls) == number:
            raise KeyboardInterrupt
        calls.append(len(calls))
        return label_unit(message)

    stops.__module__, stops.__qualname__ = label_unit.__module__, label_unit.__qualname__
    monkeypatch.setattr(line_labels, "label_unit", stops)
    return calls


def test_an_interrupted_labelling_goes_on_where_it_stopped(
    teacher: PackedTeacher, lines: list[NumberedLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "labels.jsonl"
    whole = b"".join(label_lines(lines, teacher))
    in_units_of(10, monkeypatch)
    with monkeypatch.context() as context:
        stop_after(2, context)
        with pytest.raises(KeyboardInterrupt):
            write_line_labels(lines, teacher, out)
    assert not out.exists()
    assert len(list(parts_folder(out).iterdir())) == 2
    made = stop_after(9, monkeypatch)
    done: list[int] = []
    write_line_labels(lines, teacher, out, progress=done.append)
    assert len(made) == 2, "only the two missing units were done"
    assert done == [10] * 4
    assert out.read_bytes() == whole


def test_a_damaged_unit_is_refused(
    teacher: PackedTeacher, lines: list[NumberedLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "labels.jsonl"
    in_units_of(10, monkeypatch)
    with monkeypatch.context() as context:
        stop_after(2, context)
        with pytest.raises(KeyboardInterrupt):
            write_line_labels(lines, teacher, out)
    for part in parts_folder(out).iterdir():
        part.write_bytes(part.read_bytes().replace(b"0", b"1", 70))
    with pytest.raises(DataError, match="run again"):
        write_line_labels(lines, teacher, out)


def test_rollouts_are_labels_too(lines: list[NumberedLine], monkeypatch: pytest.MonkeyPatch) -> None:
    rolling = patched(monkeypatch, EngineSpec(plies=1, filter_name="tiny", rollout=ROLLOUT))
    labels = parsed(list(label_lines(lines[:5], rolling)))
    assert len(labels) == 5
    for label in labels:
        games, errors = label["rollout"]["games"], label["rollout"]["errors"]
        assert set(games) <= {36, 72}
        assert len(games) == len(errors) <= 5
        rolled = label["cands"][: len(games)]
        assert [entry[2] for entry in rolled if games[0] == 72] == sorted(
            (e[2] for e in rolled), reverse=True
        ) or 36 in games


def test_chances_of_a_rollout_that_cannot_be_are_moved_to_what_can() -> None:
    beyond = np.array([[1.01, 0.4, -0.01, -0.02, 0.0], [0.6, 0.7, 0.65, 0.5, 0.45]], dtype=np.float32)
    expected = [[1, 0.4, 0, 0, 0], [0.6, 0.6, 0.6, 0.4, 0.4]]
    np.testing.assert_allclose(line_labels.possible_chances(beyond), expected, atol=1e-6)
    sound = np.array([[0.5, 0.2, 0.1, 0.3, 0.2]], dtype=np.float32)
    assert line_labels.possible_chances(sound).tobytes() == sound.tobytes()


def test_a_line_that_cannot_be_used_stops_or_is_reported(teacher: PackedTeacher, lines: list[NumberedLine]) -> None:
    spoilt = [*lines[:2], (3, b'{"id": "nonsense", "dice": [1, 2]}'), *lines[3:5]]
    with pytest.raises(NotationError, match="line 3: "):
        list(label_lines(spoilt, teacher))
    problems: list[str] = []
    labels = parsed(list(label_lines(spoilt, teacher, skip=problems.append)))
    assert len(labels) == 4
    assert len(problems) == 1
    assert problems[0].startswith("line 3: ")


# Doors


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with outcomes that knows nothing."""
    path = tmp_path_factory.mktemp("model") / "chances.safetensors"
    return write_random_net(path, NetworkConfig(hidden=(8,), outcomes=True))


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], input=text, catch_exceptions=False)

    return run


def test_label_reads_logs_and_decisions_alike(invoke: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    log = tmp_path / "games.mat"
    session = Session(("pipcount", "random"), seed=1, num_games=1)
    log.write_text(write_mat(play_session((PipCountPlayer(), RandomPlayer()), session)), encoding="utf-8")
    result = invoke("label", log, "--model", model, "--ply", 1, "--filter", "tiny", "--out", "labels.jsonl")
    assert result.exit_code == 0, result.output
    decisions = invoke("decisions", log).stdout
    piped = invoke("label", "--model", model, "--ply", 1, "--filter", "tiny", text=decisions)
    assert (tmp_path / "labels.jsonl").read_text() == piped.stdout
    labels = parsed([piped.stdout.encode()])
    assert len(labels) == len(decisions.splitlines())
    assert {label["plies"] for label in labels} == {1}


def test_decisions_drawn_from_shards_become_lines(invoke: Callable[..., Result], tmp_path: Path) -> None:
    """The same file for any number of workers: a set to measure by."""
    pytest.importorskip("gnubg")
    shards = build_shards(taste_games(2, seed=3), tmp_path / "shards")
    for workers in (1, 2):
        options = ("--teacher", "gnubg:1", "--sample", 60, "--workers", workers, "--out", f"{workers}.jsonl.xz")
        result = invoke("label", "shards", *options)
        assert result.exit_code == 0, result.output
    text = (tmp_path / "1.jsonl.xz").read_bytes()
    assert text == (tmp_path / "2.jsonl.xz").read_bytes()
    labels = parsed([lzma.decompress(text)])
    rows = np.random.default_rng(1).permutation(np.flatnonzero(np.array(shards.counts) > 1))[:60]
    for label, row in zip(labels, np.sort(rows), strict=True):
        board = np.array(shards.boards[row])
        assert (parse_position_ids([label["id"]])[0] == board).all()
        candidates, _ = legal_candidates(board[None], np.array([label["dice"]], dtype=np.int8))
        ids = position_ids(swap(candidates))
        assert label["played"] == ids[shards.chosen[row]]
        assert sorted(one[0] for one in label["cands"]) == sorted(ids)
        searched = [entry[2] for entry in label["cands"] if entry[3] == 1]
        assert searched == sorted(searched, reverse=True)
        assert 1 <= len(searched) <= 8


def test_logs_become_labelled_shards(invoke: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    session = Session(("pipcount", "random"), seed=1, num_games=1)
    text = write_mat(play_session((PipCountPlayer(), RandomPlayer()), session))
    (tmp_path / "games.mat").write_text(text, encoding="utf-8")
    options = ("--model", model, "--ply", 0, "--workers", 1, "--out", "labelled")
    result = invoke("label", "games.mat", *options, "--choose", "teacher", "--prefer", 0.1)
    assert result.exit_code == 0, result.output
    assert "candidates judged by chances 0-ply" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["games.mat", "labelled"]
    again = invoke("label", "games.mat", *options)
    assert (again.exit_code, sorted(path.name for path in tmp_path.iterdir())) == (1, ["games.mat", "labelled"])
    assert "exists already" in again.stderr


def test_options_without_effect_are_refused(invoke: Callable[..., Result], tmp_path: Path) -> None:
    build_shards(taste_games(1, seed=3), tmp_path / "shards")
    for options, said in (
        (("--prefer", 0.1), "labelled shards"),
        (("--choose", "keep"), "labelled shards"),
        (("--sample", 5), "draws from shards"),
        (("--time", 1), "must not depend on the clock"),
        (("--out", "folder"), "made from logs or shards"),
        (("shards", "shards", "--out", "x"), "label one at a time"),
        (("--pruner", "small", "--no-prune"), "give one of them"),
        (("--teacher", "gnubg:1", "--ply", 1), "looks ahead by itself"),
    ):
        result = invoke("label", *options, text="")
        assert result.exit_code == 1, options
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_label_needs_a_model_with_outcomes(invoke: Callable[..., Result], tmp_path: Path) -> None:
    write_random_net(tmp_path / "scores.safetensors", NetworkConfig(hidden=(8,)))
    result = invoke("label", "--model", "scores.safetensors", text="")
    assert result.exit_code == 1
    assert "trained with outcomes" in result.stderr


def test_rank_shows_equity_chances_ply_and_margin(invoke: Callable[..., Result], model: Path) -> None:
    result = invoke("rank", "--model", model, "--ply", 1, text="4HPwATDgc/ABMA 31\n")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    first, second = answer["candidates"][:2]
    assert answer["best"] == first["id"]
    assert first["margin"] == 0
    assert second["margin"] == pytest.approx(first["equity"] - second["equity"], abs=2e-6)
    assert sum(first["chances"].values()) == pytest.approx(1, abs=1e-5)
    assert len(answer["candidates"]) == 16
    rolled = invoke("rank", "--model", model, "--ply", 1, "--rollout", 36, text="4HPwATDgc/ABMA 31\n")
    first = json.loads(rolled.stdout)["candidates"][0]
    assert first["games"] == 36
    assert first["standard_error"] > 0


def test_rank_with_a_time_limit_answers(invoke: Callable[..., Result], model: Path) -> None:
    result = invoke("rank", "--model", model, "--time", 0.01, text="4HPwATDgc/ABMA 31\n")
    assert json.loads(result.stdout)["candidates"][0]["ply"] <= 3


def test_games_that_are_no_multiple_of_36_are_refused(invoke: Callable[..., Result], model: Path) -> None:
    result = invoke("rank", "--model", model, "--rollout", 100, text="4HPwATDgc/ABMA 31\n")
    assert result.exit_code == 1
    assert "multiple of 36" in result.stderr
