"""Duels: many cubeless money games of two players at once, with mirrored dice.

Axis legend: P pairs of games, W games in play at once, 2 games of a pair.

Both games of a pair have the same dice and noise: in game 0 the first player sits on seat 0, in game 1 on seat 1, so
each of them plays every roll from both sides and most of the luck cancels. The mean of a pair is the unit of the
standard error; a player against itself draws every pair, even one that plays by chance.

The games are those of the turn environment: pair p of a duel is episode p + 1 of `BackgammonTurn-v0` reset with the
seed of the duel, and game p + 1 of a money session with that seed. So results depend on the seed and on the number of
games only, not on how many are in play at once. `tests/test_duel.py` plays the same dice through the turn machine of
`game` and compares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol, TypeVar

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.player import Player
from backgammon.rules.board import Board, Position
from backgammon.rules.dice import make_roll
from backgammon.search.luck import roll_luck
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.options import Rules, SetUp
from backgammon.table.arena.play_games import PlayGames
from backgammon.table.arena.turns import TURN
from backgammon.tools.arrays import Float64s, Int8s, Int64s
from backgammon.tools.errors import ConfigError
from backgammon.tools.sprt import Sprt
from backgammon.tools.stream import key_of_seed

CHECKED_PAIRS = 500
"""Pairs of games between two looks of a sequential test."""


@dataclass(frozen=True)
class DuelChecks:
    """What to measure beside the points.

    Attributes:
        luck_judge: measures the luck of every roll, which is then subtracted (see `search.luck`); None for not.
        sprt: ends the duel as soon as this test has a verdict, looked at after every CHECKED_PAIRS pairs. It goes by
            the points less luck where luck is measured.
    """

    luck_judge: Evaluator | None = None
    sprt: Sprt | None = None


@dataclass(frozen=True)
class DuelResult:
    """What two players did to each other; tuples are (first player, second player).

    Attributes:
        players: their names.
        seed: what the dice came from.
        games: games played, two for each pair.
        points_per_game: mean points of the FIRST player, cubeless money, -3 to 3.
        standard_error: of points_per_game, from the means of the pairs; None of a single pair.
        wins: games won.
        gammons: of these, won by exactly two points.
        backgammons: of these, won by exactly three points.
        plies: rolls of both players in all games, dances included.
        points: int8[P, 2], the first player's points in each game of each pair.
        adjusted: float64[P, 2], the same less the luck of the dice, or None when it was not measured.
        verdict: of the sequential test: "high", "low", or None when there was none or it stayed open.
        seconds: wall clock.
    """

    players: tuple[str, str]
    seed: int
    games: int
    points_per_game: float
    standard_error: float | None
    wins: tuple[int, int]
    gammons: tuple[int, int]
    backgammons: tuple[int, int]
    plies: int
    points: Int8s = field(repr=False, compare=False)
    seconds: float = field(compare=False)
    adjusted: Float64s | None = field(default=None, repr=False, compare=False)
    verdict: str | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of points_per_game, normal; None of a single pair."""
        if self.standard_error is None:
            return None
        reach = 1.96 * self.standard_error
        return self.points_per_game - reach, self.points_per_game + reach

    @property
    def adjusted_points(self) -> tuple[float, float | None] | None:
        """Points per game less luck, and their standard error; None when luck was not measured."""
        return None if self.adjusted is None else mean_and_error(self.adjusted.mean(axis=1))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        first, second = (
            {"player": name, "wins": wins, "gammons": gammons, "backgammons": backgammons}
            for name, wins, gammons, backgammons in zip(
                self.players, self.wins, self.gammons, self.backgammons, strict=True
            )
        )
        return {
            "first": first,
            "second": second,
            "seed": self.seed,
            "games": self.games,
            "points_per_game": self.points_per_game,
            "standard_error": self.standard_error,
            "interval_95": self.interval,
            "luck_adjusted": self.adjusted_points,
            "verdict": self.verdict,
            "plies": self.plies,
            "seconds": round(self.seconds, 3),
            "games_per_second": round(self.games / self.seconds, 1),
            "plies_per_second": round(self.plies / self.seconds, 1),
        }


@dataclass(frozen=True)
class DuelPart:
    """Some pairs of a duel, played.

    Attributes:
        points: int8[P, 2], see `DuelResult`.
        adjusted: float64[P, 2], less luck where that was measured, else the points.
        plies: rolls of both players.
    """

    points: Int8s
    adjusted: Float64s
    plies: int


