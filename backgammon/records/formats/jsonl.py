"""pairgammon's own form of match records: JSON Lines that lose nothing.

A line is a JSON object. One of kind "match" opens a match, the lines of kind "game" behind it are its games; the form
is described in docs/formats.md. Whatever a `MatchRecord` says comes back equal, the analysis to the last bit; where it
was read (file, line, row, encoding) and lines that meant nothing are not kept.

Reading is strict: an unknown key or a value of another type is refused with the number of its line, because a record
that is read half would be worse than none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backgammon.notation.gnu_id import parse_position_id, position_id
from backgammon.records.formats.json_fields import Fields
from backgammon.records.formats.json_notes import notes_object, read_notes
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.record.text_encoding import decode
from backgammon.rules.board import Position
from backgammon.tools.errors import IdError, RecordError
from backgammon.tools.quoting import json_text

FORMAT, VERSION = "pairgammon", 1
"""Values of the first two keys of every line that opens a match."""

MAX_LINE = 16 << 20
"""Characters in a line."""

MAX_GAMES = 100_000
MAX_ACTIONS = 10_002  # two more than the reader of .mat files keeps
MAX_HEADERS = 1_000

_NAMES: dict[type[Action], str] = {
    RollAction: "roll",
    DoubleAction: "double",
    TakeAction: "take",
    DropAction: "drop",
    BeaverAction: "beaver",
    ResignAction: "resign",
    ResultAction: "result",
    UnreadableAction: "unreadable",
}


def looks_like(head: bytes) -> bool:
    """True for the beginning of a file of this kind."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200]
    return start.startswith(b"{") and b'"kind"' in start and b'"pairgammon"' in start


# -- writing --------------------------------------------------------------------------------------------------------


def write_jsonl(*matches: MatchRecord) -> str:
    """The text of a file: UTF-8 is meant, lines end in a line feed."""
    return "".join(
        json_text(json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))) + "\n"
        for match in matches
        for line in _match_lines(match)
    )


def _match_lines(match: MatchRecord) -> Iterator[dict[str, Any]]:
    yield {
        "format": FORMAT,
        "version": VERSION,
        "kind": "match",
        "length": match.length,
        "headers": [list(header) for header in match.headers],
    }
    for game in match.games:
        line = {"kind": "game", "number": game.number, "players": list(game.players), "scores": list(game.scores)}
        if game.start is not None:
            line["start"] = _setup_object(game.start)
        yield {**line, "actions": [_action_object(action) for action in game.actions]}


def _setup_object(start: Setup) -> dict[str, Any]:
    plain = {"position": position_id(start.position), "turn": start.turn}
    return {**plain, "cube": start.cube, "cube_owner": start.cube_owner, "is_crawford": start.is_crawford}


def _action_object(action: Action) -> dict[str, Any]:
    plain: dict[str, Any] = {"do": _NAMES[type(action)], "seat": action.seat}
    match action:
        case RollAction(roll=roll, play=play):
            plain |= {"dice": None if roll is None else list(roll), "play": play}
        case DoubleAction(cube=cube):
            plain["cube"] = cube
        case ResignAction(points=points):
            plain["points"] = points
        case ResultAction(points=points, ends_match=ends_match):
            plain |= {"points": points, "ends_match": ends_match}
        case UnreadableAction(text=text):
            plain["text"] = text
    if action.notes is not None:
        plain["notes"] = notes_object(action.notes)
    return plain


