"""A session: games played one after the other at one table, with score, take-back and a record of everything.

The session keeps the books; `game` says what may be done. Whoever moves the checkers (a person at a terminal, a player,
a protocol) asks the session for the decision and gives it a row.

Dice come from the seed: game k of a session throws from a generator made of (seed, k). They belong to the turn and not
to the moment, so a play that is taken back and played otherwise meets the same dice again: nobody can shop for a better
roll.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backgammon import game as turns
from backgammon.board import Position
from backgammon.dice import Roll, throw, throw_opening
from backgammon.errors import ConfigError, GameError
from backgammon.game import GameState, Stage
from backgammon.match import MatchScore
from backgammon.notation.play import format_play
from backgammon.player import Player
from backgammon.records.record import Action, GameRecord, MatchRecord, ResultAction, RollAction
from backgammon.rules import Decision


@dataclass(frozen=True)
class Turn:
    """One roll of a game and what was played with it.

    Attributes:
        seat: who rolled.
        decision: position, roll and candidates; `chosen` is filled in.
        before: the state in which the choice was made.
    """

    seat: int
    decision: Decision
    before: GameState

    @property
    def text(self) -> str:
        """The play as text, "" when the roll could not be played."""
        return "" if self.decision.is_dance else format_play(self.decision.plays[self.decision.chosen or 0])


class Session:
    """Cubeless games between two seats; mutable, and the only place that changes its state."""

    def __init__(self, names: tuple[str, str], seed: int, length: int = 0, num_games: int | None = None) -> None:
        """A session before its first game.

        Args:
            names: by seat, for the record.
            seed: 0 or greater; dice of every game follow from it.
            length: points that win the match, 0 for money play.
            num_games: games of a money session; None plays on until somebody stops.

        Raises:
            ConfigError: a seed, length or number of games that cannot be used.
        """
        if seed < 0:
            raise ConfigError(f"seed {seed}: give 0 or a positive number")
        if length < 0:
            raise ConfigError(f"match length {length}: give 0 for money play or the points that win")
        if num_games is not None and num_games < 1:
            raise ConfigError(f"{num_games} games: give 1 or more")
        if length and num_games is not None:
            raise ConfigError("a match ends by its length: give a length or a number of games, not both")
        self.names = names
        self.seed = seed
        self.num_games = num_games
        self.score = MatchScore.start(length)
        self.turns: list[Turn] = []
        self.state = turns.new_game(has_cube=False)
        self._finished: list[GameRecord] = []
        self._start_game()

    def _start_game(self) -> None:
        self.state = turns.new_game(has_cube=False)
        self.turns = []
        self._rng = np.random.default_rng([self.seed, self.game_number])
        self._opening = throw_opening(self._rng)
        self._throws: list[tuple[Roll, np.uint64]] = []

    @property
    def game_number(self) -> int:
        """Number of the game in play, or of the next one when it is over; from 1."""
        return len(self._finished) + 1

    @property
    def num_finished(self) -> int:
        """Games that have a result."""
        return len(self._finished)

    @property
    def is_over(self) -> bool:
        """True when the match is won or the agreed number of games has been played."""
        return self.score.is_over or self.num_finished == self.num_games

    def board_of(self, seat: int) -> Position:
        """The position in play in the view of a seat."""
        return self.state.position if self.state.turn == seat else self.state.position.swap()

    def throw_dice(self, dice: tuple[int, int] | None = None) -> None:
        """Throw for the turn: the session's own dice, or `dice` from the table.

        Args:
            dice: opening roll: seat 0's die, seat 1's die; later: both dice of the seat on roll.

        Raises:
            GameError: the game does not wait for dice, or an opening roll of equal dice.
            DiceError: impossible dice.
        """
        if self.is_over:
            raise GameError("the session is over")
        if self.state.stage is Stage.OPENING:
            self.state = turns.open_game(self.state, *(dice or self._opening))
        else:
            own = self._thrown()[0]
            self.state = turns.roll_dice(self.state, *(dice or own))

    def rethrow_dice(self, dice: tuple[int, int]) -> None:
        """Put right the dice that were typed for this turn.

        Raises:
            GameError: there are no dice to play, or they belong to an opening roll that would change the turn.
            DiceError: impossible dice.
        """
        if self.state.stage is not Stage.PLAY:
            raise GameError("no dice to put right: none have been thrown in this turn")
        if not self.turns:
            raise GameError("an opening roll decides who starts: begin the game again to change it")
        self.state = turns.roll_dice(replace(self.state, stage=Stage.ROLL, roll=None), *dice)

    def _thrown(self) -> tuple[Roll, np.uint64]:
        """Dice and noise that belong to the turn in play."""
        while len(self._throws) <= len(self.turns):
            self._throws.append((throw(self._rng), self._rng.integers(0, 2**64, dtype=np.uint64)))
        return self._throws[len(self.turns)]

    def play(self, row: int) -> Turn:
        """The seat on roll plays a candidate; a game that ends is booked.

        Raises:
            GameError: there are no dice to play.
            IllegalPlay: there is no such row.
        """
        decision = self.state.decision().choose(row)
        turn = Turn(self.state.turn, decision, self.state)
        after = turns.play(self.state, decision.candidates[row])
        self.turns.append(turn)
        self.state = after
        self._book_result()
        return turn

    def ask(self, player: Player) -> int:
        """The row that a player chooses for the dice in play.

        Raises:
            GameError: there are no dice to play.
        """
        decision = self.state.decision()
        dice = np.array([decision.roll], dtype=np.int8)
        return int(player.choose(decision.position.board[None], dice, np.array([self._thrown()[1]]))[0])

    def resign(self, seat: int, size: int) -> None:
        """A seat gives up the game as a single one (1), a gammon (2) or a backgammon (3).

        Raises:
            GameError: no game is in play, or not a size.
        """
        self.state = turns.resign(self.state, seat, size)
        self._book_result()

    def can_take_back(self, seat: int) -> bool:
        """True when the seat has made a choice in the game in play."""
        return self._last_choice(seat) is not None

    def take_back(self, seat: int) -> None:
        """Return to the last real choice that a seat made in this game; dice stay as they were.

        Raises:
            GameError: the seat has chosen nothing yet.
        """
        last = self._last_choice(seat)
        if last is None:
            raise GameError("nothing to take back: no choice has been made in this game")
        self.state = self.turns[last].before
        del self.turns[last:]

    def _last_choice(self, seat: int) -> int | None:
        chosen = [i for i, turn in enumerate(self.turns) if turn.seat == seat and not turn.decision.is_forced]
        return chosen[-1] if chosen else None

    def next_game(self) -> None:
        """Set up the next game.

        Raises:
            GameError: the game in play is not over, or the session is.
        """
        if self.is_over:
            raise GameError("the session is over")
        if not self.state.is_over:
            raise GameError("the game in play is not over")
        self._start_game()

    def _book_result(self) -> None:
        result = self.state.result
        if result is None:
            return
        record = self._game_record(self.game_number)
        self.score = self.score.after(result.winner, result.points)
        closing = ResultAction(result.winner, result.points, self.score.is_over)
        self._finished.append(GameRecord(record.number, record.players, record.scores, (*record.actions, closing)))

    def _game_record(self, number: int) -> GameRecord:
        """The game in play as far as it has come."""
        actions: list[Action] = [RollAction(turn.seat, turn.decision.roll, turn.text) for turn in self.turns]
        if self.state.stage is Stage.PLAY and self.state.roll is not None:
            actions.append(RollAction(self.state.turn, self.state.roll))
        return GameRecord(number, self.names, self.score.points, tuple(actions))

    def record(self) -> MatchRecord:
        """Everything so far, a game in play included."""
        games = list(self._finished)
        if self.turns and not self.state.is_over:
            games.append(self._game_record(self.game_number))
        headers = (
            ("Player 1", self.names[0]),
            ("Player 2", self.names[1]),
            ("Variation", "Backgammon"),
            ("CubeLimit", "1"),
            ("Transcriber", f"pairgammon, seed {self.seed}"),
        )
        return MatchRecord(self.score.length, tuple(games), headers)


def play_session(players: tuple[Player, Player], session: Session) -> MatchRecord:
    """Let two players play a session to its end.

    Args:
        players: by seat.
        session: not begun or in play; with a length or a number of games.

    Raises:
        ConfigError: the session has no end.
        GameError: a player chose a row that does not exist.
    """
    if session.score.is_money and session.num_games is None:
        raise ConfigError("a session without an end: give it a match length or a number of games")
    while not session.is_over:
        if session.state.is_over:
            session.next_game()
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(session.ask(players[session.state.turn]))
    return session.record()
