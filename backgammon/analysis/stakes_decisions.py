"""The decisions of a game as lines with score and cube, in order: cube decisions, answers to doubles, plays.

    {"file": ..., "game": 1, "turn": 4, "player": ..., "xgid": "XGID=...:00:...", "doubled": false}
    {"file": ..., "game": 1, "turn": 6, "player": ..., "xgid": "XGID=...:D:...", "answer": "take"}
    {"file": ..., "game": 1, "turn": 6, "player": ..., "xgid": "XGID=...:31:...", "played": ID after, "n": 14}

The bottom player of an XGID is the one on roll, who has doubled while that is answered. "n" counts distinct results.
`rank` answers such lines, and its answers are labels that `evaluate` reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from backgammon.analysis.cube_spots import DOUBLE, CubeSpot, collect_spots
from backgammon.analysis.logged_rolls import GameRolls
from backgammon.cube.stakes import Stakes, put_in_xgid
from backgammon.notation.gnu_id import position_id
from backgammon.notation.xgid import XgId, format_xgid
from backgammon.rules.board import Position, swap


def format_at_stakes(
    game: GameRolls, head: dict[str, Any], players: tuple[str, str], with_forced: bool = False
) -> bytes:
    """The decisions of a game, one line each with line feed.

    Args:
        game: its rolls, with what was done with the cube.
        head: keys that every line begins with.
        players: names by seat.
        with_forced: also the plays without a choice.

    Raises:
        StakesError: the log tells of a score or cube that cannot be.
    """
    spots = {spot.roll: spot for spot in collect_spots(game)} if game.rules.has_cube else {}
    records: list[dict[str, Any]] = []
    for index in range(len(game) + 1):
        if index in spots:
            records += ({**head, **record} for record in _cube_records(spots[index], players))
        if index < len(game) and (with_forced or not game.decisions.is_forced[index]):
            records.append({**head, **_play_record(game, index, players)})
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _cube_records(spot: CubeSpot, players: tuple[str, str]) -> Iterator[dict[str, Any]]:
    doubled = any(event.action == DOUBLE for event in spot.events)
    bare = put_in_xgid(XgId(Position(spot.board)), spot.stakes)
    yield {"turn": spot.roll, "player": players[spot.seat], "xgid": format_xgid(bare), "doubled": doubled}
    answers = [event for event in spot.events if event.action != DOUBLE]
    if doubled and answers:
        offered = format_xgid(replace(bare, cube_action="D"))
        yield {
            "turn": spot.roll,
            "player": players[1 - spot.seat],
            "xgid": offered,
            "answer": answers[0].action,
        }


def _play_record(game: GameRolls, index: int, players: tuple[str, str]) -> dict[str, Any]:
    decision, stakes = game.decisions.one(index), game.stakes(index)
    assert decision.chosen is not None, "a log says what was played"
    return {
        "turn": index,
        "player": players[int(game.seats[index])],
        "xgid": _xgid_of_play(decision.position, stakes, decision.roll),
        "played": position_id(Position(swap(decision.candidates[decision.chosen]))),
        "n": len(decision.candidates),
    }


def _xgid_of_play(position: Position, stakes: Stakes, roll: Any) -> str:
    return format_xgid(replace(put_in_xgid(XgId(position), stakes), dice=roll))
