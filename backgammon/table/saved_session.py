"""A session that can be put away and taken up again: its settings and what was done, one entry for each action.

The dice follow from the seed, so the actions are enough: opened again, the session stands where it stood, with every
turn that can be taken back. The text is one JSON object:

    {"format": "pairgammon session", "version": 1, "names": [...], "seed": 7, "length": 3, ..., "actions": [...]}

    ["throw"]                 the session's own dice;  ["throw", 3, 1] dice from the table
    ["rethrow", 3, 1]         dice that were typed wrongly are put right
    ["play", "4HPwATDgc/ABMA"]  the Position ID after the play, for the player who rolls next
    ["double"], ["take"], ["beaver"], ["raccoon"], ["drop"]
    ["resign", 0, 1]          seat and size
    ["take back", 0]          seat
    ["next game"]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backgammon.notation.gnu_id import parse_position_id, position_id
from backgammon.rules.board import Position, swap
from backgammon.rules.dice import make_roll
from backgammon.table.arena.options import SetUp
from backgammon.table.session import CubeRules, Session, Turn
from backgammon.tools.errors import ConfigError, PairgammonError, RecordError
from backgammon.tools.quoting import quote
from backgammon.tools.storage import read_bounded, replace_file

FORMAT, VERSION = "pairgammon session", 1
MAX_BYTES = 4 << 20
"""Of a file; a match to 25 points takes about 60 KB."""

_CUBE_KEYS = ("has_jacoby", "has_beavers")

Entry = list[Any]
"""An action: its word, then its arguments."""


class SavedSession(Session):
    """A session that keeps the list of what was done in it.

    Attributes:
        actions: entries so far; they only ever grow, so their number tells one state of the session from another.
        about: what the owner of the session wants to find again, plain JSON values (the opponent, its level, ...).
    """

    def __init__(
        self,
        names: tuple[str, str],
        seed: int,
        length: int = 0,
        num_games: int | None = None,
        start: SetUp | None = None,
        cube: CubeRules | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """See `Session`."""
        super().__init__(names, seed, length, num_games, start, cube)
        self._set_up = start
        self.about: dict[str, Any] = dict(about or {})
        self.actions: list[Entry] = []

    def throw_dice(self, dice: tuple[int, int] | None = None) -> None:
        """See `Session.throw_dice`."""
        super().throw_dice(dice)
        if hasattr(self, "actions"):  # a set-up with dice throws them while it is laid out
            self.actions.append(["throw", *map(int, dice or ())])

    def rethrow_dice(self, dice: tuple[int, int]) -> None:
        """See `Session.rethrow_dice`."""
        super().rethrow_dice(dice)
        self.actions.append(["rethrow", *map(int, dice)])

    def play(self, row: int) -> Turn:
        """See `Session.play`."""
        turn = super().play(row)
        self.actions.append(["play", position_id(Position(swap(turn.decision.candidates[row])))])
        return turn

    def double(self) -> None:
        """See `Session.double`."""
        super().double()
        self.actions.append(["double"])

    def take(self) -> None:
        """See `Session.take`."""
        super().take()
        self.actions.append(["take"])

    def beaver(self) -> None:
        """See `Session.beaver`."""
        super().beaver()
        self.actions.append(["beaver"])

    def raccoon(self) -> None:
        """See `Session.raccoon`."""
        super().raccoon()
        self.actions.append(["raccoon"])

    def drop(self) -> None:
        """See `Session.drop`."""
        super().drop()
        self.actions.append(["drop"])

    def resign(self, seat: int, size: int) -> None:
        """See `Session.resign`."""
        super().resign(seat, size)
        self.actions.append(["resign", seat, size])

    def take_back(self, seat: int) -> None:
        """See `Session.take_back`."""
        super().take_back(seat)
        self.actions.append(["take back", seat])

    def next_game(self) -> None:
        """See `Session.next_game`."""
        super().next_game()
        self.actions.append(["next game"])

    def to_text(self) -> str:
        """The session as text."""
        start = self._set_up
        set_up = None
        if start is not None:
            roll = None if start.roll is None else list(start.roll)
            set_up = {"position": position_id(start.position), "first": start.seat, "dice": roll}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "names": list(self.names),
            "seed": self.seed,
            "length": self.score.length,
            "num_games": self.num_games,
            "start": set_up,
            "cube": None if self.cube is None else asdict(self.cube),
            "about": self.about,
            "actions": self.actions,
        }
        return json.dumps(document, separators=(",", ":")) + "\n"

    def save(self, path: Path) -> None:
        """Write it all to a file, which is replaced as a whole."""
        replace_file(path, self.to_text().encode())


def open_session(path: Path) -> SavedSession:
    """The session of a file.

    Raises:
        RecordError: not such a file, or one whose actions cannot be done.
        OSError: it cannot be read, or is too large.
    """
    data = read_bounded(path, MAX_BYTES)
    try:
        return parse_session(data.decode())
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: no saved session: not text") from error
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def parse_session(text: str) -> SavedSession:
    """The session of a text; see `open_session`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"no saved session: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise RecordError("no saved session of pairgammon")
    if document.get("version") != VERSION:
        raise RecordError(
            f"a saved session of version {quote(str(document.get('version')))}, this program reads {VERSION}"
        )
    session = _lay_out(document)
    actions = document.get("actions")
    if not isinstance(actions, list):
        raise RecordError("actions: a list is needed there")
    for number, entry in enumerate(actions, start=1):
        try:
            _do(session, entry)
        except (PairgammonError, TypeError, ValueError) as error:
            raise RecordError(f"action {number}, {quote(json.dumps(entry))}: {error}") from error
    return session


