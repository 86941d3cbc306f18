"""The routes of the board in the browser: static files, and JSON over POST under /api/ for who knows the token.

    GET  /                       the page;  /static/... and /shared/...: its modules and styles
    POST /api/start              levels, geometry of the board, saved games
    POST /api/games/new          a new game;  /api/games/show, /act, /hint: {"id": ...}, see `table_room`

A refusal is {"message": one sentence} with a status: 400 it cannot be done, 403 no token, 404 no such address, 409 the
page is behind (with the view as it stands), 413 too large, 503 the engine did not answer in time, 507 it cannot be
saved.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backgammon.analysis.page_parts import SHARED_FOLDER
from backgammon.notation.svg import board_geometry
from backgammon.tools.errors import ConfigError, PairgammonError
from backgammon.web.request_fields import Fields
from backgammon.web.table_room import StaleTurn, TableRoom
from backgammon.web.wire import Json

TOKEN_HEADER = "X-Pairgammon-Token"
MAX_BODY = 16 << 10
"""Bytes of a request; files that are to be analysed have a limit of their own."""
DEADLINE = 60.0
"""Seconds after which the page is told that the engine is busy."""

STATIC_FOLDER = Path(__file__).with_name("static")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Handler = Callable[[Fields], Json]


class Refusal(Exception):
    """A request that is answered by a status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class WebBoard:
    """The board's application: `application()` is what an ASGI server runs."""

    def __init__(self, room: TableRoom, token: str) -> None:
        """Join the room of tables with who may enter.

        Args:
            room: games in play; used by one thread at a time.
            token: what the page has to send back as a header.
        """
        self.room = room
        self._token = token.encode()
        self._engine_queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._handlers: dict[str, Handler] = {
            "start": self._start,
            "games/new": room.new_game,
            "games/list": lambda _: {"games": room.games()},
            "games/show": lambda fields: room.table(fields.text("id")).view(),
            "games/act": lambda fields: room.act(fields.text("id"), fields),
            "games/hint": lambda fields: room.hint(fields.text("id"), fields),
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
            Route("/api/{name:path}", self._answer, methods=["POST"]),
        ]

    async def _answer(self, request: Request) -> Response:
        """Any request for JSON."""
        try:
            self._check_token(request)
            handler = self._handlers.get(request.path_params["name"])
            if handler is None:
                raise Refusal(404, "there is no such address")
            fields = Fields(_parse(await read_body(request, MAX_BODY)))
            answer = await self._in_queue(handler, fields)
        except StaleTurn as error:
            return JSONResponse({"message": str(error), "view": error.view}, 409)
        except PairgammonError as error:
            return JSONResponse({"message": " ".join(str(error).split())}, 400)
        except Refusal as refusal:
            return JSONResponse({"message": str(refusal)}, refusal.status)
        except OSError as error:
            return JSONResponse({"message": f"it cannot be saved: {error.strerror or error}"}, 507)
        return JSONResponse(answer)

    def _check_token(self, request: Request) -> None:
        """A header of our own, so that no other page's request gets in, and with our token."""
        sent = request.headers.get(TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(sent, self._token):
            raise Refusal(403, "open the address that `pairgammon web` has printed: it holds the key to this page")

    async def _in_queue(self, handler: Handler, fields: Fields) -> Json:
        """Let the engine's thread do it."""
        work = asyncio.wrap_future(self._engine_queue.submit(handler, fields))
        try:
            return await asyncio.wait_for(work, DEADLINE)
        except TimeoutError as error:
            raise Refusal(503, "the engine is busy; try again in a moment") from error

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


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        Refusal: more than `most` bytes, whatever its header says.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise Refusal(413, f"a request has at most {most:,} bytes")
    return bytes(data)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise ConfigError("the request is no JSON") from error
