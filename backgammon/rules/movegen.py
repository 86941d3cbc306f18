"""Move generator: every distinct legal result of a roll, in a defined order, without searching for repeats.

Conventions: boards are int8[26] of the player on roll (see `board`); M candidates, N positions. Candidates are seen
by the player who has just moved (not swapped). A roll that cannot be played gives one candidate, the unchanged
position.

Canonical order: plays are tried depth first, the larger die first, sources from the bar down to the 1-point; of plays
with the same result the first counts. The row of a candidate in this order is its index everywhere in the project
(`ORDER_VERSION` travels in stored data).

How it works. `own` and `free` are 32-bit masks over the points: where the mover has checkers, and where the mover may
land (a hit does not change `free`: a lone opponent was no obstacle before either). Sources of a die are then `own &
free << die`.

Which plays can repeat a result (outside the bear-off)? Write a move of die d from s as x^(s-d) - x^s. Two different
plays high-then-low have the same sum only as a run P, P-high, P-high-low and the pair P-low to P-low-high with P to
P-low; so one bit is struck from the sources of the second move. A play low-then-high is new only if it is a run
through P-low that the high die cannot lead in the same way (blocked, or one of the two hits on the way), or if the
one checker on the bar enters with the low die. Doubles played by non-increasing sources never repeat. With at most
one checker outside the home board checkers may be borne off and the sums are no longer unique: there, and only there,
results are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backgammon.rules.board import NUM_LOCATIONS, Board
from backgammon.tools.arrays import Boards, Dice, Int8s, Offsets
from backgammon.tools.errors import DiceError, PositionError
from backgammon.tools.intrinsics import borrow, copy_board, highest_bit, locations_above
from backgammon.tools.jit import kernel

ORDER_VERSION = 1
MAX_CANDIDATES = 4096
"""Free rows a buffer must have for one roll; 3,875 is a bound on the plays of a double."""

Trace = Any
"""int32[T] to receive the walk over the plays (see `generate`), or None: kernels are compiled for each."""

LEAF = 1 << 16
"""Bit of a trace entry whose result is a candidate."""

_OUTSIDE = 0x03FFFF80  # bits 7..25
_BAR_BIT = 1 << 25
_POINTS = 0x01FFFFFE  # bits 1..24


@kernel
def shift_checker(board: Board, source: int, target: int) -> None:
    """Move one checker in place; target <= 0 bears it off, a lone opponent goes to the bar."""
    board[source] -= 1
    if target > 0:
        if board[target] == -1:
            board[target] = 1
            board[0] -= 1
        else:
            board[target] += 1


@kernel
def _child(parent: Board, parent_at: int, source: int, target: int, child: Board, child_at: int) -> None:
    """Write the board after one move on the board at `parent_at` to `child_at`; both arrays flat.

    Flat arrays with offsets, here and below, and no views of rows: each view would count its references, and two
    threads that count in one cache line slow each other down.
    """
    left = parent[parent_at + source] - 1
    copy_board(parent, parent_at, child, child_at)
    child[child_at + source] = left
    if target > 0:
        before = parent[parent_at + target]
        if before == -1:
            child[child_at + target] = 1
            child[child_at] = parent[parent_at] - 1
        else:
            child[child_at + target] = before + 1


@kernel
def die_sources(own: int, free: int, die: int) -> int:
    """Mask of the points from which the die can be played now, bar and bear-off rules included."""
    sources = own & (free << die)
    if own & _BAR_BIT:
        return sources & _BAR_BIT
    if own and not own & _OUTSIDE:
        if own >> die & 1:
            return sources | 1 << die
        highest = highest_bit(own)
        if highest < die:
            return sources | 1 << highest
    return sources


@kernel
def _own_after(own: int, boards: Boards, at: int, source: int, target: int) -> int:
    """The mover's mask after a move that the board at `at` already shows."""
    if boards[at + source] <= 0:
        own &= ~(1 << source)
    if target > 0:
        own |= 1 << target
    return own


