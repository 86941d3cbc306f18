"""Labels at a score and cube: reading them, and what an engine loses by them."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import PipCountPlayer
from backgammon.learner.data.stakes_labels import find_stakes_labels, parse_stakes_label, read_stakes_labels
from backgammon.records import write_mat
from backgammon.records.record.record import DoubleAction
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.cube_seat import CubeSeat, act
from backgammon.table.session import CubeRules, Session, play_session
from backgammon.tools.errors import DataError, PairgammonError
from tests.evaluators import PipEvaluator

START = "XGID=-b----E-C---eE---c-e----B-"
CUBE = {"xgid": "XGID=-B--caC-C---dE---bAeA-----:0:0:1:00:3:4:0:7:10"}
PLAY = {"xgid": f"{START}:1:1:1:52:3:5:0:7:10"}
MONEY = {"xgid": f"{START}:1:1:1:31:0:0:0:0:10"}


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=text, catch_exceptions=False)


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_bytes(lzma.compress("".join(json.dumps(one) + "\n" for one in records).encode()))
    return path


@pytest.fixture(scope="module")
def answered() -> list[dict[str, Any]]:
    """What `rank` says of a cube decision, a play of a match and one of a money game."""
    lines = "".join(json.dumps({**one, "game": i}) + "\n" for i, one in enumerate((CUBE, PLAY, MONEY)))
    return [json.loads(line) for line in run("rank", "--ply", "0", text=lines).stdout.splitlines()]


def test_an_engine_loses_nothing_by_its_own_answers(tmp_path: Path, answered: list[dict[str, Any]]) -> None:
    path = write(tmp_path / "own.jsonl.xz", *answered)
    found = json.loads(run("evaluate", str(path), "--json").stdout)
    rows = {row["name"]: row for row in found["stakes"]}
    assert set(rows) == {"plays, match", "plays, money", "plays", "double or not", "take or pass", "cube"}
    for row in rows.values():
        assert row["agreement"]["value"] == 1
        assert row["loss"]["value"] == 0
    text = run("evaluate", str(path)).stdout
    assert "3 decisions of 3 matches and money games" in text
    assert "mpt: thousandths of an EMG" in text


def test_what_another_choice_was_worth_more_is_lost(tmp_path: Path, answered: list[dict[str, Any]]) -> None:
    cube, play, _ = (json.loads(json.dumps(one)) for one in answered)
    first, second = play["candidates"][:2]
    second["equity"] = first["equity"] + 0.05
    play["candidates"][:2] = second, first  # the judge prefers the other one by 50 mpt
    no_double, _, _ = cube["equities"]
    cube["equities"] = [no_double, no_double + 0.1, 1.0]  # a double was right, and a take
    path = write(tmp_path / "other.jsonl.xz", cube, play)
    rows = {row["name"]: row for row in json.loads(run("evaluate", str(path), "--json").stdout)["stakes"]}
    assert rows["plays"]["loss"]["value"] == pytest.approx(50)
    assert rows["plays"]["agreement"]["value"] == 0
    assert rows["double or not"]["loss"]["value"] == pytest.approx(100)
    assert rows["take or pass"]["loss"]["value"] == 0


def test_the_choices_of_an_anchor_are_scored_over_the_same_plays(
    tmp_path: Path, answered: list[dict[str, Any]]
) -> None:
    plays = [json.loads(json.dumps(one)) for one in answered[1:]]
    for play, worse in zip(plays, (0.02, 0.06), strict=True):
        first, second = play["candidates"][:2]
        second["equity"] = first["equity"] - worse
        play["anchor"] = second["id"]
    path = write(tmp_path / "anchored.jsonl.xz", *plays)
    rows = {row["name"]: row for row in json.loads(run("evaluate", str(path), "--json").stdout)["stakes"]}
    assert rows["plays, anchor"]["loss"]["value"] == pytest.approx(40)
    assert rows["plays, anchor"]["agreement"]["value"] == 0
    assert rows["plays"]["beyond"]["value"] == pytest.approx(-40)
    assert "beyond that of the anchor over the same decisions: -40.00" in run("evaluate", str(path)).stdout
    del plays[0]["anchor"]
    rows = json.loads(run("evaluate", str(write(path, *plays)), "--json").stdout)["stakes"]
    assert "plays, anchor" not in {row["name"] for row in rows}
    plays[1]["anchor"] = "4HPwATDgc/ABMA"
    with pytest.raises(DataError, match="among the candidates"):
        parse_stakes_label(plays[1], "here")


def test_a_play_that_nobody_judged_is_counted_and_not_priced(tmp_path: Path, answered: list[dict[str, Any]]) -> None:
    play = {**answered[1], "candidates": answered[1]["candidates"][1:]}
    path = write(tmp_path / "partial.jsonl.xz", play)
    (row,) = json.loads(run("evaluate", str(path), "--json").stdout)["stakes"]
    assert row["not_judged"] == 1
    assert row["loss"] is None


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({**PLAY, "candidates": []}, '"candidates" must be a list'),
        ({**PLAY, "candidates": [{"id": "4HPwATDgc/ABMA"}]}, "a candidate must be"),
        ({**PLAY, "candidates": [{"id": "a", "equity": float("nan")}]}, "a candidate must be"),
        ({**PLAY, "candidates": [{"id": "a", "equity": 0}, {"id": "a", "equity": 1}]}, "comes twice"),
        ({**CUBE, "equities": [0.1, None, 1.0]}, "three numbers"),
        ({"xgid": f"{START}:0:0:1:00:6:5:1:7:10", "equities": [0.1, 0.2, 1.0]}, "Crawford"),
    ],
)
def test_a_label_that_cannot_be_used_says_why(record: dict[str, Any], message: str) -> None:
    with pytest.raises(PairgammonError, match=message):
        parse_stakes_label(record, "here")


def test_a_damaged_line_costs_no_other(tmp_path: Path, answered: list[dict[str, Any]]) -> None:
    path = write(tmp_path / "mixed.jsonl.xz", answered[0], {"id": "4HPwATDgc/ABMA", "dice": [3, 1]}, answered[1])
    assert find_stakes_labels([path]) == [path]
    reading = read_stakes_labels([path])
    assert [label.unit for label in reading.labels] == ["0", "1"]
    assert reading.rejected == 1
    assert "line 2" in reading.problems[0]
    with pytest.raises(DataError, match="no label at a score"):
        read_stakes_labels([write(tmp_path / "none.jsonl.xz", {"xgid": "x", "equities": []})])


def test_kinds_of_labels_are_not_mixed(tmp_path: Path, answered: list[dict[str, Any]]) -> None:
    write(tmp_path / "a.jsonl.xz", *answered)
    (tmp_path / "b.jsonl").write_text('{"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.1]]}\n')
    result = run("evaluate", str(tmp_path))
    assert result.exit_code == 1
    assert "b.jsonl: no labels at a score" in result.stderr


def test_decisions_of_a_match_go_through_rank_to_evaluate(tmp_path: Path) -> None:
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    seats = (CubeSeat(PipCountPlayer(), engine), CubeSeat(PipCountPlayer(), engine))
    session = Session(("Ann", "Bob"), seed=3, length=3, cube=CubeRules())
    while not session.is_over:
        act(session, seats)
    log = tmp_path / "match.mat"
    log.write_text(write_mat(session.record()))
    lines = run("decisions", str(log), "--stakes").stdout
    records = [json.loads(line) for line in lines.splitlines()]
    doubles = [action for game in session.record().games for action in game.actions if isinstance(action, DoubleAction)]
    assert sum(one.get("doubled", False) for one in records) == len(doubles) > 0
    assert sum("answer" in one for one in records) == len(doubles)
    plays = [one for one in records if "played" in one]
    assert len(plays) == len(run("decisions", str(log)).stdout.splitlines())
    answers = tmp_path / "answers.jsonl"
    answers.write_text(run("rank", text=lines).stdout)
    rows = json.loads(run("evaluate", str(answers), "--json").stdout)["stakes"]
    assert {row["name"]: row["agreement"]["value"] for row in rows} == {
        "plays": 1, "double or not": 1, "take or pass": 1, "cube": 1
    }  # fmt: skip


def test_label_writes_what_rank_answers_among_plain_lines_and_in_their_order() -> None:
    plain = {"id": "4HPwATDgc/ABMA", "dice": [3, 1]}
    text = "".join(json.dumps(one) + "\n" for one in (CUBE, plain, PLAY))
    labels = [json.loads(line) for line in run("label", "--ply", "0", text=text).stdout.splitlines()]
    ranked = [json.loads(line) for line in run("rank", "--ply", "0", text=text).stdout.splitlines()]
    assert labels[0] == ranked[0]
    assert labels[1]["cands"][0][0] == ranked[1]["best"]
    assert labels[2] == ranked[2]


def test_rank_rolls_out_at_a_score_and_cube() -> None:
    race = {"xgid": "XGID=---BBBBA----------a-bbbb--:1:1:1:21:0:0:0:0:10"}
    text = json.dumps(race) + "\n" + json.dumps(CUBE) + "\n"
    options = ("--ply", "0", "--rollout", "36", "--error", "0.5")
    play, cube = (json.loads(line) for line in run("rank", *options, text=text).stdout.splitlines())
    assert play["candidates"][0]["games"] == 36
    assert play["candidates"][0]["standard_error"] > 0
    (searched,) = (
        json.loads(line) for line in run("rank", "--ply", "0", text=json.dumps(CUBE) + "\n").stdout.splitlines()
    )
    assert cube["equities"] != searched["equities"]
    assert cube["equities"][2] == 1


def test_a_session_without_the_cube_has_no_cube_decisions(tmp_path: Path) -> None:
    session = Session(("Ann", "Bob"), seed=3, num_games=1)
    log = tmp_path / "cubeless.mat"
    log.write_text(write_mat(play_session((PipCountPlayer(), PipCountPlayer()), session)))
    records = [json.loads(line) for line in run("decisions", str(log), "--stakes").stdout.splitlines()]
    assert records
    assert all("played" in one for one in records)
