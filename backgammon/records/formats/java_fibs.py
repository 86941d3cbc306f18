"""JavaFIBS's own match files: a line of introduction, then "code:player:payload".

    JavaFIBS internal match representation v1.1
    8:Joe:7               opponent and length of the match
    13:Joe:               a game begins
    11:You:4 2            opening roll
    1:You:17-21 19-21     play, in FIBS's absolute points
    0:Joe:3 2             roll
    15:Joe:               cannot move
    2, 4, 5               double, take, drop
    3:You:2               offers to resign so many points; 12 is the refusal
    7:You:1               wins so many points
    14:Ann-1:Joe-0        score of the match; here the name of "You" can be learned
    9:You:7               wins the match

Points are absolute, see `fibs_points`. "You", the owner of the file, is seat 0.
"""

from __future__ import annotations

import re

from backgammon.records.formats.fibs_points import OpenGame, read_moves
from backgammon.records.record.record import (
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

INTRODUCTION = "JavaFIBS internal match representation"

MAX_LINE = 500
"""Characters of a line; of a longer one nothing is read."""

MAX_LINES = 1_000_000
"""Lines of a file."""

_MAX_IGNORED = 100
_UNLIMITED = 9999
_MAX_CUBE = 1 << 12
_YOU = "You"
_DICE = re.compile(r"([1-6])\s+([1-6])\s*")
_SCORE = re.compile(r"(.{1,100})-([0-9]{1,6})")
_ROLL, _PLAY, _DOUBLE, _RESIGN, _TAKE, _DROP, _START, _WINS, _OPPONENT, _MATCH_WON = range(10)
_OPENING, _REFUSED, _NEW_GAME, _SCORES, _CANNOT_MOVE = 11, 12, 13, 14, 15


def looks_like(text: str) -> bool:
    """True for a text with JavaFIBS's line of introduction."""
    return text.lstrip("\ufeff \r\n").startswith(INTRODUCTION)


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """The match in a file.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the record.

    Raises:
        RecordError: no file of this kind, or no game in it.
    """
    text, encoding = decode(data)
    if not looks_like(text):
        raise RecordError(f"not a match of JavaFIBS: it does not begin with '{INTRODUCTION}'")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise RecordError(f"{len(lines):,} lines; {MAX_LINES:,} are read: split the file")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        if line.strip() and INTRODUCTION not in line:
            reader.take_in(number, line)
    return [reader.finish(name, encoding)]


class _Reader:
    """The file so far."""

    def __init__(self) -> None:
        self._length: int | None = None
        self._names = [_YOU, ""]
        self._scores = (0, 0)
        self._games: list[GameRecord] = []
        self._game: OpenGame | None = None
        self._ignored: list[IgnoredLine] = []

    def take_in(self, number: int, line: str) -> None:
        """Go past the next line."""
        code_text, _, rest = line.strip()[:MAX_LINE].partition(":")
        player, _, payload = rest.partition(":")
        code = int(code_text) if code_text.isascii() and code_text.isdigit() and len(code_text) < 3 else -1
        if code == _OPPONENT:
            self._names[1] = player.strip()
            length = int(payload) if payload.isascii() and payload.isdigit() and len(payload) < 7 else 0
            self._length = 0 if length >= _UNLIMITED else length
        elif code == _NEW_GAME:
            self._end_game()
            self._game = OpenGame(len(self._games) + 1, number, self._scores)
        elif code == _SCORES:
            self._take_in_scores(rest)
        elif code in (_START, _MATCH_WON):
            return
        elif self._game is None or not self._act(self._game, code, self._seat(player), payload.strip(), number):
            self._ignore(number, line)

    def finish(self, name: str, encoding: str) -> MatchRecord:
        """The match."""
        self._end_game()
        if self._length is None or not self._games:
            raise RecordError("the file of JavaFIBS has no game in it")
        players = self._names[0], self._names[1]
        games = tuple(GameRecord(game.number, players, game.scores, game.actions, game.line) for game in self._games)
        headers = (("Site", "FIBS"),)
        return MatchRecord(self._length, games, headers, name, 1, encoding, tuple(self._ignored))

    def _seat(self, player: str) -> int:
        return 0 if player.strip() == _YOU else 1

    def _act(self, game: OpenGame, code: int, seat: int, payload: str, line: int) -> bool:
        """Enter what was done; False for a line that means nothing."""
        actions = game.actions
        if code in (_ROLL, _OPENING):
            dice = _DICE.fullmatch(payload)
            if dice is None:
                actions.append(UnreadableAction(seat, f"dice {payload[:40]}", line=line))
            else:
                actions.append(RollAction(seat, (int(dice[1]), int(dice[2])), "", line=line))
        elif code == _PLAY:
            self._play(game, seat, payload, line)
        elif code == _REFUSED:
            if actions and isinstance(actions[-1], ResignAction):
                del actions[-1]
        elif code == _CANNOT_MOVE:
            return True
        elif code == _DOUBLE:
            game.cube = min(2 * game.cube, _MAX_CUBE)
            actions.append(DoubleAction(seat, game.cube, line=line))
        elif code == _TAKE:
            actions.append(TakeAction(seat, line=line))
        elif code == _DROP:
            actions.append(DropAction(seat, line=line))
        elif code == _RESIGN:
            actions.append(ResignAction(seat, _points(payload), line=line))
        elif code == _WINS and not game.is_over:
            game.is_over = True
            actions.append(ResultAction(seat, _points(payload), line=line))
        else:
            return False
        return True

    def _play(self, game: OpenGame, seat: int, payload: str, line: int) -> None:
        """The play of the last roll; its points are turned to the mover's side when the game is known to its end."""
        moves = read_moves(payload)
        last = game.actions[-1] if game.actions else None
        is_open = isinstance(last, RollAction) and last.seat == seat and not last.play
        if moves is None or not is_open:
            game.actions.append(UnreadableAction(seat, f"play {payload[:40]}", line=line))
            return
        game.moves.append((len(game.actions) - 1, moves))

    def _take_in_scores(self, text: str) -> None:
        """Names and scores; the name that is not the opponent's is that of "You"."""
        scores = [0, 0]
        for part in text.split(":")[:2]:
            found = _SCORE.fullmatch(part.strip())
            if found is None:
                return
            seat = 1 if found[1].strip() == self._names[1] else 0
            scores[seat] = int(found[2])
            if seat == 0:
                self._names[0] = found[1].strip()
        self._scores = scores[0], scores[1]

    def _end_game(self) -> None:
        if self._game is not None:
            self._games.append(self._game.finish())
        self._game = None

    def _ignore(self, number: int, line: str) -> None:
        if len(self._ignored) < _MAX_IGNORED:
            self._ignored.append(IgnoredLine(number, " ".join(line.split())[:80]))


def _points(payload: str) -> int | None:
    return int(payload) if payload.isascii() and payload.isdigit() and len(payload) < 7 else None
