"""A session: games played one after the other at one table, with score, take-back and a record of everything.

The session keeps the books and decides nothing about turns: the game is a state of the turn machine (`rules.game`),
and every act here is one of its acts. Whoever moves the checkers (a person at a terminal, a player, a protocol) asks
the session for the decision and gives it a row.

Dice come from the seed (`tools.stream`): game k of a money session is episode k of `BackgammonTurn-v0` reset with that
seed, and a match is one episode. They belong to the turn and not to the moment, so a play that is taken back and played
otherwise meets the same dice again: nobody can shop for a better roll.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backgammon.cube.stakes import Stakes, stakes_in_game
from backgammon.evaluation.player import Player, ask_player, check_rows
from backgammon.notation.play_text import format_play
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
)
from backgammon.rules import game as turns
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.rules.game import Ending, GameResult, GameState, Stage
from backgammon.rules.match import MatchScore
from backgammon.table.arena.options import MAX_MATCH_LENGTH, SetUp
from backgammon.tools.errors import ConfigError, GameError
from backgammon.tools.stream import key_of_seed, throw_dice, throw_opening, turn_noise


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
        return "" if self.decision.is_dance else format_play(self.decision.play_of(self.decision.chosen or 0))


@dataclass(frozen=True)
class CubeRules:
    """How the doubling cube is used.

    Attributes:
        has_jacoby: gammons count single while the cube is centred (money play only).
        has_beavers: who is doubled may redouble at once and keep the cube (money play only).
        first: value of the cube in a first game that begins at a position.
        first_owner: seat that owns it there, None when it is centred.
    """

    has_jacoby: bool = False
    has_beavers: bool = False
    first: int = 1
    first_owner: int | None = None


class Session:
    """Games between two seats; mutable, and the only place that changes its state."""

    def __init__(
        self,
        names: tuple[str, str],
        seed: int,
        length: int = 0,
        num_games: int | None = None,
        start: SetUp | None = None,
        cube: CubeRules | None = None,
    ) -> None:
        """A session before its first game.

        Args:
            names: by seat, for the record.
            seed: 0 or greater; dice of every game follow from it.
            length: points that win the match, 0 for money play.
            num_games: games of a money session; None plays on until somebody stops.
            start: where the first game begins (`parse_set_up` makes it from an ID); later games begin as usual.
            cube: how the cube is used; None for cubeless games.

        Raises:
            ConfigError: a seed, length or number of games that cannot be used, or rules of money play in a match.
        """
        if seed < 0:
            raise ConfigError(f"seed {seed}: give 0 or a positive number")
        if not 0 <= length <= MAX_MATCH_LENGTH:
            raise ConfigError(
                f"match length {length}: give 0 for money play or the points that win, {MAX_MATCH_LENGTH} at most"
            )
        if num_games is not None and num_games < 1:
            raise ConfigError(f"{num_games} games: give 1 or more")
        if length and num_games is not None:
            raise ConfigError("a match ends by its length: give a length or a number of games, not both")
        if length and cube is not None and (cube.has_jacoby or cube.has_beavers):
            raise ConfigError("the Jacoby rule and beavers belong to money play, not to a match")
        if start is not None and start.random_turns:
            raise ConfigError("random turns at the start belong to the environments: give a session their position")
        self.names = names
        self.seed = seed
        self.cube = cube
        self.num_games = num_games
        self.score = MatchScore.start(length)
        self.turns: list[Turn] = []
        self._finished: list[GameRecord] = []
        self._key = key_of_seed(seed)
        self._episode = 1
        self._turns_before = 0
        self._start_game(None if start is None or start.is_usual else start)

    def _start_game(self, start: SetUp | None) -> None:
        """Lay out the next game; its dice are not shown before they are thrown."""
        self.turns = []
        self._cube_actions: list[tuple[int, Action]] = []
        has_cube = self.cube is not None and not self.score.is_crawford
        self._start: Setup | None = None
        self.state = turns.new_game(has_cube)
        if start is None:
            return
        self.state = turns.new_game(has_cube, start.position, start.seat)
        self._start = Setup(start.position, self.state.turn)
        if has_cube and self.cube is not None:
            value, owner = self.cube.first, self.cube.first_owner
            self.state = replace(self.state, cube=value, cube_owner=owner)
            self._start = replace(self._start, cube=value, cube_owner=owner)
        if start.roll is not None:
            self.throw_dice(start.roll)

    @property
    def _clock(self) -> tuple[np.uint64, np.uint64, np.uint64]:
        """Key, episode and turn of the stream of chance."""
        return self._key, np.uint64(self._episode), np.uint64(self._turns_before + len(self.turns))

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
        is_first = not self.turns and self.state.position == Position.start()
        thrown = dice or (throw_opening if is_first else throw_dice)(*self._clock)
        throw = turns.open_game if self.state.stage is Stage.OPENING else turns.roll_dice
        self.state = throw(self.state, *thrown)

    def rethrow_dice(self, dice: tuple[int, int]) -> None:
        """Put right the dice that were typed for this turn.

        Raises:
            GameError: there are no dice to play, or they belong to an opening roll that would change the turn.
            DiceError: impossible dice.
        """
        if self.state.stage is not Stage.PLAY:
            raise GameError("no dice to put right: none have been thrown in this turn")
        if not self.turns and self._start is None:
            raise GameError("an opening roll decides who starts: begin the game again to change it")
        self.state = turns.roll_dice(replace(self.state, stage=Stage.ROLL, roll=None), *dice)

    def decision(self) -> Decision:
        """The choice that the dice of the seat on roll offer.

        Raises:
            GameError: there are no dice to play.
        """
        return self.state.decision()

    def play(self, row: int) -> Turn:
        """The seat on roll plays a candidate; a game that ends is booked.

        Raises:
            GameError: there are no dice to play.
            IllegalPlay: there is no such row.
        """
        decision = self.decision().choose(row)
        turn = Turn(self.state.turn, decision, self.state)
        self.turns.append(turn)
        self.state = turns.play(self.state, decision.candidates[row])
        if self.state.is_over:
            self._end_game()
        return turn

    # The cube

    @property
    def stakes(self) -> Stakes:
        """What the game in play is played for, seen by the seat on roll (who has doubled, while that is answered)."""
        rules, state = self.cube or CubeRules(), self.state
        held = state.cube, state.cube_owner
        return stakes_in_game(self.score, state.turn, *held, rules.has_jacoby, rules.has_beavers)

    @property
    def may_double(self) -> bool:
        """True when the seat on roll may turn the cube now."""
        return self.state.may_double and self.stakes.may_double

    def double(self) -> None:
        """The seat on roll offers to double.

        Raises:
            GameError: not before its roll, no cube in this game, or the rules forbid it.
        """
        if self.state.stage is Stage.ROLL and self.state.has_cube and (reason := self.stakes.double_refusal):
            raise GameError(f"no double is possible: {reason}")
        self.state = turns.double(self.state)
        self._note_cube(DoubleAction(self.state.turn, 2 * self.state.cube))

    def take(self) -> None:
        """The doubled seat plays on at twice the cube.

        Raises:
            GameError: no double is on offer.
        """
        self.state = turns.take(self.state)
        self._note_cube(TakeAction(1 - self.state.turn))

    def beaver(self) -> None:
        """The doubled seat turns the cube once more.

        Raises:
            GameError: no double is on offer, or beavers were not agreed.
        """
        if self.cube is None or not self.cube.has_beavers:
            raise GameError("no beaver is possible: they were not agreed in this session")
        self.state = turns.beaver(self.state)
        self._note_cube(BeaverAction(1 - self.state.turn))

    @property
    def can_raccoon(self) -> bool:
        """True when the seat on roll has just been beavered."""
        at, last = self._cube_actions[-1] if self._cube_actions else (-1, None)
        is_beaver = isinstance(last, BeaverAction) and last.seat != self.state.turn
        return self.state.stage is Stage.ROLL and is_beaver and at == len(self.turns)

    def raccoon(self) -> None:
        """The seat on roll answers a beaver by doubling yet again; the other keeps the cube.

        Raises:
            GameError: no beaver came before this roll, or the cube shows too much for it.
        """
        if not self.can_raccoon:
            raise GameError("no raccoon is possible: it answers a beaver, before the roll")
        self.state = turns.raccoon(self.state)
        self._note_cube(BeaverAction(self.state.turn))

    def drop(self) -> None:
        """The doubled seat gives up the game at the old value of the cube.

        Raises:
            GameError: no double is on offer.
        """
        self.state = turns.drop(self.state)
        self._note_cube(DropAction(1 - self.state.turn))
        self._end_game()

    @property
    def cube_actions(self) -> list[tuple[int, Action]]:
        """What was done with the cube in the game in play: (turns before it, action), in order."""
        return list(self._cube_actions)

    def _note_cube(self, action: Action) -> None:
        """Keep what was done with the cube before the next roll."""
        self._cube_actions.append((len(self.turns), action))

    def _end_game(self) -> None:
        """Settle and book a game that has a result, and count its turns: one that was broken off has begun too."""
        result = self.state.result
        assert result is not None, "the game is over"
        if self.stakes.has_jacoby and self.state.cube_owner is None:
            result = replace(result, size=1)
            self.state = replace(self.state, result=result)
        self._turns_before += len(self.turns) + (result.ending is not Ending.BORNE_OFF)
        self._book_result(result)

    def ask(self, player: Player) -> int:
        """The row that a player chooses for the dice in play.

        Raises:
            GameError: there are no dice to play, or the player chose a row that does not exist.
        """
        decision = self.decision()
        dice = np.array([decision.roll], dtype=np.int8)
        noise = np.array([turn_noise(*self._clock)], dtype=np.uint64)
        rows = ask_player(player, decision.position.board[None], dice, noise)
        check_rows(player, rows, np.array([len(decision.candidates)]))
        return int(rows[0])

    def resign(self, seat: int, size: int) -> None:
        """A seat gives up the game as a single one (1), a gammon (2) or a backgammon (3).

        Raises:
            GameError: no game is in play, or not a size.
        """
        self.state = turns.resign(self.state, seat, size)
        self._end_game()

    def can_take_back(self, seat: int) -> bool:
        """True when the seat has made a choice in the game in play."""
        return not self.state.is_over and self._last_choice(seat) is not None

    def take_back(self, seat: int) -> None:
        """Return to the last real choice that a seat made in this game; dice stay as they were.

        Raises:
            GameError: the seat has chosen nothing yet, or the game is over.
        """
        if self.state.is_over:
            raise GameError("nothing to take back: the game is over and booked")
        last = self._last_choice(seat)
        if last is None:
            raise GameError("nothing to take back: no choice has been made in this game")
        self.state = self.turns[last].before
        del self.turns[last:]
        self._cube_actions = [(at, action) for at, action in self._cube_actions if at <= last]

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
        if self.score.is_money:
            self._episode += 1
            self._turns_before = 0
        self._start_game(None)

    def _book_result(self, result: GameResult) -> None:
        record = self._game_record(self.game_number)
        self.score = self.score.after(result.winner, result.points)
        closing = ResultAction(result.winner, result.points, self.score.is_over)
        self._finished.append(replace(record, actions=(*record.actions, closing)))

    def _game_record(self, number: int) -> GameRecord:
        """The game in play as far as it has come."""
        actions: list[Action] = []
        for i in range(len(self.turns) + 1):
            actions += [action for at, action in self._cube_actions if at == i]
            if i < len(self.turns):
                turn = self.turns[i]
                actions.append(RollAction(turn.seat, turn.decision.roll, turn.text))
        if self.state.stage is Stage.PLAY and self.state.roll is not None:
            actions.append(RollAction(self.state.turn, self.state.roll))
        return GameRecord(number, self.names, self.score.points, tuple(actions), start=self._start)

    def _cube_headers(self) -> tuple[tuple[str, str], ...]:
        """What the record says of the cube, where it is not used as usual."""
        if self.cube is None:
            return (("CubeLimit", "1"),)
        used = (("Jacoby", self.cube.has_jacoby), ("Beaver", self.cube.has_beavers))
        return tuple((name, "On") for name, is_used in used if is_used)

    def record(self) -> MatchRecord:
        """Everything so far, a game in play included."""
        games = list(self._finished)
        if self.turns and not self.state.is_over:
            games.append(self._game_record(self.game_number))
        headers = (
            ("Player 1", self.names[0]),
            ("Player 2", self.names[1]),
            ("Variation", "Backgammon"),
            *self._cube_headers(),
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
