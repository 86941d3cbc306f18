"""The .mat family of match logs: read every dialect, write one.

    [BOM] { '; [' Key ' "' Value '"]' }          header lines, any order, any may be absent
    N 'point match'                               0 for money play
    { ' Game ' k
      name1 ' : ' score1  <2+ blanks>  name2 ' : ' score2
      { [ n ')' ] left-cell right-cell } }

XG, Jellyfish, GNU Backgammon, BackgammonGalaxy, Backgammon Studio, Snowie and GamesGrid write this grammar in dialects
that differ in the words of a cell, in the marks of a play and in the columns. The reader chooses cell by cell, never by
file name. A file may hold several matches, each with its own "point match" line.

Nothing is checked here beyond the grammar: what cannot be understood becomes an `UnreadableAction` (or an ignored line
outside the rows), and `replay` decides what that costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from backgammon.records.formats.cells import begins_cell, is_row, make_inert, read_row
from backgammon.records.record.record import (
    Action,
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
from backgammon.records.replay.legs import ILLEGAL_NOTE, MALFORMED, encode_play
from backgammon.tools.errors import RecordError
from backgammon.tools.quoting import printable

HEAD_BYTES = 1 << 18
"""The line of the match must begin within so many bytes."""

MAX_LINE = 2_000
"""Characters in a line; the longest row ever seen has 120."""

MAX_ACTIONS = 10_000
"""Entries in a game; the longest games ever seen have some 300."""

MAX_GAMES = 100_000
"""Games in a file."""

MAX_IGNORED = 100
"""Ignored lines that are kept for a match."""

_HEADER = re.compile(r'\s*;\s*\[\s*([^"\]\s][^"\]]{0,63}?)\s*"(.*)"\s*\]\s*$')
_MATCH = re.compile(r"\s*([0-9]{1,9})\s+point\s+match\b", re.IGNORECASE)
_GAME = re.compile(r"\s*Game\s+([0-9]{1,9})\b", re.IGNORECASE)
_LEFT_SCORE = re.compile(r":\s*([0-9]{1,9})\s{2,}(?=\S)")
_TOUCHING_SCORE = re.compile(r":\s*([0-9]{1,9})\s?(?=[^\s0-9])")  # GNU Backgammon leaves no gap behind a long name
_RIGHT_SCORE = re.compile(r"\s*([0-9]{1,9})\s*", re.ASCII)
_RATING = re.compile(r",[0-9]{1,5}(?:[.][0-9]{1,3})?$")
_NOT_A_LOG = 'not a log of the .mat family: it has no line such as "7 point match"'


def looks_like(text: str) -> bool:
    """True for the beginning of a text with an "N point match" line.

    Args:
        text: the first HEAD_BYTES bytes, or all of a shorter file.
    """
    return any(_MATCH.match(line[:MAX_LINE]) for line in _split_lines(text))


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every match in a file of the .mat family.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: not a log of this family: no text, or no "N point match" line, or too many games.
    """
    text, encoding = decode(data)
    reader = _Reader(name, encoding)
    for number, line in enumerate(_split_lines(text), 1):
        reader.read_line(number, line)
    reader.end_match()
    if not reader.matches:
        raise RecordError(_NOT_A_LOG)
    return reader.matches


def _split_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass
class _OpenGame:
    """The game that is being read; `players` is None until the line of scores has come."""

    number: int
    line: int
    players: tuple[str, str] | None = None
    scores: tuple[int, int] = (0, 0)
    actions: list[Action] = field(default_factory=list)


