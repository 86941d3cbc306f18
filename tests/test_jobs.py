"""Units of work: named by what they depend on, done once, by whoever is there, whoever dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.jobs.content import digest_of, find_content
from backgammon.tools.jobs.message import pack_message, unpack_message
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.unit_run import MAX_DEATHS, do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of, unit_of
from backgammon.tools.jobs.workers import ProcessWorkers, ThreadWorkers, Workers, workers_named
from tests.listening import listening_addresses

TABLE = bytes(range(256))


def add_up(message: bytes) -> bytes:
    """A task: the sum of what it is told and of a shared content."""
    values, arrays = unpack_message(message)
    shared = sum(find_content(values["table"])) if values.get("table") else 0
    return str(int(arrays["numbers"].sum()) + shared).encode()


def die_once(marker: str, message: bytes) -> bytes:
    """A task whose first worker is killed from outside."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return add_up(message)


def die(_: bytes) -> bytes:
    """A task that no worker survives."""
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def fail(message: bytes) -> bytes:
    """A task that cannot be done."""
    raise DataError(f"number {int(unpack_message(message)[1]['numbers'][0])} cannot be added")


def message_of(number: int, table: str = "") -> bytes:
    return pack_message({"table": table}, {"numbers": np.arange(number)})


def units(count: int, table: str = "") -> list[WorkUnit]:
    return [unit_of(add_up, 1, message_of(number, table), size=number) for number in range(count)]


def expected(count: int, shared: int = 0) -> list[bytes]:
    return [str(sum(range(number)) + shared).encode() for number in range(count)]


@pytest.mark.parametrize("workers", [None, ThreadWorkers(1), ThreadWorkers(3), ProcessWorkers(2)])
def test_results_come_in_the_order_of_the_units_whoever_does_them(workers: Workers | None, tmp_path: Path) -> None:
    contents = {digest_of(TABLE): TABLE}
    sizes: list[int] = []
    store = ResultStore(tmp_path / "parts")
    found = list(do_units(units(12, digest_of(TABLE)), workers, store, contents, sizes.append))
    assert found == expected(12, sum(TABLE))
    assert sorted(sizes) == list(range(12))
    assert len(list((tmp_path / "parts").iterdir())) == 12


def test_a_name_depends_on_the_task_its_version_and_all_of_the_message() -> None:
    one = unit_of(add_up, 1, message_of(3))
    assert one.name == unit_of(add_up, 1, message_of(3), size=9).name
    others = [unit_of(fail, 1, message_of(3)), unit_of(add_up, 2, message_of(3)), unit_of(add_up, 1, message_of(4))]
    assert len({one.name, *(other.name for other in others)}) == 4
    assert name_of({"a": 1, "b": 2}) == name_of({"b": 2, "a": 1}) != name_of({"a": 2, "b": 2})


def test_messages_come_back_and_equal_ones_are_equal_bytes() -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "boards": np.arange(6, dtype=np.int8).reshape(3, 2),
        "empty": np.zeros((0, 5), dtype=np.float32),
    }
    message = pack_message({"name": "é", "plies": 2, "list": [1, None]}, arrays)
    values, found = unpack_message(message)
    assert values == {"name": "é", "plies": 2, "list": [1, None]}
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)
    assert pack_message({"list": [1, None], "plies": 2, "name": "é"}, dict(reversed(arrays.items()))) == message
    for damaged in (b"", message[:20], b"\xff" * 50):
        with pytest.raises(DataError, match="not a message"):
            unpack_message(damaged)


