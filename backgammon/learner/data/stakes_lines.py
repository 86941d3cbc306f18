"""Lines of `rank` that state a score and cube: an XGID under "xgid", answered by a play or a cube action.

    {"xgid": "XGID=...:31:..."}     with dice, in the XGID or beside it: the plays, by their value
    {"xgid": "XGID=...:00:..."}     before the roll, or D, a double that is to be answered: the cube action

Equities are EMG of the player on roll (`XGID` field turn), in money play points per unit of the cube.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from backgammon.cube.stakes import Stakes, stakes_of_xgid
from backgammon.engine.at_stakes import PlayAtStakes
from backgammon.engine.engine import Engine
from backgammon.evaluation.outcome import OUTCOMES
from backgammon.notation.gnu_id import position_id, position_ids
from backgammon.notation.identifier import parse_identifier
from backgammon.records.formats.decision_line import MAX_LENGTH
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll, make_roll
from backgammon.tools.errors import DiceError, GameError, NotationError, PositionError
from backgammon.tools.quoting import quote

KEY = "xgid"
_ANSWERS = ("best", "candidates", "action", "double", "take", "equities", "reason")
"""Keys that an answer replaces or takes away."""


class StakesLine(NamedTuple):
    """One line as read.

    Attributes:
        record: the whole object.
        position: seen by the player on roll.
        stakes: likewise.
        roll: None for a cube decision.
        is_offered: a double is to be answered.
    """

    record: dict[str, Any]
    position: Position
    stakes: Stakes
    roll: Roll | None
    is_offered: bool


def stakes_record(text: bytes) -> dict[str, Any] | None:
    """The object of a line that has the key "xgid"; None for every other line, damaged ones among them."""
    if len(text) > MAX_LENGTH or b'"xgid"' not in text:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and KEY in record else None


def parse_stakes_line(record: dict[str, Any]) -> StakesLine:
    """What an object with the key "xgid" states.

    Raises:
        NotationError: no text, or an XGID that cannot be read, or a beaver that is to be answered.
        StakesError: score, cube and rules that cannot stand together.
        DiceError: impossible dice.
        GameError: a double on offer that the rules forbid.
        PositionError: the game is over.
    """
    text = record[KEY]
    if not isinstance(text, str):
        raise NotationError(
            '"xgid" must be text, as in {"xgid": "XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:7:10"}'
        )
    xgid = parse_identifier(text).xgid_source
    if xgid is None:
        raise NotationError(f'"xgid" {quote(text)}: this is a Position ID; write it behind "id"')
    if (given := record.get("id")) not in (None, position_id(xgid.position)):
        raise NotationError(f'"id" {quote(str(given))} is not the position of the "xgid", {position_id(xgid.position)}')
    if xgid.cube_action in ("B", "R"):
        raise NotationError(f"{text}: a beaver or raccoon is to be answered there, only a double (D) can be")
    if xgid.position.is_over:
        raise PositionError(f"{text}: the game is over in this position, there is nothing to choose")
    roll = xgid.dice
    if (dice := record.get("dice")) is not None:
        if xgid.cube_action:
            raise DiceError(f"{text}: a double is to be answered, there are no dice yet")
        if not isinstance(dice, list) or len(dice) != 2:
            raise DiceError('"dice" must be a list of two numbers from 1 to 6')
        roll = make_roll(dice[0], dice[1])
    stakes = stakes_of_xgid(xgid)
    is_offered = xgid.cube_action == "D"
    if is_offered and stakes.double_refusal:
        raise GameError(f"{text}: a double is on offer, which the rules forbid: {stakes.double_refusal}")
    return StakesLine(record, xgid.position, stakes, roll, is_offered)


def answer_at_stakes(engine: Engine, lines: Sequence[StakesLine]) -> Iterator[bytes]:
    """One line of text for each, in order."""
    asked = [i for i, line in enumerate(lines) if line.roll is None and line.stakes.may_double]
    boards = np.array([lines[i].position.board for i in asked], dtype=np.int8).reshape(-1, 26)
    if engine.spec.rollout is None:
        found = engine.cube.decide_cubes(boards, [lines[i].stakes for i in asked])
    else:
        found = [engine.rolled_plays.decide_cube(lines[i].position.board, lines[i].stakes).verdict for i in asked]
    verdicts = dict(zip(asked, found, strict=True))
    for i, line in enumerate(lines):
        answer: dict[str, Any]
        if line.roll is not None:
            answer = _play_answer(engine, line, line.roll)
        elif i in verdicts:
            verdict = verdicts[i]
            answer = {
                "action": verdict.action,
                "double": verdict.is_double,
                "take": verdict.is_take,
                "equities": [round(value, 6) for value in verdict.equities],
            }
        else:
            no_double = round(engine.cube.value_of_rolling(line.position.board, line.stakes), 6)
            answer = {
                "action": "no double",
                "double": False,
                "take": None,
                "equities": [no_double, None, None],
                "reason": line.stakes.double_refusal,
            }
        rest = {key: value for key, value in line.record.items() if key not in _ANSWERS}
        yield json.dumps({**rest, **answer}).encode() + b"\n"


def _play_answer(engine: Engine, line: StakesLine, roll: Roll) -> dict[str, Any]:
    decision = Decision.make(line.position, roll)
    ids = position_ids(swap(decision.candidates))
    ranker = engine.plays if engine.spec.rollout is None else engine.rolled_plays
    plays = ranker.rank_plays(decision, line.stakes)
    return {"best": ids[plays[0].row], "candidates": [_candidate_entry(ids[play.row], play) for play in plays]}


def _candidate_entry(after: str, play: PlayAtStakes) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": after, "equity": round(play.equity, 6)}
    if play.mwc is not None:
        entry["mwc"] = round(play.mwc, 6)
    chances = {name: round(value, 6) for name, value in zip(OUTCOMES, play.outcomes.tolist(), strict=True)}
    entry |= {"chances": chances, "ply": play.ply, "margin": round(play.margin, 6)}
    if play.standard_error is not None:
        errors = {"standard_error": play.standard_error, "joint_error": play.joint_error or 0.0}
        entry |= {**{name: round(error, 6) for name, error in errors.items()}, "games": play.games}
    return entry
