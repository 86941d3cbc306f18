"""Rollouts in work units: pieces of seconds, done by anybody, once (see `tools.jobs`).

A unit is one position and a range of game numbers. Its name holds everything that its result depends on (position,
games, settings, the identities of player and luck judge), so two rollouts share the games that they have in common, and
one that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import OUTCOMES
from backgammon.rules.board import Board
from backgammon.search.rollout import RolloutSettings, play_games
from backgammon.tools.arrays import Float32s
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.message import pack_message, unpack_columns
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.unit_run import do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of
from backgammon.tools.jobs.workers import ThreadWorkers

FORMAT_VERSION = 3
_MOST = 1000.0
"""More than an outcome from which the luck of a game's rolls is subtracted can be."""


@dataclass(frozen=True)
class RolloutUnit:
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
    """Does rollouts on threads of this process and keeps the results in a folder, if there is one."""

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
        """
        self.settings = settings
        self._workers = ThreadWorkers(threads)
        self._player = player
        self._judge = judge
        self._store = ResultStore(folder)
        self._description = {
            "format": FORMAT_VERSION,
            "player": player.identity,
            "judge": (judge or player).identity,
            "settings": settings.playing_part(),
        }

    @property
    def threads(self) -> int:
        """Units that are worked on at once."""
        return self._workers.count

    def unit_name(self, unit: RolloutUnit) -> str:
        """SHA-256 of everything that the result depends on, 64 hex digits."""
        return name_of({**self._description, "after": unit.after.hex(), "games": [unit.first, unit.count]})

    def results(self, units: Sequence[RolloutUnit], progress: Callable[[], None] | None = None) -> list[Float32s]:
        """The outcomes float32[count, 6] of each unit, found or played now.

        Args:
            units: in any order; the answer has theirs.
            progress: called once for each unit that is done.

        Raises:
            DataError: a kept result is damaged.
            KeyboardInterrupt: what was finished stays in the folder; units that have begun are lost.
        """
        work = (WorkUnit(self.unit_name(unit), partial(self._play, unit)) for unit in units)
        report = None if progress is None else lambda _: progress()
        results = do_units(work, self._workers, self._store, progress=report)
        return [_outcomes_of(unit, result) for unit, result in zip(units, results, strict=True)]

    def _play(self, unit: RolloutUnit) -> bytes:
        games = np.arange(unit.first, unit.first + unit.count)
        return pack_message({}, {"outcomes": play_games(self._player, unit.board, games, self.settings, self._judge)})


def _outcomes_of(unit: RolloutUnit, result: bytes) -> Float32s:
    """The outcomes in the result of a unit.

    Raises:
        DataError: they are no outcomes of its games.
    """
    outcomes: Float32s = unpack_columns(result, {"outcomes": ("float32", (len(OUTCOMES),))})[1]["outcomes"]
    if len(outcomes) != unit.count or not (np.abs(outcomes) <= _MOST).all():  # NaN is neither
        raise DataError("a kept unit of a rollout does not hold the outcomes of its games; delete its folder")
    return outcomes
