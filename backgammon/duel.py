"""Duels: many cubeless money games of two players at once, with mirrored dice.

Axis legend: P pairs of games, W pairs in play at once, 2 games of a pair.

Both games of a pair have the same dice: in game 0 the first player starts, in game 1 the second does, so each of them
plays every roll from both sides and most of the luck cancels. The mean of a pair is the unit of the standard error.
Every pair draws from a generator of its own (made from the seed and the number of the pair): results depend on the
seed and on the number of games only, not on how many are in play at once.

Cubeless money play has one turn order, the players alternate until one has borne off, so a loop over arrays is enough;
`tests/test_duel.py` plays the same dice through the turn machine of `game` and compares.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.board import NUM_LOCATIONS, START, Board, points_won, swap
from backgammon.errors import ConfigError, GameError
from backgammon.movegen import legal_candidates
from backgammon.player import Player

BLOCK = 64
"""Rolls that a pair draws at a time; half of all games are shorter."""


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
    points: npt.NDArray[np.int8] = field(repr=False, compare=False)
    seconds: float = field(compare=False)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of points_per_game, normal; None of a single pair."""
        if self.standard_error is None:
            return None
        reach = 1.96 * self.standard_error
        return self.points_per_game - reach, self.points_per_game + reach

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
            "plies": self.plies,
            "seconds": round(self.seconds, 3),
            "games_per_second": round(self.games / self.seconds, 1),
            "plies_per_second": round(self.plies / self.seconds, 1),
        }


