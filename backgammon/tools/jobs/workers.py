"""Where units are done: in this thread, on threads, in processes of this machine.

This is the seam for other machines too (`cluster`): whatever gives a `concurrent.futures.Executor` can do units. An
executor whose workers died raises BrokenExecutor, and is opened anew.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Protocol

from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.content import install_contents
from backgammon.tools.processors import usable_processors

_GLANCE = 0.1
"""Seconds between two looks at workers that are to leave."""

_LOCAL = re.compile(r"(?:local:)?([0-9]{1,4})")
_CLUSTER = re.compile(r"(dask|ray)(?:://([^/\s]+:[0-9]{1,5}))?")


class Workers(Protocol):
    """Somebody who does units."""

    @property
    def count(self) -> int:
        """Units that can be done at once."""

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """An executor whose every worker knows `contents`, by digest; whoever asks for it shuts it down."""


class InlineExecutor(Executor):
    """Does a unit when it is handed in, in the thread that hands it in."""

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """The finished future; an exception of the work is in it, an interruption goes through."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:  # as every executor: whoever asks for the result gets it
            future.set_exception(error)
        return future


class ThreadWorkers:
    """Threads of this process; with one of them, the calling thread itself."""

    def __init__(self, count: int = 1) -> None:
        """Set up.

        Raises:
            ConfigError: fewer than one.
        """
        self._count = checked_count(count)

    @property
    def count(self) -> int:
        """See `Workers.count`."""
        return self._count

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """See `Workers.open`."""
        install_contents(contents)
        return InlineExecutor() if self._count == 1 else ThreadPoolExecutor(self._count, thread_name_prefix="unit")


class ProcessWorkers:
    """Processes of this machine, which start fresh: they inherit no thread, no lock and no signal handler."""

    def __init__(self, count: int, is_unasked: bool = False) -> None:
        """Set up.

        Args:
            count: processes at most.
            is_unasked: nobody has asked for processes; a single unit is done without one.

        Raises:
            ConfigError: fewer than one.
        """
        self._count = checked_count(count)
        self.is_unasked = is_unasked

    @property
    def count(self) -> int:
        """See `Workers.count`."""
        return self._count

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """See `Workers.open`."""
        context = multiprocessing.get_context("spawn")
        return _Pool(self._count, context, _begin_worker, (dict(contents),))


class _Pool(ProcessPoolExecutor):
    """Processes whose end is never waited for in vain.

    An idle worker that is killed takes the lock of the queue with it. While there is work the pool sees that and gives
    all of it back; once it asks its workers to leave it no longer looks, and the others wait for the lock for ever.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As of `Executor`; where a worker has died the others are killed."""
        processes = list((self._processes or {}).values())
        told = {"wait": wait, "cancel_futures": cancel_futures}
        end = threading.Thread(target=super().shutdown, kwargs=told, name="workers", daemon=True)
        end.start()
        while end.is_alive():
            end.join(_GLANCE)
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.kill()


def _begin_worker(contents: Mapping[str, bytes]) -> None:
    """Ctrl-C is for the process that hands out the units: it lets those that have begun be finished.

    A worker goes with that process: it would wait for work for ever if that is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    install_contents(contents)


def _leave_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def checked_count(count: int) -> int:
    """A number of workers.

    Raises:
        ConfigError: fewer than one.
    """
    if count < 1:
        raise ConfigError(f"{count} workers: at least 1")
    return count


def workers_named(text: str | None) -> Workers:
    """The workers that the command line names: "local:2" or "2" for processes of this machine; None for all of it.

    One local worker is this process itself. "dask", "dask://HOST:PORT" and "ray://HOST:PORT" are clusters: `cluster`.

    Raises:
        ConfigError: nobody of that name, or nobody answers there.
    """
    cluster = _CLUSTER.fullmatch(text) if text is not None else None
    if cluster is not None:
        from backgammon.tools.jobs.cluster import DaskWorkers, RayWorkers

        return DaskWorkers(cluster[2]) if cluster[1] == "dask" else RayWorkers(cluster[2])
    found = _LOCAL.fullmatch(text) if text is not None else None
    if text is not None and found is None:
        raise ConfigError(f"workers {text!r}: write local:N, dask, dask://HOST:PORT or ray://HOST:PORT")
    count = usable_processors() if found is None else int(found[1])
    return ThreadWorkers(1) if count == 1 else ProcessWorkers(count, is_unasked=found is None)