class _Reader:
    """The file so far."""

    def __init__(self, name: str, encoding: str) -> None:
        self.matches: list[MatchRecord] = []
        self._name = name
        self._encoding = encoding
        self._headers: list[tuple[str, str]] = []
        self._ignored: list[IgnoredLine] = []
        self._length: int | None = None
        self._line = 0
        self._match_headers: tuple[tuple[str, str], ...] = ()
        self._games: list[GameRecord] = []
        self._game: _OpenGame | None = None
        self._num_games = 0

    def read_line(self, number: int, line: str) -> None:
        """Take in the next line of the file."""
        if len(line) > MAX_LINE:
            self._read_long_line(number, line)
            return
        if "\t" in line:
            line = line.expandtabs()
        if not line or line.isspace():
            return
        if is_row(line):
            self._read_row(number, line)
        elif line.lstrip().startswith(";"):
            self._read_comment(line)
        elif match := _MATCH.match(line):
            self.end_match()
            self._length, self._line = int(match[1]), number
            self._match_headers, self._headers = tuple(self._headers), []
        elif (game := _GAME.match(line)) and self._length is not None:
            self._begin_game(int(game[1]), number)
        else:
            self._read_other(number, line)

    def end_match(self) -> None:
        """Close the match that is open, if any."""
        self._end_game()
        if self._length is not None:
            kept = tuple(self._ignored)
            record = MatchRecord(
                self._length, tuple(self._games), self._match_headers, self._name, self._line, self._encoding, kept
            )
            self.matches.append(record)
            self._ignored = []
        self._length, self._games = None, []

    def _begin_game(self, number: int, line: int) -> None:
        self._end_game()
        self._num_games += 1
        if self._num_games > MAX_GAMES:
            raise RecordError(f"line {line}: more than {MAX_GAMES:,} games in one file; split the file")
        self._game = _OpenGame(number, line)

    def _end_game(self) -> None:
        if self._game is not None:
            game = self._game
            players = game.players or ("", "")
            self._games.append(GameRecord(game.number, players, game.scores, tuple(game.actions), game.line))
        self._game = None

    def _read_comment(self, line: str) -> None:
        if header := _HEADER.match(line):
            self._headers.append((header[1], header[2]))

    def _read_row(self, number: int, line: str) -> None:
        if self._game is None:
            self._ignore(number, line)
            return
        actions = self._game.actions
        if self._game.players is None:
            self._game.players = ("", "")
            actions.append(UnreadableAction(0, "no line of names and scores before this row", line=number))
        if len(actions) < MAX_ACTIONS:
            actions.extend(read_row(line, number))
            if len(actions) >= MAX_ACTIONS:
                actions.append(UnreadableAction(0, f"more than {MAX_ACTIONS:,} entries in a game", line=number))

    def _read_other(self, number: int, line: str) -> None:
        """A line without a number: scores, a result, or nothing known."""
        game = self._game
        if game is not None and game.players is None and (scores := _read_scores(line)):
            game.players, game.scores = scores
        elif game is not None and begins_cell(line):
            self._read_row(number, line)
        else:
            self._ignore(number, line)

    def _read_long_line(self, number: int, line: str) -> None:
        text = f"a line of {len(line):,} characters"
        if self._game is not None and len(self._game.actions) < MAX_ACTIONS:
            self._game.actions.append(UnreadableAction(0, text, line=number))
        else:
            self._ignore(number, text)

    def _ignore(self, number: int, line: str) -> None:
        if len(self._ignored) < MAX_IGNORED:
            self._ignored.append(IgnoredLine(number, " ".join(line.split())[:80]))


def _read_scores(line: str) -> tuple[tuple[str, str], tuple[int, int]] | None:
    """((left name, right name), (left score, right score)) of a line of scores; names may hold blanks and colons."""
    line = line.strip()
    left = _LEFT_SCORE.search(line) or _TOUCHING_SCORE.search(line)
    if left is None:
        return None
    name, colon, score = line[left.end() :].rpartition(":")
    right = _RIGHT_SCORE.fullmatch(score)
    if not colon or right is None:
        return None
    return (_clean_name(line[: left.start()]), _clean_name(name)), (int(left[1]), int(right[1]))


def _clean_name(name: str) -> str:
    """A name with single blanks and without the rating that Snowie writes behind it."""
    return _RATING.sub("", " ".join(name.split()))


