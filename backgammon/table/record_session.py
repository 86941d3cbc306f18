"""A saved match or money session as a session that goes on where the record ends: score, cube, turn and dice.

Every action of the record is done again, so all that was legal when it was played stays in the books: plays can be
taken back, and the record of the session is the old one and what is added. Dice that the record does not hold come from
the session's seed.
"""

from __future__ import annotations

from backgammon.notation.play_text import parse_play
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
)
from backgammon.rules.game import Stage
from backgammon.table.arena.options import SetUp
from backgammon.table.saved_session import SavedSession
from backgammon.table.session import CubeRules
from backgammon.tools.errors import PairgammonError, RecordError

WITHOUT_CUBE = ("CubeLimit", "1")
"""Header of a session that is played without the cube."""


def session_of_record(match: MatchRecord, seed: int) -> SavedSession:
    """The session that a record tells of, ready to go on.

    Args:
        match: a whole one, from 0-0 on; its last game may be unfinished.
        seed: of the dice to come.

    Raises:
        RecordError: the match is over, does not begin at 0-0, or holds what cannot be played again; the message says
            in which game and why.
    """
    if match.variation != "Backgammon":
        raise RecordError(f"{match.variation} is not played here")
    if not match.games:
        raise RecordError("no game is in it")
    first = match.games[0]
    if not match.is_money and max(first.scores):
        raise RecordError(f"it begins at {first.scores[0]}-{first.scores[1]}: only a match from 0-0 on can be taken up")
    length = 0 if match.is_unlimited else match.length
    session = SavedSession(first.players, seed, length, None, _set_up(first.start), _rules(match, first.start))
    for number, game in enumerate(match.games, start=1):
        try:
            if number > 1:
                session.next_game()
                if game.start is not None:
                    raise RecordError("it begins at a position, which only the first game of a session can")
            for action in game.actions:
                _do(session, action)
        except PairgammonError as error:
            raise RecordError(f"game {number}: {error}") from error
        if number < len(match.games) and not session.state.is_over:
            raise RecordError(f"game {number}: it has no end, and another game follows")
    return session


def _rules(match: MatchRecord, start: Setup | None) -> CubeRules | None:
    if WITHOUT_CUBE in match.headers:
        return None
    jacoby, beavers = (match.is_money and match.header(key).casefold() == "on" for key in ("Jacoby", "Beaver"))
    if start is None:
        return CubeRules(jacoby, beavers)
    return CubeRules(jacoby, beavers, start.cube, start.cube_owner)


def _set_up(start: Setup | None) -> SetUp | None:
    return None if start is None else SetUp(start.position, start.turn)


def _do(session: SavedSession, action: Action) -> None:
    """One action of the record again.

    Raises:
        PairgammonError: it cannot be done.
    """
    match action:
        case RollAction():
            _roll(session, action)
        case DoubleAction():
            session.double()
        case TakeAction():
            session.take()
        case BeaverAction():
            if session.can_raccoon:
                session.raccoon()
            else:
                session.beaver()
        case DropAction():
            session.drop()
        case ResignAction():
            if not session.state.is_over:
                session.resign(action.seat, _size(session, action.points))
        case ResultAction():
            if not session.state.is_over:
                session.resign(1 - action.seat, _size(session, action.points))
        case _:
            raise RecordError("an entry that cannot be read")


def _size(session: SavedSession, points: int | None) -> int:
    """Single game, gammon or backgammon that comes to so many points, the cube in them."""
    return min(3, max(1, -(-(points or 0) // session.state.cube)))


def _roll(session: SavedSession, action: RollAction) -> None:
    if action.roll is None:
        raise RecordError("a roll without dice")
    high, low = max(action.roll), min(action.roll)
    if session.state.stage is Stage.OPENING:
        session.throw_dice((high, low) if action.seat == 0 else (low, high))
    elif action.seat != session.state.turn:
        raise RecordError(f"seat {action.seat} rolls, but it is the turn of the other")
    else:
        session.throw_dice((high, low))
    decision = session.decision()
    if decision.is_dance:
        session.play(0)
    elif action.play:
        session.play(parse_play(action.play, decision))
