"""Rows of a .mat game: from a line of text to the actions in its left and right column.

Columns have no fixed place (the right one begins at 30 to 41, by writer and length of names), so a row is cut at the
words that begin a cell. Two cells are left and right; one alone is the left one if it begins near the margin.

No pattern here has nested or overlapping repeats: the time is linear in the length of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.replay.legs import MALFORMED, encode_play

LEFT_MARGIN = 20
"""A cell that begins before this column is in the left half, wherever the writer puts its right half."""

MAX_GAP = 3
"""Blanks between a roll and the word that stands in place of its play; more of them separate two cells."""

_ROW = re.compile(r"\s*([0-9]{1,4})\)")
_FUSED_ROW = re.compile(r"(?<=\s)([0-9]{1,4})\)(?=\s)")
_CELL = re.compile(
    r"(?P<dice>[0-9]{2}):"  # may touch the play before it: a full left cell runs into the right one
    r"|\b(?P<word>(?:re)?doubles|takes|accepts|drops|passes|beavers|raccoons|wins|losses|loses|concedes|resigns)\b"
    r"|(?P<blank>\?{3,})",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_IN_PLACE_OF_PLAY = ("concedes", "resigns")


class _Cell(NamedTuple):
    """Where a cell begins in its row, the word it begins with (lower case, "roll", "????" or ""), dice, the rest."""

    column: int
    word: str
    dice: str
    text: str


def is_row(line: str) -> bool:
    """True for a line that begins with the number of a row."""
    return _ROW.match(line) is not None


def begins_cell(line: str) -> bool:
    """True for a line without a number that begins with a word of the grammar, such as "Wins 1 point"."""
    stripped = line.lstrip()
    return _CELL.match(stripped) is not None


def read_row(line: str, number: int) -> list[Action]:
    """The actions on one line of a game, left before right; two rows fused on one line are taken one after the other.

    Args:
        line: without tabs and line ends.
        number: of the line in its file.
    """
    actions: list[Action] = []
    for row, text in _split_fused(line):
        cells = list(_cut(text))
        for index, cell in enumerate(cells):
            seat = 0 if index == 0 and cell.column < LEFT_MARGIN else 1
            if cell.word != "roll" and not all(map(_is_readable, cells[:index])):  # its place does not tell whose it is
                actions.append(UnreadableAction(seat, _as_written(cell), line=number, row=row))
            elif index < 2:
                actions.extend(_read_cell(cell, seat, number, row))
            else:
                actions.append(UnreadableAction(seat, _as_written(cell), line=number, row=row))
    return actions


def _is_readable(cell: _Cell) -> bool:
    """False for text outside of the grammar, and for a roll with such text behind it."""
    if cell.word == "roll":
        is_conceded = cell.text.split(" ", 1)[0].lower() in _IN_PLACE_OF_PLAY
        return is_conceded or encode_play(cell.text)[0] != MALFORMED
    return cell.word != ""


def _as_written(cell: _Cell) -> str:
    begin = f"{cell.dice}:" if cell.dice else cell.word
    return f"{begin} {cell.text}".strip()


def make_inert(text: str) -> str:
    """A text that stays in one piece when it is read in a row: the given one if it does, else a note in its place."""
    text = " ".join(text.split())
    is_inert = len(text) < 200 and not _CELL.search(text) and not _FUSED_ROW.search(f" {text} ")
    return text if is_inert else "not understood"


def _split_fused(line: str) -> Iterator[tuple[int, str]]:
    """(number of the row or 0, its text); the text of a fused row begins with its number, so that columns hold."""
    first = _ROW.match(line)
    if first is None:
        yield 0, line
        return
    row, begin, blanks = int(first[1]), first.end(), first.end()
    if line.find(")", begin) >= 0:
        for fused in _FUSED_ROW.finditer(line, begin):
            yield row, " " * blanks + line[begin : fused.start()]
            row, begin, blanks = int(fused[1]), fused.end(), fused.end() - fused.start()
    yield row, " " * blanks + line[begin:]


def _cut(text: str) -> Iterator[_Cell]:
    """The cells of a row; text before the first word of the grammar is a cell that nobody understands."""
    found = [match for match in _CELL.finditer(text) if not _continues(match, text)]
    first = found[0].start() if found else len(text)
    before = text[:first].strip()
    if before:
        yield _Cell(len(text) - len(text.lstrip()), "", "", before)
    for index, match in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(text)
        rest = " ".join(text[match.end() : end].split())
        if match["dice"]:
            yield _Cell(match.start(), "roll", match["dice"], rest)
        else:
            yield _Cell(match.start(), (match["word"] or "????").lower(), "", rest)


def _continues(match: re.Match[str], text: str) -> bool:
    """True for "????", "Concedes" or "Resigns" right behind a roll: it stands where the play should."""
    word = match["word"]
    if match["dice"] or (word and word.lower() not in _IN_PLACE_OF_PLAY):
        return False
    before = text[: match.start()]
    stripped = before.rstrip()
    return stripped.endswith(":") and len(before) - len(stripped) <= MAX_GAP


def _read_cell(cell: _Cell, seat: int, line: int, row: int) -> list[Action]:
    """The action of a cell; a roll that was conceded gives two."""
    match cell.word:
        case "roll":
            return _read_roll(cell, seat, line, row)
        case "????":
            return [RollAction(seat, None, "????", line=line, row=row)]
        case "doubles" | "redoubles":
            cube = _number(cell.text)
            return [DoubleAction(seat, cube or 0, line=line, row=row)]
        case "takes" | "accepts":
            return [TakeAction(seat, line=line, row=row)]
        case "drops" | "passes":
            return [DropAction(seat, line=line, row=row)]
        case "beavers" | "raccoons":
            return [BeaverAction(seat, line=line, row=row)]
        case "wins":
            ends_match = "match" in cell.text.lower()
            return [ResultAction(seat, _number(cell.text), ends_match, line=line, row=row)]
        case "losses" | "loses" | "concedes" | "resigns":
            return [ResignAction(seat, _number(cell.text), line=line, row=row)]
        case _:
            return [UnreadableAction(seat, cell.text, line=line, row=row)]


def _read_roll(cell: _Cell, seat: int, line: int, row: int) -> list[Action]:
    """A roll with its play; dice that cannot be thrown make the cell unreadable, except 00 (unknown)."""
    if cell.dice == "00":
        return [RollAction(seat, None, cell.text, line=line, row=row)]
    dice = int(cell.dice[0]), int(cell.dice[1])
    if not (1 <= dice[0] <= 6 and 1 <= dice[1] <= 6):
        return [UnreadableAction(seat, f"{cell.dice}: {cell.text}".rstrip(), line=line, row=row)]
    first = cell.text.split(" ", 1)[0].lower()
    if first in _IN_PLACE_OF_PLAY:
        conceded = ResignAction(seat, _number(cell.text), line=line, row=row)
        return [RollAction(seat, dice, "", line=line, row=row), conceded]
    return [RollAction(seat, dice, cell.text, line=line, row=row)]


def _number(text: str) -> int | None:
    """The first whole number in a text."""
    found = _NUMBER.search(text)
    return int(found[0]) if found else None
