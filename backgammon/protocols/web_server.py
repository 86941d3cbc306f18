"""An HTTP server for small JSON questions: GET only, for programs on this machine, bounded in size, time and number."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from backgammon.protocols.adviser import Adviser
from backgammon.protocols.wildbg import Answer, answer_request
from backgammon.tools.errors import ConfigError

DEFAULT_PORT = 8080
"""wildbg's port."""

MAX_REQUESTS = 16
"""Worked on at the same time; one more is asked to come again."""

TIMEOUT = 10.0
"""Seconds that a client may take over a request."""

MAX_TARGET = 2048
"""Characters of path and query."""

_LOOPBACK = ("127.0.0.1", "localhost")
_FORBIDDEN, _METHOD_NOT_ALLOWED, _TARGET_TOO_LONG, _BUSY = 403, 405, 414, 503


class WildbgServer(ThreadingHTTPServer):
    """Answers wildbg's requests, each connection in a thread of its own, until `shutdown`."""

    daemon_threads = True

    def __init__(self, host: str, port: int, adviser: Adviser) -> None:
        """Bind; `serve_forever` answers.

        Args:
            host: an address of this machine; 127.0.0.1 lets nobody in from outside.
            port: 0 takes a free one, see `address`.
            adviser: answers.

        Raises:
            ConfigError: the address cannot be used.
        """
        self.adviser = adviser
        self.places = threading.BoundedSemaphore(MAX_REQUESTS)
        self.is_local = host in _LOOPBACK
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from error

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server_version = "pairgammon"
    sys_version = ""
    timeout = TIMEOUT

    def do_GET(self) -> None:
        """Answer."""
        server = cast(WildbgServer, self.server)
        if server.is_local and not self._is_for_this_machine():
            self._send(Answer(_FORBIDDEN, {"message": "this server answers to localhost only"}))
        elif len(self.path) > MAX_TARGET:
            self._send(Answer(_TARGET_TOO_LONG, {"message": f"a request has at most {MAX_TARGET} characters"}))
        elif not server.places.acquire(blocking=False):
            self._send(Answer(_BUSY, {"message": f"{MAX_REQUESTS} requests are in work already; try again"}))
        else:
            try:
                answer = answer_request(self.path, server.adviser)
            finally:
                server.places.release()
            self._send(answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses, as JSON like everything else."""
        reason = message or explain or self.responses.get(code, ("refused", ""))[0]
        self.close_connection = True
        self._send(Answer(_METHOD_NOT_ALLOWED if code == 501 else code, {"message": reason}))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        """Keep quiet: a server that is asked thousands of times a second must not write a line for each."""

    def _is_for_this_machine(self) -> bool:
        """False for a request that a web page of somebody else has sent here (DNS rebinding)."""
        return self.headers.get("Host", "localhost").partition(":")[0] in _LOOPBACK

    def _send(self, answer: Answer) -> None:
        data = json.dumps(answer.body, separators=(",", ":")).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
