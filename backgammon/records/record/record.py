"""What a log says, before anybody checks it: matches, games, and the actions of each game in order.

A record keeps the text of every play as the writer left it; `replay` gives it a meaning. Seat 0 is the left column of a
.mat file, seat 1 the right one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backgammon.records.record.annotation import Notes
from backgammon.rules.board import START, Position

GALAXY_SITE = "BackgammonGalaxy"
GALAXY_UNLIMITED = 16
"""The length that BackgammonGalaxy writes over an unlimited session; no such match is ever played to its end."""


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of a game.

    Attributes:
        seat: whose entry it is, 0 or 1.
        line: line of the file, from 1; 0 when the action was not read from a file. Ignored in comparisons.
        row: number written at the head of the row; 0 without one. Ignored in comparisons.
        notes: analysis, comment and luck, where the format holds them.
    """

    seat: int
    line: int = field(default=0, kw_only=True, compare=False)
    row: int = field(default=0, kw_only=True, compare=False)
    notes: Notes | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class RollAction(Action):
    """A roll and what is written behind it.

    Attributes:
        roll: the two dice as written; None when the writer knew none ("00:", or "????" alone).
        play: text of the play with single blanks, "" when there is none, or "Cannot Move", "????", ...
    """

    roll: tuple[int, int] | None
    play: str = ""


@dataclass(frozen=True, slots=True)
class DoubleAction(Action):
    """An offer to double; `cube` is the value after it."""

    cube: int


@dataclass(frozen=True, slots=True)
class TakeAction(Action):
    """The double is accepted."""


@dataclass(frozen=True, slots=True)
class DropAction(Action):
    """The double is refused: the game is over."""


@dataclass(frozen=True, slots=True)
class BeaverAction(Action):
    """The cube is turned once more by the seat that was just doubled (beaver), or back by the other (raccoon)."""


@dataclass(frozen=True, slots=True)
class ResignAction(Action):
    """The seat gives up ("Concedes", "Resigns", "Losses"); `points` with the cube, None when not written."""

    points: int | None = None


@dataclass(frozen=True, slots=True)
class ResultAction(Action):
    """The seat has won the game; `points` with the cube, None when not written."""

    points: int | None = None
    ends_match: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableAction(Action):
    """Something in a row that is not in the grammar; what follows in the game cannot be trusted."""

    text: str


@dataclass(frozen=True)
class Setup:
    """Where a game begins that does not begin at the beginning.

    Attributes:
        position: seen by the seat in `turn`.
        turn: seat on roll.
        cube: its value.
        cube_owner: seat that may double next, None when both may.
        is_crawford: whether this is the Crawford game, where that cannot be told from the games before; None: it can.
    """

    position: Position
    turn: int
    cube: int = 1
    cube_owner: int | None = None
    is_crawford: bool | None = None

    @property
    def is_usual(self) -> bool:
        """True for the start of every ordinary game, so that no set-up is needed."""
        return self.cube == 1 and self.cube_owner is None and self.position.key == START.tobytes()

    def says_more(self, length: int, scores: tuple[int, int]) -> bool:
        """True unless it is the usual start at a score that leaves no doubt about the Crawford game."""
        has_one_away = length > 0 and 1 in (length - scores[0], length - scores[1])
        return not self.is_usual or (self.is_crawford is not None and has_one_away)

    def seen_by(self, seat: int) -> Position:
        """The position in the view of a seat."""
        return self.position if seat == self.turn else self.position.swap()


@dataclass(frozen=True)
class GameRecord:
    """A game as written.

    Attributes:
        number: as written behind "Game".
        players: names by seat, from the line of scores.
        scores: points by seat before the game.
        actions: in order.
        line: line of the file where the game begins; 0 when not read from a file.
        start: None for the usual start.
    """

    number: int
    players: tuple[str, str]
    scores: tuple[int, int]
    actions: tuple[Action, ...]
    line: int = field(default=0, compare=False)
    start: Setup | None = None


@dataclass(frozen=True)
class IgnoredLine:
    """A line that is no part of the grammar and belongs to no row: kept for the report, harmless for the games."""

    line: int
    text: str


@dataclass(frozen=True)
class MatchRecord:
    """A match or a session of money games as written.

    Attributes:
        length: points that win the match; 0 for money play.
        games: in order.
        headers: (key, value) of the header lines in order.
        file: where it was read from, "" when made here.
        line: line of the "point match", 0 when made here.
        encoding: in which the file was read.
        ignored: lines that mean nothing to the reader.
        format: name of the format that it was read from, see `formats`; "" when made here.
    """

    length: int
    games: tuple[GameRecord, ...]
    headers: tuple[tuple[str, str], ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    encoding: str = field(default="utf-8", compare=False)
    ignored: tuple[IgnoredLine, ...] = field(default=(), compare=False)
    format: str = field(default="", compare=False)

    def header(self, key: str) -> str:
        """Value of the first header of that name, "" without one."""
        return next((value for name, value in self.headers if name == key), "")

    @property
    def is_money(self) -> bool:
        """True for a session of independent games."""
        return self.length == 0

    @property
    def is_unlimited(self) -> bool:
        """True when no number of points ends it, so that the scores mean nothing for the play."""
        return self.is_money or (self.length == GALAXY_UNLIMITED and self.header("Site") == GALAXY_SITE)

    @property
    def variation(self) -> str:
        """The game that was played; plain backgammon when nothing is written."""
        return self.header("Variation") or "Backgammon"

    @property
    def full_names(self) -> tuple[str, str]:
        """Names by seat: the header's, which are often fuller, where they can be told apart, else those of the scores.

        Headers may name the players in the other order than the columns, so they are matched by their beginnings.
        """
        if not self.games:
            return self.header("Player 1"), self.header("Player 2")
        written = self.games[0].players
        named = self.header("Player 1"), self.header("Player 2")
        straight = [_share_beginning(written[seat], named[seat]) for seat in (0, 1)]
        crossed = [_share_beginning(written[seat], named[1 - seat]) for seat in (0, 1)]
        if sum(straight) == sum(crossed):
            return written
        if sum(crossed) > sum(straight):
            named = named[1], named[0]
            straight = crossed
        return (named[0] if straight[0] else written[0], named[1] if straight[1] else written[1])


def without_notes(match: MatchRecord) -> MatchRecord:
    """The same match without analysis, comments and luck."""
    games = tuple(
        replace(game, actions=tuple(replace(action, notes=None) if action.notes else action for action in game.actions))
        for game in match.games
    )
    return replace(match, games=games)


def _share_beginning(one: str, other: str) -> bool:
    """True when some word of one name begins with the other name: "Job" and "Maxence Job", "Llab" and "Llabba"."""
    one, other = one.casefold(), other.casefold()
    return any(
        bool(short) and (whole.startswith(short) or any(word.startswith(short) for word in whole.split()))
        for short, whole in ((one, other), (other, one))
    )
