"""Labelled decisions from files into arrays: lines of labels, or logs that bring an analysis along.

One reader for whoever learns from labels or measures by them; the form of a line is the matter of
`formats.label_lines`. A line that cannot be used is named with its file and number, and costs no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from backgammon.notation.gnu_id import parse_usable_ids, position_ids
from backgammon.records.decision_set import DecisionSet, Labels
from backgammon.records.formats import label_lines
from backgammon.records.formats.label_lines import MAX_LINE, UNKNOWN_PLY, LabelLine, parse_label_line
from backgammon.records.reading import LogReading
from backgammon.records.record.source import find_files
from backgammon.rules import ragged
from backgammon.rules.board import swap
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Boards, Int64s
from backgammon.tools.errors import DataError, PairgammonError
from backgammon.tools.packed import DAMAGE, open_unpacked
from backgammon.tools.quoting import quote

MAX_PROBLEMS = 20
"""Problems that a report spells out."""

MAX_REST = 64 << 20
"""Bytes of a line that is too long, behind MAX_LINE."""

MAX_UNPACKED = 8 << 30
"""Bytes of a file, unpacked; ten million labelled decisions."""

_BATCH = 4096


@dataclass
class LabelReport:
    """The account of a reading."""

    files: list[str] = field(default_factory=list)
    lines: int = 0
    decisions: int = 0
    """Lines that could be used."""
    judged: int = 0
    """Candidates with an equity."""
    rejected: int = 0
    problems: list[str] = field(default_factory=list)
    """The first MAX_PROBLEMS of them."""
    plies: Counter[str] = field(default_factory=Counter)
    """Judged candidates by ply; "" where none is given."""

    def reject(self, problem: str) -> None:
        """Enter a line, or the rest of a file, that cannot be used."""
        self.rejected += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    @property
    def judge(self) -> str:
        """How deep the judge looked, the commonest depth first."""
        return ", ".join(f"{ply}-ply" if ply else "unknown ply" for ply, _ in self.plies.most_common())

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "plies": dict(self.plies)}

    def render(self) -> str:
        """A few lines for people."""
        head = f"{self.decisions:,} labelled decisions, {self.judged:,} judged candidates, {len(self.files)} files"
        tail = f"; {self.rejected:,} lines left out:" if self.rejected else ""
        more = [f"and {self.rejected - len(self.problems):,} more"] if self.rejected > len(self.problems) else []
        return "\n  ".join([head + tail, *self.problems, *more])


class _Numbered(NamedTuple):
    """A line and where it stands."""

    place: str
    label: LabelLine


def is_labelled(path: Path) -> bool:
    """True for a file, plain or packed, of labelled lines."""
    try:
        with open_unpacked(path) as file:
            return label_lines.looks_like(file.readline(label_lines.HEAD_BYTES))
    except DAMAGE:
        return False


def find_labels(paths: Iterable[str | Path]) -> list[Path]:
    """The files of labelled lines among those named or lying in named folders.

    Raises:
        RecordError: see `find_files`.
    """
    return [path for path in find_files(paths) if ".jsonl" in path.name and is_labelled(path)]


def read_labels(
    paths: Iterable[Path], progress: Callable[[int, int], None] | None = None
) -> tuple[DecisionSet, LabelReport]:
    """Every usable decision of the files, and the account of the reading.

    Args:
        paths: files of labelled lines, plain, .gz or .xz, or logs whose analysis is taken.
        progress: called after each file with the bytes read so far and those of all files, as they lie on the disk.

    Raises:
        DataError: no line can be used; the first problems are told.
    """
    files = list(paths)
    report = LabelReport()
    reader = _Reader(report)
    sizes = [path.stat().st_size if path.exists() else 0 for path in files]
    for number, path in enumerate(files):
        report.files.append(path.name)
        lines = _lines_of_log(path, report) if path.exists() and not is_labelled(path) else _lines(path, report)
        while batch := list(islice(lines, _BATCH)):
            reader.take_in(batch)
        if progress is not None:
            progress(sum(sizes[: number + 1]), sum(sizes))
    if not report.decisions:
        raise DataError("\n  ".join(["no labelled decision can be read", *report.problems]))
    return reader.joined(), report


def _lines(path: Path, report: LabelReport) -> Iterator[_Numbered]:
    """The lines of a file that have the right form; the others go to the report."""
    number, size = 0, 0
    try:
        with open_unpacked(path) as file:
            while line := _read_line(file):
                number += 1
                size += len(line)
                if size > MAX_UNPACKED:
                    raise OSError(f"more than {MAX_UNPACKED:,} bytes; split the file")
                if line.strip():
                    yield from _parse(line, f"{path.name}, line {number}", report)
    except DAMAGE as error:
        report.reject(f"{path.name}: cannot be read beyond line {number} ({error})")


def _lines_of_log(path: Path, report: LabelReport) -> Iterator[_Numbered]:
    """The analysed rolls of a log, as lines."""
    reading = LogReading([path])
    for record, _ in reading.matches():
        for number, line in enumerate(label_lines.format_match(record), 1):
            yield from _parse(line, f"{record.file}, match in line {record.line}, analysed roll {number}", report)
    for refused in reading.report.rejected:
        report.reject(str(refused))


def _parse(line: bytes, place: str, report: LabelReport) -> Iterator[_Numbered]:
    report.lines += 1
    try:
        yield _Numbered(place, parse_label_line(line))
    except PairgammonError as error:
        report.reject(f"{place}: {error}")


def _read_line(file: IO[bytes]) -> bytes:
    """The next line; of one that is too long the beginning, but its rest is no line of its own.

    Raises:
        OSError: a line that is MAX_REST longer still, as in a file that is packed to unpack without end.
    """
    line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE and not line.endswith(b"\n"):
        skipped = 0
        while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            skipped += len(rest)
            if skipped > MAX_REST:
                raise OSError("a line without an end")
    return line


class _Reader:
    """Puts lines to the candidates of their decisions, batch by batch."""

    def __init__(self, report: LabelReport) -> None:
        self._report = report
        self._decisions: list[Decisions] = []
        self._labels: list[Labels] = []
        self._numbers: dict[str, int] = {}
        self._players: list[str] = []
        self._points: list[int] = []

    def take_in(self, batch: list[_Numbered]) -> None:
        """The next lines."""
        lines, boards = self._playable(batch)
        if not lines:
            return
        dice = np.array([line.label.roll for line in lines], dtype=np.int8)
        offered = Decisions.make(boards, dice)
        ids = position_ids(swap(offered.candidates))
        bounds = offered.offsets.tolist()
        kept: list[int] = []
        chosen, labels = [], _Columns(len(ids))
        for index, (place, label) in enumerate(lines):
            start, stop = bounds[index], bounds[index + 1]
            places = dict(zip(ids[start:stop], range(start, stop), strict=True))
            problem = _misfit(label, places)
            if problem:
                self._report.reject(f"{place}: {problem}")
                continue
            kept.append(index)
            labels.put(label, places, start)
            chosen.append(places[label.played or label.entries[0].after] - start)
            self._players.append(label.player)
            self._points.append(label.points)
        used = np.array(kept, dtype=np.int64)
        candidates, _ = ragged.take(offered.offsets, used)
        units = [self._numbers.setdefault(lines[i].label.game, len(self._numbers)) for i in kept]
        taken = replace(offered.take(used).choosing(np.array(chosen, dtype=np.int64)), unit=np.array(units, np.int64))
        self._decisions.append(taken)
        self._labels.append(labels.take(candidates))
        self._count(self._labels[-1])

    def _playable(self, batch: list[_Numbered]) -> tuple[list[_Numbered], Boards]:
        """The lines whose Position ID is of a game that goes on, and their boards int8[N, 26]."""
        boards, problems = parse_usable_ids([line.label.position_id for line in batch])
        is_open = (boards > 0).any(axis=1) & (boards < 0).any(axis=1)
        for index in np.flatnonzero(~is_open).tolist():
            over = "the game is over in this position, there is nothing to choose"
            self._report.reject(f"{batch[index].place}: {problems.get(index, over)}")
        return [batch[index] for index in np.flatnonzero(is_open).tolist()], boards[is_open]

    def _count(self, labels: Labels) -> None:
        is_judged = ~np.isnan(labels.equities)
        self._report.decisions += len(labels.best)
        self._report.judged += int(is_judged.sum())
        for ply, number in zip(*np.unique(labels.plies[is_judged], return_counts=True), strict=True):
            self._report.plies["" if ply == UNKNOWN_PLY else str(ply)] += int(number)

    def joined(self) -> DecisionSet:
        """Everything taken in."""
        labels = Labels(
            *(
                np.concatenate([getattr(part, name) for part in self._labels])
                for name in ("best", "equities", "plies", "chances", "is_cubeful")
            )
        )
        points = np.array(self._points, dtype=np.int8)
        return DecisionSet(Decisions.join(self._decisions), tuple(self._numbers), self._players, points, labels)


def _misfit(label: LabelLine, places: dict[str, int]) -> str:
    """What in a line is not of its decision; "" where all is well."""
    after = [entry.after for entry in label.entries]
    missing = [one for one in (label.played or after[0], *after) if one not in places]
    if missing:
        return f"{quote(missing[0])} is no legal result of {label.roll.high}{label.roll.low}"
    return "a candidate comes twice" if len(set(after)) < len(after) else ""


class _Columns:
    """Labels of M candidates, filled line by line."""

    def __init__(self, num_candidates: int) -> None:
        self.equities = np.full(num_candidates, np.nan, dtype=np.float32)
        self.plies = np.full(num_candidates, UNKNOWN_PLY, dtype=np.int8)
        self.chances = np.full((num_candidates, 5), np.nan, dtype=np.float32)
        self.best: list[int] = []
        self.is_cubeful: list[bool] = []

    def put(self, label: LabelLine, places: dict[str, int], start: int) -> None:
        """The candidates of a line; the first of its decision stands at `start`."""
        rows = [places[entry.after] for entry in label.entries]
        self.equities[rows] = [entry.equity for entry in label.entries]
        self.plies[rows] = [entry.ply for entry in label.entries]
        known = [(row, entry.chances) for row, entry in zip(rows, label.entries, strict=True) if entry.chances]
        if known:
            self.chances[[row for row, _ in known]] = [five for _, five in known]
        self.best.append(rows[0] - start)
        self.is_cubeful.append(label.is_cubeful)

    def take(self, places: Int64s) -> Labels:
        """The columns at some candidates, of the lines that were put in."""
        return Labels(
            np.array(self.best, dtype=np.int64),
            self.equities[places],
            self.plies[places],
            self.chances[places],
            np.array(self.is_cubeful, dtype=np.bool_),
        )
