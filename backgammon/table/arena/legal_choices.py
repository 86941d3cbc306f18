"""The kernels that lay the choices of many games before the agent, find those that are not among them, and make them.

Axis legend: N games, M candidates of all N games together, K candidates at most. For `registers` see `turns`.
"""

from __future__ import annotations

from backgammon.rules.board import Board
from backgammon.rules.movegen import MAX_CANDIDATES, generate
from backgammon.table.arena.micro import NO_OP, NUM_ACTIONS, Mask, fill_mask, move_checker
from backgammon.table.arena.turns import AGENT, HIGH, LOW, NUM_HIGH, NUM_LOW, STAGE, Registers
from backgammon.tools.arrays import Boards, Bools, Int64s, Offsets
from backgammon.tools.intrinsics import borrow, copy_board, count_own
from backgammon.tools.jit import kernel


@kernel
def fill_masks(boards: Boards, registers: Registers, masks: Mask) -> None:
    """The mask of every game, int8[N, 156]; of an episode that is over (or waits for its opponent) the no-op."""
    boards, registers, masks = borrow(boards), borrow(registers), borrow(masks)
    for i in range(boards.shape[0]):
        if registers[i, STAGE] == AGENT:
            fill_mask(
                boards[i],
                int(registers[i, HIGH]),
                int(registers[i, LOW]),
                int(registers[i, NUM_HIGH]),
                int(registers[i, NUM_LOW]),
                masks[i],
            )
        else:
            masks[i] = 0
            masks[i, NO_OP] = 1


@kernel
def fill_candidates(
    boards: Boards, registers: Registers, out: Board, offsets: Offsets, first: int, scratch: Board
) -> int:
    """The candidates of every game from `first` on until `out` might overflow; gives the number of games finished.

    An episode that is over has its final board as only candidate.

    Args:
        boards: int8[N, 26].
        registers: int8[N, 9].
        out: int8[R, 26], filled from row offsets[first] on.
        offsets: int64[N + 1]; written from first + 1 on.
        first: game to begin with.
        scratch: int8[3, 26], overwritten.
    """
    boards, registers = borrow(boards), borrow(registers)
    out, scratch = borrow(out), borrow(scratch)
    for i in range(first, boards.shape[0]):
        if offsets[i] + MAX_CANDIDATES > out.shape[0]:
            return i
        if registers[i, STAGE] == AGENT:
            offsets[i + 1] = generate(boards[i], registers[i, HIGH], registers[i, LOW], out, offsets[i], scratch)
        else:
            copy_board(boards[i], 0, out[offsets[i]], 0)
            offsets[i + 1] = offsets[i] + 1
    return len(boards)


@kernel
def most_candidates(offsets: Offsets) -> int:
    """The largest number of candidates that a game has; offsets: int64[N + 1]."""
    most = 0
    for i in range(offsets.shape[0] - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    return most


@kernel
def pad_masks(offsets: Offsets, mask: Mask) -> None:
    """Set mask[i, r] = 1 for every candidate r of game i; mask: int8[N, K], zeros, K at least their number."""
    for i in range(mask.shape[0]):
        for r in range(offsets[i + 1] - offsets[i]):
            mask[i, r] = 1


@kernel
def pad_candidates(candidates: Boards, offsets: Offsets, padded: Board, mask: Mask) -> None:
    """As `pad_masks`, and copy the candidates to padded: int8[N, K, 26], zeros."""
    candidates, padded = borrow(candidates), borrow(padded)
    for i in range(mask.shape[0]):
        for r in range(offsets[i + 1] - offsets[i]):
            mask[i, r] = 1
            copy_board(candidates[offsets[i] + r], 0, padded[i, r], 0)


@kernel
def make_moves(boards: Boards, registers: Registers, actions: Int64s, is_turn_over: Bools) -> None:
    """The agent's micro-move in every game that waits for it.

    Args:
        boards: int8[N, 26].
        registers: int8[N, 9].
        actions: int64[N], each allowed by its game's mask (ignored where nobody waits for it).
        is_turn_over: bool[N], set where the turn is over now.
    """
    boards = borrow(boards)
    for i in range(boards.shape[0]):
        is_turn_over[i] = registers[i, STAGE] == AGENT
        action = actions[i]
        if is_turn_over[i] and action != NO_OP:
            move_checker(boards[i], action)
            used = NUM_HIGH if action % 6 + 1 == registers[i, HIGH] else NUM_LOW
            registers[i, used] -= 1
            is_turn_over[i] = registers[i, NUM_HIGH] + registers[i, NUM_LOW] == 0 or count_own(boards[i], 0) == 0


@kernel
def make_plays(
    boards: Boards, registers: Registers, candidates: Boards, offsets: Offsets, rows: Int64s, is_turn_over: Bools
) -> None:
    """The agent's whole turn in every game that waits for it.

    Args:
        boards: int8[N, 26].
        registers: int8[N, 9].
        candidates: int8[M, 26] of the present states.
        offsets: int64[N + 1]; those of game i are rows offsets[i] to offsets[i + 1].
        rows: int64[N], each from 0 to the number of the game's candidates - 1 (ignored where nobody waits for it).
        is_turn_over: bool[N], set where a play was made.
    """
    boards, candidates = borrow(boards), borrow(candidates)
    for i in range(boards.shape[0]):
        is_turn_over[i] = registers[i, STAGE] == AGENT
        if is_turn_over[i]:
            copy_board(candidates[offsets[i] + rows[i]], 0, boards[i], 0)


@kernel
def first_illegal_move(registers: Registers, masks: Mask, actions: Int64s, is_illegal: Bools) -> int:
    """Mark the actions that may not be played now; gives the first such game, or -1. A game that is over takes any."""
    first = -1
    for i in range(actions.shape[0]):
        action = actions[i]
        is_allowed = 0 <= action < NUM_ACTIONS and masks[i, action] == 1
        is_illegal[i] = registers[i, STAGE] == AGENT and not is_allowed
        if is_illegal[i] and first < 0:
            first = i
    return first


@kernel
def first_illegal_play(registers: Registers, offsets: Offsets, rows: Int64s, is_illegal: Bools) -> int:
    """Mark the rows that do not exist; gives the first such game, or -1. A game that is over takes any."""
    first = -1
    for i in range(rows.shape[0]):
        is_allowed = 0 <= rows[i] < offsets[i + 1] - offsets[i]
        is_illegal[i] = registers[i, STAGE] == AGENT and not is_allowed
        if is_illegal[i] and first < 0:
            first = i
    return first
