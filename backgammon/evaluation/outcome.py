"""How a game may end, as probabilities: the cardinal values that look-ahead, rollouts and analysis need.

Axis legend: M positions, N decisions, 6 outcomes.

Ordinal is not cardinal: a comparison score orders the candidates of ONE decision (`Judgement.scores`); only outcome
probabilities may be averaged over dice, compared between decisions or printed as a chance.

The six outcomes exclude each other and sum to 1; GNU Backgammon's five numbers are cumulative instead (a gammon
includes the backgammon), `cumulative` and `from_cumulative` translate.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backgammon.rules.ending import points_of_winner
from backgammon.tools.arrays import Boards, Bools, Float32s
from backgammon.tools.jit import kernel

Outcomes = Float32s
"""float32[..., 6]: probabilities in the order of `OUTCOMES`."""

OUTCOMES: tuple[str, ...] = ("win", "win_gammon", "win_backgammon", "lose", "lose_gammon", "lose_backgammon")
"""Six exclusive outcomes: the first of each three is the single game alone."""

POINTS: Float32s = np.array([1, 2, 3, -1, -2, -3], dtype=np.float32)
"""Points won with a centred cube at 1."""

_OTHER_SIDE = [3, 4, 5, 0, 1, 2]


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
    """`final_outcomes` of flat boards int8[M * 26] into bool[M] and float32[M, 6]."""
    for i in range(is_over.shape[0]):
        outcomes[i] = 0.0
        points = points_of_winner(boards, i * 26)
        is_over[i] = points > 0
        if points:
            outcomes[i, points - 1] = 1.0


def final_outcomes(boards: Boards) -> tuple[Bools, Outcomes]:
    """Which games are over because the player who has just moved has no checker left, and their certain outcomes.

    Args:
        boards: int8[M, 26], seen by the player who has just moved.

    Returns:
        bool[M]; float32[M, 6], all zero where the game goes on.
    """
    is_over = np.empty(len(boards), dtype=np.bool_)
    outcomes = np.empty((len(boards), len(OUTCOMES)), dtype=np.float32)
    _fill_final(np.require(boards, np.int8, ["C"]).reshape(-1), is_over, outcomes)
    return is_over, outcomes
