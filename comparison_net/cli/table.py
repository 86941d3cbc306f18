"""The table at which a person plays a session: board, dice, plays, and the commands beside them.

The person is seat 0 and X, the opponent seat 1 and O; the board is always drawn from the person's side. What may be done
the session knows; this module only talks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backgammon.board import pip_counts
from backgammon.dice import parse_roll
from backgammon.duel import play_out
from backgammon.errors import DiceError, GameError, NotationError
from backgammon.game import GameResult, Stage
from backgammon.notation.diagram import BoardNotes, draw_board
from backgammon.notation.gnu_id import position_id
from backgammon.notation.play import complete_play, format_play
from backgammon.player import CandidateScorer, Player
from backgammon.rules import Decision
from backgammon.session import Session, Turn
from comparison_net.cli.terminal import EndOfInput, Terminal

PERSON, OPPONENT = 0, 1
SIZES = {1: "single game", 2: "gammon", 3: "backgammon"}
MAX_HINTS = 5
TRIALS = 200
"""Games that the opponent plays out in its head before it answers a resignation."""
TOLERANCE = 0.15
"""Points per game by which a resignation may fall short of what the opponent expects: about two standard errors."""


class Quit(Exception):  # noqa: N818 - not an error: the person wants to stop
    """The person leaves the table."""


class Command(NamedTuple):
    """A word that can be typed instead of a play."""

    words: tuple[str, ...]
    arguments: str
    meaning: str
    action: Callable[[TableGame, list[str]], None]


@dataclass
class TableOptions:
    """How the table is laid.

    Attributes:
        is_manual: the person throws real dice and types them.
        is_board_shown: draw the board before every play.
        watcher: a player that moves for the person, or None.
    """

    is_manual: bool = False
    is_board_shown: bool = True
    watcher: Player | None = None


class TableGame:
    """Plays a session to its end, or until the person leaves."""

    def __init__(
        self,
        session: Session,
        opponent: Player,
        get_scorer: Callable[[], CandidateScorer],
        terminal: Terminal,
        options: TableOptions,
        save: Callable[[Session], None],
    ) -> None:
        """Sit down.

        Args:
            session: not begun; names by seat.
            opponent: seat 1.
            get_scorer: gives the model that hints come from, when the first one is asked for.
            terminal: to talk through.
            options: how to play.
            save: called after each play of the person and each game.
        """
        self.session = session
        self.opponent = opponent
        self.get_scorer = get_scorer
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
            if session.state.stage is not Stage.PLAY:
                self._throw()
            if session.state.turn == OPPONENT:
                self._play_for(self.opponent)
            elif self.options.watcher is not None:
                self._play_for(self.options.watcher)
            else:
                self._ask_play()
            self.save(session)
        self._show_result()

    def _heading(self) -> str:
        score = self.session.score
        if score.is_money:
            return f"Game {self.session.game_number}, money play"
        return f"Game {self.session.game_number}, match to {score.length}, score {score.points[0]}-{score.points[1]}"

    # Dice

    def _throw(self) -> None:
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
        if self.options.watcher is not None and self.options.is_board_shown:
            self.show_board()
        turn = self.session.play(self.session.ask(player))
        self._announce(turn, "model" if seat == OPPONENT else "you")

    def _announce(self, turn: Turn, tone: str) -> None:
        forced = " (forced)" if turn.decision.is_forced and turn.text else ""
        self.last_play = f"{self.names[turn.seat]} {turn.decision.roll}: {turn.text or 'no legal play'}{forced}"
        self.terminal.say(self.last_play, "model" if tone == "model" else "you")

    def _ask_play(self) -> None:
        """Ask the person until a play is made, taken back or the game given up."""
        session, terminal = self.session, self.terminal
        decision = session.state.decision()
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
            command = COMMANDS.get(word)
            try:
                if command is not None:
                    command.action(self, arguments)
                else:
                    turn = session.play(self._read_play(text, decision))
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

    # Commands

    def show_board(self, _arguments: list[str] | None = None) -> None:
        """Draw the board from the person's side."""
        session = self.session
        is_own_turn = session.state.turn == PERSON and session.state.stage is Stage.PLAY
        notes = BoardNotes(
            x_name=self.names[PERSON],
            o_name=self.names[OPPONENT],
            points=session.score.points,
            length=session.score.length,
            roll=session.state.roll if is_own_turn else None,
        )
        self.terminal.say("\n" + draw_board(session.board_of(PERSON), notes, colour=self.terminal.colour) + "\n")

    def show_hint(self, _arguments: list[str]) -> None:
        """List the plays that the model likes best."""
        decision = self.session.state.decision()
        scores = self.get_scorer().evaluate(decision.candidates).astype(np.float64)
        self.hinted = np.argsort(-scores, kind="stable")[:MAX_HINTS].tolist()
        texts = [format_play(decision.plays[row]) for row in self.hinted]
        width = max(map(len, texts))
        best = scores[self.hinted[0]]
        for number, (row, text) in enumerate(zip(self.hinted, texts, strict=True), start=1):
            likelihood = (
                "" if number == 1 else f"  the first is preferred in {100 / (1 + np.exp(scores[row] - best)):.0f} %"
            )
            self.terminal.say(f"  ={number}  {text:{width}}{likelihood}".rstrip())

    def show_plays(self, _arguments: list[str]) -> None:
        """List every legal play."""
        decision = self.session.state.decision()
        texts = [format_play(play) for play in decision.plays]
        width = max(map(len, texts)) + 2
        columns = max(1, 78 // width)
        for start in range(0, len(texts), columns):
            self.terminal.say("  " + "".join(f"{text:{width}}" for text in texts[start : start + columns]).rstrip())

    def show_pips(self, _arguments: list[str]) -> None:
        """Compare the pip counts."""
        own, other = (int(count) for count in pip_counts(self.session.board_of(PERSON).board))
        lead = abs(own - other)
        verdict = "equal" if not lead else f"{self.names[PERSON if own < other else OPPONENT]} ahead by {lead}"
        self.terminal.say(f"Pips: {self.names[PERSON]} {own}, {self.names[OPPONENT]} {other}; {verdict}.")

    def show_id(self, _arguments: list[str]) -> None:
        """Print the Position ID."""
        self.terminal.say(f"Position ID (you on roll): {position_id(self.session.board_of(PERSON))}")

    def take_back(self, _arguments: list[str]) -> None:
        """Take back the last choice."""
        self.session.take_back(PERSON)
        self.terminal.say(f"Taken back: {self.session.state.roll} is to be played again.")

    def correct_dice(self, arguments: list[str]) -> None:
        """Put right dice that were typed wrongly."""
        if not self.options.is_manual:
            raise GameError("the program throws the dice in this game; --manual-dice lets you throw them")
        self.session.rethrow_dice(parse_roll(" ".join(arguments)))

    def resign(self, arguments: list[str]) -> None:
        """Offer to give up; the opponent judges the offer by playing the game out many times."""
        word = " ".join(arguments)
        sizes = {"": 1, "single": 1, "game": 1, "single game": 1, "1": 1, "gammon": 2, "2": 2, "backgammon": 3, "3": 3}
        size = sizes.get(word)
        if size is None:
            raise GameError(f"resign {word}: write resign, resign gammon or resign backgammon")
        decision = self.session.state.decision()
        rng = np.random.default_rng(self.session.seed)
        trials = play_out(self.opponent, decision.position.board, decision.roll, TRIALS, rng)
        expected = -float(trials.mean())
        if size < 3 and size < expected - TOLERANCE:
            name = self.names[OPPONENT]
            raise GameError(
                f"{name} declines: in {TRIALS} games from here it wins {expected:.2f} points on average, "
                f"so offer a {SIZES[size + 1]} or play on"
            )
        self.session.resign(PERSON, size)
        self.terminal.say(f"You resign a {SIZES[size]}; {self.names[OPPONENT]} accepts.")

    def show_help(self, _arguments: list[str]) -> None:
        """List what can be typed."""
        self.terminal.say(HELP)

    def quit(self, _arguments: list[str]) -> None:
        """Leave the table."""
        raise Quit


_COMMAND_LIST = (
    Command(("hint", "h"), "", "the plays that the model likes best; then =2 plays the second", TableGame.show_hint),
    Command(("undo", "u"), "", "take back your last choice; the dice stay as they were", TableGame.take_back),
    Command(("plays", "list"), "", "every legal play of the roll", TableGame.show_plays),
    Command(("board", "b"), "", "draw the board again", TableGame.show_board),
    Command(("pips", "p"), "", "pip counts", TableGame.show_pips),
    Command(("id",), "", "the GNU Position ID, to look the position up elsewhere", TableGame.show_id),
    Command(("dice",), " 52", "put right dice you typed (--manual-dice)", TableGame.correct_dice),
    Command(("resign",), " [gammon]", "offer to give up the game, a gammon or a backgammon", TableGame.resign),
    Command(("quit", "q", "exit"), "", "leave; the game is saved as it stands", TableGame.quit),
    Command(("help", "?"), "", "this list", TableGame.show_help),
)
COMMANDS = {word: command for command in _COMMAND_LIST for word in command.words}

HELP = "\n".join(
    [
        "Type a play from your side, bar and off as words: 8/5 6/5, 24/18*/13, bar/20, 6/off, 6/5(2).",
        "A part is enough when only one play has it: 13/7, bar/24, or 8 5 for 8/5. Commands:",
        *(f"  {', '.join(c.words) + c.arguments:18} {c.meaning}" for c in _COMMAND_LIST),
    ]
)


__all__ = ["EndOfInput", "Quit", "TableGame", "TableOptions"]
