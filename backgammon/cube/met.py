"""Match equity tables: the chance to win a match from every score, read from a file or from a formula.

Axis legend: A points away of the player whose chance it is, B points away of the opponent, both counted from 1 unless
said otherwise.

The table for a score before the Crawford game also holds the chances AT it (its first row and column). Once the
Crawford game is over one player is 1 point away for the rest of the match, and one row of the other's chances is
enough.

Source of the numbers that ship: Neil Kazaross (2011), Kazaross-XG2, as GNU Backgammon 1.07 has them. Beyond a table's
last row the chances are a normal approximation after Kevin Montgomery, whose standard deviations for a game grow from
1.24 to 1.77 points a player with the points that are left.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from backgammon.tools.arrays import Float64s
from backgammon.tools.errors import DataError
from backgammon.tools.storage import read_bounded

MAX_BYTES = 1 << 22
"""Of a file with a table; 200 rows of 200 numbers have a tenth of it."""
MAX_LENGTH = 200
"""Longest match: beyond 25 points nearly everything is extrapolated."""

DEFAULT_TABLE = "kazaross-xg2.txt"

_LAST_GROWING = 11
_SMALLEST, _LARGEST = 1.24, 1.77
_GAMMON_SHARE = 0.25
"""Of wins, in the extrapolation of the Crawford game and of the games behind it."""
_BEFORE, _BEHIND = "pre-crawford", "post-crawford"


@dataclass(frozen=True, eq=False)
class MatchEquityTable:
    """The chances of a match.

    Attributes:
        name: of the table.
        author: whose numbers they are.
        before: float64[A, B], chance at the start of a game before or at the Crawford game; row 0 is 1 point away.
        behind: float64[A], chance of a player A away behind the Crawford game, the opponent being 1 away.
    """

    name: str
    author: str
    before: Float64s
    behind: Float64s

    @property
    def size(self) -> int:
        """Points of the longest match that it holds."""
        return len(self.behind)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the numbers, hexadecimal."""
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in (self.before, self.behind))
        return hashlib.sha256(content).hexdigest()

    def chance(self, away: tuple[int, int], is_behind_crawford: bool = False) -> float:
        """Chance of a player that needs away[0] points to win before the opponent makes away[1]; 0 is a match won."""
        return float(self.next_game(away, is_behind_crawford)[max(away[0], 0), max(away[1], 0)])

    def next_game(self, away: tuple[int, int], is_behind_crawford: bool) -> Float64s:
        """Chances at the start of the next game from every score that the present one may leave.

        Args:
            away: points that the player and the opponent need now; 0 is a match won.
            is_behind_crawford: the next game is behind the Crawford game: this one is it, or was preceded by it.

        Returns:
            float64[away[0] + 1, away[1] + 1] of the player, by points away counted from 0.
        """
        own, theirs = max(away[0], 0), max(away[1], 0)
        table = extend_table(self, max(own, theirs))
        chances = np.empty((own + 1, theirs + 1))
        if is_behind_crawford:
            chances[:] = np.nan  # behind the Crawford game somebody is 1 away, or has won
            if own >= 1:
                chances[1, 1:] = 1.0 - table.behind[:theirs]
            if theirs >= 1:
                chances[1:, 1] = table.behind[:own]
        else:
            chances[1:, 1:] = table.before[:own, :theirs]
        chances[:, 0] = 0.0
        chances[0] = 1.0
        return chances


@lru_cache(maxsize=1)
def default_table() -> MatchEquityTable:
    """Kazaross-XG2, which ships with the package."""
    text = (files("backgammon.cube") / "data" / DEFAULT_TABLE).read_text(encoding="utf-8")
    return parse_table(text, DEFAULT_TABLE)


def read_table(path: Path) -> MatchEquityTable:
    """A table from a file; see `parse_table` for what it holds.

    Raises:
        DataError: it cannot be read, or see `parse_table`.
    """
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no match equity table can be read from it ({error})") from error
    return parse_table(text, str(path))


