"""`pairgammon play` with the cube: a script plays whole matches and money games at the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import PipCountPlayer
from backgammon.records import read_records
from backgammon.records.replay.replay import replay_match
from backgammon.rules.game import Stage
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.cube_seat import CubeSeat, act
from backgammon.table.session import CubeRules, Session
from tests.evaluators import PipEvaluator

Play = Callable[..., Result]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.chdir(tmp_path)

    def run(lines: list[str], *options: str) -> Result:
        command = ["play", "--seed", "5", "--no-board", "--save", "match.mat", *options]
        return CliRunner().invoke(main, command, input="\n".join(lines) + "\n", catch_exceptions=False)

    return run


def check_record() -> list[str]:
    """The texts of the games that were saved, all of them played by the rules."""
    text = Path("match.mat").read_text(encoding="utf-8")
    (record,) = read_records(text.encode(), "match.mat")
    for game in replay_match(record).games:
        assert game.problem is None
        assert not game.warnings
    return text.split("Game ")[1:]


def test_a_script_plays_a_match_with_doubles_takes_drops_and_the_crawford_game(play: Play) -> None:
    # every line fits one question: what does not fit is explained and asked again
    result = play(["double", "take", "roll", "hint", "=1"] * 1500, "--length", "5")
    assert result.exit_code == 0
    assert "and the match" in result.stdout
    assert "You double to 2." in result.stdout
    games = check_record()
    assert any("Doubles => 2" in game for game in games)
    assert any("Takes" in game or "Drops" in game for game in games)
    scores = [tuple(map(int, re.findall(r": (\d+)", game.splitlines()[1]))) for game in games]
    first_at_four = next((i for i, score in enumerate(scores) if 4 in score), None)
    if first_at_four is not None:
        assert "Doubles" not in games[first_at_four]


def test_the_cube_prompt_answers_commands_and_explains_mistakes(play: Play) -> None:
    result = play(["=1", "hint", "pips", "nonsense", "", "hint", "quit"], "--length", "7")
    for part in ("roll or double to 2>", "press Enter or type roll", "cube decision, 2-ply", "Pips:", "match won in"):
        assert part in result.stdout
    assert "proper action: No double, take" in result.stdout


def test_a_dropped_double_ends_the_game_at_the_old_stake(play: Play) -> None:
    # bearing off against a full board: whoever is doubled has lost
    position = "XGID=-BB-----------------aafeb-"
    result = play(["double", "n"], "--position", f"{position}:0:0:1:00:0:0:0:0:10", "--save", "game.sgf")
    assert "drops; the cube is on 1." in result.stdout, result.stdout + result.stderr
    assert "Score: You 1" in result.stdout


def test_rules_of_the_cube_need_a_cube_and_money_play(play: Play) -> None:
    for options, reason in (
        (("--no-cube", "--jacoby"), "leave out --no-cube"),
        (("--length", "5", "--beavers"), "belong to money play"),
    ):
        result = play(["quit"], *options)
        assert result.exit_code == 1
        assert reason in result.stderr


def test_a_cubeless_game_is_played_as_before(play: Play) -> None:
    result = play(["hint", "=1", "quit"], "--no-cube")
    assert "double" not in result.stdout
    assert "cube" not in result.stdout


def test_two_engines_play_matches_and_every_double_they_make_is_proper() -> None:
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    seats = (CubeSeat(PipCountPlayer(), engine, engine), CubeSeat(PipCountPlayer(), engine))
    doubles = drops = 0
    for seed in range(4):
        session = Session(("a", "b"), seed, length=5, cube=CubeRules())
        while not session.is_over:
            if session.state.stage is Stage.DOUBLED:
                doubles += 1
                verdict = engine.decide_cube(session.state.position.board, session.stakes)
                assert verdict.is_double
                act(session, seats)
                assert session.state.is_over == (not verdict.is_take)
                drops += session.state.is_over
            else:
                act(session, seats)
        assert max(session.score.points) >= 5
        assert not [game.problem for game in replay_match(session.record()).games if game.problem]
    assert doubles
    assert drops


def test_a_favourite_beavers_where_that_was_agreed() -> None:
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    session = Session(("a", "b"), 1, cube=CubeRules(has_beavers=True))
    session.throw_dice()
    session.play(0)
    board = session.state.position.board
    is_favourite = engine.decide_cube(board, Stakes(has_beavers=True)).double_take < 0
    session.double()
    CubeSeat(PipCountPlayer(), engine).answer(session)
    assert session.state.cube == (4 if is_favourite else 2)
    assert np.all(session.state.position.board == board)
