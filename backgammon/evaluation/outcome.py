"""How a game may end, as probabilities: the cardinal values that look-ahead, rollouts and analysis need.

Axis legend: M positions, N decisions, 6 outcomes.

Ordinal is not cardinal: a comparison score orders the candidates of ONE decision (`PlayRanker`); only outcome
probabilities (`OutcomeEvaluator`) may be averaged over dice, compared between decisions or printed as a chance.

The six outcomes exclude each other and sum to 1; GNU Backgammon's five numbers are cumulative instead (a gammon
includes the backgammon), `cumulative` and `from_cumulative` translate.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import NUM_CHECKERS
from backgammon.tools.arrays import Boards, Bools, Dice, Float32s, Int64s
from backgammon.tools.jit import kernel

Outcomes = Float32s
"""float32[..., 6]: probabilities in the order of `OUTCOMES`."""

OUTCOMES: tuple[str, ...] = ("win", "win_gammon", "win_backgammon", "lose", "lose_gammon", "lose_backgammon")
"""Six exclusive outcomes: the first of each three is the single game alone."""

POINTS: Float32s = np.array([1, 2, 3, -1, -2, -3], dtype=np.float32)
"""Points won with a centred cube at 1."""

_OTHER_SIDE = [3, 4, 5, 0, 1, 2]


class PlayRanker(Protocol):
    """Orders the candidates of one decision; its numbers mean nothing between decisions."""

    def scores(self, candidates: Boards) -> Float32s:
        """Scores float32[M] of one decision's candidates int8[M, 26], seen by the player who has just moved."""


class OutcomeEvaluator(Protocol):
    """Gives outcome probabilities of positions after a play."""

    @property
    def name(self) -> str:
        """What reports call the evaluator."""

    def outcomes(self, boards: Boards) -> Outcomes:
        """Outcomes of positions after a play.

        Args:
            boards: int8[M, 26], seen by the player who has just moved; games that are over are among them.

        Returns:
            float32[M, 6], for that player; rows sum to 1, impossible outcomes are exactly 0.
        """


class PlayingEvaluator(OutcomeEvaluator, Protocol):
    """An evaluator that also plays: the work-horse of look-ahead and rollouts."""

    def choose(self, boards: Boards, dice: Dice) -> Int64s:
        """Rows int64[N] of the preferred candidates, see `player.RowChooser`."""

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """The preferred candidate of each decision and its outcomes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.

        Returns:
            int8[N, 26] positions after the play and float32[N, 6] their outcomes, both seen by the player who has
            just moved.
        """


def equities(outcomes: Outcomes) -> Float32s:
    """Cubeless money equity, points from -3 to 3, float32[...], of outcomes float32[..., 6] for the same side.

    >>> float(equities(np.array([0.5, 0.25, 0, 0.25, 0, 0], dtype=np.float32)))
    0.75
    """
    # Not a matrix product: its order of additions depends on the size of the batch and the place in it.
    win, gammon, backgammon, lose, lose_gammon, lose_backgammon = np.moveaxis(outcomes, -1, 0)
    values: Float32s = (win - lose) + 2 * (gammon - lose_gammon) + 3 * (backgammon - lose_backgammon)
    return values


def swap_outcomes(outcomes: Outcomes) -> Outcomes:
    """The same outcomes as the other side sees them."""
    return outcomes[..., _OTHER_SIDE]


def cumulative(outcomes: Outcomes) -> Float32s:
    """GNU Backgammon's five numbers, float32[..., 5]: win, win gammon or more, win backgammon, lose likewise."""
    win, gammon, backgammon, _, lose_gammon, lose_backgammon = np.moveaxis(outcomes, -1, 0)
    return np.stack(
        [
            win + gammon + backgammon,
            gammon + backgammon,
            backgammon,
            lose_gammon + lose_backgammon,
            lose_backgammon,
        ],
        axis=-1,
    )


def from_cumulative(probabilities: npt.NDArray[np.floating]) -> Outcomes:
    """Six exclusive outcomes, float32[..., 6], from GNU Backgammon's five cumulative numbers [..., 5].

    Nets trained for each number apart may give a gammon less than its backgammon: such differences count as 0.
    """
    win, gammon, backgammon, lose_gammon, lose_backgammon = np.moveaxis(np.asarray(probabilities, np.float64), -1, 0)
    parts = [
        win - gammon,
        gammon - backgammon,
        backgammon,
        1 - win - lose_gammon,
        lose_gammon - lose_backgammon,
        lose_backgammon,
    ]
    exclusive = np.maximum(np.stack(parts, axis=-1), 0.0)
    outcomes: Outcomes = (exclusive / exclusive.sum(axis=-1, keepdims=True)).astype(np.float32)
    return outcomes


@kernel
def _fill_final(boards: Boards, is_over: Bools, outcomes: Outcomes) -> None:
    """`final_outcomes` of boards int8[M, 26] into bool[M] and float32[M, 6]."""
    for i in range(boards.shape[0]):
        outcomes[i] = 0.0
        own, theirs, in_home = 0, 0, 0
        for location in range(26):
            count = int(boards[i, location])
            own += max(count, 0)
            theirs -= min(count, 0)
            if location < 7:
                in_home -= min(count, 0)
        is_over[i] = own == 0
        if own == 0:
            column = 0
            if theirs == NUM_CHECKERS:
                column = 2 if in_home > 0 else 1
            outcomes[i, column] = 1.0


def final_outcomes(boards: Boards) -> tuple[Bools, Outcomes]:
    """Which games are over because the player who has just moved has no checker left, and their certain outcomes.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.

    Returns:
        bool[M]; float32[M, 6], all zero where the game goes on.
    """
    is_over = np.empty(len(boards), dtype=np.bool_)
    outcomes = np.empty((len(boards), len(OUTCOMES)), dtype=np.float32)
    _fill_final(np.require(boards, np.int8, ["C", "W"]), is_over, outcomes)
    return is_over, outcomes


def possible_outcomes(boards: Boards) -> Bools:
    """Which outcomes the rules still allow, bool[M, 6], for the player who has just moved.

    A side that has borne off a checker cannot lose a gammon. Without contact, a side with no checker on the bar or in
    the winner's home board cannot lose a backgammon: checkers do not move back.

    Args:
        boards: int8[M, 26], seen by the player who has just moved, games not over.
    """
    own = np.maximum(boards, 0)
    theirs = -np.minimum(boards, 0)
    points = np.arange(26)
    own_back = (points * (own > 0)).max(axis=1)
    opponent_front = np.where(theirs > 0, points, 26).min(axis=1)  # their checker that has furthest to go
    is_race = own_back < opponent_front
    possible = np.ones((len(boards), len(OUTCOMES)), dtype=np.bool_)
    has_all = theirs.sum(axis=1, dtype=np.int64) == NUM_CHECKERS
    possible[:, 1] = has_all
    possible[:, 2] = has_all & ~(is_race & ~(theirs[:, :7] > 0).any(axis=1))
    own_has_all = own.sum(axis=1, dtype=np.int64) == NUM_CHECKERS
    possible[:, 4] = own_has_all
    possible[:, 5] = own_has_all & ~(is_race & ~(own[:, 19:] > 0).any(axis=1))
    return possible
