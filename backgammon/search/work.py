"""Work units of rollouts: pieces of seconds with a name of their own, done by anybody, once, whole or not at all.

A unit is one position and a range of game numbers. Its name is the SHA-256 of everything that its result depends on
(position, games, settings, the identities of player and luck judge, format), so whoever finds a result file of that
name may use it: a run that was interrupted goes on where it stopped, two runs share what they have in common, and the
number of workers changes nothing.

A result file is a safetensors file, `<name>.safetensors`, with the outcomes float32[G, 6] and a checksum; it is written
beside its final name and renamed. A file that is damaged is reported, never used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from backgammon.evaluation.evaluator import Evaluator
from backgammon.rules.board import Board
from backgammon.search.rollout import RolloutSettings, play_games
from backgammon.tools.arrays import Float32s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.storage import replace_file

FORMAT_VERSION = 1

_TENSOR = "outcomes"
_ENTRY = "pairgammon"


@dataclass(frozen=True)
class WorkUnit:
    """Games number `first` to `first` + `count` - 1 from one position.

    Attributes:
        after: the 26 counts as bytes, seen by the player who has just moved.
        first: number of the first game.
        count: games.
    """

    after: bytes
    first: int
    count: int

    @property
    def board(self) -> Board:
        """int8[26], seen by the player who has just moved."""
        return np.frombuffer(self.after, dtype=np.int8).copy()


class Workshop:
    """Does work units on threads of this process and keeps the results in a folder, if there is one."""

    def __init__(
        self,
        player: Evaluator,
        settings: RolloutSettings,
        judge: Evaluator | None = None,
        threads: int = 1,
        folder: Path | None = None,
    ) -> None:
        """Set up.

        Args:
            player: plays both sides; must allow calls from several threads.
            settings: of the rollouts.
            judge: measures luck; None for the player.
            threads: units that are worked on at once.
            folder: for the results, made if missing; None keeps nothing.

        Raises:
            ConfigError: fewer than one thread.
            OSError: the folder cannot be made.
        """
        if threads < 1:
            raise ConfigError(f"threads = {threads}: at least 1")
        self.settings = settings
        self.threads = threads
        self._player = player
        self._judge = judge
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._description = {
            "format": FORMAT_VERSION,
            "player": player.identity,
            "judge": (judge or player).identity,
            "settings": settings.playing_part(),
        }

    def unit_name(self, unit: WorkUnit) -> str:
        """SHA-256 of everything that the result depends on, 64 hex digits."""
        content = {**self._description, "after": unit.after.hex(), "games": [unit.first, unit.count]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def results(self, units: Sequence[WorkUnit], progress: Callable[[], None] | None = None) -> list[Float32s]:
        """The outcomes float32[count, 6] of each unit, found or played now.

        Args:
            units: in any order; the answer has theirs.
            progress: called once for each unit that is done.

        Raises:
            DataError: a result file is damaged.
            KeyboardInterrupt: what was finished stays in the folder; units that have begun are lost.
        """
        found: list[Float32s] = []
        for result in self._each(units):
            found.append(result)
            if progress is not None:
                progress()
        return found

    def _each(self, units: Sequence[WorkUnit]) -> Iterator[Float32s]:
        if self.threads == 1 or len(units) < 2:
            yield from map(self._result, units)
            return
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="rollout")
        try:
            waiting: list[Future[Float32s]] = [pool.submit(self._result, unit) for unit in units]
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _result(self, unit: WorkUnit) -> Float32s:
        name = self.unit_name(unit)
        if self._folder is not None:
            kept = read_result(self._folder / f"{name}.safetensors", name)
            if kept is not None:
                return kept
        games = np.arange(unit.first, unit.first + unit.count)
        outcomes = play_games(self._player, unit.board, games, self.settings, self._judge)
        if self._folder is not None:
            write_result(self._folder / f"{name}.safetensors", name, outcomes)
        return outcomes


def write_result(path: Path, name: str, outcomes: Float32s) -> None:
    """Write the result of unit `name`: the file appears whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    entry = json.dumps({"unit": name, "sha256": _digest(name, outcomes)})
    content = safetensors.numpy.save({_TENSOR: np.ascontiguousarray(outcomes)}, {_ENTRY: entry})
    replace_file(path, content)


def read_result(path: Path, name: str) -> Float32s | None:
    """The result of unit `name`, None when the file is not there.

    Raises:
        DataError: the file is damaged or belongs to another unit.
    """
    try:
        with safetensors.safe_open(path, "np") as file:
            entry = json.loads((file.metadata() or {})[_ENTRY])
            outcomes: Float32s = file.get_tensor(_TENSOR)
    except FileNotFoundError:
        return None
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a result of a rollout, or damaged ({error}); delete it and run again") from error
    if entry != {"unit": name, "sha256": _digest(name, outcomes)}:
        raise DataError(f"{path}: damaged, its checksum does not match; delete it and run again")
    return outcomes


def _digest(name: str, outcomes: Float32s) -> str:
    little = np.ascontiguousarray(outcomes, dtype="<f4")
    return hashlib.sha256(name.encode() + repr(little.shape).encode() + little.tobytes()).hexdigest()
