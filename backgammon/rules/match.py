"""Score of a match or money session: who needs how much, and when the Crawford rule forbids the cube."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backgammon.tools.errors import GameError


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
