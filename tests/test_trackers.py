"""What keeps the course of a run: a table that goes on with the run, and TensorBoard's scalars."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from comparison_net.config import load_config
from comparison_net.encoders import FeatureEncoder
from comparison_net.tools import ConfigError, DataError
from comparison_net.training.choice_source import ChoiceSource
from comparison_net.training.loop import fit
from comparison_net.training.progress import EpochReport, StepReport
from comparison_net.training.trackers import CsvReporter, Several, TensorBoardReporter, make_trackers
from tests.choice_makers import made_choices


class Writer:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float, int]] = []
        self.is_closed = False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.told.append((name, value, step))

    def close(self) -> None:
        self.is_closed = True


def test_a_run_is_told_to_all_of_them(tmp_path: Path) -> None:
    writer = Writer()
    reporter = Several([CsvReporter(tmp_path / "epochs.csv"), TensorBoardReporter(tmp_path, writer)])
    config = load_config(overrides=["network.hidden=[4]", "epochs=3", "batch_decisions=10", "held_out=0.3"])
    state = fit(ChoiceSource(made_choices(200, seed=1)), FeatureEncoder(3), config, reporter)
    rows = list(csv.DictReader((tmp_path / "epochs.csv").read_text().splitlines()))
    history = state.progress.history
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["agreement"]) for row in rows] == [entry["agreement"] for entry in history]
    assert [float(row["loss"]) for row in rows] == [entry["loss"] for entry in history]
    assert [value for name, value, _ in writer.told if name == "held_out/agreement"] == [
        entry["agreement"] for entry in history
    ]
    steps = [step for name, _, step in writer.told if name == "train/loss"]
    assert steps == list(range(20, state.progress.step + 1, 20))
    assert writer.is_closed


def test_a_table_goes_on_and_does_not_mix_columns(tmp_path: Path) -> None:
    path = tmp_path / "epochs.csv"
    for number in range(2):  # interrupted, gone on with
        reporter = CsvReporter(path)
        reporter.start(10, 0, 5, 5)
        reporter.epoch(EpochReport(number, 1.0, {"agreement": 0.5}, True, 1.0))
    assert [row["epoch"] for row in csv.DictReader(path.read_text().splitlines())] == ["1", "2"]
    with pytest.raises(DataError, match=r"epochs\.csv: has the columns run, epoch, .* move it away"):
        reporter.epoch(EpochReport(2, 1.0, {"value_loss": 0.5}, True, 1.0))


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b'"' + b"x" * 200_000 + b"\n"], ids=["no text", "long field"])
def test_a_file_that_is_no_table_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "epochs.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"epochs\.csv: is no table .* move it away"):
        CsvReporter(path).epoch(EpochReport(0, 1.0, {"agreement": 0.5}, True, 1.0))
    assert path.read_bytes() == content


def test_what_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"TensorBoard's package is missing; install it: pip install .*\[track\]"):
        make_trackers(["tensorboard"], tmp_path)
    with pytest.raises(ConfigError, match="tracker 'paper': choose csv, tensorboard"):
        make_trackers(["paper"], tmp_path)


def test_steps_are_few_enough_for_a_browser() -> None:
    writer: Any = Writer()
    reporter = TensorBoardReporter(Path(), writer)
    for step in range(1, 101):
        reporter.step(StepReport(0, step, 1.0, 100.0))
    assert len(writer.told) == 2 * 5
