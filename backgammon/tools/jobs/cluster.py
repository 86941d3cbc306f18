"""Workers on clusters: Dask (extra [cluster]) and Ray, as executors like every other.

    dask               scheduler and workers on this machine, on loopback alone, until the command ends
    dask://HOST:PORT   a scheduler that the user has started with `dask scheduler`, and its workers
    ray://HOST:PORT    a Ray cluster that the user has started; Ray is installed by itself: pip install 'ray[client]'

A unit travels as the name of a function and a message; what many units share reaches each worker once. A worker that is
lost costs its unit another try. Before any work begins every worker is asked for its version of the package.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.content import install_contents
from backgammon.tools.processors import usable_processors

LOOPBACK = "127.0.0.1"
PACKAGE = "pairgammon"
CONNECT_SECONDS = 10
"""How long somebody may take to answer at an address."""
QUIET: dict[str, object] = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "2s",
}
"""Settings of Dask where it is started here. It looks at itself so often that two workers and their scheduler took a
tenth of a core while they had nothing to do; so it is an eightieth."""
RETRIES = 3
"""Workers that a unit may lose."""


def own_version() -> str:
    """The version of the package where this is called."""
    return importlib.metadata.version(PACKAGE)


def _load(module: str, mend: str) -> Any:
    """A library that is an extra.

    Raises:
        ConfigError: it is missing.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"workers: the package {error.name} is missing; install it: {mend}") from error


def _check_versions(found: Mapping[str, str]) -> None:
    """Refuse workers that would do the units otherwise.

    Args:
        found: the version by worker.

    Raises:
        ConfigError: there are none, or some have another version.
    """
    if not found:
        raise ConfigError("workers: the scheduler has no workers yet; start some, for instance `dask worker`")
    for worker, version in found.items():
        if version != own_version():
            raise ConfigError(
                f"workers: {worker} has {PACKAGE} {version}, this is {own_version()}; install the same everywhere"
            )


