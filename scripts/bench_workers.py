"""Units on clusters beside local processes: the same results, what they cost more, and with a worker killed.

    python -m scripts.bench_workers [--workers dask] [--rounds 3] [--units 12] [--decisions 5800]
    python -m scripts.bench_workers --kill [--workers dask] [--workers ray://127.0.0.1:10001]

Two local processes and others do the same units of labels, in turn, once all of them have compiled what they need:

    cpu     processor time of the workers and of this process, scheduler and all, beyond that inside the units
    wall    how much longer the whole row took than with local processes, the median of the rounds
    idle    of the workers' time between their first and last unit, by the clock

the largest memory of a worker, and how long a row took. A scheduler and its workers take some time just by being
there, so the longer rows last on a busy machine, the more *cpu*.

--kill makes labels, games and a duel by one thread, then by each of the others, where SIGKILL ends a worker in the
middle of a unit, and compares fingerprints; it ends with 1 where one differs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cli.group import is_given
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.net.packed_model import pack_engine
from backgammon.learner.players.duel_units import DuelPlan, duel_on_workers
from backgammon.learner.players.packed_player import pack_player
from backgammon.learner.players.player_spec import PlayerSpec
from backgammon.learner.teach import shard_labels
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import label_shards, shard_units
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import WorkUnit
from backgammon.tools.jobs.workers import ThreadWorkers, Workers, workers_named
from scripts.program import program

LOCAL = "local:2"


@dataclass(frozen=True)
class Unit:
    """What a worker says of a unit: its process, seconds by the clock of the machine, processor seconds, bytes."""

    pid: int
    start: float
    stop: float
    cpu: float
    peak: int
    digest: str


def watched(work: Callable[[], bytes]) -> bytes:
    """A unit, and what it cost whoever did it."""
    start, cpu = time.monotonic(), time.process_time()
    result = work()
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = time.process_time() - cpu
    told = [os.getpid(), start, time.monotonic(), spent, peak, hashlib.sha256(result).hexdigest()]
    return json.dumps(told).encode()


class Held:
    """Workers that stay at their places from one row of units to the next."""

    def __init__(self, workers: Workers, contents: Mapping[str, bytes]) -> None:
        self.count = workers.count
        self.executor = workers.open(contents)

    def open(self, contents: Mapping[str, bytes]) -> Executor:  # noqa: ARG002 - they know them
        """An executor that goes on."""
        return _Lasting(self.executor)


class _Lasting(Executor):
    """Hands in what it is handed, and is not shut down."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        return self._executor.submit(function, *arguments, **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing."""


class Killing:
    """Workers of whom one is killed, once, while it works."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.count = workers.count
        self.killed = 0
        self._executor: Executor | None = None

    def open(self, contents: Mapping[str, bytes]) -> Executor:
        """See `Workers.open`."""
        self._executor = self._workers.open(contents)
        return self._executor

    def kill(self, _: int) -> None:
        """Called for each unit that is done: end a worker behind the first."""
        if not self.killed and self._executor is not None:
            self.killed = self._executor.submit(os.getpid).result()
            time.sleep(0.2)  # it takes its next unit up
            os.kill(self.killed, signal.SIGKILL)


def _processor_seconds(pids: Iterable[int]) -> float:
    """Of this process, which holds a scheduler that it has started, and of workers; those elsewhere count nothing."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = time.process_time()
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found += sum(map(int, fields[11:13])) / ticks
    return found


@dataclass(frozen=True)
class Row:
    """A row of units, done by some workers."""

    wall: float
    cpu: float
    units: Sequence[Unit]

    @property
    def work(self) -> float:
        """Processor seconds inside the units."""
        return sum(unit.cpu for unit in self.units)

    @property
    def idle(self) -> float:
        """Share of the workers' time between their first and last unit in which they had none."""
        gaps = spans = 0.0
        for pid in {unit.pid for unit in self.units}:
            own = sorted((unit for unit in self.units if unit.pid == pid), key=lambda unit: unit.start)
            spans += own[-1].stop - own[0].start
            gaps += own[-1].stop - own[0].start - sum(unit.stop - unit.start for unit in own)
        return gaps / spans