def write_mat(*matches: MatchRecord) -> str:
    """The text of a .mat file: UTF-8 is meant, lines end in a line feed. Plays are written as the records hold them.

    Reading it again gives the same actions, so also the same decisions. Notes have no place in this format.

    Raises:
        RecordError: a game that begins from a set-up position, which this format cannot hold.
    """
    lines: list[str] = []
    for match in matches:
        for key, value in match.headers:
            lines.append(f'; [{_one_line(key)} "{_one_line(value)}"]')
        lines += ["", f" {match.length} point match"]
        for game in match.games:
            lines.extend(_write_game(game))
        lines.append("")
    return "\n".join(lines).lstrip("\n")


_DROPS = " Drops"


def _write_game(game: GameRecord) -> Iterator[str]:
    if game.start is not None:
        raise RecordError(
            f"game {game.number} begins from a set-up position, which a .mat file cannot hold; write .sgf or .jsonl"
        )
    # A line that begins with a semicolon is a comment: the name would take the game's scores and rolls with it.
    left, right = (_one_line(name).lstrip("; ") for name in game.players)
    yield ""
    yield f" Game {game.number}"
    yield f" {f'{left} : {game.scores[0]}':<30}  {right} : {game.scores[1]}"
    row = 0
    for cells, result in _arrange(game.actions):
        if result is not None:
            yield " " * (6 if result.seat == 0 else 34) + _format_cell(result).lstrip()
        else:
            row += 1
            yield f"{row:3d}) {cells[0]:<28}  {cells[1]}".rstrip()


def _arrange(actions: tuple[Action, ...]) -> Iterator[tuple[list[str], ResultAction | None]]:
    """The lines of a game: either the two cells of a row, or a result, which has a line of its own.

    Where the left player drops, the right one's result stands beside it: on a line of its own GNU Backgammon reads it
    as another double.
    """
    cells = ["", ""]
    for action in actions:
        if isinstance(action, ResultAction) and action.seat == 1 and cells == [_DROPS, ""]:
            yield [_DROPS, _format_cell(action)], None
            cells = ["", ""]
            continue
        is_alone = isinstance(action, ResultAction | UnreadableAction)
        if any(cells) and (is_alone or action.seat == 0 or cells[1]):
            yield cells, None
            cells = ["", ""]
        if isinstance(action, ResultAction):
            yield cells, action
            continue
        cells[action.seat] = _format_cell(action)
        if is_alone:
            yield cells, None
            cells = ["", ""]
    if any(cells):
        yield cells, None


def _format_cell(action: Action) -> str:
    """The text of one cell; words other than rolls are set in by a blank, as all writers do."""
    match action:
        case RollAction(roll=None, play=play):
            return f"00: {_format_play(play)}"
        case RollAction(roll=(die1, die2), play=play):
            return f"{die1}{die2}: {_format_play(play)}"
        case DoubleAction(cube=cube):
            return f" Doubles => {cube}"
        case TakeAction():
            return " Takes"
        case DropAction():
            return _DROPS
        case BeaverAction():
            return " Beavers"
        case ResignAction(points=points):
            return " Concedes" if points is None else f" Losses {points} point"
        case ResultAction(points=points, ends_match=ends_match):
            plural = "" if points == 1 else "s"
            amount = "" if points is None else f" {points} point{plural}"
            return f" Wins{amount}{' and the match' if ends_match else ''}"
        case UnreadableAction(text=text):
            return f" ({make_inert(printable(text))})"
        case _:
            raise RecordError(f"{type(action).__name__} has no form in a .mat file")


def _format_play(text: str) -> str:
    """The text behind the dice; one that is no play is kept only if it cannot be taken for other cells."""
    return make_inert(printable(text)) if encode_play(text)[0] in (ILLEGAL_NOTE, MALFORMED) else text


def _one_line(text: str) -> str:
    """A text that cannot break its line: blanks collapsed, quotation marks made single."""
    return printable(" ".join(text.split())).replace('"', "'")
