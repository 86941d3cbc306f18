"""Playing levels: a net that plays like people of some strength, by misjudging positions.

Axis legend: N decisions, M candidates of all N decisions together (rows offsets[i] to offsets[i + 1] are decision i).

A weakened player judges each candidate by the equity of its evaluator plus an error, and plays what looks best. The
errors are Gumbel numbers times the level's scale, so that it chooses by Luce's rule, the model behind comparison
training (`losses` in the learner): P(a over b) = sigma((equity of a - equity of b) / scale). Near ties are often
confused, large differences seldom. People's plays say the same (`python -m scripts.level_scores --people`, 83,869 plays
of BackgammonGalaxy and Backgammon Studio): the scale that explains them best is .033 points with 5 to 9 candidates as
with 40 and more, so the number of candidates needs no factor of its own; but .010 in races, where people count.

An error is a function of the player's seed and of the candidate alone. So a player judges the same position alike
whenever it meets it, two levels of one seed have the same blind spots, and neither batch nor threads matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import Noise
from backgammon.evaluation.strengths import LEVEL_NAMES
from backgammon.rules import ragged
from backgammon.rules.ending import has_won
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import RACE, phase_codes
from backgammon.tools.arrays import Boards, Dice, Float64s, Int64s, Offsets
from backgammon.tools.errors import ConfigError
from backgammon.tools.stream import key_of_seed

RACE_SHARE = 0.3
"""Scale in races over that elsewhere; see the module's text."""

NOTHING_AT_STAKE = 1e-4
"""Points between the best and the worst candidate up to which nobody errs: a won race is simply played out."""


@dataclass(frozen=True)
class Level:
    """A strength of play.

    Attributes:
        name: what the command line calls it.
        scale: of the errors in judging a candidate, in points; 0 for none.
        rating: the PR (500 times the points lost per unforced decision) that the scale was fitted to; None for full.
    """

    name: str
    scale: float
    rating: float | None


LEVELS: dict[str, Level] = {
    name: Level(name, scale, rating)
    for name, (scale, rating) in zip(
        LEVEL_NAMES,
        ((0.1160, 30.0), (0.0766, 19.0), (0.0560, 13.0), (0.0381, 8.0), (0.0261, 5.0), (0.0, None)),
        strict=True,
    )
}
"""Weakest first. Ratings: the middle of the bands that people use (master 4 to 6, advanced 6 to 10, intermediate 10 to
17.5; above it twice, by about half more each time). Scales: of the model that ships, `python -m scripts.level_scores
data/labels/*.xz --refit`; run it again when another model ships. GNU Backgammon's words are stricter (beginner: 13 to
17.5)."""


def find_level(name: str) -> Level:
    """The level of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in LEVELS:
        raise ConfigError(f"no level {name!r}; there are {', '.join(LEVELS)}")
    return LEVELS[name]


class LevelPlayer:
    """An evaluator that plays at a level."""

    def __init__(self, judge: Evaluator, level: Level, seed: int = 0) -> None:
        """A player.

        Args:
            judge: gives the equities.
            level: says how far it misjudges them.
            seed: 0 or greater; another one has other blind spots.

        Raises:
            ConfigError: a negative seed or scale.
        """
        if seed < 0 or level.scale < 0:
            raise ConfigError(f"seed {seed}, scale {level.scale}: neither may be negative")
        self._judge = judge
        self._level = level
        self._key = key_of_seed(seed)

    @property
    def name(self) -> str:
        """The evaluator's name and the level."""
        return f"{self._judge.name} {self._level.name}"

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002 - errors have their own source
        """See `Player.choose`; a play that wins is never missed."""
        candidates, offsets = legal_candidates(boards, dice)
        values = candidate_equities(self._judge, candidates)
        scales = np.repeat(decision_scales(boards, values, offsets, self._level.scale), np.diff(offsets))
        return ragged.best(values + scales * judgement_errors(candidates, self._key), offsets)


def candidate_equities(judge: Evaluator, candidates: Boards) -> Float64s:
    """Equities float64[M] of candidates int8[M, 26] for the player who has just moved; a win is infinitely good.

    That keeps a win from losing to a position that is as good as won, whatever the errors.
    """
    values = equities(judge.outcomes(candidates)).astype(np.float64)
    values[has_won(candidates)] = np.inf
    return values


def decision_scales(boards: Boards, values: Float64s, offsets: Offsets, scale: float) -> Float64s:
    """How far the candidates of each decision are misjudged at a level's scale, float64[N], in points.

    Args:
        boards: int8[N, 26], the player on roll.
        values: float64[M], see `candidate_equities`.
        offsets: int64[N + 1].
        scale: the level's.
    """
    if not len(boards):
        return np.zeros(0)
    finite = np.minimum(values, 4.0)  # above every equity
    spread = np.maximum.reduceat(finite, offsets[:-1]) - np.minimum.reduceat(finite, offsets[:-1])
    share = np.where(phase_codes(boards) == RACE, RACE_SHARE, 1.0)
    return np.where(spread > NOTHING_AT_STAKE, share * scale, 0.0)


def judgement_errors(candidates: Boards, key: np.uint64) -> Float64s:
    """Gumbel numbers float64[M] of scale 1, each a function of `key` and its candidate only.

    The 26 counts, as four words, go through the finaliser of SplitMix64 one after the other (`stream` has its sources;
    here on whole arrays).
    """
    padded = np.zeros((len(candidates), 32), dtype=np.int8)
    padded[:, :26] = candidates
    state = np.full(len(candidates), key, dtype=np.uint64)
    for word in padded.view("<u8").T:
        state = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    fractions = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    errors: Float64s = -np.log(-np.log(fractions))
    return errors


def choice_chances(values: Float64s, offsets: Offsets, scales: Float64s) -> Float64s:
    """Chance float64[M] that each candidate is chosen, over all seeds of a player: a softmax within the decision.

    Args:
        values: float64[M], see `candidate_equities`.
        offsets: int64[N + 1].
        scales: float64[N], see `decision_scales`; 0 gives all to the choice without errors.

    >>> choice_chances(np.array([0.1, 0.1, 0.3]), np.array([0, 2, 3]), np.array([0.05, 0.05])).tolist()
    [0.5, 0.5, 1.0]
    """
    chances: Float64s = np.zeros(len(values))
    if not len(scales):
        return chances
    best = ragged.best(values, offsets) + offsets[:-1]
    counts = np.diff(offsets)
    is_open = np.repeat((scales > 0) & np.isfinite(values[best]), counts)
    top, scale = np.repeat(values[best], counts), np.repeat(scales, counts)
    chances[is_open] = np.exp((values[is_open] - top[is_open]) / scale[is_open])
    chances[best[~is_open[best]]] = 1.0
    chances /= np.repeat(np.add.reduceat(chances, offsets[:-1]), counts)
    return chances
