"""Choices of an engine in units that anybody may make: plays, plays at a score, and actions with the cube.

Axis legend: N decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.evaluation.player import Noise
from backgammon.learner.net.packed_model import PackedEngine, find_engine
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.jobs.message import Arrays, pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import Task, WorkUnit, unit_of
from backgammon.tools.jobs.workers import Workers

TASK_VERSION = 1
DECISIONS_OF_UNIT = (8192, 2048, 256, 16)
"""By plies of the engine: some seconds."""
STAKES_OF_UNIT = (512, 128, 16, 1)
"""The same with the cube."""


class DistantEngine:
    """An engine whose choices workers make; itself a `CubePlayer`."""

    def __init__(self, engine: PackedEngine, workers: Workers, progress: Progress | None = None) -> None:
        """Nothing is asked yet.

        Args:
            engine: what the workers build.
            workers: who make the choices; these do not depend on them.
            progress: called for each unit with its decisions.
        """
        self._engine, self._workers, self._progress = engine, workers, progress

    @property
    def name(self) -> str:
        """As `Engine.searcher` says it."""
        return find_engine(self._engine.values).searcher.name

    def choose(self, boards: Boards, dice: Dice) -> Int64s:
        """Rows int64[N], as `Engine.searcher` chooses them."""
        size = DECISIONS_OF_UNIT[self._engine.plies]
        return self._rows(choose_unit, size, {"boards": boards, "dice": dice}, None)

    def choose_plays(self, boards: Boards, dice: Dice, stakes: Sequence[Stakes], noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - no chance
        """See `CubePlayer.choose_plays`."""
        size = STAKES_OF_UNIT[self._engine.plies]
        return self._rows(choose_at_stakes_unit, size, {"boards": boards, "dice": dice}, stakes)

    def decide_cubes(self, boards: Boards, stakes: Sequence[Stakes]) -> list[CubeVerdict]:
        """See `CubePlayer.decide_cubes`; without the outcomes, which are for people to read."""
        size = STAKES_OF_UNIT[self._engine.plies]
        found: list[CubeVerdict] = []
        for result in self._results(decide_unit, size, {"boards": boards}, stakes):
            equities = unpack_columns(result, {"equities": ("float64", (3,))})[1]["equities"]
            for rolling, taken, passed in equities.tolist():
                found.append(CubeVerdict(stakes[len(found)], rolling, taken, passed, plies=self._engine.plies))
        return found

    def _rows(self, task: Task, size: int, arrays: Arrays, stakes: Sequence[Stakes] | None) -> Int64s:
        results = self._results(task, size, arrays, stakes)
        rows = [unpack_columns(result, {"rows": ("int64", ())})[1]["rows"] for result in results]
        return np.concatenate([np.zeros(0, dtype=np.int64), *rows])

    def _results(self, task: Task, size: int, arrays: Arrays, stakes: Sequence[Stakes] | None) -> Iterator[bytes]:
        units = self._units(task, size, arrays, stakes)
        return do_units(units, self._workers, None, self._engine.contents, self._progress)

    def _units(self, task: Task, size: int, arrays: Arrays, stakes: Sequence[Stakes] | None) -> Iterator[WorkUnit]:
        number = len(arrays["boards"])
        for first in range(0, number, size):
            part = {name: array[first : first + size] for name, array in arrays.items()}
            told: dict[str, Any] = {"engine": self._engine.values}
            if stakes is not None:
                told["stakes"] = [asdict(one) for one in stakes[first : first + size]]
            yield unit_of(task, TASK_VERSION, pack_message(told, part), min(size, number - first))


def choose_unit(message: bytes) -> bytes:
    """A task: plays as the search judges them."""
    told, arrays = unpack_message(message)
    rows = find_engine(told["engine"]).searcher.choose(arrays["boards"], arrays["dice"])
    return pack_message({}, {"rows": rows})


def choose_at_stakes_unit(message: bytes) -> bytes:
    """A task: plays at a score and cube."""
    told, arrays = unpack_message(message)
    stakes = [Stakes.of(values) for values in told["stakes"]]
    rows = find_engine(told["engine"]).plays.choose(arrays["boards"], arrays["dice"], stakes)
    return pack_message({}, {"rows": rows.astype(np.int64)})


def decide_unit(message: bytes) -> bytes:
    """A task: actions with the cube."""
    told, arrays = unpack_message(message)
    stakes = [Stakes.of(values) for values in told["stakes"]]
    verdicts = find_engine(told["engine"]).cube.decide_cubes(arrays["boards"], stakes)
    equities = np.array([(one.no_double, one.double_take, one.double_pass) for one in verdicts], dtype=np.float64)
    return pack_message({}, {"equities": equities})
