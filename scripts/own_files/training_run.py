"""The folder of a training that was interrupted: settings, log and state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.training.shard_training import train_on_shards
from comparison_net.config import TrainConfig, to_toml
from comparison_net.network_config import NetworkConfig
from comparison_net.training.loop import Interrupted
from comparison_net.training.progress import SilentReporter, StepReport
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import RunState
from scripts.own_files.kind import Kind, seal_container, seal_nothing
from scripts.own_files.shards import write_labelled
from scripts.own_files.tensors import are_numbers
from tests.board_nets import ENCODER

RUN = TrainConfig(
    NetworkConfig((16, 4), outcomes=True), loss="soft", epochs=3, batch_decisions=4, average_decay=0.9, held_out=0.2,
    threads=1,
)  # fmt: skip


class _Stop(SilentReporter):
    """Interrupts in the second epoch."""

    def step(self, report: StepReport) -> None:
        if report.epoch:
            raise Interrupted


def write_run(folder: Path) -> list[Path]:
    """The settings and the log of a training that was interrupted."""
    _begin_run(folder)
    return [folder / "run" / "config.toml", folder / "run" / "log.jsonl"]


def write_state(folder: Path) -> list[Path]:
    """Its state."""
    _begin_run(folder)
    return [folder / "run" / "state.safetensors"]


def _begin_run(folder: Path) -> None:
    write_labelled(folder)
    try:
        train_on_shards(open_shards(folder / "t"), RUN, folder / "run", reporter=_Stop())
    except Interrupted:
        return


def read_run(folder: Path) -> bytes:
    """What a training that goes on takes over of both."""
    run = RunFolder(folder / "run")
    text = to_toml(run.stored_config(BOARDS), BOARDS)
    run.rewind_log(1_000)
    return text.encode() + run.log.read_bytes()


def is_a_run(found: Any) -> bool:
    """Settings, then events."""
    return bytes(found).startswith(b"loss = ") or b"epochs = " in found


def read_state(folder: Path) -> Any:
    """Everything that decides how the training goes on."""
    state = RunState(RUN, ENCODER)
    state.load(folder / "run" / "state.safetensors", open_shards(folder / "t").manifest.fingerprint)
    moments = [moment.numpy() for entry in state.optimizer.state.values() for moment in entry.values()]
    progress = np.frombuffer(json.dumps(vars(state.progress)).encode(), np.uint8)
    return progress, *state.net.weights().values(), *state.average.weights().values(), *state.best.values(), *moments


def is_state(found: Any) -> bool:
    """Numbers, and an epoch that there can be."""
    progress = json.loads(found[0].tobytes())
    return are_numbers(found) and 0 <= progress["epoch"] == len(progress["history"])


KINDS = (
    Kind("run", write_run, read_run, seal_nothing, is_a_run, has_checksum=False),
    Kind("state", write_state, read_state, seal_container, is_state),
)
