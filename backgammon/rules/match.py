"""Score of a match or money session: who needs how much, and when the Crawford rule forbids the cube.

`check_stakes` is the one place that knows what score, cube and rules can be together; every reader of an identifier, a
log or a message asks it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backgammon.tools.errors import GameError, StakesError

SEAT_NAMES = ("seat 0", "seat 1")


@dataclass(frozen=True)
class MatchScore:
    """The score before a game.

    Attributes:
        length: points that win the match; 0 for money play (no end).
        points: points of seat 0 and seat 1 so far.
        uses_crawford: the Crawford rule is in force in this match.
        is_crawford: this is the one game without the cube.
        is_past_crawford: the Crawford game has been played.
    """

    length: int = 0
    points: tuple[int, int] = (0, 0)
    uses_crawford: bool = True
    is_crawford: bool = False
    is_past_crawford: bool = False

    @classmethod
    def start(cls, length: int = 0, uses_crawford: bool = True) -> MatchScore:
        """The score before the first game; a match to 1 point has no cube to forbid.

        Raises:
            GameError: negative length.
        """
        if length < 0:
            raise GameError(f"match length {length}: give 0 for money play or the points that win")
        return cls(length=length, uses_crawford=uses_crawford)

    @property
    def is_money(self) -> bool:
        """True when no number of points ends the session."""
        return self.length == 0

    @property
    def is_over(self) -> bool:
        """True when a player has reached the length."""
        return not self.is_money and max(self.points) >= self.length

    def away(self, seat: int) -> int:
        """Points that a seat still needs.

        Raises:
            GameError: money play has no end.
        """
        if self.is_money:
            raise GameError("money play: nobody is any number of points away")
        return max(0, self.length - self.points[seat])

    def after(self, winner: int, points: int) -> MatchScore:
        """The score after `winner` has won `points` (cube included).

        Raises:
            GameError: the match is already over, or not a positive number of points.
        """
        if self.is_over:
            raise GameError(f"the match to {self.length} is over at {self.points[0]}-{self.points[1]}")
        if points < 1:
            raise GameError(f"a game is won by at least 1 point, not {points}")
        totals = list(self.points)
        totals[winner] += points
        return self.at(totals[0], totals[1])

    def at(self, points0: int, points1: int) -> MatchScore:
        """The score for the next game when it stands at these points, Crawford game worked out.

        The Crawford game is the first in which exactly one player is 1 point away; at 1-away each there is none.
        """
        is_past = self.is_past_crawford or self.is_crawford
        has_one_away = not self.is_money and (self.length - points0 == 1) != (self.length - points1 == 1)
        in_play = self.is_money or max(points0, points1) < self.length
        is_crawford = self.uses_crawford and self.length > 1 and in_play and has_one_away and not is_past
        return replace(self, points=(points0, points1), is_crawford=is_crawford, is_past_crawford=is_past)


def check_stakes(
    length: int,
    points: tuple[int, int],
    cube: int = 1,
    owner: int | None = None,
    is_crawford: bool = False,
    seats: tuple[str, str] = SEAT_NAMES,
) -> None:
    """Refuse a score and a cube that cannot be together while a game is played.

    Args:
        length: points that win the match, 0 for money play.
        points: of either seat, before the game.
        cube: its value, before a double that is on offer.
        owner: the seat that may double next, None when both may.
        is_crawford: this is the Crawford game. In a match to 1 point, where no cube is of use, it may be said or not.
        seats: their names in messages.

    Raises:
        StakesError: they cannot be; the message names the field and the rule.
    """
    if length < 0:
        raise StakesError(f"match length {length}: give 0 for money play or the points that win")
    for seat, won in zip(seats, points, strict=True):
        if won < 0:
            raise StakesError(f"score of {seat} {won}: points are 0 or more")
        if length and won >= length:
            raise StakesError(f"score of {seat} {won}: a match to {length} is over then")
    if cube < 1 or cube & (cube - 1):
        raise StakesError(f"cube {cube}: it shows a power of two")
    if cube == 1 and owner is not None:
        raise StakesError(f"cube owner {seats[owner]}: a cube that shows 1 has not been turned, so nobody owns it")
    if cube > 1 and owner is None and length:
        raise StakesError(f"cube owner nobody: in a match a cube that shows {cube} is owned by who took it")
    if is_crawford:
        _check_crawford(length, points, cube)


def _check_crawford(length: int, points: tuple[int, int], cube: int) -> None:
    if not length:
        raise StakesError("Crawford game: money play has none")
    away = length - points[0], length - points[1]
    if length > 1 and (away[0] == 1) == (away[1] == 1):
        raise StakesError(f"Crawford game: exactly one player must be 1 point away, not {away[0]} and {away[1]} away")
    if cube != 1:
        raise StakesError(f"cube {cube}: the Crawford game is played without it")
