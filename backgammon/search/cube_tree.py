"""States of the cube along a look-ahead: which are carried down together, level by level.

At the root stand the states that are asked for. Whoever may double adds, at each level, the state that the double
makes; only reachable states multiply: two plies below a centred cube end in a centred 1, a 2 owned by either, 4 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from backgammon.cube.met import MatchEquityTable
from backgammon.cube.option import CubeStates
from backgammon.cube.stakes import CENTRED, OPPONENT, OWN, Stakes
from backgammon.cube.static import Terms, chance_after, make_terms
from backgammon.cube.valuation import Valuation
from backgammon.rules.game import MAX_CUBE

_KEPT = 256
"""Searches whose states are kept."""

State = tuple[int, int]
"""Value of the cube and its owner, from the side of the player to move."""


def state_levels(valuation: Valuation, asked: Sequence[State], plies: int, has_option: bool) -> list[CubeStates]:
    """The states of each level, root first.

    Args:
        valuation: of the player to move at the root.
        asked: states there, from its side.
        plies: levels below the root.
        has_option: that player may double at the root too (False for the two sides of a cube decision).

    Returns:
        `plies` + 1 levels; the states asked for at one are all those of the level above, seen from the other side.
    """
    return list(_levels(valuation.stakes, valuation.table, tuple(asked), plies, has_option))


@lru_cache(maxsize=_KEPT)
def _levels(
    stakes: Stakes, table: MatchEquityTable, asked: tuple[State, ...], plies: int, has_option: bool
) -> tuple[CubeStates, ...]:
    """See `state_levels`; a hundred small steps, the same for every decision of a game at one score and cube."""
    terms = make_terms(stakes, table), make_terms(stakes.swapped(), table)
    levels: list[CubeStates] = []
    for depth in range(plies + 1):
        levels.append(_with_doubles(terms[depth % 2], asked, has_option or depth > 0))
        asked = tuple((int(c), -int(o)) for c, o in zip(levels[-1].cubes, levels[-1].owners, strict=True))
    return tuple(levels)


def may_double_at(terms: Terms, cube: int, owner: int) -> bool:
    """`Stakes.may_double` for a state that a look-ahead reaches."""
    if terms.is_crawford or owner not in (CENTRED, OWN) or cube >= MAX_CUBE:
        return False
    return not terms.is_match or terms.chances.shape[0] - 1 > cube


def _with_doubles(terms: Terms, asked: Sequence[State], has_option: bool) -> CubeStates:
    states = list(asked)
    doubled, cashed = [], []
    for cube, owner in asked:
        cashed.append(chance_after(terms.chances, cube, 0) if terms.is_match else 1.0)
        if not (has_option and may_double_at(terms, cube, owner)):
            doubled.append(-1)
            continue
        twin = (2 * cube, OPPONENT)
        if twin not in states:
            states.append(twin)
        doubled.append(states.index(twin))
    cubes, owners = np.array(states, dtype=np.int64).T.copy()
    factor = 1.0 if terms.is_match else 2.0
    return CubeStates(terms, cubes, owners, np.array(doubled, dtype=np.int64), np.array(cashed), factor)
