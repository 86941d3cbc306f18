"""Judged matches and the errors in them, kept in one small file: what a player looks back at, and trains with.

Tables of the SQLite file: `matches` with the whole document of each (`document.as_document`, packed), `phase_losses`
with what each seat lost by plays in which phase and by the cube, and `errors`, one line a play or cube action that lost
at least LEAST_LOSS, with when it is to be asked again (`repetition`). A match that is judged again replaces its older
judgement; what was learnt about its errors stays.

Decisions are those that count for the PR (`cube_figures`); of a match that was judged without the cube, all plays.

Every call opens the file anew: any number of threads and processes may use it at once.
"""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backgammon.analysis.cube_spots import JudgedCube
from backgammon.analysis.document import VERSION as DOCUMENT_VERSION
from backgammon.analysis.document import as_document
from backgammon.analysis.judging import JudgedRoll
from backgammon.analysis.mean_figures import XG_FACTOR
from backgammon.analysis.rate_lines import CUBE, phase_losses, rate_line
from backgammon.analysis.repetition import FIRST, Schedule, schedule_next
from backgammon.analysis.report import Report
from backgammon.rules.board import NUM_CHECKERS, NUM_LOCATIONS
from backgammon.rules.phase import phase_name
from backgammon.tools.errors import RecordError
from backgammon.tools.quoting import quote

