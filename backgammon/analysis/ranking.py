"""The candidates of every roll in order of what they are worth, the play that was made always among the deepest judged.

Axis legend: R rolls of a game.

A loss never compares two depths: `Ranker` judges the play that was made as deeply as the best. With rollouts, what the
search has judged at full depth and the play that was made are rolled out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np

from backgammon.analysis.cube_spots import CubeSpot, JudgedCube, collect_spots, is_close, judge_spot
from backgammon.analysis.logged_rolls import GameRolls
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.cube.valuation import Valuation
from backgammon.engine.at_stakes import PlayAtStakes, StakesEngine
from backgammon.engine.stakes_rollout import StakesRollout
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.rules.decision import Decision
from backgammon.search import RankedCandidate, Ranker
from backgammon.search.luck import roll_luck
from backgammon.tools.arrays import Float64s, Int64s
from backgammon.tools.intervals import NORMAL_REACH

BATCH = 64
"""Decisions that are searched together, so that progress can be shown."""

Progress = Callable[[int, int], None]
"""Called with the decisions judged so far and those to judge in all."""

Ranking = tuple[RankedCandidate, ...]


class MatchJudge(Protocol):
    """Who judges the plays, the rolls and the cube of whole games."""

    @property
    def name(self) -> str:
        """The engine, its depth, and the rollouts."""

    @property
    def is_cubeful(self) -> bool:
        """True for values of the score and the cube, False for cubeless money points."""

    def suited(self, has_cube: bool) -> MatchJudge:
        """Who judges games that were played with or without a cube."""

    def rank(self, games: Sequence[GameRolls], progress: Progress | None = None) -> list[list[Ranking]]:
        """For each game the candidates of each roll, best first."""

    def measure_luck(self, game: GameRolls) -> Lucks:
        """What the rolls of a game were worth beyond the average."""

    def judge_cubes(self, game: GameRolls, number: int) -> list[JudgedCube]:
        """The cube decisions of a game, in order; none from a judge that does not know the cube."""


class Lucks(NamedTuple):
    """Luck of R rolls, each for who threw it; see `search.luck`.

    Attributes:
        equities: float64[R], EMG of the cube then current, or cubeless money points.
        mwc: float64[R], chances to win the match; 0 in money play.
    """

    equities: Float64s
    mwc: Float64s


class PlayJudge:
    """Judges what was played in whole games, by cubeless money points."""

    def __init__(self, ranker: Ranker) -> None:
        """Hand in who ranks candidates; its evaluator alone judges where there is no choice."""
        self._ranker = ranker

    @property
    def name(self) -> str:
        """The engine, its depth, and the rollouts."""
        rollout = self._ranker.rollout
        return self._ranker.searcher.name + ("" if rollout is None else f", {rollout.title}")

    @property
    def evaluator(self) -> Evaluator:
        """The engine without look-ahead."""
        return self._ranker.evaluator

    def rank(self, games: Sequence[GameRolls], progress: Progress | None = None) -> list[list[Ranking]]:
        """For each game the candidates of each roll, best first.

        Args:
            games: rolls.
            progress: see `Progress`.
        """
        is_open = [~game.decisions.is_forced for game in games]
        total = int(sum(mask.sum() for mask in is_open))
        ranked: list[list[Ranking]] = []
        done = 0
        for game, mask in zip(games, is_open, strict=True):
            found: list[Ranking] = [()] * len(game)
            for rows in _batches(np.flatnonzero(~mask)):
                self._rank_forced(game, rows, found)
            for rows in _batches(np.flatnonzero(mask)):
                self._rank_open(game, rows, found)
                done += len(rows)
                if progress is not None:
                    progress(done, total)
            ranked.append(found)
        return ranked

    @property
    def is_cubeful(self) -> bool:
        """False: it knows neither score nor cube."""
        return False

    def suited(self, has_cube: bool) -> MatchJudge:  # noqa: ARG002 - see `MatchJudge`
        """Itself."""
        return self

    def measure_luck(self, game: GameRolls) -> Lucks:
        """See `MatchJudge`."""
        luck = roll_luck(self.evaluator, game.decisions.boards, game.decisions.dice, game.is_opening)
        return Lucks(luck, np.zeros(len(game)))

    def judge_cubes(self, game: GameRolls, number: int) -> list[JudgedCube]:  # noqa: ARG002 - see `MatchJudge`
        """None."""
        return []

    def rank_decision(self, decision: Decision) -> Ranking:
        """The candidates of one decision, best first; the chosen one, where there is one, at full depth."""
        return tuple(self._ranker.rank_one(decision, by_equity=True))

    def _rank_forced(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls without a choice: the evaluator alone says what the position is worth."""
        _, outcomes = self.evaluator.play_best(game.decisions.boards[rows], game.decisions.dice[rows])
        values = equities(outcomes)
        for place, row in enumerate(rows.tolist()):
            found[row] = (RankedCandidate(0, float(values[place]), outcomes[place], ply=0, margin=0.0),)

    def _rank_open(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls with a choice."""
        ranked = self._ranker.rank(game.decisions.take(rows), by_equity=True)
        for one, row in zip(ranked, rows.tolist(), strict=True):
            found[row] = tuple(one)


class StakesJudge:
    """Judges what was played in whole games at their score and cube, and what was done with the cube."""

    def __init__(
        self, engine: StakesEngine, without_cube: MatchJudge | None = None, rollout: StakesRollout | None = None
    ) -> None:
        """Hand in who judges.

        Args:
            engine: knows the stakes, at its depth.
            without_cube: judges games that were played without a cube; None to judge them as if there were one.
            rollout: rolls out plays and the cube decisions that are made or close; None for the search alone.
        """
        self._engine = engine
        self._without_cube = without_cube
        self._rollout = rollout
        self._valuations: dict[Stakes, Valuation] = {}

    @property
    def name(self) -> str:
        """The engine, its depth, and the rollouts."""
        return self._engine.name + ("" if self._rollout is None else f", {self._rollout.settings.title}")

    @property
    def is_cubeful(self) -> bool:
        """True."""
        return True

    def suited(self, has_cube: bool) -> MatchJudge:
        """See `MatchJudge`."""
        return self if has_cube or self._without_cube is None else self._without_cube

    def rank(self, games: Sequence[GameRolls], progress: Progress | None = None) -> list[list[Ranking]]:
        """For each game the candidates of each roll, best first, by cubeful equity.

        Args:
            games: rolls.
            progress: see `Progress`.

        Raises:
            StakesError: the log tells of a score or cube that cannot be.
        """
        total = int(sum((~game.decisions.is_forced).sum() for game in games))
        done = 0
        ranked: list[list[Ranking]] = []
        for game in games:
            found: list[Ranking] = []
            for index, decision in enumerate(game.decisions):
                found.append(self._rank(decision, game.stakes(index)))
                done += not decision.is_forced
                if progress is not None and (done % BATCH == 0 or done == total) and not decision.is_forced:
                    progress(done, total)
            ranked.append(found)
        return ranked

    def measure_luck(self, game: GameRolls) -> Lucks:
        """See `MatchJudge`."""
        if not len(game):
            return Lucks(np.zeros(0), np.zeros(0))
        stakes = [game.stakes(index) for index in range(len(game))]
        native = self._engine.measure_luck(game.decisions.boards, game.decisions.dice, game.is_opening, stakes)
        pairs = zip(native.tolist(), stakes, strict=True)
        equities = np.array([float(self._valuation(one).emg_change(value)) for value, one in pairs])
        return Lucks(equities, native if game.score.length else np.zeros(len(game)))

    def judge_cubes(self, game: GameRolls, number: int) -> list[JudgedCube]:
        """See `MatchJudge`."""
        spots = collect_spots(game)
        if not spots:
            return []
        verdicts = self._engine.decide_cubes(np.stack([spot.board for spot in spots]), [spot.stakes for spot in spots])
        if self._rollout is not None:
            pairs = zip(spots, verdicts, strict=True)
            verdicts = [_rolled(spot, one, self._rollout) if is_close(spot, one) else one for spot, one in pairs]
        return [
            judged
            for spot, verdict in zip(spots, verdicts, strict=True)
            for judged in judge_spot(number, spot, verdict, self._valuation(spot.stakes))
        ]

    def _rank(self, decision: Decision, stakes: Stakes) -> Ranking:
        """The candidates of a decision, best first."""
        plays = self._engine.rank_plays(decision, stakes, by_equity=True)
        margins = {play.row: play.margin for play in plays}
        if self._rollout is not None and not decision.is_forced:
            plays = self._rollout.rank_plays(decision, stakes)
        return tuple(_as_candidate(play, margins[play.row]) for play in plays)

    def _valuation(self, stakes: Stakes) -> Valuation:
        if stakes not in self._valuations:
            self._valuations[stakes] = self._engine.valuation(stakes)
        return self._valuations[stakes]


def _as_candidate(play: PlayAtStakes, searched_margin: float) -> RankedCandidate:
    return RankedCandidate(
        play.row,
        play.equity,
        play.outcomes,
        play.ply,
        play.margin,
        play.standard_error,
        play.games,
        play.joint_error,
        None if play.standard_error is None else searched_margin,
        play.mwc,
    )


def _rolled(spot: CubeSpot, searched: CubeVerdict, rollout: StakesRollout) -> CubeVerdict:
    """What the search says, moved into the 95 % intervals of what a rollout found: as for plays, see `RankedCandidate`.

    Moved are the value of double and take, which the answer goes by, and its distance from no double.
    """
    rolled = rollout.decide_cube(spot.board, spot.stakes)
    found = rolled.verdict
    take = _moved(searched.double_take, found.double_take, rolled.double_take.standard_error)
    gains = searched.double_take - searched.no_double, found.double_take - found.no_double
    no_double = take - _moved(*gains, rolled.joint_error)
    mwc = None
    if searched.mwc is not None:
        chances = Valuation(spot.stakes).native(np.array([no_double, take])).tolist()
        mwc = chances[0], chances[1], searched.mwc[2]
    return replace(searched, no_double=no_double, double_take=take, mwc=mwc)


def _moved(searched: float, rolled: float, error: float) -> float:
    """A value of the search, moved into the 95 % interval of a rollout's."""
    reach = NORMAL_REACH * error
    return min(max(searched, rolled - reach), rolled + reach)


def _batches(rows: Int64s) -> list[Int64s]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
