"""Duels with the cube: money games or matches of two engines, with mirrored dice.

Axis legend: P pairs of units, 2 units of a pair; a unit is a money game or a match.

The mean of a pair is the unit of the standard error, as in `table.duel`. Results are points of money play, the cube in
them, or matches won; luck is taken off in the same currency (`search.luck`), over all games of a match.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.table.cube_games import CubeCount, CubePlayer, CubeTable
from backgammon.table.duel import CHECKED_PAIRS, blocks_of_pairs, check_duel, mean_and_error, play_to_end, take_parts
from backgammon.tools.arrays import Float64s
from backgammon.tools.sprt import Sprt


@dataclass(frozen=True)
class CubeDuelResult:
    """What two players did to each other; tuples are (first player, second player).

    Attributes:
        players: their names.
        seed: what the dice came from.
        start: length of the matches and rules of the cube.
        results: float64[P, 2] of the FIRST player: points of a money game, 1 for a match won and 0 for one lost.
        adjusted: float64[P, 2], the same less the luck of the dice, or None when it was not measured.
        games: played, those of matches among them.
        count: what was done with the cube.
        plies: rolls of both players in all games.
        verdict: of the sequential test: "high", "low", or None.
        seconds: wall clock.
    """

    players: tuple[str, str]
    seed: int
    start: Stakes
    results: Float64s = field(repr=False, compare=False)
    adjusted: Float64s | None = field(repr=False, compare=False)
    games: int
    count: CubeCount
    plies: int
    verdict: str | None
    seconds: float = field(compare=False)

    @property
    def units(self) -> int:
        """Money games, or matches."""
        return self.results.size

    @property
    def measured(self) -> tuple[float, float | None]:
        """Points per game, or the share of matches won, and its standard error; None of a single pair."""
        return mean_and_error(self.results.mean(axis=1))

    @property
    def luck_adjusted(self) -> tuple[float, float | None] | None:
        """The same less luck; None when luck was not measured."""
        return None if self.adjusted is None else mean_and_error(self.adjusted.mean(axis=1))

    @property
    def wins(self) -> tuple[int, int]:
        """Units won."""
        first = int((self.results > 0).sum())
        return first, self.units - first

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        name = "matches_won" if self.start.is_match else "points_per_game"
        rows = [
            {
                "player": self.players[i],
                "wins": self.wins[i],
                **{key: pair[i] for key, pair in vars(self.count).items()},
            }
            for i in range(2)
        ]
        return {
            "first": rows[0],
            "second": rows[1],
            "seed": self.seed,
            "stakes": asdict(self.start),
            "matches" if self.start.is_match else "games": self.units,
            "games_played": self.games,
            name: _figure(self.measured),
            "luck_adjusted": _figure(self.luck_adjusted),
            "verdict": self.verdict,
            "plies": self.plies,
            "seconds": round(self.seconds, 3),
        }


def _figure(found: tuple[float, float | None] | None) -> dict[str, Any] | None:
    """A mean with its error and 95 % interval."""
    if found is None:
        return None
    mean, error = found
    interval = None if error is None else (mean - 1.96 * error, mean + 1.96 * error)
    return {"mean": mean, "standard_error": error, "interval_95": interval}


@dataclass(frozen=True)
class CubePart:
    """Some pairs of a duel with the cube, played.

    Attributes:
        results: float64[P, 2], see `CubeDuelResult`.
        adjusted: float64[P, 2], less luck where that was measured, else the results.
        games: played.
        plies: rolls of both players.
        count: what was done with the cube.
    """

    results: Float64s
    adjusted: Float64s
    games: int
    plies: int
    count: CubeCount


def duel_with_cube(
    first: CubePlayer,
    second: CubePlayer,
    num_units: int,
    seed: int,
    start: Stakes | None = None,
    batch_size: int = 1024,
    progress: Callable[[int], None] | None = None,
    luck_judge: StakesEngine | None = None,
    sprt: Sprt | None = None,
) -> CubeDuelResult:
    """What `first` makes against `second`, with its standard error.

    Args:
        first: the player whose results are counted.
        second: the opponent.
        num_units: money games or matches, at least 2 and even, for they come in pairs.
        seed: 0 or greater.
        start: says length, Jacoby rule and beavers; None for money games without either.
        batch_size: games in play at once; changes the speed and nothing else.
        progress: called with the number of units finished so far.
        luck_judge: measures the luck of every roll, which is then subtracted; None for not.
        sprt: ends the duel when it has a verdict, in points or matches won; by the results less luck where measured.

    Raises:
        ConfigError: a number of units, a seed or a batch size that cannot be used.
        IllegalPlay: a player chose a row that does not exist.
    """
    check_duel(num_units, seed, batch_size)
    rules = start or Stakes()
    started = time.perf_counter()
    num_pairs = num_units // 2

    def play(pairs: range) -> CubePart:
        before = 2 * pairs.start
        shown = None if progress is None else lambda finished: progress(before + finished)
        return play_cube_pairs((first, second), pairs, seed, rules, luck_judge, batch_size, shown)

    blocks = blocks_of_pairs(num_pairs, num_pairs if sprt is None else CHECKED_PAIRS)
    parts, verdict = take_parts(map(play, blocks), num_pairs, sprt)
    seconds = time.perf_counter() - started
    return sum_cube_duel((first.name, second.name), seed, rules, parts, luck_judge is not None, verdict, seconds)


def play_cube_pairs(
    players: tuple[CubePlayer, CubePlayer],
    pairs: range,
    seed: int,
    start: Stakes,
    luck_judge: StakesEngine | None = None,
    batch_size: int = 1024,
    progress: Callable[[int], None] | None = None,
) -> CubePart:
    """Play some pairs of a duel with the cube to the end; arguments as those of `duel.play_pairs`."""
    table = CubeTable(players, pairs, seed, batch_size, start, luck_judge)
    play_to_end(table, progress)
    return CubePart(table.results, table.adjusted, table.num_games, table.num_plies, table.count)


def sum_cube_duel(
    names: tuple[str, str],
    seed: int,
    start: Stakes,
    parts: Sequence[CubePart],
    has_luck: bool,
    verdict: str | None,
    seconds: float,
) -> CubeDuelResult:
    """The result of a duel with the cube out of its parts, in their order."""
    count = CubeCount.empty()
    for part in parts:
        count += part.count
    return CubeDuelResult(
        players=names,
        seed=seed,
        start=start,
        results=np.concatenate([part.results for part in parts]),
        adjusted=np.concatenate([part.adjusted for part in parts]) if has_luck else None,
        games=sum(part.games for part in parts),
        count=count,
        plies=sum(part.plies for part in parts),
        verdict=verdict,
        seconds=seconds,
    )
