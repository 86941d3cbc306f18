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
from backgammon.records.formats.registry import writable_format
from backgammon.records.record.record import ResultAction, RollAction
from backgammon.records.replay.replay import replay_match
from backgammon.rules.game import Stage
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.cube_seat import CubeSeat, act
from backgammon.table.record_session import session_of_record
from backgammon.table.session import CubeRules, Session
from backgammon.tools.errors import GameError
from tests.evaluators import PipEvaluator

Play = Callable[..., Result]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.chdir(tmp_path)

    def run(lines: list[str], *options: str) -> Result:
        fixed = [] if "--save" in options else ["--save", "match.mat"]
        command = ["play", "--seed", "5", "--no-board", *fixed, *options]
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


def test_a_match_is_broken_off_saved_gone_on_with_and_analysed(play: Play) -> None:
    script = ["double", "take", "roll", "hint", "=1"]
    first = play(script * 25 + ["quit"], "--length", "5")
    assert first.exit_code == 0
    (begun,) = read_records(Path("match.mat").read_bytes(), "match.mat")
    assert not begun.games[-1].actions or not isinstance(begun.games[-1].actions[-1], ResultAction)
    command = ["play", "match.mat", "--no-board"]
    rest = CliRunner().invoke(main, command, input="\n".join(script * 1500), catch_exceptions=False)
    assert rest.exit_code == 0
    assert "and the match" in rest.stdout
    check_record()
    (whole,) = read_records(Path("match.mat").read_bytes(), "match.mat")
    assert whole.games[: len(begun.games) - 1] == begun.games[:-1]
    kept = [action for action in begun.games[-1].actions if not isinstance(action, RollAction) or action.play]
    assert list(whole.games[len(begun.games) - 1].actions[: len(kept)]) == kept
    assert max(whole.games[-1].scores) < 5
    analysed = CliRunner().invoke(main, ["analyse", "match.mat", "--ply", "0"], catch_exceptions=False)
    assert analysed.exit_code == 0
    assert "cube" in analysed.stdout
    over = CliRunner().invoke(main, command)
    assert over.exit_code == 1
    assert "that match is over" in over.stderr


@pytest.mark.parametrize("suffix", [".mat", ".sgf", ".jsonl"])
def test_a_record_becomes_the_session_that_it_tells_of(suffix: str) -> None:
    engine = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    seats = (CubeSeat(PipCountPlayer(), engine), CubeSeat(PipCountPlayer(), engine))
    session = Session(("Ann", "Bob"), seed=3, length=7, cube=CubeRules())
    compared: list[Stage] = []
    while not session.is_over:
        act(session, seats)
        is_dance = session.state.stage is Stage.PLAY and session.decision().is_dance  # a forced one is played at once
        if len(session.turns) % 40 == 5 and session.state.stage in (Stage.ROLL, Stage.PLAY) and not is_dance:
            text = writable_format(f"match{suffix}").write
            assert text is not None
            (record,) = read_records(text(session.record()).encode(), f"match{suffix}")
            again = session_of_record(record, seed=9)
            assert again.score == session.score
            assert (again.state.position, again.state.turn) == (session.state.position, session.state.turn)
            assert (again.state.cube, again.state.cube_owner) == (session.state.cube, session.state.cube_owner)
            if session.state.stage is Stage.PLAY:
                assert again.state.roll == session.state.roll
            assert again.game_number == session.game_number
            compared.append(session.state.stage)
    assert {Stage.ROLL, Stage.PLAY} == set(compared)
    assert len(compared) > 9


def test_a_beaver_may_be_answered_by_a_raccoon() -> None:
    session = Session(("Ann", "Bob"), seed=3, cube=CubeRules(has_beavers=True))
    session.throw_dice()
    session.play(0)
    session.double()
    session.beaver()
    could, doubler = session.can_raccoon, session.state.turn
    session.raccoon()
    assert could
    assert (session.state.cube, session.state.cube_owner) == (8, 1 - doubler)
    assert not session.can_raccoon
    session.throw_dice()
    session.play(0)
    (game,) = replay_match(session.record()).games
    assert not game.warnings
    again = session_of_record(session.record(), seed=1)
    assert (again.state.cube, again.state.cube_owner) == (8, 1 - doubler)
    with pytest.raises(GameError, match="no raccoon is possible"):
        session.raccoon()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 point match\n\n Game 1\n A : 2  B : 0\n 1) 31: 8/5 6/5\n", "begins at 2-0"),
        ("5 point match\n\n Game 1\n A : 0  B : 0\n 1) 31: 8/5 6/2\n", "game 1"),
    ],
)
def test_a_match_that_cannot_go_on_is_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.mat"
    path.write_text(text)
    result = CliRunner().invoke(main, ["play", str(path)])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
