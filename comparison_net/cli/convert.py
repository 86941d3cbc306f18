"""`pairgammon convert`: logs of every dialect rewritten as clean .mat files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from comparison_net.cli.group import ExampleCommand

if TYPE_CHECKING:
    from backgammon.records import MatchRecord


@click.command(
    cls=ExampleCommand,
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
    UTF-8 with canonical plays: bar and off as words, hits starred, larger die first. Files that are already there are
    never overwritten.
    """
    from backgammon.records.canonical import canonical_match
    from backgammon.records.mat import write_mat
    from comparison_net.checkpoint import replace_file

    sink = click.get_binary_stream("stdout")
    num_matches, names = 0, set[str]()
    for match in _read_matches(logs):
        text = write_mat(match if verbatim else canonical_match(match)).encode()
        if out is None:
            sink.write((b"\n" if num_matches else b"") + text)
        else:
            replace_file(_free_path(Path(out), match, names), text)
        num_matches += 1
    sink.flush()
    if out is not None:
        click.echo(f"{num_matches:,} matches written to {out}", err=True)


def _read_matches(logs: tuple[str, ...]) -> list[MatchRecord]:
    """Every match of the logs.

    Raises:
        RecordError: a file that is no log, or an action without a form: nothing has been written then.
    """
    from backgammon.errors import RecordError
    from backgammon.records import mat
    from backgammon.records.source import find_files, open_sources

    matches: list[MatchRecord] = []
    for path in find_files(logs):
        for name, data in open_sources(path):
            try:
                if isinstance(data, RecordError):
                    raise data
                matches += mat.read(data, name)
            except RecordError as error:
                raise RecordError(f"{name}: {error}") from None
    return matches


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
