"""Reading logs from anywhere: paths in, games of checked decisions out, and an account that fills on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from backgammon.records.formats.registry import HEAD_BYTES, check_head, read_records
from backgammon.records.record.account import DuplicateMatch, Problem, ReadReport
from backgammon.records.record.record import MatchRecord
from backgammon.records.record.source import find_files, open_sources
from backgammon.records.replay.replay import LoggedDecision, ReplayedGame, ReplayedMatch, replay_match
from backgammon.tools.errors import RecordError

Progress = Callable[[int, int], None]
"""Called after each file with the bytes read so far and the bytes of all files (as they lie on the disk)."""


def read_logs(
    paths: Iterable[str | Path], progress: Progress | None = None, drop_duplicates: bool = True
) -> LogReading:
    """A reading of every log that is named or lies in a named folder, .gz, .xz and .zip files included.

    Args:
        paths: files and folders.
        progress: see `Progress`.
        drop_duplicates: leave out a match whose plays were all read before, under whatever name or dialect.

    Raises:
        RecordError: a path that does not exist, or none at all. Whatever a file holds is a matter of the report.
    """
    return LogReading(find_files(paths), progress, drop_duplicates)


class LogReading:
    """Games, one file after the other; each iteration reads the files again and begins a new report.

    Attributes:
        report: the account of the iteration that runs or has ended.
    """

    def __init__(self, files: list[Path], progress: Progress | None = None, drop_duplicates: bool = True) -> None:
        """See `read_logs`."""
        self.report = ReadReport()
        self._files = files
        self._progress = progress
        self._drop_duplicates = drop_duplicates
        self._seen: dict[str, str] = {}

    @property
    def files(self) -> list[Path]:
        """The files to read, in order."""
        return list(self._files)

    def __iter__(self) -> Iterator[ReplayedGame]:
        return self.games()

    def games(self) -> Iterator[ReplayedGame]:
        """Every game, also those without a play; a report begins with the first."""
        for _, match in self.matches():
            yield from match.games

    def decisions(self) -> Iterator[LoggedDecision]:
        """Every play of every game in the order of the logs, forced ones included, dances not."""
        for game in self.games():
            yield from game.decisions()

    def matches(self) -> Iterator[tuple[MatchRecord, ReplayedMatch]]:
        """Every match as it was written and as it was replayed; the report has all of it before it is given."""
        self.report = ReadReport()
        self._seen = {}
        total = sum(_size(file) for file in self._files)
        done = 0
        for path in self._files:
            for name, data in open_sources(path, check_head, HEAD_BYTES):
                if isinstance(data, RecordError):
                    self.report.reject(name, str(data))
                else:
                    yield from self._read(name, data)
            done += _size(path)
            if self._progress is not None:
                self._progress(done, total)

    def _read(self, name: str, data: bytes) -> Iterator[tuple[MatchRecord, ReplayedMatch]]:
        """The matches of one log that count."""
        try:
            records = read_records(data, name)
        except RecordError as error:
            self.report.reject(name, str(error))
            return
        self.report.num_files += 1
        self.report.encodings[records[0].encoding] += 1
        self.report.formats[records[0].format] += 1
        first_game = 1
        for record in records:
            try:
                match = replay_match(record, first_game)
            except RecordError as error:
                self.report.reject(name, str(error))
            else:
                if not self._is_duplicate(record, match):
                    self._enter(record, match)
                    yield record, match
            first_game += len(record.games)

    def _is_duplicate(self, record: MatchRecord, match: ReplayedMatch) -> bool:
        """True for a match that was read before; a match without plays is like no other."""
        if not self._drop_duplicates or not match.num_plays:
            return False
        first = self._seen.get(match.identity)
        if first is None:
            self._seen[match.identity] = f"{record.file}:{record.line}"
            return False
        self.report.add_duplicate(DuplicateMatch(record.file, record.line, first, match.num_plays))
        return True

    def _enter(self, record: MatchRecord, match: ReplayedMatch) -> None:
        """Enter a match into the report."""
        self.report.num_matches += 1
        for line in record.ignored:
            self.report.add_warning(Problem(record.file, line.line, 0, 0, line.text, "is no part of a log; ignored"))
        for game in match.games:
            _count(self.report, game)


def _count(report: ReadReport, game: ReplayedGame) -> None:
    """Enter a game into the report."""
    report.num_games += 1
    report.num_empty_games += not game.num_rolls
    report.num_rolls += game.num_rolls
    report.num_plays += len(game)
    report.num_forced += game.num_forced
    report.num_dances += game.num_dances
    report.num_unplayed += game.num_unplayed
    report.endings[game.ending] += 1
    if game.problem is not None:
        report.add_skip(game.problem)
    for warning in game.warnings:
        report.add_warning(warning)


def _size(path: Path) -> int:
    """Bytes on disk, 0 for what is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
