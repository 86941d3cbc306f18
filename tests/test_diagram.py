"""The terminal board: gnubg's picture, nothing lost, never wider than a terminal."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon import Position, Roll
from backgammon.notation import BoardNotes, draw_board, parse_position_id
from backgammon.tools.arrays import Int8s
from tests.positions import nasty_decisions

Arrays = tuple[Int8s, Int8s]

COLOUR_CODE = re.compile("\x1b\\[[0-9;]*m")
NASTY = nasty_decisions(200, seed=5)[0]


def test_the_start_looks_as_in_gnubg() -> None:
    notes = BoardNotes("you", "model", (3, 4), 7, 2, "X", Roll(3, 1), "Position ID 4HPwATDgc/ABMA")
    assert draw_board(Position.start(), notes).splitlines() == [
        "Position ID 4HPwATDgc/ABMA",
        " +13-14-15-16-17-18------19-20-21-22-23-24-+     O: model",
        " | X           O    |   | O              X |     167 pips",
        " | X           O    |   | O              X |     4 points",
        " | X           O    |   | O                |",
        " | X                |   | O                |",
        " | X                |   | O                |",
        "v|                  |BAR|                  |     7 point match, cube 2 (X)",
        " | O                |   | X                |",
        " | O                |   | X                |",
        " | O           X    |   | X                |     X to play 31",
        " | O           X    |   | X              O |     3 points",
        " | O           X    |   | X              O |     167 pips",
        " +12-11-10--9--8--7-------6--5--4--3--2--1-+     X: you",
    ]


def test_tall_stacks_show_their_number_and_bar_and_off_their_checkers() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[25, 6, 0, 20]] = 2, 7, -6, -1
    assert draw_board(Position(board)).splitlines() == [
        " +13-14-15-16-17-18------19-20-21-22-23-24-+     O",
        " |                  | O |    O             | OO  155 pips, 8 off",
        " |                  | O |                  | OO",
        " |                  | O |                  | OO",
        " |                  | O |                  | O",
        " |                  | 6 |                  | O",
        "v|                  |BAR|                  |",
        " |                  |   | 7                | X",
        " |                  |   | X                | X",
        " |                  |   | X                | X",
        " |                  | X | X                | X",
        " |                  | X | X                | XX  92 pips, 6 off",
        " +12-11-10--9--8--7-------6--5--4--3--2--1-+     X",
    ]


def test_one_is_singular() -> None:
    text = draw_board(parse_position_id("AQAAIAAAAAAAAA"), BoardNotes(points=(1, 0)))
    assert "1 pip, 14 off" in text
    assert "1 point\n" in text
    assert "0 points" in text


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        (BoardNotes(length=0), "     money play"),
        (BoardNotes(length=0, cube=1), "     money play, cube 1"),
        (BoardNotes(cube=4, cube_owner="O"), "     cube 4 (O)"),
        (BoardNotes(), ""),
    ],
)
def test_match_and_cube_stand_in_the_middle(notes: BoardNotes, line: str) -> None:
    assert draw_board(Position.start(), notes).splitlines()[6] == "v|                  |BAR|                  |" + line


def count_in(rows: list[str], column: int) -> int:
    """Signed checkers of a stack, rows from the edge inwards."""
    cells = [row[column : column + 3].strip() for row in rows]
    side = -1 if cells[0] == "O" else 1
    return side * (int(cells[4]) if cells[4].isdigit() else sum(cell != "" for cell in cells))


def board_in(text: str) -> list[int]:
    """The position that a reader sees in the diagram."""
    lines = [line.ljust(48) for line in text.splitlines()]
    top, bottom = lines[1:6], lines[11:6:-1]
    board = [0] * 26
    board[0], board[25] = count_in(top, 21), count_in(bottom, 21)
    for i in range(6):
        board[13 + i], board[19 + i] = count_in(top, 2 + 3 * i), count_in(top, 25 + 3 * i)
        board[12 - i], board[6 - i] = count_in(bottom, 2 + 3 * i), count_in(bottom, 25 + 3 * i)
    return board


def test_the_position_can_be_read_from_the_diagram(random_play: Arrays) -> None:
    for board in [*random_play[0][::20], *NASTY]:
        position = Position(board)
        text = draw_board(position)
        assert board_in(text) == board.tolist()
        lines = [line.ljust(48)[44:48] for line in text.splitlines()]
        assert sum(line.count("O") for line in lines[1:6]) == position.opponent_off
        assert sum(line.count("X") for line in lines[7:12]) == position.off


def width_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


NOTES = st.builds(
    BoardNotes,
    x_name=st.text(max_size=50),
    o_name=st.text(max_size=50),
    points=st.one_of(st.none(), st.tuples(st.integers(0, 32767), st.integers(0, 32767))),
    length=st.one_of(st.none(), st.integers(0, 32767)),
    cube=st.one_of(st.none(), st.integers(0, 15).map(lambda exponent: 1 << exponent)),
    cube_owner=st.sampled_from(["X", "O", None]),
    roll=st.sampled_from([None, Roll(6, 5), Roll(1, 1)]),
    title=st.text(max_size=120),
)


@settings(max_examples=300, deadline=None)
@given(notes=NOTES, board=st.sampled_from([*NASTY]))
def test_colours_change_nothing_but_colour_and_no_line_is_too_wide(notes: BoardNotes, board: Int8s) -> None:
    plain = draw_board(Position(board), notes)
    assert COLOUR_CODE.sub("", draw_board(Position(board), notes, colour=True)) == plain
    lines = plain.split("\n")
    assert len(lines) == 13 + bool(notes.title)
    assert all(width_of(line) < 80 for line in lines)
    assert all(line.isprintable() for line in lines)
