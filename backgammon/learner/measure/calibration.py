"""Are a model's chances right? Its chances of a win, a gammon won and a gammon lost against labels or results.

Axis legend: K cases.

Of labelled decisions with chances every judged candidate is a case, compared with the label; of match logs every
position after a play, compared with how the game ended (dropped and unfinished games are left out). Games that are over
are no cases.

First the equity: bias and standard deviation of its error in points, over all cases. Look-ahead compares positions of
different decisions, so it needs this level to be right, which agreement does not show. Then for each of the three
events: Brier score (mean squared difference; 0 is perfect), log loss (for labels it cannot be less than their own
uncertainty, printed as "floor"), and a table of ten equal classes of the predicted chance with the
mean of what was predicted and of what was observed. The picture shows these tables; the closer to the diagonal, the
better calibrated. Intervals are 95 %, games being the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import cumulative
from backgammon.records import find_labels, read_labels, read_logs
from backgammon.tools.arrays import Boards, Float64s, Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.intervals import Estimate, estimate_mean
from backgammon.tools.quoting import page_text

EVENTS: dict[str, int] = {"win": 0, "gammon won": 1, "gammon lost": 3}
"""The events and their place among the five cumulative chances."""
NUM_CLASSES = 10
_FIVE_POINTS = np.array([2.0, 1.0, 1.0, -1.0, -1.0])
"""What the five cumulative chances are worth in equity, but for a constant."""

PANEL, GAP, TOP, LEFT = 220, 48, 70, 52
"""Pixels of the picture: side of a diagram, space between two, margins."""
COLOUR = "#1b6e5a"


class Cases(NamedTuple):
    """What is predicted and what came of it.

    Attributes:
        boards: int8[K, 26], after a play, seen by the player who made it.
        observed: float64[K, 5], cumulative: chances of the label, or 0 and 1 by the result.
        units: int64[K], game of each case.
        kind: "labels" or "results".
    """

    boards: Boards
    observed: Float64s
    units: Int64s
    kind: str


@dataclass(frozen=True)
class ReliabilityRow:
    """Cases whose predicted chance lies in one class."""

    cases: int
    predicted: float
    """Mean."""
    observed: Estimate


@dataclass(frozen=True)
class Calibration:
    """How good the predictions of one event are.

    Attributes:
        event: its name.
        predicted: mean prediction.
        observed: mean of what was observed.
        brier: mean squared difference.
        log_loss: mean cross-entropy, natural logarithm.
        floor: what the log loss of a perfect prediction would be; 0 for results.
        error: mean distance of the classes' predictions from their observations, weighted by their cases.
        table: the classes that hold cases, from low to high.
    """

    event: str
    predicted: float
    observed: float
    brier: Estimate
    log_loss: Estimate
    floor: float
    error: float
    table: tuple[ReliabilityRow, ...]


class Measured(NamedTuple):
    """Name of the model, the cases, bias and standard deviation of the equity's error in points, figures by event."""

    name: str
    cases: Cases
    bias: float
    spread: float
    calibrations: list[Calibration]

    @property
    def heading(self) -> str:
        """What was compared with what."""
        games = len(np.unique(self.cases.units))
        return f"{self.name}: {len(self.cases.boards):,} positions of {games:,} games against {self.cases.kind}"

    def describe(self) -> str:
        """All figures as text."""
        level = f"equity: bias {self.bias:+.4f}, standard deviation of the error {self.spread:.4f} points"
        return "\n\n".join([self.heading, level, *map(describe_calibration, self.calibrations)])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        counts = {"cases": len(self.cases.boards), "games": len(np.unique(self.cases.units))}
        equity = {"bias": self.bias, "standard_deviation": self.spread}
        events = {calibration.event: asdict(calibration) for calibration in self.calibrations}
        return {"model": self.name, "kind": self.cases.kind, **counts, "equity": equity, **events}


def read_cases(paths: Sequence[str]) -> Cases:
    """The cases in labelled files, or in logs where no file is labelled.

    Raises:
        DataError: no case at all.
        RecordError: a path that does not exist.
    """
    labelled = find_labels(paths)
    cases = _label_cases(labelled) if labelled else _result_cases(paths)
    if not len(cases.boards):
        raise DataError("no case to compare with: give labels with chances, or logs of games that were played out")
    return cases


def _label_cases(paths: list[Path]) -> Cases:
    """Every judged candidate."""
    found, _ = read_labels(paths)
    assert found.labels is not None
    decisions, chances = found.decisions, found.labels.chances
    is_case = ~np.isnan(chances[:, 0]) & (decisions.candidates > 0).any(axis=1)
    if not is_case.any():
        raise DataError(f"{paths[0]}: these labels hold equities but no chances")
    units = decisions.unit[decisions.owners][is_case]
    return Cases(decisions.candidates[is_case], chances[is_case].astype(np.float64), units, "labels")


