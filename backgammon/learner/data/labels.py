"""Labelled decisions as JSON lines: read into arrays that become shards.

    {"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.159], ...]}     one line a decision, or
    "cands": [["sGfwATDgc/ABMA", "8/5 6/5", 0.159, 2, [0.551, 0.171, 0.013, 0.118, 0.005]], ...]

A candidate is the Position ID after the play with the opponent on roll, then in this order: the play (may be missing),
the cubeless equity of the player who makes it in points, the ply it was judged at (may be missing), and the five
cumulative probabilities of GNU Backgammon (may be missing). Candidates come best first; those left out count as not
judged.
"played" (the ID after the play) says what was chosen, else the first candidate counts as chosen. "game" names what is
split into training and held-out decisions, else every line stands for itself. "points", "player" are taken over.

A line that cannot be used is counted and reported, and costs no other.
"""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np

from backgammon.learner.data.decision_shards import DecisionArrays, pack_probabilities
from backgammon.learner.data.shard_format import NOT_JUDGED
from backgammon.notation.gnu_id import parse_position_ids, position_ids
from backgammon.notation.quoting import quote
from backgammon.records.formats.decision_line import parse_decision_line
from backgammon.records.record.source import find_files
from backgammon.rules.board import Board, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Float32s, Int64s, Uint16s
from backgammon.tools.errors import DataError, PairgammonError

MAX_LINE = 1 << 20
"""Bytes of the longest line that is accepted."""
MAX_PROBLEMS = 20
"""Problems that a report spells out."""

_BATCH = 4096
_KEY = b'"cands"'
_HEAD = 1 << 16
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)


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

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "plies": dict(self.plies)}

    def render(self) -> str:
        """A few lines for people."""
        head = f"{self.decisions:,} labelled decisions, {self.judged:,} judged candidates, {len(self.files)} files"
        tail = f"; {self.rejected:,} lines left out:" if self.rejected else ""
        more = [f"and {self.rejected - len(self.problems):,} more"] if self.rejected > len(self.problems) else []
        return "\n  ".join([head + tail, *self.problems, *more])


class _Label(NamedTuple):
    """One line as read.

    Attributes:
        place: file and line, for messages.
        position_id: of the player on roll.
        dice: larger first.
        chosen: ID after the chosen play.
        after: IDs of the K judged candidates.
        equities: float[K].
        probabilities: K lists of five, or None where missing.
        plies: K texts.
        unit, player: names.
        points: +-1, 2, 3 or 0.
    """

    place: str
    position_id: str
    dice: tuple[int, int]
    chosen: str
    after: tuple[str, ...]
    equities: tuple[float, ...]
    probabilities: tuple[list[float] | None, ...]
    plies: tuple[str, ...]
    unit: str
    player: str
    points: int


def is_labelled(path: Path) -> bool:
    """True for a file, plain or packed, whose first line has candidates: labelled decisions, no log."""
    try:
        with _open(path) as file:
            return _KEY in file.readline(_HEAD)
    except _DAMAGE:
        return False


def find_labels(paths: Iterable[str | Path]) -> list[Path]:
    """The files of labelled decisions among those named or lying in named folders.

    Raises:
        RecordError: see `find_files`.
    """
    return [path for path in find_files(paths) if ".jsonl" in path.name and is_labelled(path)]


def read_labels(
    paths: Iterable[Path], progress: Callable[[int, int], None] | None = None
) -> tuple[DecisionArrays, LabelReport]:
    """Every usable decision of the files, and the account of the reading.

    Args:
        paths: files, plain, .gz or .xz.
        progress: called after each file with the bytes read so far and those of all files, as they lie on the disk.

    Raises:
        DataError: no line can be used; the first problems are told.
    """
    files = list(paths)
    report = LabelReport()
    parts: list[_Columns] = []
    sizes = [path.stat().st_size if path.exists() else 0 for path in files]
    for number, path in enumerate(files):
        report.files.append(path.name)
        lines = _lines(path, report)
        while batch := list(islice(lines, _BATCH)):
            parts.append(_read_batch(batch, report))
        if progress is not None:
            progress(sum(sizes[: number + 1]), sum(sizes))
    if not report.decisions:
        raise DataError("\n  ".join(["no labelled decision can be read", *report.problems]))
    return _join(parts, report), report


