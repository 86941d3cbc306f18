"""Threads that share a piece of work whose numbers do not depend on them.

The caller's thread is one of them. A pool that hands out tasks and wakes the caller at each result has one thread more
than there are cores: every wake-up took a core from a worker, 3 to 7 % of the time of two threads
(docs/performance.md).
Here each thread fetches the next piece itself, and the caller sleeps at most once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from backgammon.tools.errors import ConfigError

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Crew:
    """The caller's thread and others beside it; may be called from several threads, and from one of its own."""

    def __init__(self, threads: int, name: str) -> None:
        """Threads start with the first work.

        Args:
            threads: with the caller's, at least 1.
            name: of the threads, for debuggers.

        Raises:
            ConfigError: fewer than one thread.
        """
        if threads < 1:
            raise ConfigError(f"threads = {threads}: at least 1")
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix=name) if threads > 1 else None

    def map(self, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        """The results of work(piece), in the order of the pieces.

        Raises:
            BaseException: what `work` raised first. Pieces that no thread had begun are left undone then, and those
                begun are finished: nothing runs on behind the caller's back.
        """
        if self._pool is None or len(pieces) < 2:
            return [work(piece) for piece in pieces]
        results: list[Result | None] = [None] * len(pieces)
        # One iterator for all: its `next` is a single step under the interpreter's lock.
        left = iter(range(len(pieces)))

        def serve() -> None:
            try:
                for number in left:
                    results[number] = work(pieces[number])
            except BaseException:
                for _ in left:  # nobody begins another piece
                    pass
                raise

        others = [self._pool.submit(serve) for _ in range(min(self.threads, len(pieces)) - 1)]
        try:
            serve()
        finally:
            # One that never got a thread is not waited for: all work may be done without it.
            begun = [other for other in others if not other.cancel()]
            wait(begun)
        for other in begun:
            other.result()
        return results  # type: ignore[return-value]
