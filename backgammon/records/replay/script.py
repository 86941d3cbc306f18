"""The order of events in a game record: which rolls can be executed, where the record breaks, who is said to have won.

Positions play no part here. Turns must alternate; what may be done with the cube is asked of the turn machine in
`game`, but a cube action that it refuses only gives a warning: the plays around it are still good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.replay.legs import BLANK, UNKNOWN, encode_play
from backgammon.rules.game import MAX_CUBE, GameState, Stage, double, drop, new_game, take
from backgammon.tools.errors import GameError


@dataclass(frozen=True)
class Break:
    """From here on a game cannot be followed.

    Attributes:
        index: rolls of the game before it.
        action: the entry that cannot be used.
        reason: why.
    """

    index: int
    action: Action
    reason: str


@dataclass
class GameScript:
    """A game record put in order.

    Attributes:
        rolls: every roll, executable or not.
        num_executable: how many from the first on have dice and come in turn.
        broken: the first entry that cannot be used, if any.
        cube: value of the cube at the end.
        dropped_by: seat that refused a double.
        resigned: the seat that says it gave up and the points it says it lost.
        result: the line that says who won; behind a break neither is believed, for columns may be wrong there.
        warnings: (entry, what is odd about it).
    """

    rolls: list[RollAction] = field(default_factory=list)
    num_executable: int = 0
    broken: Break | None = None
    cube: int = 1
    dropped_by: int | None = None
    resigned: ResignAction | None = None
    result: ResultAction | None = None
    warnings: list[tuple[Action, str]] = field(default_factory=list)


def has_no_play(roll: RollAction) -> bool:
    """True when nothing stands behind the dice, or only question marks."""
    return encode_play(roll.play)[0] in (BLANK, UNKNOWN)


def order_events(game: GameRecord, has_cube: bool = True) -> GameScript:
    """Put the entries of a game in order.

    Args:
        game: as read.
        has_cube: False in the Crawford game.
    """
    walk = _Walk(_state_before(game, has_cube))
    for action in game.actions:
        walk.take_in(action)
    return walk.finish()


def refuse_game(game: GameRecord, reason: str) -> GameScript:
    """The script of a game in which nothing counts, because what it begins with cannot be."""
    script = GameScript(rolls=[action for action in game.actions if isinstance(action, RollAction)])
    line = UnreadableAction(0, f"{game.scores[0]}-{game.scores[1]}", line=game.line)
    script.broken = Break(0, line, f"is refused: {reason}")
    return script


def _state_before(game: GameRecord, has_cube: bool) -> GameState:
    """The game before its first entry; only the cube matters here."""
    state = new_game(has_cube)
    if game.start is None:
        return state
    return replace(state, cube=game.start.cube, cube_owner=game.start.cube_owner)


class _Walk:
    """The game up to an entry: whose turn, the cube, and whether it is over."""

    def __init__(self, state: GameState) -> None:
        self._script = GameScript()
        self._state = state
        self._last_seat: int | None = None
        self._is_over = False
        self._is_stopped = False
        self._is_beavered = False

    def take_in(self, action: Action) -> None:
        """Go past the next entry."""
        script = self._script
        match action:
            case RollAction():
                self._roll(action)
                script.rolls.append(action)
            case ResultAction():
                self._is_over = True
                if script.broken is None:
                    script.result = script.result or action
            case ResignAction():
                self._is_over = True
                if script.broken is None:
                    script.resigned = script.resigned or action
            case UnreadableAction(text=text):
                self._break(action, f"is not understood{'' if text else ': empty entry'}")
            case _ if script.broken is None:
                self._turn_cube(action)

    def finish(self) -> GameScript:
        """The whole game."""
        self._script.cube = self._state.cube
        if not self._is_stopped:
            self._script.num_executable = len(self._script.rolls)
        return self._script

    def _roll(self, action: RollAction) -> None:
        if self._is_over:
            self._break(action, "comes after the end of the game")
        elif self._is_stopped:
            if not has_no_play(action):
                self._break(action, "follows a roll that was not played")
        elif action.roll is None:
            if has_no_play(action):
                self._stop()
            else:
                self._break(action, "is a play without dice")
        elif action.seat == self._last_seat:
            self._break(action, "is a second roll of the same player in succession")
        self._last_seat = action.seat
        if self._state.stage is Stage.DOUBLED and not self._is_stopped:
            self._warn(action, "comes before an answer to the double, which is read as taken")
            self._state = take(self._state)

    def _stop(self) -> None:
        """No roll from the next one on can be executed."""
        if not self._is_stopped:
            self._is_stopped = True
            self._script.num_executable = len(self._script.rolls)

    def _break(self, action: Action, reason: str) -> None:
        self._stop()
        if self._script.broken is None:
            self._script.broken = Break(len(self._script.rolls), action, reason)

    def _warn(self, action: Action, text: str) -> None:
        if self._script.broken is None:
            self._script.warnings.append((action, text))

    def _turn_cube(self, action: Action) -> None:
        """A cube action; one that the rules refuse is noted and done all the same."""
        state = self._state
        if self._is_over:
            self._warn(action, "comes after the end of the game")
            return
        match action:
            case DoubleAction(cube=cube):
                if action.seat == self._last_seat:
                    self._warn(action, "doubles although the other player is on roll")
                on_roll = replace(state, turn=action.seat, stage=Stage.ROLL)
                self._state = self._try(double, on_roll, action, replace(on_roll, stage=Stage.DOUBLED))
                if cube != 2 * state.cube:
                    self._warn(action, f"turns the cube from {state.cube} to {cube}")
                    is_cube = 2 <= cube <= MAX_CUBE and cube & (cube - 1) == 0
                    self._state = replace(self._state, cube=cube // 2 if is_cube else state.cube)
            case TakeAction():
                self._check_answer(action)
                if not self._is_beavered:
                    self._state = self._try(take, state, action, state)
            case DropAction():
                self._check_answer(action)
                self._is_over = True
                self._script.dropped_by = 1 - state.turn if state.stage is Stage.DOUBLED else action.seat
                self._try(drop, state, action, state)
            case BeaverAction() if self._is_beavered and state.stage is not Stage.DOUBLED:
                self._state = replace(
                    state, cube=min(2 * state.cube, MAX_CUBE)
                )  # a raccoon: the cube stays where it is
            case BeaverAction():
                turned = min(2 * state.cube, MAX_CUBE)
                taken = take(state) if state.stage is Stage.DOUBLED else state
                self._state = replace(taken, cube=min(2 * turned, MAX_CUBE), cube_owner=action.seat)
        self._is_beavered = isinstance(action, BeaverAction)

    def _check_answer(self, action: Action) -> None:
        if self._state.stage is Stage.DOUBLED and action.seat == self._state.turn:
            self._warn(action, "answers a double of the same player")

    def _try(
        self, act: Callable[[GameState], GameState], state: GameState, action: Action, otherwise: GameState
    ) -> GameState:
        """The state after the action, or `otherwise` with a warning when the rules refuse it."""
        try:
            return act(state)
        except GameError as error:
            self._warn(action, f"is against the rules ({error})")
            return otherwise