def _lay_out(document: Mapping[str, Any]) -> SavedSession:
    """The session before its first action."""
    names, about = document.get("names"), document.get("about", {})
    seed, length, num_games = (document.get(key) for key in ("seed", "length", "num_games"))
    if not (isinstance(names, list) and len(names) == 2 and all(isinstance(name, str) for name in names)):
        raise RecordError("names: two texts are needed there")
    for key, number in (("seed", seed), ("length", length), ("num_games", 1 if num_games is None else num_games)):
        if not _is_whole(number):
            raise RecordError(f"{key}: a whole number is needed there")
    if not isinstance(about, dict):
        raise RecordError("about: an object is needed there")
    try:
        start = _parse_set_up(document.get("start"))
        cube = _parse_cube(document.get("cube"))
        return SavedSession((names[0], names[1]), seed or 0, length or 0, num_games, start, cube, about)
    except ConfigError as error:
        raise RecordError(str(error)) from error


def _parse_cube(found: Any) -> CubeRules | None:
    if found is None:
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(key), bool) for key in _CUBE_KEYS):
        raise RecordError(f"cube: true or false are needed there for {' and '.join(_CUBE_KEYS)}")
    first, owner = found.get("first", 1), found.get("first_owner")
    if not _is_whole(first) or not (owner is None or (_is_whole(owner) and owner in (0, 1))):
        raise RecordError("cube: its value and owner at the start are needed there")
    return CubeRules(found["has_jacoby"], found["has_beavers"], first, owner)


def _parse_set_up(found: Any) -> SetUp | None:
    if found is None:
        return None
    try:
        first, dice = found["first"], found["dice"]
        position = parse_position_id(found["position"])
        if not (first is None or (_is_whole(first) and first in (0, 1))) or position.is_over:
            raise RecordError("start: a position in play and the seat on roll are needed there")
        return SetUp(position, first, None if dice is None else make_roll(*dice))
    except (KeyError, TypeError, AttributeError, PairgammonError) as error:
        raise RecordError(f"start: {error}") from error


def _do(session: SavedSession, entry: Any) -> None:
    """One action again.

    Raises:
        PairgammonError, TypeError, ValueError: it cannot be done.
    """
    if not isinstance(entry, list) or not entry:
        raise RecordError("an action is a list that begins with a word")
    word, *values = entry
    if word == "throw":
        session.throw_dice(_dice(values) if values else None)
    elif word == "rethrow":
        session.rethrow_dice(_dice(values))
    elif word == "play":
        (text,) = values
        after = swap(parse_position_id(str(text)).board)
        session.play(session.decision().row_of(after))
    elif word == "resign":
        seat, size = values
        session.resign(_seat(seat), size)
    elif word == "take back":
        (seat,) = values
        session.take_back(_seat(seat))
    elif word in _PLAIN_ACTIONS:
        () = values
        _PLAIN_ACTIONS[word](session)
    else:
        raise RecordError("there is no such action")


_PLAIN_ACTIONS: dict[str, Callable[[SavedSession], None]] = {
    "double": SavedSession.double,
    "take": SavedSession.take,
    "beaver": SavedSession.beaver,
    "raccoon": SavedSession.raccoon,
    "drop": SavedSession.drop,
    "next game": SavedSession.next_game,
}


def _dice(values: list[Any]) -> tuple[int, int]:
    first, second = values
    return first, second


def _seat(value: Any) -> int:
    if not _is_whole(value) or value not in (0, 1):
        raise RecordError("a seat is 0 or 1")
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
