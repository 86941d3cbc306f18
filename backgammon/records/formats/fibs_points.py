"""Plays in FIBS's absolute points, "17-21 bar-3 22-off": one player goes up and the other down.

Who goes which way may change from game to game, so each game is turned to its movers' own numbers when it is known to
its end, by the first move that tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from backgammon.records.record.record import Action, GameRecord, RollAction

_MOVE = re.compile(r"(bar|[0-9]{1,2})-(off|[0-9]{1,2})", re.IGNORECASE)

Moves = list[tuple[str, str]]
"""(from, to) as written."""


@dataclass
class OpenGame:
    """The game that is being read.

    Attributes:
        number: counted from 1.
        line: of the file where it begins.
        scores: by seat before it.
        actions: so far; the plays of rolls come with `finish`.
        moves: (index of an entry that is a roll, its moves).
        cube: its value.
        is_over: a winner has been named.
    """

    number: int
    line: int
    scores: tuple[int, int]
    actions: list[Action] = field(default_factory=list)
    moves: list[tuple[int, Moves]] = field(default_factory=list)
    cube: int = 1
    is_over: bool = False

    def finish(self) -> GameRecord:
        """The game as a record without names, its plays in the movers' own numbers."""
        rising = self._rising_seat()
        for index, moves in self.moves:
            roll = self.actions[index]
            if isinstance(roll, RollAction):
                play = " ".join(_turned(move, roll.seat == rising) for move in moves)
                self.actions[index] = replace(roll, play=play)
        return GameRecord(self.number, ("", ""), self.scores, tuple(self.actions), self.line)

    def _rising_seat(self) -> int:
        """The seat whose moves go from low points to high ones, by the first move that tells."""
        for index, moves in self.moves:
            for source, target in moves:
                if source.isdigit() and target.isdigit() and source != target:
                    seat = self.actions[index].seat
                    return seat if int(source) < int(target) else 1 - seat
        return 0


def read_moves(text: str) -> Moves | None:
    """The moves of a play; None for a text that is none."""
    words = text.split()
    moves = [found for word in words if (found := _MOVE.fullmatch(word))]
    if len(moves) != len(words) or not 1 <= len(moves) <= 4:
        return None
    return [(found[1].lower(), found[2].lower()) for found in moves]


def _turned(move: tuple[str, str], is_rising: bool) -> str:
    """A move in the mover's own numbers."""
    points = [
        str(25 - int(point)) if is_rising and point.isdigit() and 1 <= int(point) <= 24 else point for point in move
    ]
    return "/".join(points)
