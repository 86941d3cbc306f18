"""The routes of the board in the browser: static files, and JSON over POST under /api/ for who knows the token.

    GET  /                       the page;  /static/... and /shared/...: its modules and styles
    POST /api/start              levels, geometry of the board, saved games
    POST /api/games/new          a new game;  /api/games/show, /act, /hint: {"id": ...}, see `table_room`
    POST /api/games/review       judge what was played;  /api/analyse?name=&plies= the same for a file (its bytes)
    POST /api/tasks/follow       server-sent events of a task until it ends;  /api/tasks/cancel
    POST /api/matches/list, /show, /forget;  /api/quiz/next, /answer   see `review_room`
    POST /api/export             a file to keep, as text
    POST /api/position/read, /rank   see `position_desk`

A refusal is {"message": one sentence} with a status: 400 it cannot be done, 403 no token, 404 no such address, 409 the
page is behind (with the view as it stands), 413 too large, 503 the engine did not answer in time, 507 it cannot be
saved.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backgammon.analysis.page import render_documents
from backgammon.analysis.page_parts import SHARED_FOLDER
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.notation.svg import board_geometry
from backgammon.protocols.http_guard import HttpLimits, refuse
from backgammon.records import write_mat, write_sgf
from backgammon.tools.errors import ConfigError, PairgammonError
from backgammon.web.position_desk import rank_position, read_position
from backgammon.web.request_fields import Fields
from backgammon.web.review_room import ReviewRoom, Task
from backgammon.web.table_room import StaleTurn, TableRoom
from backgammon.web.wire import Json

TOKEN_HEADER = "X-Pairgammon-Token"
LIMITS = HttpLimits(larger_bodies={"/api/analyse": 8 << 20}, client_seconds=30.0)
"""What a server of the board takes; files that are to be analysed may be larger than other requests."""
EVENT_SECONDS = 0.2
DEADLINE = 240.0
"""Seconds after which the page is told that the engine is busy; kernels may have to be compiled meanwhile."""

STATIC_FOLDER = Path(__file__).with_name("static")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Handler = Callable[[Fields], Json]


class WebBoard:
    """The board's application: `application()` is what an ASGI server runs."""

    def __init__(self, room: TableRoom, reviews: ReviewRoom, token: str) -> None:
        """Join the rooms with who may enter.

        Args:
            room: games in play; used by one thread at a time.
            reviews: judges matches in a thread of its own.
            token: what the page has to send back as a header.
        """
        self.room = room
        self.reviews = reviews
        self._token = token.encode()
        self._engine_queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._handlers: dict[str, Handler] = {
            "start": self._start,
            "games/new": room.new_game,
            "games/list": lambda _: {"games": room.games()},
            "games/show": lambda fields: room.table(fields.text("id")).view(),
            "games/act": lambda fields: room.act(fields.text("id"), fields),
            "games/hint": lambda fields: room.hint(fields.text("id"), fields),
            "games/review": self._review_game,
            "position/read": read_position,
            "position/rank": lambda fields: rank_position(fields, room.desk),
            "tasks/cancel": lambda fields: reviews.cancel(fields.text("id")),
            "matches/list": reviews.matches,
            "matches/show": reviews.show,
            "matches/forget": reviews.forget,
            "quiz/next": reviews.next_question,
            "quiz/answer": reviews.answer,
        }

    def application(self) -> ASGIApp:
        """The ASGI application."""
        self._engine_queue.submit(self.room.desk.warm_up)
        return _WithHeaders(Starlette(routes=self.routes()))

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route("/", lambda _: FileResponse(STATIC_FOLDER / "index.html"), methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC_FOLDER)),
            Mount("/shared", StaticFiles(directory=SHARED_FOLDER)),
            Route("/api/analyse", self._guarded(self._analyse), methods=["POST"]),
            Route("/api/tasks/follow", self._guarded(self._follow), methods=["POST"]),
            Route("/api/export", self._guarded(self._export), methods=["POST"]),
            Route("/api/{name:path}", self._guarded(self._answer), methods=["POST"]),
        ]

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """`answer` for those who know the token; what it refuses becomes a status and a sentence."""

        async def guarded(request: Request) -> Response:
            try:
                self._check_token(request)
                return await answer(request)
            except StaleTurn as error:
                return JSONResponse({"message": str(error), "view": error.view}, 409)
            except PairgammonError as error:
                return refuse(400, " ".join(str(error).split()))
            except HTTPException as error:
                return refuse(error.status_code, error.detail)
            except OSError as error:
                return refuse(507, f"it cannot be saved: {error.strerror or error}")

        return guarded

    async def _answer(self, request: Request) -> Response:
        """Any request for JSON."""
        handler = self._handlers.get(request.path_params["name"])
        if handler is None:
            raise HTTPException(404, "there is no such address")
        fields = Fields(_parse(await request.body()))
        return JSONResponse(await self._in_queue(handler, fields))

    async def _analyse(self, request: Request) -> Response:
        """A file to judge: its bytes are the body."""
        query = request.query_params
        plies = Fields({"plies": _whole(query.get("plies", "1"))}).whole("plies", 0, MAX_PLIES)
        data = await request.body()
        return JSONResponse({"task": self.reviews.judge_file(data, query.get("name", "file"), plies)})

    async def _follow(self, request: Request) -> Response:
        """How a task goes on, as events."""
        fields = Fields(_parse(await request.body()))
        return StreamingResponse(_events(self.reviews.task(fields.text("id"))), media_type="text/event-stream")

    async def _export(self, request: Request) -> Response:
        """A file to keep: a game as .mat or .sgf, a match as a report, errors for another program."""
        fields = Fields(_parse(await request.body()))
        form = fields.choice("form", ("mat", "sgf", "report", "anki", "xg"))
        if form == "report":
            return PlainTextResponse(render_documents([await asyncio.to_thread(self.reviews.show, fields)]))
        if form in ("anki", "xg"):
            return PlainTextResponse(await asyncio.to_thread(self.reviews.export, fields.text("player"), form))
        answer = await self._in_queue(self._game_text, fields)
        return PlainTextResponse(answer["text"])

    def _game_text(self, fields: Fields) -> Json:
        """What was played at a table, for other programs."""
        record = self.room.table(fields.text("id")).session.record()
        return {"text": write_mat(record) if fields.text("form") == "mat" else write_sgf(record)}

    def _review_game(self, fields: Fields) -> Json:
        """Judge what was played at a table."""
        session = self.room.table(fields.text("id")).session
        plies = fields.whole("plies", 0, MAX_PLIES, 1)
        record = session.record()
        return {"task": self.reviews.judge_record(record, " - ".join(session.names), plies)}

    def _check_token(self, request: Request) -> None:
        """A header of our own, so that no other page's request gets in, and with our token."""
        sent = request.headers.get(TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(sent, self._token):
            raise HTTPException(403, "open the address that `pairgammon web` has printed: it holds the key")

    async def _in_queue(self, handler: Handler, fields: Fields) -> Json:
        """Let the engine's thread do it."""
        work = asyncio.wrap_future(self._engine_queue.submit(handler, fields))
        try:
            return await asyncio.wait_for(work, DEADLINE)
        except TimeoutError as error:
            raise HTTPException(503, "the engine is busy; try again in a moment") from error

    def _start(self, _: Fields) -> Json:
        """What a page needs to begin with."""
        return {"levels": list(self.room.levels), "geometry": board_geometry(), "games": self.room.games()}


class _WithHeaders:
    """Adds the headers of security to every answer, whoever gives it."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._headers = [(key.lower().encode(), value.encode()) for key, value in SECURITY_HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        await self._inner(scope, receive, send_with_headers)


async def _events(task: Task) -> AsyncIterator[str]:
    """The state of a task whenever it has changed, until it is over."""
    last = None
    while True:
        now = task.as_dict()
        if now != last:
            yield f"data: {json.dumps(now)}\n\n"
        if task.is_over:
            return
        last = now
        await asyncio.sleep(EVENT_SECONDS)


def _whole(text: str) -> int | str:
    """The number in a query, or the text as it is, to be refused with its name."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise ConfigError("the request is no JSON") from error
