"""A training run on shards: the learner's loop with what it has to be told of backgammon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backgammon.learner.data.comparisons import DecisionSource
from backgammon.learner.data.shards import Shards
from backgammon.learner.training.board_encoder import BoardEncoder
from comparison_net.config import TrainConfig
from comparison_net.training.loop import train
from comparison_net.training.progress import Reporter


def train_on_shards(
    shards: Shards, config: TrainConfig | None, run: Path, resume: bool = False, reporter: Reporter | None = None
) -> dict[str, Any]:
    """The summary of a run; arguments and errors as for `comparison_net.training.loop.train`."""
    return train(DecisionSource(shards), BoardEncoder(), config, run, resume, reporter)
