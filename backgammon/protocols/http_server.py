"""Runs an ASGI application for programs on this machine: bounded in connections, and in the time that a client takes.

uvicorn closes a connection that is idle between two requests, but waits for ever for the end of a request that has
begun and for a client that does not fetch its answer. `_Connection` adds one rule: as long as the *client* owes
something (the rest of a request, the next one, the reading of an answer), a clock runs that no single byte stops. When
all places are taken, a newcomer gets the place of the client that has owed longest; only when every connection waits
for an answer of ours is the newcomer told to come again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from types import TracebackType
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from backgammon.protocols.http_guard import Guard, HttpLimits, is_loopback
from backgammon.protocols.listening import BACKLOG, listen

GOODBYE_SECONDS = 2
"""After Ctrl-C, answers in work get so long."""

_BAD_REQUEST, _TIMEOUT, _BUSY = 400, 408, 503
_REASONS = {400: "this is not HTTP", 431: "the head of this request is too long", 501: "this coding is not known"}


class HttpServer:
    """A server; as a context manager it gives its port back at the end."""

    def __init__(self, app: ASGIApp, host: str, port: int, limits: HttpLimits | None = None) -> None:
        """Bind; `serve_forever` answers.

        Args:
            app: answers what `Guard` lets in.
            host: an address of this machine; 127.0.0.1 lets nobody in from outside.
            port: 0 takes a free one, see `address`.
            limits: of clients.

        Raises:
            ConfigError: the address cannot be used.
        """
        self._socket = listen(host, port)
        limits = limits or HttpLimits()
        is_local = is_loopback(host) or is_loopback(self.address[0])
        self._server = _Server(_Config(Guard(app, limits, is_local), limits))

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        """As `address`, for a browser: http://127.0.0.1:8080."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve_forever(self) -> None:
        """Answer until `shutdown`, or Ctrl-C, which is raised as KeyboardInterrupt once all is closed."""
        self._server.run(sockets=[self._socket])

    def shutdown(self) -> None:
        """Let `serve_forever` return; may be called from any thread."""
        self._server.should_exit = True

    def __enter__(self) -> HttpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()


class _Config(uvicorn.Config):
    """uvicorn's settings, with our limits for `_Connection`."""

    def __init__(self, app: ASGIApp, limits: HttpLimits) -> None:
        super().__init__(
            cast(Any, app),
            loop="asyncio",
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=logging.ERROR,  # a client's nonsense is no news; a defect of ours shows its traceback
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=1 << 20,  # ours is the only clock
            timeout_graceful_shutdown=GOODBYE_SECONDS,
            h11_max_incomplete_event_size=limits.head,
        )
        self.limits = limits


class _Server(uvicorn.Server):
    """Quiet about work that it has to leave when it ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


class _Connection(H11Protocol):
    """One connection, with the clock of the module's text."""

    def __init__(self, config: _Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._limits = config.limits
        self._clock: asyncio.TimerHandle | None = None
        self._is_unread = False
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Find a place."""
        is_full = len(self.connections) >= self._limits.connections
        super().connection_made(transport)
        if is_full and not self._make_room():
            self._refuse(_BUSY, "all places are taken; try again")
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        if self._clock is not None:
            self._clock.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those behind a refusal are thrown away."""
        if self._is_refused:
            return
        super().data_received(data)
        self._watch()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a client that has said all it has to say, then close."""
        if not self._is_working:
            return None
        self.cycle.keep_alive = False
        return True

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """The client does not fetch its answer."""
        super().pause_writing()
        self._is_unread = True
        self._watch()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._is_unread = False
        self._watch()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse what h11 cannot read; uvicorn calls this while it handles the error."""
        status = getattr(sys.exception(), "error_status_hint", _BAD_REQUEST)
        self._refuse(status, _REASONS.get(status, _REASONS[_BAD_REQUEST]))

    @property
    def owes_since(self) -> float | None:
        """When the client's clock began to run, by the loop's time; None while the server has to answer."""
        return None if self._clock is None else self._clock.when() - self._limits.client_seconds

    @property
    def _is_working(self) -> bool:
        """True while a whole request waits for its answer."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _watch(self) -> None:
        """Let the clock run exactly while the client owes something."""
        owes = self._is_unread or not self._is_working
        if owes and self._clock is None:
            self._clock = self.loop.call_later(self._limits.client_seconds, self._give_up)
        elif not owes and self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _make_room(self) -> bool:
        """Close the connection whose client has owed longest; False where every one waits for us."""
        others = [other for other in self.connections if isinstance(other, _Connection) and other is not self]
        owing = [other for other in others if other.owes_since is not None]
        if not owing:
            return False
        longest = min(owing, key=lambda other: other.owes_since or 0.0)
        longest.transport.abort()
        self.connections.discard(longest)  # its end is noticed later, and the next newcomer may come before
        return True

    def _give_up(self) -> None:
        """The client's time is over."""
        has_begun = self.conn.our_state is h11.IDLE and self.conn.trailing_data[0] != b""
        if has_begun and not self._is_refused and self.transport.get_write_buffer_size() == 0:
            self._refuse(_TIMEOUT, f"a whole request takes at most {self._limits.client_seconds:g} seconds")
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        """Answer without the application, and close once the client has heard it.

        A socket that is closed with bytes unread takes the answer with it, so what still comes is read and thrown away
        until the client closes or its time is over.
        """
        body = json.dumps({"message": message}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = self.conn.send(h11.Response(status_code=status, headers=headers))
            for event in (h11.Data(data=body), h11.EndOfMessage()):
                answer = (answer or b"") + (self.conn.send(event) or b"")
            self.transport.write(answer or b"")
        if self.cycle is not None:  # an application that still waits for the body is told that nobody listens
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._is_refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
