"""A match equity table from the share of gammons among wins: for other games, other players, and to check a table.

Axis legend: N points of the longest match, A points away of the player, B of the opponent.

Every game is even and its gammon shares are given; a score is worth the static value (`static`) of a centred cube,
whose outcomes are scores with fewer points to go. Behind the Crawford game the trailer doubles at once; a trailer who
needs an even number of points loses a little to the leader's right to drop for free. With the shares of the start and
the cube's usual efficiency the table is .0036 from Kazaross-XG2 up to 7 points on average, .0030 up to 11 (all
squares).
"""

from __future__ import annotations

import numpy as np

from backgammon.cube.efficiency import GNUBG
from backgammon.cube.met import MatchEquityTable
from backgammon.cube.static import Terms, dead_values, make_prospects, static_values
from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Float64s
from backgammon.tools.errors import ConfigError

GAMMON_SHARE, BACKGAMMON_SHARE = 0.272, 0.012
"""Gammons (backgammons included) and backgammons among the wins from the start."""

_FREE_DROPS = {2: 0.012, 4: 0.004}
_LATE_FREE_DROP = 0.002
"""What the leader's free drop costs a trailer that many points away, further away from 6 on."""


def compute_table(
    size: int,
    gammon_share: float = GAMMON_SHARE,
    backgammon_share: float = BACKGAMMON_SHARE,
    efficiency: float = GNUBG.contact,
) -> MatchEquityTable:
    """The table for matches to `size` points between equal players.

    Args:
        size: at least 1.
        gammon_share: gammons among wins, backgammons included.
        backgammon_share: backgammons among wins.
        efficiency: of the cube, 0 to 1.

    Raises:
        ConfigError: shares or efficiency that cannot be.
    """
    if not 0 <= backgammon_share <= gammon_share <= 1 or not 0 <= efficiency <= 1 or size < 1:
        raise ConfigError(
            f"size {size}, gammons {gammon_share:g}, backgammons {backgammon_share:g}, efficiency {efficiency:g}: give "
            "at least 1 point, and shares with 0 <= backgammons <= gammons <= 1 and 0 <= efficiency <= 1"
        )
    single = 1.0 - gammon_share
    side = np.array([single, gammon_share - backgammon_share, backgammon_share]) / 2
    outcomes = np.concatenate([side, side]).astype(np.float32)[None]
    behind = _behind_crawford(size, outcomes)
    before = _before_crawford(size, outcomes, efficiency, behind)
    name = f"gammons {gammon_share:g}, backgammons {backgammon_share:g}"
    return MatchEquityTable(name, "computed", before[1:, 1:], behind[1:])


def _behind_crawford(size: int, outcomes: Outcomes) -> Float64s:
    """The trailer's chances float64[size + 1] by points away behind the Crawford game; 0 away is a match won."""
    behind = np.ones(size + 1)
    for away in range(1, size + 1):
        chances = np.zeros((away + 1, 2))
        chances[0] = 1.0
        chances[1:away, 1] = behind[1:away]
        cube = 1 if away == 1 else 2
        drop = 0.0 if away % 2 else _FREE_DROPS.get(away, _LATE_FREE_DROP)
        behind[away] = dead_values(Terms(True, False, False, chances), outcomes, cube, 0)[0] - drop
    return behind


def _before_crawford(size: int, outcomes: Outcomes, efficiency: float, behind: Float64s) -> Float64s:
    """Chances float64[size + 1, size + 1] by points away before and at the Crawford game; row 0 is a match won."""
    before = np.zeros((size + 1, size + 1))
    before[0] = 1.0
    prospects = make_prospects(outcomes, np.array([efficiency]))
    for own in range(1, size + 1):
        before[own, own] = 0.5
        for theirs in range(own + 1, size + 1):
            if own == 1:
                chances = np.ones((2, theirs + 1))
                chances[1] = 1.0 - behind[: theirs + 1]
                value = dead_values(Terms(True, True, False, chances), outcomes, 1, 0)[0]
            else:
                chances = np.ascontiguousarray(before[: own + 1, : theirs + 1])
                value = static_values(Terms(True, False, False, chances), prospects, [(1, 0)])[0, 0]
            before[own, theirs] = value
            before[theirs, own] = 1.0 - value
    return before
