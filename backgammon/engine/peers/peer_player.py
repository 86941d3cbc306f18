"""A peer's process as a `Player`: many decisions go to it at once, shared between as many processes as wanted."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

import numpy as np

from backgammon.engine.peers.peer_name import PEER_JUDGES, is_peer_judge, missing_package
from backgammon.engine.peers.pipe import (
    receive_chances,
    receive_line,
    receive_rows,
    send_decisions,
    send_positions,
)
from backgammon.evaluation.player import Noise
from backgammon.tools.arrays import Boards, Dice, Float32s, Int64s
from backgammon.tools.errors import ConfigError, PairgammonError

PUBEVAL = "pubeval"

_SOURCE = Path(__file__).resolve().parent.parent.parent.parent
_GOODBYE_SECONDS = 5.0

Process = subprocess.Popen[bytes]
Answer = TypeVar("Answer", Int64s, Float32s)


class PeerError(PairgammonError):
    """A peer that cannot be started, or that has failed."""


def is_peer(text: str) -> bool:
    """True for a name that means another program, known or not."""
    return text == PUBEVAL or is_peer_judge(text)


class PeerPlayer:
    """Another program as a player; ends with `close`, with the block of a `with`, or with the object."""

    def __init__(self, name: str, processes: int = 1) -> None:
        """Start the program.

        Args:
            name: that of a program that judges (see `peer_name`), or "pubeval".
            processes: of the same program, which share the decisions.

        Raises:
            ConfigError: no such peer.
            PeerError: its package is missing, or it does not start.
        """
        if processes < 1:
            raise ConfigError(f"processes = {processes}: at least 1")
        self.name = name
        command = _command(name)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._finalizer = weakref.finalize(self, _end, self._processes)
        self._processes += [_start(command) for _ in range(processes)]
        self._pool = ThreadPoolExecutor(processes, thread_name_prefix="peer")
        for process in self._processes:
            assert process.stdout is not None
            word, text = receive_line(process.stdout)
            if word != "ready":
                self.close()
                raise PeerError(_explain(name, word, text))

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002 - part of the protocol
        """See `Player.choose`; it uses no noise.

        Raises:
            PeerError: the program has failed.
        """
        return np.concatenate(
            self._share(boards, lambda process, part: _ask(self.name, process, boards[part], dice[part]))
        )

    def chances(self, boards: Boards) -> Float32s:
        """The program's cumulative chances at 0-ply, float32[M, 5], of who has just moved.

        Args:
            boards: int8[M, 26], positions after a play; games that are not over.

        Raises:
            PeerError: the program has failed, or gives none.
        """
        return np.concatenate(self._share(boards, lambda process, part: _ask_chances(self.name, process, boards[part])))

    def _share(self, boards: Boards, ask: Callable[[Process, slice], Answer]) -> list[Answer]:
        """What every process answers to its part of the boards, in order."""
        edges = np.linspace(0, len(boards), len(self._processes) + 1).astype(int)
        parts = map(slice, edges[:-1].tolist(), edges[1:].tolist())
        return list(self._pool.map(ask, self._processes, parts))

    def close(self) -> None:
        """End the processes; a second call does nothing."""
        self._finalizer()
        self._pool.shutdown(wait=False)

    def __enter__(self) -> PeerPlayer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _ask(name: str, process: Process, boards: Boards, dice: Dice) -> Int64s:
    if not len(boards):
        return np.zeros(0, dtype=np.int64)
    source, sink = _pipes(process)
    try:
        send_decisions(sink, boards, dice)
    except (BrokenPipeError, ValueError):
        raise PeerError(f"{name} has ended unexpectedly: run the command again") from None
    _expect(name, source, "rows")
    return receive_rows(source, len(boards)).astype(np.int64)


def _ask_chances(name: str, process: Process, boards: Boards) -> Float32s:
    if not len(boards):
        return np.zeros((0, 5), dtype=np.float32)
    source, sink = _pipes(process)
    try:
        send_positions(sink, boards)
    except (BrokenPipeError, ValueError):
        raise PeerError(f"{name} has ended unexpectedly: run the command again") from None
    _expect(name, source, "chances")
    return receive_chances(source, len(boards))


def _pipes(process: Process) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdout is not None
    assert process.stdin is not None
    return process.stdout, process.stdin


def _expect(name: str, source: IO[bytes], wanted: str) -> None:
    """Read the first line of an answer.

    Raises:
        PeerError: another one came.
    """
    word, text = receive_line(source)
    if word != wanted:
        raise PeerError(_explain(name, word, text))


def _command(name: str) -> list[str]:
    """The command line of a peer's process."""
    if name != PUBEVAL and name not in PEER_JUDGES:
        raise ConfigError(f"player {name!r}: known programs are {', '.join(PEER_JUDGES)} and {PUBEVAL}")
    return [sys.executable, "-m", "backgammon.engine.peers.worker", name]


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(_SOURCE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}  # the packages of this process, wherever it runs
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Close the pipes, wait a little, then insist."""
    for process in processes:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # it went first, with something unsent
                    continue
    for process in processes:
        try:
            process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _explain(name: str, word: str, text: str) -> str:
    if word == "error" and "No module named" in text:
        return missing_package(name)
    return f"{name}: {text}" if word == "error" else f"{name} has ended unexpectedly: run the command again"
