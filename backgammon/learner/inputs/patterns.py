"""Patterns: what stands in the way of each checker, and what aims at each blot, as further inputs of the first layer.

M positions after a play, seen by the player who has just moved; P = 6,656 patterns.

Counts by location (`features`) leave it to the hidden layers to find out how checkers stand to each other; these inputs
say it. Four families, each with a row for every location p and every mask of the six points before it:

    0  our checkers on p, and the opponent's points (two checkers or more) on p - 6 .. p - 1, which block them
    1  the opponent's checkers on p, and our points on p + 1 .. p + 6, which block those
    2  our blot on p, and the opponent's checkers on p - 6 .. p - 1, bar included, which hit it with one die
    3  the opponent's blot on p, and our checkers on p + 1 .. p + 6, bar included, which hit that

A position has about 18 of them. Pattern (family, p, mask) is row (26 family + p) 64 + mask; the lowest bit of a mask is
the location furthest from home for whoever moves there: p - 6, or p + 1. A play changes eight rows on average, so they
go along with the walk of the move generator like the counts do.
"""

from __future__ import annotations

import numpy as np

from backgammon.tools.arrays import Boards, Int32s, Int64s
from backgammon.tools.intrinsics import highest_bit, locations_above
from backgammon.tools.jit import kernel

Numbers = Int32s | Int64s

WINDOW = 6
"""Locations that a pattern looks at: as far as one die reaches."""
NUM_MASKS = 1 << WINDOW
NUM_PATTERNS = 4 * 26 * NUM_MASKS
MAX_PATTERNS = 64
"""More than a position has: a side has at most 15 occupied locations and 15 blots."""

POINT_BITS = ((1 << 24) - 1) << 1
"""Bits of the points 1..24, without the bars."""
_LOCATIONS = (1 << 26) - 1
_HALF = 32
"""Bits for each of the two families that share a word."""


@kernel
def pattern_masks(boards: Boards, at: int) -> tuple[int, int, int, int, int, int]:
    """Where checkers stand on the board int8[26] that begins at `at`.

    Returns:
        Bit masks of locations: ours, our points, our blots, theirs, their points, their blots. A checker on the bar is
        neither point nor blot.
    """
    ours = locations_above(boards, at, 0)
    our_points = locations_above(boards, at, 1) & POINT_BITS
    theirs = ~locations_above(boards, at, -1) & _LOCATIONS
    their_points = ~locations_above(boards, at, -2) & POINT_BITS
    our_blots = ours & POINT_BITS & ~our_points
    return ours, our_points, our_blots, theirs, their_points, theirs & POINT_BITS & ~their_points


@kernel
def pattern_words(boards: Boards, at: int) -> tuple[int, int, int, int]:
    """The patterns of the board int8[26] that begins at `at`, two families in a word.

    Returns:
        (places, seen) of families 0 and 1, then those of families 2 and 3. Bit 32 (family % 2) + location of places is
        set where the family has a pattern there; from the same bit on, the six bits of `seen` are its mask.
    """
    ours, our_points, _, theirs, their_points, _ = pattern_masks(boards, at)
    return words_of_masks(ours, our_points, theirs, their_points)


@kernel
def words_of_masks(ours: int, our_points: int, theirs: int, their_points: int) -> tuple[int, int, int, int]:
    """`pattern_words` from masks of locations, see `pattern_masks`."""
    return (
        ours | theirs << _HALF,
        their_points << WINDOW | our_points >> 1 << _HALF,
        (ours & ~our_points | (theirs & ~their_points) << _HALF) & (POINT_BITS | POINT_BITS << _HALF),
        theirs << WINDOW | ours >> 1 << _HALF,
    )


@kernel
def changed_places(old_places: int, old_seen: int, new_places: int, new_seen: int) -> int:
    """The places whose pattern is not the same in both words of `pattern_words`, or only in one of them."""
    moved = old_seen ^ new_seen
    moved |= moved >> 1
    moved |= moved >> 2
    moved |= moved >> 2  # a mask of six bits from its place on: each changed bit spread over six places
    return (old_places ^ new_places) | (old_places & new_places & moved)


