"""The table at which a person plays a session: board, dice, plays, and the commands beside them.

The person is seat 0 and X, the opponent seat 1 and O; the board is always drawn from the person's side. What may be
done the session knows; this module only talks. What can be typed instead of a play is handed in (`table_commands`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from backgammon.cli.cube_talk import answer_double, answer_of, wants_double, wants_raccoon
from backgammon.cli.terminal import Terminal
from backgammon.cli.tutor_talk import TutorTalk
from backgammon.engine.engine import Engine
from backgammon.evaluation.player import Player
from backgammon.notation.diagram import BoardNotes, Side, draw_board
from backgammon.notation.play_text import complete_play
from backgammon.rules.decision import Decision
from backgammon.rules.dice import parse_roll
from backgammon.rules.game import GameResult, Stage
from backgammon.table.cube_seat import CubeSeat
from backgammon.table.resignation import SIZES
from backgammon.table.session import Session, Turn
from backgammon.tools.errors import DiceError, GameError, NotationError

PERSON, OPPONENT = 0, 1
"""Seats."""
_SIDES: Mapping[int | None, Side] = {PERSON: "X", OPPONENT: "O"}


class Quit(Exception):
    """The person leaves the table."""


class Command(NamedTuple):
    """Words that can be typed instead of a play.

    Attributes:
        words: the name and its short forms.
        arguments: how to write what may follow.
        meaning: a line of help.
        act: does it.
    """

    words: tuple[str, ...]
    arguments: str
    meaning: str
    act: Callable[[TableGame, list[str]], None]


@dataclass
class TableOptions:
    """How the table is laid.

    Attributes:
        is_manual: the person throws real dice and types them.
        is_board_shown: draw the board before every play.
        watcher: a player that moves for the person, or None.
        seats: who decides about the cube for seat 0, where a watcher sits there, and for seat 1; empty without a cube.
        commands: what the person may type instead of a play, by each of its words.
        tutor: speaks up when the person errs, or None.
    """

    is_manual: bool = False
    is_board_shown: bool = True
    watcher: Player | None = None
    seats: tuple[CubeSeat, ...] = ()
    commands: Mapping[str, Command] = field(default_factory=dict)
    tutor: TutorTalk | None = None


class TableGame:
    """Plays a session to its end, or until the person leaves."""

    def __init__(
        self,
        session: Session,
        opponent: Player,
        get_engine: Callable[[], Engine],
        terminal: Terminal,
        options: TableOptions,
        save: Callable[[Session], None],
    ) -> None:
        """Sit down.

        Args:
            session: not begun; names by seat.
            opponent: seat 1.
            get_engine: gives the engine that hints come from, when the first one is asked for.
            terminal: to talk through.
            options: how to play.
            save: called after each play of the person and each game.
        """
        self.session = session
        self.opponent = opponent
        self.get_engine = get_engine
        self.terminal = terminal
        self.options = options
        self.save = save
        self.names = session.names
        self.last_play = ""
        self.hinted: list[int] = []

    def run(self) -> None:
        """Play.

        Raises:
            Quit, EndOfInput: the person leaves; everything so far is in the session.
        """
        while True:
            self._play_game()
            if self.session.is_over:
                return
            if self.session.num_games is None and self.session.score.is_money:
                self._ask_for_more()
            self.session.next_game()

    def _ask_for_more(self) -> None:
        """Go on, or leave by Quit."""
        while True:
            answer = self.terminal.ask("Another game? [Y/n]").lower()
            if answer in ("", "y", "yes"):
                return
            if answer in ("n", "no", "q", "quit", "exit"):
                raise Quit

    def _play_game(self) -> None:
        session = self.session
        self.last_play = ""
        self.terminal.say(self._heading(), "strong")
        while not session.state.is_over:
            self._take_step()
        self._show_result()

    def _take_step(self) -> None:
        """Dice, a play, a double or its answer."""
        session, stage = self.session, self.session.state.stage
        if stage is Stage.DOUBLED:
            self._answer_double()
        elif stage is not Stage.PLAY:
            self._roll_or_double()
            if session.state.stage is Stage.PLAY:
                return
        elif session.state.turn == OPPONENT:
            self._play_for(self.opponent)
        elif self.options.watcher is not None:
            self._play_for(self.options.watcher)
        else:
            self._ask_play()
        self.save(session)

    def _heading(self) -> str:
        score = self.session.score
        if score.is_money:
            return f"Game {self.session.game_number}, money play"
        return f"Game {self.session.game_number}, match to {score.length}, score {score.points[0]}-{score.points[1]}"

    # The cube

    def _is_person(self, seat: int) -> bool:
        return seat == PERSON and self.options.watcher is None

    def _roll_or_double(self) -> None:
        """Dice for the turn, or a double before them."""
        session = self.session
        if session.can_raccoon and self.options.seats:
            self._roll_or_raccoon()
        elif not session.may_double or not self.options.seats:
            self.throw()
        elif self._is_person(session.state.turn):
            if self.options.is_board_shown:
                self.show_board()
            self._converse(f"{self.names[PERSON]}: roll or double to {2 * session.state.cube}", self._act_before_roll)
        elif self.options.seats[session.state.turn].doubles(session):
            session.double()
            self.say_double()
        else:
            self.throw()

    def _roll_or_raccoon(self) -> None:
        """The seat on roll has been beavered: dice for the turn, or the cube once more before them."""
        session, seat = self.session, self.session.state.turn
        cube = session.state.cube
        if self._is_person(seat):
            self._converse(
                f"{self.names[OPPONENT]} beavers to {cube}: roll or raccoon to {2 * cube}", self._answer_beaver
            )
        elif self.options.seats[seat].raccoons(session):
            session.raccoon()
        else:
            self.throw()
        if session.state.cube != cube:
            verbs = "raccoon", "raccoons"
            self.terminal.say(f"{self._subject(seat, *verbs)}; the cube is on {session.state.cube}.", "strong")

    def _answer_beaver(self, word: str) -> None:
        """Throw or raccoon, as the person says."""
        if wants_raccoon(word):
            self.session.raccoon()
        else:
            self.throw()

    def say_double(self) -> None:
        """Announce the double on offer."""
        state = self.session.state
        self.terminal.say(f"{self._subject(state.turn, 'double', 'doubles')} to {2 * state.cube}.", "strong")

    def _answer_double(self) -> None:
        """The seat that was doubled takes, drops or beavers."""
        session = self.session
        seat, offered = session.state.seat_to_act, 2 * session.state.cube
        if self._is_person(seat):
            if self.options.is_board_shown:
                self.show_board()
            words = "take, drop or beaver" if session.stakes.has_beavers else "take or drop"
            self._converse(f"{self.names[OPPONENT]} doubles to {offered}: {words}", self._answer_as_told)
        else:
            self.options.seats[seat].answer(session)
        if session.state.is_over:
            verbs = ("drop", "drops")
        else:
            verbs = ("take", "takes") if session.state.cube == offered else ("beaver", "beavers")
        self.terminal.say(f"{self._subject(seat, *verbs)}; the cube is on {session.state.cube}.", "strong")

    def _answer_as_told(self, word: str) -> None:
        """Take, drop or beaver, as the person says."""
        if self._may_turn(answer_of(word)):
            answer_double(self.session, word)

    def _may_turn(self, action: str) -> bool:
        """False when the tutor has spoken and the person takes the action back."""
        tutor = self.options.tutor
        return tutor is None or tutor.lets_turn(self.session, action, self.terminal)

    def _act_before_roll(self, word: str) -> None:
        """Throw or double, as the person says."""
        if not self._may_turn("double" if wants_double(word) else "roll"):
            return
        if wants_double(word):
            self.session.double()
            self.say_double()
        else:
            self.throw()

    def _converse(self, prompt: str, act: Callable[[str], None]) -> None:
        """Ask until the state of the session has changed; commands work as they do before a play.

        Args:
            prompt: the question.
            act: does what a word that is no command says.
        """
        before = self.session.state
        while self.session.state is before:
            word, *arguments = self.terminal.ask(prompt).lower().split() or [""]
            command = self.options.commands.get(word)
            try:
                if command is not None:
                    command.act(self, arguments)
                else:
                    act(word)
            except (NotationError, GameError) as error:
                self.terminal.say(str(error), "problem")

    # Dice

    def throw(self) -> None:
        """Throw the dice, or ask for those of the table."""
        is_opening = self.session.state.stage is Stage.OPENING
        while True:
            try:
                self.session.throw_dice(self._typed_dice(is_opening) if self.options.is_manual else None)
                break
            except (DiceError, GameError) as error:
                self.terminal.say(str(error), "problem")
        if is_opening and self.session.state.roll is not None:
            high, low = self.session.state.roll
            winner = self.session.state.turn
            self.terminal.say(
                f"Opening roll: {self.names[winner]} {high}, {self.names[1 - winner]} {low}. "
                f"{self._subject(winner, 'start', 'starts')} with {high}{low}."
            )

    def _typed_dice(self, is_opening: bool) -> tuple[int, int]:
        if not is_opening:
            whose = "Your dice" if self.session.state.turn == PERSON else f"Dice of {self.names[OPPONENT]}"
            return parse_roll(self._ask_words(whose))
        text = self._ask_words(f"Opening roll: your die, then {self.names[OPPONENT]}'s")
        parse_roll(text)  # refuses what is not two dice
        first, second = (int(character) for character in text if character.isdigit())
        return first, second

    def _ask_words(self, prompt: str) -> str:
        """An answer that is not a wish to leave or for help."""
        while True:
            text = self.terminal.ask(prompt)
            if text.lower() in ("q", "quit", "exit"):
                raise Quit
            if text.lower() not in ("?", "help"):
                return text
            self.terminal.say("Throw the dice and type what they show, for instance 31; quit leaves the table.")

    # Plays

    def _play_for(self, player: Player) -> None:
        """Let a player play the roll."""
        seat = self.session.state.turn
        if seat == PERSON and self.options.is_board_shown:
            self.show_board()
        if self.options.seats:
            turn = self.options.seats[seat].play(self.session)
        else:
            turn = self.session.play(self.session.ask(player))
        self._announce(turn, "model" if seat == OPPONENT else "you")

    def _announce(self, turn: Turn, tone: str) -> None:
        forced = " (forced)" if turn.decision.is_forced and turn.text else ""
        self.last_play = f"{self.names[turn.seat]} {turn.decision.roll}: {turn.text or 'no legal play'}{forced}"
        self.terminal.say(self.last_play, "model" if tone == "model" else "you")

    def _ask_play(self) -> None:
        """Ask the person until a play is made, taken back or the game given up."""
        session, terminal = self.session, self.terminal
        decision = session.decision()
        if decision.is_forced:
            self._announce(session.play(0), "you")
            return
        if self.options.is_board_shown:
            self.show_board()
        self.hinted = []
        before = session.state
        while session.state is before:
            text = terminal.ask(f"{self.names[PERSON]} {decision.roll}")
            word, *arguments = text.lower().split() or [""]
            command = self.options.commands.get(word)
            try:
                if command is not None:
                    command.act(self, arguments)
                else:
                    row, tutor = self._read_play(text, decision), self.options.tutor
                    if tutor is not None and not tutor.lets_play(session, row, terminal):
                        continue
                    turn = session.play(row)
                    if turn.text != text:  # a short form: say what it stands for
                        self._announce(turn, "you")
            except (NotationError, DiceError, GameError) as error:
                terminal.say(str(error), "problem")

    def _read_play(self, text: str, decision: Decision) -> int:
        """The row of what is typed: a play, a short form of one, or =n for a hint.

        Raises:
            NotationError: none of these.
        """
        if text.startswith("="):
            if not self.hinted:
                raise NotationError("ask for a hint first; then =2 plays the second line of it")
            number = text[1:].strip()
            if not number.isdecimal() or not 1 <= int(number) <= len(self.hinted):
                raise NotationError(f"{text}: the hint has the lines =1 to ={len(self.hinted)}")
            return self.hinted[int(number) - 1]
        if text and not any(character.isdigit() for character in text) and "/" not in text:
            raise NotationError(f"{text!r} is neither a play nor a command; type help")
        return complete_play(text, decision)

    def _show_result(self) -> None:
        result = self.session.state.result
        assert result is not None
        if self.options.is_board_shown:
            self.show_board()
        self.terminal.say(self._describe_result(result), "strong")
        one, other = self.session.score.points
        self.terminal.say(f"Score: {self.names[PERSON]} {one}, {self.names[OPPONENT]} {other}.\n")

    def _describe_result(self, result: GameResult) -> str:
        points = f"{result.points} point{'' if result.points == 1 else 's'}"
        size = "the game" if result.size == 1 else f"a {SIZES[result.size]}"
        match = " and the match" if self.session.score.is_over else ""
        return f"{self._subject(result.winner, 'win', 'wins')} {size}{match}: {points}."

    def _subject(self, seat: int, verb: str, verb_of_others: str) -> str:
        name = self.names[seat]
        return f"{name} {verb}" if name.lower() == "you" else f"{name} {verb_of_others}"

    def show_board(self) -> None:
        """Draw the board from the person's side."""
        session = self.session
        is_own_turn = session.state.turn == PERSON and session.state.stage is Stage.PLAY
        notes = BoardNotes(
            x_name=self.names[PERSON],
            o_name=self.names[OPPONENT],
            points=session.score.points,
            length=session.score.length,
            cube=session.state.cube if session.cube is not None else None,
            cube_owner=_SIDES.get(session.state.cube_owner),
            roll=session.state.roll if is_own_turn else None,
        )
        self.terminal.say("\n" + draw_board(session.board_of(PERSON), notes, colour=self.terminal.colour) + "\n")
