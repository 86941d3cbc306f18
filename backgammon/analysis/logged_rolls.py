"""Every roll of a replayed game, dances included, with the cube as it stood; and what was done with the cube.

Axis legend: R rolls of a game that can be followed; a roll that was not played, and everything behind it, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backgammon.cube.stakes import Stakes, stakes_of_match_id
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import CENTRED, MatchId
from backgammon.records.record.annotation import Notes
from backgammon.records.record.record import (
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    RollAction,
    TakeAction,
)
from backgammon.records.replay.replay import ReplayedGame
from backgammon.rules.board import START, Board, Position, swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.match import MatchScore
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Bools, Int8s, Int64s

_CUBE_ACTIONS: dict[type, str] = {
    DoubleAction: "double",
    TakeAction: "take",
    DropAction: "pass",
    BeaverAction: "beaver",
}
CUBE_WORDS = {"double": "doubles", "take": "takes", "pass": "drops", "beaver": "turns the cube once more"}
"""What somebody does with the cube, in words; a raccoon is a beaver of the doubler."""


@dataclass(frozen=True)
class CubeUse:
    """How the cube is used, as far as a log says so.

    Attributes:
        has_jacoby: gammons count single while the cube is centred (money play only).
        has_beavers: who is doubled may redouble at once and keep the cube (money play only).
        has_cube: there is a cube, or a match to 1 point that has no use for one.
    """

    has_jacoby: bool = False
    has_beavers: bool = False
    has_cube: bool = True


USUAL_CUBE = CubeUse()
_MONEY = MatchScore()


def cube_use(record: MatchRecord) -> CubeUse:
    """What a log states; Jacoby rule and beavers that it does not mention are not in use."""
    has_cube = record.header("CubeLimit") != "1" or record.length == 1
    if not record.is_unlimited:
        return CubeUse(has_cube=has_cube)
    stated = {name: record.header(name).casefold() for name in ("Jacoby", "Beaver", "Beavers")}
    has_beavers = any(stated[name] not in ("", "off", "0", "no") for name in ("Beaver", "Beavers"))
    return CubeUse(stated["Jacoby"] == "on", has_beavers, has_cube)


@dataclass(frozen=True)
class CubeEvent:
    """Something that was done with the cube.

    Attributes:
        seat: who did it.
        action: a key of CUBE_WORDS.
        cube: its value afterwards.
        roll: rolls of the game before it.
        position: of the player on roll, who has doubled.
        identifier: the position with score, and with the cube as it stood before the double.
        notes: what another program wrote about it in the file.
    """

    seat: int
    action: str
    cube: int
    roll: int
    position: Position
    identifier: IdentifiedPosition
    notes: Notes | None = None


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
        score: before the game.
        rules: how the cube is used.
        notes: what an analysing program wrote beside each roll, in the file; empty where nothing was collected.
    """

    decisions: Decisions
    seats: Int8s
    cubes: Int64s
    owners: Int64s
    has_opening: bool
    events: tuple[CubeEvent, ...]
    score: MatchScore = _MONEY
    rules: CubeUse = USUAL_CUBE
    notes: tuple[Notes | None, ...] = ()

    def __len__(self) -> int:
        return len(self.decisions)

    @property
    def is_opening(self) -> Bools:
        """bool[R], the opening roll, which also says who starts."""
        found = np.zeros(len(self), dtype=np.bool_)
        found[:1] = self.has_opening
        return found

    def identify(self, index: int) -> IdentifiedPosition:
        """The position before a roll with its dice, the cube and the score."""
        seat, decision = int(self.seats[index]), self.decisions.one(index)
        match = _match_id(self.score, self.rules, seat, int(self.cubes[index]), int(self.owners[index]))
        return IdentifiedPosition(decision.position, replace(match, dice=decision.roll))

    def stakes(self, index: int) -> Stakes:
        """What a roll was played for, seen by who rolled.

        Raises:
            StakesError: the log tells of a score or cube that cannot be.
        """
        return stakes_of(self.identify(index).match, self.rules)

    def notes_of(self, index: int) -> Notes | None:
        """What an analysing program wrote beside a roll."""
        return self.notes[index] if self.notes else None


def stakes_of(match: MatchId, rules: CubeUse) -> Stakes:
    """The stakes of a position of a log; in money play the points won so far do not matter.

    Raises:
        StakesError: they cannot be.
    """
    stakes = stakes_of_match_id(match)
    return stakes if stakes.is_match else replace(stakes, score=(0, 0), has_beavers=rules.has_beavers)


def _match_id(score: MatchScore, rules: CubeUse, seat: int, cube: int, owner: int) -> MatchId:
    """Before a roll of `seat`."""
    return MatchId(
        cube=cube,
        cube_owner=owner,
        on_roll=seat,
        turn=seat,
        crawford=score.is_crawford,
        length=score.length,
        scores=score.points,
        jacoby=rules.has_jacoby,
    )


def collect_rolls(record: GameRecord, replayed: ReplayedGame, rules: CubeUse = USUAL_CUBE) -> GameRolls:
    """Join what the record says of a game with what its replay knows."""
    walk = _Walk(record, replayed, rules)
    for action in record.actions:
        if isinstance(action, RollAction):
            if not walk.take_roll(action):
                break
        elif isinstance(action, DoubleAction | TakeAction | DropAction | BeaverAction):
            walk.take_cube(action)
    return walk.finish()


class _Walk:
    """The game up to an entry of its record."""

    def __init__(self, record: GameRecord, replayed: ReplayedGame, rules: CubeUse) -> None:
        self._replayed = replayed
        self._rules = rules
        self._plays = {int(turn): i for i, turn in enumerate(replayed.turns)}
        self._num_rolls = 0
        start = record.start
        self._has_opening = start is None or start.is_usual
        self._cube = 1 if start is None else start.cube
        self._owner = CENTRED if start is None or start.cube_owner is None else start.cube_owner
        self._offered = self._cube
        self._before = self._cube, self._owner
        self._doubler = 0
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
        if isinstance(action, DoubleAction):
            self._doubler, self._before, self._offered = action.seat, (self._cube, self._owner), action.cube
        elif isinstance(action, BeaverAction):
            self._offered *= 2  # by either player: the doubler's is a raccoon
        else:
            self._doubler = 1 - action.seat
        position = Position(self._board_of(self._doubler))
        match = _match_id(self._replayed.score, self._rules, self._doubler, *self._before)
        if not isinstance(action, DoubleAction):
            match = replace(match, turn=1 - self._doubler, doubled=True)
        if isinstance(action, TakeAction | BeaverAction):
            self._cube, self._owner = self._offered, 1 - self._doubler
        shown = self._offered if isinstance(action, DoubleAction) else self._cube
        identifier = IdentifiedPosition(position, match)
        kind = _CUBE_ACTIONS[type(action)]
        event = CubeEvent(action.seat, kind, shown, self._num_rolls, position, identifier, action.notes)
        self._events.append(event)

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
            score=self._replayed.score,
            rules=self._rules,
            notes=tuple(self._notes),
        )
