"""Small nets that know nothing, but are always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.tools.arrays import Float32s
from comparison_net.checkpoint import save_model
from comparison_net.network_config import NetworkConfig


def random_weights(network: NetworkConfig, seed: int = 0, scale: float = 0.3) -> dict[str, Float32s]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in weight_shapes(network).items()}


def write_random_net(path: Path, network: NetworkConfig, seed: int = 0, scale: float = 0.3) -> Path:
    save_model(path, make_model(network, random_weights(network, seed, scale), "none", {}))
    return path
