"""The two tables, computed from nothing but the rules.

Axes: N positions of one side, L rolls (a count), C cube states. All arithmetic is float64; the files keep float32.

One-sided. Each side is taken to bear off in the least expected number of rolls, whatever the other side does. Going up
the indices, every successor is already known: for each roll the successor with the least expected number is taken (of
equal ones the first in canonical order), and the distribution is the average of the successors' shifted by one roll.
For the gammon the same is done with "rolls until the first checker is off", which has a policy of its own: a player
who is about to lose plays to save the gammon. GNU Backgammon's one-sided table has the same two objectives.

Two-sided. Perfect play of both sides: the equity of (own, opponent) is the average over the rolls of the best
successor for the mover, each valued as minus the opponent's equity on roll. Index sums fall with every play, so the
table is filled by diagonals. Four values are kept, money play, per unit of the present cube, BEFORE the roll and after
a decision not to double:

    0 cubeless, 1 the player on roll owns the cube, 2 the cube is centred, 3 the opponent owns it

No gammon can occur (fewer than 15 checkers left each side), so neither Jacoby rule nor gammon count matters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backgammon.evaluation.bearoff.index import num_positions
from backgammon.evaluation.bearoff.successors import NUM_ROLLS, ROLL_WEIGHTS, list_successors
from backgammon.tools.arrays import Float64s, Int32s, Int64s, Offsets
from backgammon.tools.jit import kernel

CUBELESS, OWNED, CENTRED, OPPONENT_OWNS = range(4)
"""Last axis of the two-sided table."""

Progress = Callable[[str, int, int], None]
"""Called with the name of the table, the positions done and all positions; it may raise to stop the work."""

_CHUNK = 1024
_TIE = 1e-10  # rolls; expectations closer than this count as equal, for float64 separates equal ones by about 1e-14


def num_roll_slots(points: int) -> int:
    """L of a one-sided table: 0..L-1 rolls. For six points 32, and the last stays empty; any excess is kept in it."""
    return 8 + 4 * points


@kernel
def _average_best(
    start: int,
    offsets: Offsets,
    targets: Int32s,
    weights: Int64s,
    means: Float64s,
    rolls: Float64s,
    out: Float64s,
) -> None:
    """Write into out[L] the distribution of a position whose rolls begin at row `start` of `offsets`."""
    last = out.shape[0] - 1
    out[:] = 0.0
    for roll in range(NUM_ROLLS):
        best = targets[offsets[start + roll]]
        for i in range(offsets[start + roll] + 1, offsets[start + roll + 1]):
            if means[targets[i]] < means[best] - _TIE:
                best = targets[i]
        for count in range(last):
            out[count + 1] += weights[roll] * rolls[best, count]
        out[last] += weights[roll] * rolls[best, last]  # nothing is lost off the end, so that sums stay 1
    for count in range(last + 1):
        out[count] /= 36.0


@kernel
def _mean(distribution: Float64s) -> float:
    total = 0.0
    for count in range(distribution.shape[0]):
        total += count * distribution[count]
    return total


@kernel
def _fill_one_sided(
    first: int,
    last: int,
    num_below: int,
    offsets: Offsets,
    targets: Int32s,
    weights: Int64s,
    off_means: Float64s,
    off_rolls: Float64s,
    first_means: Float64s,
    first_rolls: Float64s,
) -> None:
    """Positions first..last-1 of both distributions; positions below `num_below` have borne off a checker already."""
    for index in range(first, last):
        start = NUM_ROLLS * (index - first)
        _average_best(start, offsets, targets, weights, off_means, off_rolls, off_rolls[index])
        off_means[index] = _mean(off_rolls[index])
        if index >= num_below:
            _average_best(start, offsets, targets, weights, first_means, first_rolls, first_rolls[index])
            first_means[index] = _mean(first_rolls[index])


def compute_one_sided(points: int, checkers: int, progress: Progress | None = None) -> tuple[Float64s, Float64s]:
    """Distributions of the number of rolls until all checkers, and until the first checker, are off.

    Args:
        points: 1..10.
        checkers: 1..15; a game has 15, fewer is for tests.
        progress: see `Progress`.

    Returns:
        off: float64[N, L], by index; probability that the last checker goes off with exactly that roll.
        first_off: float64[N', L], the same for the first checker, for the positions that still have all `checkers`
            (their indices are the last N' ones).
    """
    size = num_positions(points, checkers)
    num_below = num_positions(points, checkers - 1)
    off_rolls = np.zeros((size, num_roll_slots(points)))
    first_rolls = np.zeros_like(off_rolls)
    off_rolls[0, 0] = 1.0
    first_rolls[:num_below, 0] = 1.0
    off_means, first_means = np.zeros(size), np.zeros(size)
    for first in range(1, size, _CHUNK):
        last = min(first + _CHUNK, size)
        offsets, targets = list_successors(first, last, points, checkers)
        _fill_one_sided(
            first, last, num_below, offsets, targets, ROLL_WEIGHTS, off_means, off_rolls, first_means, first_rolls
        )
        if progress is not None:
            progress("one-sided", last, size)
    return off_rolls, first_rolls[num_below:]


@kernel
def cube_equity(no_double: float, double_take: float) -> float:
    """Equity of a player who may double, both sides deciding at best; everything per unit of the cube before.

    Args:
        no_double: equity when the player rolls without doubling.
        double_take: equity per unit of the DOUBLED cube when the opponent owns it.
    """
    return max(no_double, min(2.0 * double_take, 1.0))


@kernel
def _fill_two_sided(
    first: int,
    last: int,
    offsets: Offsets,
    targets: Int32s,
    weights: Int64s,
    equities: Float64s,
) -> None:
    """Diagonals first..last-1 (own index + opponent's index) of equities: float64[N, N, C]."""
    size = equities.shape[0]
    for total in range(first, last):
        for own in range(max(1, total - size + 1), min(total - 1, size - 1) + 1):
            opponent = total - own
            start = NUM_ROLLS * (own - 1)
            sum0 = sum1 = sum2 = sum3 = 0.0
            for roll in range(NUM_ROLLS):
                least0 = least1 = least2 = least3 = 2.0
                for i in range(offsets[start + roll], offsets[start + roll + 1]):
                    reply = equities[opponent, targets[i]]
                    least0 = min(least0, reply[0])
                    least1 = min(least1, reply[3])
                    least2 = min(least2, cube_equity(reply[2], reply[3]))
                    least3 = min(least3, cube_equity(reply[1], reply[3]))
                sum0 -= weights[roll] * least0
                sum1 -= weights[roll] * least1
                sum2 -= weights[roll] * least2
                sum3 -= weights[roll] * least3
            equities[own, opponent, 0] = sum0 / 36.0
            equities[own, opponent, 1] = sum1 / 36.0
            equities[own, opponent, 2] = sum2 / 36.0
            equities[own, opponent, 3] = sum3 / 36.0


def compute_two_sided(points: int, checkers: int, progress: Progress | None = None) -> Float64s:
    """Exact equities float64[N, N, 4] of (own index, opponent's index), player on roll; see the module's text.

    Args:
        points: 1..10.
        checkers: 1..14.
        progress: see `Progress`.
    """
    size = num_positions(points, checkers)
    equities = np.empty((size, size, 4))
    equities[:, 0] = -1.0
    equities[0] = 1.0
    offsets, targets = list_successors(1, size, points, checkers)
    num_diagonals = 2 * size - 1
    step = max(1, num_diagonals // 50)
    for first in range(2, num_diagonals, step):
        last = min(first + step, num_diagonals)
        _fill_two_sided(first, last, offsets, targets, ROLL_WEIGHTS, equities)
        if progress is not None:
            progress("two-sided", size**2 * last // num_diagonals, size**2)
    return equities
