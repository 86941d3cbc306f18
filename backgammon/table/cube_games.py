"""Games with the cube side by side, with mirrored dice: money games or whole matches, between two engines.

Axis legend: P pairs of units, W games in play at once, 2 units of a pair. A unit is a money game or a match.

Both units of a pair have the same dice; in the second one the players have changed seats. Pair p of money games are the
games of `table.duel`; game k of a match of pair p is episode p (2 L - 1) + k of `BackgammonTurn-v0` with the seed of
the duel, for a match to L points has 2 L - 1 games at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes, stakes_in_game
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import Noise
from backgammon.rules.game import MAX_CUBE
from backgammon.rules.match import MatchScore
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.options import Rules
from backgammon.table.arena.play_games import PlayGames
from backgammon.table.arena.turns import TURN
from backgammon.tools.arrays import Boards, Dice, Float64s, Int64s
from backgammon.tools.stream import key_of_seed


class CubePlayer(Protocol):
    """Plays and turns the cube in many games at once."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def decide_cubes(self, boards: Boards, stakes: Sequence[Stakes]) -> list[CubeVerdict]:
        """Verdicts for boards int8[N, 26] of players on roll that may double; asked as doubler and as the doubled."""

    def choose_plays(self, boards: Boards, dice: Dice, stakes: Sequence[Stakes], noise: Noise) -> Int64s:
        """Rows int64[N] of the candidates; arguments as in `Player.choose`, with the stakes of each player on roll."""


@dataclass
class CubeCount:
    """What the players have done with the cube, (first, second).

    Attributes:
        doubles: redoubles among them.
        takes: beavers among them.
        drops: doubles that were passed.
        beavers: doubles that were turned once more.
    """

    doubles: list[int]
    takes: list[int]
    drops: list[int]
    beavers: list[int]

    @classmethod
    def empty(cls) -> CubeCount:
        """Nothing yet."""
        return cls([0, 0], [0, 0], [0, 0], [0, 0])

    def __iadd__(self, other: CubeCount) -> CubeCount:
        """Add another count."""
        for name, values in vars(other).items():
            for player in range(2):
                getattr(self, name)[player] += values[player]
        return self


@dataclass
class _Unit:
    """A unit in play: the score of its match, the cube of its game, and which of its games that is, from 0."""

    number: int
    score: MatchScore
    cube: int = 1
    owner: int | None = None
    game: int = 0


