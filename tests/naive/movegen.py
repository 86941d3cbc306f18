"""The rules of a roll written straight from the rule book: slow, obvious, and in the canonical order."""

from __future__ import annotations

from collections.abc import Iterator

Points = tuple[int, ...]


def single_moves(points: Points, die: int) -> Iterator[Points]:
    """Every result of playing one die with one checker, sources from the bar down."""
    sources = [25] if points[25] > 0 else [s for s in range(24, 0, -1) if points[s] > 0]
    all_home = not any(points[s] > 0 for s in range(7, 26))
    for source in sources:
        target = source - die
        after = list(points)
        after[source] -= 1
        if target >= 1:
            if points[target] <= -2:
                continue  # a made point blocks
            if points[target] == -1:
                after[target] = 0
                after[0] -= 1  # hit: the opponent's checker goes to its bar
            after[target] += 1
        else:
            if not all_home:
                continue
            higher = any(points[s] > 0 for s in range(source + 1, 7))
            if target < 0 and higher:
                continue  # a larger die bears off only from the highest point
        yield tuple(after)


def sequences(points: Points, dice: tuple[int, ...]) -> Iterator[tuple[int, Points]]:
    """(dice used, result) of every way to play the dice in this order, each as far as it goes."""
    stuck = True
    if dice:
        for after in single_moves(points, dice[0]):
            stuck = False
            for used, final in sequences(after, dice[1:]):
                yield used + 1, final
    if stuck:
        yield 0, points


def legal_results(points: Points, die1: int, die2: int) -> list[Points]:
    """Distinct legal results in canonical order; a dance gives the unchanged position."""
    high, low = max(die1, die2), min(die1, die2)
    orders = [(high,) * 4] if high == low else [(high, low), (low, high)]
    found = [(used, final, order[0]) for order in orders for used, final in sequences(points, order)]
    most = max(used for used, _, _ in found)
    chosen = [(final, first) for used, final, first in found if used == most]
    if most == 1 and high != low and any(first == high for _, first in chosen):
        chosen = [(final, first) for final, first in chosen if first == high]  # only one die: the larger one
    return list(dict.fromkeys(final for final, _ in chosen))
