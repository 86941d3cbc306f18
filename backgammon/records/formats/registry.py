"""The table of formats: what can be read and written, and how a file is recognised: by content, never by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

from backgammon.records.formats import (
    gnubg_text,
    java_fibs,
    jsonl,
    label_lines,
    mat,
    oldmoves,
    sgf,
    snowie,
    xg,
    xg_text,
)
from backgammon.records.formats.jsonl import write_jsonl
from backgammon.records.formats.mat import write_mat
from backgammon.records.formats.sgf_writer import write_sgf
from backgammon.records.record.record import MatchRecord
from backgammon.records.record.text_encoding import decode, to_plain
from backgammon.tools.errors import RecordError

HEAD_BYTES = mat.HEAD_BYTES
"""What a file is must show within so many bytes."""


@dataclass(frozen=True)
class Format:
    """A form of match records.

    Attributes:
        name: short, as a user types it.
        title: what it is.
        suffixes: of files, the usual one first.
        looks_like: True for the beginning of such a file, as bytes and as text ("" when it is no text).
        read: every match of a file, from its bytes and its name; raises RecordError.
        write: the text of a file with some matches; None for a format that is only read. May raise RecordError for what
            the format cannot hold.
        cannot_hold: what is lost when a match is written, of `losses.KINDS`.
        holds_matches: a match that is written comes back; False where single decisions are all that a file has.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    looks_like: Callable[[bytes, str], bool]
    read: Callable[[bytes, str], list[MatchRecord]]
    write: Callable[..., str] | None = None
    cannot_hold: frozenset[str] = frozenset()
    holds_matches: bool = True


MAT = Format(
    "mat",
    "match log of the .mat family (Jellyfish, GNU Backgammon, eXtreme Gammon, BackgammonGalaxy, Snowie, ...)",
    (".mat", ".txt"),
    lambda _, text: mat.looks_like(text),
    mat.read,
    write_mat,
    frozenset({"analysis", "comments"}),  # and set-up positions, which the writer refuses
)
SGF = Format(
    "sgf",
    "GNU Backgammon's SGF",
    (".sgf",),
    lambda head, _: sgf.looks_like(head),
    sgf.read,
    write_sgf,
    frozenset({"texts", "headers", "analysis", "unknown rolls"}),  # some of it is held, see `sgf_writer`
)
JSONL = Format(
    "jsonl",
    "pairgammon's own JSON Lines, which lose nothing",
    (".jsonl",),
    lambda head, _: jsonl.looks_like(head),
    jsonl.read,
    write_jsonl,
)
LABELS = Format(
    "labels",
    "labelled decisions as JSON Lines, to learn from and to measure by",
    (".jsonl",),
    lambda head, _: label_lines.looks_like(head),
    label_lines.read,
    label_lines.write,
    holds_matches=False,
)
XG = Format("xg", "eXtreme Gammon's match or position", (".xg", ".xgp"), lambda head, _: xg.looks_like(head), xg.read)
JAVA_FIBS = Format(
    "javafibs", "JavaFIBS's match", (".match",), lambda _, text: java_fibs.looks_like(text), java_fibs.read
)
OLDMOVES = Format(
    "oldmoves",
    'what "oldmoves" of FIBS shows of a game',
    (".txt",),
    lambda _, text: oldmoves.looks_like(text),
    oldmoves.read,
)
GNUBG_TEXT = Format(
    "gnubg-text",
    "GNU Backgammon's text export with analysis",
    (".txt",),
    lambda _, text: gnubg_text.looks_like(text),
    gnubg_text.read,
)
XG_TEXT = Format(
    "xg-text",
    "positions as text from eXtreme Gammon or BGBlitz",
    (".txt",),
    lambda _, text: xg_text.looks_like(text),
    xg_text.read,
)
SNOWIE = Format("snowie", "Snowie's position lines", (".txt",), lambda _, text: snowie.looks_like(text), snowie.read)

FORMATS: tuple[Format, ...] = (XG, SGF, JSONL, LABELS, JAVA_FIBS, MAT, OLDMOVES, GNUBG_TEXT, XG_TEXT, SNOWIE)
"""In the order in which a file is tried: those first that their first bytes give away."""

WRITABLE: tuple[Format, ...] = tuple(entry for entry in FORMATS if entry.write is not None and entry.holds_matches)
"""Forms of whole matches; LABELS, an extract, is written where it is asked for by name."""


def find_format(head: bytes) -> Format:
    """The format of a file by its beginning.

    Args:
        head: the first HEAD_BYTES bytes, or all of a shorter file.

    Raises:
        RecordError: none of them.
    """
    if xg.looks_like(head):
        return XG
    plain, _ = to_plain(head)
    text, _ = decode(plain)
    for entry in FORMATS:
        if entry.looks_like(plain, text):
            return entry
    raise RecordError(
        'not a log of a known format: it has no line such as "7 point match", and it is none of '
        + ", ".join(entry.name for entry in FORMATS if entry is not MAT)
    )


def check_head(head: bytes) -> None:
    """Refuse a file by its beginning, so that what is no log need not be read or unpacked to its end.

    Raises:
        RecordError: of no known format.
    """
    find_format(head)


def read_records(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every match in a file of any format; `MatchRecord.format` names it.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: no known format, or a damaged file.
    """
    entry = find_format(data[:HEAD_BYTES])
    if entry is XG:
        return [replace(record, format=entry.name) for record in entry.read(data, name)]
    plain, encoding = to_plain(data)
    records = entry.read(plain, name)
    if plain is data:
        return [replace(record, format=entry.name) for record in records]
    return [replace(record, format=entry.name, encoding=encoding) for record in records]


def format_named(name: str) -> Format:
    """A format by its short name.

    Raises:
        RecordError: there is none of that name.
    """
    for entry in FORMATS:
        if entry.name == name.lower():
            return entry
    raise RecordError(f"format '{name}': there are {', '.join(entry.name for entry in FORMATS)}")


def writable_format(path: str | PurePath) -> Format:
    """The format in which a file of that name is written, by its suffix.

    Raises:
        RecordError: no format that can be written has such a suffix.
    """
    suffix = PurePath(path).suffix.lower()
    for entry in WRITABLE:
        if suffix in entry.suffixes:
            return entry
    known = ", ".join(entry.suffixes[0] for entry in WRITABLE)
    raise RecordError(f"{path}: no format is written to files '{suffix}'; use one of {known}")
