"""Labels at a score and cube: the answers of `rank` to lines with "xgid", whoever gave them.

    {"xgid": "XGID=...:31:...", "candidates": [{"id": ID after the play, "equity": EMG, "ply": 2}, ...], ...}
    {"xgid": "XGID=...:00:...", "equities": [no double, double/take, double/pass], ...}

Candidates come best first; those left out are not judged. "game" names what is independent of everything else; else
"file" and "game" do, as `decisions --stakes` writes them, and without either every line stands for itself. "anchor" of
a play is the ID after what another engine chose: one to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.learner.data.stakes_lines import StakesLine, parse_stakes_line, stakes_record
from backgammon.records.record.source import find_files
from backgammon.tools.errors import DataError, PairgammonError
from backgammon.tools.packed import DAMAGE, open_unpacked
from backgammon.tools.quoting import quote

MAX_PROBLEMS = 20
"""Problems that are spelt out."""
_LONGEST = 1 << 16


@dataclass(frozen=True, eq=False)
class StakesLabel:
    """A decision at stakes and what a judge thinks of it.

    Attributes:
        line: position, stakes, and the roll of a play.
        unit: name of what is independent of everything else.
        best: of a play, the ID after the judge's choice; "" of a cube decision.
        values: of a play, EMG by ID after it; empty of a cube decision.
        verdict: of a cube decision; None of a play.
        anchor: of a play, the ID after another engine's choice; "" where none is told.
    """

    line: StakesLine
    unit: str
    best: str
    values: dict[str, float]
    verdict: CubeVerdict | None
    anchor: str = ""


@dataclass
class StakesReading:
    """Labels, and what could not be used.

    Attributes:
        labels: in the order of the lines.
        rejected: lines that cannot be used.
        problems: the first MAX_PROBLEMS of them.
    """

    labels: list[StakesLabel] = field(default_factory=list)
    rejected: int = 0
    problems: list[str] = field(default_factory=list)

    def reject(self, problem: str) -> None:
        """Enter a line that cannot be used."""
        self.rejected += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def find_stakes_labels(paths: Iterable[str | Path]) -> list[Path]:
    """The files of labels at stakes among those named or lying in named folders.

    Raises:
        RecordError: see `find_files`.
    """
    return [path for path in find_files(paths) if ".jsonl" in path.name and _is_stakes_labelled(path)]


def _is_stakes_labelled(path: Path) -> bool:
    try:
        with open_unpacked(path) as file:
            record = stakes_record(file.readline(_LONGEST))
    except DAMAGE:
        return False
    return record is not None and ("candidates" in record or "equities" in record)


def read_stakes_labels(paths: Iterable[Path]) -> StakesReading:
    """Every usable label of the files.

    Raises:
        DataError: no line can be used; the first problems are told.
    """
    reading = StakesReading()
    for path in paths:
        number = 0
        try:
            with open_unpacked(path) as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        _take_in(text, f"{path.name}, line {number}", reading)
        except DAMAGE as error:
            reading.reject(f"{path.name}: cannot be read beyond line {number} ({error})")
    if not reading.labels:
        raise DataError("\n  ".join(["no label at a score and cube can be read", *reading.problems]))
    return reading


def _take_in(text: bytes, place: str, reading: StakesReading) -> None:
    record = stakes_record(text)
    if record is None:
        reading.reject(f'{place}: no JSON object with "xgid", as the others have')
        return
    try:
        reading.labels.append(parse_stakes_label(record, place))
    except PairgammonError as error:
        reading.reject(f"{place}: {error}")


def parse_stakes_label(record: dict[str, Any], place: str) -> StakesLabel:
    """The label of an object; `place` names it where it stands for itself.

    Raises:
        PairgammonError: what is wrong with it.
    """
    line = parse_stakes_line(record)
    is_match_of_file = line.stakes.is_match and "file" in record  # its games are not independent
    names = [str(record[key]) for key in (("file",) if is_match_of_file else ("file", "game")) if key in record]
    unit = "/".join(names) or place
    if line.roll is None:
        return StakesLabel(line, unit, "", {}, _verdict(line, record.get("equities")))
    candidates = record.get("candidates")
    if not isinstance(candidates, list) or not candidates:
        raise DataError('"candidates" must be a list of {"id": ..., "equity": ...}, best first')
    values: dict[str, float] = {}
    for entry in candidates:
        if not (isinstance(entry, dict) and isinstance(entry.get("id"), str) and _is_number(entry.get("equity"))):
            raise DataError('a candidate must be {"id": Position ID after the play, "equity": EMG, ...}')
        if entry["id"] in values:
            raise DataError(f"{entry['id']}: a candidate comes twice")
        values[entry["id"]] = float(entry["equity"])
    anchor = record.get("anchor", "")
    if anchor and anchor not in values:
        raise DataError(f'"anchor" {quote(str(anchor))}: what another engine chose must be among the candidates')
    return StakesLabel(line, unit, candidates[0]["id"], values, None, anchor)


def _verdict(line: StakesLine, equities: Any) -> CubeVerdict:
    if not isinstance(equities, list) or len(equities) != 3 or not all(map(_is_number, equities)):
        raise DataError('"equities" must be three numbers: no double, double and take, double and pass')
    no_double, double_take, double_pass = map(float, equities)
    return CubeVerdict(line.stakes, no_double, double_take, double_pass)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