@kernel
def _is_repeat(out: Board, stride: int, start: int, row: int) -> bool:
    """True when row `row` equals one of the rows start..row-1."""
    at = row * stride
    for other in range(start * stride, at, stride):
        i = 0
        while i < 26 and out[other + i] == out[at + i]:
            i += 1
        if i == 26:
            return True
    return False


@kernel
def _note(trace: Trace, entry: int, depth: int, source: int, target: int, leaf: int) -> int:
    """Append one step of the walk to the trace, if there is one; gives the next free entry."""
    if trace is not None:
        trace[entry] = leaf | depth << 12 | source << 6 | max(target, 0)
        return entry + 1
    return entry


@kernel
def _single_die(
    board: Board, own: int, free: int, die: int, out: Board, stride: int, row: int, trace: Trace, entry: int
) -> tuple[int, int]:
    """Every result of playing one die only; gives the next free row and trace entry."""
    sources = die_sources(own, free, die)
    while sources:
        source = highest_bit(sources)
        sources ^= 1 << source
        _child(board, 0, source, source - die, out, row * stride)
        entry = _note(trace, entry, 1, source, source - die, LEAF)
        row += 1
    return row, entry


@kernel
def _two_dice_in_order(
    board: Board,
    own: int,
    free: int,
    first: int,
    second: int,
    out: Board,
    stride: int,
    start: int,
    row: int,
    scratch: Board,
    trace: Trace,
    entry: int,
) -> tuple[int, int]:
    """Results of `first` then `second` near the bear-off, repeats (from row `start` on) dropped by comparison."""
    sources = die_sources(own, free, first)
    while sources:
        source = highest_bit(sources)
        sources ^= 1 << source
        _child(board, 0, source, source - first, scratch, 0)
        entry = _note(trace, entry, 1, source, source - first, 0)
        next_sources = die_sources(_own_after(own, scratch, 0, source, source - first), free, second)
        while next_sources:
            next_source = highest_bit(next_sources)
            next_sources ^= 1 << next_source
            _child(scratch, 0, next_source, next_source - second, out, row * stride)
            if not _is_repeat(out, stride, start, row):
                entry = _note(trace, entry, 2, next_source, next_source - second, LEAF)
                row += 1
    return row, entry


@kernel
def _two_dice(
    board: Board,
    own: int,
    free: int,
    safe: int,
    high: int,
    low: int,
    out: Board,
    stride: int,
    row: int,
    scratch: Board,
    trace: Trace,
    entry: int,
) -> tuple[int, int]:
    """Results of two different dice with at least two checkers outside home; see the module's text for the masks."""
    sources = own & (free << high)
    if own & _BAR_BIT:
        sources &= _BAR_BIT
    while sources:
        source = highest_bit(sources)
        sources ^= 1 << source
        _child(board, 0, source, source - high, scratch, 0)
        entry = _note(trace, entry, 1, source, source - high, 0)
        own_after = _own_after(own, scratch, 0, source, source - high)
        next_sources = own_after & (free << low)
        if own_after & _BAR_BIT:
            next_sources &= _BAR_BIT
        if source + low > high and safe >> (source + low - high) & 1:
            next_sources &= ~(1 << (source + low))  # the same as the run from there, high die first
        while next_sources:
            next_source = highest_bit(next_sources)
            next_sources ^= 1 << next_source
            _child(scratch, 0, next_source, next_source - low, out, row * stride)
            entry = _note(trace, entry, 2, next_source, next_source - low, LEAF)
            row += 1
    # Low die first: only what the high die first cannot reach.
    if not own & _BAR_BIT:
        runs = own & (free << low) & (free << (low + high)) & ~(own << low) & ~((safe << high) & (safe << low))
        while runs:
            source = highest_bit(runs)
            runs ^= 1 << source
            _child(board, 0, source, source - low, scratch, 0)
            _child(scratch, 0, source - low, source - low - high, out, row * stride)
            entry = _note(trace, entry, 1, source, source - low, 0)
            entry = _note(trace, entry, 2, source - low, source - low - high, LEAF)
            row += 1
    elif board[25] == 1 and free >> (25 - low) & 1:
        _child(board, 0, 25, 25 - low, scratch, 0)
        entry = _note(trace, entry, 1, 25, 25 - low, 0)
        next_sources = _own_after(own, scratch, 0, 25, 25 - low) & (free << high)
        if safe >> (25 - high) & 1 and safe >> (25 - low) & 1:
            next_sources &= ~(1 << (25 - low))
        while next_sources:
            next_source = highest_bit(next_sources)
            next_sources ^= 1 << next_source
            _child(scratch, 0, next_source, next_source - high, out, row * stride)
            entry = _note(trace, entry, 2, next_source, next_source - high, LEAF)
            row += 1
    return row, entry


