"""Which rows of a folded net make the first layer of a board, and which lead from one board's sums to another's.

H width of the first layer; a board is int8[26] or a row of ROW_BYTES in a flat array. A row is named by where it begins
in `FoldedNet.rows`.
"""

from __future__ import annotations

from backgammon.learner.inputs.patterns import (
    MAX_PATTERNS,
    POINT_BITS,
    changed_places,
    pattern_words,
    put_patterns,
    words_of_masks,
)
from backgammon.learner.net.fold import FEW, NUM_COUNTS, NUM_FEW
from backgammon.rules.board import Board
from backgammon.rules.phase import phase_of_masks
from backgammon.tools.arrays import Boards, Offsets
from backgammon.tools.intrinsics import changed_locations, highest_bit, wide_above
from backgammon.tools.jit import kernel

NUM_WORDS = 4
"""Words that hold the patterns of a board (`patterns.pattern_words`)."""
NOWHERE = 30
"""A row that is zero: there is no count above 15 to step to."""
MAX_STARTS = 52 + 2 * MAX_PATTERNS
"""Room for the rows of a board (26 locations, 13 more of each side's checkers, the patterns) or of a reply."""
MAX_LOST = 32
"""More rows of counts than a play takes away: eight moved checkers and as many hit ones."""
_LOCATIONS = (1 << 26) - 1


@kernel
def row_starts(board: Board, width: int, patterns_at: int, starts: Offsets) -> tuple[int, int]:
    """Where the rows begin that make the sums of a board: those to add, then those to subtract; the numbers of both.

    Args:
        board: int8[>= 26].
        width: H.
        patterns_at: see `FoldedNet`.
        starts: int64[MAX_STARTS], overwritten.
    """
    few_at = 26 * NUM_COUNTS * width
    num_plus = 0
    for location in range(26):
        count = int(board[location])
        if count != 0:
            near = min(max(count, -FEW), FEW)
            starts[num_plus] = few_at + (location * NUM_FEW + near + FEW) * width
            num_plus += 1
            for more in range(FEW, count):
                starts[num_plus] = (location * NUM_COUNTS + more + 15) * width
                num_plus += 1
    if patterns_at:
        block_places, block_seen, shot_places, shot_seen = pattern_words(board, 0)
        num_plus = put_patterns(block_places, block_seen, 0, starts, num_plus, width, patterns_at)
        num_plus = put_patterns(shot_places, shot_seen, 1, starts, num_plus, width, patterns_at)
    num_minus = 0
    for location in range(26):
        for more in range(int(board[location]), -FEW):
            starts[num_plus + num_minus] = (location * NUM_COUNTS + more + 15) * width
            num_minus += 1
    return num_plus, num_minus


@kernel
def put_words(boards: Boards, at: int, words: Offsets, words_at: int) -> int:
    """Write `patterns.pattern_words` of the board in the row that begins at `at`; gives its phase.

    Args:
        boards: int8, flat, rows of ROW_BYTES.
        at: where the row begins.
        words: int64, receives NUM_WORDS of them.
        words_at: where the first goes.
    """
    ours = wide_above(boards, at, 0)
    our_points = wide_above(boards, at, 1) & POINT_BITS
    theirs = ~wide_above(boards, at, -1) & _LOCATIONS
    their_points = ~wide_above(boards, at, -2) & POINT_BITS
    words[words_at], words[words_at + 1], words[words_at + 2], words[words_at + 3] = words_of_masks(
        ours, our_points, theirs, their_points
    )
    return phase_of_masks(ours, theirs)


@kernel
def changed_counts(
    board: Board, boards: Boards, at: int, width: int, starts: Offsets, lost: Offsets
) -> tuple[int, int]:
    """Where the rows of counts begin that lead from a board to another: the numbers gained and lost.

    Args:
        board: int8[>= 32], the one.
        boards: int8, flat, rows of ROW_BYTES.
        at: where the other begins.
        width: H.
        starts: int64[>= MAX_LOST], receives the rows gained.
        lost: int64[MAX_LOST], receives the rows lost.
    """
    num_plus = 0
    num_lost = 0
    changed = changed_locations(board, 0, boards, at)
    while changed:
        location = highest_bit(changed & -changed)
        changed &= changed - 1
        old = int(board[location])
        new = int(boards[at + location])
        row = location * NUM_COUNTS + 15
        for count in range(old, new):
            starts[num_plus] = (row + count) * width
            num_plus += 1
        for count in range(new, old):
            lost[num_lost] = (row + count) * width
            num_lost += 1
    return num_plus, num_lost


@kernel
def changed_patterns(
    words: Offsets, new: Offsets, width: int, patterns_at: int, starts: Offsets, num_plus: int
) -> tuple[int, int]:
    """Append the rows of the patterns that come, then of those that go: where the former end and where the latter do.

    Args:
        words: int64[>= NUM_WORDS], the patterns before.
        new: int64[>= NUM_WORDS], the patterns after.
        width: H.
        patterns_at: see `FoldedNet`.
        starts: int64[MAX_STARTS], rows to add so far.
        num_plus: how many these are.
    """
    blocks = changed_places(words[0], words[1], new[0], new[1])
    shots = changed_places(words[2], words[3], new[2], new[3])
    num_plus = put_patterns(blocks & new[0], new[1], 0, starts, num_plus, width, patterns_at)
    num_plus = put_patterns(shots & new[2], new[3], 1, starts, num_plus, width, patterns_at)
    end = put_patterns(blocks & words[0], words[1], 0, starts, num_plus, width, patterns_at)
    end = put_patterns(shots & words[2], words[3], 1, starts, end, width, patterns_at)
    return num_plus, end
