"""Named features of a play counted one checker at a time, and shots by trying every roll with the slow rules."""

from __future__ import annotations

from itertools import product

from tests.naive.movegen import Points, legal_results

ZONES = {
    "deep home": range(1, 4),
    "upper home": range(4, 7),
    "outer": range(7, 13),
    "mid": range(13, 19),
    "back": range(19, 25),
}


def shots_against(after: Points) -> int:
    """Rolls of 36 with which the opponent can hit."""
    seen = tuple(-count for count in reversed(after))
    return sum(
        any(result[0] < seen[0] for result in legal_results(seen, one, other))
        for one, other in product(range(1, 7), repeat=2)
    )


def named_features(before: Points, after: Points) -> dict[str, float]:
    """The features that are easily told from two positions, both seen by the mover."""
    found: dict[str, float] = {}
    for zone, points in ZONES.items():
        found[f"blots {zone}"] = sum(after[point] == 1 for point in points)
    for point in range(1, 25):
        found[f"point {point}"] = float(after[point] >= 2)
    longest = max(
        (
            length
            for start in range(2, 13)
            for length in range(1, 14 - start)
            if all(after[point] >= 2 for point in range(start, start + length))
        ),
        default=0,
    )
    found["prime"] = longest
    found["hits"] = before[0] - after[0]
    found["on the bar"] = -after[0]
    found["borne off"] = sum(max(count, 0) for count in before) - sum(max(count, 0) for count in after)
    found["back checkers"] = sum(max(after[point], 0) for point in ZONES["back"])
    found["stacked"] = sum(max(after[point] - 3, 0) for point in range(1, 25))
    found["sources"] = sum(max(was, 0) > max(now, 0) for was, now in zip(before, after, strict=True))
    found["points broken"] = sum(was >= 2 > now for was, now in zip(before, after, strict=True))
    found["points made"] = sum(was < 2 <= now for was, now in zip(before, after, strict=True))
    found["their blots"] = sum(after[point] == -1 for point in range(1, 25))
    found["shots"] = shots_against(after) / 36
    return found
