"""The canonical text of a play, letter by letter as GNU Backgammon writes it: `24/18*/13(2)`, `bar/20`, `6/off`.

Hops of one checker are merged and an intermediate point stays only where it hits; equal moves share a count; a star
stands at the first landing on a point; sources descend; bar and off are words. Compared with GNU Backgammon 1.07
on every play of tests/vectors/gnubg_moves.jsonl: no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from backgammon.notation.grammar import point_name
from backgammon.rules.decision import Play

MAX_LISTED = 12
"""Plays that a message lists before it says how many more there are."""


def format_play(play: Play) -> str:
    """The canonical text of a play; empty for a dance.

    >>> from backgammon.rules.decision import Move
    >>> format_play((Move(24, 18, True), Move(18, 13, False), Move(6, 5, False)))
    '24/18*/13 6/5'
    """
    hits = {move.target for move in play if move.is_hit}
    chains = Counter(_merge_moves(play, hits))
    texts = []
    for chain, count in chains.items():
        text = point_name(chain[0])
        for point in chain[1:]:
            text += f"/{point_name(point)}"
            if point in hits:
                text += "*"
                hits.discard(point)
        texts.append(text if count == 1 else f"{text}({count})")
    return " ".join(texts)


def _merge_moves(play: Play, hits: set[int]) -> list[tuple[int, ...]]:
    """The points that each checker is written with, sources descending."""
    left = sorted(((move.source, move.target) for move in play), reverse=True)
    chains = []
    while left:
        chain = list(left.pop(0))
        index = 0
        while index < len(left):
            if left[index][0] != chain[-1]:
                index += 1
                continue
            _, target = left.pop(index)
            if chain[-1] in hits:
                chain.append(target)
            else:
                chain[-1] = target
        chains.append(tuple(chain))
    return chains


def list_plays(plays: Iterable[Play]) -> str:
    """The distinct texts of plays with commas between them; the tail of a long list is only counted."""
    texts = list(dict.fromkeys(format_play(play) for play in plays))
    more = f" and {len(texts) - MAX_LISTED} more" if len(texts) > MAX_LISTED else ""
    return ", ".join(texts[:MAX_LISTED]) + more
