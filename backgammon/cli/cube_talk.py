"""The words of the cube at the table of `play`, and what a hint says of a cube decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backgammon.rules.game import Stage
from backgammon.table.session import Session
from backgammon.tools.errors import GameError, NotationError

if TYPE_CHECKING:
    from backgammon.engine.at_stakes import StakesEngine

_ROLL = ("", "r", "roll")
_DOUBLE = ("double", "d", "redouble")
_TAKE = ("take", "t", "accept")
_DROP = ("drop", "pass")
_BEAVER = ("beaver",)
_RACCOON = ("raccoon",)


def wants_double(word: str) -> bool:
    """Whether a word before the roll means to double; the other choice is to throw.

    Raises:
        NotationError: neither.
    """
    if word not in _ROLL + _DOUBLE:
        raise NotationError(f"{word!r}: press Enter or type roll to throw the dice, or double; help lists the commands")
    return word in _DOUBLE


def wants_raccoon(word: str) -> bool:
    """Whether a word behind a beaver means to turn the cube once more; the other choice is to throw.

    Raises:
        NotationError: neither.
    """
    if word not in (*_ROLL, *_RACCOON):
        raise NotationError(
            f"{word!r}: press Enter or type roll to throw the dice, or raccoon; help lists the commands"
        )
    return word in _RACCOON


def answer_of(word: str) -> str:
    """What a word answers to a double: "take", "drop" or "beaver".

    Raises:
        NotationError: it is no answer.
    """
    for answer, words in (("take", _TAKE), ("drop", _DROP), ("beaver", _BEAVER)):
        if word in words:
            return answer
    raise NotationError(f"{word!r}: type take or drop; help lists the commands")


def answer_double(session: Session, word: str) -> None:
    """Do what a word says to a double on offer.

    Raises:
        NotationError: it is no answer.
        GameError: a beaver that was not agreed.
    """
    {"take": session.take, "drop": session.drop, "beaver": session.beaver}[answer_of(word)]()


def hint_lines(engine: StakesEngine, session: Session) -> list[str]:
    """What the model thinks of the cube decision in play.

    Raises:
        GameError: there is none.
    """
    from backgammon.analysis.stakes_table import stakes_text, verdict_lines

    stakes = session.stakes
    if stakes.double_refusal:
        raise GameError(f"no cube decision: {stakes.double_refusal}")
    verdict = engine.decide_cube(session.state.position.board, stakes)
    is_offered = session.state.stage is Stage.DOUBLED
    lines = verdict_lines(verdict, engine.valuation(stakes), is_offered)
    return [f"  {line}" for line in (stakes_text(stakes), *lines)]
