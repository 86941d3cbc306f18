"""Clusters do units like everybody: the same results, whoever dies; what is missing or wrong is one sentence."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs import cluster
from backgammon.tools.jobs.cluster import DaskExecutor, own_version
from backgammon.tools.jobs.workers import workers_named

HAS_DASK = importlib.util.find_spec("distributed") is not None

SCRIPT = """
import os, signal, sys
from backgammon.tools.jobs.content import digest_of
from backgammon.tools.jobs.unit_run import do_units
from backgammon.tools.jobs.work_unit import unit_of
from backgammon.tools.jobs.workers import workers_named
from tests.listening import listening_addresses
from tests.test_jobs import TABLE, add_up, expected, message_of

if __name__ == "__main__":
    workers = workers_named("dask")
    addresses = list(workers._client.scheduler_info()["workers"])
    assert addresses and all(one.startswith("tcp://127.0.0.1:") for one in addresses), addresses
    assert workers._client.scheduler_info()["address"].startswith("tcp://127.0.0.1:")
    heard = listening_addresses()
    assert heard == {"127.0.0.1"}, f"somebody listens on {heard}"
    digest = digest_of(TABLE)
    units = [unit_of(add_up, 1, message_of(number, digest)) for number in range(20)]
    dead = []
    def kill_one(_):
        if not dead:
            dead.append(next(iter(workers._client.run(os.getpid).values())))
            os.kill(dead[0], signal.SIGKILL)
    assert list(do_units(units, workers, contents={digest: TABLE}, progress=kill_one)) == expected(20, sum(TABLE))
    workers.close()
"""


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module, mend in (
        ("dask", "distributed", r"pairgammon\[cluster\]"),
        ("ray://127.0.0.1:1", "ray", r"ray\[client\]"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigError, match=mend):
            workers_named(name)


class Settings:
    """What stands in for those of Dask."""

    @staticmethod
    def set(values: dict[str, Any]) -> None:
        assert values


class Library:
    """What stands in for a library of clusters whose workers have some version."""

    class ClientBuilder:
        def __init__(self, address: str, timeout: float) -> None:
            self.asked = address, timeout

        def run(self, function: Any) -> dict[str, str]:  # noqa: ARG002 - see `distributed.Client.run`
            return {"tcp://far": "0.0.1"}

    class Scheduler:
        KilledWorker = RuntimeError

    Client = ClientBuilder
    scheduler = Scheduler
    WorkerPlugin = object

    @staticmethod
    def init(address: str) -> None:
        raise ConnectionError(address)


@pytest.mark.parametrize(
    ("name", "module", "words"),
    [
        ("dask://127.0.0.1:9", "distributed", "tcp://far has pairgammon 0.0.1, this is"),
        ("ray://127.0.0.1:9", "ray", "no Ray cluster answers at 127.0.0.1:9; start one: ray start --head"),
        ("dask", None, "the package distributed is missing; install it: pip install 'pairgammon[cluster]'"),
        ("dask:127.0.0.1", None, "write local:N, dask, dask://HOST:PORT or ray://HOST:PORT"),
    ],
)
@pytest.mark.parametrize("command", ["self-play --games 4 --out made", "duel random pipcount --games 4"])
def test_what_is_wrong_with_a_cluster_is_one_line_before_any_work(
    command: str, name: str, module: str | None, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for library in ("distributed", "ray"):
        monkeypatch.setitem(sys.modules, library, Library if library == module else None)
    monkeypatch.setitem(sys.modules, "dask.config", Settings)
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(main, [*command.split(), "--workers", name])
    assert found.exit_code == 1
    assert found.stderr.count("\n") == 1
    assert words in found.stderr
    assert not list(tmp_path.iterdir())


def test_ray_is_not_started_here_for_it_listens_on_outer_addresses() -> None:
    with pytest.raises(ConfigError, match="ray://HOST:PORT"):
        workers_named("ray")


def test_workers_of_another_version_are_refused_and_so_are_none() -> None:
    cluster._check_versions({"tcp://a": own_version()})
    with pytest.raises(ConfigError, match=r"tcp://b has pairgammon 0\.0\.1, this is"):
        cluster._check_versions({"tcp://a": own_version(), "tcp://b": "0.0.1"})
    with pytest.raises(ConfigError, match="no workers yet"):
        cluster._check_versions({})


class LostError(Exception):
    """Workers have died over it."""


class Theirs:
    """A future of a library."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.status = "pending"
        self.then: Any = None

    def add_done_callback(self, then: Any) -> None:
        self.then = then

    def finish(self) -> None:
        self.status = "finished"
        self.then(self)

    def result(self) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Client:
    """Hands out `Theirs`."""

    def __init__(self) -> None:
        self.handed: list[Theirs] = []
        self.cancelled: list[Theirs] = []

    def submit(self, function: Any, *arguments: Any, pure: bool, retries: int) -> Theirs:
        assert not pure
        assert retries > 0
        try:
            outcome = function(*arguments)
        except Exception as error:
            outcome = error
        self.handed.append(Theirs(outcome))
        return self.handed[-1]

    def cancel(self, futures: list[Theirs]) -> None:
        self.cancelled += futures


def fails() -> None:
    raise ValueError("it cannot be done")


def loses() -> None:
    raise LostError("three workers")


def test_a_library_s_futures_become_those_of_an_executor() -> None:
    client = Client()
    executor = DaskExecutor(client, LostError)
    good, bad, lost, open_ = (executor.submit(one) for one in (os.getpid, fails, loses, os.getpid))
    for theirs in client.handed[:3]:
        theirs.finish()
    assert good.result() == os.getpid()
    with pytest.raises(ValueError, match="cannot be done"):
        bad.result()
    with pytest.raises(BrokenExecutor, match="three workers"):
        lost.result()
    executor.shutdown(wait=True, cancel_futures=True)
    assert open_.cancelled()
    assert client.cancelled == client.handed[3:]
    client.handed[3].finish()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_DASK, reason="the extra [cluster] is not installed")
def test_dask_on_loopback_gives_the_same_results_with_a_worker_killed(tmp_path: Path) -> None:
    script = tmp_path / "units.py"
    script.write_text(SCRIPT)
    root = Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, str(script)], check=True, env={**os.environ, "PYTHONPATH": str(root)}, timeout=300)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_DASK, reason="the extra [cluster] is not installed")
def test_an_address_where_nobody_answers_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ConfigError, match=f"no Dask scheduler answers at 127.0.0.1:{port}"):
        workers_named(f"dask://127.0.0.1:{port}")
