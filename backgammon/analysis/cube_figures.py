"""What can be said of a player only with the score and the cube: PR, errors of the cube, chances to win the match.

PR is 500 x equity lost (EMG) / decisions counted by eXtreme Gammon's rule, plays and cube together. A play counts where
two candidates differ by .001 or more; for the cube see `JudgedCube.is_counted`. In a match to 1 point losses count one
and a half times (XG's manual, "Performance").

Error rates are 1000 x equity lost / decisions counted by GNU Backgammon's rule: unforced plays, doubles, answers and
close decisions not to double (`JudgedCube.is_close`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backgammon.analysis.cube_spots import DOUBLE, ERROR_KINDS, NO_DOUBLE, PASS, JudgedCube, is_counted
from backgammon.analysis.judging import JudgedMatch, JudgedRoll
from backgammon.analysis.mean_figures import GNUBG_FACTOR, XG_FACTOR, at_least_zero, mean_of, scaled
from backgammon.analysis.scales import pr_word, rating_word
from backgammon.tools.arrays import Float64s
from backgammon.tools.intervals import Estimate

LEAST_SPREAD = 0.001
"""Equity by which candidates must differ for XG to count the play."""
_ONE_POINT_FACTOR = 1.5


@dataclass(frozen=True)
class CubeFigures:
    """Figures at the score, with the cube.

    Attributes:
        pr: see above.
        pr_word: XG's word for it; "" without decisions.
        pr_plays: decisions about plays that count for it.
        pr_cubes: decisions about the cube that count for it.
        checker_pr: of the plays alone.
        cube_pr: of the cube alone.
        cube_loss: equity given up by the cube.
        close_cubes: decisions about the cube by GNU Backgammon's rule.
        cube_rate: GNU Backgammon's error rate of the cube.
        overall_rate: of plays and cube.
        overall_word: GNU Backgammon's word for it; "" without decisions.
        actions: doubles, takes (beavers among them) and passes.
        errors: number and equity lost by kind, see `cube_spots.ERROR_KINDS`.
        mwc_lost: chances to win the match given up by plays and cube; None in money play, likewise the next three.
        mwc_luck: luck as chances to win the match.
        mwc_won: chances at the end minus those at the beginning, over the games whose result is known.
        mwc_adjusted: the same without luck.
        told_pr: PR by the numbers in the file and the same rule; None where the file has none.
        told_decisions: that it rests on.
    """

    pr: Estimate
    pr_word: str
    pr_plays: int
    pr_cubes: int
    checker_pr: Estimate
    cube_pr: Estimate
    cube_loss: float
    close_cubes: int
    cube_rate: Estimate
    overall_rate: Estimate
    overall_word: str
    actions: tuple[int, int, int]
    errors: dict[str, tuple[int, float]]
    mwc_lost: float | None
    mwc_luck: float | None
    mwc_won: float | None
    mwc_adjusted: Estimate | None
    told_pr: float | None
    told_decisions: int


def counts_for_pr(roll: JudgedRoll) -> bool:
    """True for a play that XG counts."""
    equities = [one.equity for one in roll.ranked]
    return roll.is_counted and max(equities) - min(equities) >= LEAST_SPREAD


def pr_factor(match: JudgedMatch) -> float:
    """By which a mean loss becomes a PR."""
    return XG_FACTOR * (_ONE_POINT_FACTOR if match.length == 1 else 1.0)


def measure_cube(match: JudgedMatch, seat: int) -> CubeFigures:
    """The figures of a seat."""
    rolls = [roll for roll in match.rolls if roll.seat == seat and roll.is_counted]
    cubes = [cube for cube in match.cubes if cube.seat == seat]
    factor = pr_factor(match)
    plays = np.array([roll.loss for roll in rolls if counts_for_pr(roll)])
    counted = np.array([cube.loss for cube in cubes if cube.is_counted])
    close = np.array([cube.loss for cube in cubes if cube.is_close])
    unforced = np.array([roll.loss for roll in rolls])
    pr = _rate(np.concatenate([plays, counted]), factor)
    overall = _rate(np.concatenate([unforced, close]), GNUBG_FACTOR)
    told = [*_told_plays(rolls), *_told_cubes(cubes)]
    own = [roll for roll in match.rolls if roll.seat == seat]
    is_match = match.length > 0
    won = [_mwc_of_games(match, seat, without_luck) for without_luck in (False, True)]
    return CubeFigures(
        pr=pr,
        pr_word=pr_word(pr.value) if len(plays) + len(counted) else "",
        pr_plays=len(plays),
        pr_cubes=len(counted),
        checker_pr=_rate(plays, factor),
        cube_pr=_rate(counted, factor),
        cube_loss=float(sum(cube.loss for cube in cubes)),
        close_cubes=len(close),
        cube_rate=_rate(close, GNUBG_FACTOR),
        overall_rate=overall,
        overall_word=rating_word(overall.value / GNUBG_FACTOR) if len(unforced) + len(close) else "",
        actions=_actions(cubes),
        errors={kind: _errors(cubes, kind) for kind in ERROR_KINDS},
        mwc_lost=sum(roll.mwc_loss for roll in rolls) + sum(cube.mwc_loss for cube in cubes) if is_match else None,
        mwc_luck=float(sum(roll.mwc_luck for roll in own)) if is_match else None,
        mwc_won=float(won[0].sum()) if is_match and len(won[0]) else None,
        mwc_adjusted=scaled(mean_of(won[1]), len(won[1])) if is_match and len(won[1]) else None,
        told_pr=factor * float(np.mean(told)) if told else None,
        told_decisions=len(told),
    )


def _rate(losses: Float64s, factor: float) -> Estimate:
    return scaled(at_least_zero(mean_of(losses)), factor)


def _actions(cubes: list[JudgedCube]) -> tuple[int, int, int]:
    done = [cube.action for cube in cubes]
    takes = sum(action not in (NO_DOUBLE, DOUBLE, PASS) for action in done)
    return done.count(DOUBLE), takes, done.count(PASS)


def _errors(cubes: list[JudgedCube], kind: str) -> tuple[int, float]:
    losses = [cube.loss for cube in cubes if cube.kind == kind]
    return len(losses), float(sum(losses))


def _mwc_of_games(match: JudgedMatch, seat: int, without_luck: bool) -> Float64s:
    """Chances to win the match that a seat won in each game whose result is known, with or without luck."""
    sign = 1 if seat == 0 else -1
    known = [game for game in match.games if game.mwc is not None]
    changes = [game.mwc[1] - game.mwc[0] - (game.net_mwc_luck if without_luck else 0.0) for game in known if game.mwc]
    return sign * np.array(changes)


def told_loss(roll: JudgedRoll) -> float | None:
    """What the play of a roll lost by the numbers in the file; None where it does not say."""
    told = roll.notes.plays if roll.notes is not None else None
    played = told.row_of(roll.decision.candidates[roll.chosen.row]) if told is not None else None
    return None if told is None or played is None else float(told.equities.max() - told.equities[played])


def _told_plays(rolls: list[JudgedRoll]) -> Iterator[float]:
    """What plays lost by the numbers in the file, where XG's rule counts them by the same."""
    for roll in rolls:
        told = roll.notes.plays if roll.notes is not None else None
        lost = told_loss(roll)
        if told is not None and lost is not None and float(told.equities.max() - told.equities.min()) >= LEAST_SPREAD:
            yield lost


def _told_cubes(cubes: list[JudgedCube]) -> Iterator[float]:
    """The same of cube decisions."""
    for cube in cubes:
        if cube.told is not None and cube.told_loss is not None and is_counted(cube.action, cube.told):
            yield cube.told_loss
