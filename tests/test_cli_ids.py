"""A position that is pasted in: `hint`, `play --position` and `rank` take every identifier."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.notation.gnu_id import START_ID, parse_position_id
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import MatchId
from backgammon.records import RollAction, read_records
from backgammon.rules.board import Position
from backgammon.rules.dice import Roll
from tests.test_cli_protocols import tiny_model

ROLL = Roll(5, 2)
XGID = "XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10"
WITH_MATCH = f"{START_ID}:{IdentifiedPosition(Position.start(), MatchId(dice=ROLL)).match_id}"
AFTER_31 = "sGfwATDgc/ABMA"
"""The opponent has played 31: 8/5 6/5."""

FORMS = [[START_ID, "--dice", "52"], [WITH_MATCH], [XGID], [XGID.replace(":52:", ":31:"), "--dice", "52"]]


@pytest.fixture(scope="module")
def ranking_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "ranking.safetensors", outcomes=False))


@pytest.fixture(scope="module")
def outcome_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "outcome.safetensors", outcomes=True))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=text, catch_exceptions=False)


@pytest.mark.parametrize("form", FORMS)
def test_hint_draws_the_board_and_ranks_every_play(form: list[str], outcome_model: str) -> None:
    result = run("hint", *form, "--model", outcome_model, "--count", "3")
    assert result.exit_code == 0
    assert "X to play 52" in result.stdout
    assert START_ID in result.stdout
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[-4:-1]] == ["1", "2", "3"]
    assert all("0-ply" in line and " - " in line for line in lines[-4:-1])
    assert lines[-1].startswith("3 of ")


def test_hint_looks_ahead_and_gives_json(outcome_model: str) -> None:
    answer = json.loads(run("hint", XGID, "--model", outcome_model, "--ply", "1", "--json").stdout)
    assert answer["position_id"] == START_ID
    assert answer["dice"] == [5, 2]
    plays = answer["plays"]
    assert plays[0]["ply"] == 1
    assert len({play["after"] for play in plays}) == len(plays) > 3
    assert all(len(play["chances"]) == 5 for play in plays)


def test_hint_of_a_model_without_chances_says_what_it_prefers(ranking_model: str) -> None:
    result = run("hint", XGID, "--model", ranking_model)
    assert "gives no chances" in result.stdout
    ranked = [json.loads(line) for line in run("rank", "--model", ranking_model, text=XGID).stdout.splitlines()]
    answer = json.loads(run("hint", XGID, "--model", ranking_model, "--json").stdout)
    assert [play["after"] for play in answer["plays"]] == [after for after, _ in ranked[0]["candidates"]]
    assert "first_preferred" in answer["plays"][0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([START_ID], "--dice 31"),
        ([START_ID, "--dice", "71"], "1 to 6"),
        (["nonsense", "--dice", "31"], "Position ID"),
        ([XGID, "--ply", "1"], "trained with outcomes"),
        (["XGID=--------------------------:0:0:1:31:0:0:0:0:10"], "checkers"),
    ],
)
def test_hint_names_the_mistake(arguments: list[str], reason: str, ranking_model: str) -> None:
    result = run("hint", *arguments, "--model", ranking_model)
    assert result.exit_code == 1
    assert reason in result.stderr


def test_rank_takes_an_id_as_a_person_types_it(ranking_model: str) -> None:
    lines = [f"{START_ID} 52", f"{START_ID}\t5-2", f" {START_ID}  5 2 ", WITH_MATCH, XGID, f"{XGID} 52"]
    answers = [
        json.loads(line) for line in run("rank", "--model", ranking_model, text="\n".join(lines)).stdout.splitlines()
    ]
    asked = json.dumps({"id": START_ID, "dice": [5, 2]})
    expected = json.loads(run("rank", "--model", ranking_model, text=asked).stdout)
    assert [answer["candidates"] for answer in answers] == [expected["candidates"]] * len(lines)


@pytest.mark.parametrize("line", [START_ID, f"{START_ID} 7", f"{START_ID} 31 x", f"{START_ID} 321", "XGID=- 31"])
def test_rank_refuses_half_an_id(line: str, ranking_model: str) -> None:
    result = run("rank", "--model", ranking_model, text=line)
    assert result.exit_code == 1
    assert "line 1" in result.stderr


@pytest.mark.parametrize("form", FORMS)
def test_play_begins_at_the_position_with_its_roll(form: list[str], ranking_model: str) -> None:
    arguments = ["--position", form[0], *form[1:], "--model", ranking_model, "--save", "game.sgf", "--seed", "1"]
    result = run("play", *arguments, "--no-board", text="13/8 13/11\nquit\n")
    assert result.exit_code == 0
    assert "You 52>" in result.stdout
    (match,) = read_records(Path("game.sgf").read_bytes())
    first = match.games[0].actions[0]
    assert isinstance(first, RollAction)
    assert (first.seat, first.roll) == (0, (5, 2))


def test_the_record_of_a_game_from_a_position_begins_there(ranking_model: str) -> None:
    arguments = ["--position", AFTER_31, "--dice", "62", "--model", ranking_model, "--save", "game.sgf", "--seed", "1"]
    run("play", *arguments, "--no-board", text="24/18 13/11\nquit\n")
    (match,) = read_records(Path("game.sgf").read_bytes())
    start = match.games[0].start
    assert start is not None
    assert (start.position, start.turn) == (parse_position_id(AFTER_31), 0)
    assert match.games[0].players[0] == "You"


def test_play_lets_the_top_player_of_an_xgid_begin(ranking_model: str) -> None:
    top_on_roll = XGID.replace(":0:0:1:52:", ":0:0:-1:52:")
    result = run("play", "--position", top_on_roll, "--model", ranking_model, "--no-save", "--seed", "1", text="quit\n")
    assert "ranking 52: " in result.stdout


def test_play_at_a_position_is_saved_as_sgf_unless_told_otherwise(ranking_model: str) -> None:
    result = run("play", "--position", XGID, "--model", ranking_model, "--seed", "1", text="13/8 13/11\nquit\n")
    (saved,) = Path.cwd().iterdir()
    assert saved.suffix == ".sgf"
    assert str(saved.name) in result.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--position", XGID, "--save", "game.mat"], ".sgf or .jsonl"),
        (["--dice", "31"], "--position"),
        (["--position", XGID.replace(":52:", ":D:")], "no cube"),
        (["--position", "nonsense"], "Position ID"),
        (["--position", XGID, "--dice", "70"], "1 to 6"),
    ],
)
def test_play_names_the_mistake(arguments: list[str], reason: str, ranking_model: str) -> None:
    result = run("play", *arguments, "--model", ranking_model, text="quit\n")
    assert result.exit_code == 1
    assert reason in result.stderr


def test_play_saves_in_the_format_of_the_name(ranking_model: str) -> None:
    run("play", "--watch", "pipcount", "--model", ranking_model, "--seed", "1", "--save", "game.jsonl", "--no-board")
    assert Path("game.jsonl").read_text().startswith("{")
