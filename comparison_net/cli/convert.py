"""`pairgammon convert`: logs of every dialect rewritten as clean .mat files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from comparison_net.cli.group import ExampleCommand

if TYPE_CHECKING:
    from backgammon.records import MatchRecord


@click.command(
    cls=ExampleCommand,
    short_help="Rewrite logs in one clean dialect.",
    examples=(
        ("pairgammon convert match.txt > match.mat", "one match to standard output"),
        ("pairgammon convert archive.zip --out converted", "a file for each match of an archive"),
    ),
)
@click.argument("logs", nargs=-1, required=True)
@click.option("--out", metavar="FOLDER", help="Write FOLDER/NAME.mat for every match instead of standard output.")
@click.option("--verbatim", is_flag=True, help="Keep the text of each play as its writer left it.")
def command(logs: tuple[str, ...], out: str | None, verbatim: bool) -> None:
    """Rewrite match logs in one clean dialect.

    LOGS are files or folders of match logs, plain or packed, in any dialect of the .mat family. The result is .mat in
    UTF-8 with canonical plays: bar and off as words, hits starred. Files that are already there are never overwritten.
    A report of what was read goes to standard error.
    """
    from backgammon.records import read_logs
    from backgammon.records.canonical import canonical_match
    from backgammon.records.mat import write_mat
    from comparison_net.checkpoint import replace_file
    from comparison_net.cli.screen import show_byte_progress

    sink = sys.stdout.buffer
    names = set[str]()
    with show_byte_progress("converting") as advance:
        reading = read_logs(logs, progress=advance, drop_duplicates=False)
        for number, (record, replayed) in enumerate(reading.matches()):
            text = write_mat(record if verbatim else canonical_match(record, replayed)).encode()
            if out is None:
                sink.write((b"\n" if number else b"") + text)
            else:
                replace_file(_free_path(Path(out), record, names), text)
    sink.flush()
    reading.report.check()
    click.echo(reading.report.render(), err=True)


def _free_path(folder: Path, match: MatchRecord, names: set[str]) -> Path:
    """A file name after the source of the match, numbered where a source has several.

    Raises:
        RecordError: the file is there already.
    """
    from backgammon.errors import RecordError

    stem = Path(match.file).name
    for suffix in (".gz", ".xz", ".mat", ".txt"):
        stem = stem.removesuffix(suffix)
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    path = folder / f"{name}.mat"
    if path.exists():
        raise RecordError(f"{path}: is there already; give another folder")
    return path
