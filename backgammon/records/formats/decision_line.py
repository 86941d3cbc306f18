"""Decisions as JSON lines: what `rank` reads and `decisions` writes, one object for each decision.

    {"id": "4HPwATDgc/ABMA", "dice": [3, 1]}        more keys may follow; they are handed on unchanged
    4HPwATDgc/ABMA 31                               the same as somebody types it, or pastes it with a label

`id` is the GNU Position ID (14 characters) of the position with the player on roll, or one with its Match ID behind it,
or an XGID; where these hold the dice, `dice` may be missing. IDs of positions after a play are written as Position IDs
with the opponent on roll, as everybody else writes them.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import numpy as np

from backgammon.notation.gnu_id import POSITION_ID_LENGTH, position_ids
from backgammon.notation.identifier import parse_identifier
from backgammon.records.replay.replay import ReplayedGame
from backgammon.rules.board import swap
from backgammon.rules.dice import Roll, make_roll, parse_roll
from backgammon.tools.errors import DiceError, IdError, NotationError
from backgammon.tools.quoting import quote

EXAMPLE = '{"id": "4HPwATDgc/ABMA", "dice": [3, 1]}'
MAX_LENGTH = 1 << 16
"""Bytes of the longest line that is accepted; a decision needs about 50."""

_TYPED = re.compile(r"(\S.*?)(?:[ \t]+([0-9][0-9 ,-]*))?", re.DOTALL)
_PLAIN_ID = re.compile("[A-Za-z0-9+/]{14}")
_NAMED = re.compile(r"ID\b", re.IGNORECASE)


class DecisionLine(NamedTuple):
    """One line as read.

    Attributes:
        record: the whole object.
        position_id: of the player on roll; not yet decoded.
        roll: larger die first.
    """

    record: dict[str, Any]
    position_id: str
    roll: Roll


def parse_decision_line(line: bytes, max_length: int = MAX_LENGTH) -> DecisionLine:
    """The decision that a line states; the Position ID is left to be decoded with many others at once.

    Args:
        line: JSON text.
        max_length: bytes of the longest line that is accepted.

    Raises:
        NotationError: not a JSON object, "id" or "dice" missing or of another type, or a longer ID that is damaged.
        DiceError: impossible dice.
    """
    if len(line) > max_length:
        raise NotationError(f"a line of {len(line):,} bytes is no decision: write {EXAMPLE}")
    record = _json_record(line) if line.lstrip()[:1] in (b"{", b"[") else _typed_record(line)
    position_id = record.get("id")
    if not isinstance(position_id, str):
        raise NotationError(f'"id" must be a Position ID of 14 characters, as in {EXAMPLE}')
    dice = record.get("dice")
    if len(position_id) != POSITION_ID_LENGTH:  # as it was pasted; a Match ID or XGID may hold the dice as well
        identified = parse_identifier(position_id)
        position_id = identified.position_id
        if dice is None and identified.match.dice is not None:
            dice = list(identified.match.dice)
    if not isinstance(dice, list) or len(dice) != 2:
        raise DiceError(f'"dice" must be a list of two numbers from 1 to 6, as in {EXAMPLE}')
    return DecisionLine(record, position_id, make_roll(dice[0], dice[1]))


def _json_record(line: bytes) -> dict[str, Any]:
    """The object of a line of JSON."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "not UTF-8 text")
        shown = quote(line.decode("utf-8", "replace").strip())
        raise NotationError(f"{shown} is not JSON ({reason}): write {EXAMPLE}") from None
    if not isinstance(record, dict):
        raise NotationError(f"not a JSON object: write {EXAMPLE}")
    return record


def _typed_record(line: bytes) -> dict[str, Any]:
    """The object that would have said what was typed or pasted; the dice are left to the ID when none were."""
    text = line.decode("utf-8", "replace").strip()
    typed = _TYPED.fullmatch(text)
    if typed is None:
        return _json_record(line)
    name, dice = typed[1], typed[2] or ""
    try:
        found = parse_identifier(name)
    except IdError:
        if _PLAIN_ID.fullmatch(name) is None and _NAMED.search(name) is None:
            return _json_record(line)  # nobody meant an identifier
        raise
    record = {"id": name if _PLAIN_ID.fullmatch(name) or found.has_match else found.position_id}
    return {**record, "dice": list(parse_roll(dice))} if dice else record


def format_game(game: ReplayedGame, with_forced: bool = False) -> bytes:
    """The plays of a replayed game, one line each with line feed, in order.

    Args:
        game: dances are not in it.
        with_forced: also the plays without a choice.
    """
    wanted = np.flatnonzero(~game.plays.is_forced | with_forced)
    if not len(wanted):
        return b""
    before = position_ids(game.plays.boards[wanted])
    played = position_ids(swap(game.plays.afters[wanted]))
    names = [json.dumps(name) for name in game.players]
    head = f'{{"file": {json.dumps(game.file)}, "game": {game.game}, "turn": '
    numbers = zip(
        game.turns[wanted].tolist(),
        game.seats[wanted].tolist(),
        game.plays.dice[wanted].tolist(),
        game.plays.counts[wanted].tolist(),
        strict=True,
    )
    return "".join(
        f'{head}{turn}, "player": {names[seat]}, "id": "{before[i]}", "dice": {dice}, "played": "{played[i]}", '
        f'"candidates": {count}}}\n'
        for i, (turn, seat, dice, count) in enumerate(numbers)
    ).encode()
