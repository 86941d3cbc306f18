"""Games of a player against itself in which some plays are random, for a net to learn from.

Axis legend: G games, S of them in play, M candidates of their decisions.

A net that learns only from good games errs where good games never come. So in game k each play is random with the
probability noise[k mod number of them]. All games run side by side, a turn at a time; the dice and the random plays of
a game are functions of (seed, its number, the turn), so a game is the same in whatever company it is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from backgammon.rules.decisions import Decisions
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.options import Rules
from backgammon.table.arena.play_games import PlayGames
from backgammon.tools.arrays import Boards, Bools, Float64s, Int8s, Int64s, Uint64s
from backgammon.tools.errors import ConfigError
from backgammon.tools.stream import key_of_seed

Choose = Callable[[Decisions], Int64s]
"""Rows int64[S] that a player prefers, counted from the start of each decision."""

_HALF = np.uint64(32)
_UNIT = 2.0**-32


class NoisyTurn(NamedTuple):
    """One turn of all games that are in play.

    Attributes:
        decisions: S of them; chosen is what the player prefers, also where another play was made; unit is the number
            of the game.
        seats: int8[S], who plays; seat 0 had the larger die of the opening roll where it began.
        played: int64[S], rows of the plays that were made.
        is_random: bool[S], the play was drawn; it may be the preferred one all the same.
        is_over: bool[S], the game ended with the play.
        points: int8[S], what whoever made the play has won with it; 0 where the game goes on.
    """

    decisions: Decisions
    seats: Int8s
    played: Int64s
    is_random: Bools
    is_over: Bools
    points: Int8s

    @property
    def afters(self) -> Boards:
        """int8[S, 26], the positions after the plays, seen by the player who has just moved."""
        afters: Boards = self.decisions.candidates[self.decisions.places(self.played)]
        return afters


def play_noisy_games(choose: Choose, numbers: range, noise: Sequence[float], seed: int) -> Iterator[NoisyTurn]:
    """Cubeless money games from the start to the end, turn by turn.

    Args:
        choose: plays both sides, where chance does not.
        numbers: of the games, from 0.
        noise: shares of random plays, 0 to 1, taken in turn.
        seed: of dice and random plays, 0 or greater.

    Raises:
        ConfigError: a share outside 0 to 1, or none.
        GameError: a row that does not exist.
    """
    if not noise or not all(0 <= share <= 1 for share in noise):
        raise ConfigError(f"noise {', '.join(map(str, noise))}: give shares of random plays from 0 to 1")
    games = PlayGames(len(numbers), resolve_opponent("self"), Rules("points", illegal="raise"))
    games.seed(np.full(len(numbers), key_of_seed(seed)))
    games.choose_episodes(np.arange(len(numbers)), np.array(numbers) + 1)
    games.start(None)
    share = np.array([noise[number % len(noise)] for number in numbers])
    while len(active := np.flatnonzero(games.is_waiting())):
        decisions = Decisions.make(games.boards[active], games.rolls()[active], unit=active + numbers.start)
        seats = games.seats()[active]
        preferred = choose(decisions)
        chances, places = _two_numbers(games.noise(active))
        is_random = chances < share[active]
        played = np.where(is_random, (places * decisions.counts).astype(np.int64), preferred)
        rows = np.zeros(len(numbers), dtype=np.int64)
        rows[active] = played
        games.step(rows)
        is_over = games.has_ended[active]
        points = np.where(is_over, np.abs(games.points()[active]), 0).astype(np.int8)
        yield NoisyTurn(decisions.choosing(preferred), seats, played, is_random, is_over, points)
        games.retire(np.flatnonzero(games.has_ended))


def _two_numbers(noise: Uint64s) -> tuple[Float64s, Float64s]:
    """Two independent numbers in [0, 1) from each 64 random bits, float64[S] each."""
    low = noise & np.uint64(0xFFFFFFFF)
    return (noise >> _HALF).astype(np.float64) * _UNIT, low.astype(np.float64) * _UNIT


def points_of_choosers(turns: Sequence[NoisyTurn]) -> list[Int8s]:
    """For each turn int8[S], what its player won (lost: negative) in the end; 0 where another play was made.

    The result of a preferred play is unknown where the game went on from another one.

    Args:
        turns: of whole games, in order.
    """
    result: dict[int, tuple[int, int]] = {}  # by game: points, the turn in which they were won
    for number, turn in enumerate(turns):
        for place in np.flatnonzero(turn.is_over).tolist():
            result[int(turn.decisions.unit[place])] = int(turn.points[place]), number
    found = []
    for number, turn in enumerate(turns):
        won, last = np.array([result[game] for game in turn.decisions.unit.tolist()], dtype=np.int64).T
        own = np.where((last - number) % 2 == 0, won, -won)
        found.append(np.where(turn.played == turn.decisions.chosen_rows, own, 0).astype(np.int8))
    return found