def _result_cases(paths: Sequence[str]) -> Cases:
    """Every position after a play in games whose points are known."""
    boards, points, units = [np.zeros((0, 26), np.int8)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    numbers: dict[str, int] = {}
    for game in read_logs(paths):
        if game.points == 0:
            continue
        is_open = (game.plays.afters > 0).any(axis=1)
        boards.append(game.plays.afters[is_open])
        points.append(np.where(game.seats[is_open] == 0, game.points, -game.points).astype(np.int64))
        units.append(np.full(int(is_open.sum()), numbers.setdefault(game.unit, len(numbers))))
    won = np.concatenate(points)
    observed = np.stack([won > 0, won > 1, won > 2, won < -1, won < -2], axis=1).astype(np.float64)
    return Cases(np.concatenate(boards), observed, np.concatenate(units), "results")


def calibrate(event: str, predicted: Float64s, observed: Float64s, units: Int64s) -> Calibration:
    """Figures of one event.

    Args:
        event: its name.
        predicted: float64[K], chances.
        observed: float64[K], what they should be.
        units: int64[K], game of each case.
    """
    sure = np.clip(predicted, 1e-7, 1 - 1e-7)
    log_losses = -(observed * np.log(sure) + (1 - observed) * np.log(1 - sure))
    wanted = np.clip(observed, 1e-7, 1 - 1e-7)
    floors = -(observed * np.log(wanted) + (1 - observed) * np.log(1 - wanted))
    classes = np.minimum((predicted * NUM_CLASSES).astype(np.int64), NUM_CLASSES - 1)
    table = []
    for number in range(NUM_CLASSES):
        chosen = np.flatnonzero(classes == number)
        if len(chosen):
            seen = estimate_mean(observed[chosen], units[chosen])
            table.append(ReliabilityRow(len(chosen), float(predicted[chosen].mean()), seen))
    return Calibration(
        event=event,
        predicted=float(predicted.mean()),
        observed=float(observed.mean()),
        brier=estimate_mean((predicted - observed) ** 2, units),
        log_loss=estimate_mean(log_losses, units),
        floor=float(floors.mean()),
        error=sum(row.cases * abs(row.predicted - row.observed.value) for row in table) / len(predicted),
        table=tuple(table),
    )


def draw_calibration(calibrations: Sequence[Calibration], title: str) -> str:
    """Reliability diagrams side by side, an SVG: predicted to the right, observed upwards, bars the 95 % intervals."""
    width = LEFT + len(calibrations) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + PANEL + 60}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{TOP + PANEL + 60}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold" fill="#222222">{page_text(title)}</text>',
    ]
    for number, calibration in enumerate(calibrations):
        parts += _draw_panel(calibration, LEFT + number * (PANEL + GAP))
    return "\n".join([*parts, "</svg>", ""])


def _draw_panel(calibration: Calibration, left: int) -> list[str]:
    """One diagram: the circles' areas grow with the number of cases."""
    bottom = TOP + PANEL

    def at(share: float) -> str:
        return f"{left + PANEL * share:.1f}"

    def up(share: float) -> str:
        return f"{bottom - PANEL * share:.1f}"

    caption = f"{calibration.event}: Brier {calibration.brier.value:.4f}, error {calibration.error:.4f}"
    parts = [f'<text x="{left}" y="{TOP - 14}" fill="#222222">{page_text(caption)}</text>']
    for tenth in range(0, 11, 2):
        share = tenth / 10
        parts.append(f'<line x1="{left}" x2="{at(1)}" y1="{up(share)}" y2="{up(share)}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6}" y="{up(share - 0.02)}" text-anchor="end" fill="#555555">{share:.1f}</text>')
        parts.append(f'<text x="{at(share)}" y="{bottom + 16}" text-anchor="middle" fill="#555555">{share:.1f}</text>')
    parts.append(f'<line x1="{left}" y1="{bottom}" x2="{at(1)}" y2="{TOP}" stroke="#999999" stroke-dasharray="4 3"/>')
    largest = max(row.cases for row in calibration.table)
    for row in calibration.table:
        x, seen = at(row.predicted), row.observed
        if seen.low is not None and seen.high is not None:
            low, high = up(max(0.0, seen.low)), up(min(1.0, seen.high))
            parts.append(f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{COLOUR}"/>')
        radius = 2 + 4 * (row.cases / largest) ** 0.5
        parts.append(f'<circle cx="{x}" cy="{up(seen.value)}" r="{radius:.1f}" fill="{COLOUR}" fill-opacity="0.8"/>')
    parts.append(f'<text x="{at(1)}" y="{bottom + 36}" text-anchor="end" fill="#222222">predicted chance</text>')
    return parts


def describe_calibration(calibration: Calibration) -> str:
    """The figures of one event and its table, as text."""
    lines = [
        f"{calibration.event}: predicted {calibration.predicted:.4f}, observed {calibration.observed:.4f}, "
        f"Brier {calibration.brier.show(4)}, log loss {calibration.log_loss.show(4)} (floor {calibration.floor:.4f}), "
        f"calibration error {calibration.error:.4f}",
        "   cases  predicted  observed",
    ]
    lines += [f"{row.cases:8,d}     {row.predicted:.4f}    {row.observed.show(4)}" for row in calibration.table]
    return "\n".join(lines)


def measure_calibration(scorer: Evaluator, paths: Sequence[str]) -> Measured:
    """Everything about a judge on the cases of some files.

    Raises:
        PairgammonError: files that cannot be used, or a judge that gives no chances.
    """
    cases = read_cases(paths)
    found = cumulative(scorer.outcomes(cases.boards)).astype(np.float64)
    errors = (found - cases.observed) @ _FIVE_POINTS
    calibrations = [
        calibrate(event, found[:, place], cases.observed[:, place], cases.units) for event, place in EVENTS.items()
    ]
    return Measured(scorer.name, cases, float(errors.mean()), float(errors.std()), calibrations)