@kernel
def put_patterns(places: int, seen: int, pair: int, out: Numbers, number: int, stride: int = 1, first: int = 0) -> int:
    """Append the patterns of some places to a list, ascending.

    Args:
        places: of a word of `pattern_words`, or some of them.
        seen: the word beside it.
        pair: 0 for families 0 and 1, 1 for families 2 and 3.
        out: receives first + row * stride for each, from out[number] on.
        number: how many are there already.
        stride: see `out`.
        first: see `out`.

    Returns:
        How many are there now.
    """
    while places:
        bit = highest_bit(places & -places)
        places &= places - 1
        place = 52 * pair + 26 * (bit >> 5) + (bit & (_HALF - 1))
        out[number] = first + (place * NUM_MASKS + (seen >> bit & (NUM_MASKS - 1))) * stride
        number += 1
    return number


@kernel
def list_patterns(boards: Boards, at: int, rows: Int32s) -> int:
    """Write the rows of a board's patterns into rows int32[MAX_PATTERNS], ascending; gives their number."""
    block_places, block_seen, shot_places, shot_seen = pattern_words(boards, at)
    number = put_patterns(block_places, block_seen, 0, rows, 0)
    return put_patterns(shot_places, shot_seen, 1, rows, number)


@kernel
def change_patterns(
    old: Int32s, num_old: int, new: Int32s, num_new: int, removed: Int32s, added: Int32s
) -> tuple[int, int]:
    """Write the rows that are only in `old` into removed, those only in `new` into added; gives the two numbers.

    Args:
        old: int32, as `list_patterns` gives them.
        num_old: their number.
        new: likewise.
        num_new: likewise.
        removed: int32[MAX_PATTERNS].
        added: int32[MAX_PATTERNS].
    """
    i = 0
    j = 0
    num_removed = 0
    num_added = 0
    while i < num_old or j < num_new:
        if j == num_new or (i < num_old and old[i] < new[j]):
            removed[num_removed] = old[i]
            num_removed += 1
            i += 1
        elif i == num_old or new[j] < old[i]:
            added[num_added] = new[j]
            num_added += 1
            j += 1
        else:
            i += 1
            j += 1
    return num_removed, num_added


@kernel
def _fill(boards: Boards, out: Int32s, counts: Int64s) -> None:
    flat = boards.reshape(-1)
    for i in range(boards.shape[0]):
        counts[i] = list_patterns(flat, i * 26, out[i])


def patterns_of(boards: Boards) -> list[Int32s]:
    """The patterns of positions, one array of rows for each, ascending.

    Args:
        boards: int8[M, 26], checked (`features.check_counts`).

    >>> from backgammon.rules.board import START
    >>> [len(rows) for rows in patterns_of(START[None])]
    [8]
    """
    out = np.empty((len(boards), MAX_PATTERNS), dtype=np.int32)
    counts = np.empty(len(boards), dtype=np.int64)
    _fill(np.ascontiguousarray(boards), out, counts)
    return [rows[:count] for rows, count in zip(out, counts, strict=True)]


def pattern_name(row: int) -> str:
    """What a row says, for people.

    >>> pattern_name((26 * 2 + 20) * 64 + 0b100001)
    'our blot on 20, shots from 14 19'
    """
    place, mask = divmod(row, NUM_MASKS)
    family, location = divmod(place, 26)
    first = location - WINDOW if family % 2 == 0 else location + 1
    seen = " ".join(str(first + k) for k in range(WINDOW) if mask >> k & 1)
    whose = ("our checkers", "their checkers", "our blot", "their blot")[family]
    return f"{whose} on {location}, {'blocked on' if family < 2 else 'shots from'} {seen or 'nowhere'}"
