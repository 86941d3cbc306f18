"""What the command "oldmoves" of FIBS, the First Internet Backgammon Server, shows of a game.

    Score is 0-0 in a 3 point match.
    Ann is X - Ben is O
    X: (3 1) 8-5 6-5
    O: (4 2) 17-21 19-21
    X: (6 5) can't move
    O: doubles
    X: rejects                  or accepts
    O: wins 1 point

Points are absolute, as in JavaFIBS's files: one player goes up and the other down. X is seat 0. A file may hold any
number of games; those of the same players and length that follow each other make a match.
"""

from __future__ import annotations

import re

from backgammon.records.formats.fibs_points import OpenGame, read_moves
from backgammon.records.record.record import (
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    IgnoredLine,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.record.text_encoding import decode
from backgammon.tools.errors import RecordError

MAX_LINE = 500
"""Characters of a line that are looked at."""

MAX_GAMES = 100_000
"""Games in a file."""

MAX_ACTIONS = 10_000
"""Entries in a game."""

_MAX_CUBE = 1 << 12
_MAX_IGNORED = 100
_SCORE = re.compile(
    r"\s*+Score is ([0-9]{1,6})-([0-9]{1,6}) in an? ([0-9]{1,6}|unlimited)(?: point)? match", re.IGNORECASE
)
_PLAYERS = re.compile(r"\s*+(\S.{0,99}?)\s+is X\s*+-\s*+(\S.{0,99}?)\s+is O\s*+", re.IGNORECASE)
_ENTRY = re.compile(r"\s*+([XO]):\s*+(\S.*)", re.IGNORECASE)
_ROLL = re.compile(r"\(\s*+([0-9])\s*+([0-9])\s*+\)\s*+(.*)")
_POINTS = re.compile(r"([0-9]{1,6})\s++point")
_NO_MOVE = ("can't move", "cannot move", "can not move", "no move")


def looks_like(text: str) -> bool:
    """True for a text with FIBS's line of the score and, below it, the line of the players."""
    lines = text.replace("\r", "\n").split("\n")
    return any(_SCORE.match(line[:MAX_LINE]) for line in lines) and any(
        _PLAYERS.fullmatch(line[:MAX_LINE]) for line in lines
    )


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every game of a file, put together to matches.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: no text of this kind, or too many games.
    """
    text, encoding = decode(data)
    reader = _Reader(name, encoding)
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            reader.take_in(number, line[:MAX_LINE].strip())
    reader.end_match()
    if not reader.matches:
        raise RecordError('no game of FIBS\'s "oldmoves": it has no line such as "Score is 0-0 in a 3 point match."')
    return reader.matches


class _Reader:
    """The file so far."""

    def __init__(self, name: str, encoding: str) -> None:
        self.matches: list[MatchRecord] = []
        self._name, self._encoding = name, encoding
        self._games: list[GameRecord] = []
        self._game: OpenGame | None = None
        self._players = ("", "")
        self._length = 0
        self._num_games = 0
        self._ignored: list[IgnoredLine] = []

    def take_in(self, number: int, line: str) -> None:
        """Go past the next line."""
        if found := _SCORE.match(line):
            self._begin_game(number, found)
        elif self._game is not None and not self._game.actions and (found := _PLAYERS.fullmatch(line)):
            self._name_players((found[1], found[2]))
        elif self._game is not None and (found := _ENTRY.fullmatch(line)):
            if len(self._game.actions) < MAX_ACTIONS:
                _act(self._game, "XO".index(found[1].upper()), found[2], number)
        elif len(self._ignored) < _MAX_IGNORED:
            self._ignored.append(IgnoredLine(number, " ".join(line.split())[:80]))

    def end_match(self) -> None:
        """Close the match that is open, if any."""
        self._end_game()
        if self._games:
            games = tuple(
                GameRecord(number, self._players, game.scores, game.actions, game.line)
                for number, game in enumerate(self._games, 1)
            )
            headers = (("Site", "FIBS"),)
            line, kept = games[0].line, tuple(self._ignored)
            self.matches.append(MatchRecord(self._length, games, headers, self._name, line, self._encoding, kept))
        self._games, self._ignored = [], []

    def _begin_game(self, number: int, found: re.Match[str]) -> None:
        self._end_game()
        length = int(found[3]) if found[3].isdigit() else 0
        if length != self._length:
            self.end_match()
        self._length = length
        self._num_games += 1
        if self._num_games > MAX_GAMES:
            raise RecordError(f"line {number}: more than {MAX_GAMES:,} games in one file; split the file")
        self._game = OpenGame(len(self._games) + 1, number, (int(found[1]), int(found[2])))

    def _name_players(self, players: tuple[str, str]) -> None:
        """The names of the game that has begun; other ones than before begin another match."""
        game = self._game
        if self._games and players != self._players:
            self._game = None
            self.end_match()
            self._game = game
        self._players = players

    def _end_game(self) -> None:
        if self._game is not None:
            self._games.append(self._game.finish())
        self._game = None


def _act(game: OpenGame, seat: int, text: str, line: int) -> None:
    """Enter what a player did."""
    actions = game.actions
    words = text.rstrip(".!").split()
    word = words[0].lower() if words else ""
    points = _POINTS.search(text)
    won = int(points[1]) if points else None
    if roll := _ROLL.fullmatch(text):
        _roll(game, seat, (int(roll[1]), int(roll[2])), roll[3].rstrip(" ."), line)
    elif word in ("doubles", "redoubles"):
        game.cube = min(2 * game.cube, _MAX_CUBE)
        actions.append(DoubleAction(seat, game.cube, line=line))
    elif word in ("accepts", "takes"):
        is_answer = bool(actions) and isinstance(actions[-1], DoubleAction | BeaverAction)
        if is_answer:
            actions.append(TakeAction(seat, line=line))
    elif word in ("beavers", "raccoons"):
        game.cube = min(2 * game.cube, _MAX_CUBE)
        actions.append(BeaverAction(seat, line=line))
    elif word in ("rejects", "drops", "passes"):
        if actions and isinstance(actions[-1], ResignAction):
            del actions[-1]  # the game goes on
        else:
            actions.append(DropAction(seat, line=line))
    elif word in ("resigns", "wants"):
        actions.append(ResignAction(seat, won, line=line))
    elif word == "wins":
        actions.append(ResultAction(seat, won, line=line))
    else:
        actions.append(UnreadableAction(seat, text[:80], line=line))


def _roll(game: OpenGame, seat: int, dice: tuple[int, int], text: str, line: int) -> None:
    """A roll with its play; dice that cannot be thrown make the entry unreadable."""
    if not (1 <= dice[0] <= 6 and 1 <= dice[1] <= 6):
        game.actions.append(UnreadableAction(seat, f"({dice[0]} {dice[1]}) {text}"[:80].strip(), line=line))
        return
    game.actions.append(RollAction(seat, dice, "", line=line))
    if text and text.lower() not in _NO_MOVE:
        moves = read_moves(text)
        if moves is None:
            game.actions[-1] = RollAction(seat, dice, text[:80], line=line)  # judged as the text of a play
        else:
            game.moves.append((len(game.actions) - 1, moves))
