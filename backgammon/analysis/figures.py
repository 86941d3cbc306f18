"""The figures of each player, with 95 % intervals.

Counted decisions are rolls with two candidates or more; dances, forced plays and cube actions are not counted. What an
interval covers is the chance of having met just these positions and dice: every decision (every game, for results) is
one observation, so a handful of games says little, and the interval shows how little.

    error rate          1000 x equity lost / counted decisions (GNU Backgammon, chequer play)
    checker error rate  500 x the same: the scale of eXtreme Gammon's PR, which it is not, for that counts the cube and
                        plays at the score
    Snowie rate         1000 x equity lost / all rolls of both players
    luck                sum over the player's rolls of (equity after the best play - average over all rolls)
    adjusted            points won minus (own luck - opponent's luck), each roll times the cube
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.analysis.judging import JudgedGame, JudgedMatch, JudgedRoll
from backgammon.analysis.scales import GNUBG_MARKS, XG_MARKS, count_luck, count_marks
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate

COUNTING_RULE = (
    "counted: every roll with two or more different positions to choose from; forced plays, dances and cube actions "
    "are not"
)
GNUBG_FACTOR, XG_FACTOR = 1000.0, 500.0


@dataclass(frozen=True)
class PlayerFigures:
    """How a player played and rolled.

    Attributes:
        name: of the player.
        seat: 0 or 1.
        rolls: all of the player's, dances included.
        counted: decisions.
        total_loss: equity points given up.
        error_rate: millipoints per counted decision.
        checker_error_rate: see above.
        snowie_rate: millipoints per roll of both players.
        gnubg_marks: plays by mark, see `scales`.
        xg_marks: the same.
        agreement: share of counted decisions in which the engine's best play was made.
        luck: equity points in all.
        luck_marks: rolls by mark, luckiest first.
        points: won minus lost in the games whose result is known.
        adjusted: the same without luck, in points, for these games together.
        games: whose result is known.
    """

    name: str
    seat: int
    rolls: int
    counted: int
    total_loss: float
    error_rate: Estimate
    checker_error_rate: Estimate
    snowie_rate: Estimate
    gnubg_marks: dict[str, int]
    xg_marks: dict[str, int]
    agreement: Estimate
    luck: Estimate
    luck_marks: dict[str, int]
    points: int
    adjusted: Estimate
    games: int


def measure_players(match: JudgedMatch) -> tuple[PlayerFigures, PlayerFigures]:
    """The figures of both seats."""
    return _measure(match, 0), _measure(match, 1)


def _measure(match: JudgedMatch, seat: int) -> PlayerFigures:
    every = match.rolls
    own = [roll for roll in every if roll.seat == seat]
    counted = [roll for roll in own if roll.is_counted]
    losses = np.array([roll.loss for roll in counted])
    lucks = np.array([roll.luck for roll in own])
    mean = _at_least_zero(_mean(losses))
    finished = [game for game in match.games if game.points is not None]
    return PlayerFigures(
        name=match.players[seat],
        seat=seat,
        rolls=len(own),
        counted=len(counted),
        total_loss=float(losses.sum()),
        error_rate=_scale(mean, GNUBG_FACTOR),
        checker_error_rate=_scale(mean, XG_FACTOR),
        snowie_rate=_scale(mean, GNUBG_FACTOR * len(counted) / len(every) if every else float("nan")),
        gnubg_marks=count_marks(losses.tolist(), GNUBG_MARKS),
        xg_marks=count_marks(losses.tolist(), XG_MARKS),
        agreement=_share(counted),
        luck=_scale(_mean(lucks), len(own)),
        luck_marks=count_luck(lucks.tolist()),
        points=sum(_points(game, seat) for game in finished),
        adjusted=_scale(_mean(np.array([_adjusted(game, seat) for game in finished])), len(finished)),
        games=len(finished),
    )


def _points(game: JudgedGame, seat: int) -> int:
    points = game.points or 0
    return points if seat == 0 else -points


def _adjusted(game: JudgedGame, seat: int) -> float:
    return _points(game, seat) - (game.net_luck if seat == 0 else -game.net_luck)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Estimate:
    """Mean with its interval, every value an observation of its own."""
    return estimate_mean(values, np.arange(len(values)))


def _share(rolls: list[JudgedRoll]) -> Estimate:
    """Share of the best plays."""
    return estimate_rate(np.array([float(roll.is_best) for roll in rolls]), np.arange(len(rolls)))


def _scale(estimate: Estimate, factor: float) -> Estimate:
    low = None if estimate.low is None else estimate.low * factor
    high = None if estimate.high is None else estimate.high * factor
    return Estimate(estimate.value * factor, low, high)


def _at_least_zero(estimate: Estimate) -> Estimate:
    """Nobody loses less than nothing."""
    return Estimate(estimate.value, None if estimate.low is None else max(0.0, estimate.low), estimate.high)
