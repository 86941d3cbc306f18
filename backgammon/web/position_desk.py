"""Positions that a page pastes or sets up: read in any notation, written in all of them, and ranked."""

from __future__ import annotations

from typing import Any

import numpy as np

from backgammon.analysis.stakes_table import verdict_fields
from backgammon.analysis.tutor import candidate_fields
from backgammon.cube.stakes import Stakes, stakes_of_match_id, stakes_of_xgid
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.notation.identifier import IdentifiedPosition, parse_identifier
from backgammon.notation.match_id import MatchId
from backgammon.rules.board import NUM_LOCATIONS, Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import make_roll
from backgammon.tools.errors import ConfigError
from backgammon.web.engine_desk import EngineDesk
from backgammon.web.request_fields import Fields
from backgammon.web.wire import Json, board_view, graph_view

_PERSON_SEAT = 1
"""Of a Match ID: the bottom player of an XGID."""
MAX_LENGTH = 64
MAX_CUBE = 12
"""As a power of two."""


def read_position(fields: Fields) -> Json:
    """A position as the page shows it, with all its names.

    Args:
        fields: "text", any identifier; or "board" (26 counts seen by the person) with "turn" (0 the person, 1 the
            opponent), "dice" (or none), "cube" (power of two), "owner" (0, 1, or 2 for nobody), "length", "points",
            "is_crawford".

    Raises:
        PairgammonError: it cannot be read, or cannot be.
    """
    found = parse_identifier(fields.text("text")) if fields.has("text") else _set_up(fields)
    return describe(found)


def rank_position(fields: Fields, desk: EngineDesk) -> Json:
    """The plays of a position with its dice, best first; without dice the cube decision.

    Raises:
        PairgammonError: the game is over, or the score and cube cannot be.
    """
    found = parse_identifier(fields.text("xgid"))
    if found.position.is_over:
        raise ConfigError("the game is over in this position")
    plies, stakes = fields.whole("plies", 0, MAX_PLIES, 1), _stakes(found)
    if found.match.dice is None:
        if stakes.double_refusal:
            raise ConfigError(f"no double is possible, {stakes.double_refusal}: choose a roll to see plays")
        engine = desk.at_stakes(plies)
        verdict = engine.decide_cube(found.position.board, stakes)
        return {"cube": verdict_fields(verdict, engine.valuation(stakes))}
    decision = Decision.make(found.position, found.match.dice)
    ranked = desk.at_stakes(plies).rank_plays(decision, stakes)
    shown = ranked[: fields.whole("count", 1, 200, 10)]
    return {"candidates": [candidate_fields(decision, one) for one in shown], "num_candidates": len(ranked)}


def _stakes(found: IdentifiedPosition) -> Stakes:
    return stakes_of_match_id(found.match) if found.xgid_source is None else stakes_of_xgid(found.xgid_source)


def describe(found: IdentifiedPosition) -> Json:
    """Everything that an identifier says, seen by the person."""
    match = found.match
    is_own = match.on_roll == _PERSON_SEAT
    position = found.position if is_own else found.position.swap()
    owner = None if match.cube_owner < 0 else 0 if match.cube_owner == _PERSON_SEAT else 1
    graph: list[list[Any]] | None = None
    if match.dice is not None and is_own and not position.is_over:
        graph = graph_view(Decision.make(position, match.dice))
    return {
        **board_view(position),
        "turn": 0 if is_own else 1,
        "dice": None if match.dice is None else list(match.dice),
        "cube": {"value": match.cube, "owner": owner, "is_in_play": not match.crawford, "is_offered": match.doubled},
        "length": match.length,
        "points": [match.scores[_PERSON_SEAT], match.scores[1 - _PERSON_SEAT]],
        "is_crawford": match.crawford,
        "is_over": position.is_over,
        "graph": graph,
        "xgid": found.xgid,
        "position_id": found.position_id,
        "match_id": found.match_id,
    }


def _set_up(fields: Fields) -> IdentifiedPosition:
    """A position made with the mouse."""
    position = Position(np.array(fields.wholes("board", NUM_LOCATIONS, -15, 15), dtype=np.int8))
    is_own = fields.whole("turn", 0, 1, 0) == 0
    owner = fields.whole("owner", 0, 2, 2)
    length = fields.whole("length", 0, MAX_LENGTH, 0)
    points = fields.wholes("points", 2, 0, MAX_LENGTH) if fields.has("points") else [0, 0]
    if length and max(points) >= length:
        raise ConfigError(f"points {points[0]}-{points[1]}: the match to {length} is over")
    is_crawford = fields.flag("is_crawford")
    if is_crawford and not (length and length - 1 in points and points[0] != points[1]):
        raise ConfigError("is_crawford: in the Crawford game exactly one player is 1 point away")
    seat = _PERSON_SEAT if is_own else 1 - _PERSON_SEAT
    match = MatchId(
        cube=1 << fields.whole("cube", 0, MAX_CUBE, 0),
        cube_owner=-1 if owner == 2 else _PERSON_SEAT if owner == 0 else 1 - _PERSON_SEAT,
        on_roll=seat,
        turn=seat,
        crawford=is_crawford,
        dice=make_roll(*fields.wholes("dice", 2, 1, 6)) if fields.has("dice") else None,
        length=length,
        scores=(points[1], points[0]),
    )
    return IdentifiedPosition(position if is_own else position.swap(), match)
