"""`pairgammon ids`: position and match identifiers, translated into each other."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.notation.diagram import Side
    from backgammon.notation.identifier import IdentifiedPosition


@click.command(
    cls=ExampleCommand,
    short_help="Show and translate position IDs.",
    examples=(
        ("pairgammon ids 4HPwATDgc/ABMA", "show a GNU Position ID"),
        ("pairgammon ids 4HPwATDgc/ABMA:cAkAAAAAAAAE --json", "with its Match ID, for a script"),
        ("pairgammon ids XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10", "translate from eXtreme Gammon"),
    ),
)
@click.argument("texts", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each ID instead of boards.")
def command(texts: tuple[str, ...], as_json: bool) -> None:
    """Show a position by any of its IDs, and all the others.

    An ID is a GNU Position ID (14 characters), one with a Match ID behind it (14:12), or an XGID, with whatever stands
    around it: labels, quotes, a link, the block that a program copies. Without an argument IDs are read from standard
    input, one a line. The player on roll is X and moves to the bottom right. What a Position
    ID alone does not say (dice, cube, score) is taken as a money game before the roll.
    """
    from backgammon.notation.identifier import parse_identifiers

    lines = texts or tuple(line.rstrip("\n") for line in sys.stdin if line.strip())
    for number, found in enumerate(parse_identifiers(lines)):
        if as_json:
            say(json.dumps(_as_dict(found)))
        else:
            say(("\n" if number else "") + _render(found))


def _as_dict(found: IdentifiedPosition) -> dict[str, Any]:
    position, match = found.position, found.match
    return {
        "position_id": found.position_id,
        "match_id": found.match_id,
        "xgid": found.xgid,
        "board": position.board.tolist(),
        "pips": [position.pips, position.opponent_pips],
        "off": [position.off, position.opponent_off],
        "on_roll": match.on_roll,
        "dice": list(match.dice) if match.dice else None,
        "cube": match.cube,
        "cube_owner": None if match.cube_owner < 0 else match.cube_owner,
        "doubled": match.doubled,
        "length": match.length,
        "scores": list(match.scores),
        "crawford": match.crawford,
    }


def _render(found: IdentifiedPosition) -> str:
    from backgammon.cli.screen import is_colour_wanted
    from backgammon.notation.diagram import BoardNotes, draw_board

    match = found.match
    owner: Side | None = None if match.cube_owner < 0 else "X" if match.cube_owner == match.on_roll else "O"
    notes = BoardNotes(
        points=(match.scores[match.on_roll], match.scores[1 - match.on_roll]),
        length=match.length,
        cube=match.cube,
        cube_owner=owner,
        roll=match.dice,
    )
    lines = [
        f"Position ID  {found.position_id}",
        f"Match ID     {found.match_id}",
        f"XGID         {found.xgid}",
        "",
        draw_board(found.position, notes, colour=is_colour_wanted()),
    ]
    return "\n".join(lines)
