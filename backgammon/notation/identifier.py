"""Any identifier of a position as people paste it, and its translation into the others.

Known: a GNU Position ID (`4HPwATDgc/ABMA`), one with a Match ID (`4HPwATDgc/ABMA:cAkAAAAAAAAE`), an XGID. What stands
around it does not matter: labels, quotes, brackets, a full stop, a link, a line of text, the block that a program puts
on the clipboard; see `pasted` for how an identifier is found. Seat 1 of a Match ID is the bottom player of an XGID, as
in GNU Backgammon's own import. A Position ID alone says nothing about dice, cube and score: it is taken as a money game
before the roll, seat 1 on roll.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backgammon.notation.gnu_id import POSITION_ID_LENGTH, parse_position_id, position_id
from backgammon.notation.match_id import CENTRED as NO_OWNER
from backgammon.notation.match_id import MatchId, match_id, parse_match_id
from backgammon.notation.pasted import find_gnu_ids, find_xgids, is_block, is_match_id, is_opengammon_id, unwrap
from backgammon.notation.xgid import BOTTOM, CENTRED, TOP, XgId, format_xgid, parse_xgid
from backgammon.rules.board import Position
from backgammon.tools.errors import IdError
from backgammon.tools.quoting import quote

_BOTTOM_SEAT = 1
_SIDES = {0: TOP, 1: BOTTOM, NO_OWNER: CENTRED}
_SEATS = {side: seat for seat, side in _SIDES.items()}
_LARGEST_CUBE = 1024


@dataclass(frozen=True)
class IdentifiedPosition:
    """A position with what its identifier says about the match.

    Attributes:
        position: seen by the player on roll.
        match: dice, cube and score.
        xgid_source: the XGID it was read from, which may say more than a Match ID can; None otherwise.
        has_match: the identifier says what the game is played for; False for a Position ID alone.
    """

    position: Position
    match: MatchId
    xgid_source: XgId | None = None
    has_match: bool = True

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
    """The position that a pasted identifier stands for, whatever stands around it.

    Raises:
        IdError: no identifier, several different ones, an unknown kind, or one that cannot be decoded.

    >>> parse_identifier("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10").position_id
    '4HPwATDgc/ABMA'
    >>> parse_identifier("see Position ID: 4HPwATDgc/ABMA Match ID: cAkAAAAAAAAE.").xgid
    'XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10'
    """
    plain = unwrap(text)
    if codes := find_xgids(plain):
        return _identify_xgid(codes, plain)
    if is_opengammon_id(plain):
        raise IdError(
            f"{quote(text.strip())}: this is an OGID of OpenGammon, which is not read, since programs differ in whose "
            "turn it names; copy the position as XGID or as GNU Position ID"
        )
    pairs = find_gnu_ids(plain)
    if not pairs:
        if is_match_id(plain):
            raise IdError(f"{quote(text)}: a Match ID alone names no position; write PositionID:MatchID")
        raise IdError(
            f"{quote(text)}: no identifier; give a Position ID ({POSITION_ID_LENGTH} characters), PositionID:MatchID, "
            "or an XGID"
        )
    _refuse_several([position for position, _ in pairs], text)
    first, second = pairs[0]
    if not second:
        return IdentifiedPosition(parse_position_id(first), MatchId(), has_match=False)
    return IdentifiedPosition(parse_position_id(first), parse_match_id(second))


def parse_identifiers(parts: Sequence[str]) -> list[IdentifiedPosition]:
    """The positions of words or lines: one for each, or one that all of them make together.

    A label that a blank or a line parts from its identifier, and the lines of a board, stand for nothing by themselves.

    Raises:
        IdError: see `parse_identifier`.
    """
    try:
        return [parse_identifier(part) for part in parts]
    except IdError:
        together = "\n".join(parts)
        if len(parts) < 2 or not is_block(together):
            raise
        return [parse_identifier(together)]


def _identify_xgid(codes: list[str], text: str) -> IdentifiedPosition:
    """The position of an XGID; a Position ID beside it, as some programs write both, must be of the same position."""
    _refuse_several(codes, text)
    xgid = parse_xgid(codes[0])
    found = IdentifiedPosition(xgid.position, _to_match(xgid), xgid)
    others = {position for position, _ in find_gnu_ids(text.replace(codes[0], " ")) if position != found.position_id}
    if others:
        raise IdError(f"{quote(min(others))} and {quote(codes[0])} are two positions; give one of them")
    return found


def _refuse_several(codes: list[str], text: str) -> None:
    """Only one position can be meant."""
    different = sorted(set(codes), key=codes.index)
    if len(different) > 1:
        named = " and ".join(quote(code) for code in different[:2])
        raise IdError(f"{quote(text.strip())}: {len(different)} different positions ({named}); give one of them")


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
    return XgId(
        position=position,
        turn=BOTTOM if match.on_roll == _BOTTOM_SEAT else TOP,
        cube=match.cube,
        cube_owner=_SIDES[match.cube_owner],
        dice=None if match.doubled else match.dice,
        cube_action="D" if match.doubled else "",
        scores=(match.scores[1], match.scores[0]),
        length=match.length,
        crawford=match.crawford and match.length > 0,
        jacoby=match.jacoby and not match.length,
        max_cube=max(match.cube, _LARGEST_CUBE),
    )
