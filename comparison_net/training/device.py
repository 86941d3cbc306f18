"""Where a net is trained and in which numbers: whether this machine has the device, and products in bfloat16."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from comparison_net.config import TrainConfig
from comparison_net.tools import ConfigError


def check_device(name: str) -> None:
    """Refuse a device (cpu, cuda or mps) that this machine does not have, before any work is done.

    Raises:
        ConfigError: with what is missing.
    """
    has_it = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[name]
    if not has_it:
        raise ConfigError(
            f"device = {name!r}: this machine has none that torch {torch.__version__} can use; set device=cpu"
        )
    if name == "cuda":  # read when the first product is made; without it those have no fixed order
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def products(config: TrainConfig) -> AbstractContextManager[Any]:
    """Within it matrix products are computed as the settings say; sums inside them are float32 in any case."""
    if config.precision == "float32":
        return nullcontext()
    return torch.autocast(config.device, torch.bfloat16)
