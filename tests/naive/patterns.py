"""The patterns of a board straight from their description, one location and one point at a time. Slow and obvious."""

from __future__ import annotations

from collections.abc import Sequence


def patterns(board: Sequence[int]) -> list[int]:
    """Rows of the patterns of a board (26 counts, seen by the player who has just moved), ascending."""
    rows = []
    for location in range(26):
        count = int(board[location])
        before = range(location - 6, location)
        behind = range(location + 1, location + 7)
        is_point = 1 <= location <= 24
        if count > 0:
            rows.append(row(0, location, [is_made(board, place, -1) for place in before]))
        if count < 0:
            rows.append(row(1, location, [is_made(board, place, 1) for place in behind]))
        if count == 1 and is_point:
            rows.append(row(2, location, [is_there(board, place, -1) for place in before]))
        if count == -1 and is_point:
            rows.append(row(3, location, [is_there(board, place, 1) for place in behind]))
    return sorted(rows)


def is_there(board: Sequence[int], place: int, side: int) -> bool:
    """True where the side (1 ours, -1 theirs) has a checker, bars included."""
    return 0 <= place <= 25 and side * int(board[place]) > 0


def is_made(board: Sequence[int], place: int, side: int) -> bool:
    """True where the side has a point: two checkers or more, on no bar."""
    return 1 <= place <= 24 and side * int(board[place]) >= 2


def row(family: int, location: int, seen: list[bool]) -> int:
    """The number of a pattern: its family, its location, and six bits from the location furthest from home on."""
    mask = 0
    for bit, is_seen in enumerate(seen):
        if is_seen:
            mask += 2**bit
    return (26 * family + location) * 64 + mask
