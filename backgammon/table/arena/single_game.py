"""One game of whole turns with what a table needs besides plays: typed dice, resignation, and the way back.

It is `PlayGames` with a single game of self-play, so with the same key and the same plays it goes exactly as
`BackgammonTurn-v0` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.evaluation.player import Player
from backgammon.rules.board import Board
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll
from backgammon.table.arena import turns
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.options import Rules
from backgammon.table.arena.play_games import PlayGames
from backgammon.table.arena.turns import Clocks, Registers

_GAME = np.zeros(1, dtype=np.int64)


class Moment(NamedTuple):
    """The whole state of a game: board int8[1, 26], registers int8[1, 9] and clocks uint64[1, 3], see `turns`."""

    board: Board
    registers: Registers
    clocks: Clocks


class SingleGame(PlayGames):
    """One game, or one match, in which the caller decides for both seats.

    >>> from backgammon.tools.stream import key_of_seed
    >>> game = SingleGame()
    >>> game.seed(np.array([key_of_seed(7)]))
    >>> game.start(None)
    >>> game.seat(), game.roll(), len(game.decision().candidates)
    (1, Roll(high=4, low=2), 18)
    >>> game.play(0)
    >>> game.seat()
    0
    """

    def __init__(self, match_length: int = 0) -> None:
        """A game that has not begun: give it a key with `seed`, then `start`.

        Args:
            match_length: points that win the match, which is the episode then; 0 for single games.

        Raises:
            ConfigError: no such length.
        """
        rules = Rules("match", match_length, "raise") if match_length else Rules("points", illegal="raise")
        super().__init__(1, resolve_opponent("self"), rules)

    def decision(self) -> Decision:
        """The choice of the seat on roll; of a game that is over, its final position."""
        candidates = self.candidates.copy()
        candidates.setflags(write=False)
        return Decision(self.position(), self.roll(), candidates)

    def choice_of(self, player: Player) -> int:
        """The row that a player chooses for the seat on roll.

        Raises:
            GameError: there is no such row.
        """
        return int(self.ask_checked(player, _GAME)[0])

    def play(self, row: int) -> None:
        """The seat on roll plays a candidate; a match goes on with its next game.

        Raises:
            IllegalPlay: there is no such row.
            GameError: no game has begun.
        """
        self.step(np.array([row]))

    def put_dice(self, roll: Roll, seat: int | None = None) -> None:
        """Replace the dice of this turn; after an opening roll `seat` says who won it."""
        if seat is not None:
            self.registers[0, turns.SEAT] = seat
        turns.set_dice(self.registers, 0, roll.high, roll.low)
        self._refresh()

    def resign(self, seat: int, points: int) -> None:
        """A seat gives up the game in play for 1, 2 or 3 points; a match goes on with its next game."""
        turns.resign(self.boards, self.registers, self.clocks, 0, seat, points, self.rules.episode_length)
        self._refresh()

    def moment(self) -> Moment:
        """The present state, to come back to."""
        return Moment(self.boards.copy(), self.registers.copy(), self.clocks.copy())

    def go_back(self, moment: Moment) -> None:
        """Return to an earlier state of this game; the dice that follow are the same as before."""
        self.boards[:] = moment.board
        self.registers[:] = moment.registers
        self.clocks[:] = moment.clocks
        self._refresh()
