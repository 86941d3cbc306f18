"""A board in the browser without a browser: rooms with cheap engines, and requests to the application in process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from backgammon.analysis.error_store import ErrorStore
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import PipCountPlayer
from backgammon.search import CubefulSearcher, Ranker, Searcher, SearchSettings
from backgammon.web.engine_desk import EngineDesk, Makers
from backgammon.web.request_fields import Fields
from backgammon.web.review_room import ReviewRoom
from backgammon.web.table_room import TableRoom
from tests.evaluators import PipEvaluator

TOKEN = "key"
LEVELS = ("casual", "full")


def make_desk() -> EngineDesk:
    """Pip counters that play and judge."""

    searcher = Searcher(PipEvaluator(), SearchSettings(plies=0))
    at_stakes = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0))
    return EngineDesk(Makers(lambda *_: PipCountPlayer(), lambda _: Ranker(searcher), lambda _: at_stakes))


def make_room(folder: Path) -> TableRoom:
    return TableRoom(folder, make_desk(), LEVELS)


def make_reviews(folder: Path) -> ReviewRoom:
    return ReviewRoom(ErrorStore(folder / "errors.sqlite"), make_desk().judge)


def new_game(room: TableRoom, **settings: Any) -> dict[str, Any]:
    return room.new_game(Fields({"seed": 5, "tutor": 0, **settings}))


def act(room: TableRoom, view: dict[str, Any], action: str, **fields: Any) -> dict[str, Any]:
    return room.act(view["id"], Fields({"version": view["version"], "action": action, **fields}))


def first_row(view: dict[str, Any]) -> int:
    """The row at the end of the first way through the graph."""
    graph, node = view["graph"], 0
    while graph[node][1]:
        node = graph[node][1][0][4]
    return int(graph[node][0])


def next_action(view: dict[str, Any]) -> dict[str, Any]:
    """What a page does that always plays the first play, takes, and never doubles."""
    if view["result"]:
        return {"action": "next game"}
    if view["stage"] == "opening" or (view["stage"] == "roll" and view["to_act"] == 0):
        return {"action": "roll"}
    if view["to_act"] == 1:
        return {"action": "go"}
    return {"action": "take"} if view["stage"] == "doubled" else {"action": "play", "row": first_row(view)}


def next_step(room: TableRoom, view: dict[str, Any]) -> dict[str, Any]:
    """The view after `next_action`."""
    return act(room, view, **next_action(view))


class Answer:
    """An answer of the application."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(
    application: ASGIApp,
    path: str,
    body: bytes | dict[str, Any] = b"",
    method: str = "POST",
    token: str | None = TOKEN,
    query: str = "",
) -> Answer:
    """One request, in process."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = [(b"host", b"127.0.0.1")]
    if token is not None:
        headers.append((b"x-pairgammon-token", token.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    return asyncio.run(_call(application, scope, data))


async def _call(application: ASGIApp, scope: dict[str, Any], data: bytes) -> Answer:
    messages: list[Message] = []
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await application(scope, receive, send)
    head = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
    return Answer(messages[0]["status"], head, b"".join(message.get("body", b"") for message in messages[1:]))