def parse_table(text: str, source: str) -> MatchEquityTable:
    """A table from text.

    Lines `name ...` and `author ...`, then `pre-Crawford` and N lines of N chances (line: points away of the player
    whose chance it is; number: points away of the opponent), then `post-Crawford` and one line of the N chances of the
    trailer.
    A line that begins with # says something to people.

    Args:
        text: what the file holds.
        source: what messages call it.

    Raises:
        DataError: a hole, a number that is no chance, or sums of both players that are not 1, with row and column.
    """
    titles = {"name": Path(source).stem, "author": ""}
    rows: dict[str, list[list[float]]] = {_BEFORE: [], _BEHIND: []}
    part = ""
    for number, line in _lines(text):
        words = line.split()
        head = words[0].lower()
        if head in titles and not part:
            titles[head] = " ".join(words[1:])
        elif head in rows:
            part = head
        elif part:
            row = len(rows[part]) + 1
            rows[part].append([_parse_chance(word, f"{source}, {part} row {row}", i) for i, word in enumerate(words)])
        else:
            raise DataError(f"{source}, line {number}: {line[:40]!r} stands before 'pre-Crawford' and is no title")
    _check_shape(rows, source)
    table = MatchEquityTable(
        titles["name"], titles["author"], np.array(rows[_BEFORE]), np.array(rows[_BEHIND], dtype=np.float64)[0]
    )
    _check_sums(table, source)
    return table


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something to programs, with their numbers."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _parse_chance(word: str, where: str, column: int) -> float:
    try:
        chance = float(word)
    except ValueError:
        chance = math.nan
    if not 0 <= chance <= 1:
        raise DataError(f"{where}, column {column + 1}: {word[:20]!r} is no chance from 0 to 1")
    return chance


def _check_shape(rows: dict[str, list[list[float]]], source: str) -> None:
    size = len(rows[_BEFORE])
    if not size:
        raise DataError(f"{source}: no rows follow 'pre-Crawford'")
    if len(rows[_BEHIND]) != 1:
        raise DataError(f"{source}: 'post-Crawford' needs 1 row, it has {len(rows[_BEHIND])}")
    for part, lines in rows.items():
        for row, line in enumerate(lines, start=1):
            if len(line) != size:
                hole = min(len(line), size) + 1
                raise DataError(
                    f"{source}, {part} row {row}, column {hole}: {size} rows need {size} columns, here are {len(line)}"
                )


def _check_sums(table: MatchEquityTable, source: str) -> None:
    """Refuse chances of the two players that do not add up to 1."""
    off = np.argwhere(np.abs(table.before + table.before.T - 1.0) > 2e-3)
    if len(off):
        row, column = (int(i) for i in off[0])
        pair = table.before[row, column], table.before[column, row]
        raise DataError(
            f"{source}, pre-crawford row {row + 1}, column {column + 1}: {pair[0]:g} and {pair[1]:g} of the opponent "
            f"(row {column + 1}, column {row + 1}) must add up to 1"
        )


@lru_cache(maxsize=32)
def extend_table(table: MatchEquityTable, size: int) -> MatchEquityTable:
    """The table for matches to `size` points at least: its own numbers, then the extrapolation of the module's text.

    Raises:
        DataError: longer than MAX_LENGTH.
    """
    if size <= table.size:
        return table
    if size > MAX_LENGTH:
        raise DataError(f"a match to {size} points: chances are extrapolated to {MAX_LENGTH} at most")
    behind = list(table.behind)
    for away in range(table.size + 1, size + 1):
        behind.append(_trailer_chance(behind, away, 2))
    before = np.empty((size, size))
    before[: table.size, : table.size] = table.before
    trailer = list(table.before[:, 0])
    trailer += [_trailer_chance(behind, away, 1) for away in range(table.size + 1, size + 1)]
    for high in range(table.size + 1, size + 1):
        before[high - 1, 0] = trailer[high - 1]
        for low in range(2, high + 1):
            before[high - 1, low - 1] = _normal_chance(high, low)
        before[:high, high - 1] = 1.0 - before[high - 1, :high]
    return MatchEquityTable(table.name, table.author, before, np.array(behind))


def _trailer_chance(behind: list[float], away: int, cube: int) -> float:
    """Chance of a trailer who wins half of the games, one in four of them a gammon, with the cube at 1 or 2.

    Args:
        behind: his chances behind the Crawford game by points away from 1, all below `away` - `cube`.
        away: what he needs.
        cube: 1 in the Crawford game; 2 behind it, where he doubles at once.
    """
    single, gammon = (behind[left - 1] if left > 0 else 1.0 for left in (away - cube, away - 2 * cube))
    return 0.5 * ((1 - _GAMMON_SHARE) * single + _GAMMON_SHARE * gammon)


def _deviation(away: int) -> float:
    """Standard deviation of a game in points for a player who needs `away`."""
    share = min(away - 1, _LAST_GROWING - 1) / (_LAST_GROWING - 1)
    return _SMALLEST + share * (_LARGEST - _SMALLEST)


def _normal_chance(own: int, theirs: int) -> float:
    """Chance of a player `own` away against `theirs` away: what is left is a sum of (own + theirs) / 2 games."""
    deviation = math.sqrt((_deviation(own) ** 2 + _deviation(theirs) ** 2) * (own + theirs) / 2)
    return 0.5 * math.erfc((own - theirs) / deviation / math.sqrt(2))
