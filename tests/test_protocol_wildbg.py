"""wildbg's interface: the requests of its documentation get answers of the documented shape."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon.evaluation.outcome import swap_outcomes
from backgammon.evaluation.player import PipCountPlayer
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.http_guard import HttpLimits
from backgammon.protocols.http_server import HttpServer
from backgammon.protocols.wildbg import answer_request
from backgammon.protocols.wildbg_app import wildbg_app
from backgammon.rules.board import START as START_BOARD
from backgammon.search import Searcher, SearchSettings
from tests.evaluators import PipEvaluator

START_31 = "/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2"  # wildbg's README
START = START_31.replace("/move?die1=3&die2=1&", "/eval?")
FORCED = "/move?die1=3&die2=1&p5=1&p24=-1"  # this and the following: tests of wildbg's server
DOUBLE = "/move?die1=1&die2=1&p5=2&p24=-1"
NAMES = ["win", "winG", "winBg", "loseG", "loseBg"]


@pytest.fixture(scope="module")
def adviser() -> Adviser:
    return Adviser(PipCountPlayer(), searcher=Searcher(PipEvaluator(), SearchSettings(plies=0)))


@pytest.fixture
def server(adviser: Adviser) -> Iterator[HttpServer]:
    with HttpServer(wildbg_app(adviser), "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(server: HttpServer, target: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, Any]]:
    """(status, content type, body)."""
    connection = http.client.HTTPConnection(*server.address, timeout=20)
    try:
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], json.loads(response.read())
    finally:
        connection.close()


def check_probabilities(found: dict[str, float]) -> None:
    assert list(found) == NAMES
    assert 1 >= found["win"] >= found["winG"] >= found["winBg"] >= 0
    assert 1 - found["win"] >= found["loseG"] >= found["loseBg"] >= 0


def test_move_lists_every_play_best_first_with_the_chances_after_it(adviser: Adviser) -> None:
    answer = answer_request(START_31, adviser)
    assert answer.status == 200
    assert list(answer.body) == ["moves"]
    assert len(answer.body["moves"]) == 16
    for move in answer.body["moves"]:
        assert list(move) == ["play", "probabilities"]
        check_probabilities(move["probabilities"])
        assert all(list(step) == ["from", "to"] for step in move["play"])
        assert sorted(step["from"] - step["to"] for step in move["play"]) == [1, 3]


def test_a_forced_play_is_a_list_of_one(adviser: Adviser) -> None:
    (move,) = answer_request(FORCED, adviser).body["moves"]
    steps = move["play"]
    assert (steps[0]["from"], steps[1]["to"]) == (5, 1)
    assert steps[0]["to"] == steps[1]["from"]


def test_a_double_has_four_steps(adviser: Adviser) -> None:
    moves = answer_request(DOUBLE, adviser).body["moves"]
    assert len(moves) == 3
    assert all(len(move["play"]) == 4 for move in moves)


def test_a_dance_is_one_empty_play(adviser: Adviser) -> None:
    target = "/move?die1=6&die2=6&p25=1&p19=-2&p24=-2"
    (move,) = answer_request(target, adviser).body["moves"]
    assert move["play"] == []
    check_probabilities(move["probabilities"])


def test_the_bar_is_25_and_off_is_0(adviser: Adviser) -> None:
    entering = answer_request("/move?die1=6&die2=5&p25=1&p6=1&p1=-2", adviser).body["moves"]
    assert all(move["play"][0]["from"] == 25 for move in entering)
    bearing_off = answer_request("/move?die1=6&die2=5&p6=1&p5=1&p24=-1", adviser).body["moves"]
    assert all(move["play"][-1]["to"] == 0 for move in bearing_off)


def test_eval_has_the_chances_of_the_player_on_roll_and_the_cube(adviser: Adviser) -> None:
    answer = answer_request(START, adviser)
    assert answer.status == 200
    assert list(answer.body) == ["cube", "probabilities"]
    assert answer.body["cube"] == {"double": False, "accept": True}
    check_probabilities(answer.body["probabilities"])
    # The evaluator speaks for the player who has just moved: the opponent, who sees the same position at the start.
    after = swap_outcomes(PipEvaluator().outcomes(START_BOARD[None]))[0]
    assert answer.body["probabilities"]["win"] == pytest.approx(float(after[:3].sum()), abs=1e-6)


def test_any_score_may_be_asked_about_and_half_a_score_may_not(adviser: Adviser) -> None:
    for own, theirs in ((1, 1), (0, 0), (3, 5), (1, 4)):
        assert answer_request(f"{START_31}&x_away={own}&o_away={theirs}", adviser).status == 200
    for own, theirs in ((0, 5), (3, 0), (-1, 2), (3, 999)):
        refused = answer_request(f"{START_31}&x_away={own}&o_away={theirs}", adviser)
        assert refused.status == 400
        assert "x_away" in refused.body["message"]


def test_an_engine_without_chances_still_orders_the_plays_and_says_what_it_lacks() -> None:
    plain = Adviser(PipCountPlayer())
    moves = answer_request(START_31, plain).body["moves"]
    assert len(moves) == 16
    assert {move["probabilities"] for move in moves} == {None}
    refused = answer_request(START, plain)
    assert refused.status == 501
    assert "pipcount orders plays but gives no chances" in refused.body["message"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/eval?p0=1&p4=4&p5=-5", "opponent's bar"),
        ("/move?die1=2&die2=1&p4=4&p5=-5&p25=-2", "bar of the player on roll"),
        ("/move?die1=2&die2=0&p4=4&p5=-5", "from 1 to 6"),
        ("/move", "no checkers"),
        ("/move?p1=5&p9=-3", "die1 is missing"),
        ("/move?die1=2&p1=5&p9=-3", "die2 is missing"),
        ("/eval?p4=16&p5=-5", "more than 15"),
        ("/eval?p4=10&p3=6&p5=-5", "16 checkers"),
        ("/eval?p4=4", "over"),
        ("/eval?p4=four&p5=-5", "p4='four'"),
        ("/eval?p4=&p5=-5", "p4=''"),
        ("/eval?p4=99999999999&p5=-5", "p4="),
        ("/eval?p4=1&p4=2&p5=-5", "twice"),
        ("/eval?" + "a=1&" * 100, "more than 64"),
    ],
)
def test_what_is_no_position_or_no_dice_is_a_bad_request_with_a_message(
    target: str, reason: str, adviser: Adviser
) -> None:
    answer = answer_request(target, adviser)
    assert answer.status == 400
    assert list(answer.body) == ["message"]
    assert reason in answer.body["message"]


def test_another_path_is_not_found(adviser: Adviser) -> None:
    assert answer_request("/", adviser).status == 404
    assert answer_request("/move/x?die1=1", adviser).status == 404


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.lists(st.tuples(st.sampled_from([f"p{i}" for i in range(27)]), st.integers(-17, 17))))
def test_any_request_gets_an_answer(text: str, counts: list[tuple[str, int]]) -> None:
    adviser = Adviser(PipCountPlayer(), searcher=Searcher(PipEvaluator(), SearchSettings(plies=0)))
    query = "&".join(f"{name}={count}" for name, count in counts)
    for target in (text, f"/move?{text}", f"/eval?{query}", f"/move?die1=6&die2=1&{query}"):
        assert answer_request(target, adviser).status in (200, 400, 404)


def test_the_server_answers_over_http(server: HttpServer) -> None:
    status, kind, body = get(server, START_31)
    assert (status, kind, len(body["moves"])) == (200, "application/json", 16)
    assert get(server, START)[0] == 200
    status, kind, body = get(server, "/eval?p4=4")
    assert (status, kind, list(body)) == (400, "application/json", ["message"])


def test_the_server_knows_get_only_and_short_requests_only(server: HttpServer) -> None:
    assert get(server, START_31, method="POST")[0] == 405
    assert get(server, "/eval?" + "a" * HttpLimits().target)[0] == 414
    assert get(server, "/eval?" + "a" * 70_000)[0] in (414, 431)


def test_a_page_of_somebody_else_is_not_answered(server: HttpServer) -> None:
    assert get(server, START, Host="example.org")[0] == 403
    assert get(server, START, Host="localhost:8080")[0] == 200


def test_another_address_is_refused_in_json(server: HttpServer) -> None:
    assert get(server, "/other")[::2] == (404, {"message": "there are /move and /eval"})
