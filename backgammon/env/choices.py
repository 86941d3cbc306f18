"""The kernels that lay the choices of many games before the agent, and find choices that are not among them.

Axis legend: N games, M candidates of all N games together, K candidates at most. For `registers` see `turns`.
"""

from __future__ import annotations

from backgammon.board import Board
from backgammon.env.micro import NO_OP, NUM_ACTIONS, Mask, fill_mask
from backgammon.env.turns import AGENT, HIGH, LOW, NUM_HIGH, NUM_LOW, STAGE, Flags, Integers, Registers
from backgammon.intrinsics import copy_board
from backgammon.jit import kernel
from backgammon.movegen import MAX_CANDIDATES, generate


@kernel
def fill_masks(boards: Board, registers: Registers, masks: Mask) -> None:
    """The mask of every game, int8[N, 156]; of an episode that is over (or waits for its opponent) the no-op."""
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
    boards: Board, registers: Registers, out: Board, offsets: Integers, first: int, scratch: Board
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
    for i in range(first, boards.shape[0]):
        if offsets[i] + MAX_CANDIDATES > out.shape[0]:
            return i
        if registers[i, STAGE] == AGENT:
            offsets[i + 1] = generate(boards[i], registers[i, HIGH], registers[i, LOW], out, offsets[i], scratch)
        else:
            copy_board(boards[i], out[offsets[i]])
            offsets[i + 1] = offsets[i] + 1
    return len(boards)


@kernel
def most_candidates(offsets: Integers) -> int:
    """The largest number of candidates that a game has; offsets: int64[N + 1]."""
    most = 0
    for i in range(offsets.shape[0] - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    return most


@kernel
def pad_masks(offsets: Integers, mask: Mask) -> None:
    """Set mask[i, r] = 1 for every candidate r of game i; mask: int8[N, K], zeros, K at least their number."""
    for i in range(mask.shape[0]):
        for r in range(offsets[i + 1] - offsets[i]):
            mask[i, r] = 1


@kernel
def pad_candidates(candidates: Board, offsets: Integers, padded: Board, mask: Mask) -> None:
    """As `pad_masks`, and copy the candidates to padded: int8[N, K, 26], zeros."""
    for i in range(mask.shape[0]):
        for r in range(offsets[i + 1] - offsets[i]):
            mask[i, r] = 1
            copy_board(candidates[offsets[i] + r], padded[i, r])


@kernel
def first_illegal_move(registers: Registers, masks: Mask, actions: Integers, is_illegal: Flags) -> int:
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
def first_illegal_play(registers: Registers, offsets: Integers, rows: Integers, is_illegal: Flags) -> int:
    """Mark the rows that do not exist; gives the first such game, or -1. A game that is over takes any."""
    first = -1
    for i in range(rows.shape[0]):
        is_allowed = 0 <= rows[i] < offsets[i + 1] - offsets[i]
        is_illegal[i] = registers[i, STAGE] == AGENT and not is_allowed
        if is_illegal[i] and first < 0:
            first = i
    return first