def test_what_is_kept_is_not_done_again(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    done: list[str] = []

    def work(name: str) -> bytes:
        done.append(name)
        return name.encode()

    def named(names: str) -> list[WorkUnit]:
        return [WorkUnit(name * 64, partial(work, name)) for name in names]

    assert list(do_units(named("ab"), store=store)) == [b"a", b"b"]
    assert list(do_units(named("bca"), store=store)) == [b"b", b"c", b"a"]
    assert done == ["a", "b", "c"]


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"0" * 64 + b"\n45"])
def test_a_damaged_result_is_refused(damage: bytes, tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    list(do_units(units(1), store=store))
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    with pytest.raises(DataError, match="delete it and run again"):
        list(do_units(units(1), store=store))


@pytest.mark.parametrize("workers", [ThreadWorkers(1), ThreadWorkers(2)])
def test_an_interrupted_run_keeps_what_was_finished(workers: Workers, tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    found = do_units(units(9), workers, store)
    assert [next(found), next(found)] == expected(2)
    found.close()
    kept = len(list(tmp_path.iterdir()))
    assert 2 <= kept < 9
    done: list[int] = []
    assert list(do_units(units(9), workers, store, progress=done.append)) == expected(9)


def test_a_killed_worker_costs_no_result(tmp_path: Path) -> None:
    killing = unit_of(add_up, 1, message_of(5))
    killing = WorkUnit(killing.name, partial(die_once, str(tmp_path / "marker"), message_of(5)))
    work = [*units(5), killing, *units(9)[6:]]
    assert list(do_units(work, ProcessWorkers(2), ResultStore(tmp_path / "parts"))) == expected(9)
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed_while_all_are_to_leave_keeps_nobody_waiting(victim: int) -> None:
    executor = ProcessWorkers(2).open({})
    wait([executor.submit(time.sleep, 0.5) for _ in range(2)])
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    time.sleep(0.3)  # both are waiting for work: one for the queue, with its lock, the other for the lock
    for one in workers:
        os.kill(int(one.pid or 0), signal.SIGSTOP)  # or they would have left before
    end = threading.Thread(target=executor.shutdown, daemon=True)
    end.start()
    time.sleep(0.3)
    workers[victim].kill()
    os.kill(int(workers[1 - victim].pid or 0), signal.SIGCONT)
    end.join(30)
    try:
        assert not end.is_alive()
    finally:
        for one in workers:
            one.kill()


def test_a_unit_that_kills_every_worker_is_given_up() -> None:
    with pytest.raises(DataError, match=f"{MAX_DEATHS} workers have died over it"):
        list(do_units([unit_of(die, 1, b"")], ProcessWorkers(1)))


@pytest.mark.parametrize("workers", [ThreadWorkers(1), ThreadWorkers(2), ProcessWorkers(2)])
def test_what_a_unit_raises_is_raised_after_the_results_before_it(workers: Workers) -> None:
    bad = unit_of(fail, 1, pack_message({}, {"numbers": np.array([7])}))
    found = do_units([*units(3), bad, *units(3)], workers)
    assert [next(found) for _ in range(3)] == expected(3)
    with pytest.raises(DataError, match="number 7 cannot be added"):
        next(found)


def test_for_a_single_unit_nobody_is_started_who_was_not_asked_for() -> None:
    own = os.getpid()
    tell = [WorkUnit(str(number) * 64, _own_process) for number in range(2)]
    assert [int(found) for found in do_units(tell[:1], ProcessWorkers(2, is_unasked=True))] == [own]
    assert own not in [int(found) for found in do_units(tell, ProcessWorkers(2, is_unasked=True))]
    assert own not in [int(found) for found in do_units(tell[:1], ProcessWorkers(2))]


def _own_process() -> bytes:
    return str(os.getpid()).encode()


class Foreign:
    """Somebody else's executor, such as a cluster's."""

    count = 2

    def __init__(self) -> None:
        self.opened = 0

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        assert contents == {}
        self.opened += 1
        return ThreadPoolExecutor(2)


def test_any_executor_does_units() -> None:
    foreign = Foreign()
    threads = threading.active_count()
    assert list(do_units(units(20), foreign)) == expected(20)
    assert (foreign.opened, threading.active_count()) == (1, threads)


def test_workers_are_named_as_the_command_line_names_them() -> None:
    assert isinstance(workers_named("local:1"), ThreadWorkers)
    assert (workers_named("local:3").count, workers_named("2").count) == (3, 2)
    assert workers_named(None).count >= 1
    for text in ("local:", "local:0", "dusk", "-1", "local:2:3"):
        with pytest.raises(ConfigError):
            workers_named(text)


def test_a_content_that_nobody_brought_is_named() -> None:
    with pytest.raises(DataError, match="content abc is not known"):
        find_content("abc")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="sockets are read where Linux shows them")
def test_local_workers_listen_nowhere() -> None:
    heard: list[set[str]] = []
    work = [unit_of(add_up, 1, message_of(number)) for number in range(4)]
    assert list(do_units(work, ProcessWorkers(2), progress=lambda _: heard.append(listening_addresses()))) == expected(
        4
    )
    assert heard == [set()] * 4
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        assert listening_addresses() == {"127.0.0.1"}, "the test sees a socket that listens"