def _open(path: Path) -> IO[bytes]:
    """A file as bytes, unpacked if its beginning says gzip or xz."""
    with path.open("rb") as file:
        head = file.read(len(_XZ))
    if head.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(path))
    return lzma.LZMAFile(path) if head.startswith(_XZ) else path.open("rb")


def _lines(path: Path, report: LabelReport) -> Iterator[_Label]:
    """The lines of a file that have the right form; the others go to the report."""
    number = 0
    try:
        with _open(path) as file:
            while line := _read_line(file):
                number += 1
                if not line.strip():
                    continue
                report.lines += 1
                try:
                    yield _parse_line(line, f"{path.name}, line {number}")
                except PairgammonError as error:
                    report.reject(f"{path.name}, line {number}: {error}")
    except _DAMAGE as error:
        report.reject(f"{path.name}: cannot be read beyond line {number} ({error})")


def _read_line(file: IO[bytes]) -> bytes:
    """The next line; of one that is too long the beginning, but its rest is no line of its own."""
    line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE and not line.endswith(b"\n"):
        while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
    return line


def _parse_line(line: bytes, place: str) -> _Label:
    """One line, as far as it can be checked without the rules.

    Raises:
        PairgammonError: what is wrong with it.
    """
    parsed = parse_decision_line(line, MAX_LINE)
    record = parsed.record
    candidates = record.get("cands")
    if not isinstance(candidates, list) or not candidates:
        raise DataError('"cands" must be a list of candidates, each a list of an ID, an equity, ...')
    after, equities, plies, probabilities = zip(*map(_parse_candidate, candidates), strict=True)
    chosen, unit, player = record.get("played", after[0]), record.get("game"), record.get("player", "unknown")
    points = record.get("points", 0)
    if not isinstance(chosen, str) or not isinstance(player, str):
        raise DataError('"played" must be the Position ID after the play, "player" a name')
    if not isinstance(points, int) or abs(points) > 3:
        raise DataError('"points" must be a whole number from -3 to 3')
    dice = parsed.roll.high, parsed.roll.low
    # Without a game of its own a decision is what is split: the same decision twice is never on both sides.
    name = f"{parsed.position_id} {dice[0]}{dice[1]}" if unit is None else str(unit)
    return _Label(
        place, parsed.position_id, dice, chosen, after, equities, probabilities, plies, name, player, int(points)
    )


def _parse_candidate(entry: Any) -> tuple[str, float, str, list[float] | None]:
    """(ID after, equity, ply, five probabilities or None) of one entry of "cands".

    Raises:
        DataError: another form.
    """
    try:
        position, rest = entry[0], entry[2 if isinstance(entry[1], str) else 1 :]
        equity, probabilities = rest[0], rest[-1] if isinstance(rest[-1], list) else None
        ply = rest[1] if len(rest) > 1 and not isinstance(rest[1], list) else ""
        is_sound = isinstance(position, str) and -3.001 <= equity <= 3.001
        if probabilities is not None:
            is_sound = is_sound and len(probabilities) == 5 and min(probabilities) >= 0 and max(probabilities) <= 1
    except (TypeError, LookupError):
        is_sound = False
    if not is_sound:
        raise DataError(f"{quote(json.dumps(entry))} is no candidate: ID after, [play,] equity, [ply, [5 chances]]")
    return position, equity, str(ply), probabilities


class _Columns(NamedTuple):
    """Decisions of a batch, aligned with each other; M candidates."""

    units: list[str]
    players: list[str]
    points: list[int]
    positions: Boards
    dice: Dice
    chosen: Int64s
    equities: Float32s
    outcomes: Uint16s