# -- reading --------------------------------------------------------------------------------------------------------


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every match in a file.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: a line that is not as described, with its number.
    """
    text, encoding = decode(data)
    matches: list[MatchRecord] = []
    heads: list[tuple[int, Fields, list[GameRecord]]] = []
    num_games = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        fields = _parse_line(line, number)
        kind = fields.text("kind")
        if kind == "match":
            _check_version(fields)
            heads.append((number, fields, []))
        elif kind == "game" and heads:
            num_games += 1
            if num_games > MAX_GAMES:
                raise fields.error(f"more than {MAX_GAMES:,} games in one file; split the file")
            heads[-1][2].append(_read_game(fields, number))
        else:
            raise fields.error("a line of kind 'match' must come first" if kind == "game" else f"kind {kind[:40]!r}")
    for number, fields, games in heads:
        matches.append(_read_match(fields, tuple(games), name, number, encoding))
    if not matches:
        raise RecordError('not a file of match records: it has no line such as {"format":"pairgammon",...}')
    return matches


def _parse_line(line: str, number: int) -> Fields:
    if len(line) > MAX_LINE:
        raise RecordError(f"line {number}: {len(line):,} characters are more than are read ({MAX_LINE:,})")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"line {number}: this is not JSON ({str(error)[:100]})") from None
    return Fields(value, f"line {number}")


def _check_version(fields: Fields) -> None:
    version = fields.whole("version", 0, 1 << 30)
    if fields.text("format") != FORMAT or version != VERSION:
        raise fields.error(f"version {version} of the form; this program reads version {VERSION} of {FORMAT!r}")


def _read_match(fields: Fields, games: tuple[GameRecord, ...], name: str, line: int, encoding: str) -> MatchRecord:
    length = fields.whole("length", 0, 10**9)
    headers: list[tuple[str, str]] = []
    for pair in fields.items("headers", MAX_HEADERS):
        texts = fields.texts_of(pair, 2, "headers")
        headers.append((texts[0], texts[1]))
    fields.finish()
    return MatchRecord(length, games, tuple(headers), name, line, encoding)


def _read_game(fields: Fields, line: int) -> GameRecord:
    number = fields.whole("number", 0, 10**9)
    names = fields.texts_of(fields.any("players"), 2, "players")
    scores = fields.wholes_of(fields.any("scores"), 2, 0, 10**9, "scores")
    start = _read_setup(fields.inner("start")) if fields.has("start") else None
    actions = [_read_action(fields.nested(item, "actions"), line) for item in fields.items("actions", MAX_ACTIONS)]
    fields.finish()
    return GameRecord(number, (names[0], names[1]), (scores[0], scores[1]), tuple(actions), line, start)


def _read_setup(fields: Fields) -> Setup:
    position = _read_position(fields)
    turn, cube = fields.whole("turn", 0, 1), fields.whole("cube", 1, 1 << 15)
    owner = fields.optional_whole("cube_owner", 0, 1)
    if cube & (cube - 1):
        raise fields.error(f"cube {cube}: a cube shows a power of two")
    is_crawford = None if fields.is_null("is_crawford") else fields.flag("is_crawford")
    fields.finish()
    return Setup(position, turn, cube, owner, is_crawford)


def _read_position(fields: Fields) -> Position:
    try:
        return parse_position_id(fields.text("position"))
    except IdError as error:
        raise fields.error(str(error)) from None


def _read_action(fields: Fields, line: int) -> Action:
    kind, seat = fields.text("do"), fields.whole("seat", 0, 1)
    notes = read_notes(fields.inner("notes")) if fields.has("notes") else None
    action: Action
    match kind:
        case "roll":
            dice = fields.any("dice")
            roll = None if dice is None else fields.wholes_of(dice, 2, 1, 6, "dice")
            action = RollAction(
                seat, None if roll is None else (roll[0], roll[1]), fields.text("play"), line=line, notes=notes
            )
        case "double":
            action = DoubleAction(seat, fields.whole("cube", 0, 10**9), line=line, notes=notes)
        case "take":
            action = TakeAction(seat, line=line, notes=notes)
        case "drop":
            action = DropAction(seat, line=line, notes=notes)
        case "beaver":
            action = BeaverAction(seat, line=line, notes=notes)
        case "resign":
            action = ResignAction(seat, fields.optional_whole("points", 0, 10**9), line=line, notes=notes)
        case "result":
            points = fields.optional_whole("points", 0, 10**9)
            action = ResultAction(seat, points, fields.flag("ends_match"), line=line, notes=notes)
        case "unreadable":
            action = UnreadableAction(seat, fields.text("text"), line=line, notes=notes)
        case _:
            raise fields.error(f"'do' is {kind[:40]!r}; it must be one of {', '.join(_NAMES.values())}")
    fields.finish()
    return action
