"""Named features of a play: what people say of it, and what styles differ in.

M candidates with the position that each came from; S features. Candidates are seen by the player who has just moved,
the positions before the play by the same player. Zones are named from that player's side: home 1-6, outer 7-12, mid
13-18, back 19-24.

They are for models of people (`learner.coach`), not for the net that plays: a feature may be slow, must have a name
that a player understands, and is a number, not a judgement.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backgammon.rules.shots import shots_against
from backgammon.tools.arrays import Boards, Float32s

_ZONES = {"deep home": (1, 3), "upper home": (4, 6), "outer": (7, 12), "mid": (13, 18), "back": (19, 24)}


def _names() -> Iterator[str]:
    yield from (f"blots {zone}" for zone in _ZONES)
    yield from (f"point {point}" for point in range(1, 25))
    yield from ("prime", "prime of 4", "prime of 5", "block before the last", "home points", "on the bar")
    yield from ("hits", "hits by home points", "double hit", "hit at home", "hit outside", "hit loose at home")
    yield from ("stacked", "stacked over 5", "builders 7-11", "spares 6-8", "dead checkers", "home gaps", "borne off")
    yield from ("back checkers", "one back checker", "no back checker", "checkers mid")
    yield from ("sources", "targets", "one checker", "crossovers", "points broken", "points made")
    yield from ("shots", "no shot", "shots by their home points", "their blots")


STYLE_FEATURES: tuple[str, ...] = tuple(_names())
"""Names in the order of the columns; "shots" are of 36 rolls, as a share."""


def style_features(before: Boards, candidates: Boards) -> Float32s:
    """The features of plays.

    Args:
        before: int8[M, 26], the position that each candidate came from, seen by the mover.
        candidates: int8[M, 26], seen by the same player.

    Returns:
        float32[M, S], in the order of `STYLE_FEATURES`.
    """
    own, theirs = np.maximum(candidates, 0), np.maximum(-candidates, 0)
    columns = [
        *_structure(own, theirs),
        *_hits(before, own, theirs),
        *_distribution(before, own),
        *_movement(before, own),
        *_exposure(candidates, theirs),
    ]
    return np.stack([column.astype(np.float32) for column in columns], axis=1)


def _structure(own: Boards, theirs: Boards) -> Iterator[np.ndarray]:
    """Blots by zone, points made, primes, and what stands before the opponent's last checker."""
    is_blot, is_point = own == 1, own >= 2
    for first, last in _ZONES.values():
        yield is_blot[:, first : last + 1].sum(axis=1)
    for point in range(1, 25):
        yield is_point[:, point]
    prime = np.zeros(len(own), dtype=np.int64)
    run = np.zeros(len(own), dtype=np.int64)
    for point in range(2, 13):
        run = np.where(is_point[:, point], run + 1, 0)
        prime = np.maximum(prime, run)
    yield prime
    yield prime >= 4
    yield prime >= 5
    last_theirs = np.argmax(theirs > 0, axis=1)
    ahead = last_theirs[:, None] + np.arange(1, 7)
    blocks = is_point[np.arange(len(own))[:, None], np.minimum(ahead, 25)] & (ahead <= 24)
    yield np.where((theirs > 0).any(axis=1), blocks.sum(axis=1), 0)
    yield is_point[:, 1:7].sum(axis=1)
    yield theirs[:, 0]


def _hits(before: Boards, own: Boards, theirs: Boards) -> Iterator[np.ndarray]:
    """Checkers hit, where, and whether the hitter stands alone at home."""
    hits = theirs[:, 0] + np.minimum(before[:, 0], 0)
    is_gone = np.maximum(-before, 0) > theirs
    yield hits
    yield hits * (own[:, 1:7] >= 2).sum(axis=1)
    yield hits >= 2
    yield is_gone[:, 1:7].sum(axis=1)
    yield is_gone[:, 7:19].sum(axis=1)
    yield (is_gone[:, 1:7] & (own[:, 1:7] == 1)).sum(axis=1)


def _distribution(before: Boards, own: Boards) -> Iterator[np.ndarray]:
    """How the checkers are spread: stacks, builders, spares, dead ones, gaps, back checkers."""
    points = own[:, 1:25]
    yield np.maximum(points - 3, 0).sum(axis=1)
    yield np.maximum(points - 5, 0).sum(axis=1)
    yield np.minimum(own[:, 7:12], 3).sum(axis=1)
    yield np.maximum(own[:, 6:9] - 2, 0).sum(axis=1)
    yield own[:, 1:3].sum(axis=1)
    highest = np.where(own[:, 1:7] > 0, np.arange(1, 7), 0).max(axis=1)
    yield ((own[:, 1:7] == 0) & (np.arange(1, 7) < highest[:, None])).sum(axis=1)
    yield np.maximum(before, 0).sum(axis=1) - own.sum(axis=1)
    back = own[:, 19:25].sum(axis=1)
    yield back
    yield back == 1
    yield back == 0
    yield own[:, 13:19].sum(axis=1)


def _movement(before: Boards, own: Boards) -> Iterator[np.ndarray]:
    """What was moved: from how many places, across how many quarters, points broken and made."""
    was = np.maximum(before, 0)
    left = was - own
    yield (left > 0).sum(axis=1)
    yield (left < 0).sum(axis=1)
    yield np.maximum(left, 0).sum(axis=1) == 1
    quarter = np.array([0, *[0] * 6, *[1] * 6, *[2] * 6, *[3] * 6, 4])
    yield left.astype(np.int64) @ quarter
    yield ((was >= 2) & (own < 2)).sum(axis=1)
    yield ((was < 2) & (own >= 2)).sum(axis=1)


def _exposure(candidates: Boards, theirs: Boards) -> Iterator[np.ndarray]:
    """Shots that the opponent has, and blots of his."""
    shots = shots_against(candidates) / 36
    yield shots
    yield shots == 0
    yield shots * (theirs[:, 19:25] >= 2).sum(axis=1)
    yield (theirs[:, 1:25] == 1).sum(axis=1)
