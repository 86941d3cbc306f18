"""What a game is played for: match score, cube and rules, seen by the player on roll.

Everything here is from the side of the player ON ROLL, also while the opponent answers a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from backgammon.cube.met import MAX_LENGTH
from backgammon.notation.match_id import CENTRED as MATCH_ID_CENTRED
from backgammon.notation.match_id import MatchId
from backgammon.notation.xgid import XgId
from backgammon.rules.game import MAX_CUBE
from backgammon.rules.match import MatchScore, check_stakes
from backgammon.tools.errors import GameError, StakesError

OWN, CENTRED, OPPONENT = 1, 0, -1
"""Values of `Stakes.owner`."""

_SEATS = {OWN: 0, CENTRED: None, OPPONENT: 1}
_SEAT_NAMES = ("the player on roll", "the opponent")


@dataclass(frozen=True)
class Stakes:
    """Score, cube and rules before a decision of the player on roll.

    Attributes:
        length: points that win the match; 0 for money play.
        score: points of the player on roll and of the opponent.
        cube: its value, before a double that is on offer.
        owner: OWN (1), CENTRED (0) or OPPONENT (-1).
        is_crawford: this is the Crawford game, which has no cube.
        has_jacoby: gammons count single while the cube is centred (money).
        has_beavers: who is doubled may redouble at once and keep the cube (money).

    Raises:
        StakesError: values that cannot stand together; the message names the field and the rule.

    >>> Stakes(length=5, score=(3, 1)).away
    (2, 4)
    """

    length: int = 0
    score: tuple[int, int] = (0, 0)
    cube: int = 1
    owner: int = CENTRED
    is_crawford: bool = False
    has_jacoby: bool = False
    has_beavers: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.length <= MAX_LENGTH:
            raise StakesError(f"length {self.length}: give 0 for money play or a match to at most {MAX_LENGTH} points")
        if self.cube > MAX_CUBE:
            raise StakesError(f"cube {self.cube}: it shows a power of two from 1 to {MAX_CUBE}")
        if self.owner not in _SEATS:
            raise StakesError(f"owner {self.owner}: give {OWN} own, {CENTRED} centred or {OPPONENT} the opponent's")
        check_stakes(self.length, self.score, self.cube, _SEATS[self.owner], self.is_crawford, _SEAT_NAMES)
        if self.length and (self.has_jacoby or self.has_beavers):
            field = "Jacoby rule" if self.has_jacoby else "beavers"
            raise StakesError(f"{field}: it belongs to money play (length 0), not to a match to {self.length}")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Stakes:
        """Out of plain values, as `dataclasses.asdict` and JSON have them."""
        return cls(**{**values, "score": tuple(values["score"])})

    @property
    def is_match(self) -> bool:
        """True in a match, False in money play."""
        return self.length > 0

    @property
    def away(self) -> tuple[int, int]:
        """Points that the player on roll and the opponent still need; (0, 0) in money play."""
        if not self.length:
            return 0, 0
        return self.length - self.score[0], self.length - self.score[1]

    @property
    def is_next_behind_crawford(self) -> bool:
        """True when the next game is played behind the Crawford game: this one is it, or somebody is 1 away already."""
        return self.is_match and (self.is_crawford or 1 in self.away)

    @property
    def double_refusal(self) -> str:
        """Why the player on roll may not double now; "" when the rules allow it."""
        if self.is_crawford:
            return "the Crawford game is played without the cube"
        if self.owner == OPPONENT:
            return "the opponent owns the cube"
        if self.is_match and self.score[0] + self.cube >= self.length:
            return f"the cube on {self.cube} already wins the match for a player who needs {self.away[0]}"
        if self.cube >= MAX_CUBE:
            return f"the cube shows {self.cube}, the most that it can"
        return ""

    @property
    def may_double(self) -> bool:
        """True when the player on roll may turn the cube."""
        return not self.double_refusal

    def swapped(self) -> Stakes:
        """The same stakes as the opponent sees them when it is on roll."""
        return replace(self, score=(self.score[1], self.score[0]), owner=-self.owner)

    def doubled(self) -> Stakes:
        """After double and take: the opponent owns the cube at twice its value, the same player is on roll.

        Raises:
            GameError: the rules forbid the double.
        """
        if self.double_refusal:
            raise GameError(f"no double is possible: {self.double_refusal}")
        return replace(self, cube=2 * self.cube, owner=OPPONENT)

    def beavered(self) -> Stakes:
        """After double and beaver: the opponent owns the cube at four times its value.

        Raises:
            GameError: the rules forbid the double, or there are no beavers.
        """
        if not self.has_beavers:
            raise GameError("no beaver is possible: they were not agreed, or this is a match")
        return replace(self.doubled(), cube=4 * self.cube)

    def raccooned(self) -> Stakes:
        """After double, beaver and raccoon: the opponent owns the cube at eight times its value.

        Raises:
            GameError: see `beavered`.
        """
        return replace(self.beavered(), cube=8 * self.cube)


def stakes_in_game(
    score: MatchScore, seat: int, cube: int, cube_owner: int | None, has_jacoby: bool = False, has_beavers: bool = False
) -> Stakes:
    """The stakes of a game in play as the seat on roll sees them.

    Args:
        score: before the game.
        seat: on roll.
        cube: its value, before a double that is on offer.
        cube_owner: a seat; None for a centred cube.
        has_jacoby: see `Stakes`.
        has_beavers: see `Stakes`.
    """
    return Stakes(
        length=score.length,
        score=(score.points[seat], score.points[1 - seat]),
        cube=cube,
        owner={None: CENTRED, seat: OWN}.get(cube_owner, OPPONENT),
        is_crawford=score.is_crawford,
        has_jacoby=has_jacoby,
        has_beavers=has_beavers,
    )


def stakes_of_xgid(xgid: XgId) -> Stakes:
    """The stakes of an XGID, seen by the player on roll (`XgId.turn`).

    Raises:
        StakesError: they cannot be.
    """
    bottom, top = xgid.scores
    return Stakes(
        length=xgid.length,
        score=(bottom, top) if xgid.turn > 0 else (top, bottom),
        cube=xgid.cube,
        owner=xgid.cube_owner * xgid.turn,
        is_crawford=xgid.crawford and xgid.length > 1,
        has_jacoby=xgid.jacoby,
        has_beavers=xgid.beavers,
    )


def put_in_xgid(xgid: XgId, stakes: Stakes) -> XgId:
    """The XGID with these stakes, seen by its player on roll, in place of its own."""
    return replace(
        xgid,
        cube=stakes.cube,
        cube_owner=stakes.owner * xgid.turn,
        scores=stakes.score if xgid.turn > 0 else (stakes.score[1], stakes.score[0]),
        crawford=stakes.is_crawford,
        jacoby=stakes.has_jacoby,
        beavers=stakes.has_beavers,
        length=stakes.length,
    )


def stakes_of_match_id(match: MatchId) -> Stakes:
    """The stakes of a Match ID, seen by the player on roll; it does not say whether beavers are allowed.

    Raises:
        StakesError: they cannot be.
    """
    seat = match.on_roll
    owner = CENTRED
    if match.cube_owner != MATCH_ID_CENTRED:
        owner = OWN if match.cube_owner == seat else OPPONENT
    return Stakes(
        length=match.length,
        score=(match.scores[seat], match.scores[1 - seat]),
        cube=match.cube,
        owner=owner,
        is_crawford=match.crawford and match.length > 1,
        has_jacoby=match.jacoby and not match.length,
    )


def put_in_match_id(match: MatchId, stakes: Stakes) -> MatchId:
    """The Match ID with these stakes, seen by its player on roll, in place of its own; it has no room for beavers."""
    seat = match.on_roll
    owners = {CENTRED: MATCH_ID_CENTRED, OWN: seat, OPPONENT: 1 - seat}
    return replace(
        match,
        cube=stakes.cube,
        cube_owner=owners[stakes.owner],
        crawford=stakes.is_crawford,
        length=stakes.length,
        scores=stakes.score if seat == 0 else (stakes.score[1], stakes.score[0]),
        jacoby=stakes.has_jacoby,
    )