def _read_batch(labels: list[_Label], report: LabelReport) -> _Columns:
    """The usable decisions of a batch, their labels at the candidates' places."""
    labels, positions = _parse_positions(labels, report)
    dice = np.array([label.dice for label in labels], dtype=np.int8).reshape(-1, 2)
    candidates, offsets = legal_candidates(positions, dice)
    ids = position_ids(swap(candidates))
    equities = np.full(len(ids), np.nan, dtype=np.float32)
    probabilities = np.full((len(ids), 5), np.nan, dtype=np.float32)
    is_used = np.ones(len(labels), dtype=np.bool_)
    chosen = np.zeros(len(labels), dtype=np.int64)
    bounds = offsets.tolist()
    for index, label in enumerate(labels):
        start, stop = bounds[index], bounds[index + 1]
        places = dict(zip(ids[start:stop], range(start, stop), strict=True))
        missing = [after for after in (label.chosen, *label.after) if after not in places]
        if missing or len(set(label.after)) < len(label.after):
            is_used[index] = False
            what = f"{quote(missing[0])} is no legal result of {label.dice}" if missing else "a candidate comes twice"
            report.reject(f"{label.place}: {what}")
            continue
        rows = [places[after] for after in label.after]
        chosen[index] = places[label.chosen] - start
        equities[rows] = label.equities
        judged = [(row, five) for row, five in zip(rows, label.probabilities, strict=True) if five is not None]
        if judged:
            probabilities[[row for row, _ in judged]] = [five for _, five in judged]
        report.plies.update(label.plies)
    is_kept = np.repeat(is_used, np.diff(offsets))
    kept = [label for label, used in zip(labels, is_used.tolist(), strict=True) if used]
    report.decisions += len(kept)
    report.judged += sum(len(label.after) for label in kept)
    return _Columns(
        [label.unit for label in kept],
        [label.player for label in kept],
        [label.points for label in kept],
        positions[is_used],
        dice[is_used],
        chosen[is_used],
        equities[is_kept],
        pack_probabilities(probabilities[is_kept]),
    )


def _parse_positions(labels: list[_Label], report: LabelReport) -> tuple[list[_Label], Board]:
    """The lines whose Position ID is of a game that goes on, and their boards int8[N, 26]."""
    try:
        boards = parse_position_ids([label.position_id for label in labels])
    except PairgammonError:
        labels, boards = _parse_one_by_one(labels, report)
    is_open = (boards > 0).any(axis=1) & (boards < 0).any(axis=1)
    for index in np.flatnonzero(~is_open).tolist():
        report.reject(f"{labels[index].place}: the game is over in this position, there is nothing to choose")
    return [labels[index] for index in np.flatnonzero(is_open).tolist()], boards[is_open]


def _parse_one_by_one(labels: list[_Label], report: LabelReport) -> tuple[list[_Label], Board]:
    """The lines whose Position ID can be decoded; the others go to the report."""
    usable: list[_Label] = []
    boards = [np.zeros((0, 26), dtype=np.int8)]
    for label in labels:
        try:
            boards.append(parse_position_ids([label.position_id]))
            usable.append(label)
        except PairgammonError as error:
            report.reject(f"{label.place}: {error}")
    return usable, np.concatenate(boards)


def _join(parts: list[_Columns], report: LabelReport) -> DecisionArrays:
    """All batches as one; probabilities only if there are any."""
    outcomes = np.concatenate([part.outcomes for part in parts])
    plies = ", ".join(f"{ply}-ply" if ply else "unknown ply" for ply, _ in report.plies.most_common())
    return DecisionArrays(
        positions=np.concatenate([part.positions for part in parts]),
        dice=np.concatenate([part.dice for part in parts]),
        chosen=np.concatenate([part.chosen for part in parts]),
        units=[unit for part in parts for unit in part.units],
        points=np.array([points for part in parts for points in part.points]),
        players=[player for part in parts for player in part.players],
        equities=np.concatenate([part.equities for part in parts]),
        outcomes=None if (outcomes[:, 0] == NOT_JUDGED).all() else outcomes,
        sources=tuple(report.files),
        report=report.to_dict(),
        teacher=plies,
    )
