"""The right to double now: from values of rolling on to values of being to move.

Axis legend: M positions, K states of the cube that are asked for, E of them and of what doubling makes of them, N
decisions.

A value "to move" holds the choice between rolling on and doubling, the opponent answering best; the value of rolling on
does not. Everything is from the side of the player to move; units as in `static`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.cube.stakes import OPPONENT, OWN
from backgammon.cube.static import Prospects, Terms, cube_value, dead_value, fill_values
from backgammon.tools.arrays import Float64s, Int64s
from backgammon.tools.intrinsics import borrow
from backgammon.tools.jit import kernel


class CubeStates(NamedTuple):
    """States of the cube that a player may be asked for, with what each becomes when it doubles.

    Attributes:
        terms: the stakes from the side of the player to move.
        cubes: int64[E]; the first K are asked for, the others only reached by doubling.
        owners: int64[E].
        doubled: int64[K], which of the E each becomes by double and take; -1 where no double is allowed.
        cashed: float64[K], value of double and pass.
        factor: value of a doubled cube's unit: 2 in money play, 1 in a match.
    """

    terms: Terms
    cubes: Int64s
    owners: Int64s
    doubled: Int64s
    cashed: Float64s
    factor: float


@kernel
def best_of_cube(no_double: float, double_take: float, double_pass: float) -> float:
    """Value of a player who may double: double if neither answer leaves less, and get what the better answer leaves."""
    if double_take >= no_double and double_pass >= no_double:
        return min(double_take, double_pass)
    return no_double


@kernel
def fill_to_move(values: Float64s, doubled: Int64s, cashed: Float64s, factor: float, out: Float64s) -> None:
    """Values to move float64[M, K] from those of rolling on, float64[M, E]; the rest see `CubeStates`."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = values[i, k]
            if doubled[k] >= 0:
                out[i, k] = best_of_cube(values[i, k], factor * values[i, doubled[k]], cashed[k])


@kernel
def choose_replies(
    terms: Terms, prospects: Prospects, offsets: Int64s, cube: int, owner: int, may_double: bool, cashed: float,
    factor: float, rows: Int64s,
) -> None:  # fmt: skip
    """The reply that leaves the player to move next the least, of equals the one with the least cubeless value.

    Equals are common: every reply that lets the next player cash leaves it the same. GNU Backgammon counts gammons then
    even under the Jacoby rule; without that rolling on has the same value, double and take another by up to .006.

    Args:
        terms: of the player to move after the reply.
        prospects: of the positions after M replies, from that player's side.
        offsets: int64[N + 1], where the replies of each decision begin.
        cube: state of the cube when that player moves.
        owner: from its side.
        may_double: whether it may double then.
        cashed: what it gets by double and pass.
        factor: see `CubeStates`.
        rows: int64[N], receives rows of the M.
    """
    terms, prospects = borrow(terms), borrow(prospects)
    for i in range(rows.shape[0]):
        rows[i] = offsets[i]
        if offsets[i + 1] - offsets[i] == 1:
            continue
        least = np.inf
        least_dead = np.inf
        for row in range(offsets[i], offsets[i + 1]):
            value = cube_value(terms, prospects, row, cube, owner)
            if may_double:
                taken = factor * cube_value(terms, prospects, row, 2 * cube, OPPONENT)
                value = best_of_cube(value, taken, cashed)
            if value > least:
                continue
            dead = dead_value(terms, prospects.outcomes[row], cube, OWN)  # gammons count, Jacoby rule or not
            if value < least or dead < least_dead:
                least, least_dead = value, dead
                rows[i] = row


def values_before_roll(states: CubeStates, prospects: Prospects) -> Float64s:
    """Static values of rolling on, float64[M, E]."""
    out = np.empty((len(prospects.outcomes), len(states.cubes)))
    fill_values(states.terms, prospects, states.cubes, states.owners, out)
    return out


def values_to_move(states: CubeStates, values: Float64s) -> Float64s:
    """Values to move float64[M, K] from those of rolling on, float64[M, E]."""
    out = np.empty((len(values), len(states.doubled)))
    fill_to_move(np.ascontiguousarray(values), states.doubled, states.cashed, states.factor, out)
    return out