class CubeTable:
    """Up to W games in play; a unit that ends makes room for the next.

    Units 2p and 2p + 1 are those of pair p.

    Attributes:
        results: float64[P, 2], of the first player: points of a money game, 1 or 0 of a match.
        num_games: finished.
        num_plies: rolls of both players.
        num_finished: units.
        count: what was done with the cube.
    """

    def __init__(
        self,
        players: tuple[CubePlayer, CubePlayer],
        pairs: range,
        seed: int,
        width: int,
        start: Stakes,
        luck_judge: StakesEngine | None = None,
    ) -> None:
        """Seat the first games.

        Args:
            players: first and second.
            pairs: numbers of the pairs to play.
            seed: of the dice.
            width: W.
            start: before the first game of a unit; says length, Jacoby rule and beavers.
            luck_judge: measures the luck of every roll; None for not.
        """
        width = min(width, 2 * len(pairs))
        self.results = np.zeros((len(pairs), 2))
        self.num_games = self.num_plies = self.num_finished = 0
        self.count = CubeCount.empty()
        self._luck = np.zeros((len(pairs), 2))
        self._luck_judge = luck_judge
        self._players = players
        self._start = start
        self._first_pair = pairs.start
        self._units = [_Unit(number, MatchScore.start(start.length)) for number in range(width)]
        self._next_number = width
        self._games = PlayGames(width, resolve_opponent("self"), Rules("points", illegal="raise"))
        self._games.seed(np.full(width, key_of_seed(seed)))
        everyone = np.arange(width)
        self._games.choose_episodes(everyone, np.array([self._episode(unit) for unit in self._units]))
        self._games.start(None)

    @property
    def is_busy(self) -> bool:
        """True while a unit is to be played to its end."""
        return self.num_finished < self.results.size

    @property
    def adjusted(self) -> Float64s:
        """float64[P, 2], results less the luck that was measured."""
        return self.results - self._luck

    def play_turn(self) -> None:
        """Doubles, answers, one roll and play in every game in play."""
        games, seats = self._games, self._games.seats().tolist()
        live = [int(i) for i in np.flatnonzero(games.is_waiting())]
        stakes = {i: self._stakes(i, seats[i]) for i in live}
        dropped = self._turn_cubes(live, seats, stakes)
        live = [i for i in live if i not in dropped]
        self.num_plies += len(live)
        if self._luck_judge is not None:
            self._measure_luck(self._luck_judge, live, seats, stakes)
        rows = np.zeros(games.num_games, dtype=np.int64)
        dice = games.rolls()
        for number, player in enumerate(self._players):
            mine = np.array([i for i in live if self._player_at(i, seats[i]) == number], dtype=np.int64)
            if len(mine):
                asked = [stakes[i] for i in mine.tolist()]
                rows[mine] = player.choose_plays(games.boards[mine], dice[mine], asked, games.noise(mine))
        games.step(rows)
        points = games.points()
        for i in np.flatnonzero(games.has_ended).tolist():
            size = abs(int(points[i]))
            is_single = self._start.has_jacoby and self._units[i].owner is None
            self._book(i, 0 if points[i] > 0 else 1, 1 if is_single else size)

    def _episode(self, unit: _Unit) -> int:
        games_a_pair = 2 * self._start.length - 1 if self._start.is_match else 1
        return (self._first_pair + unit.number // 2) * games_a_pair + unit.game + 1

    def _player_at(self, i: int, seat: int) -> int:
        return seat ^ (self._units[i].number % 2)

    def _stakes(self, i: int, seat: int) -> Stakes:
        unit = self._units[i]
        rules = self._start.has_jacoby, self._start.has_beavers
        return stakes_in_game(unit.score, seat, unit.cube, unit.owner, *rules)

    def _turn_cubes(self, live: Sequence[int], seats: Sequence[int], stakes: dict[int, Stakes]) -> set[int]:
        """Doubles and answers before the roll, noted in the units and in `stakes`; gives the games that were passed."""
        is_opening = self._games.clocks[:, TURN] == 0
        able = [i for i in live if not is_opening[i] and stakes[i].may_double]
        doublers = self._verdicts(able, seats, stakes, is_doubled=False)
        offered = [i for i in able if doublers[i].is_double]
        answers = self._verdicts(offered, seats, stakes, is_doubled=True)
        dropped = set()
        for i in offered:
            player = self._player_at(i, seats[i])
            self.count.doubles[player] += 1
            if answers[i].is_beaver and 4 * stakes[i].cube <= MAX_CUBE:
                is_raccoon = doublers[i].is_raccoon and 8 * stakes[i].cube <= MAX_CUBE
                stakes[i] = stakes[i].raccooned() if is_raccoon else stakes[i].beavered()
                self.count.beavers[1 - player] += 1
            elif answers[i].is_take:
                stakes[i] = stakes[i].doubled()
            else:
                self.count.drops[1 - player] += 1
                dropped.add(i)
                self._book(i, seats[i], 1)
                continue
            self.count.takes[1 - player] += 1
            self._units[i].cube, self._units[i].owner = stakes[i].cube, 1 - seats[i]
        return dropped

    def _verdicts(
        self, asked: Sequence[int], seats: Sequence[int], stakes: dict[int, Stakes], is_doubled: bool
    ) -> dict[int, CubeVerdict]:
        """What those on roll think of doubling, or those that they have doubled."""
        found: dict[int, CubeVerdict] = {}
        for number, player in enumerate(self._players):
            mine = [i for i in asked if self._player_at(i, seats[i]) ^ is_doubled == number]
            if mine:
                verdicts = player.decide_cubes(self._games.boards[mine], [stakes[i] for i in mine])
                found |= dict(zip(mine, verdicts, strict=True))
        return found

    def _measure_luck(
        self, judge: StakesEngine, live: Sequence[int], seats: Sequence[int], stakes: dict[int, Stakes]
    ) -> None:
        """Add the luck of the rolls that are to be played now, as the first player sees it."""
        is_opening = self._games.clocks[live, TURN] == 0
        asked = [stakes[i] for i in live]
        luck = judge.measure_luck(self._games.boards[live], self._games.rolls()[live], is_opening, asked)
        for i, amount in zip(live, luck.tolist(), strict=True):
            sign = 1.0 if self._player_at(i, seats[i]) == 0 else -1.0
            unit = 1.0 if stakes[i].is_match else float(stakes[i].cube)
            self._luck.reshape(-1)[self._units[i].number] += sign * unit * amount

    def _book(self, i: int, winner: int, size: int) -> None:
        """A seat has won the game: the next one of its match, the next unit, or nothing begins in its place."""
        unit, points = self._units[i], size * self._units[i].cube
        self.num_games += 1
        score = unit.score.after(winner, points)
        if self._start.is_match and not score.is_over:
            self._units[i] = _Unit(unit.number, score, game=unit.game + 1)
        else:
            self.num_finished += 1
            is_first = self._player_at(i, winner) == 0
            result = float(is_first) if self._start.is_match else float(points if is_first else -points)
            self.results.reshape(-1)[unit.number] = result
            if self._next_number == self.results.size:
                self._games.retire(np.array([i]))
                return
            self._units[i] = _Unit(self._next_number, MatchScore.start(self._start.length))
            self._next_number += 1
        self._games.cut_off(np.array([i]))
        self._games.choose_episodes(np.array([i]), np.array([self._episode(self._units[i])]))
