"""wildbg's HTTP interface without the HTTP: what a request means, and the JSON that answers it.

    GET /move?die1=3&die2=1&p24=2&p19=-5&...   every play, best first, each with the chances after it
    GET /eval?p24=2&p19=-5&...                 chances of the player on roll, and what to do with the cube

`p0` to `p25` are the counts of the position as everywhere in this project: positive the player on roll, who moves from
24 to 1; 25 its bar, 0 the opponent's (negative or 0). Missing ones are 0. `x_away` and `o_away` are the points that
the player on roll and the opponent need; both 0 is money play. The cube is centred on 1 and may be turned: a score with
1 away is one behind the Crawford game. `from` 25 is the bar,
`to` 0 is off. A gammon includes the backgammons, and `lose` is 1 - `win`.

Source: wildbg, README and the OpenAPI description of its server (2023-2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from backgammon.cube.met import MAX_LENGTH
from backgammon.cube.stakes import Stakes
from backgammon.evaluation.outcome import Outcomes, cumulative
from backgammon.protocols.adviser import Adviser
from backgammon.rules import game as turns
from backgammon.rules.board import NUM_LOCATIONS, Position
from backgammon.rules.game import GameState
from backgammon.tools.errors import PairgammonError
from backgammon.tools.quoting import quote

PATHS = ("/move", "/eval")

MAX_PARAMETERS = 64
"""Of a request; the longest has 30."""

OK, BAD_REQUEST, NOT_FOUND, NOT_IMPLEMENTED = 200, 400, 404, 501

_PROBABILITY_NAMES = ("win", "winG", "winBg", "loseG", "loseBg")
_NUMBER = re.compile("-?[0-9]{1,3}")
_COUNTS = {f"p{index}": index for index in range(NUM_LOCATIONS)}
_AWAY = ("x_away", "o_away")


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: of HTTP.
        body: of the JSON object; {"message": reason} when the request cannot be answered.
    """

    status: int
    body: dict[str, Any]


class _Refused(Exception):
    """The request cannot be answered: (status, reason)."""


def answer_request(target: str, adviser: Adviser) -> Answer:
    """The answer to a GET request for `target`, a path with its query."""
    parts = urlsplit(target)
    try:
        if parts.path not in PATHS:
            raise _Refused(NOT_FOUND, f"there are {' and '.join(PATHS)}")
        parameters = _parse_query(parts.query)
        stakes = _parse_stakes(parameters)
        state = _parse_state(parameters)
        body = (
            _moves(state, stakes, parameters, adviser) if parts.path == "/move" else _evaluation(state, stakes, adviser)
        )
    except _Refused as refused:
        status, reason = refused.args
        return Answer(status, {"message": reason})
    except PairgammonError as error:
        return Answer(BAD_REQUEST, {"message": " ".join(str(error).split())})
    return Answer(OK, body)


def _parse_query(query: str) -> dict[str, int]:
    """The parameters by name; unknown ones are left out, as wildbg does."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise _Refused(BAD_REQUEST, f"more than {MAX_PARAMETERS} parameters") from error
    known = {*_COUNTS, *_AWAY, "die1", "die2"}
    numbers: dict[str, int] = {}
    for name, text in pairs:
        if name not in known:
            continue
        if name in numbers:
            raise _Refused(BAD_REQUEST, f"{name} is given twice")
        if _NUMBER.fullmatch(text) is None:
            raise _Refused(BAD_REQUEST, f"{name}={quote(text)}: it must be a whole number")
        numbers[name] = int(text)
    return numbers


def _parse_stakes(parameters: Mapping[str, int]) -> Stakes:
    """The score that the points away tell, in the shortest match that has it; the cube is centred on 1."""
    own, theirs = (parameters.get(name, 0) for name in _AWAY)
    if (own, theirs) == (0, 0):
        return Stakes()
    if own < 1 or theirs < 1 or max(own, theirs) > MAX_LENGTH:
        raise _Refused(BAD_REQUEST, f"x_away and o_away must both be 0 (money play) or both be 1 to {MAX_LENGTH}")
    length = max(own, theirs)
    return Stakes(length, (length - own, length - theirs))


def _parse_state(parameters: Mapping[str, int]) -> GameState:
    """The game before the roll, seat 0 on roll."""
    counts = np.zeros(NUM_LOCATIONS, dtype=np.int64)
    for name, index in _COUNTS.items():
        counts[index] = parameters.get(name, 0)
    return turns.new_game(position=Position(counts), turn=0)


def _moves(state: GameState, stakes: Stakes, parameters: Mapping[str, int], adviser: Adviser) -> dict[str, Any]:
    """Every play, best first. Without chances "probabilities" is null: none are better than wrong ones."""
    missing = [name for name in ("die1", "die2") if name not in parameters]
    if missing:
        raise _Refused(BAD_REQUEST, f"{missing[0]} is missing: give die1 and die2")
    advice = adviser.rank(turns.roll_dice(state, parameters["die1"], parameters["die2"]), stakes)
    plays = advice.decision.plays
    chances = [None] * len(plays) if advice.outcomes is None else _probabilities(advice.outcomes)
    return {
        "moves": [
            {
                "play": [{"from": move.source, "to": move.target} for move in plays[row]],
                "probabilities": chances[row],
            }
            for row in advice.order.tolist()
        ]
    }


def _evaluation(state: GameState, stakes: Stakes, adviser: Adviser) -> dict[str, Any]:
    """Chances of the player on roll; whether it doubles, and whether the opponent would take."""
    chances = adviser.chances(state.position)
    if chances is None:
        raise _Refused(NOT_IMPLEMENTED, f"{adviser.name} orders plays but gives no chances: use a model with outcomes")
    cube = {"double": adviser.doubles(state, stakes), "accept": adviser.takes(state, stakes)}
    return {"cube": cube, "probabilities": _probabilities(chances[None])[0]}


def _probabilities(outcomes: Outcomes) -> list[dict[str, float]]:
    """The five cumulative numbers of each of the outcomes float32[N, 6], by wildbg's names."""
    return [dict(zip(_PROBABILITY_NAMES, row, strict=True)) for row in cumulative(outcomes).tolist()]
