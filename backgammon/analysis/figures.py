"""The figures of each player, with 95 % intervals.

What an interval covers is the chance of having met just these positions and dice: every decision (every game, for
results) is one observation, so a handful of games says little, and the interval shows how little.

Decisions about plays are rolls with two candidates or more; dances and forced plays are none.

    error rate          1000 x equity lost / these decisions (GNU Backgammon, chequer play)
    checker error rate  500 x the same: the scale of eXtreme Gammon's PR
    Snowie rate         1000 x equity lost / all rolls of both players
    luck                sum over the player's rolls, see `search.luck`
    adjusted            points won minus (own luck - opponent's luck), each roll times the cube

A judge that knows score and cube adds `cube_figures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.analysis.cube_figures import CubeFigures, measure_cube
from backgammon.analysis.judging import JudgedGame, JudgedMatch, JudgedRoll
from backgammon.analysis.mean_figures import GNUBG_FACTOR, XG_FACTOR, at_least_zero, mean_of, scaled
from backgammon.analysis.scales import GNUBG_MARKS, XG_MARKS, count_luck, count_marks
from backgammon.tools.intervals import Estimate, estimate_rate


@dataclass(frozen=True)
class PlayerFigures:
    """How a player played and rolled.

    Attributes:
        name: of the player.
        seat: 0 or 1.
        rolls: all of the player's, dances included.
        counted: decisions about plays.
        total_loss: equity given up by plays.
        error_rate: millipoints per decision about plays.
        checker_error_rate: see above.
        snowie_rate: millipoints per roll of both players; with the losses by the cube where it was judged.
        gnubg_marks: plays and cube decisions by mark, see `scales`.
        xg_marks: the same.
        agreement: share of decisions about plays in which the engine's best play was made.
        luck: equity in all.
        luck_marks: rolls by mark, luckiest first.
        points: won minus lost in the games whose result is known.
        adjusted: the same without luck, in points, for these games together.
        games: whose result is known.
        cube: what only a judge that knows score and cube can say; None without.
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
    cube: CubeFigures | None = None


def measure_players(match: JudgedMatch) -> tuple[PlayerFigures, PlayerFigures]:
    """The figures of both seats."""
    return _measure(match, 0), _measure(match, 1)


def _measure(match: JudgedMatch, seat: int) -> PlayerFigures:
    every = match.rolls
    own = [roll for roll in every if roll.seat == seat]
    counted = [roll for roll in own if roll.is_counted]
    losses = np.array([roll.loss for roll in counted])
    every_loss = np.array([*losses, *(cube.loss for cube in match.cubes if cube.seat == seat)])
    lucks = np.array([roll.luck for roll in own])
    mean = at_least_zero(mean_of(losses))
    finished = [game for game in match.games if game.points is not None]
    snowie = GNUBG_FACTOR * len(every_loss) / len(every) if every else float("nan")
    return PlayerFigures(
        name=match.players[seat],
        seat=seat,
        rolls=len(own),
        counted=len(counted),
        total_loss=float(losses.sum()),
        error_rate=scaled(mean, GNUBG_FACTOR),
        checker_error_rate=scaled(mean, XG_FACTOR),
        snowie_rate=scaled(at_least_zero(mean_of(every_loss)), snowie),
        gnubg_marks=count_marks(every_loss.tolist(), GNUBG_MARKS),
        xg_marks=count_marks(every_loss.tolist(), XG_MARKS),
        agreement=_share(counted),
        luck=scaled(mean_of(lucks), len(own)),
        luck_marks=count_luck(lucks.tolist()),
        points=sum(_points(game, seat) for game in finished),
        adjusted=scaled(mean_of(np.array([_adjusted(game, seat) for game in finished])), len(finished)),
        games=len(finished),
        cube=measure_cube(match, seat) if match.is_cubeful else None,
    )


def _points(game: JudgedGame, seat: int) -> int:
    points = game.points or 0
    return points if seat == 0 else -points


def _adjusted(game: JudgedGame, seat: int) -> float:
    return _points(game, seat) - (game.net_luck if seat == 0 else -game.net_luck)


def _share(rolls: list[JudgedRoll]) -> Estimate:
    """Share of the best plays."""
    return estimate_rate(np.array([float(roll.is_best) for roll in rolls]), np.arange(len(rolls)))