def _do(units: Sequence[WorkUnit], workers: Workers, pids: Iterable[int] = ()) -> Row:
    """A row of units, the processor time of these workers beside it."""
    started, before = time.monotonic(), _processor_seconds(pids)
    told = [Unit(*json.loads(result)) for result in do_units(units, workers)]
    return Row(time.monotonic() - started, _processor_seconds(pids) - before, told)


def _warm_up(units: Sequence[WorkUnit], workers: Workers) -> set[int]:
    """The processes of workers, once each has done a unit: others would start and compile in a row that counts."""
    pids: set[int] = set()
    while len(pids) < workers.count:
        pids |= {unit.pid for unit in _do(units, workers).units}
    return pids


@program(__doc__)
@click.option("--workers", "names", multiple=True, default=("dask",), show_default=True, help="Beside local processes.")
@click.option("--kill", is_flag=True, help="Kill a worker of each, and compare fingerprints.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--units", "num_units", default=12, show_default=True, help="Of a row.")
@click.option("--decisions", default=5800, show_default=True, help="Of a unit, judged at 1 ply.")
@click.option("--games", default=2000, show_default=True, help="With --kill: of self-play, and of the duel.")
@click.option("--seed", default=20301, show_default=True, help="Of the games that the decisions come from.")
@click.option("--crew", hidden=True, help="Do a row of units for each line of standard input.")
@click.pass_context
def main(
    ctx: click.Context,
    names: tuple[str, ...],
    kill: bool,
    rounds: int,
    num_units: int,
    decisions: int,
    games: int,
    seed: int,
    crew: str | None,
) -> None:
    """What clusters cost, and that they lose nothing."""
    _refuse_idle_options(ctx, names, kill)
    if not kill and crew is None:
        words = [f"--units={num_units}", f"--decisions={decisions}", f"--seed={seed}"]
        _measure(words, (LOCAL, *names), rounds)
        return
    shard_labels.DECISIONS_OF_UNIT = {1: decisions}
    with tempfile.TemporaryDirectory() as place:
        shards = _games(Path(place), (num_units + 4) * decisions, seed)
        if crew is not None:
            _serve(shards, crew, num_units, decisions)
        elif not _compare(shards, names, games, num_units * decisions, seed, Path(place)):
            raise SystemExit(1)


def _refuse_idle_options(ctx: click.Context, names: Sequence[str], kill: bool) -> None:
    """Options that would change nothing, and workers who would be counted once however often they are named.

    Raises:
        click.UsageError: there is such a one.
    """
    idle = "rounds" if kill else "games"
    if is_given(ctx, idle):
        raise click.UsageError(f"--{idle} changes nothing {'with' if kill else 'without'} --kill")
    if not kill and LOCAL in names:
        raise click.UsageError(f"--workers {LOCAL}: others are measured beside them, so name these")
    if kill and {"local:1", "1"} & set(names):
        raise click.UsageError("--workers local:1 is this very process: killing it ends the comparison")
    if len(set(names)) < len(names):
        raise click.UsageError("--workers: name each of them once")


