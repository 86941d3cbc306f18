"""Sparse upcycling (Komatsuzaki et al., ICLR 2023): a trained dense net becomes the start of every expert.

E experts. What the dense net has is copied, to every expert where the mixture has an expert axis; the router is fresh;
what only the mixture has besides (offsets of the experts' scores, the skip) starts at 0. So the mixture says at step 0
what the dense net said wherever an item's combine weights sum to 1: always for a hard split, and for
learned gates with `renormalise` unless a token is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from comparison_net.tools import ModelError

Weights = Mapping[str, npt.NDArray[np.float32]]
_ZERO = ("experts.score.bias", "skip.weight", "decision.weight")


def upcycle(net: nn.Module, dense: Weights) -> None:
    """Copy a dense net into a fresh mixture over items, or one over their tokens with one expert into one with more.

    Args:
        net: the mixture, of the same layer widths; its gate stays as it is.
        dense: weights by name, as a model file holds them.

    Raises:
        ModelError: a width differs, or the dense net lacks a head that the mixture has.
    """
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name in _ZERO:
                parameter.zero_()
            elif not is_router(name):
                parameter.copy_(_expanded(name, dense, parameter.shape))


def upcycle_moments(net: nn.Module, optimizer: torch.optim.Optimizer, dense: Mapping[str, Weights]) -> None:
    """Copy the moments of a dense optimiser in the same way; the router and what started at 0 have none.

    Args:
        net: the mixture.
        optimizer: AdamW on its parameters, fresh.
        dense: "step", "exp_avg" and "exp_avg_sq", each by the names of the dense parameters.

    Raises:
        ModelError: as for `upcycle`.
    """
    for name, parameter in net.named_parameters():
        if is_router(name) or name in _ZERO:
            continue
        state: dict[str, Any] = {
            key: _expanded(name, dense[key], parameter.shape).clone() for key in ("exp_avg", "exp_avg_sq")
        }
        state["step"] = torch.tensor(float(np.ravel(next(iter(dense["step"].values())))[0]))
        optimizer.state[parameter] = state


def is_router(name: str) -> bool:
    """True for the parameters of a gate."""
    return "gate" in name.split(".")


def dense_name(name: str) -> str:
    """The parameter of a dense net that stands where this one of a mixture over items does.

    >>> dense_name("experts.layers.0.weight"), dense_name("experts.score.weight"), dense_name("trunk.layers.0.bias")
    ('trunk.layers.1.weight', 'head.score.weight', 'trunk.layers.0.bias')
    """
    parts = name.split(".")
    if parts[0] != "experts":
        return name
    if parts[1] == "layers":
        return ".".join(["trunk", "layers", str(int(parts[2]) + 1), parts[3]])
    return ".".join(["head", *parts[1:]])


def _expanded(name: str, dense: Weights, shape: torch.Size) -> Tensor:
    """The dense tensor, repeated along a new or single expert axis if that is what differs."""
    source = dense.get(name)
    if source is None:
        source = dense.get(dense_name(name))
    if source is None:
        raise ModelError(f"upcycling: the dense net has no {dense_name(name)!r}; train it with the same heads")
    tensor = torch.from_numpy(np.array(source))
    if tensor.ndim + 1 == len(shape) or (name == "experts.score.weight" and tensor.ndim == 1):
        tensor = tensor[None]
    if tensor.shape[1:] != shape[1:] or tensor.shape[0] not in (1, shape[0]):
        raise ModelError(
            f"upcycling: {dense_name(name)!r} is {list(tensor.shape)}, the mixture needs {list(shape)}; "
            "give the mixture the dense net's widths"
        )
    return tensor.expand(shape)
