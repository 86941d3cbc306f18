"""The external player of GNU Backgammon: the engine inside GNU Backgammon's own window.

GNU Backgammon is the client (`set player 1 external localhost:1234`): it opens one connection for the whole session
and writes a board line for each decision; we answer with one line.

    dice to play        8/5 6/5, every move on its own; an empty line when no checker can move
    before the roll     roll, or double
    a double to answer  take, or drop
    anything else       Error: and the reason; GNU Backgammon then leaves the turn to the person at the board

Cubeless sessions never ask about the cube. Source: GNU Backgammon manual, "External players"; dialogues recorded with
1.07.001. GNU Backgammon takes an illegal answer for an empty play without a word, so nothing but rows of the
decision's candidates is ever sent.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import BinaryIO, cast

from backgammon.protocols.adviser import Adviser, spell_play
from backgammon.protocols.fibs_board import parse_board_line
from backgammon.protocols.lines import MAX_LINE, read_lines
from backgammon.protocols.listening import listen
from backgammon.rules.game import Stage
from backgammon.tools.errors import PairgammonError

DEFAULT_PORT = 1234
"""The port of the examples in GNU Backgammon's manual."""

MAX_CLIENTS = 16
"""Connections at the same time; one more takes the place of the client that has asked nothing for longest."""

IDLE_SECONDS = 4 * 3600.0
"""A client that asks nothing for so long is gone: people think, but machines fall asleep with open connections."""

ERROR = "Error: "
"""What GNU Backgammon knows a refusal by."""

Log = Callable[[str], None]


def answer_board(line: str, adviser: Adviser, has_jacoby: bool = False) -> str:
    """The answer to one line of GNU Backgammon, without line feed; an error line for what is no question.

    Args:
        line: the question.
        adviser: decides.
        has_jacoby: money sessions are played by the Jacoby rule.
    """
    try:
        question = parse_board_line(line)
        state, stakes = question.state, question.stakes(has_jacoby)
    except PairgammonError as error:
        return ERROR + " ".join(str(error).split())
    if state.stage is Stage.DOUBLED:
        return "take" if adviser.takes(state, stakes) else "drop"
    if state.stage is Stage.ROLL:
        return "double" if state.may_double and adviser.doubles(state, stakes) else "roll"
    decision = adviser.choose(state, stakes)
    return spell_play(decision.play_of(decision.chosen or 0))


class ExternalPlayerServer(socketserver.ThreadingTCPServer):
    """Serves GNU Backgammons, each in a thread of its own, until `shutdown`."""

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        adviser: Adviser,
        log: Log | None = None,
        has_jacoby: bool = False,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """Bind; `serve_forever` answers.

        Args:
            host: an address of this machine; 127.0.0.1 lets nobody in from outside.
            port: 0 takes a free one, see `address`.
            adviser: answers.
            log: is given each line of a dialogue, `> ` before a question and `< ` before an answer.
            has_jacoby: money sessions are played by the Jacoby rule, which no question tells.
            idle_seconds: between two whole questions of a client.

        Raises:
            ConfigError: the address cannot be used.
        """
        self.adviser = adviser
        self.log = log
        self.has_jacoby = has_jacoby
        self.idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._waiting: dict[socket.socket, float | None] = {}  # since when for a question; None while it is answered
        listener = listen(host, port)
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.address_family = listener.family

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)

    def enter(self, client: socket.socket) -> bool:
        """Find a place for a client; False where every other one waits for an answer of ours."""
        with self._lock:
            if len(self._waiting) >= MAX_CLIENTS and not self._make_room():
                return False
            self._waiting[client] = time.monotonic()
            return True

    def leave(self, client: socket.socket) -> None:
        """The client is gone."""
        with self._lock:
            self._waiting.pop(client, None)

    def is_asked(self, client: socket.socket) -> bool:
        """A whole question has come; False for a client that has lost its place."""
        return self._set(client, None)

    def has_answered(self, client: socket.socket) -> bool:
        """The answer is out; False for a client that has lost its place."""
        return self._set(client, time.monotonic())

    def service_actions(self) -> None:
        """Close the connections of clients that have asked nothing for too long; called twice a second."""
        latest = time.monotonic() - self.idle_seconds
        with self._lock:
            for client in [one for one, since in self._waiting.items() if since is not None and since < latest]:
                self._close(client)

    def _set(self, client: socket.socket, since: float | None) -> bool:
        with self._lock:
            if client not in self._waiting:
                return False
            self._waiting[client] = since
            return True

    def _make_room(self) -> bool:
        waiting = {client: since for client, since in self._waiting.items() if since is not None}
        if not waiting:
            return False
        self._close(min(waiting, key=waiting.__getitem__))
        return True

    def _close(self, client: socket.socket) -> None:
        """End a conversation; its thread wakes up and goes."""
        del self._waiting[client]
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


class _Handler(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer until the client goes away."""
        server = cast(ExternalPlayerServer, self.server)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.connection.settimeout(server.idle_seconds)  # also of a client that does not fetch its answer
        if not server.enter(self.connection):
            self._send(f"{ERROR}{MAX_CLIENTS} clients are being answered already; try again later")
            return
        try:
            self._converse(server)
        except OSError:
            return  # gone in the middle of a line: nobody is left to tell
        finally:
            server.leave(self.connection)

    def finish(self) -> None:
        """Close what is left of a connection that may be gone."""
        with contextlib.suppress(OSError):
            super().finish()

    def _converse(self, server: ExternalPlayerServer) -> None:
        for line in read_lines(cast(BinaryIO, self.rfile)):
            if line == "":
                continue
            if not server.is_asked(self.connection):
                return
            answer = f"{ERROR}a line has at most {MAX_LINE} bytes"
            if line is not None:
                answer = answer_board(line, server.adviser, server.has_jacoby)
            if server.log is not None:
                server.log(f"> {line}")
                server.log(f"< {answer}")
            self._send(answer)
            if not server.has_answered(self.connection):
                return

    def _send(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\n")
