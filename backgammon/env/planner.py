"""For planners: one game with its chance nodes in the open, every step undone in one call.

A `Planner` is at a chance node (`is_chance`), at a decision, or over. It stands on the turn machine of
`rules.game` and keeps the states it came through, so `undo` and `clone` cost next to nothing. No Gymnasium here.

    planner = Planner.from_id("XGID=...")         or Planner() for the start
    for event, probability in planner.chance_outcomes(): ...
    planner.apply(Roll(3, 1)); planner.legal_afterstates(); planner.apply(row); planner.undo()
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.rules import game
from backgammon.rules.board import Board, Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS, Roll, make_roll
from backgammon.rules.game import GameState, Stage
from backgammon.table.arena.options import parse_set_up
from backgammon.tools.errors import GameError


class ChanceOutcome(NamedTuple):
    """One thing that chance can do.

    Attributes:
        roll: larger die first.
        seat: who is on roll then; told only by the opening roll, otherwise the seat whose turn it is.
        probability: of this outcome; those of a node sum to 1.
    """

    roll: Roll
    seat: int
    probability: float


class Planner:
    """A cubeless game to search in; the seats are 0 and 1.

    >>> planner = Planner()
    >>> len(planner.chance_outcomes())
    30
    >>> planner.apply(Roll(3, 1), seat=1)
    >>> len(planner.legal_afterstates())
    16
    >>> planner.apply(0)
    >>> planner.seat, planner.is_chance
    (0, True)
    >>> planner.undo()
    >>> planner.seat, planner.roll
    (1, Roll(high=3, low=1))
    """

    def __init__(self, position: Position | None = None, seat: int = 0, roll: Roll | tuple[int, int] | None = None):
        """The start of a game (opening roll to come), or `position` seen by the seat on roll.

        Args:
            position: where to begin; None for the starting position and its opening roll.
            seat: the seat on roll in `position`.
            roll: dice already thrown.

        Raises:
            GameError: the game is over in that position, a roll without a position, or not a seat.
            DiceError: impossible dice.
        """
        if seat not in (0, 1):
            raise GameError(f"seat {seat!r}: give 0 or 1")
        if position is None and roll is not None:
            raise GameError("an opening roll belongs to a seat: give the position as well, or apply(roll, seat=...)")
        state = game.new_game(has_cube=False, position=position, turn=seat)
        if roll is not None:
            state = game.roll_dice(state, *make_roll(*roll))
        self._states = [state]
        self._decisions: list[Decision | None] = [None]

    @classmethod
    def from_id(cls, text: str, dice: tuple[int, int] | None = None) -> Planner:
        """A planner at an XGID (bottom player: seat 0) or a GNU Position ID (player on roll: seat 0).

        Args:
            text: the ID.
            dice: the roll to play; None takes that of the XGID, if it has one.

        Raises:
            IdError: the ID cannot be decoded; the message says what is wrong with it.
            PositionError: the game is over in that position.
            DiceError: impossible dice.
        """
        set_up = parse_set_up({"position": text, "dice": dice})
        assert set_up is not None, "a position was given"
        return cls(set_up.position, set_up.seat or 0, set_up.roll)

    @property
    def state(self) -> GameState:
        """The immutable state of `backgammon.rules.game`."""
        return self._states[-1]

    @property
    def position(self) -> Position:
        """Seen by the seat on roll; when the game is over, by the winner."""
        return self.state.position

    @property
    def seat(self) -> int:
        """The seat on roll; when the game is over, the winner; 0 before the opening roll."""
        return self.state.turn

    @property
    def roll(self) -> Roll | None:
        """The dice to play, None at a chance node or when the game is over."""
        return self.state.roll

    @property
    def is_chance(self) -> bool:
        """True when dice are to be thrown."""
        return self.state.stage in (Stage.OPENING, Stage.ROLL)

    @property
    def is_over(self) -> bool:
        """True when a seat has borne off every checker."""
        return self.state.is_over

    @property
    def points(self) -> int:
        """Points of seat 0: +-1, 2, 3 when the game is over, else 0."""
        result = self.state.result
        if result is None:
            return 0
        return result.points if result.winner == 0 else -result.points

    def chance_outcomes(self) -> list[ChanceOutcome]:
        """Everything the dice can do: 30 opening outcomes (15 rolls, either seat), otherwise the 21 rolls.

        Raises:
            GameError: no dice are to be thrown.
        """
        if not self.is_chance:
            raise GameError(f"no dice are to be thrown: the game waits for {self.state.stage.value}")
        if self.state.stage is Stage.OPENING:
            return [ChanceOutcome(roll, seat, 1 / 30) for seat in (0, 1) for roll in ROLLS if not roll.is_double]
        seat = self.seat
        return [ChanceOutcome(roll, seat, p) for roll, p in zip(ROLLS, ROLL_PROBABILITIES, strict=True)]

    def legal_afterstates(self, dice: Roll | tuple[int, int] | None = None) -> Board:
        """int8[N, 26], the candidates in canonical order, seen by the seat on roll; read-only.

        Args:
            dice: the roll to ask about; None takes the one that has been thrown.

        Raises:
            GameError: the game is over, or no dice have been thrown and none are given.
            DiceError: impossible dice.
        """
        if dice is not None:
            if self.is_over:
                raise GameError("the game is over: there is nothing to play")
            return Decision.make(self.position, dice).candidates
        return self._decision().candidates

    def apply(self, event: Roll | tuple[int, int] | int, seat: int | None = None) -> None:
        """Throw these dice (a pair), or play this row of `legal_afterstates` (a number).

        Args:
            event: at a chance node the dice, at a decision the row.
            seat: with the opening roll, who won it.

        Raises:
            GameError: dice where a play is due or the other way round; an opening roll without a seat or of equal dice.
            IllegalPlay: there is no such row.
            DiceError: impossible dice.
        """
        if isinstance(event, tuple):
            after = self._thrown(make_roll(*event), seat)
        elif isinstance(event, (int, np.integer)) and not isinstance(event, bool):
            decision = self._decision().choose(int(event))
            after = game.play(self.state, decision.candidates[int(event)])
        else:
            raise GameError(f"apply {event!r}: give a pair of dice or the number of a row")
        self._states.append(after)
        self._decisions.append(None)

    def undo(self) -> None:
        """Take back the last `apply`.

        Raises:
            GameError: there is nothing to take back.
        """
        if len(self._states) == 1:
            raise GameError("there is nothing to undo")
        self._states.pop()
        self._decisions.pop()

    def clone(self) -> Planner:
        """An independent planner in the same state with the same past."""
        other = Planner.__new__(Planner)
        other._states = self._states.copy()
        other._decisions = self._decisions.copy()
        return other

    def _thrown(self, roll: Roll, seat: int | None) -> GameState:
        if self.state.stage is Stage.OPENING:
            if seat not in (0, 1):
                raise GameError("the opening roll: say with seat=0 or seat=1 who won it")
            return game.open_game(self.state, *(roll if seat == 0 else roll[::-1]))
        if seat not in (None, self.seat):
            raise GameError(f"seat {seat} cannot roll: it is the turn of seat {self.seat}")
        return game.roll_dice(self.state, *roll)

    def _decision(self) -> Decision:
        """The decision of this node, made once."""
        decision = self._decisions[-1]
        if decision is None:
            decision = self.state.decision()
            self._decisions[-1] = decision
        return decision
