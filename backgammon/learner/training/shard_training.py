"""A training run on shards: the learner's loop with what it has to be told of backgammon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backgammon.learner.data.comparisons import DecisionSource
from backgammon.learner.data.shards import Shards
from backgammon.learner.training.board_encoder import BoardEncoder
from comparison_net.addresses import is_address, load_part
from comparison_net.config import TrainConfig, load_config
from comparison_net.encoders import Encoder
from comparison_net.tools import ConfigError
from comparison_net.training.loop import train
from comparison_net.training.progress import Reporter
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.sweep import sweep


def make_encoder(inputs: str) -> Encoder:
    """The encoder that `network.inputs` names: that of the boards, or one from outside the package.

    Raises:
        ConfigError: "module:name" is no encoder that can be made.
    """
    if not is_address(inputs):
        return BoardEncoder()
    part = load_part(inputs, "network.inputs")
    if not (isinstance(part, type) and issubclass(part, Encoder)):
        raise ConfigError(f"network.inputs {inputs!r}: is no encoder; derive it from comparison_net.encoders.Encoder")
    return part()


def train_on_shards(
    shards: Shards, config: TrainConfig | None, run: Path, resume: bool = False, reporter: Reporter | None = None
) -> dict[str, Any]:
    """The summary of a run; arguments and errors as for `comparison_net.training.loop.train`."""
    inputs = "" if config is None else config.network.inputs
    if config is None and resume:
        inputs = load_config(RunFolder(run).config).network.inputs if RunFolder(run).is_started else ""
    return train(DecisionSource(shards), make_encoder(inputs), config, run, resume, reporter)


def sweep_shards(
    shards: Shards, config: TrainConfig, folder: Path, seeds: Sequence[int], reporter: Reporter | None = None
) -> list[dict[str, Any]]:
    """Summaries of a run for each seed; arguments and errors as for `comparison_net.training.sweep.sweep`."""
    return sweep(DecisionSource(shards), make_encoder(config.network.inputs), config, seeds, folder, reporter)