@kernel
def _double(
    board: Board,
    own: int,
    free: int,
    die: int,
    depth: int,
    out: Board,
    stride: int,
    row: int,
    scratch: Board,
    trace: Trace,
    entry: int,
) -> tuple[int, int]:
    """Results of playing the die exactly `depth` times (1..4), sources never increasing; no repeats arise.

    The loops over sources are written out here and in its neighbours, for each hands other boards and masks on.
    """
    sources1 = die_sources(own, free, die)
    while sources1:
        source1 = highest_bit(sources1)
        sources1 ^= 1 << source1
        if depth == 1:
            _child(board, 0, source1, source1 - die, out, row * stride)
            entry = _note(trace, entry, 1, source1, source1 - die, LEAF)
            row += 1
            continue
        _child(board, 0, source1, source1 - die, scratch, 0)
        entry = _note(trace, entry, 1, source1, source1 - die, 0)
        own1 = _own_after(own, scratch, 0, source1, source1 - die)
        sources2 = die_sources(own1, free, die) & ((2 << source1) - 1)
        while sources2:
            source2 = highest_bit(sources2)
            sources2 ^= 1 << source2
            if depth == 2:
                _child(scratch, 0, source2, source2 - die, out, row * stride)
                entry = _note(trace, entry, 2, source2, source2 - die, LEAF)
                row += 1
                continue
            _child(scratch, 0, source2, source2 - die, scratch, NUM_LOCATIONS)
            entry = _note(trace, entry, 2, source2, source2 - die, 0)
            own2 = _own_after(own1, scratch, NUM_LOCATIONS, source2, source2 - die)
            sources3 = die_sources(own2, free, die) & ((2 << source2) - 1)
            while sources3:
                source3 = highest_bit(sources3)
                sources3 ^= 1 << source3
                if depth == 3:
                    _child(scratch, NUM_LOCATIONS, source3, source3 - die, out, row * stride)
                    entry = _note(trace, entry, 3, source3, source3 - die, LEAF)
                    row += 1
                    continue
                _child(scratch, NUM_LOCATIONS, source3, source3 - die, scratch, 2 * NUM_LOCATIONS)
                entry = _note(trace, entry, 3, source3, source3 - die, 0)
                own3 = _own_after(own2, scratch, 2 * NUM_LOCATIONS, source3, source3 - die)
                sources4 = die_sources(own3, free, die) & ((2 << source3) - 1)
                while sources4:
                    source4 = highest_bit(sources4)
                    sources4 ^= 1 << source4
                    _child(scratch, 2 * NUM_LOCATIONS, source4, source4 - die, out, row * stride)
                    entry = _note(trace, entry, 4, source4, source4 - die, LEAF)
                    row += 1
    return row, entry


