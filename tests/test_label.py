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
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import from_cumulative
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.data.label_run import LabelRun, parts_folder
from backgammon.learner.data.line_ranking import NumberedLine
from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.notation.gnu_id import parse_position_ids, position_id, position_ids
from backgammon.notation.play_text import parse_play
from backgammon.records import write_mat
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates
from backgammon.search import Ranker, RolloutSettings, Searcher, SearchSettings, Workshop
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import DataError, PairgammonError
from comparison_net.checkpoint import save_model
from comparison_net.network_config import NetworkConfig
from tests.evaluators import PipEvaluator
from tests.positions import random_play_decisions


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ExactEvaluator:
    return ExactEvaluator(PipEvaluator(), find_or_build(directory=tmp_path_factory.mktemp("bearoff")))


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


def test_a_label_lists_every_candidate_best_first(engine: ExactEvaluator, lines: list[NumberedLine]) -> None:
    labels = parsed(list(LabelRun(Ranker(Searcher(engine, SearchSettings(1))), part_size=7).labels(lines[:15])))
    assert len(labels) == 15
    searcher = Searcher(engine, SearchSettings(1))
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


def test_the_file_is_the_same_in_parts_and_packed(
    engine: ExactEvaluator, lines: list[NumberedLine], tmp_path: Path
) -> None:
    judge = Ranker(Searcher(engine, SearchSettings(1)))
    whole = b"".join(LabelRun(judge, 100).labels(lines))
    assert LabelRun(judge, 7).write(lines, tmp_path / "a.jsonl") == len(lines)
    LabelRun(judge, 9).write(lines, tmp_path / "a.jsonl.xz")
    assert (tmp_path / "a.jsonl").read_bytes() == whole
    assert lzma.decompress((tmp_path / "a.jsonl.xz").read_bytes()) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.xz"]


class Stopping(Ranker):
    """Ctrl-C after some parts."""

    left = 2

    def rank(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().rank(*arguments)


def test_an_interrupted_labelling_goes_on_where_it_stopped(
    engine: ExactEvaluator, lines: list[NumberedLine], tmp_path: Path
) -> None:
    out = tmp_path / "labels.jsonl"
    with pytest.raises(KeyboardInterrupt):
        LabelRun(Stopping(Searcher(engine, SearchSettings(1))), 10).write(lines, out)
    assert not out.exists()
    assert len(list(parts_folder(out).iterdir())) == 2
    resumed = Stopping(Searcher(engine, SearchSettings(1)))
    done: list[int] = []
    LabelRun(resumed, 10).write(lines, out, done.append)
    assert resumed.left == 0, "only the two missing parts were judged"
    assert done == [10, 20, 30, 40]
    assert out.read_bytes() == b"".join(LabelRun(Ranker(Searcher(engine, SearchSettings(1)))).labels(lines))


def test_a_damaged_part_is_refused(engine: ExactEvaluator, lines: list[NumberedLine], tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    with pytest.raises(KeyboardInterrupt):
        LabelRun(Stopping(Searcher(engine, SearchSettings(1))), 10).write(lines, out)
    part = sorted(parts_folder(out).iterdir())[0]
    part.write_bytes(part.read_bytes().replace(b"0", b"1", 70))
    with pytest.raises(DataError, match="run again"):
        LabelRun(Ranker(Searcher(engine, SearchSettings(1))), 10).write(lines, out)


def test_rollouts_are_labels_too(engine: ExactEvaluator, lines: list[NumberedLine], tmp_path: Path) -> None:
    rollout = RolloutSettings(games=72, round_games=36, horizon=2)
    workshop = Workshop(engine, rollout, threads=2, folder=tmp_path / "units")
    judge = Ranker(Searcher(engine, SearchSettings(1, "tiny"), 2), workshop)
    labels = parsed(list(LabelRun(judge, 16).labels(lines[:5])))
    assert list((tmp_path / "units").iterdir())
    for label in labels:
        games, errors = label["rollout"]["games"], label["rollout"]["errors"]
        assert set(games) <= {36, 72}
        assert len(games) == len(errors) <= 5
        rolled = label["cands"][: len(games)]
        assert [entry[2] for entry in rolled if games[0] == 72] == sorted(
            (e[2] for e in rolled), reverse=True
        ) or 36 in games
    assert judge.identity != Ranker(Searcher(engine, SearchSettings(1, "tiny"))).identity


def test_a_line_that_cannot_be_used_stops_or_is_reported(engine: ExactEvaluator, lines: list[NumberedLine]) -> None:
    spoilt = [*lines[:2], (3, b'{"id": "nonsense", "dice": [1, 2]}'), *lines[3:5]]
    with pytest.raises(PairgammonError, match="line 3: "):
        list(LabelRun(Ranker(Searcher(engine, SearchSettings(0)))).labels(spoilt))
    problems: list[str] = []
    labels = parsed(list(LabelRun(Ranker(Searcher(engine, SearchSettings(0))), skip=problems.append).labels(spoilt)))
    assert len(labels) == 4
    assert len(problems) == 1


# Doors


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with outcomes that knows nothing."""
    network = NetworkConfig(hidden=(8,), outcomes=True)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in weight_shapes(network).items()}
    path = tmp_path_factory.mktemp("model") / "chances.safetensors"
    save_model(path, make_model(network, weights, "none", {"agreement": None}))
    return path


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


def test_label_needs_a_model_with_outcomes(invoke: Callable[..., Result], tmp_path: Path) -> None:
    network = NetworkConfig(hidden=(8,))
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in weight_shapes(network).items()}
    save_model(tmp_path / "scores.safetensors", make_model(network, weights, "none", {}))
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
