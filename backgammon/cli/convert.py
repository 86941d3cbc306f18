"""`pairgammon convert`: logs of every format rewritten as clean .mat, .sgf or .jsonl files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say
from backgammon.tools.quoting import file_stem

if TYPE_CHECKING:
    from backgammon.records import Format, MatchRecord

MAX_REFUSED = 20
"""Matches that the format cannot hold and that are named one by one."""


@click.command(
    cls=ExampleCommand,
    short_help="Rewrite logs in another format.",
    examples=(
        ("pairgammon convert match.xg match.sgf", "from eXtreme Gammon to GNU Backgammon"),
        ("pairgammon convert archive.zip converted", "a .mat file for each match of an archive"),
        ("pairgammon convert logs --out converted --format jsonl", "a folder, with everything that the files say"),
        ("pairgammon convert match.txt > match.mat", "one match to standard output"),
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="LOG... [OUT]")
@click.option("--out", metavar="OUT", help="Where to, if it is not the last of the paths.")
@click.option(
    "--format", "format_name", metavar="NAME", help="mat, sgf, jsonl or labels.  [default: by the name of OUT, or mat]"
)
@click.option("--verbatim", is_flag=True, help="Keep the text of each play as its writer left it.")
def command(paths: tuple[str, ...], out: str | None, format_name: str | None, verbatim: bool) -> None:
    """Rewrite match logs in another format, or in one clean dialect.

    Each LOG is a file or folder of match logs, plain or packed: .mat and .txt of every dialect, .sgf, .xg, .xgp,
    .jsonl, JavaFIBS, GNU Backgammon's and eXtreme Gammon's texts; the content decides, not the name. OUT is a file
    (.mat, .sgf, .jsonl) for everything together, or else a folder for a file of each match; without it the result goes
    to standard output. Nothing that is there already is overwritten; an interrupted conversion goes on.

    Plays are written in canonical text: bar and off as words, hits starred. .mat holds no analysis, .sgf most of it,
    .jsonl all; labels are the analysed rolls alone, to learn from. A report of what was read goes to standard error.
    """
    from backgammon.cli.screen import show_byte_progress
    from backgammon.records import read_logs
    from backgammon.records.replay.canonical import canonical_match
    from backgammon.tools.errors import RecordError

    logs, target = (paths, out) if out is not None or len(paths) == 1 else (paths[:-1], paths[-1])
    entry = _find_format(target, format_name)
    sink: _Sink = _Folder(Path(target), entry) if target and not Path(target).suffix else _File(target, entry)
    refused: list[str] = []
    with show_byte_progress("converting") as advance:
        reading = read_logs(logs, progress=advance, drop_duplicates=False)
        for record, replayed in reading.matches():
            match = record if verbatim else canonical_match(record, replayed)
            try:
                sink.take_in(match, _write(entry, match))
            except _CannotHold as error:
                refused.append(f"{record.file}:{record.line}: {error}")
    if not reading.report.num_matches:
        reading.report.check()
    if refused and len(refused) == reading.report.num_matches:
        raise RecordError(f"no match can be written as {entry.name}: {refused[0]}")
    sink.finish()
    say(reading.report.render(), err=True)
    _list_refused(refused, entry)


class _CannotHold(Exception):
    """The format has no place for something without which the match would be another."""


class _Sink(Protocol):
    """Where matches go."""

    def take_in(self, match: MatchRecord, text: str) -> None:
        """The next match, with its text."""

    def finish(self) -> None:
        """All matches have come."""


class _File:
    """One file, or standard output, for all matches together."""

    def __init__(self, path: str | None, entry: Format) -> None:
        """Nothing is read or written yet."""
        self._path = None if path is None else Path(path)
        self._entry = entry
        self._matches: list[MatchRecord] = []

    def take_in(self, match: MatchRecord, text: str) -> None:  # noqa: ARG002 - joined matches have another text
        """Keep the match."""
        self._matches.append(match)

    def finish(self) -> None:
        """Write everything."""
        from backgammon.tools.storage import replace_file

        text = _write(self._entry, *self._matches).encode()
        if self._path is not None:
            if not _is_written(self._path, text):
                replace_file(self._path, text)
        else:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()


class _Folder:
    """A folder with a file for each match, named after its source."""

    def __init__(self, folder: Path, entry: Format) -> None:
        self._folder = folder
        self._entry = entry
        self._names = set[str]()

    def take_in(self, match: MatchRecord, text: str) -> None:
        """Write the match."""
        from backgammon.tools.storage import replace_file

        path = self._folder / f"{self._new_name(match)}{self._entry.suffixes[0]}"
        if not _is_written(path, text.encode()):
            replace_file(path, text.encode())

    def finish(self) -> None:
        """Nothing is left to do."""

    def _new_name(self, match: MatchRecord) -> str:
        """A name that this run has not used yet, numbered where a source has several matches."""
        from backgammon.records import FORMATS

        stem = Path(match.file).name
        for suffix in (".gz", ".xz", *(suffix for entry in FORMATS for suffix in entry.suffixes)):
            stem = stem.removesuffix(suffix)
        stem = file_stem(stem)
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}-{number}"
        self._names.add(name)
        return name


def _find_format(target: str | None, name: str | None) -> Format:
    """The format to write: as named, or by the suffix of the target; .mat otherwise.

    Raises:
        RecordError: there is none of that name or suffix, or it is only read.
    """
    from backgammon.records import writable_format
    from backgammon.records.formats.registry import LABELS, MAT, WRITABLE, format_named
    from backgammon.tools.errors import RecordError

    by_suffix = writable_format(target) if target and Path(target).suffix else None
    if name is None:
        return by_suffix or MAT
    entry = format_named(name)
    if entry.write is None:
        raise RecordError(
            f"format '{name}' is only read; write {', '.join(other.name for other in (*WRITABLE, LABELS))}"
        )
    return entry


def _write(entry: Format, *matches: MatchRecord) -> str:
    """The text of a file.

    Raises:
        _CannotHold: the format cannot hold one of the matches.
    """
    from backgammon.tools.errors import RecordError

    assert entry.write is not None
    try:
        return entry.write(*matches)
    except RecordError as error:
        raise _CannotHold(str(error)) from error


def _is_written(path: Path, content: bytes) -> bool:
    """True where an earlier run has written this very file; what was interrupted goes on like that.

    Raises:
        RecordError: something else is there.
    """
    from backgammon.tools.errors import RecordError
    from backgammon.tools.storage import sweep

    sweep(path)
    if not path.exists():
        return False
    if path.is_file() and path.read_bytes() == content:
        return True
    raise RecordError(f"{path}: is there already; give another place")


def _list_refused(refused: list[str], entry: Format) -> None:
    """Say which matches are missing in the result."""
    if not refused:
        return
    say(f"matches that {entry.name} cannot hold: {len(refused):,}", err=True)
    for text in refused[:MAX_REFUSED]:
        say(f"  {text}", err=True)
    if len(refused) > MAX_REFUSED:
        say(f"  ... and {len(refused) - MAX_REFUSED:,} more", err=True)