@kernel
def generate_flat(
    board: Board, die1: int, die2: int, out: Board, stride: int, start: int, scratch: Board, trace: Trace
) -> tuple[int, int]:
    """`generate_traced` with flat buffers.

    Args:
        board: int8[>= 26], the first 26 counts are the player on roll's position, valid and not over.
        die1: 1..6.
        die2: 1..6, in either order.
        out: int8[R * stride], flat rows.
        stride: length of a row of `out`, at least 26.
        start: first row to write.
        scratch: int8[>= 78], overwritten.
        trace: see `generate_traced`.
    """
    own = locations_above(board, 0, 0)
    free = locations_above(board, 0, -2) & _POINTS
    safe = locations_above(board, 0, -1) & _POINTS
    outside = own & _OUTSIDE
    may_bear_off = outside & (outside - 1) == 0 and (outside == 0 or board[highest_bit(outside)] == 1)
    row = start
    entry = 0
    high = int(max(die1, die2))  # plain Python must not shift masks by an int8
    low = int(min(die1, die2))
    if high == low:
        depth = 4
        while row == start and depth > 0:
            row, entry = _double(board, own, free, high, depth, out, stride, row, scratch, trace, 0)
            depth -= 1
    else:
        if not may_bear_off:
            row, entry = _two_dice(board, own, free, safe, high, low, out, stride, row, scratch, trace, entry)
        else:
            row, entry = _two_dice_in_order(board, own, free, high, low, out, stride, start, row, scratch, trace, entry)
            row, entry = _two_dice_in_order(board, own, free, low, high, out, stride, start, row, scratch, trace, entry)
        if row == start:
            row, entry = _single_die(board, own, free, high, out, stride, row, trace, 0)
        if row == start:
            row, entry = _single_die(board, own, free, low, out, stride, row, trace, 0)
    if row == start:
        copy_board(board, 0, out, row * stride)
        row += 1
        entry = 0
    return row, entry


@kernel
def generate_traced(
    board: Board, die1: int, die2: int, out: Board, start: int, scratch: Board, trace: Trace
) -> tuple[int, int]:
    """Write every candidate of one roll into the rows of `out` from `start` on, and how each came about.

    The trace is the depth-first walk that made them, one entry a move: `leaf | depth << 12 | source << 6 | target`,
    leaf being LEAF or 0. A move of depth d is made on the board of the last entry of depth d - 1 (depth 0: `board`).
    The k-th entry with a leaf is the k-th candidate. A dance has no entries.

    Args:
        board: int8[26], player on roll, valid and not over.
        die1: 1..6.
        die2: 1..6, in either order.
        out: int8[R, >= 26], R >= start + MAX_CANDIDATES; columns from 26 on are left alone.
        start: first row to write.
        scratch: int8[3, >= 26], overwritten.
        trace: int32[2 * MAX_CANDIDATES], or None for no trace.

    Returns:
        The next free row of `out`, and the number of trace entries (0 without a trace).
    """
    flat_out = borrow(out).reshape(-1)
    return generate_flat(board, die1, die2, flat_out, out.shape[1], start, borrow(scratch).reshape(-1), trace)


@kernel
def generate(board: Board, die1: int, die2: int, out: Board, start: int, scratch: Board) -> int:
    """`generate_traced` without a trace; gives the next free row."""
    row, _ = generate_traced(board, die1, die2, out, start, scratch, None)
    return row


@kernel
def generate_batch(boards: Boards, dice: Dice, out: Board, offsets: Offsets, first: int, scratch: Board) -> int:
    """Generate for decisions first..N-1 until `out` might overflow; gives the number of decisions finished in all.

    offsets[i] must hold the row where decision i = first starts; offsets[i + 1] is written for every finished one.
    """
    board = np.empty(NUM_LOCATIONS, dtype=np.int8)
    return _generate_rows(boards, dice, out, offsets, first, scratch, board)


@kernel
def _generate_rows(
    boards: Boards,
    dice: Dice,
    out: Board,
    offsets: Offsets,
    first: int,
    scratch: Board,
    board: Board,
) -> int:
    """`generate_batch` with room for one board."""
    stride = out.shape[1]
    all_boards = borrow(boards).reshape(-1)
    all_dice = borrow(dice).reshape(-1)
    flat_out = borrow(out).reshape(-1)
    flat_scratch = borrow(scratch).reshape(-1)
    own_board = borrow(board)
    for i in range(first, boards.shape[0]):
        if offsets[i] + MAX_CANDIDATES > out.shape[0]:
            return i
        copy_board(all_boards, i * NUM_LOCATIONS, own_board, 0)
        row, _ = generate_flat(
            own_board, all_dice[2 * i], all_dice[2 * i + 1], flat_out, stride, offsets[i], flat_scratch, None
        )
        offsets[i + 1] = row
    return len(boards)


