"""Snowie's position line: 40 fields with a semicolon behind each; its matches are of the .mat family.

    length; Jacoby; -; -; turn; name on roll; other name; Crawford; score on roll; other score; cube; owner;
    opponent's bar; points 1..24; own bar; die; die;

All from the side of the player on roll: own checkers positive, the opponent's negative; owner 1 the player on roll, -1
the opponent, 0 nobody; dice 0 before the roll. Source: lines written by GNU Backgammon 1.07 ("export position
snowietxt"). A file may hold any number of lines.
"""

from __future__ import annotations

import re

from backgammon.records.formats.position_text import MAX_POSITIONS
from backgammon.records.record.record import GameRecord, MatchRecord, RollAction, Setup
from backgammon.records.record.text_encoding import decode
from backgammon.rules.board import Position
from backgammon.tools.errors import PositionError, RecordError
from backgammon.tools.quoting import quote

MAX_LINE = 1_000
"""Characters of a line."""

_NUM_FIELDS = 40
_LINE = re.compile(r"\s*+[0-9]{1,5}\s*+;(?:[^;\n]{0,100}+;){38,39}[^;\n]{0,10}+\s*+")
_NUMBER = re.compile(r"\s*+(-?[0-9]{1,6})\s*+")
_MAX_CUBE = 1 << 12


def looks_like(text: str) -> bool:
    """True for a text whose first line with anything on it is one of Snowie's."""
    first = next((line for line in text.split("\n", 50)[:50] if line.strip()), "")
    return len(first) <= MAX_LINE and _LINE.fullmatch(first) is not None


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every position of a file, each as a match record with one game that begins there.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: a line that is none of these, or an impossible position.
    """
    text, encoding = decode(data)
    records: list[MatchRecord] = []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            continue
        if len(records) >= MAX_POSITIONS:
            raise RecordError(f"line {number}: more than {MAX_POSITIONS:,} positions in one file; split the file")
        try:
            records.append(_read_line(line, (name, number, encoding)))
        except (RecordError, PositionError) as error:
            raise RecordError(f"line {number}: {error}") from None
    if not records:
        raise RecordError("no position of Snowie: the file is empty")
    return records


def _read_line(line: str, place: tuple[str, int, str]) -> MatchRecord:
    if len(line) > MAX_LINE or _LINE.fullmatch(line) is None:
        raise RecordError(
            f"{quote(line)} is no position of Snowie: {_NUM_FIELDS} fields with ';' behind them are needed"
        )
    name, number, encoding = place
    fields = line.split(";")
    turn = _whole(fields, 4)
    length, score, other_score, cube = (max(0, _whole(fields, index)) for index in (0, 8, 9, 10))
    seat = 1 if turn == 1 else 0
    board = _read_board([_whole(fields, index) for index in range(12, 38)])
    is_crawford = _whole(fields, 7) == 1 if length else None
    cube_owner = {1: seat, -1: 1 - seat}.get(_whole(fields, 11))
    start = Setup(Position(board), seat, 1 << (min(max(cube, 1), _MAX_CUBE).bit_length() - 1), cube_owner, is_crawford)
    dice = _whole(fields, 38), _whole(fields, 39)
    is_rolled = all(1 <= die <= 6 for die in dice)
    roll = RollAction(seat, dice if is_rolled else None, "", line=number)
    names = " ".join(fields[5].split()), " ".join(fields[6].split())
    players = names if seat == 0 else (names[1], names[0])
    scores = (score, other_score) if seat == 0 else (other_score, score)
    rules = () if length else (("Jacoby", "On" if _whole(fields, 1) == 1 else "Off"),)
    game = GameRecord(1, players, scores, (roll,), number, start if start.says_more(length, scores) else None)
    return MatchRecord(length, (game,), rules, name, number, encoding)


def _read_board(counts: list[int]) -> list[int]:
    """26 counts; what stands on a bar is told by its sign, since programs differ in which bar comes first."""
    bars = counts[0], counts[25]
    return [sum(min(0, bar) for bar in bars), *counts[1:25], sum(max(0, bar) for bar in bars)]


def _whole(fields: list[str], index: int) -> int:
    found = _NUMBER.fullmatch(fields[index]) if index < len(fields) else None
    if found is None:
        raise RecordError(f"field {index + 1} must be a whole number")
    return int(found[1])
