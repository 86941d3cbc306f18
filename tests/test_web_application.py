from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from backgammon.analysis.page_parts import SHARED_FOLDER
from backgammon.notation.identifier import parse_identifier
from backgammon.protocols.http_guard import Guard
from backgammon.records import read_records
from backgammon.rules.decision import Decision
from backgammon.web.application import LIMITS, STATIC_FOLDER, WebBoard
from tests.web_boards import TOKEN, make_reviews, make_room, next_action, request

LOG = Path(__file__).parent / "vectors" / "logs" / "gnubg-match5.mat"


@pytest.fixture
def application(tmp_path: Path) -> ASGIApp:
    return Guard(WebBoard(make_room(tmp_path), make_reviews(tmp_path), TOKEN).application(), LIMITS, is_local=True)


def test_a_game_is_played_over_requests(application: ASGIApp) -> None:
    view = request(application, "/api/games/new", {"length": 1, "seed": 3, "tutor": 0}).json
    view = request(application, "/api/games/act", {"id": view["id"], "version": 0, "action": "roll"}).json
    assert view["stage"] == "play"
    assert request(application, "/api/games/show", {"id": view["id"]}).json["board"] == view["board"]
    assert [game["id"] for game in request(application, "/api/start", {}).json["games"]] == [view["id"]]
    stale = request(application, "/api/games/act", {"id": view["id"], "version": 0, "action": "roll"})
    assert stale.status == 409
    assert stale.json["view"]["version"] == view["version"]


def test_a_game_is_judged_in_the_background_reviewed_and_saved(application: ASGIApp) -> None:
    game_id = play_a_game(application)
    task = request(application, "/api/games/review", {"id": game_id, "plies": 0}).json["task"]
    events = request(application, "/api/tasks/follow", {"id": task}).body.decode().strip().split("\n\n")
    last = json.loads(events[-1].removeprefix("data: "))
    assert (last["state"], len(last["matches"])) == ("done", 1)
    document = request(application, "/api/matches/show", {"id": last["matches"][0]}).json
    assert document["players"][0] == "You"
    listed = request(application, "/api/matches/list", {}).json
    assert [match["id"] for match in listed["matches"]] == last["matches"]
    assert listed["rates"]["You"][0]["phase"] == "all"
    report = request(application, "/api/export", {"id": last["matches"][0], "form": "report"}).body
    assert report.startswith(b"<!doctype html>")
    for form in ("mat", "sgf"):
        text = request(application, "/api/export", {"id": game_id, "form": form}).body
        assert [game.players[0] for record in read_records(text, f"game.{form}") for game in record.games] == ["You"]


def test_a_file_is_judged_and_its_errors_are_asked(application: ASGIApp) -> None:
    data = LOG.read_bytes()
    task = request(application, "/api/analyse", data, query="name=../../x%00.mat&plies=0").json["task"]
    last = json.loads(request(application, "/api/tasks/follow", {"id": task}).body.decode().split("data: ")[-1])
    assert (last["state"], last["name"]) == ("done", "x.mat")
    found = request(application, "/api/quiz/next", {}).json
    assert found["due"] > 0
    question = found["question"]
    while question["kind"] != "play":  # the cube has a test of its own
        action = {"double": "double", "answer": "take"}[question["kind"]]
        assert request(application, "/api/quiz/answer", {"id": question["id"], "action": action}).json["loss"] >= 0
        question = request(application, "/api/quiz/next", {"player": found["player"]}).json["question"]
    assert "candidates" not in question, "the question does not hold its answer"
    wrong = request(application, "/api/quiz/answer", {"id": question["id"], "board": question["board"]})
    assert wrong.status == 400
    decision = Decision.make(parse_identifier(question["xgid"]).position, question["dice"])
    board = decision.candidates[0].tolist()
    answer = request(application, "/api/quiz/answer", {"id": question["id"], "board": board}).json
    assert answer["loss"] >= 0
    assert answer["entry"]["candidates"][0]["equity"] >= answer["entry"]["candidates"][-1]["equity"]
    assert answer["due"] > time.time()
    for form, start in (("anki", b"#separator:tab"), ("xg", b"XGID=")):
        assert request(application, "/api/export", {"player": found["player"], "form": form}).body.startswith(start)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x1f\x8b broken", b"PK\x03\x04 broken", b"RGMH" + bytes(8300)])
def test_a_file_that_cannot_be_judged_ends_its_task_with_a_reason(application: ASGIApp, data: bytes) -> None:
    task = request(application, "/api/analyse", data, query="name=a.mat&plies=0").json["task"]
    last = json.loads(request(application, "/api/tasks/follow", {"id": task}).body.decode().split("data: ")[-1])
    assert last["state"] == "failed"
    assert last["message"].startswith("a.mat: ")
    assert "/tmp" not in last["message"]


def play_a_game(application: ASGIApp) -> str:
    """A game to 1 point, each play the first that there is."""
    view = request(application, "/api/games/new", {"length": 1, "seed": 3, "tutor": 0}).json
    while not view["is_session_over"]:
        fields = {"id": view["id"], "version": view["version"], **next_action(view)}
        view = request(application, "/api/games/act", fields).json
    return str(view["id"])


@pytest.mark.parametrize("token", [None, "", "kex", "key ", "\u00e9"])
def test_without_the_token_nothing_is_answered(application: ASGIApp, token: str | None) -> None:
    answer = request(application, "/api/start", {}, token=token)
    assert answer.status == 403
    assert set(answer.json) == {"message"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/start", b"{", 400),
        ("/api/start", b"[]", 400),
        ("/api/start", b"[" * 10_000, 400),
        ("/api/start", b"\xff\xfe", 400),
        ("/api/start", b" " * (LIMITS.body + 1), 413),
        ("/api/nothing", b"{}", 404),
        ("/api/games/show", b'{"id": "../x"}', 400),
        ("/api/games/show", b"{}", 400),
        ("/api/games/new", b'{"length": 1e400}', 400),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_code_and_a_sentence(
    application: ASGIApp, path: str, body: bytes, status: int
) -> None:
    answer = request(application, path, body)
    assert answer.status == status
    assert answer.json["message"]
    assert "\n" not in answer.json["message"]


def test_every_answer_has_the_headers_of_security(application: ASGIApp) -> None:
    for path, method in (("/", "GET"), ("/static/app.js", "GET"), ("/nothing", "GET"), ("/api/start", "POST")):
        headers = request(application, path, b"{}", method).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path", ["/static/../application.py", "/static/%2e%2e/application.py", "/shared/__init__.py/x"]
)
def test_no_file_outside_the_static_folders_is_served(application: ASGIApp, path: str) -> None:
    assert request(application, path, method="GET").status == 404


def test_the_page_takes_nothing_from_outside_and_every_module_it_names_is_there() -> None:
    texts = {path: path.read_text() for folder in (STATIC_FOLDER, SHARED_FOLDER) for path in folder.glob("*.[jch]*s*")}
    texts[STATIC_FOLDER / "index.html"] = (STATIC_FOLDER / "index.html").read_text()
    assert len(texts) > 8
    for path, text in texts.items():
        urls = set(re.findall(r"https?://[^\s\"'`]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not urls, (path, urls)
        for name in re.findall(r'(?:from |src=|href=)"(/[^"#]+|\./[^"]+)"', text):
            target = path.parent / name if name.startswith(".") else _file_of(name)
            assert target.is_file(), (path, name)


def _file_of(address: str) -> Path:
    folder = STATIC_FOLDER if address.startswith("/static/") else SHARED_FOLDER
    return folder / address.split("/", 2)[2]
