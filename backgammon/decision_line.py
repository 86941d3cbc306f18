"""Decisions as JSON lines: what `rank` reads and `decisions` writes, one object for each decision.

    {"id": "4HPwATDgc/ABMA", "dice": [3, 1]}        more keys may follow; they are handed on unchanged

`id` is the GNU Position ID (14 characters) of the position with the player on roll; IDs of positions after a play are
written with the opponent on roll, as everybody else writes them.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from backgammon.dice import Roll, make_roll
from backgammon.errors import DiceError, NotationError
from backgammon.notation.quoting import quote

EXAMPLE = '{"id": "4HPwATDgc/ABMA", "dice": [3, 1]}'
MAX_LENGTH = 1 << 16
"""Bytes of the longest line that is accepted; a decision needs about 50."""


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


def parse_decision_line(line: bytes) -> DecisionLine:
    """The decision that a line states; the Position ID is left to be decoded with many others at once.

    Raises:
        NotationError: not a JSON object, or "id" or "dice" missing or of another type.
        DiceError: impossible dice.
    """
    if len(line) > MAX_LENGTH:
        raise NotationError(f"a line of {len(line):,} bytes is no decision: write {EXAMPLE}")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "not UTF-8 text")
        shown = quote(line.decode("utf-8", "replace").strip())
        raise NotationError(f"{shown} is not JSON ({reason}): write {EXAMPLE}") from None
    if not isinstance(record, dict):
        raise NotationError(f"not a JSON object: write {EXAMPLE}")
    position_id = record.get("id")
    if not isinstance(position_id, str):
        raise NotationError(f'"id" must be a Position ID of 14 characters, as in {EXAMPLE}')
    dice = record.get("dice")
    if not isinstance(dice, list) or len(dice) != 2:
        raise DiceError(f'"dice" must be a list of two numbers from 1 to 6, as in {EXAMPLE}')
    return DecisionLine(record, position_id, make_roll(dice[0], dice[1]))