def duel(
    first: Player,
    second: Player,
    num_games: int,
    seed: int,
    batch_size: int = 2048,
    progress: Callable[[int], None] | None = None,
) -> DuelResult:
    """Points per game of `first` against `second`, with its standard error.

    Args:
        first: the player whose points are counted.
        second: the opponent.
        num_games: at least 2 and even, for games come in pairs.
        seed: 0 or greater.
        batch_size: games in play at once; changes the speed and nothing else.
        progress: called with the number of games finished so far.

    Raises:
        ConfigError: a number of games, a seed or a batch size that cannot be used.
        GameError: a player chose a row that does not exist.
    """
    if num_games < 2 or num_games % 2:
        raise ConfigError(f"{num_games} games: give an even number from 2 on (each roll is played from both sides)")
    if seed < 0:
        raise ConfigError(f"seed {seed}: give 0 or a positive number")
    if batch_size < 2:
        raise ConfigError(f"batch size {batch_size}: give 2 or more")
    started = time.perf_counter()
    table = _Table((first, second), num_games // 2, seed, batch_size // 2)
    while table.is_busy:
        table.play_ply()
        if progress is not None:
            progress(table.num_finished)
    points = table.points
    means = points.mean(axis=1)
    won = [[int((sign * points == size).sum()) for size in (1, 2, 3)] for sign in (1, -1)]
    return DuelResult(
        players=(first.name, second.name),
        seed=seed,
        games=num_games,
        points_per_game=float(means.mean()),
        standard_error=float(means.std(ddof=1)) / sqrt(len(means)) if len(means) > 1 else None,
        wins=(sum(won[0]), sum(won[1])),
        gammons=(won[0][1], won[1][1]),
        backgammons=(won[0][2], won[1][2]),
        plies=table.num_plies,
        points=points,
        seconds=time.perf_counter() - started,
    )


class _Table:
    """Up to W pairs in play; a pair that ends makes room for the next."""

    def __init__(self, players: tuple[Player, Player], num_pairs: int, seed: int, width: int) -> None:
        width = min(width, num_pairs)
        self._players = players
        self._seed = seed
        self.points = np.zeros((num_pairs, 2), dtype=np.int8)
        self.num_plies = 0
        self.num_finished = 0
        self._boards = np.zeros((width, 2, NUM_LOCATIONS), dtype=np.int8)  # seen by the player on roll
        self._in_play = np.zeros((width, 2), dtype=bool)
        self._pair = np.zeros(width, dtype=np.int64)
        self._ply = np.zeros(width, dtype=np.int64)
        self._dice = np.zeros((width, BLOCK, 2), dtype=np.int8)
        self._noise = np.zeros((width, BLOCK, 2), dtype=np.uint64)
        self._generators: list[np.random.Generator] = [np.random.default_rng(0)] * width
        self._next_pair = 0
        self._seat_new_pairs()

    @property
    def is_busy(self) -> bool:
        """True while a game is in play."""
        return bool(self._in_play.any())

    def play_ply(self) -> None:
        """One roll in every game in play: first the first player's, then the second's."""
        game = np.arange(2)
        turn = (self._ply[:, None] + game) % 2
        for seat, player in enumerate(self._players):
            slots, games = np.nonzero(self._in_play & (turn == seat))
            if len(slots):
                self._move(seat, player, slots, games)
        self._ply += 1
        self._seat_new_pairs()
        for slot in np.flatnonzero((self._ply % BLOCK == 0) & self._in_play.any(axis=1) & (self._ply > 0)):
            self._draw(int(slot))

    def _move(self, seat: int, player: Player, slots: npt.NDArray[np.int64], games: npt.NDArray[np.int64]) -> None:
        """`player` plays its roll in these games."""
        boards = self._boards[slots, games]
        places = self._ply[slots] % BLOCK
        dice = self._dice[slots, places]
        rows = player.choose(boards, dice, self._noise[slots, places, games])
        after = chosen_boards(player.name, boards, dice, rows)
        self._boards[slots, games] = swap(after)
        self.num_plies += len(slots)
        for i in np.flatnonzero(~(after > 0).any(axis=1)):
            won = points_won(after[i])
            self.points[self._pair[slots[i]], games[i]] = won if seat == 0 else -won
            self._in_play[slots[i], games[i]] = False
            self.num_finished += 1

    def _seat_new_pairs(self) -> None:
        """Fill the places of finished pairs."""
        for slot in np.flatnonzero(~self._in_play.any(axis=1)):
            if self._next_pair == len(self.points):
                return
            self._pair[slot] = self._next_pair
            self._generators[slot] = np.random.default_rng([self._seed, self._next_pair])
            self._next_pair += 1
            self._ply[slot] = 0
            self._boards[slot] = START
            self._in_play[slot] = True
            self._draw(int(slot))

    def _draw(self, slot: int) -> None:
        """The next block of dice and noise of a pair; its very first roll is an opening roll, never a double."""
        rng = self._generators[slot]
        self._dice[slot] = rng.integers(1, 7, size=(BLOCK, 2), dtype=np.int8)
        self._noise[slot] = rng.integers(0, 2**64, size=(BLOCK, 2), dtype=np.uint64)
        if self._ply[slot] == 0:
            one = int(rng.integers(6))
            self._dice[slot, 0] = 1 + one, 1 + (one + int(rng.integers(1, 6))) % 6


def play_out(
    player: Player, board: Board, dice: tuple[int, int], num_games: int, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Points of the player on roll when `player` plays both sides to the end, many times.

    Args:
        player: moves for both.
        board: int8[26], the player on roll; not over.
        dice: what that player has to play first; later rolls are random.
        num_games: at least 1.
        rng: dice and noise.

    Returns:
        int8[num_games], -3 to 3, cubeless.
    """
    points = np.zeros(num_games, dtype=np.int8)
    games = np.arange(num_games)
    boards = np.repeat(board[None], num_games, axis=0)
    rolls = np.full((num_games, 2), dice, dtype=np.int8)
    sign = 1
    while len(games):
        noise = rng.integers(0, 2**64, size=len(games), dtype=np.uint64)
        after = chosen_boards(player.name, boards, rolls, player.choose(boards, rolls, noise))
        is_over = ~(after > 0).any(axis=1)
        points[games[is_over]] = [sign * points_won(final) for final in after[is_over]]
        games, boards = games[~is_over], swap(after[~is_over])
        rolls = rng.integers(1, 7, size=(len(games), 2), dtype=np.int8)
        sign = -sign
    return points


def chosen_boards(name: str, boards: Board, dice: Board, rows: npt.NDArray[np.int64]) -> Board:
    """The candidates that a player's rows stand for, int8[N, 26], seen by the player who has just moved.

    Raises:
        GameError: not one row for each decision, or a row that does not exist.
    """
    candidates, offsets = legal_candidates(boards, dice)
    rows = np.asarray(rows)
    if rows.shape != (len(boards),) or rows.dtype.kind not in "iu":
        raise GameError(f"player {name} must give {len(boards)} whole numbers, one row for each decision")
    counts = np.diff(offsets)
    wrong = np.flatnonzero((rows < 0) | (rows >= counts))
    if len(wrong):
        at = int(wrong[0])
        raise GameError(f"player {name} chose candidate {rows[at]}: this roll has {counts[at]}, counted from 0")
    chosen: Board = candidates[offsets[:-1] + rows]
    return chosen
