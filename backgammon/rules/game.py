"""The one turn machine: whose turn it is, what may be done, and what comes next. Pure: state in, new state out.

Environment, log replay, terminal, duels and protocols all ask it; none decides by itself whose turn it is.
Seats are 0 and 1. `GameState.position` is always seen by the seat in `turn`.

    OPENING --open_game--> PLAY --play--> ROLL --roll_dice--> PLAY ...
                                           |--double--> DOUBLED --take--> ROLL (same turn)
                                           |                    --beaver--> ROLL (same turn)
                                           |                    --drop--> OVER
    play to the last checker, or resign in any stage: OVER
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from backgammon.rules.board import Board, Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll, make_roll
from backgammon.tools.errors import GameError

MAX_CUBE = 1 << 12
"""Largest cube that the ID formats can hold (log2 up to 12 is far beyond play)."""


class Stage(Enum):
    """What the game waits for."""

    OPENING = "opening roll"
    ROLL = "roll or double"
    PLAY = "play"
    DOUBLED = "take or drop"
    OVER = "over"


class Ending(Enum):
    """How a game ended."""

    BORNE_OFF = "borne off"
    DROP = "drop"
    RESIGNED = "resigned"


@dataclass(frozen=True)
class GameResult:
    """The end of a game.

    Attributes:
        winner: seat.
        size: 1 single, 2 gammon, 3 backgammon; 1 after a drop.
        cube: value of the cube that the size is multiplied by.
        ending: how it came about.
    """

    winner: int
    size: int
    cube: int
    ending: Ending

    @property
    def points(self) -> int:
        """Points that the winner gets, cube included."""
        return self.size * self.cube


@dataclass(frozen=True)
class GameState:
    """A game between two decisions.

    Attributes:
        position: seen by the seat in `turn`.
        turn: seat on roll (it keeps the turn while the other one answers a double).
        stage: what the game waits for.
        roll: the dice to play, in stage PLAY only.
        cube: value of the cube.
        cube_owner: seat that may double next, None when both may.
        has_cube: False in cubeless play and in the Crawford game.
        result: in stage OVER only.
    """

    position: Position
    turn: int = 0
    stage: Stage = Stage.OPENING
    roll: Roll | None = None
    cube: int = 1
    cube_owner: int | None = None
    has_cube: bool = True
    result: GameResult | None = None

    @property
    def seat_to_act(self) -> int:
        """The seat whose decision it is."""
        return 1 - self.turn if self.stage is Stage.DOUBLED else self.turn

    @property
    def is_over(self) -> bool:
        """True when the game has a result."""
        return self.stage is Stage.OVER

    @property
    def may_double(self) -> bool:
        """True when the seat on roll may turn the cube now."""
        owns = self.cube_owner in (None, self.turn)
        return self.stage is Stage.ROLL and self.has_cube and owns and self.cube < MAX_CUBE

    def decision(self) -> Decision:
        """The choice of a play that the roll offers.

        Raises:
            GameError: no dice are to be played.
        """
        return Decision.make(self.position, self._dice())

    def _dice(self) -> Roll:
        if self.stage is not Stage.PLAY or self.roll is None:
            raise GameError(f"no dice to play: the game waits for {self.stage.value}")
        return self.roll


def new_game(has_cube: bool = True, position: Position | None = None, turn: int | None = None) -> GameState:
    """A game at its start, or one set up with `position` seen by the seat `turn`, who rolls next.

    Raises:
        GameError: a set-up position that is over.
    """
    if position is None:
        return GameState(Position.start(), has_cube=has_cube)
    if position.is_over:
        raise GameError("the set-up position is over: one side has borne off every checker")
    return GameState(position, turn=turn or 0, stage=Stage.ROLL, has_cube=has_cube)


def open_game(state: GameState, die0: int, die1: int) -> GameState:
    """Each seat has thrown one die; the larger one starts and plays both.

    Raises:
        GameError: the game has begun, or the dice are equal (throw again).
    """
    _expect(state, Stage.OPENING)
    if die0 == die1:
        raise GameError(f"opening roll {die0}-{die1}: equal dice are thrown again")
    return replace(state, turn=0 if die0 > die1 else 1, stage=Stage.PLAY, roll=make_roll(die0, die1))


def roll_dice(state: GameState, die1: int, die2: int) -> GameState:
    """The seat on roll has thrown.

    Raises:
        GameError: it is not time to roll.
    """
    _expect(state, Stage.ROLL)
    return replace(state, stage=Stage.PLAY, roll=make_roll(die1, die2))


def play(state: GameState, after: Board) -> GameState:
    """The seat on roll leaves this board, int8[26] in its own view: one of the candidates (checked).

    Raises:
        GameError: no dice to play.
        IllegalPlay: no legal play of the roll leads there.
    """
    decision = state.decision()
    reached = Position(decision.candidates[decision.row_of(after)])
    size = reached.points_won
    if size:
        result = GameResult(state.turn, size, state.cube, Ending.BORNE_OFF)
        return replace(state, position=reached, stage=Stage.OVER, roll=None, result=result)
    return replace(state, position=reached.swap(), turn=1 - state.turn, stage=Stage.ROLL, roll=None)


def double(state: GameState) -> GameState:
    """The seat on roll offers to double.

    Raises:
        GameError: not before its roll, no cube in this game, or the other seat owns it.
    """
    _expect(state, Stage.ROLL)
    if not state.may_double:
        reason = "there is no cube in this game" if not state.has_cube else f"seat {1 - state.turn} owns the cube"
        raise GameError(f"seat {state.turn} cannot double: {reason}")
    return replace(state, stage=Stage.DOUBLED)


def take(state: GameState) -> GameState:
    """The doubled seat accepts, owns the cube at twice its value, and the doubler rolls.

    Raises:
        GameError: no double is on offer.
    """
    _expect(state, Stage.DOUBLED)
    return replace(state, stage=Stage.ROLL, cube=2 * state.cube, cube_owner=1 - state.turn)


def beaver(state: GameState) -> GameState:
    """The doubled seat doubles once more, owns the cube at four times its old value, and the doubler rolls.

    Raises:
        GameError: no double is on offer, or the cube shows too much for it.
    """
    _expect(state, Stage.DOUBLED)
    if 4 * state.cube > MAX_CUBE:
        raise GameError(f"no beaver: a cube shows {MAX_CUBE} at most")
    return replace(state, stage=Stage.ROLL, cube=4 * state.cube, cube_owner=1 - state.turn)


def raccoon(state: GameState) -> GameState:
    """The doubler answers a beaver by doubling yet again; the one who has beavered keeps the cube.

    Raises:
        GameError: no beaver came before this roll, or the cube shows too much for it.
    """
    _expect(state, Stage.ROLL)
    if state.cube_owner != 1 - state.turn or state.cube < 4:
        raise GameError("no raccoon: it answers a beaver, before the roll")
    if 2 * state.cube > MAX_CUBE:
        raise GameError(f"no raccoon: a cube shows {MAX_CUBE} at most")
    return replace(state, cube=2 * state.cube)


def drop(state: GameState) -> GameState:
    """The doubled seat gives up the game at the old value of the cube.

    Raises:
        GameError: no double is on offer.
    """
    _expect(state, Stage.DOUBLED)
    result = GameResult(state.turn, 1, state.cube, Ending.DROP)
    return replace(state, stage=Stage.OVER, result=result)


def resign(state: GameState, seat: int, size: int = 1) -> GameState:
    """A seat gives up a single game (1), gammon (2) or backgammon (3) at the value of the cube.

    Raises:
        GameError: the game is over, or not a size.
    """
    if state.is_over:
        raise GameError("the game is over")
    if size not in (1, 2, 3):
        raise GameError(f"resign {size}: give 1 for a single game, 2 for a gammon or 3 for a backgammon")
    result = GameResult(1 - seat, size, state.cube, Ending.RESIGNED)
    return replace(state, stage=Stage.OVER, roll=None, result=result)


def _expect(state: GameState, stage: Stage) -> None:
    if state.stage is not stage:
        raise GameError(f"the game waits for {state.stage.value}, not for {stage.value}")
