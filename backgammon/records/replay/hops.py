"""Plays given as single moves, made on a board literally: the form in which .sgf and .xg files hold them.

A hop is (from, to) in the mover's own numbers: 25 the bar, 0 off.
"""

from __future__ import annotations

from collections.abc import Iterable

from backgammon.rules.decision import move_in_place

Hop = tuple[int, int]


def make_hops(board: list[int], hops: Iterable[Hop]) -> list[bool] | None:
    """Make hops in place, in the order given, hitting what stands alone where one lands.

    Args:
        board: 26 counts seen by the mover.
        hops: as above.

    Returns:
        Whether each hop hit; None when one has no checker to move or lands on a held point (the board is then spoilt).
    """
    hits: list[bool] = []
    for source, target in hops:
        if not (0 <= target <= 25 and 0 < source <= 25) or board[source] < 1 or (target and board[target] < -1):
            return None
        hits.append(move_in_place(board, source, target))
    return hits


def swap_list(board: list[int]) -> list[int]:
    """The same 26 counts seen by the other player."""
    return [-count for count in reversed(board)]


def spells_dice(hops: Iterable[Hop], dice: tuple[int, int]) -> bool:
    """True when every hop is one move by one of the dice, so that nothing can be hit in passing."""
    left = list(dice) if dice[0] != dice[1] else [dice[0]] * 4
    for source, target in hops:
        pips = source - target
        if pips in left:
            left.remove(pips)
        elif target == 0 and any(die >= pips for die in left):
            left.remove(max(left))
        else:
            return False
    return True


def format_hops(hops: Iterable[Hop], hits: Iterable[bool]) -> str:
    """The text of a play, one move after the other: `bar/20 24/18* 6/off`."""
    return " ".join(
        f"{'bar' if source == 25 else source}/{target or 'off'}{'*' if is_hit else ''}"
        for (source, target), is_hit in zip(hops, hits, strict=True)
    )
