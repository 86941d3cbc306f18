"""Literal execution of the plays of one game, compiled: legs in, the chain of positions and the chosen candidates out.

T rolls of a game. The rules (measured on some 2,170 real matches):

* A leg that ends on a lone opponent hits it, star or no star; half of the writers never mark a hit.
* A leg longer than a die with no hop written may go either way: the way whose number of hits is nearest to the number
  of stars is meant, and of two such ways the one with fewer hits.
* Legs are made in the order written; one whose checker is not there yet waits for the others.
* The result must be one of the candidates of the roll: that is the whole legal check, and its row is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backgammon.records.replay.legs import BLANK, CANNOT_MOVE, CODE_SIZE, LEGS, MAX_LEGS, UNKNOWN, encode_play
from backgammon.rules.board import NUM_LOCATIONS, START, Board
from backgammon.rules.movegen import MAX_CANDIDATES, generate, shift_checker
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.jit import kernel

PLAYED, DANCED, UNPLAYED, ILLEGAL, AMBIGUOUS, COULD_MOVE, OVER, UNUSABLE = range(8)
"""What became of a roll. The first two go on; the others end the chain of positions."""


@kernel
def _make_hop(board: Board, source: int, target: int) -> int:
    """Move one checker in place; 1 for a hit, 0 without, -1 when the point is held by the opponent."""
    if target > 0 and board[target] < -1:
        return -1
    is_hit = target > 0 and board[target] == -1
    shift_checker(board, source, target)
    return int(is_hit)


@kernel
def _make_leg(board: Board, source: int, target: int, first: int, last: int) -> int:
    """Play a leg hop by hop: `first` and then `last` pips at a time (0, 0: in one leap); hits made, or -1."""
    if first == 0:
        return _make_hop(board, source, target)
    hits = 0
    step = first
    while source > target:
        landing = max(source - step, 0)
        if landing < target:
            return -1
        made = _make_hop(board, source, landing)
        if made < 0:
            return -1
        hits += made
        source = landing
        step = last
    return hits


@kernel
def _make_legs(board: Board, legs: Board, num_legs: int, first: int, last: int) -> int:
    """Play all legs in place, each as soon as its checker is there; number of hits, or -1 when they cannot be made."""
    waiting = (1 << num_legs) - 1
    hits = 0
    while waiting:
        ready = -1
        for i in range(num_legs):
            if waiting >> i & 1 and board[legs[2 * i]] > 0:
                ready = i
                break
        if ready < 0:
            return -1
        waiting ^= 1 << ready
        made = _make_leg(board, legs[2 * ready], legs[2 * ready + 1], first, last)
        if made < 0:
            return -1
        hits += made
    return hits


@kernel
def _row_of(candidates: Boards, num_candidates: int, board: Board) -> int:
    """Row of a board among the candidates, -1 without one."""
    for row in range(num_candidates):
        i = 0
        while i < 26 and candidates[row, i] == board[i]:
            i += 1
        if i == 26:
            return row
    return -1


@kernel
def _find_play(
    board: Board, die1: int, die2: int, code: Board, candidates: Boards, num_candidates: int, trial: Board
) -> int:
    """Row of the candidate that the legs lead to; -1 when none is, -2 when they could mean two."""
    best_row = -1
    best_cost = 0
    is_tied = False
    legs = code[3:]
    for way in range(3):
        # In one leap, then by each die first. A double has only one way; two legs of two dice are one die each.
        if way == 0:
            first, last = 0, 0
        elif die1 == die2:
            if way == 2:
                break
            first, last = die1, die1
        else:
            if code[1] != 1:
                break
            first, last = (die1, die2) if way == 1 else (die2, die1)
        for i in range(26):
            trial[i] = board[i]
        hits = _make_legs(trial, legs, code[1], first, last)
        if hits < 0:
            continue
        row = _row_of(candidates, num_candidates, trial)
        if row < 0 or row == best_row:
            continue
        cost = 16 * abs(hits - code[2]) + hits
        if best_row < 0 or cost < best_cost:
            best_row, best_cost, is_tied = row, cost, False
        elif cost == best_cost:
            is_tied = True
    return -2 if is_tied else best_row


@kernel
def _is_out_of_checkers(board: Board) -> bool:
    """True when one side has none left."""
    own = False
    opponent = False
    for i in range(26):
        own = own or board[i] > 0
        opponent = opponent or board[i] < 0
    return not (own and opponent)


@kernel
def _execute(
    board: Board,
    dice: Dice,
    codes: Board,
    boards: Boards,
    afters: Boards,
    rows: Int64s,
    num_candidates: Int64s,
    statuses: Board,
    candidates: Boards,
    scratch: Board,
) -> int:
    """Play on from `board`, which is used up, until a roll cannot be resolved; gives the number of rolls tried."""
    trial = scratch[3]
    num_rolls: int = dice.shape[0]
    for t in range(num_rolls):
        if _is_out_of_checkers(board):
            statuses[t] = OVER
            return t + 1
        die1, die2 = dice[t, 0], dice[t, 1]
        count = generate(board, die1, die2, candidates, 0, scratch)
        is_dance = count == 1 and _row_of(candidates, 1, board) == 0
        kind = codes[t, 0]
        row = 0
        status = PLAYED
        if kind == LEGS:
            row = -1 if is_dance else _find_play(board, die1, die2, codes[t], candidates, count, trial)
            if row < 0:
                status = AMBIGUOUS if row == -2 else ILLEGAL
        elif kind in (BLANK, UNKNOWN, CANNOT_MOVE):
            status = DANCED if is_dance else COULD_MOVE if kind == CANNOT_MOVE else UNPLAYED
        else:
            status = UNUSABLE
        statuses[t] = status
        num_candidates[t] = count
        for i in range(26):
            boards[t, i] = board[i]
        if status > DANCED:
            return t + 1
        rows[t] = row
        for i in range(26):
            afters[t, i] = candidates[row, i]
        for i in range(26):
            board[i] = -afters[t, 25 - i]
    return num_rolls


@kernel
def _find_plays(
    board: Board,
    die1: int,
    die2: int,
    codes: Board,
    rows: Int64s,
    candidates: Boards,
    scratch: Board,
) -> None:
    """Fill rows[k] with the candidate that the legs of codes[k] lead to; see `_find_play`."""
    trial = scratch[3]
    count = generate(board, die1, die2, candidates, 0, scratch)
    for k in range(codes.shape[0]):
        rows[k] = -1
        if codes[k, 0] == LEGS:
            rows[k] = _find_play(board, die1, die2, codes[k], candidates, count, trial)


def find_rows(board: Board, dice: tuple[int, int], texts: Sequence[str]) -> Int64s:
    """The candidates that texts of plays mean, read as literally as a log.

    Args:
        board: int8[26] of the player on roll, a game that is not over.
        dice: 1..6, in either order.
        texts: K of them, in any dialect, single blanks between legs.

    Returns:
        int64[K], -1 for a play that is not legal or no play at all, -2 for one that could mean two.
    """
    codes = np.frombuffer(b"".join(map(encode_play, texts)), dtype=np.int8).reshape(-1, CODE_SIZE)
    rows = np.empty(len(texts), dtype=np.int64)
    candidates = np.empty((MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)
    scratch = np.empty((MAX_LEGS, NUM_LOCATIONS), dtype=np.int8)
    _find_plays(np.require(board, requirements=["C", "W"]), dice[0], dice[1], codes.copy(), rows, candidates, scratch)
    return rows


class Execution:
    """The chain of positions of one game, as far as it could be followed.

    Attributes:
        boards: int8[T, 26] before each roll, seen by the player on roll.
        afters: int8[T, 26] after each play, seen by the player who has just moved.
        rows: int64[T], the chosen candidate.
        num_candidates: int64[T].
        statuses: int8[T], PLAYED or DANCED but for the last one.
    """

    __slots__ = ("afters", "boards", "num_candidates", "rows", "statuses")

    def __init__(self, dice: Dice, codes: Board, start: Board = START) -> None:
        """Execute a game.

        Args:
            dice: int8[T, 2], 1..6, players in turn.
            codes: int8[T, CODE_SIZE] from `legs.encode_play`.
            start: int8[26] seen by the first to roll.
        """
        num_rolls = len(dice)
        self.boards = np.empty((num_rolls, NUM_LOCATIONS), dtype=np.int8)
        self.afters = np.zeros((num_rolls, NUM_LOCATIONS), dtype=np.int8)
        self.rows = np.zeros(num_rolls, dtype=np.int64)
        self.num_candidates = np.zeros(num_rolls, dtype=np.int64)
        self.statuses = np.zeros(num_rolls, dtype=np.int8)
        candidates = np.empty((MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)
        scratch = np.empty((MAX_LEGS, NUM_LOCATIONS), dtype=np.int8)
        done = _execute(
            start.copy(),
            dice,
            codes,
            self.boards,
            self.afters,
            self.rows,
            self.num_candidates,
            self.statuses,
            candidates,
            scratch,
        )
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[:done])
