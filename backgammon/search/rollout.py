"""Rollouts: a position's value as the mean of many games played from it, with a standard error always.

Axis legend: G games of one rollout, S games still in play, 21 rolls, 6 outcomes.

* Stratified dice. In each 36 consecutive games every first roll (of the 36 throws) and every second roll comes once,
  in each 1,296 every pair of them. Later dice are a pure function of (seed, number of the game, turn): game k of two
  candidates has the same dice, and a result does not depend on how the games are divided among workers.
* Luck subtraction (`luck_turns`). The luck of a roll is the value after the best play of it minus the average over the
  21 rolls. Its expectation is 0 whatever the evaluator, so subtracting it changes no mean. It costs 21 evaluations for
  one, and pays when it is done on every turn: the spread of a game falls from .78 points to about .1. The luck of the
  first few turns alone gains next to nothing, since the dice that follow decide the game anew.
* Truncation. A game ends at the exact tables of the bear-off, and at the horizon, where the evaluator judges it. 7
  plies bias an equity by about .008 points, the difference between two plays by .003: less than the standard error
  that is asked for, at a quarter of the cost of 11. With a live cube they bias the difference by .008, and 11 plies by
  .003 (`scripts.bench_rollouts --bias 30 --end 15 [--cube]`, figures in docs/performance.md).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.bearoff import TWO_SIDED, UNCOVERED
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import POINTS, Outcomes, final_outcomes, swap_outcomes
from backgammon.evaluation.strengths import ROLLOUT_ERROR, ROLLOUT_GAMES
from backgammon.rules.board import Board, swap
from backgammon.rules.rolls import NUM_ROLLS, average_rolls, group_rows, throw_rolls
from backgammon.search.luck import roll_numbers
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int64s
from backgammon.tools.errors import ConfigError

THROWS = 36
"""Ordered pairs of dice: games of a rollout come in multiples of it."""
_CYCLE = THROWS * THROWS
_NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class RolloutSettings:
    """How long and how exactly to roll out: to a standard error, with a number of games as the limit.

    Attributes:
        games: of each candidate at most, a multiple of 36; 1,296 plays every pair of first rolls once.
        seed: of the dice.
        horizon: plies after which the evaluator judges the position; None plays to the end.
        cube_horizon: the same in games with a live cube, of plays and of cube decisions.
        luck_turns: rolls from the start whose luck is subtracted; None for all of them.
        stops_at_races: end a game also where only the one-sided bear-off table covers it, see `bearoff.database`.
        round_games: games of a candidate between two looks at the stopping rules, a multiple of 36.
        lead: a candidate that is behind the best by so many joint standard errors is given up; None for never.
        max_error: a decision is done when the difference between its best candidate and each other one still in play
            has at most this standard error, in points (of a lone candidate its own); None for never.

    Raises:
        ConfigError: a setting out of range.
    """

    games: int = ROLLOUT_GAMES
    seed: int = 1
    horizon: int | None = 7
    cube_horizon: int | None = 11
    luck_turns: int | None = None
    stops_at_races: bool = True
    round_games: int = 72
    lead: float | None = 2.5
    max_error: float | None = ROLLOUT_ERROR

    def __post_init__(self) -> None:
        for name in ("games", "round_games"):
            value = getattr(self, name)
            if value < THROWS or value % THROWS:
                raise ConfigError(
                    f"{name} = {value}: give a multiple of 36, so that every first roll comes equally often"
                )
        if self.seed < 0:
            raise ConfigError(f"seed = {self.seed}: give 0 or a positive number")
        for name in ("horizon", "cube_horizon"):
            plies = getattr(self, name)
            if plies is not None and plies < 1:
                raise ConfigError(f"{name} = {plies}: give at least 1 ply, or none to play to the end")
        if self.luck_turns is not None and self.luck_turns < 0:
            raise ConfigError(f"luck_turns = {self.luck_turns}: give 0 or more, or none for every turn")
        for name in ("lead", "max_error"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise ConfigError(f"{name} = {limit}: give more than 0, or none")

    @property
    def title(self) -> str:
        """What people read: "rollouts of at most 1,296 games of 7 plies, to a standard error of 0.005"."""
        length = "to the end" if self.horizon is None else f"of {self.horizon} plies"
        if self.max_error is None:
            return f"rollouts of {self.games:,} games {length}"
        return f"rollouts of at most {self.games:,} games {length}, to a standard error of {self.max_error:g}"

    def playing_part(self) -> dict[str, int | bool | None]:
        """The settings that change the course or the value of a single game."""
        return {
            "seed": self.seed,
            "horizon": self.horizon,
            "luck_turns": self.luck_turns,
            "stops_at_races": self.stops_at_races,
        }


class GameEstimate(ABC):
    """The mean of games from one position, numbered from 0, with its standard error."""

    @property
    @abstractmethod
    def equities(self) -> Float64s:
        """float64[G], what each game came to."""

    @property
    def num_games(self) -> int:
        """Games played."""
        return len(self.equities)

    @property
    def equity(self) -> float:
        """Mean of the games."""
        return float(self.equities.mean())

    @property
    def standard_error(self) -> float:
        """Of the equity, in its unit."""
        return stratified_error(self.equities)

    def lead_over(self, other: GameEstimate) -> float:
        """Equity more than another candidate's, from the games that both have played."""
        return float(self._differences(other).mean())

    def joint_error(self, other: GameEstimate) -> float:
        """Standard error of the difference to another candidate, from the games that both have played."""
        return stratified_error(self._differences(other))

    def _differences(self, other: GameEstimate) -> Float64s:
        """Game by game: game k of both has the same dice."""
        own, others = self.equities, other.equities
        common = min(len(own), len(others))
        differences: Float64s = own[:common] - others[:common]
        return differences


