"""Files of trained nets as the engine opens them: read by the learner, refused with the engine's own error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.tools.arrays import Float32s
from backgammon.tools.errors import ModelError
from comparison_net import checkpoint
from comparison_net.checkpoint import Model
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import LearnerError


def load_model(path: Path) -> Model:
    """Read and check a model: a file, or a run folder that holds one.

    Raises:
        ModelError: missing, foreign, damaged, of another format or feature version.
    """
    try:
        return checkpoint.load_model(path, BOARDS)
    except LearnerError as error:
        raise ModelError(str(error)) from error


def make_model(
    network: NetworkConfig, weights: Mapping[str, Float32s], data_fingerprint: str, summary: Mapping[str, Any]
) -> Model:
    """A net for positions with everything that travels with it, see `Model`."""
    return Model(network.for_domain(BOARDS), weights, data_fingerprint, summary, BOARDS.version)


def weight_shapes(network: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of a net for positions."""
    return checkpoint.weight_shapes(network, BOARDS)
