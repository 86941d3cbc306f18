"""The bear-off tables written straight from their definitions: dictionaries, recursion, exact fractions."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product

from tests.naive.movegen import legal_results

Side = tuple[int, ...]  # checkers on points 1..P
Distribution = dict[int, Fraction]
Cube = tuple[Fraction, Fraction, Fraction, Fraction]


def all_sides(points: int, checkers: int) -> list[Side]:
    """Every side with at most so many checkers, fewest first, then by checkers behind the 1-point, the 2-point, ..."""
    sides = [side for side in product(range(checkers + 1), repeat=points) if sum(side) <= checkers]
    return sorted(sides, key=lambda side: [sum(side[i:]) for i in range(points)])


@cache
def rolls(side: Side) -> list[tuple[Fraction, list[Side]]]:
    """(probability, results) of the 36 throws, equal throws joined."""
    points = (0, *side, *[0] * (25 - len(side)))
    found = []
    for high in range(1, 7):
        for low in range(1, high + 1):
            results = [after[1 : len(side) + 1] for after in legal_results(points, high, low)]
            found.append((Fraction(1 if high == low else 2, 36), results))
    return found


def mean(distribution: Distribution) -> Fraction:
    return sum((count * p for count, p in distribution.items()), Fraction(0))


@cache
def roll_distribution(side: Side, until: int) -> Distribution:
    """Rolls until at most `until` checkers are left, every play chosen for the least mean, the first of equals."""
    if sum(side) <= until:
        return {0: Fraction(1)}
    total: Distribution = {}
    for probability, results in rolls(side):
        best = min((roll_distribution(after, until) for after in results), key=mean)
        for count, p in best.items():
            total[count + 1] = total.get(count + 1, Fraction(0)) + probability * p
    return total


def may_double(no_double: Fraction, double_take: Fraction) -> Fraction:
    """The player doubles if that is better; the opponent takes if that is better than paying one unit."""
    answered = min(2 * double_take, Fraction(1))
    return max(no_double, answered)


@cache
def equities(own: Side, opponent: Side) -> Cube:
    """Cubeless, cube owned, cube centred, cube owned by the opponent: before the roll, no double now."""
    if not any(own):
        return (Fraction(1),) * 4
    if not any(opponent):
        return (Fraction(-1),) * 4
    totals = [Fraction(0)] * 4
    for probability, results in rolls(own):
        for state, best in enumerate(map(max, zip(*(after_play(opponent, after) for after in results), strict=True))):
            totals[state] += probability * best
    return totals[0], totals[1], totals[2], totals[3]


def after_play(on_roll: Side, other: Side) -> Cube:
    """What a position is worth to the player who has just moved, by the cube state of that player."""
    cubeless, owned, centred, not_mine = equities(on_roll, other)
    return -cubeless, -not_mine, -may_double(centred, not_mine), -may_double(owned, not_mine)


def winning_chance(own: Side, opponent: Side) -> Fraction:
    """Both sides playing on their own, the first of them on roll."""
    pairs = product(roll_distribution(own, 0).items(), roll_distribution(opponent, 0).items())
    return sum((p * q for (i, p), (j, q) in pairs if i <= j), Fraction(0))
