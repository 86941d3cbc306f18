"""Units done by workers: results in the order of the units; what is kept is not done again, a dead worker costs none.

A worker that dies (killed, out of memory) breaks its executor, and takes the units with it that were in work. They are
handed to a new executor. A unit that was in work at MAX_DEATHS deaths is given up: it may well be what kills.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from itertools import chain, islice

from backgammon.tools.errors import DataError
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.work_unit import WorkUnit
from backgammon.tools.jobs.workers import ProcessWorkers, ThreadWorkers, Workers

MAX_DEATHS = 3
"""Deaths of workers that a unit may be present at."""
AHEAD = 3
"""Units handed in for each worker before the result of the first is asked for."""

Progress = Callable[[int], None]
"""Called for each unit that is done, or was found, with its size."""


@dataclass(eq=False)
class _Pending:
    """A unit that has been handed in, or whose result is there."""

    unit: WorkUnit
    result: bytes | None
    future: Future[bytes] | None = None
    deaths: int = 0


def do_units(
    units: Iterable[WorkUnit],
    workers: Workers | None = None,
    store: ResultStore | None = None,
    contents: Mapping[str, bytes] | None = None,
    progress: Progress | None = None,
) -> Generator[bytes, None, None]:
    """The result of each unit, in their order.

    Args:
        units: taken when they are needed.
        workers: None for the calling thread.
        store: keeps results, and is asked first; None keeps nothing.
        contents: what the units share, by digest.
        progress: see `Progress`.

    Raises:
        DataError: a kept result is damaged, or a unit ends every worker that takes it.
        KeyboardInterrupt: what was finished is kept; units that have begun are lost.
        Exception: what the work of a unit raised; the units before it have been given.
    """
    run = _UnitRun(workers or ThreadWorkers(1), store or ResultStore(), contents or {}, progress)
    try:
        yield from run.results(iter(units))
    finally:
        run.close()


class _UnitRun:
    """Units on their way, in order."""

    def __init__(
        self, workers: Workers, store: ResultStore, contents: Mapping[str, bytes], progress: Progress | None
    ) -> None:
        self._workers = workers
        self._store = store
        self._contents = contents
        self._progress = progress
        self._executor: Executor | None = None
        self._pending: deque[_Pending] = deque()

    def results(self, units: Iterator[WorkUnit]) -> Iterator[bytes]:
        """See `do_units`."""
        limit = 1 if self._workers.count == 1 else AHEAD * self._workers.count
        units = self._here_if_alone(units)
        while True:
            while len(self._pending) < limit and (unit := next(units, None)) is not None:
                self._take(unit)
            if not self._pending:
                return
            first = self._pending[0]
            while first.result is None:
                self._wait(first)
            self._pending.popleft()
            yield first.result

    def _here_if_alone(self, units: Iterator[WorkUnit]) -> Iterator[WorkUnit]:
        """The units; for a single one nobody is started who was not asked for."""
        if not (isinstance(self._workers, ProcessWorkers) and self._workers.is_unasked):
            return units
        first = list(islice(units, 2))
        if len(first) < 2:
            self._workers = ThreadWorkers(1)
        return chain(first, units)

    def _take(self, unit: WorkUnit) -> None:
        """The next unit: its result, if that is kept, or the work."""
        one = _Pending(unit, self._store.find(unit.name))
        self._pending.append(one)
        if one.result is None:
            self._hand_in(one)
        else:
            self._report(one)

    def _hand_in(self, one: _Pending) -> None:
        """Give a unit to a worker."""
        if self._executor is None:
            self._executor = self._workers.open(self._contents)
        try:
            one.future = self._executor.submit(one.unit.work)
        except BrokenExecutor as error:  # it broke a moment ago; `_wait` sees to it
            one.future = Future()
            one.future.set_exception(error)

    def _wait(self, first: _Pending) -> None:
        """Until something is done: keep it, and begin again where a worker has died."""
        wait([one.future for one in self._pending if one.future is not None], return_when=FIRST_COMPLETED)
        self._collect()
        if first.future is not None and first.future.done():
            error = first.future.exception()
            if not isinstance(error, BrokenExecutor):
                first.future.result()  # raises
            self._begin_again()

    def _collect(self) -> None:
        """Keep what is done, whoever waits for what."""
        for one in self._pending:
            if one.future is not None and _has_result(one.future):
                one.result = one.future.result()
                one.future = None
                self._store.keep(one.unit.name, one.result)
                self._report(one)

    def _report(self, one: _Pending) -> None:
        if self._progress is not None:
            self._progress(one.unit.size)

    def _begin_again(self) -> None:
        """A new executor for the units whose results went down with the old one."""
        self.close()
        for one in self._pending:
            if one.future is None:
                continue
            one.deaths += 1
            if one.deaths >= MAX_DEATHS:
                raise DataError(
                    f"work unit {one.unit.name[:12]}: {one.deaths} workers have died over it; it may need more memory "
                    "than there is, take fewer workers"
                )
            self._hand_in(one)

    def close(self) -> None:
        """Take back what has not begun, wait for what has, and keep what is done."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
            self._collect()


def _has_result(future: Future[bytes]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
