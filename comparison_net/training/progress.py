"""Progress of a training run for people: a live bar on a terminal, plain lines elsewhere.

Rates are decisions per second of the optimiser loop; the time left counts everything, evaluations included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from comparison_net.domain import Domain
from comparison_net.moe.spread import Spread

_PLAIN_SECONDS = 10.0
"""Between two plain progress lines."""
_SMOOTHING = 0.05
"""Weight of the newest step in the displayed rate."""


@dataclass(frozen=True)
class StepReport:
    """After a step of the optimiser."""

    epoch: int
    step: int
    loss: float
    """Mean over the epoch so far."""
    decisions_per_second: float
    """Of this step alone."""
    spread: Spread | None = None
    """How a mixture's tokens were spread in this step; None for a dense network."""


@dataclass(frozen=True)
class EpochReport:
    """After an epoch and its evaluation."""

    epoch: int
    loss: float
    figures: Mapping[str, Any]
    """On the held-out decisions, see `Verdict.figures`; None for what cannot be said."""
    is_best: bool
    train_seconds: float


class Reporter(Protocol):
    """Hears of a run's progress, in this order: start, step and epoch many times, stop, end (unless interrupted)."""

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        """The run begins or goes on; numbers of decisions."""

    def step(self, report: StepReport) -> None:
        """A step is done; called thousands of times."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch is done and judged."""

    def stop(self) -> None:
        """No more steps, for whatever reason: clean up the terminal."""

    def end(self, summary: Mapping[str, Any]) -> None:
        """The run is complete."""


class SilentReporter:
    """Says nothing."""

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        """Nothing."""

    def step(self, report: StepReport) -> None:
        """Nothing."""

    def epoch(self, report: EpochReport) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def end(self, summary: Mapping[str, Any]) -> None:
        """Nothing."""


class PlainReporter:
    """Lines for logs and pipes."""

    def __init__(self, stream: TextIO, domain: Domain) -> None:
        """Lines go to `stream`; the domain names the figures."""
        self.stream = stream
        self.domain = domain
        self.total_steps = self.first_step = 0
        self.rate = 0.0
        self.began = self.last_line = 0.0

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        """One line with the sizes."""
        self.total_steps, self.first_step = total_steps, done_steps
        self.began = self.last_line = time.monotonic()
        resumed = f", resumed after step {done_steps:,}" if done_steps else ""
        self.say(f"training on {train:,} decisions, {held_out:,} held out, {total_steps:,} steps{resumed}")

    def step(self, report: StepReport) -> None:
        """A line now and then."""
        self.rate = smooth_rate(self.rate, report.decisions_per_second)
        now = time.monotonic()
        if now - self.last_line >= _PLAIN_SECONDS:
            self.last_line = now
            left = (now - self.began) / (report.step - self.first_step) * (self.total_steps - report.step)
            self.say(
                f"epoch {report.epoch + 1}  step {report.step:,}/{self.total_steps:,}  loss {report.loss:.4f}  "
                f"{self.rate:,.0f} decisions/s  {left:,.0f} s left{describe_spread(report.spread)}"
            )

    def epoch(self, report: EpochReport) -> None:
        """One line."""
        self.say(describe_epoch(report, self.domain))

    def stop(self) -> None:
        """Nothing to clean up."""

    def end(self, summary: Mapping[str, Any]) -> None:
        """One line with the outcome."""
        self.say(describe_end(summary, self.domain))

    def say(self, line: str) -> None:
        """Write a line and flush: a pipe would keep it back."""
        print(line, file=self.stream, flush=True)


class RichReporter:
    """A live bar with loss, rate and time left; a line for each epoch stays above it."""

    def __init__(self, stream: TextIO, domain: Domain) -> None:
        """The terminal is `stream`; the domain names the figures."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}  {task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self.task = self.bar.add_task("training", total=0, figures="")
        self.rate = 0.0
        self.domain = domain

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        """Show the bar."""
        self.bar.start()
        self.bar.console.print(f"training on {train:,} decisions, {held_out:,} held out", highlight=False)
        self.bar.update(self.task, total=total_steps, completed=done_steps)

    def step(self, report: StepReport) -> None:
        """Move the bar."""
        self.rate = smooth_rate(self.rate, report.decisions_per_second)
        figures = f"loss {report.loss:.4f}  {self.rate:,.0f} decisions/s{describe_spread(report.spread)}"
        self.bar.update(self.task, description=f"epoch {report.epoch + 1}", completed=report.step, figures=figures)

    def epoch(self, report: EpochReport) -> None:
        """A line above the bar."""
        self.bar.console.print(describe_epoch(report, self.domain), highlight=False)

    def stop(self) -> None:
        """Remove the bar."""
        self.bar.stop()

    def end(self, summary: Mapping[str, Any]) -> None:
        """A line with the outcome."""
        self.bar.console.print(describe_end(summary, self.domain), highlight=False)


def make_reporter(stream: TextIO, domain: Domain) -> Reporter:
    """A live bar when `stream` is a terminal, plain lines otherwise."""
    return RichReporter(stream, domain) if stream.isatty() else PlainReporter(stream, domain)


def smooth_rate(previous: float, newest: float) -> float:
    """A rate that a single slow step does not upset."""
    return newest if previous == 0 else previous + _SMOOTHING * (newest - previous)


def describe_epoch(report: EpochReport, domain: Domain) -> str:
    """An epoch in one line.

    >>> describe_epoch(EpochReport(0, 1.25, {"agreement": 0.5}, True, 3.0), Domain("", 1))
    'epoch 1 done  loss 1.2500  held-out agreement 0.5000 (best)  3 s of training'
    """
    figures = describe_figures(report.figures, domain)
    best = " (best)" if report.is_best else ""
    head = f"epoch {report.epoch + 1} done  loss {report.loss:.4f}"
    return f"{head}  {figures or 'nothing held out'}{best}  {report.train_seconds:,.0f} s of training"


def describe_spread(spread: Spread | None) -> str:
    """How a mixture's tokens are spread, for the end of a line; empty for a dense network."""
    return "" if spread is None else f"  {spread.describe()}"


def describe_figures(figures: Mapping[str, Any], domain: Domain) -> str:
    """The held-out figures that there are; empty without any.

    >>> describe_figures({"agreement": 0.75, "value_loss": 6.25, "outcome_brier": None}, Domain("", 1))
    'held-out agreement 0.7500, value loss 6.25'
    """
    parts = [] if figures.get("agreement") is None else [f"held-out agreement {figures['agreement']:.4f}"]
    loss, unit = figures.get(domain.value_loss), domain.value_unit[0]
    parts += [] if loss is None else [f"{domain.value} loss {loss:.2f} {unit}".rstrip()]
    log_loss, brier = figures.get("outcome_log_loss"), figures.get("outcome_brier")
    parts += [] if log_loss is None or brier is None else [f"outcomes: log loss {log_loss:.4f}, Brier {brier:.4f}"]
    return ", ".join(parts)


def describe_end(summary: Mapping[str, Any], domain: Domain) -> str:
    """The outcome in one line."""
    figures = describe_figures(summary, domain)
    judged = f"{figures}, " if figures else ""
    pipeline = summary["pipeline"]
    return (
        f"finished: {judged}best of {summary['epochs']} epochs is {summary['best_epoch'] + 1}; "
        f"{summary['train_seconds']:,.0f} s, {summary['decisions_per_second']:,.0f} decisions/s "
        f"({pipeline['streamed']:,.0f} streamed, {pipeline['preloaded']:,.0f} on batches in memory)"
    )
