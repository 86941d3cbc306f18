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

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import BinaryIO, cast

from backgammon.protocols.adviser import Adviser, spell_play
from backgammon.protocols.fibs_board import parse_board_line
from backgammon.protocols.lines import MAX_LINE, read_lines
from backgammon.rules.game import Stage
from backgammon.tools.errors import ConfigError, PairgammonError

DEFAULT_PORT = 1234
"""The port of the examples in GNU Backgammon's manual."""

MAX_CLIENTS = 16
"""Connections at the same time; one more gets an error line."""

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
    return spell_play(decision.plays[decision.chosen or 0])


class ExternalPlayerServer(socketserver.ThreadingTCPServer):
    """Serves GNU Backgammons, each in a thread of its own, until `shutdown`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, host: str, port: int, adviser: Adviser, log: Log | None = None, has_jacoby: bool = False
    ) -> None:
        """Bind; `serve_forever` answers.

        Args:
            host: an address of this machine; 127.0.0.1 lets nobody in from outside.
            port: 0 takes a free one, see `address`.
            adviser: answers.
            log: is given each line of a dialogue, `> ` before a question and `< ` before an answer.
            has_jacoby: money sessions are played by the Jacoby rule, which no question tells.

        Raises:
            ConfigError: the address cannot be used.
        """
        self.adviser = adviser
        self.log = log
        self.has_jacoby = has_jacoby
        self.places = threading.BoundedSemaphore(MAX_CLIENTS)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from error

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)


class _Handler(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer until the client goes away."""
        server = cast(ExternalPlayerServer, self.server)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not server.places.acquire(blocking=False):
            self._send(f"{ERROR}{MAX_CLIENTS} clients are connected already; try again later")
            return
        try:
            self._converse(server)
        except ConnectionError:
            return  # gone in the middle of a line: nobody is left to tell
        finally:
            server.places.release()

    def _converse(self, server: ExternalPlayerServer) -> None:
        for line in read_lines(cast(BinaryIO, self.rfile)):
            if line == "":
                continue
            answer = f"{ERROR}a line has at most {MAX_LINE} bytes"
            if line is not None:
                answer = answer_board(line, server.adviser, server.has_jacoby)
            if server.log is not None:
                server.log(f"> {line}")
                server.log(f"< {answer}")
            self._send(answer)

    def _send(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\n")
