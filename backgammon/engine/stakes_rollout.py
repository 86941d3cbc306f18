"""Rollouts with a live cube: what plays and cube decisions are worth at their stakes as the mean of many games.

Axis legend: G games of one rollout, S games still in play, 21 rolls.

In every game the cube is turned as it is at the table: before each roll whoever may double asks the playing engine, and
so does who is doubled; a pass ends the game. The rest is as in `search.rollout`: the same stratified dice, so no double
and double/take, or two candidates, meet the same rolls; the luck of every turn is subtracted, at the stakes of that
turn; a game ends on the board, at the two-sided tables in money play, whose cubeful equities are exact, or at the
horizon, where the static cubeful value counts.

Values are native (`Valuation`): in money play points per unit of the cube at the start, else chances to win the match.
Estimates are EMG at the stakes of the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.cube.valuation import Valuation
from backgammon.engine.at_stakes import PlayAtStakes, StakesEngine, group_by_stakes
from backgammon.evaluation.outcome import final_outcomes
from backgammon.rules.board import Board, swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.rules.game import MAX_CUBE
from backgammon.rules.rolls import group_rows
from backgammon.search.contest import still_open
from backgammon.search.cubeful import exact_equities
from backgammon.search.luck import roll_luck_at_stakes
from backgammon.search.rollout import GameDice, GameEstimate, RolloutSettings
from backgammon.tools.arrays import Boards, Bools, Dice, Float64s, Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.message import pack_message, unpack_columns
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.unit_run import do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of
from backgammon.tools.jobs.workers import ThreadWorkers

FORMAT_VERSION = 1
_NO_LIMIT = 1 << 30
_MOST = 1e6
"""More than what a game comes to at any stakes, less the luck of its rolls."""


class _Line(NamedTuple):
    """A position that is played out.

    Attributes:
        after: int8[26], seen by the player who has just moved.
        stakes: of the player who rolls next.
        may_double: that player may double before its first roll.
    """

    after: Board
    stakes: Stakes
    may_double: bool


@dataclass(frozen=True, eq=False)
class StakesEstimate(GameEstimate):
    """What a rollout found, seen by the player who decides.

    Attributes:
        values: float64[G], EMG of each game; with luck subtracted one may lie far out.
    """

    values: Float64s

    @property
    def equities(self) -> Float64s:
        """The values."""
        return self.values

    def joined(self, more: Float64s) -> StakesEstimate:
        """This rollout and its next games."""
        return StakesEstimate(np.concatenate([self.values, more]))


@dataclass(frozen=True, eq=False)
class RolledVerdict:
    """A cube decision that was rolled out.

    Attributes:
        verdict: of the means.
        no_double: games in which the player on roll does not double now.
        double_take: games behind double and take.
    """

    verdict: CubeVerdict
    no_double: StakesEstimate
    double_take: StakesEstimate

    @property
    def joint_error(self) -> float:
        """Standard error of the difference between the two, EMG."""
        return self.double_take.joint_error(self.no_double)


class StakesRollout:
    """Rolls out what a search has judged at its full depth; numbers do not depend on threads.

    A round of games of one line is a work unit, named by everything that its result depends on, as in `search.work`: a
    rollout that was interrupted goes on where it stopped, if its results are kept.
    """

    def __init__(
        self,
        picker: StakesEngine,
        player: StakesEngine,
        settings: RolloutSettings,
        threads: int = 1,
        folder: Path | None = None,
    ) -> None:
        """Set up.

        Args:
            picker: judges candidates first; what it searches at its full depth is rolled out.
            player: plays and turns the cube in the games, for both sides; measures luck.
            settings: see there; games end by `cube_horizon`, and `stops_at_races` has no meaning with a cube.
            threads: candidates that are rolled out at once.
            folder: for the results, made if missing; None keeps nothing.

        Raises:
            ConfigError: fewer than one thread.
        """
        self._picker = picker
        self._player = player
        self._settings = replace(settings, horizon=settings.cube_horizon)
        self._workers = ThreadWorkers(threads)
        self._store = ResultStore(folder)

    @property
    def settings(self) -> RolloutSettings:
        """How long and how exactly."""
        return self._settings

    def rank_plays(self, decision: Decision, stakes: Stakes) -> list[PlayAtStakes]:
        """Every candidate, best first: those that were rolled out before the others, which keep what the search said.

        A candidate that was given up early is placed by what it was behind the best in the games of both.
        """
        ranked = self._picker.rank_plays(decision, stakes)
        rolled = [play for play in ranked if play.ply == ranked[0].ply]
        valuation, theirs = self._picker.valuation(stakes), stakes.swapped()
        lines = [_Line(decision.candidates[play.row], theirs, may_double=True) for play in rolled]
        found = [StakesEstimate(np.empty(0)) for _ in rolled]
        rows = list(range(len(rolled)))
        for games in self._rounds():
            for row, native in zip(rows, self._play_lines([lines[row] for row in rows], games), strict=True):
                found[row] = found[row].joined(valuation.emg(1.0 - native if stakes.is_match else -native))
            rows = still_open(found, rows, self._settings, len(ranked) - len(rolled))
            if not rows:
                break
        best = max(found, key=lambda one: (one.num_games, one.equity))
        plays = []
        for play, estimate in zip(rolled, found, strict=True):
            margin = 0.0 if estimate is best else max(0.0, best.lead_over(estimate))
            equity = best.equity - margin
            plays.append(
                replace(
                    play,
                    equity=equity,
                    mwc=float(valuation.native(equity)) if stakes.is_match else None,
                    margin=margin,
                    standard_error=estimate.standard_error,
                    joint_error=best.joint_error(estimate),
                    games=estimate.num_games,
                )
            )
        others = [replace(play, margin=best.equity - play.equity) for play in ranked[len(rolled) :]]
        return sorted(plays, key=lambda play: play.margin) + others

    def decide_cube(self, board: Board, stakes: Stakes) -> RolledVerdict:
        """The verdict of a cube decision, both lines on the same dice.

        It ends as rollouts of plays do: when both answers are told apart, or exact enough.

        Args:
            board: int8[26], the player on roll; the game is not over.
            stakes: of that player; the rules allow the double.

        Raises:
            GameError: no double is possible.
        """
        valuation = self._picker.valuation(stakes)
        after = swap(board)
        lines = [_Line(after, one, may_double=False) for one in (stakes, stakes.doubled())]
        found = [StakesEstimate(np.empty(0)), StakesEstimate(np.empty(0))]
        factors = [1.0, 1.0 if stakes.is_match else 2.0]

        for games in self._rounds():
            parts = self._play_lines(lines, games)
            found = [
                one.joined(valuation.emg(factor * native))
                for one, factor, native in zip(found, factors, parts, strict=True)
            ]
            if _is_decided(found[0], found[1], self._settings):
                break
        equities = found[0].equity, found[1].equity
        mwc = None
        if stakes.is_match:
            no_double, double_take = valuation.native(np.array(equities)).tolist()
            mwc = no_double, double_take, valuation.won_and_lost[0]
        searched = self._picker.decide_cube(board, stakes)
        verdict = CubeVerdict(stakes, *equities, 1.0, mwc, searched.outcomes, searched.plies)
        return RolledVerdict(verdict, *found)

    def _play_lines(self, lines: Sequence[_Line], games: Int64s) -> list[Float64s]:
        """`play_out` of the same games from each line, found or played now.

        Raises:
            DataError: a kept result is damaged.
        """
        work = (WorkUnit(self._unit_name(line, games), partial(self._play, line, games)) for line in lines)
        return [_values_of(result, len(games)) for result in do_units(work, self._workers, self._store)]

    def _unit_name(self, line: _Line, games: Int64s) -> str:
        """SHA-256 of everything that the result depends on, 64 hex digits."""
        return name_of(
            {
                "format": FORMAT_VERSION,
                "player": self._player.identity,
                "settings": self._settings.playing_part(),
                "after": line.after.tobytes().hex(),
                "stakes": [*astuple(line.stakes), line.may_double],
                "games": [int(games[0]), len(games)],
            }
        )

    def _play(self, line: _Line, games: Int64s) -> bytes:
        values = play_out(self._player, line.after, line.stakes, games, self._settings, line.may_double)
        return pack_message({}, {"values": values})

    def _rounds(self) -> list[Int64s]:
        """Numbers of the games, round by round."""
        settings = self._settings
        starts = range(0, settings.games, settings.round_games)
        return [np.arange(first, min(first + settings.round_games, settings.games)) for first in starts]


def _is_decided(no_double: StakesEstimate, double_take: StakesEstimate, settings: RolloutSettings) -> bool:
    """No more games are needed: what to do is clear by `lead` standard errors, or each line is known to `max_error`.

    The error of double and take is in points of its own cube, or that line alone would set the cost.
    """
    if settings.lead is not None:
        gain, gain_error = double_take.equity - no_double.equity, double_take.joint_error(no_double)
        if double_take.equity > 1.0:  # a pass is expected
            gain, gain_error = 1.0 - no_double.equity, no_double.standard_error
        is_told = abs(1.0 - double_take.equity) > settings.lead * double_take.standard_error
        if is_told and abs(gain) > settings.lead * gain_error:
            return True
    limit = settings.max_error
    return limit is not None and max(no_double.standard_error, double_take.standard_error / 2) <= limit


def _values_of(result: bytes, count: int) -> Float64s:
    """What the games of a unit came to.

    Raises:
        DataError: the result holds something else.
    """
    values: Float64s = unpack_columns(result, {"values": ("float64", ())})[1]["values"]
    if len(values) != count or not (np.abs(values) <= _MOST).all():  # NaN is neither
        raise DataError("a kept unit of a rollout does not hold the values of its games; delete its folder")
    return values


def play_out(
    player: StakesEngine, after: Board, stakes: Stakes, games: Int64s, settings: RolloutSettings, may_double: bool
) -> Float64s:
    """Play a position out many times with a live cube, all games in lockstep.

    Args:
        player: plays and turns the cube for both sides, and measures luck.
        after: int8[26], seen by the player who has just moved; the game is not over.
        stakes: of the player who rolls next.
        games: int64[G], numbers of the games: they choose the dice.
        settings: see there.
        may_double: that player may double before its first roll, if the rules allow it.

    Returns:
        float64[G], native values of the player who rolls next, per unit of `stakes.cube` in money play.
    """
    rollout = _Lockstep(player, after, stakes, games, settings, may_double)
    while rollout.is_busy:
        rollout.play_turn()
    return rollout.results


class _Lockstep:
    """Games from one position, all at the same turn; on even turns the first roller is on roll."""

    def __init__(
        self,
        player: StakesEngine,
        after: Board,
        stakes: Stakes,
        games: Int64s,
        settings: RolloutSettings,
        may_double: bool,
    ) -> None:
        self._player = player
        self._searcher = player.searcher
        self._start = stakes
        self._settings = settings
        self._may_double = may_double
        self._dice = GameDice(settings.seed)
        self._luck_turns = _NO_LIMIT if settings.luck_turns is None else settings.luck_turns
        self._numbers = games
        self._turn = 0
        self._boards: Boards = np.repeat(np.asarray(after, dtype=np.int8)[None], len(games), axis=0)
        self._stakes = [stakes] * len(games)  # of the player who rolls next, in the games still in play
        self._in_play: Int64s = np.arange(len(games))
        self.results: Float64s = np.zeros(len(games))
        self._settle_known_start()

    @property
    def is_busy(self) -> bool:
        """True while a game is in play."""
        return len(self._in_play) > 0

    def play_turn(self) -> None:
        """Doubles and answers, then one roll in every game in play."""
        if self._turn or self._may_double:
            self._turn_cubes()
        if not self.is_busy:
            return
        dice = self._dice.throw(self._numbers[self._in_play], self._turn)
        positions = swap(self._boards)
        if self._turn < self._luck_turns:
            self._subtract_luck(positions, dice)
        decisions = Decisions.make(positions, dice)
        rows = self._player.choose(positions, dice, self._stakes)
        self._boards = decisions.candidates[decisions.places(rows)]
        self._turn += 1
        self._stakes = [one.swapped() for one in self._stakes]
        self._settle()

    def _turn_cubes(self) -> None:
        """Let whoever may double decide, and the other answer."""
        asked = [i for i, stakes in enumerate(self._stakes) if stakes.may_double]
        if not asked:
            return
        verdicts = self._player.decide_cubes(swap(self._boards[asked]), [self._stakes[i] for i in asked])
        is_passed = np.zeros(len(self._stakes), dtype=np.bool_)
        for i, verdict in zip(asked, verdicts, strict=True):
            if not verdict.is_double:
                continue
            stakes = self._stakes[i]
            if verdict.is_beaver and 4 * stakes.cube <= MAX_CUBE:
                self._stakes[i] = stakes.beavered()
            elif verdict.is_take:
                self._stakes[i] = stakes.doubled()
            else:
                is_passed[i] = True
        for common, rows in self._groups(np.flatnonzero(is_passed)):
            self._add(rows, Valuation(common, self._player.table).won_and_lost[0], common)
        self._keep(~is_passed)

    def _subtract_luck(self, positions: Boards, dice: Dice) -> None:
        """Take the luck of the rolls from the results, at the stakes of this turn."""
        for common, rows in self._groups(np.arange(len(positions))):
            valuation = Valuation(common, self._player.table)
            first, group = group_rows(np.concatenate([positions[rows], dice[rows]], axis=1))
            is_opening = np.zeros(len(first), dtype=np.bool_)
            chosen = rows[first]
            luck = roll_luck_at_stakes(self._searcher, positions[chosen], dice[chosen], is_opening, valuation)
            self._add(rows, -luck[group], common, is_difference=True)

    def _settle(self) -> None:
        """Take the games that have ended out of play; values are those of who has just moved."""
        is_over, outcomes = final_outcomes(self._boards)
        has_ended = is_over | self._is_exact(is_over)
        if self._turn == self._settings.horizon:
            has_ended[:] = True
        for common, rows in self._groups(np.flatnonzero(has_ended)):
            mover = Valuation(common.swapped(), self._player.table)
            values = np.empty(len(rows))
            over = is_over[rows]
            values[over] = mover.cubeless(outcomes[rows[over]])
            if not over.all():
                values[~over] = self._searcher.judge_plays(self._boards[rows[~over]], mover, 0).values[:, 0]
            self._add(rows, 1.0 - values if common.is_match else -values, common)
        self._keep(~has_ended)

    def _settle_known_start(self) -> None:
        """A position whose cubeful equities are exact is not played out at all."""
        if not self._is_exact(np.zeros(len(self._boards), dtype=np.bool_)).all():
            return
        valuation = Valuation(self._start, self._player.table)
        if self._may_double:
            mover = Valuation(self._start.swapped(), self._player.table)
            self.results[:] = -self._searcher.judge_plays(self._boards[:1], mover, 0).values[0, 0]
        else:
            self.results[:] = self._searcher.judge_rolls(swap(self._boards[:1]), valuation, 0).values[0, 0]
        self._keep(np.zeros(len(self._boards), dtype=np.bool_))

    def _is_exact(self, is_over: Bools) -> Bools:
        """Games in positions of the two-sided tables, in money play."""
        tables = self._searcher.source.bearoff
        if self._start.is_match or tables is None:
            return np.zeros(len(self._boards), dtype=np.bool_)
        is_known: Bools = ~is_over & ~np.isnan(exact_equities(tables, self._boards)[:, 0])
        return is_known

    def _groups(self, rows: Int64s) -> list[tuple[Stakes, Int64s]]:
        """Some of the games by the stakes of the player who rolls next; a money cube's value does not part them."""
        found = group_by_stakes([self._stakes[i] for i in rows.tolist()])
        return [(common, rows[members]) for common, members in found]

    def _add(self, rows: Int64s, values: Float64s | float, common: Stakes, is_difference: bool = False) -> None:
        """Add native values of the player who rolls next, per unit of its cube, as the first roller sees them."""
        is_first = self._turn % 2 == 0
        if common.is_match:
            seen = values if is_first else (-values if is_difference else 1.0 - values)
        else:
            cubes = np.array([self._stakes[i].cube for i in rows.tolist()])
            seen = (1.0 if is_first else -1.0) * values * cubes / self._start.cube
        self.results[self._in_play[rows]] += seen

    def _keep(self, is_kept: Bools) -> None:
        """Leave only these games in play."""
        self._in_play, self._boards = self._in_play[is_kept], self._boards[is_kept]
        self._stakes = [one for one, stays in zip(self._stakes, is_kept.tolist(), strict=True) if stays]
