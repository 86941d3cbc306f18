"""The board for a terminal, drawn like GNU Backgammon's 13 rows so that players know it at once.

X is the player in whose view the position is given (as a rule the one on roll): X moves from the 24 point, top right,
to the home board, bottom right, and points are numbered from X's side. O is the opponent. A stack of more than five
shows its number; checkers on the bar stand in the middle, borne-off ones right of the board. Plain and coloured text
come from one layout: the coloured one without its colour codes IS the plain one.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from backgammon.rules.board import BAR, OPPONENT_BAR, Position
from backgammon.rules.dice import Roll

Side = Literal["X", "O"]
Style = Literal["plain", "frame", "X", "O", "note"]
Span = tuple[str, Style]

MAX_WIDTH = 79
"""Columns of the widest line."""

_HEIGHT = 5  # checkers shown of a stack
_TOP_EDGE = " +13-14-15-16-17-18------19-20-21-22-23-24-+"
_BOTTOM_EDGE = " +12-11-10--9--8--7-------6--5--4--3--2--1-+"
_NUM_ROWS = 2 * _HEIGHT + 3
_MIDDLE = _HEIGHT + 1
_NUM_OFF_COLUMNS = 3
_NOTE_WIDTH = MAX_WIDTH - len(_TOP_EDGE) - _NUM_OFF_COLUMNS - 2
_COLOURS: dict[Style, str] = {"frame": "\x1b[2m", "X": "\x1b[1;33m", "O": "\x1b[1;36m", "note": "\x1b[1m"}
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class BoardNotes:
    """What is written beside the board; everything may be left out.

    Attributes:
        x_name: the player X; cut to the width of the diagram, as are all texts.
        o_name: the player O.
        points: points of X and of O so far.
        length: points of the match, 0 for money play.
        cube: its value.
        cube_owner: "X", "O", or None for a centred cube.
        roll: the dice that X has to play.
        title: a line above the board, for instance a Position ID.
    """

    x_name: str = ""
    o_name: str = ""
    points: tuple[int, int] | None = None
    length: int | None = None
    cube: int | None = None
    cube_owner: Side | None = None
    roll: Roll | None = None
    title: str = ""


def draw_board(position: Position, notes: BoardNotes | None = None, *, colour: bool = False) -> str:
    """The diagram, 13 rows (14 with a title) of at most 79 columns, without a line end after the last.

    Args:
        position: seen by X.
        notes: names, score, cube and dice; pip counts are always shown.
        colour: with ANSI colour codes.
    """
    notes = notes or BoardNotes()
    beside = _notes_by_row(position, notes)
    lines: list[list[Span]] = [[(_fit(notes.title, MAX_WIDTH), "note")]] if notes.title else []
    for row in range(_NUM_ROWS):
        spans = _board_row(position, row)
        if row in beside:
            text, style = beside[row]
            spans += [
                (" " * (MAX_WIDTH - _NOTE_WIDTH - sum(len(part) for part, _ in spans)), "plain"),
                (_fit(text, _NOTE_WIDTH), style),
            ]
        lines.append(spans)
    return "\n".join(_render(line, colour) for line in lines)


def _board_row(position: Position, row: int) -> list[Span]:
    """One of the 13 rows, frame and checkers."""
    if row == 0:
        return [(_TOP_EDGE, "frame")]
    if row == _NUM_ROWS - 1:
        return [(_BOTTOM_EDGE, "frame")]
    if row == _MIDDLE:
        return [("v|                  |BAR|                  |", "frame")]
    is_top = row < _MIDDLE
    level = row if is_top else _NUM_ROWS - 1 - row  # 1 at the edge of the board, 5 in the middle
    board = position.board
    left = range(13, 19) if is_top else range(12, 6, -1)
    right = range(19, 25) if is_top else range(6, 0, -1)
    bar = int(board[OPPONENT_BAR] if is_top else board[BAR])
    off = -position.opponent_off if is_top else position.off
    return [
        (" |", "frame"),
        *(_stack_cell(int(board[point]), level) for point in left),
        ("|", "frame"),
        _stack_cell(bar, level),
        ("|", "frame"),
        *(_stack_cell(int(board[point]), level) for point in right),
        ("|", "frame"),
        *_off_cells(off, level),
    ]


def _stack_cell(count: int, level: int) -> Span:
    """Three columns of a stack (negative: O's) at a level: a checker, the number of a tall stack, or nothing."""
    side: Side = "X" if count > 0 else "O"
    size = abs(count)
    if size > _HEIGHT and level == _HEIGHT:
        return f"{size:2d} ", side
    return (f" {side} ", side) if size >= level else ("   ", "plain")


def _off_cells(count: int, level: int) -> list[Span]:
    """A blank and three columns of five for the checkers borne off (negative: O's), filled column by column."""
    side: Side = "X" if count > 0 else "O"
    num_columns = sum(abs(count) >= level + _HEIGHT * column for column in range(_NUM_OFF_COLUMNS))
    return [(" " + side * num_columns, side)] if num_columns else []


def _notes_by_row(position: Position, notes: BoardNotes) -> dict[int, Span]:
    """The text beside the board, by row."""
    beside: dict[int, Span] = {
        0: (f"O: {notes.o_name}" if notes.o_name else "O", "O"),
        1: (_count_text(position.opponent_pips, position.opponent_off), "plain"),
        _NUM_ROWS - 2: (_count_text(position.pips, position.off), "plain"),
        _NUM_ROWS - 1: (f"X: {notes.x_name}" if notes.x_name else "X", "X"),
    }
    if notes.points is not None:
        beside[2] = (_points_text(notes.points[1]), "plain")
        beside[_NUM_ROWS - 3] = (_points_text(notes.points[0]), "plain")
    game = []
    if notes.length is not None:
        game.append(f"{notes.length} point match" if notes.length else "money play")
    if notes.cube is not None:
        game.append(f"cube {notes.cube}" + (f" ({notes.cube_owner})" if notes.cube_owner else ""))
    if game:
        beside[_MIDDLE] = (", ".join(game), "note")
    if notes.roll is not None:
        beside[_NUM_ROWS - 4] = (f"X to play {notes.roll}", "note")
    return beside


def _count_text(pips: int, off: int) -> str:
    return f"{pips} pip{'' if pips == 1 else 's'}" + (f", {off} off" if off else "")


def _points_text(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def _fit(text: str, width: int) -> str:
    """`text` cut to a number of columns; characters that would steer the terminal are replaced."""
    columns = 0
    kept = []
    for character in text:
        shown = character if character.isprintable() else "?"
        columns += 2 if unicodedata.east_asian_width(shown) in "WF" else 1
        if columns > width:
            break
        kept.append(shown)
    return "".join(kept)


def _render(spans: list[Span], colour: bool) -> str:
    if not colour:
        return "".join(text for text, _ in spans).rstrip()
    last = spans[-1][0].rstrip()
    trimmed = [*spans[:-1], (last, spans[-1][1])]
    return "".join(f"{_COLOURS[style]}{text}{_RESET}" if style != "plain" and text else text for text, style in trimmed)
