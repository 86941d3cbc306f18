"""wildbg's two routes for an HTTP server: GET and HEAD, JSON answers."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backgammon.protocols.adviser import Adviser
from backgammon.protocols.http_guard import refuse
from backgammon.protocols.wildbg import NOT_FOUND, PATHS, answer_request
from backgammon.tools.processors import usable_processors

DEFAULT_PORT = 8080
"""wildbg's port."""

MAX_WAIT = 30.0
"""Seconds that a request waits for the engine before it is asked to come again."""

_BUSY = 503


_OPENING = "die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2"


def wildbg_app(adviser: Adviser) -> Starlette:
    """An application of the two routes alone; the engine is made warm, so that no client waits for that."""
    for path in PATHS:
        answer_request(f"{path}?{_OPENING}", adviser)
    return Starlette(routes=wildbg_routes(adviser), exception_handlers={HTTPException: _refuse})


def wildbg_routes(adviser: Adviser) -> list[Route]:
    """/move and /eval; the engine answers as many requests at a time as there are processors, the others wait."""
    places = asyncio.Semaphore(usable_processors())

    async def answer(request: Request) -> JSONResponse:
        try:
            async with asyncio.timeout(MAX_WAIT):
                await places.acquire()
        except TimeoutError:
            return refuse(_BUSY, f"{adviser.name} has had no time for this request for {MAX_WAIT:g} s; try again")
        try:
            target = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
            found = await asyncio.to_thread(answer_request, target, adviser)
        finally:
            places.release()
        return JSONResponse(found.body, found.status)

    return [Route(path, answer, methods=["GET"]) for path in PATHS]


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    """What Starlette refuses, as JSON like everything else."""
    assert isinstance(error, HTTPException)
    message = f"there are {' and '.join(PATHS)}" if error.status_code == NOT_FOUND else error.detail
    answer = refuse(error.status_code, message)
    answer.headers.update(error.headers or {})
    return answer
