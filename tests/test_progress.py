"""What people see of a training run."""

from __future__ import annotations

import io
from typing import Any

import pytest

from backgammon.learner.inputs.board_domain import BOARDS
from comparison_net.training import progress
from comparison_net.training.progress import (
    EpochReport,
    PlainReporter,
    Reporter,
    RichReporter,
    StepReport,
    make_reporter,
)

SUMMARY: dict[str, Any] = {
    "agreement": 0.7123,
    "best_epoch": 1,
    "epochs": 2,
    "train_seconds": 33.3,
    "decisions_per_second": 12345.6,
    "pipeline": {"streamed": 11000.0, "preloaded": 12000.0},
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(reporter: Reporter) -> None:
    """A short run."""
    reporter.start(100, 50, 40_000, 4_000)
    reporter.step(StepReport(1, 51, 1.25, 9000.0))
    reporter.step(StepReport(1, 52, 1.24, 9000.0))
    reporter.epoch(EpochReport(1, 1.2, {"agreement": 0.7123, "equity_loss": None}, True, 30.0))
    reporter.epoch(EpochReport(2, 1.2, {}, False, 30.0))
    reporter.stop()
    reporter.end(SUMMARY)


def test_pipes_get_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PLAIN_SECONDS", 0.0)
    stream = io.StringIO()
    reporter = make_reporter(stream, BOARDS)
    assert isinstance(reporter, PlainReporter)
    tell(reporter)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "training on 40,000 decisions, 4,000 held out, 100 steps, resumed after step 50"
    assert lines[1].startswith("epoch 2  step 51/100  loss 1.2500  9,000 decisions/s")
    assert lines[3] == "epoch 2 done  loss 1.2000  held-out agreement 0.7123 (best)  30 s of training"
    assert "nothing held out" in lines[4]
    assert lines[5].startswith("finished: held-out agreement 0.7123, best of 2 epochs is 2; 33 s, 12,346 decisions/s")
    assert len(lines) == 6


def test_plain_lines_come_now_and_then() -> None:
    stream = io.StringIO()
    tell(PlainReporter(stream, BOARDS))
    assert "step 51" not in stream.getvalue()


def test_a_terminal_gets_a_live_bar() -> None:
    stream = Terminal()
    reporter = make_reporter(stream, BOARDS)
    assert isinstance(reporter, RichReporter)
    tell(reporter)
    text = stream.getvalue()
    assert "training on 40,000 decisions" in text
    assert "held-out agreement 0.7123 (best)" in text
    assert "12,000 on batches in memory" in text


def test_one_slow_step_does_not_upset_the_rate() -> None:
    assert progress.smooth_rate(0.0, 500.0) == 500.0
    assert progress.smooth_rate(1000.0, 100.0) == pytest.approx(955.0)
