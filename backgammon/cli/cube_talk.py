"""The cube at the table of `play`: asked before the roll, answered when the opponent doubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backgammon.rules.game import Stage
from backgammon.table.session import Session
from backgammon.tools.errors import GameError, NotationError

if TYPE_CHECKING:
    from backgammon.cli.game_table import TableGame
    from backgammon.engine.at_stakes import StakesEngine

PERSON = 0

_ROLL = ("", "r", "roll")
_DOUBLE = ("double", "d", "redouble")
_TAKE = ("take", "t", "accept")
_DROP = ("drop", "pass")
_BEAVER = ("beaver",)


def ask_before_roll(table: TableGame) -> None:
    """Ask the person whether to roll or to double, until one of the two or something else that ends the question."""
    session = table.session
    _converse(table, f"{table.names[PERSON]}: roll or double to {2 * session.state.cube}", _roll_or_double)


def ask_for_answer(table: TableGame) -> None:
    """Tell the person of the opponent's double and ask for the answer."""
    session = table.session
    value = 2 * session.state.cube
    words = "take, drop or beaver" if session.stakes.has_beavers else "take or drop"
    if table.options.is_board_shown:
        table.show_board()
    _converse(table, f"{table.names[1 - PERSON]} doubles to {value}: {words}", _answer)


def hint_lines(engine: StakesEngine, session: Session) -> list[str]:
    """What the model thinks of the cube decision in play."""
    from backgammon.analysis.stakes_table import stakes_text, verdict_lines

    stakes = session.stakes
    if stakes.double_refusal:
        raise GameError(f"no cube decision: {stakes.double_refusal}")
    verdict = engine.decide_cube(session.state.position.board, stakes)
    is_offered = session.state.stage is Stage.DOUBLED
    lines = verdict_lines(verdict, engine.valuation(stakes), is_offered)
    return [f"  {line}" for line in (stakes_text(stakes), *lines)]


def _converse(table: TableGame, prompt: str, act: Callable[[TableGame, str], None]) -> None:
    """Ask until the state of the session has changed; commands work as they do before a play.

    Args:
        table: the table.
        prompt: the question.
        act: does what a word that is no command says.
    """
    session, terminal = table.session, table.terminal
    before = session.state
    while session.state is before:
        word, *arguments = terminal.ask(prompt).lower().split() or [""]
        command = table.options.commands.get(word)
        try:
            if command is not None:
                command.act(table, arguments)
            else:
                act(table, word)
        except (NotationError, GameError) as error:
            terminal.say(str(error), "problem")


def _roll_or_double(table: TableGame, word: str) -> None:
    if word in _ROLL:
        table.throw()
    elif word in _DOUBLE:
        table.session.double()
        table.say_double()
    else:
        raise NotationError(f"{word!r}: press Enter or type roll to throw the dice, or double; help lists the commands")


def _answer(table: TableGame, word: str) -> None:
    if word in _TAKE:
        table.session.take()
    elif word in _DROP:
        table.session.drop()
    elif word in _BEAVER:
        table.session.beaver()
    else:
        raise NotationError(f"{word!r}: type take or drop; help lists the commands")
