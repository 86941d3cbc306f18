"""eXtreme Gammon's .xg and .xgp files: records of 2,560 bytes inside the container of `xg_archive`.

Byte 8 of a record is its kind: 0 match, 1 game, 2 cube decision (one before every roll), 3 play, 4 end of a game, 5 end
of the match. What the published description does not say, found by replaying real files:

* the position BEFORE a play, and the owner of the cube, are seen by player 1 whoever is on roll; the position after it
  and those of the candidates are seen by the mover;
* moves are counted from zero in the mover's numbers (24 the bar), any negative target is off, and -1 as a source ends
  the list, behind which there is rubbish; so the resulting position is what counts;
* the last record of a resigned game has a roll but no play: the result is none that the roll allows.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from backgammon.records.formats.xg_analysis import read_comments, read_cube_analysis, read_luck, read_play_analysis
from backgammon.records.formats.xg_archive import COMMENTS, RECORDS, is_archive, unpack_archive
from backgammon.records.record.annotation import CubeAnalysis, make_notes
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.replay.hops import Hop, format_hops, make_hops, spells_dice, swap_list
from backgammon.records.replay.retrace import find_hops
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.tools.errors import PairgammonError, RecordError

RECORD_BYTES = 2_560

_MATCH, _GAME, _CUBE, _PLAY, _GAME_END = range(5)
_MONEY = 99_999
_MAX_CUBE_EXPONENT = 12
_RESIGNED = 100  # added to the size of the game; 1,000 for a settled one
_VARIATIONS = {0: "Backgammon", 1: "Nackgammon", 2: "Hypergammon", 3: "Longgammon"}
_EPOCH = datetime(1899, 12, 30)
_MAX_DAYS = 80_000

_LENGTHS = struct.Struct("<ii4B")  # match length, variation, Crawford, Jacoby, beavers, automatic doubles
_RATINGS = struct.Struct("<ddiid")  # both ratings, both experiences, date
_SCORES = struct.Struct("<ii")
_CUBE_ACTION = struct.Struct("<6i26b")  # player, double, take, beaver, raccoon, cube, position
_MOVES = struct.Struct("<i8i2i")  # player, (from, to) four times, dice
_RESULT = struct.Struct("<iii")  # winner, points, kind
_INT = struct.Struct("<i")
_NAMES = {"Event": 622, "Player 1": 880, "Player 2": 1138, "Site": 1396, "Round": 1654}
_OLD_NAMES = {"Event": (136, 129), "Player 1": (9, 41), "Player 2": (50, 41)}
_NAME_UNITS = 129
_TRANSCRIBER = 1960


def looks_like(head: bytes) -> bool:
    """True for the beginning of a file of this kind."""
    return is_archive(head)


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """The match (or single position) in an .xg or .xgp file.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: another file, or one that is damaged.
    """
    members = unpack_archive(data)
    if RECORDS not in members:
        raise RecordError(f"the eXtreme Gammon file has no member {RECORDS}, so no match")
    return read_records(members[RECORDS], members.get(COMMENTS, b""), name)


def read_records(records: bytes, comments: bytes = b"", name: str = "") -> list[MatchRecord]:
    """The match in the unpacked members of a file; see `read`."""
    if not records or len(records) % RECORD_BYTES:
        raise RecordError(
            f"the eXtreme Gammon file is cut off: {len(records):,} bytes are no whole number of records; "
            "save it again in XG"
        )
    reader = _Reader(name, read_comments(comments) if comments else [])
    for first in range(0, len(records), RECORD_BYTES):
        reader.take_in(records[first : first + RECORD_BYTES], first // RECORD_BYTES + 1)
    reader.end_match()
    if not reader.matches:
        raise RecordError("the eXtreme Gammon file has no match header")
    return reader.matches


@dataclass
class _OpenGame:
    """The game that is being read.

    Attributes:
        is_crawford: this is the Crawford game; None in money play.
        board: 26 counts seen by player 1 as the last record left them; None before the first one.
        cube_analysis: of the cube decision before the roll that comes next.
        comment: likewise.
    """

    number: int
    scores: tuple[int, int]
    line: int
    is_crawford: bool | None
    actions: list[Action] = field(default_factory=list)
    start: Setup | None = None
    board: list[int] | None = None
    cube_analysis: CubeAnalysis | None = None
    comment: str = ""


class _Reader:
    """The records so far; the number of a record serves as line of the file."""

    def __init__(self, name: str, comments: list[str]) -> None:
        self.matches: list[MatchRecord] = []
        self._name = name
        self._comments = comments
        self._length: int | None = None
        self._line = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._players = ("", "")
        self._games: list[GameRecord] = []
        self._game: _OpenGame | None = None

    def take_in(self, record: bytes, number: int) -> None:
        """Go past the next record."""
        kind = record[8]
        if kind == _MATCH:
            self.end_match()
            self._begin_match(record, number)
        elif self._length is None:
            return
        elif kind == _GAME:
            self._end_game()
            score1, score2 = (_bounded(score) for score in _SCORES.unpack_from(record, 12))
            game_number = _bounded(_INT.unpack_from(record, 48)[0])
            is_crawford = bool(record[20]) if self._length else None
            self._game = _OpenGame(game_number, (score1, score2), number, is_crawford)
        elif self._game is None:
            return
        elif kind == _CUBE:
            self._take_in_cube(self._game, record, number)
        elif kind == _PLAY:
            self._take_in_play(self._game, record, number)
        elif kind == _GAME_END:
            _end(self._game, record, number, self._length)
            self._end_game()

    def end_match(self) -> None:
        """Close the match that is open, if any."""
        self._end_game()
        if self._length is not None:
            games = tuple(self._games)
            self.matches.append(MatchRecord(self._length, games, self._headers, self._name, self._line))
        self._length, self._games = None, []

    def _begin_match(self, record: bytes, number: int) -> None:
        length = _LENGTHS.unpack_from(record, 92)[0]
        self._length = 0 if length >= _MONEY else max(0, length)
        self._line = number
        self._headers = tuple(_read_headers(record, is_money=not self._length))
        names = dict(self._headers)
        self._players = names.get("Player 1", ""), names.get("Player 2", "")

    def _end_game(self) -> None:
        game = self._game
        if game is not None:
            actions = tuple(game.actions)
            self._games.append(GameRecord(game.number, self._players, game.scores, actions, game.line, game.start))
        self._game = None

    def _take_in_cube(self, game: _OpenGame, record: bytes, number: int) -> None:
        active, doubles, takes, _, raccoon, cube, *board = _CUBE_ACTION.unpack_from(record, 12)
        seat = _seat(active)
        _arrive(game, board, seat, cube, number)
        analysis, comment = read_cube_analysis(record), self._comment(record, 292)
        if doubles != 1:
            game.cube_analysis, game.comment = analysis, comment
            return
        value = 2 << min(abs(cube), _MAX_CUBE_EXPONENT)
        game.actions.append(DoubleAction(seat, value, line=number, notes=make_notes(cube=analysis, comment=comment)))
        if takes == 0:
            game.actions.append(DropAction(1 - seat, line=number))
        elif takes == 1:
            game.actions.append(TakeAction(1 - seat, line=number))
        elif takes == 2:
            game.actions.append(BeaverAction(1 - seat, line=number))
            if raccoon == 1:
                game.actions.append(BeaverAction(seat, line=number))

    def _take_in_play(self, game: _OpenGame, record: bytes, number: int) -> None:
        before = list(struct.unpack_from("<26b", record, 9))
        after = list(struct.unpack_from("<26b", record, 35))
        active, *moves, die1, die2 = _MOVES.unpack_from(record, 64)
        (cube,) = _INT.unpack_from(record, 108)
        seat = _seat(active)
        _arrive(game, before, seat, cube, number)
        comment = "\n".join(filter(None, (game.comment, self._comment(record, 2524))))
        notes = make_notes(read_play_analysis(record), game.cube_analysis, comment, read_luck(record))
        game.cube_analysis, game.comment = None, ""
        if not (1 <= die1 <= 6 and 1 <= die2 <= 6):
            game.actions.append(UnreadableAction(seat, f"dice {die1} and {die2}", line=number, notes=notes))
            return
        own = before if seat == 0 else swap_list(before)
        text = _play_text(own, after, (die1, die2), _read_hops(moves))
        game.actions.append(RollAction(seat, (die1, die2), text, line=number, notes=notes))
        game.board = after if seat == 0 else swap_list(after)

    def _comment(self, record: bytes, offset: int) -> str:
        (index,) = _INT.unpack_from(record, offset)
        return self._comments[index] if 0 <= index < len(self._comments) else ""


def _bounded(number: int) -> int:
    """A number of games or points; 0 for what can be none."""
    return number if 0 <= number <= _MONEY else 0


def _seat(active: int) -> int:
    """Seat of the player on roll: XG counts 1 and -1."""
    return 0 if active >= 0 else 1


def _arrive(game: _OpenGame, board: list[int], seat: int, cube: int, number: int) -> None:
    """Compare the position of a record with the one before; the first one may be a set-up.

    Args:
        game: so far.
        board: 26 counts seen by player 1.
        seat: on roll.
        cube: 0 centred, k: at 2**k with player 1, -k: with player 2.
        number: of the record.
    """
    if game.board is None:
        try:
            position = Position(board if seat == 0 else swap_list(board))
        except PairgammonError as error:
            game.actions.append(UnreadableAction(seat, f"a position that cannot be ({error})", line=number))
        else:
            owner = None if cube == 0 else _seat(cube)
            start = Setup(position, seat, 1 << min(abs(cube), _MAX_CUBE_EXPONENT), owner, game.is_crawford)
            game.start = None if start.is_usual else start
    elif board != game.board:
        game.actions.append(UnreadableAction(seat, "a position that does not follow from the last play", line=number))
    game.board = board


def _read_hops(moves: list[int]) -> list[Hop]:
    hops: list[Hop] = []
    for source, target in zip(moves[::2], moves[1::2], strict=True):
        if source < 0:
            break
        hops.append((source + 1, max(0, target + 1)))
    return hops


def _play_text(before: list[int], after: list[int], dice: tuple[int, int], hops: list[Hop]) -> str:
    """The text of the play that leads from one position to the other; empty for a dance and for no legal play.

    Args:
        before: seen by the mover, as are `after` and `hops`.
        after: 26 counts.
        dice: as thrown.
        hops: as the file lists them: used when they lead to `after` one die at a time.
    """
    if before == after:
        return ""
    text = _literal_text(before, after, hops) if spells_dice(hops, dice) else ""
    if text:
        return text
    try:
        decision = Decision.make(Position(before), dice)
        row = decision.row_of(np.array(after, dtype=np.int8))
    except PairgammonError:
        return ""
    found = find_hops(decision.position.board[None], np.array([dice], np.int8), np.array([row]))
    return _literal_text(before, after, found[0])


def _literal_text(before: list[int], after: list[int], hops: list[Hop]) -> str:
    """The text of the hops if they lead from one position to the other, else nothing."""
    board = before.copy()
    hits = make_hops(board, hops)
    return format_hops(hops, hits) if hits is not None and board == after else ""


def _end(game: _OpenGame, record: bytes, number: int, length: int) -> None:
    """The result of a game; a cube decision that was analysed but never came to a roll goes with it."""
    winner, points, kind = _RESULT.unpack_from(record, 24)
    if winner not in (1, -1):
        return
    seat = _seat(winner)
    if kind >= _RESIGNED:
        game.actions.append(ResignAction(1 - seat, line=number))
    points = _bounded(points)
    is_won = bool(length) and game.scores[seat] + points >= length
    notes = make_notes(cube=game.cube_analysis, comment=game.comment)
    game.actions.append(ResultAction(seat, points or None, is_won, line=number, notes=notes))


def _read_headers(record: bytes, is_money: bool) -> Iterator[tuple[str, str]]:
    """Headers as eXtreme Gammon writes them in .mat files."""
    (version,) = _INT.unpack_from(record, 552)
    for key in ("Site", "Event", "Round", "Player 1", "Player 2"):
        text = _wide_text(record, _NAMES[key]) if version >= 24 else _short_text(record, key)
        if text:
            yield key, text
    rating1, rating2, games1, games2, date = _RATINGS.unpack_from(record, 104)
    for key, rating, games in (("Player 1 Elo", rating1, games1), ("Player 2 Elo", rating2, games2)):
        if math.isfinite(rating) and 0 < rating < 10_000:
            yield key, f"{rating:.2f}/{max(0, games)}"
    if 1 <= date <= _MAX_DAYS:  # also false for NaN
        played = _EPOCH + timedelta(days=date, seconds=1)  # the fraction of a day falls short of the minute
        yield "EventDate", f"{played:%Y.%m.%d}"
        yield "EventTime", f"{played:%H.%M}"
    _, variation, crawford, jacoby, beavers, _ = _LENGTHS.unpack_from(record, 92)
    yield "Variation", _VARIATIONS.get(variation, f"variation {variation} of eXtreme Gammon")
    if is_money:
        yield "Jacoby", "On" if jacoby else "Off"
        yield "Beaver", "On" if beavers else "Off"
    else:
        yield "Crawford", "On" if crawford else "Off"
    if version >= 30 and (transcriber := _wide_text(record, _TRANSCRIBER)):
        yield "Transcriber", transcriber


def _wide_text(record: bytes, offset: int) -> str:
    """Up to 129 UTF-16 units; what stands behind the first zero is rubbish."""
    units = record[offset : offset + 2 * _NAME_UNITS]
    end = next((i for i in range(0, len(units), 2) if units[i : i + 2] == b"\0\0"), len(units))
    return _one_line(units[:end].decode("utf-16-le", errors="replace"))


def _short_text(record: bytes, key: str) -> str:
    """A text with its length in the first byte; empty for what old versions do not have."""
    if key not in _OLD_NAMES:
        return ""
    offset, size = _OLD_NAMES[key]
    length = min(record[offset], size - 1)
    return _one_line(record[offset + 1 : offset + 1 + length].decode("cp1252", errors="replace"))


def _one_line(text: str) -> str:
    return " ".join(text.split())