@kernel
def _first_unusable(boards: Boards, dice: Dice) -> int:
    """Index of the first decision with an unusable board (finished, impossible) or dice; -1 if there is none."""
    for i in range(boards.shape[0]):
        own = 0
        opponent = 0
        for point in range(26):
            count = boards[i, point]
            if count > 0:
                own += count
            else:
                opponent -= count
        if own < 1 or own > 15 or opponent < 1 or opponent > 15 or boards[i, 25] < 0 or boards[i, 0] > 0:
            return i
        for j in range(2):
            if dice[i, j] < 1 or dice[i, j] > 6:
                return i
    return -1


def checked_decisions(boards: Boards, dice: Dice) -> tuple[Boards, Dice]:
    """The two arrays as the kernels need them: contiguous int8[N, 26] and int8[N, 2], every row playable.

    Raises:
        PositionError: an array of another shape or dtype, or a board that cannot be played on.
        DiceError: a die outside 1..6, or not one roll for each board.
    """
    boards = _as_rows(boards, NUM_LOCATIONS, "boards", PositionError)
    dice = _as_rows(dice, 2, "dice", DiceError)
    if len(dice) != len(boards):
        raise DiceError(f"{len(boards)} boards but {len(dice)} rolls: give one roll for each board")
    unusable = _first_unusable(boards, dice)
    if unusable >= 0:
        if not ((dice[unusable] >= 1) & (dice[unusable] <= 6)).all():
            raise DiceError(f"decision {unusable}: dice {dice[unusable].tolist()} must be 1 to 6")
        raise PositionError(
            f"decision {unusable}: {boards[unusable].tolist()} is not a position in play: each side needs 1 to 15 "
            "checkers, index 25 (own bar) cannot be negative nor index 0 (opponent's bar) positive"
        )
    return boards, dice


def legal_candidates(boards: Boards, dice: Dice) -> tuple[Boards, Offsets]:
    """Every distinct position each roll can lead to, best use of the dice already enforced.

    Args:
        boards: int8[N, 26], the player on roll; games that are not over.
        dice: int8[N, 2], 1..6, in either order.

    Returns:
        candidates: int8[M, 26], seen by the player who has just moved (not swapped), in canonical order.
        offsets: int64[N + 1]; the candidates of decision i are rows offsets[i] to offsets[i + 1].

    Raises:
        PositionError: an array of another shape or dtype, or a board that cannot be played on.
        DiceError: a die outside 1..6.

    >>> from backgammon.rules.board import START
    >>> candidates, offsets = legal_candidates(START[None], np.array([[3, 1]], np.int8))
    >>> int(offsets[-1])
    16
    """
    boards, dice = checked_decisions(boards, dice)
    num_decisions = len(boards)
    offsets = np.zeros(num_decisions + 1, dtype=np.int64)
    candidates = np.empty((24 * num_decisions + MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)
    scratch = np.empty((3, NUM_LOCATIONS), dtype=np.int8)
    done = 0
    while True:
        done = generate_batch(boards, dice, candidates, offsets, done, scratch)
        used = int(offsets[done])
        if done == num_decisions:
            return candidates[:used], offsets
        larger = np.empty((2 * len(candidates), NUM_LOCATIONS), dtype=np.int8)
        larger[:used] = candidates[:used]
        candidates = larger


def _as_rows(values: Int8s, width: int, name: str, error: type[Exception]) -> Int8s:
    """`values` as contiguous int8[N, width], or `error`."""
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] != width:
        raise error(f"{name} must have shape [N, {width}], not {list(array.shape)}")
    if array.dtype != np.int8:
        if array.dtype.kind not in "iu":
            raise error(f"{name} must be whole numbers (int8), not {array.dtype}")
        if array.size and (array.max() > 127 or array.min() < -128):
            raise error(f"{name} hold numbers that no board or die can have")
        array = array.astype(np.int8)
    # Kernels are compiled for writable arrays; a read-only one would have them all compiled once more.
    return np.require(array, requirements=["C", "W"])