@dataclass(frozen=True, eq=False)
class RolloutEstimate(GameEstimate):
    """What a rollout found, in cubeless points, seen by the player who has just moved.

    Attributes:
        games: float32[G, 6], one row for each game; with luck subtracted a row may lie outside 0..1, its sum is 1.
    """

    games: Float32s

    @property
    def outcomes(self) -> Float32s:
        """float32[6], mean chances; luck subtraction may leave one a little below 0."""
        mean: Float32s = self.games.mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean

    @property
    def equities(self) -> Float64s:
        """float64[G], points of each game."""
        points: Float64s = self.games.astype(np.float64) @ POINTS.astype(np.float64)
        return points

    def joined(self, more: Float32s) -> RolloutEstimate:
        """This rollout and its next games."""
        return RolloutEstimate(np.concatenate([self.games, more]))


def stratified_error(values: Float64s) -> float:
    """Standard error of the mean of consecutive games from game 0 on, whose first rolls are stratified.

    The variance within the 36 strata counts, the variance between them is zero by design. (That the second rolls are
    balanced too is left out, so the error is a little too large.)

    Args:
        values: float64[G], G a multiple of 36. One game a stratum gives no spread: then the spread of all games.
    """
    per_stratum = values.reshape(-1, THROWS)
    if len(per_stratum) < 2:
        return float(values.std(ddof=1)) / sqrt(len(values))
    variances = per_stratum.var(axis=0, ddof=1)
    return sqrt(float(variances.sum()) / len(per_stratum)) / THROWS


def play_games(
    player: Evaluator,
    after: Board,
    games: Int64s,
    settings: RolloutSettings,
    judge: Evaluator | None = None,
) -> Float32s:
    """Play a position out many times, all games in lockstep.

    Args:
        player: plays both sides and judges at the horizon.
        after: int8[26], seen by the player who has just moved, whose outcomes are wanted.
        games: int64[G], numbers of the games: they choose the dice.
        settings: see there.
        judge: measures luck; None for the player itself.

    Returns:
        float32[G, 6], by game; see `RolloutEstimate.games`.
    """
    rollout = _Lockstep(player, judge or player, settings, after, games)
    while rollout.is_busy:
        rollout.play_turn()
    return rollout.results.astype(np.float32)


