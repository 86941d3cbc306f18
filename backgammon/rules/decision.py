"""The typed face of the move generator: moves, plays, and the `Decision` that the whole project passes around.

A move is one checker by one die; a play is all moves of a turn; a candidate is a distinct position after a legal play.
Points are numbered from the mover's side: 25 the bar, 24..1, and 0 for off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from backgammon.rules import drawing
from backgammon.rules.board import BAR, HOME, Board, Position
from backgammon.rules.dice import Roll, make_roll
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards
from backgammon.tools.errors import IllegalPlay


class Move(NamedTuple):
    """One checker moved by one die; target 0 bears it off."""

    source: int
    target: int
    is_hit: bool


Play = tuple[Move, ...]
"""The moves of a turn in the order they are made; empty when the roll cannot be played."""


def single_moves(board: Board, die: int) -> list[Move]:
    """Every way to play one die now, sources from the bar down. board: int8[26] of the mover."""
    counts = board.tolist()
    all_home = max(counts[HOME + 1 :]) <= 0
    sources = [BAR] if counts[BAR] > 0 else [s for s in range(24, 0, -1) if counts[s] > 0]
    moves = []
    for source in sources:
        target = source - die
        if target >= 1:
            if counts[target] >= -1:
                moves.append(Move(source, target, counts[target] == -1))
        elif all_home and (target == 0 or source == sources[0]):
            moves.append(Move(source, 0, False))
    return moves


def move_in_place(board: list[int] | Board, source: int, target: int) -> bool:
    """Move one checker on 26 counts; legality is not checked. Its compiled twin is `movegen.shift_checker`.

    Args:
        board: seen by the mover; changed.
        source: 1..24, or 25 for the bar.
        target: 24..1, or 0 to bear off.

    Returns:
        Whether a checker was hit.
    """
    board[source] -= 1
    if target == 0:
        return False
    is_hit = bool(board[target] == -1)
    if is_hit:
        board[target] = 0
        board[0] -= 1
    board[target] += 1
    return is_hit


def apply_move(board: Board, move: Move) -> Board:
    """The board after one move, a new int8[26]; legality is not checked."""
    after = board.copy()
    move_in_place(after, move.source, move.target)
    return after


@dataclass(frozen=True, eq=False)
class Decision:
    """A position, a roll, and every candidate; `chosen` is the row that was played, once known.

    Attributes:
        position: seen by the player on roll.
        roll: larger die first.
        candidates: int8[N, 26], N >= 1, read-only, canonical order, seen by the player who has just moved.
        chosen: row of `candidates`, or None.
    """

    position: Position
    roll: Roll
    candidates: Boards
    chosen: int | None = None

    @classmethod
    def make(cls, position: Position, roll: Roll | tuple[int, int]) -> Decision:
        """The decision that the roll offers.

        Raises:
            PositionError: the game is over in this position.
            DiceError: impossible dice.
        """
        checked = make_roll(*roll)
        candidates, _ = legal_candidates(position.board[None], np.array([checked], dtype=np.int8))
        candidates.setflags(write=False)
        return cls(position, checked, candidates)

    def _repr_svg_(self) -> str | None:
        """The picture that a notebook shows: the position and the dice."""
        return drawing.draw(self.position.board, self.roll)

    @property
    def is_dance(self) -> bool:
        """True when no checker can move: the only candidate is the unchanged position."""
        return len(self.candidates) == 1 and self.candidates[0].tobytes() == self.position.key

    @property
    def is_forced(self) -> bool:
        """True when there is nothing to choose."""
        return len(self.candidates) == 1

    def row_of(self, after: Board) -> int:
        """Row of the candidate equal to `after` (int8[26], seen by the player who has just moved).

        Raises:
            IllegalPlay: no legal play leads there.
        """
        row = self._rows.get(np.ascontiguousarray(after, dtype=np.int8).tobytes())
        if row is None:
            raise IllegalPlay(f"no legal play of {self.roll} leads to that position")
        return row

    def choose(self, row: int) -> Decision:
        """The same decision with the chosen row filled in.

        Raises:
            IllegalPlay: there is no such row.
        """
        if not 0 <= row < len(self.candidates):
            raise IllegalPlay(f"candidate {row} does not exist: this roll has {len(self.candidates)}")
        return Decision(self.position, self.roll, self.candidates, row)

    @cached_property
    def _rows(self) -> dict[bytes, int]:
        return {candidate.tobytes(): row for row, candidate in enumerate(self.candidates)}

    @cached_property
    def plays(self) -> list[Play]:
        """One play for each candidate, aligned with `candidates`: the first in canonical order."""
        found = self._find_plays(self._rows)
        return [found[candidate.tobytes()] for candidate in self.candidates]

    def play_of(self, row: int) -> Play:
        """`plays[row]` alone, which is found sooner."""
        if "plays" in vars(self):
            return self.plays[row]
        key = self.candidates[row].tobytes()
        return self._find_plays({key: row})[key]

    def _find_plays(self, wanted: dict[bytes, int]) -> dict[bytes, Play]:
        """The first play, in canonical order, to each of the wanted candidates."""
        found: dict[bytes, Play] = {}
        high, low = self.roll
        for sequence in [(high,) * 4] if high == low else [(high, low), (low, high)]:
            _collect_plays(self.position.board, sequence, (), wanted, found)
        return found


def _collect_plays(
    board: Board, dice: tuple[int, ...], made: Play, wanted: dict[bytes, int], found: dict[bytes, Play]
) -> None:
    """Depth-first walk that keeps the first play for every wanted result, and ends when it has them all."""
    moves = single_moves(board, dice[0]) if dice else []
    is_double = len(dice) + len(made) == 4
    for move in moves:
        if len(found) == len(wanted):
            return
        if is_double and made and move.source > made[-1].source:
            continue  # the same moves in falling order came first
        _collect_plays(apply_move(board, move), dice[1:], (*made, move), wanted, found)
    key = board.tobytes()
    if not moves and key in wanted:
        found.setdefault(key, made)
