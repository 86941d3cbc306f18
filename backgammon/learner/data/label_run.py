"""A labelling of many decisions that can be interrupted: parts named by their content, joined when all are there.

The parts of FILE lie in the folder FILE.parts beside it. A part holds the labels of some consecutive lines; its name is
the SHA-256 of these lines and of the judge, and its first line is the SHA-256 of the rest. FILE appears when the last
part is done, and the folder goes.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from backgammon.learner.data.labelling import label_decisions
from backgammon.learner.data.line_ranking import NumberedLine, read_decisions
from backgammon.search import Ranker
from backgammon.tools.errors import DataError, PairgammonError
from backgammon.tools.storage import replace_file

PART_SIZE = 512
"""Decisions of a part by search: a few seconds at 2-ply."""
ROLLOUT_PART_SIZE = 16
"""The same for rollouts, whose own work units are kept as well."""

Notice = Callable[[str], None]


class LabelRun:
    """Labels decisions into a file."""

    def __init__(self, ranker: Ranker, part_size: int = PART_SIZE, skip: Notice | None = None) -> None:
        """Set up.

        Args:
            ranker: makes the labels.
            part_size: decisions of a part; changes how much an interruption costs, and nothing else in the result.
            skip: called with a message for each line that cannot be used; None stops at the first.
        """
        self._ranker = ranker
        self._part_size = part_size
        self._skip = skip

    def labels(self, lines: Iterable[NumberedLine]) -> Iterator[bytes]:
        """The labels of the lines, part by part, nothing kept."""
        for part in _parts(lines, self._part_size):
            yield self._label(part)

    def write(self, lines: Iterable[NumberedLine], out: Path, progress: Callable[[int], None] | None = None) -> int:
        """Write the labels of the lines to `out`, packed if its name ends in .xz.

        Args:
            lines: decisions as `rank` reads them.
            out: replaced if it is there.
            progress: called with the number of lines done so far.

        Returns:
            The number of labelled decisions.

        Raises:
            NotationError: a line that cannot be used, and nothing to be done with it.
            DataError: a kept part is damaged.
            OSError: the folder cannot be written.
        """
        folder = parts_folder(out)
        folder.mkdir(parents=True, exist_ok=True)
        paths: list[Path] = []
        done = 0
        for part in _parts(lines, self._part_size):
            path = folder / f"{self._name(part)}.jsonl"
            if not path.exists():
                content = self._label(part)
                replace_file(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            paths.append(path)
            done += len(part)
            if progress is not None:
                progress(done)
        content = b"".join(map(_read_part, paths))
        replace_file(out, lzma.compress(content, preset=9) if out.suffix == ".xz" else content)
        shutil.rmtree(folder)
        return content.count(b"\n")

    def _name(self, part: list[NumberedLine]) -> str:
        digest = hashlib.sha256(self._ranker.identity.encode())
        for _, text in part:
            digest.update(b"\n" + text)
        return digest.hexdigest()

    def _label(self, part: list[NumberedLine]) -> bytes:
        """Labels of the lines that can be used.

        Raises:
            NotationError: a line that cannot be used, and `skip` is None.
        """
        decisions, boards, problems = read_decisions(part)
        for place, problem in sorted(problems.items()):
            message = f"line {part[place][0]}: {problem}"
            if self._skip is None:
                raise type(problem)(message) if isinstance(problem, PairgammonError) else DataError(message)
            self._skip(message)
        return b"".join(label_decisions(self._ranker, [line for _, line in decisions], boards))


def parts_folder(out: Path) -> Path:
    """Where the parts of `out` lie until it is done."""
    return out.with_name(f"{out.name}.parts")


def _parts(lines: Iterable[NumberedLine], size: int) -> Iterator[list[NumberedLine]]:
    source = iter(lines)
    while part := list(islice(source, size)):
        yield part


def _read_part(path: Path) -> bytes:
    digest, _, content = path.read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise DataError(f"{path}: damaged, its checksum does not match; delete it and run again")
    return content