class DaskWorkers:
    """The workers of a Dask scheduler."""

    def __init__(self, address: str | None) -> None:
        """Connect, or start a scheduler and a worker for each processor.

        Args:
            address: "host:port"; None for workers of one's own.

        Raises:
            ConfigError: the extra is missing, nobody answers, there are no workers, or they have another version.
        """
        distributed = _load("distributed", "pip install 'pairgammon[cluster]'")
        cluster = None
        _load("dask.config", "pip install 'pairgammon[cluster]'").set(QUIET)
        if address is None:
            cluster = distributed.LocalCluster(
                n_workers=usable_processors(), threads_per_worker=1, host=LOOPBACK, dashboard_address=None
            )
        try:
            self._client = distributed.Client(cluster or f"tcp://{address}", timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise ConfigError(f"workers: no Dask scheduler answers at {address}; start one: dask scheduler") from error
        self._cluster = cluster
        self._lost: type[Exception] = distributed.scheduler.KilledWorker
        self._plugin: type[Any] = distributed.WorkerPlugin
        try:
            _check_versions(self._client.run(own_version))
        except (ImportError, importlib.metadata.PackageNotFoundError) as error:
            raise ConfigError(f"workers: {PACKAGE} is not installed where they are ({error})") from error

    @property
    def count(self) -> int:
        """Threads of all workers."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """See `Workers.open`; workers that join later learn the contents too."""
        held = dict(contents)

        class Contents(self._plugin):  # type: ignore[misc,name-defined]  # of a library that may be missing
            """Installs the contents wherever a worker starts."""

            def setup(self, worker: Any) -> None:  # noqa: ARG002 - see `WorkerPlugin`
                install_contents(held)

        if held:
            self._client.register_plugin(
                Contents(), name="pairgammon-" + "-".join(sorted(digest[:8] for digest in held))
            )
        return DaskExecutor(self._client, self._lost)

    def close(self) -> None:
        """Leave the scheduler; end one's own."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


class DaskExecutor(Executor):
    """Hands work to a Dask client."""

    def __init__(self, client: Any, lost: type[Exception]) -> None:
        """Nothing is handed in yet.

        Args:
            client: connected.
            lost: what it raises when workers have died over a piece of work.
        """
        self._client, self._lost = client, lost
        self._running: list[tuple[Any, Future[Any]]] = []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """See `Executor.submit`."""
        theirs = self._client.submit(function, *arguments, pure=False, retries=RETRIES, **named)
        ours: Future[Any] = Future()
        self._running = [pair for pair in self._running if not pair[1].done()]
        self._running.append((theirs, ours))
        theirs.add_done_callback(lambda done: self._pass_on(done, ours))
        return ours

    def _pass_on(self, theirs: Any, ours: Future[Any]) -> None:
        """The result, or what was raised, into the future that was handed out."""
        if theirs.status == "cancelled" or ours.done():
            ours.cancel()
            return
        try:
            ours.set_result(theirs.result())
        except self._lost as error:
            ours.set_exception(BrokenExecutor(str(error)))
        except Exception as error:  # whoever asks for the result gets it
            ours.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `Executor.shutdown`; what a worker has begun is not waited for, the unit is done again."""
        if cancel_futures or not wait:
            left = [theirs for theirs, ours in self._running if not ours.done()]
            self._client.cancel(left)
            for _, ours in self._running:
                ours.cancel()


class RayWorkers:
    """The workers of a Ray cluster."""

    def __init__(self, address: str | None) -> None:
        """Connect.

        Args:
            address: "host:port"; None is refused: a Ray that is started here listens on outer addresses, even when
                it is told not to.

        Raises:
            ConfigError: Ray is missing, nobody answers, or the workers have another version.
        """
        if address is None:
            raise ConfigError("workers: name the address of a Ray that you have started, ray://HOST:PORT; or say dask")
        self._ray = _load("ray", "pip install 'ray[client]'")
        try:
            self._ray.init(f"ray://{address}")
        except (OSError, ConnectionError, RuntimeError) as error:
            raise ConfigError(f"workers: no Ray cluster answers at {address}; start one: ray start --head") from error
        ask = self._ray.remote(own_version)
        _check_versions({"a worker of Ray": self._ray.get(ask.remote())})

    @property
    def count(self) -> int:
        """Processors of the cluster."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """See `Workers.open`."""
        return RayExecutor(self._ray, dict(contents))

    def close(self) -> None:
        """Leave the cluster."""
        self._ray.shutdown()


class RayExecutor(Executor):
    """Hands work to Ray."""

    def __init__(self, ray: Any, contents: Mapping[str, bytes]) -> None:
        """The contents are stored once, and fetched once by each machine."""
        self._ray = ray
        self._contents = ray.put(dict(contents))
        self._do = ray.remote(max_retries=RETRIES)(_install_and_do)
        self._running: list[tuple[Any, Future[Any]]] = []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """See `Executor.submit`."""
        reference = self._do.remote(self._contents, function, arguments, named)
        theirs, ours = reference.future(), Future[Any]()
        self._running = [pair for pair in self._running if not pair[1].done()]
        self._running.append((reference, ours))
        theirs.add_done_callback(lambda done: self._pass_on(done, ours))
        return ours

    def _pass_on(self, theirs: Future[Any], ours: Future[Any]) -> None:
        error = theirs.exception()
        if ours.done():
            return
        if error is None:
            ours.set_result(theirs.result())
        elif isinstance(error, (self._ray.exceptions.WorkerCrashedError, self._ray.exceptions.NodeDiedError)):
            ours.set_exception(BrokenExecutor(str(error)))
        else:
            ours.set_exception(getattr(error, "cause", None) or error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `DaskExecutor.shutdown`."""
        if cancel_futures or not wait:
            for reference, ours in self._running:
                if not ours.done():
                    self._ray.cancel(reference)
                    ours.cancel()


def _install_and_do(
    contents: Mapping[str, bytes], function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> Any:
    """A piece of work where Ray has brought it."""
    install_contents(contents)
    return function(*arguments, **named)
