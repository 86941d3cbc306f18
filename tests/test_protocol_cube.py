"""Cube answers of the three protocols are the verdicts of the engine at the stakes that the question tells."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.cube.stakes import CENTRED, OPPONENT, OWN, Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import PipCountPlayer
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.external_player import answer_board
from backgammon.protocols.fibs_board import parse_board_line
from backgammon.protocols.ubgi_engine import UbgiEngine
from backgammon.protocols.ubgi_settings import EngineSettings
from backgammon.protocols.wildbg import answer_request
from backgammon.rules.board import Board, Position
from backgammon.search import CubefulSearcher, Searcher, SearchSettings
from tests.cube_vectors import cube_vectors, vector_state
from tests.evaluators import PipEvaluator


@pytest.fixture(scope="module")
def engine() -> StakesEngine:
    return StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))


@pytest.fixture(scope="module")
def adviser(engine: StakesEngine) -> Adviser:
    searcher = Searcher(PipEvaluator(), SearchSettings(plies=0))
    return Adviser(PipCountPlayer(), searcher=searcher, cube=engine, plays=engine)


def some_states() -> list[tuple[str, Board, Stakes]]:
    chosen = [vector for vector in cube_vectors() if vector["may_double"]][:80]
    return [(vector["xgid"], *vector_state(vector)) for vector in chosen]


def board_line(board: Board, stakes: Stakes, seat: int, is_doubled: bool = False) -> str:
    """What GNU Backgammon asks when `seat` is on roll (and has doubled)."""
    counts = (board if seat == 1 else -board[::-1]).tolist()
    by_seat = stakes.score if seat == 0 else stakes.score[::-1]
    shown = by_seat[::-1] if is_doubled else by_seat
    owner = {CENTRED: None, OWN: seat, OPPONENT: 1 - seat}[stakes.owner]
    may = [int(owner in (None, player)) for player in (1, 0)]
    flags = [stakes.cube, *may, int(is_doubled), 1, -1, 0, 25, 0, 0, 0, 0, 0, 0, 0, int(not stakes.is_crawford)]
    fields = ["x", "y", stakes.length, *shown, *counts, 1 if seat == 1 else -1, 0, 0, 0, 0, *flags]
    return "board:" + ":".join(map(str, fields))


@pytest.mark.parametrize("seat", [0, 1])
def test_gnu_backgammon_is_told_the_verdict_at_its_score(seat: int, engine: StakesEngine, adviser: Adviser) -> None:
    seen = set()
    for _, board, stakes in some_states():
        if stakes.has_jacoby:
            continue
        line = board_line(board, stakes, seat)
        assert parse_board_line(line).stakes() == stakes
        verdict = engine.decide_cube(board, stakes)
        assert answer_board(line, adviser) == ("double" if verdict.is_double else "roll")
        doubled = board_line(board, stakes, seat, is_doubled=True)
        assert parse_board_line(doubled).stakes() == stakes
        answer = answer_board(doubled, adviser)
        assert answer == ("take" if verdict.is_take else "drop")
        seen |= {answer, answer_board(line, adviser)}
    assert seen == {"double", "roll", "take", "drop"}


def test_in_the_crawford_game_nobody_doubles(adviser: Adviser) -> None:
    line = board_line(Position.start().board, Stakes(5, (4, 2), is_crawford=True), 1)
    assert parse_board_line(line).stakes().is_crawford
    assert answer_board(line, adviser) == "roll"


def test_plays_of_a_match_suit_the_score(engine: StakesEngine, adviser: Adviser) -> None:
    stakes = Stakes(7, (2, 5))
    line = board_line(Position.start().board, stakes, 1).split(":")
    line[33:35] = "6", "2"
    question = parse_board_line(":".join(line))
    decision = adviser.choose(question.state, question.stakes())
    assert decision.chosen == engine.rank_plays(question.state.decision(), stakes)[0].row
    advice = adviser.rank(question.state, question.stakes())
    assert advice.order[0] == decision.chosen
    assert sorted(advice.order.tolist()) == list(range(len(decision.candidates)))


def ubgi(adviser: Adviser) -> UbgiEngine:
    return UbgiEngine(lambda _: adviser, EngineSettings(max_ply=1), "somebody")


def test_ubgi_doubles_as_the_xgid_says(engine: StakesEngine, adviser: Adviser) -> None:
    session = ubgi(adviser)
    for xgid, board, stakes in some_states():
        assert session.answer(f"position xgid {xgid}") == []
        verdict = engine.decide_cube(board, stakes)
        assert session.answer("go cube") == [f"bestcube {'double' if verdict.is_double else 'nodouble'}"]


def test_ubgi_knows_the_score_that_it_was_told(adviser: Adviser) -> None:
    session = ubgi(adviser)
    lines = ("newsession type match length 7", "setscore 2 4", "newgame", "setcube value 2 owner p1", "setturn p1")
    for line in (*lines, "position gnubgid 4HPwATDgc/ABMA"):
        assert session.answer(line) == []
    assert session._current_stakes() == Stakes(7, (4, 2), 2, OWN)
    session.answer("setscore 6 4")
    session.answer("newgame")
    assert session._current_stakes().is_crawford
    session.answer("newgame")
    assert not session._current_stakes().is_crawford
    session.answer("newsession type money jacoby on")
    assert session._current_stakes().has_jacoby


def test_http_answers_the_cube_at_the_score(engine: StakesEngine, adviser: Adviser) -> None:
    for _, board, stakes in some_states():
        if not stakes.is_match or stakes.cube > 1:
            continue
        counts = "&".join(f"p{i}={count}" for i, count in enumerate(board.tolist()) if count)
        answer = answer_request(f"/eval?{counts}&x_away={stakes.away[0]}&o_away={stakes.away[1]}", adviser)
        verdict = engine.decide_cube(board, stakes)
        assert answer.body["cube"] == {"double": verdict.is_double, "accept": verdict.is_take}


def test_without_a_cube_engine_nothing_is_doubled() -> None:
    plain = Adviser(PipCountPlayer(), searcher=Searcher(PipEvaluator(), SearchSettings(plies=0)))
    board = np.zeros(26, dtype=np.int8)
    board[1], board[24] = 2, -15
    assert answer_board(board_line(board, Stakes(), 1), plain) == "roll"
