"""Any identifier of a position, and its translation into the others.

Accepted: a GNU Position ID (`4HPwATDgc/ABMA`), one with a Match ID behind it (`4HPwATDgc/ABMA:cAkAAAAAAAAE`), an XGID.
Seat 1 of a Match ID is the bottom player of an XGID, as in GNU Backgammon's own import. A Position ID alone says
nothing about dice, cube and score: it is taken as a money game before the roll, seat 1 on roll.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backgammon.notation.gnu_id import POSITION_ID_LENGTH, parse_position_id, position_id
from backgammon.notation.match_id import CENTRED as NO_OWNER
from backgammon.notation.match_id import MATCH_ID_LENGTH, MatchId, match_id, parse_match_id
from backgammon.notation.quoting import quote
from backgammon.notation.xgid import BOTTOM, CENTRED, TOP, XgId, format_xgid, parse_xgid
from backgammon.rules.board import Position
from backgammon.tools.errors import IdError

_BOTTOM_SEAT = 1
_SIDES = {0: TOP, 1: BOTTOM, NO_OWNER: CENTRED}
_SEATS = {side: seat for seat, side in _SIDES.items()}


@dataclass(frozen=True)
class IdentifiedPosition:
    """A position with what its identifier says about the match.

    Attributes:
        position: seen by the player on roll.
        match: dice, cube and score.
        xgid_source: the XGID it was read from, which may say more than a Match ID can; None otherwise.
    """

    position: Position
    match: MatchId
    xgid_source: XgId | None = None

    @property
    def position_id(self) -> str:
        """GNU Position ID."""
        return position_id(self.position)

    @property
    def match_id(self) -> str:
        """GNU Match ID."""
        return match_id(self.match)

    @property
    def xgid(self) -> str:
        """XGID, its own one where it was read from one.

        Raises:
            IdError: the match is in a state that an XGID cannot hold.
        """
        return format_xgid(self.xgid_source or _to_xgid(self.position, self.match))


def parse_identifier(text: str) -> IdentifiedPosition:
    """The position that any identifier stands for; blanks around it do not matter.

    Raises:
        IdError: none of the accepted forms, or one that cannot be decoded.

    >>> parse_identifier("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10").position_id
    '4HPwATDgc/ABMA'
    """
    stripped = text.strip()
    if stripped.count(":") > 1 or stripped[:5].upper() == "XGID=":
        xgid = parse_xgid(stripped)
        return IdentifiedPosition(xgid.position, _to_match(xgid), xgid)
    first, colon, second = stripped.partition(":")
    if colon:
        return IdentifiedPosition(parse_position_id(first), parse_match_id(second))
    if len(first) == MATCH_ID_LENGTH:
        raise IdError(f"{quote(text)}: a Match ID alone names no position; write PositionID:MatchID")
    if len(first) != POSITION_ID_LENGTH:
        raise IdError(
            f"{quote(text)}: no identifier; give a Position ID ({POSITION_ID_LENGTH} characters), PositionID:MatchID, "
            "or an XGID"
        )
    return IdentifiedPosition(parse_position_id(first), MatchId())


def _to_match(xgid: XgId) -> MatchId:
    """What a Match ID can hold of an XGID; a beaver or raccoon becomes the double that it answers."""
    on_roll = _SEATS[xgid.turn]
    return MatchId(
        cube=xgid.cube,
        cube_owner=_SEATS[xgid.cube_owner],
        on_roll=on_roll,
        crawford=xgid.crawford,
        turn=1 - on_roll if xgid.cube_action else on_roll,
        doubled=bool(xgid.cube_action),
        dice=xgid.dice,
        length=xgid.length,
        scores=(xgid.scores[1], xgid.scores[0]),
        jacoby=xgid.jacoby,
    )


def _to_xgid(position: Position, match: MatchId) -> XgId:
    """The XGID of a Match ID; a resignation on offer is not in it."""
    xgid = XgId(
        position=position,
        turn=BOTTOM if match.on_roll == _BOTTOM_SEAT else TOP,
        cube=match.cube,
        cube_owner=_SIDES[match.cube_owner],
        dice=None if match.doubled else match.dice,
        cube_action="D" if match.doubled else "",
        scores=(match.scores[1], match.scores[0]),
        length=match.length,
    )
    return replace(xgid, crawford=match.crawford) if match.length else replace(xgid, jacoby=match.jacoby)