LEAST_LOSS = 0.02
"""Equity from which on a play is an error; eXtreme Gammon's threshold."""
SHOWN_CANDIDATES = 8
MAX_DOCUMENT = 64 << 20
"""Bytes of a document, unpacked; that of a long match has some hundred thousand."""
VERSION = 2
_UPDATE = "ALTER TABLE matches ADD COLUMN cubeful INTEGER NOT NULL DEFAULT 0"
"""From the first version, whose matches were all judged without score and cube."""
_SCHEMA = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE IF NOT EXISTS matches (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, judged REAL NOT NULL, title TEXT NOT NULL,
    player0 TEXT NOT NULL, player1 TEXT NOT NULL, length INTEGER NOT NULL, engine TEXT NOT NULL, document BLOB NOT NULL,
    cubeful INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS phase_losses (
    match_id INTEGER NOT NULL REFERENCES matches(id) ON DELETE CASCADE, seat INTEGER NOT NULL, phase TEXT NOT NULL,
    decisions INTEGER NOT NULL, lost REAL NOT NULL, PRIMARY KEY (match_id, seat, phase)
);
CREATE TABLE IF NOT EXISTS errors (
    id INTEGER PRIMARY KEY, match_id INTEGER NOT NULL REFERENCES matches(id) ON DELETE CASCADE,
    player TEXT NOT NULL, game INTEGER NOT NULL, roll INTEGER NOT NULL, xgid TEXT NOT NULL, phase TEXT NOT NULL,
    loss REAL NOT NULL, entry TEXT NOT NULL,
    due REAL NOT NULL, days REAL NOT NULL, asked INTEGER NOT NULL, failed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS errors_due ON errors (player, due);
"""


@dataclass(frozen=True)
class StoredError:
    """An error as it is kept.

    Attributes:
        number: in the store.
        player: who made it.
        match: title of the match.
        game: counted from 1.
        roll: counted from 1 in the game.
        xgid: the position with its dice.
        phase: of `rules.phase`; CUBE for a decision about the cube.
        loss: equity given up.
        entry: the roll or cube action as it stands in the document of the match, with candidates or values.
        schedule: when it is to be asked.
    """

    number: int
    player: str
    match: str
    game: int
    roll: int
    xgid: str
    phase: str
    loss: float
    entry: dict[str, Any]
    schedule: Schedule

    @property
    def is_cube(self) -> bool:
        """True for a decision about the cube."""
        return self.phase == CUBE


class ErrorStore:
    """The store in a file."""

    def __init__(self, path: Path) -> None:
        """Nothing is written before something is kept."""
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection; what is done in it is done as a whole or not at all.

        Raises:
            RecordError: the file is none of ours, damaged, or of a later version.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._path, timeout=20)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version > VERSION:
                    raise RecordError(f"{self._path}: written by a later version of pairgammon; update this one")
                if version == 1:
                    connection.execute(_UPDATE)
                if version < VERSION:
                    connection.executescript(_SCHEMA)
                with connection:
                    yield connection
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter of text that is none
            raise RecordError(
                f"{self._path}: the store of errors cannot be used ({quote(str(error))}); move it away, and a new one "
                "is begun"
            ) from error

    # Matches

    def keep(self, report: Report, identity: str, now: float) -> int:
        """Keep a judged match, and give its number.

        Args:
            report: of the match.
            identity: tells matches apart, see `ReplayedMatch.identity`.
            now: seconds since 1970; its errors are asked from then on.
        """
        match = report.match
        document = as_document(report, SHOWN_CANDIDATES)
        packed = zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)
        with self._open() as connection:
            rows = connection.execute(
                "SELECT player, xgid, due, days, asked, failed FROM errors JOIN matches ON matches.id = match_id"
                " WHERE identity = ?",
                (identity,),
            )
            learnt = {(player, xgid): Schedule(*values) for player, xgid, *values in rows}
            connection.execute("DELETE FROM matches WHERE identity = ?", (identity,))
            cursor = connection.execute(
                "INSERT INTO matches (identity, judged, title, player0, player1, length, engine, document, cubeful)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    identity,
                    now,
                    document["title"],
                    *match.players,
                    match.length,
                    match.engine,
                    packed,
                    match.is_cubeful,
                ),
            )
            number = int(cursor.lastrowid or 0)
            connection.executemany(
                "INSERT INTO phase_losses VALUES (?, ?, ?, ?, ?)",
                [(number, *key, *values) for key, values in phase_losses(report).items()],
            )
            for one, phase, entry in _errors(report, document):
                player = match.players[one.seat]
                schedule = learnt.get((player, entry["xgid"]), FIRST._replace(due=now))
                place = (number, player, one.game, one.roll + 1, entry["xgid"])
                connection.execute(
                    "INSERT INTO errors (match_id, player, game, roll, xgid, phase, loss, entry, due, days, asked,"
                    " failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*place, phase, one.loss, json.dumps(entry), *schedule),
                )
        return number

    def document(self, number: int) -> dict[str, Any]:
        """The document of a match.

        Raises:
            RecordError: there is none.
        """
        with self._open() as connection:
            row = connection.execute("SELECT document FROM matches WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise RecordError(f"there is no match {number} in the store")
        try:
            found = json.loads(_unpacked(row[0]))
        except (zlib.error, ValueError, TypeError, RecursionError) as error:
            raise RecordError(f"match {number} is damaged in the store: analyse it again") from error
        if not isinstance(found, dict) or found.get("version") != DOCUMENT_VERSION:
            raise RecordError(f"match {number} was judged by an earlier version of pairgammon: analyse it again")
        return found

    def forget(self, number: int) -> None:
        """Leave out a match and its errors."""
        with self._open() as connection:
            connection.execute("DELETE FROM matches WHERE id = ?", (number,))

    def matches(self) -> list[dict[str, Any]]:
        """Every match, last judged first: number, title, players, and for each seat decisions and PR.

        What was judged without the cube has a checker error rate in its place ("cubeful" is false).
        """
        keys = ("id", "judged", "title", "player0", "player1", "length", "engine", "cubeful")
        with self._open() as connection:
            rows = connection.execute(f"SELECT {', '.join(keys)} FROM matches ORDER BY judged DESC, id DESC").fetchall()
            losses = _grouped(connection)
        found = []
        for row in rows:
            one = dict(zip(keys, row, strict=True))
            one["cubeful"] = bool(one["cubeful"])
            players = [one.pop("player0"), one.pop("player1")]
            found.append({**one, "players": players, "seats": [losses.get((one["id"], seat), {}) for seat in (0, 1)]})
        return found

    def rates(self, player: str) -> list[dict[str, Any]]:
        """The PR of a player with a 95 % interval (matches are what was sampled).

        Where no match was judged with the cube it is the checker error rate ("cubeful" is false); the two are never
        mixed.

        Returns:
            One line for "all", one for "plays" where there is another for the cube, and one for each phase that was
            met: phase, decisions, matches, rate, low, high, cubeful.
        """
        with self._open() as connection:
            rows = connection.execute(
                "SELECT phase, match_id, SUM(decisions), SUM(lost), cubeful FROM phase_losses"
                " JOIN matches ON matches.id = match_id"
                " WHERE (seat = 0 AND player0 = ?) OR (seat = 1 AND player1 = ?) GROUP BY phase, match_id",
                (player, player),
            ).fetchall()
        is_cubeful = any(row[4] for row in rows)
        kept = [row[:4] for row in rows if bool(row[4]) == is_cubeful]
        plays = [row for row in kept if row[0] != CUBE]
        groups = {"all": kept}
        if len(plays) < len(kept):
            groups["plays"] = plays
        for name in dict.fromkeys(row[0] for row in [*plays, *kept]):
            groups[name] = [row for row in kept if row[0] == name]
        return [{**rate_line(name, group), "cubeful": is_cubeful} for name, group in groups.items() if group]

    # Errors

    def players(self) -> list[tuple[str, int]]:
        """(name, number of errors), most errors first."""
        with self._open() as connection:
            rows = connection.execute("SELECT player, COUNT(*) FROM errors GROUP BY player ORDER BY 2 DESC, 1")
            return [(str(name), int(count)) for name, count in rows]

    def due(self, player: str, now: float) -> tuple[StoredError | None, int]:
        """The error of a player that has waited longest, largest loss first among new ones; and how many are due."""
        with self._open() as connection:
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM errors WHERE player = ? AND due <= ?", (player, now)
            ).fetchone()
            row = connection.execute(
                _SELECT + " WHERE player = ? AND due <= ? ORDER BY asked = 0, due, loss DESC, errors.id LIMIT 1",
                (player, now),
            ).fetchone()
        return (None if row is None else _stored(row)), int(count)

    def error(self, number: int) -> StoredError:
        """An error by its number.

        Raises:
            RecordError: there is none.
        """
        with self._open() as connection:
            row = connection.execute(_SELECT + " WHERE errors.id = ?", (number,)).fetchone()
        if row is None:
            raise RecordError(f"there is no error {number} in the store")
        return _stored(row)

    def errors(self, player: str) -> list[StoredError]:
        """Every error of a player, largest loss first."""
        with self._open() as connection:
            rows = connection.execute(_SELECT + " WHERE player = ? ORDER BY loss DESC, errors.id", (player,))
            return [_stored(row) for row in rows]

    def answer(self, number: int, loss: float, now: float) -> Schedule:
        """Note an answer that would have lost `loss`, and when the error is asked again."""
        schedule = schedule_next(self.error(number).schedule, loss, now)
        with self._open() as connection:
            connection.execute(
                "UPDATE errors SET due = ?, days = ?, asked = ?, failed = ? WHERE id = ?", (*schedule, number)
            )
        return schedule


_SELECT = (
    "SELECT errors.id, player, title, game, roll, xgid, phase, loss, entry, due, days, asked, failed"
    " FROM errors JOIN matches ON matches.id = match_id"
)


def _unpacked(packed: bytes) -> bytes:
    """A document of a match as it was packed.

    Raises:
        zlib.error, ValueError, TypeError: it is none.
    """
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(packed, MAX_DOCUMENT)
    if not unpacking.eof:
        raise ValueError("it has no end")
    return found


def _stored(row: tuple[Any, ...]) -> StoredError:
    """A line of _SELECT.

    Raises:
        RecordError: it is damaged.
    """
    *head, text, due, days, asked, failed = row
    number, player, match, game, roll, xgid, phase, loss = head
    try:
        entry = json.loads(text)
        _check_entry(entry, phase == CUBE)
        is_sane = all(type(value) in (int, float) for value in (loss, due, days, asked, failed))
        if not is_sane or entry["xgid"] != xgid:
            raise ValueError("its columns do not fit together")
    except (ValueError, KeyError, TypeError, LookupError, RecursionError) as error:
        raise RecordError(f"error {number} is damaged in the store: analyse {match!r} again") from error
    return StoredError(number, player, match, game, roll, xgid, phase, loss, entry, Schedule(due, days, asked, failed))


def _check_entry(entry: dict[str, Any], is_cube: bool) -> None:
    """Refuse an entry without what is asked, shown or written of it.

    Raises:
        ValueError, KeyError, TypeError: it cannot have been in a document.
    """
    texts = [entry["xgid"]]
    numbers = [entry["seat"], *entry["cube"].values()]
    is_board = all(type(count) is int and abs(count) <= NUM_CHECKERS for count in entry["board"])
    if is_cube:
        verdict = entry["verdict"]
        texts += [entry["action"], entry["text"], verdict["wording"]]
        numbers += [entry["on_roll"], verdict["ply"], *verdict["equities"], *verdict["chances"]]
        sizes = (len(entry["board"]), len(verdict["equities"]), len(verdict["chances"]))
        is_whole = sizes == (NUM_LOCATIONS, 3, 5)
    else:
        candidates = entry["candidates"]
        texts += [entry["difference"], *(text for one in candidates for text in (one["play"], one["after"]))]
        is_board = is_board and all(type(die) is int and 1 <= die <= 6 for die in entry["dice"])
        numbers += [value for one in candidates for value in (one["equity"], one["ply"], *one["chances"])]
        numbers += [one["standard_error"] for one in candidates if one["standard_error"] is not None]
        is_whole = (len(entry["board"]), len(entry["dice"])) == (NUM_LOCATIONS, 2) and len(candidates) > 0
        is_whole = is_whole and all(len(one["chances"]) == 5 and type(one["played"]) is bool for one in candidates)
    is_told = all(type(text) is str for text in texts) and all(type(number) in (int, float) for number in numbers)
    if not is_whole or not is_board or not is_told or not all(map(math.isfinite, numbers)):
        raise ValueError("it is no entry of a document")


def _errors(report: Report, document: dict[str, Any]) -> Iterator[tuple[JudgedRoll | JudgedCube, str, dict[str, Any]]]:
    """What lost enough, with its phase and its entry of the document."""
    rolls = [entry for game in document["games"] for entry in game["rolls"]]
    for roll, entry in zip(report.match.rolls, rolls, strict=True):
        if roll.is_counted and roll.loss >= LEAST_LOSS:
            yield roll, phase_name(roll.decision.position.board), entry
    if report.match.is_cubeful:
        cubes = [entry for game in document["games"] for entry in game["cube_actions"]]
        for cube, entry in zip(report.match.cubes, cubes, strict=True):
            if cube.loss >= LEAST_LOSS:
                yield cube, CUBE, entry


def _grouped(connection: sqlite3.Connection) -> dict[tuple[int, int], dict[str, Any]]:
    """Decisions and PR by match and seat."""
    rows = connection.execute("SELECT match_id, seat, SUM(decisions), SUM(lost) FROM phase_losses GROUP BY 1, 2")
    return {
        (match, seat): {"decisions": decisions, "lost": lost, "rate": XG_FACTOR * lost / max(decisions, 1)}
        for match, seat, decisions, lost in rows
    }