def duel(
    first: Player,
    second: Player,
    num_games: int,
    seed: int,
    batch_size: int = 2048,
    progress: Callable[[int], None] | None = None,
    checks: DuelChecks | None = None,
) -> DuelResult:
    """Points per game of `first` against `second`, with its standard error.

    Args:
        first: the player whose points are counted.
        second: the opponent.
        num_games: at least 2 and even, for games come in pairs.
        seed: 0 or greater.
        batch_size: games in play at once; changes the speed and nothing else.
        progress: called with the number of games finished so far.
        checks: luck and sequential test; None for neither.

    Raises:
        ConfigError: a number of games, a seed or a batch size that cannot be used.
        GameError: a player chose a row that does not exist.
    """
    check_duel(num_games, seed, batch_size)
    started = time.perf_counter()
    wanted = checks or DuelChecks()
    seats = (first, second)
    parts = (
        play_pairs(seats, pairs, seed, wanted.luck_judge, batch_size, _from(progress, 2 * pairs.start))
        for pairs in blocks_of_pairs(num_games // 2, num_games // 2 if wanted.sprt is None else CHECKED_PAIRS)
    )
    taken, verdict = take_parts(parts, num_games // 2, wanted.sprt)
    seconds = time.perf_counter() - started
    return sum_duel((first.name, second.name), seed, taken, wanted.luck_judge is not None, verdict, seconds)


def play_pairs(
    players: tuple[Player, Player],
    pairs: range,
    seed: int,
    luck_judge: Evaluator | None = None,
    batch_size: int = 2048,
    progress: Callable[[int], None] | None = None,
) -> DuelPart:
    """Play some pairs of a duel to the end.

    Args:
        players: first and second.
        pairs: numbers of the pairs; what they come to does not depend on which others are played here.
        seed: of the duel.
        luck_judge: see `DuelChecks`.
        batch_size: games in play at once.
        progress: called with the number of these games that are finished.

    Raises:
        GameError: a player chose a row that does not exist.
    """
    table = _Table(players, pairs, seed, batch_size, luck_judge)
    play_to_end(table, progress)
    return DuelPart(table.points, table.adjusted, table.num_plies)


def sum_duel(
    names: tuple[str, str], seed: int, parts: Sequence[DuelPart], has_luck: bool, verdict: str | None, seconds: float
) -> DuelResult:
    """The result of a duel out of its parts, in their order."""
    points = np.concatenate([part.points for part in parts])
    mean, error = mean_and_error(points.mean(axis=1))
    won = [[int((sign * points == size).sum()) for size in (1, 2, 3)] for sign in (1, -1)]
    return DuelResult(
        players=names,
        seed=seed,
        games=points.size,
        points_per_game=mean,
        standard_error=error,
        wins=(sum(won[0]), sum(won[1])),
        gammons=(won[0][1], won[1][1]),
        backgammons=(won[0][2], won[1][2]),
        plies=sum(part.plies for part in parts),
        points=points,
        seconds=seconds,
        adjusted=np.concatenate([part.adjusted for part in parts]) if has_luck else None,
        verdict=verdict,
    )


class Table(Protocol):
    """Units (games or matches) in play, in pairs with the same dice.

    Attributes:
        num_finished: units.
    """

    num_finished: int

    @property
    def is_busy(self) -> bool:
        """True while a unit is to be played to its end."""

    def play_turn(self) -> None:
        """One roll in every game in play."""


class Part(Protocol):
    """Some pairs of units, played."""

    @property
    def adjusted(self) -> Float64s:
        """float64[P, 2], results less the luck that was measured."""


AnyPart = TypeVar("AnyPart", bound=Part)


def play_to_end(table: Table, progress: Callable[[int], None] | None) -> None:
    """Play every unit of a table; `progress` is called with those that are finished."""
    while table.is_busy:
        table.play_turn()
        if progress is not None:
            progress(table.num_finished)


def _from(progress: Callable[[int], None] | None, before: int) -> Callable[[int], None] | None:
    """Progress of a part that begins behind so many units."""
    return None if progress is None else lambda finished: progress(before + finished)


def blocks_of_pairs(num_pairs: int, size: int) -> Iterator[range]:
    """The numbers of the pairs, `size` at a time."""
    for first in range(0, num_pairs, size):
        yield range(first, min(first + size, num_pairs))


def take_parts(parts: Iterable[AnyPart], num_pairs: int, sprt: Sprt | None) -> tuple[list[AnyPart], str | None]:
    """The parts of a duel to its end, or to the verdict of a sequential test, which is given beside.

    Args:
        parts: in order, played as they are asked for; CHECKED_PAIRS pairs end with a part.
        num_pairs: of the duel.
        sprt: looked at after every CHECKED_PAIRS pairs, and at the end; None takes all parts.
    """
    taken: list[AnyPart] = []
    pairs = 0
    for part in parts:
        taken.append(part)
        pairs += len(part.adjusted)
        if sprt is not None and (pairs % CHECKED_PAIRS == 0 or pairs == num_pairs):
            verdict = sprt.verdict(np.concatenate([one.adjusted for one in taken]).mean(axis=1))
            if verdict is not None:
                return taken, verdict
    return taken, None


def mean_and_error(means: Float64s) -> tuple[float, float | None]:
    """Mean of the means of pairs, and its standard error; None of a single pair."""
    return float(means.mean()), float(means.std(ddof=1)) / sqrt(len(means)) if len(means) > 1 else None


def check_duel(num_units: int, seed: int, batch_size: int = 2) -> None:
    """Refuse numbers that make no duel.

    Raises:
        ConfigError: a number of units, a seed or a batch size that cannot be used.
    """
    if num_units < 2 or num_units % 2:
        raise ConfigError(f"{num_units} games: give an even number from 2 on (each roll is played from both sides)")
    if seed < 0:
        raise ConfigError(f"seed {seed}: give 0 or a positive number")
    if batch_size < 2:
        raise ConfigError(f"batch size {batch_size}: give 2 or more")


class _Table:
    """Up to W games in play; one that ends makes room for the next.

    Games 2p and 2p + 1 are those of pair p; in the second one the players have changed seats.
    """

    def __init__(
        self,
        players: tuple[Player, Player],
        pairs: range,
        seed: int,
        width: int,
        luck_judge: Evaluator | None = None,
    ) -> None:
        width = min(width, 2 * len(pairs))
        self.points = np.zeros((len(pairs), 2), dtype=np.int8)
        self._luck = np.zeros((len(pairs), 2))
        self._luck_judge = luck_judge
        self._first_episode = pairs.start + 1
        self.num_plies = 0
        self.num_finished = 0
        self._players = players
        self._numbers = np.arange(width)
        self._next_number = width
        self._games = _self_play(width)
        self._games.seed(np.full(width, key_of_seed(seed)))
        self._games.choose_episodes(np.arange(width), self._numbers // 2 + self._first_episode)
        self._games.start(None)

    @property
    def is_busy(self) -> bool:
        """True while a game is to be played to its end."""
        return self.num_finished < self.points.size

    def play_turn(self) -> None:
        """One roll in every game in play."""
        games = self._games
        who = np.where(games.is_waiting(), games.seats() ^ (self._numbers % 2), -1)
        self.num_plies += int(np.count_nonzero(who >= 0))
        if self._luck_judge is not None:
            self._measure_luck(self._luck_judge, who)
        games.play_turn(self._players, who)
        ended = np.flatnonzero(games.has_ended)
        if len(ended):
            pairs, first_seats = np.divmod(self._numbers[ended], 2)
            self.points[pairs, first_seats] = games.points()[ended] * np.where(first_seats == 0, 1, -1)
            self.num_finished += len(ended)
            self._seat_next_games(ended)

    @property
    def adjusted(self) -> Float64s:
        """float64[P, 2], the points less the luck that was measured."""
        return self.points - self._luck

    def _measure_luck(self, judge: Evaluator, who: Int64s) -> None:
        """Add the luck of the rolls that are to be played now, as the first player sees it."""
        games = np.flatnonzero(who >= 0)
        if len(games):
            is_opening = self._games.clocks[games, TURN] == 0
            luck = roll_luck(judge, self._games.boards[games], self._games.rolls()[games], is_opening)
            self._luck.reshape(-1)[self._numbers[games]] += np.where(who[games] == 0, luck, -luck)

    def _seat_next_games(self, free: Int64s) -> None:
        """Let the next games begin, in the next turn, where others have ended."""
        numbers = np.arange(self._next_number, min(self._next_number + len(free), self.points.size))
        self._next_number += len(numbers)
        taken = free[: len(numbers)]
        self._numbers[taken] = numbers
        self._games.choose_episodes(taken, numbers // 2 + self._first_episode)
        self._games.retire(free[len(numbers) :])


def play_out(
    player: Player, board: Board, dice: tuple[int, int] | None, num_games: int, rng: np.random.Generator
) -> Int8s:
    """Points of the player on roll when `player` plays both sides to the end, many times.

    Args:
        player: moves for both.
        board: int8[26], the player on roll; not over.
        dice: what that player has to play first; later rolls are random. None throws the first as well.
        num_games: at least 1.
        rng: gives every game the key of its dice and noise.

    Returns:
        int8[num_games], -3 to 3, cubeless.

    Raises:
        GameError: the player chose a row that does not exist.
        DiceError: impossible dice.
    """
    games = _self_play(num_games)
    games.seed(rng.integers(0, 1 << 64, size=num_games, dtype=np.uint64))
    games.start(SetUp(Position(board), seat=0, roll=None if dice is None else make_roll(*dice)))
    while (is_waiting := games.is_waiting()).any():
        games.play_turn((player,), np.where(is_waiting, 0, -1))
        games.retire(np.flatnonzero(games.has_ended))
    return games.points()


def _self_play(num_games: int) -> PlayGames:
    """Money games in which the caller decides for both seats."""
    return PlayGames(num_games, resolve_opponent("self"), Rules("points", illegal="raise"))