def _measure(words: Sequence[str], names: Sequence[str], rounds: int) -> None:
    """What others cost beyond two local processes; each crew has a process of its own, which does a row when asked."""
    crews = {}
    for name in names:
        command = [sys.executable, "-m", "scripts.bench_workers", *words, "--crew", name]
        crews[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for number in range(rounds):
        for name in [*names][:: 1 if number % 2 else -1]:
            rows[name].append(_ask(name, crews[name]))
    for crew in crews.values():
        crew.communicate()
    _show(rows)


def _ask(name: str, crew: subprocess.Popen[str]) -> Row:
    """A row of a crew, once it is warm.

    Raises:
        click.ClickException: it has ended; why, it has said itself.
    """
    assert crew.stdin is not None
    assert crew.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        crew.stdin.write("\n")
        crew.stdin.flush()
    answer = crew.stdout.readline()
    if not answer:
        raise click.ClickException(f"workers {name} did no row")
    wall, cpu, units = json.loads(answer)
    return Row(wall, cpu, [Unit(*unit) for unit in units])


def _serve(shards: Shards, name: str, num_units: int, decisions: int) -> None:
    """Do a row for each line of standard input."""
    teacher = pack_teacher(TeacherSpec(engine=EngineSpec(plies=1)))
    plain = list(shard_units(shards, np.arange((num_units + 4) * decisions), teacher))
    units = [WorkUnit(unit.name, partial(watched, unit.work), unit.size) for unit in plain]
    held = Held(workers_named(name), teacher.contents)
    pids = _warm_up(units[num_units:], held)
    for _ in sys.stdin:
        row = _do(units[:num_units], held, pids)
        print(json.dumps([row.wall, row.cpu, [dataclasses.astuple(unit) for unit in row.units]]), flush=True)


def _show(rows: Mapping[str, Sequence[Row]]) -> None:
    """Print a line for each, once all have done the same."""
    digests = {tuple(unit.digest for unit in row.units) for own in rows.values() for row in own}
    assert len(digests) == 1, "the workers do not agree"
    own = [unit.cpu for row in rows[LOCAL] for unit in row.units]
    click.echo(f"{len(own) // len(rows[LOCAL])} units of {statistics.median(own):.2f} s, {len(rows[LOCAL])} rounds\n")
    click.echo(f"{'workers':24}{'cpu':>9}{'wall':>9}{'idle':>9}{'memory':>10}{'a row':>9}")
    for name, of_name in rows.items():
        cpu = sum(row.cpu for row in of_name) / sum(row.work for row in of_name) - 1
        wall = statistics.median(row.wall / local.wall for row, local in zip(of_name, rows[LOCAL], strict=True)) - 1
        seconds = statistics.median(row.wall for row in of_name)
        idle = statistics.median(row.idle for row in of_name)
        peak = max(unit.peak for row in of_name for unit in row.units)
        click.echo(f"{name:24}{cpu:>9.1%}{wall:>+9.1%}{idle:>9.1%}{peak / 1e6:>7.0f} MB{seconds:>7.0f} s")


def _compare(shards: Shards, names: Sequence[str], games: int, decisions: int, seed: int, folder: Path) -> bool:
    """Whether labels, games and a duel have the same fingerprints with a worker killed."""
    tasks: dict[str, Callable[[Workers, Progress], str]] = {
        "labels": partial(_labels, shards, decisions, folder),
        "games": partial(_self_play, games, seed, folder),
        "duel": partial(_duel, games, seed),
    }
    wanted = {task: make(ThreadWorkers(1), lambda _: None) for task, make in tasks.items()}
    is_same = True
    for name in names:
        crew = workers_named(name)
        for task, make in tasks.items():
            killing = Killing(crew)
            found = make(killing, killing.kill)
            is_same &= found == wanted[task] and killing.killed > 0
            verdict = "the same" if found == wanted[task] else "ANOTHER"
            click.echo(f"{name:24}{task:8}worker {killing.killed} killed: {verdict} fingerprint {found[:16]}")
    return is_same


def _games(folder: Path, decisions: int, seed: int) -> Shards:
    """At least so many decisions of self-play."""
    play_into_shards(pack_teacher(TeacherSpec()), GamesPlan(decisions // 40 + 10, (0.0, 0.2), seed), folder / "source")
    shards = open_shards(folder / "source")
    assert len(shards) >= decisions
    return shards


def _labels(shards: Shards, decisions: int, folder: Path, workers: Workers, progress: Progress) -> str:
    """The fingerprint of labelled shards."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        teacher = pack_teacher(TeacherSpec(engine=EngineSpec(plies=1)))
        plan = shard_labels.LabelPlan(decisions)
        label_shards(shards, teacher, Path(place) / "out", plan, workers, progress)
        return open_shards(Path(place) / "out").manifest.fingerprint


def _self_play(games: int, seed: int, folder: Path, workers: Workers, progress: Progress) -> str:
    """The fingerprint of shards of self-play."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        play_into_shards(
            pack_teacher(TeacherSpec()), GamesPlan(games, seed=seed), Path(place) / "out", workers, progress
        )
        return open_shards(Path(place) / "out").manifest.fingerprint


def _duel(games: int, seed: int, workers: Workers, progress: Progress) -> str:
    """The fingerprint of what a duel with luck comes to."""
    engine = pack_player(PlayerSpec("engine", engine=EngineSpec()))
    luck = pack_engine(EngineSpec())
    found = duel_on_workers(
        (engine, pack_player(PlayerSpec("pipcount"))), DuelPlan(games, seed), workers, luck, progress
    )
    told = {name: value for name, value in found.as_dict().items() if "second" not in name or name == "second"}
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


if __name__ == "__main__":
    main()
