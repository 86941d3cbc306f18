"""What the page gets: a game in plain JSON values, everything seen from the person's seat.

board     26 counts in the person's view: positive the person's checkers, 25 its bar, 0 the opponent's
moves     [source, target, hits] in the numbering of whoever moves (`seat` stands beside it): 25 the bar, 0 off
graph     nodes [row or null, [[source, target, hits, die, node], ...]] of the roll that the person has to play, see
          `table.move_graph`: the page walks it, and hands in the row where it ends
"""

from __future__ import annotations

from typing import Any

from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import MatchId
from backgammon.records.record.record import Action, BeaverAction, DoubleAction, DropAction, TakeAction
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision, Play
from backgammon.rules.game import Stage
from backgammon.table.move_graph import build_move_graph
from backgammon.table.session import Session

PERSON, ENGINE = 0, 1
"""Seats."""

_CUBE_WORDS: dict[type, str] = {TakeAction: "take", DropAction: "pass", BeaverAction: "beaver"}

Json = dict[str, Any]


def game_view(session: Session) -> Json:
    """Everything that a page shows of a session as it stands."""
    state, score = session.state, session.score
    view: Json = {
        "names": list(session.names),
        "game": session.game_number - (state.is_over and session.num_finished > 0),
        "length": score.length,
        "points": list(score.points),
        "is_crawford": score.is_crawford,
        "stage": state.stage.name.lower(),
        "turn": state.turn,
        "to_act": state.seat_to_act,
        "dice": None if state.roll is None else list(state.roll),
        **board_view(session.board_of(PERSON)),
        "cube": cube_view(session),
        "result": None,
        "is_session_over": session.is_over,
        "can_take_back": session.can_take_back(PERSON),
        "xgid": identify(session).xgid if state.stage in (Stage.ROLL, Stage.PLAY, Stage.DOUBLED) else None,
        "log": log_view(session),
        "graph": None,
    }
    if state.stage is Stage.PLAY and state.turn == PERSON:
        view["graph"] = graph_view(session.decision())
    if state.result is not None:
        result = state.result
        view["result"] = {
            "winner": result.winner,
            "size": result.size,
            "points": result.points,
            "ending": result.ending.value,
        }
    return view


def log_view(session: Session) -> list[Json]:
    """What was done in the game in play as text."""
    lines: list[Json] = []
    cube_actions = session.cube_actions
    for index in range(len(session.turns) + 1):
        lines += [_cube_line(action) for at, action in cube_actions if at == index]
        if index < len(session.turns):
            turn = session.turns[index]
            lines.append({"seat": turn.seat, "text": f"{turn.decision.roll}: {turn.text or 'no legal play'}"})
    return lines


def _cube_line(action: Action) -> Json:
    text = f"double to {action.cube}" if isinstance(action, DoubleAction) else _CUBE_WORDS[type(action)]
    return {"seat": action.seat, "text": text}


def board_view(position: Position) -> Json:
    """A position in the person's view with its counts."""
    return {
        "board": position.board.tolist(),
        "off": [position.off, position.opponent_off],
        "pips": [position.pips, position.opponent_pips],
    }


def cube_view(session: Session) -> Json:
    """The cube: its value, who owns it (null: both may double), whether it is in play, and what may be done now."""
    state = session.state
    return {
        "value": state.cube,
        "owner": state.cube_owner,
        "is_in_play": state.has_cube,
        "is_offered": state.stage is Stage.DOUBLED,
        "may_double": session.may_double,
        "may_beaver": state.stage is Stage.DOUBLED and session.cube is not None and session.cube.has_beavers,
    }


def graph_view(decision: Decision) -> list[list[Any]]:
    """The graph of legal moves."""
    return [
        [node.row, [[s.move.source, s.move.target, int(s.move.is_hit), s.die, s.target] for s in node.steps]]
        for node in build_move_graph(decision)
    ]


def moves_view(play: Play) -> list[list[int]]:
    """The moves of a play."""
    return [[move.source, move.target, int(move.is_hit)] for move in play]


def identify(session: Session) -> IdentifiedPosition:
    """The position in play with dice, cube and score; the person is seat 1 of a Match ID, the bottom player of XG."""
    state, score = session.state, session.score
    owner = -1 if state.cube_owner is None else 1 - state.cube_owner
    match = MatchId(
        cube=state.cube,
        cube_owner=owner,
        on_roll=1 - state.turn,
        turn=1 - state.seat_to_act,
        doubled=state.stage is Stage.DOUBLED,
        crawford=score.is_crawford,
        dice=state.roll,
        length=score.length,
        scores=(score.points[1], score.points[0]),
    )
    return IdentifiedPosition(state.position, match)
