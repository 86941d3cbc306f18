"""Every roll of a replayed game, dances included, with the cube as it stood; and what was done with the cube.

Axis legend: R rolls of a game that can be followed; a roll that was not played, and everything behind it, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import CENTRED, MatchId
from backgammon.records.record.annotation import Notes
from backgammon.records.record.record import BeaverAction, DoubleAction, DropAction, GameRecord, RollAction, TakeAction
from backgammon.records.replay.replay import ReplayedGame
from backgammon.rules.board import START, Board, Position, swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Int8s, Int64s

CUBE_WORDS: dict[type, str] = {
    DoubleAction: "doubles",
    TakeAction: "takes",
    DropAction: "drops",
    BeaverAction: "turns the cube once more",
}


@dataclass(frozen=True)
class CubeEvent:
    """Something that was done with the cube.

    Attributes:
        seat: who did it.
        word: what, in words.
        cube: its value afterwards.
        roll: rolls of the game before it.
        position: of the player on roll.
        identifier: the position with cube and score, before the roll.
    """

    seat: int
    word: str
    cube: int
    roll: int
    position: Position
    identifier: IdentifiedPosition


@dataclass(frozen=True, eq=False)
class GameRolls:
    """The rolls of a game in order.

    Attributes:
        decisions: R of them, with what was played; all of one unit.
        seats: int8[R].
        cubes: int64[R], value of the cube when the dice were thrown.
        owners: int64[R], seat that owns the cube, -1 when it is centred.
        has_opening: the first roll is the opening roll of an ordinary game.
        events: what was done with the cube.
        notes: what an analysing program wrote beside each roll, in the file; empty where nothing was collected.
    """

    decisions: Decisions
    seats: Int8s
    cubes: Int64s
    owners: Int64s
    has_opening: bool
    events: tuple[CubeEvent, ...]
    notes: tuple[Notes | None, ...] = ()

    def __len__(self) -> int:
        return len(self.decisions)


def collect_rolls(record: GameRecord, replayed: ReplayedGame) -> GameRolls:
    """Join what the record says of a game with what its replay knows."""
    walk = _Walk(record, replayed)
    for action in record.actions:
        if isinstance(action, RollAction):
            if not walk.take_roll(action):
                break
        elif isinstance(action, DoubleAction | TakeAction | DropAction | BeaverAction):
            walk.take_cube(action)
    return walk.finish()


class _Walk:
    """The game up to an entry of its record."""

    def __init__(self, record: GameRecord, replayed: ReplayedGame) -> None:
        self._replayed = replayed
        self._plays = {int(turn): i for i, turn in enumerate(replayed.turns)}
        self._num_rolls = 0
        start = record.start
        self._has_opening = start is None or start.is_usual
        self._cube = 1 if start is None else start.cube
        self._owner = CENTRED if start is None or start.cube_owner is None else start.cube_owner
        self._offered = self._cube
        self._start = start
        self._next: tuple[int, Board] | None = None  # (seat on roll, board in its view) behind the first roll
        self._rows: list[tuple[Board, list[int], int, int, int, int]] = []
        self._events: list[CubeEvent] = []
        self._notes: list[Notes | None] = []

    def take_roll(self, action: RollAction) -> bool:
        """The next roll; False when it cannot be followed."""
        index = self._plays.get(self._num_rolls)
        self._num_rolls += 1
        if index is None:
            return self._take_dance(action)
        replayed = self._replayed
        self._enter(
            replayed.plays.boards[index],
            replayed.plays.dice[index].tolist(),
            int(replayed.plays.chosen_rows[index]),
            int(replayed.seats[index]),
        )
        self._notes.append(action.notes)
        self._next = 1 - int(replayed.seats[index]), swap(replayed.plays.afters[index])
        return True

    def _take_dance(self, action: RollAction) -> bool:
        """A roll without a play: a dance, or not played though it could have been."""
        if action.roll is None:
            return False
        board = self._board_of(action.seat)
        dice = sorted(action.roll, reverse=True)
        if not (board > 0).any() or not (board < 0).any():
            return False
        candidates, _ = legal_candidates(board[None], np.array([dice], dtype=np.int8))
        if len(candidates) > 1 or not np.array_equal(candidates[0], board):
            return False
        self._enter(board, dice, 0, action.seat)
        self._notes.append(action.notes)
        self._next = 1 - action.seat, swap(board)
        return True

    def take_cube(self, action: DoubleAction | TakeAction | DropAction | BeaverAction) -> None:
        """Something that is done with the cube before the next roll."""
        on_roll = action.seat if isinstance(action, DoubleAction) else 1 - action.seat
        position = Position(self._board_of(on_roll))
        identifier = self._identify(position, on_roll)
        if isinstance(action, DoubleAction):
            self._offered = action.cube
        elif isinstance(action, BeaverAction):
            self._offered *= 2
        if isinstance(action, TakeAction | BeaverAction):
            self._cube, self._owner = self._offered, action.seat
        shown = self._offered if isinstance(action, DoubleAction) else self._cube
        word = CUBE_WORDS[type(action)]
        self._events.append(CubeEvent(action.seat, word, shown, self._num_rolls, position, identifier))

    def _identify(self, position: Position, on_roll: int) -> IdentifiedPosition:
        score = self._replayed.score
        return IdentifiedPosition(
            position,
            MatchId(
                cube=self._cube,
                cube_owner=self._owner,
                on_roll=on_roll,
                turn=on_roll,
                crawford=score.is_crawford,
                length=score.length,
                scores=score.points,
            ),
        )

    def _board_of(self, seat: int) -> Board:
        """The board as it stands, in the view of a seat."""
        if self._next is not None:
            on_roll, board = self._next
            return board if on_roll == seat else swap(board)
        if self._start is None:
            return START
        return self._start.seen_by(seat).board

    def _enter(self, board: Board, dice: list[int], row: int, seat: int) -> None:
        self._rows.append((board, dice, row, seat, self._cube, self._owner))

    def finish(self) -> GameRolls:
        """Everything taken in so far."""
        columns = list(zip(*self._rows, strict=True)) or [()] * 6
        decisions = Decisions.make(
            np.array(columns[0], dtype=np.int8).reshape(-1, len(START)),
            np.array(columns[1], dtype=np.int8).reshape(-1, 2),
            np.array(columns[2], dtype=np.int64),
            np.zeros(len(columns[2]), dtype=np.int64),
        )
        return GameRolls(
            decisions,
            seats=np.array(columns[3], dtype=np.int8),
            cubes=np.array(columns[4], dtype=np.int64),
            owners=np.array(columns[5], dtype=np.int64),
            has_opening=self._has_opening,
            events=tuple(self._events),
            notes=tuple(self._notes),
        )
