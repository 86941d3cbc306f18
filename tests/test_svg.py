"""The board as SVG: well-formed, every checker in it, nothing that could leave the picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from backgammon.notation.gnu_id import parse_position_id
from backgammon.notation.svg import DARK, LIGHT, WIDTH, Arrow, board_svg, play_arrows
from backgammon.rules.board import START, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll

NS = "{http://www.w3.org/2000/svg}"
BAR_AND_OFF = Position([-3, 2, 2, -1, 0, 3, 2, *[0] * 15, -2, -2, 0, 2])  # 11 and 8 on the board, 4 and 7 off


def checkers(picture: ElementTree.Element, colour: str) -> int:
    """Checkers drawn in a colour: circles of their size, the numbers of tall stacks, and what lies in the tray."""
    circles = [c for c in picture.iter(f"{NS}circle") if c.get("fill") == colour and float(c.get("r", 0)) > 10]
    trays = [r for r in picture.iter(f"{NS}rect") if r.get("fill") == colour and r.get("height") == "9"]
    ink = DARK if colour == LIGHT else LIGHT
    more = [
        int(t.text or 0) - 5 for t in picture.iter(f"{NS}text") if t.get("font-size") == "15" and t.get("fill") == ink
    ]
    return len(circles) + len(trays) + sum(more)


@pytest.mark.parametrize(
    "position",
    [Position.start(), BAR_AND_OFF, parse_position_id("/wcAAAAAAAAAAA"), Position([0, 15, *[0] * 22, -15, 0])],
)
def test_every_checker_of_both_sides_is_drawn(position: Position) -> None:
    picture = ElementTree.fromstring(board_svg(position))
    assert checkers(picture, LIGHT) == checkers(picture, DARK) == 15


def test_the_light_player_is_the_one_in_whose_view_the_position_is() -> None:
    one = Position([0, 1, *[0] * 23, 0])
    picture = ElementTree.fromstring(board_svg(one))
    (circle,) = [c for c in picture.iter(f"{NS}circle") if c.get("fill") == LIGHT]
    assert float(circle.get("cx", 0)) > WIDTH / 2
    assert float(circle.get("cy", 0)) > 300
    other = ElementTree.fromstring(board_svg(Position(swap(one.board))))
    (circle,) = [c for c in other.iter(f"{NS}circle") if c.get("fill") == DARK]
    assert float(circle.get("cy", 0)) < 100


def test_dice_have_their_spots_and_the_cube_its_value() -> None:
    text = board_svg(Position.start(), Roll(6, 5), cube=8, cube_side=-1)
    picture = ElementTree.fromstring(text)
    assert sum(c.get("r") == "3.4" for c in picture.iter(f"{NS}circle")) == 11
    assert ">8<" in text


def test_arrows_show_each_move_once_and_stay_inside() -> None:
    decision = Decision.make(Position(START), (1, 1))
    play = max(decision.plays, key=len)
    arrows = play_arrows(play, "#123456")
    assert len(arrows) == len({(move.source, move.target) for move in play})
    every = [Arrow(source, max(0, source - 3), "red") for source in range(1, 26)]
    picture = ElementTree.fromstring(board_svg(Position.start(), arrows=[*arrows, *every]))
    paths = [p for p in picture.iter(f"{NS}path") if p.get("fill") == "none"]
    assert len(paths) == len(arrows) + len(every)


def test_text_is_escaped() -> None:
    text = board_svg(Position.start(), title="<script>&", arrows=[Arrow(6, 5, '"><b>')])
    assert "<script" not in text
    assert "<b>" not in text
    ElementTree.fromstring(text)


def test_notebooks_show_positions_and_decisions() -> None:
    decision = Decision.make(Position.start(), (3, 1))
    assert decision.position._repr_svg_() == board_svg(Position.start())
    assert decision._repr_svg_() == board_svg(Position.start(), Roll(3, 1))
