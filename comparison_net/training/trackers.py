"""Reporters that keep the course of a run for other programs: a table in CSV, TensorBoard's files, several at once."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison_net.config import TRACKERS
from comparison_net.tools import ConfigError, DataError
from comparison_net.training.progress import EpochReport, Reporter, SilentReporter, StepReport

STEP_SHARE = 20
"""TensorBoard hears of every so manieth step."""


class CsvReporter(SilentReporter):
    """A line for each epoch: number of the run, epoch from 1, loss, seconds of training, then the held-out figures.

    Lines are added to a file that is there, so a run that is gone on with keeps its table.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is written before the first epoch ends."""
        self.path = path
        self._run = 0

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:  # noqa: ARG002
        """A run begins: the first, or the next of a sweep."""
        self._run += 1

    def epoch(self, report: EpochReport) -> None:
        """A line.

        Raises:
            DataError: the file has other columns.
            OSError: it cannot be written.
        """
        figures = dict(numbers_of(report.figures))
        row = {"run": self._run, "epoch": report.epoch + 1, "loss": report.loss, "is_best": int(report.is_best)}
        row |= {"train_seconds": round(report.train_seconds, 3), **figures}
        has_head = self.path.exists() and self.path.stat().st_size > 0
        if has_head:
            try:
                with self.path.open(newline="", encoding="utf-8") as file:
                    head = next(csv.reader(file))
            except (UnicodeDecodeError, csv.Error) as error:
                raise DataError(f"{self.path}: is no table ({error}); move it away") from error
            if head != list(row):
                raise DataError(f"{self.path}: has the columns {', '.join(head)}, not those of this run; move it away")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if not has_head:
                writer.writeheader()
            writer.writerow(row)


class TensorBoardReporter(SilentReporter):
    """Scalars for `tensorboard --logdir FOLDER`: loss and rate while it learns, the held-out figures of each epoch."""

    def __init__(self, folder: Path, writer: Any = None) -> None:
        """Files appear in `folder`; `writer` has `add_scalar` and `close`, None for TensorBoard's own.

        Raises:
            ConfigError: the package is missing.
        """
        if writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise ConfigError(
                    "TensorBoard's package is missing; install it: pip install 'pairgammon[track]'"
                ) from error
            writer = SummaryWriter(str(folder))
        self._writer = writer
        self._step = 0

    def step(self, report: StepReport) -> None:
        """Now and then."""
        self._step = report.step
        if report.step % STEP_SHARE == 0:
            self._writer.add_scalar("train/loss", report.loss, report.step)
            self._writer.add_scalar("train/decisions_per_second", report.decisions_per_second, report.step)

    def epoch(self, report: EpochReport) -> None:
        """The held-out figures, at the step that the epoch ended with."""
        self._writer.add_scalar("train/epoch_loss", report.loss, self._step)
        for name, value in numbers_of(report.figures):
            self._writer.add_scalar(f"held_out/{name}", value, self._step)

    def stop(self) -> None:
        """Write what is left."""
        self._writer.close()


class Several:
    """Reporters that hear the same."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        """In the order in which they hear it."""
        self._reporters = tuple(reporters)

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        """See `Reporter`."""
        for reporter in self._reporters:
            reporter.start(total_steps, done_steps, train, held_out)

    def step(self, report: StepReport) -> None:
        """See `Reporter`."""
        for reporter in self._reporters:
            reporter.step(report)

    def epoch(self, report: EpochReport) -> None:
        """See `Reporter`."""
        for reporter in self._reporters:
            reporter.epoch(report)

    def stop(self) -> None:
        """See `Reporter`."""
        for reporter in self._reporters:
            reporter.stop()

    def end(self, summary: Mapping[str, Any]) -> None:
        """See `Reporter`."""
        for reporter in self._reporters:
            reporter.end(summary)


def make_trackers(names: Sequence[str], folder: Path) -> list[Reporter]:
    """Reporters by name, see TRACKERS: `folder`/epochs.csv, `folder`/tensorboard.

    Raises:
        ConfigError: another name, or a package that is missing.
    """
    made: list[Reporter] = []
    for name in names:
        if name not in TRACKERS:
            raise ConfigError(f"tracker {name!r}: choose {', '.join(TRACKERS)}")
        own: Reporter = (
            CsvReporter(folder / "epochs.csv") if name == "csv" else TensorBoardReporter(folder / "tensorboard")
        )
        made.append(own)
    return made


def numbers_of(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The figures that are one number, by name; those of strata as shares.

    >>> list(numbers_of({"agreement": 0.5, "by_stratum": {"all": [1, 2]}, "value_loss": None}))
    [('agreement', 0.5), ('by_stratum/all', 0.5)]
    """
    for name, value in figures.items():
        if isinstance(value, (int, float)):
            yield name, float(value)
        elif isinstance(value, Mapping):
            for part, (hits, total) in value.items():
                yield f"{name}/{part}", hits / total if total else float("nan")