class _Lockstep:
    """Games from one position, all at the same turn: turn 0 is the opponent's first roll."""

    def __init__(
        self,
        player: Evaluator,
        judge: Evaluator,
        settings: RolloutSettings,
        after: Board,
        games: Int64s,
    ) -> None:
        self._player = player
        self._judge = judge
        self._settings = settings
        self._tables = player.bearoff
        self._dice = GameDice(settings.seed)
        self._luck_turns = _NO_LIMIT if settings.luck_turns is None else settings.luck_turns
        self._games = games
        self._turn = 0
        self._in_play = np.arange(len(games))
        self._boards: Boards = np.repeat(
            np.asarray(after, dtype=np.int8)[None], len(games), axis=0
        )  # after the last play
        self.results: Float64s = np.zeros((len(games), 6))  # of the player who moved before turn 0
        self._settle(None)

    @property
    def is_busy(self) -> bool:
        """True while a game is in play."""
        return len(self._in_play) > 0

    def play_turn(self) -> None:
        """One roll in every game in play."""
        dice = self._dice.throw(self._games[self._in_play], self._turn)
        first, group = group_rows(self._boards)
        if self._turn < self._luck_turns:
            self._subtract_luck(self._boards[first], group, dice)
        self._boards, values = self._play(dice)
        self._turn += 1
        self._settle(values if self._turn == self._settings.horizon else None)

    def _play(self, dice: Dice) -> tuple[Boards, Outcomes]:
        """The player's plays, equal decisions asked once."""
        positions = swap(self._boards)
        first, group = group_rows(np.concatenate([positions, dice], axis=1))
        afters, values = self._player.play_best(positions[first], dice[first])
        return afters[group], values[group]

    def _subtract_luck(self, different: Boards, group: Int64s, dice: Dice) -> None:
        """Take the luck of the rolls from the results.

        What each roll is worth is said by the replies of a look-ahead, a third of the price of the best plays: the
        mean of the luck is 0 whatever reply is taken, as long as it is the same for the thrown roll and the average.
        """
        _, values = self._judge.reply_to_rolls(different)
        means = swap_outcomes(average_rolls(values, np.arange(len(values))))
        high, low = dice.astype(np.int64).T
        rows = NUM_ROLLS * group + roll_numbers(high, low)
        luck = values[rows].astype(np.float64) - means[group]
        self.results[self._in_play] -= self._for_first_mover(luck)

    def _settle(self, horizon_values: Outcomes | None) -> None:
        """Take the games that have ended out of play and add their outcomes to the results."""
        has_ended, values = final_outcomes(self._boards)
        if self._tables is not None:
            swapped = swap(self._boards)
            least = UNCOVERED if self._settings.stops_at_races else TWO_SIDED - 1
            is_known = ~has_ended & (self._tables.coverage(swapped) > least)
            if is_known.any():
                values[is_known] = swap_outcomes(self._tables.outcomes(swapped[is_known]).astype(np.float32))
                has_ended |= is_known
        if horizon_values is not None:
            values[~has_ended] = horizon_values[~has_ended]
            has_ended[:] = True
        # Seen by who has just moved; before turn 0 that is the first mover, as after every second turn.
        self.results[self._in_play[has_ended]] += self._for_first_mover(values[has_ended], just_moved=True)
        self._in_play = self._in_play[~has_ended]
        self._boards = self._boards[~has_ended]

    def _for_first_mover(self, values: npt.NDArray[np.floating], just_moved: bool = False) -> npt.NDArray[np.floating]:
        """Values of this turn's player (`just_moved`: of the turn before) as the player before turn 0 sees them."""
        is_first_mover = (self._turn + just_moved) % 2 == 1
        return values if is_first_mover else values[..., [3, 4, 5, 0, 1, 2]]


class GameDice:
    """The dice of rollouts: stratified on the first two turns, a stream of their own in each game afterwards."""

    def __init__(self, seed: int) -> None:
        """Dice of a seed."""
        self._seed = seed
        self._key = int.from_bytes(hashlib.sha256(f"rollout dice {seed}".encode()).digest()[:8], "little")
        self._orders: dict[int, tuple[Int64s, Int64s]] = {}

    def throw(self, games: Int64s, turn: int) -> Dice:
        """Dice int8[S, 2] of a turn in the games with these numbers, larger first."""
        if turn > 1:
            return throw_rolls(self._key, games, turn)
        throws = np.empty(len(games), dtype=np.int64)
        for cycle in np.unique(games // _CYCLE).tolist():
            members = games // _CYCLE == cycle
            place = games[members] % _CYCLE
            order = self._order(cycle)[turn]
            # a Latin square: in 36 games each first and each second throw once, in 1,296 each pair once
            index = place % THROWS if turn == 0 else (place + place // THROWS) % THROWS
            throws[members] = order[index]
        dice = np.stack([throws // 6 + 1, throws % 6 + 1], axis=1).astype(np.int8)
        dice[:, ::-1].sort(axis=1)
        return dice

    def _order(self, cycle: int) -> tuple[Int64s, Int64s]:
        """Orders of the 36 throws on the first and on the second turn of 1,296 games.

        On the first turn it is the same in all cycles, so that a game's number modulo 36 is its stratum.
        """
        if cycle not in self._orders:
            first = np.random.default_rng([self._seed, 0]).permutation(THROWS)
            self._orders[cycle] = first, np.random.default_rng([self._seed, 1, cycle]).permutation(THROWS)
        return self._orders[cycle]
