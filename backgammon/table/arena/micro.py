"""Micro-moves: one checker by one die as one of 156 actions, and the mask that looks ahead.

    action = 6 * (26 - source) + die - 1        source 24..1 a point, 25 the bar; die 1..6
    action = 0                                  no-op, only when no die can be played

This is the numbering of pgx (source code 1 the bar, 2..25 the points, counted from the mover's 24-point down), so masks
and policies can be compared with it.

The mask admits exactly the moves with which some legal play of the whole roll begins or goes on: a first move that
would strand the other die is left out when both dice can be played, and only the larger die when either can be played
but not both. With doubles no move ever takes another one away, so there is nothing to look ahead for.
`tests/naive/env.py` does the same from the list of whole plays; `scripts/verify_env.py` compares.
"""

from __future__ import annotations

from backgammon.rules.board import BAR, Board
from backgammon.rules.movegen import die_sources, shift_checker
from backgammon.tools.arrays import Int8s
from backgammon.tools.intrinsics import highest_bit
from backgammon.tools.jit import kernel

NUM_ACTIONS = 156
NO_OP = 0
_TOP = 26  # action // 6 counts down from here

Mask = Int8s
"""int8[156]: 1 where the action may be played, 0 elsewhere; never all 0."""


def encode_action(source: int, die: int) -> int:
    """The action that moves a checker from `source` (1..24, 25 the bar) by `die`.

    >>> encode_action(25, 1), encode_action(24, 1), encode_action(1, 6)
    (6, 12, 155)
    """
    return 6 * (_TOP - source) + die - 1


def decode_action(action: int) -> tuple[int, int] | None:
    """(source, die) of an action; None for the no-op.

    >>> decode_action(12), decode_action(NO_OP)
    ((24, 1), None)
    """
    if action < 6:
        return None
    return _TOP - action // 6, action % 6 + 1


@kernel
def _sources_with_follow_up(board: Board, own: int, free: int, sources: int, die: int, other: int) -> int:
    """Those of `sources` from which playing `die` leaves a move for the other die."""
    kept = 0
    while sources:
        source = highest_bit(sources)
        sources ^= 1 << source
        own_after = own
        if board[source] == 1:
            own_after &= ~(1 << source)
        if source > die:
            own_after |= 1 << (source - die)
        if die_sources(own_after, free, other):
            kept |= 1 << source
    return kept


@kernel
def _mark(mask: Mask, sources: int, die: int) -> None:
    while sources:
        source = highest_bit(sources)
        sources ^= 1 << source
        mask[6 * (26 - source) + die - 1] = 1


@kernel
def fill_mask(board: Board, high: int, low: int, num_high: int, num_low: int, mask: Mask) -> None:
    """Write the mask of the moves that may be made now.

    Args:
        board: int8[26], player on roll, in play.
        high: larger die of the roll.
        low: smaller die of the roll.
        num_high: how often the larger die is still to be played (doubles: up to 4).
        num_low: how often the smaller die is still to be played (doubles: 0).
        mask: int8[156], overwritten.
    """
    own = 0
    free = 0
    for point in range(1, 25):
        if board[point] > 0:
            own |= 1 << point
        if board[point] >= -1:
            free |= 1 << point
    if board[25] > 0:
        own |= 1 << 25
    from_high = die_sources(own, free, high) if num_high > 0 else 0
    from_low = die_sources(own, free, low) if num_low > 0 else 0
    if num_high > 0 and num_low > 0:
        both_from_high = _sources_with_follow_up(board, own, free, from_high, high, low)
        both_from_low = _sources_with_follow_up(board, own, free, from_low, low, high)
        if both_from_high or both_from_low:
            from_high = both_from_high
            from_low = both_from_low
        elif from_high:
            from_low = 0
    mask[:] = 0
    if from_high | from_low:
        _mark(mask, from_high, high)
        _mark(mask, from_low, low)
    else:
        mask[NO_OP] = 1


@kernel
def move_checker(board: Board, action: int) -> None:
    """Make the move of an action (not the no-op) in place; its legality is the caller's business."""
    source = 26 - action // 6
    shift_checker(board, source, source - action % 6 - 1)


def describe_action(action: int) -> str:
    """The action in words.

    >>> describe_action(encode_action(BAR, 3)), describe_action(encode_action(2, 5)), describe_action(NO_OP)
    ('bar/22', '2/off', 'no move')
    """
    decoded = decode_action(action)
    if decoded is None:
        return "no move"
    source, die = decoded
    return f"{'bar' if source == BAR else source}/{source - die if source > die else 'off'}"
