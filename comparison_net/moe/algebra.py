"""One algebra for every router: tokens go out to the experts' slots and come back as weighted sums.

Axis legend: G groups, m tokens of a group, n experts, c slots of an expert (its capacity), d width of a token, K
experts that a token asks for.

    inputs[g, e, s]  = sum over i of D[g, i, e, s] * tokens[g, i]          dispatch
    outputs[g, e, s] = expert_e(inputs[g, e, s])
    result[g, i]     = sum over e, s of B[g, i, e, s] * outputs[g, e, s]   combine

In a sparse routing D holds 0 and 1, at most one token in a slot and at most one slot of an expert for a token, and
B = D * gate: it is kept as the slot number and the gate of every (token, expert), from which D and B are made on
demand. The same sum without any slot is `sum over e of gates[g, i, e] * expert_e(tokens[g, i])`, and small experts are
computed that way. In a soft routing D and B are dense.

Formulation after Liu et al., Routers in Vision Mixture of Experts (arXiv 2401.15969).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from comparison_net.addresses import load_part
from comparison_net.comparator import Metrics
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import Float32s


@dataclass(frozen=True, eq=False)
class SparseRouting:
    """Every (token, expert) with the slot it got.

    Attributes:
        slots: int64[G, m, n], 0..c-1, or -1 where the expert does not take the token.
        gates: float32[G, m, n], weight of the expert in the token's result; 0 where it does not take the token.
        capacity: c.
        metrics: load, dropped share, entropy.
    """

    slots: Tensor
    gates: Tensor
    capacity: int
    metrics: Metrics

    @property
    def dispatch(self) -> Tensor:
        """D float32[G, m, n, c]."""
        places = torch.arange(self.capacity, device=self.slots.device)
        return (self.slots[..., None] == places).to(self.gates.dtype)

    @property
    def combine(self) -> Tensor:
        """B float32[G, m, n, c]."""
        return self.dispatch * self.gates[..., None]


@dataclass(frozen=True, eq=False)
class SoftRouting:
    """Dense dispatch and combine.

    Attributes:
        dispatch: D float32[G, m, n, c].
        combine: B float32[G, m, n, c].
        metrics: load from the combine weights; nothing is dropped.
    """

    dispatch: Tensor
    combine: Tensor
    metrics: Metrics


def send(tokens: Tensor, dispatch: Tensor) -> Tensor:
    """Inputs of the slots, float32[G, n, c, d], from tokens float32[G, m, d] and D."""
    groups, m, n, c = dispatch.shape
    inputs = dispatch.reshape(groups, m, n * c).transpose(1, 2) @ tokens
    return inputs.reshape(groups, n, c, -1)


def gather(outputs: Tensor, combine: Tensor) -> Tensor:
    """Results of the tokens, float32[G, m, d], from outputs of the slots float32[G, n, c, d] and B."""
    groups, m, n, c = combine.shape
    return combine.reshape(groups, m, n * c) @ outputs.reshape(groups, n * c, -1)


def measure(gates: Tensor, probabilities: Tensor, is_taken: Tensor) -> Metrics:
    """Metrics of a sparse routing.

    Args:
        gates: float32[G, m, n], only their shape counts.
        probabilities: float32[G, m, n], gate distribution of every token, rows sum to 1.
        is_taken: bool[G, m, n].
    """
    with torch.no_grad():
        counts = is_taken.sum((0, 1)).to(gates.dtype)
        load = counts / counts.sum().clamp_min(1)
        dropped = (~is_taken.any(2)).to(gates.dtype).sum() / max(1, is_taken.shape[0] * is_taken.shape[1])
        return Metrics(load, dropped, entropy(probabilities))


def entropy(probabilities: Tensor) -> Tensor:
    """Mean entropy, in nats, of distributions along the last axis."""
    with torch.no_grad():
        total: Tensor = torch.special.entr(probabilities).sum()
        return total / max(1, probabilities[..., 0].numel())


def renormalised(gates: Tensor) -> Tensor:
    """Gates float32[..., n] divided by their sum over the experts that took the token; one taken by none keeps zeros.

    A gate that stands alone becomes p / p = 1, from which nothing can be learnt: its gradient is then that of p itself
    (straight through), so that the router hears whether its choice was good.
    """
    totals = gates.sum(-1, keepdim=True)
    shares = torch.where(totals > 0, gates / totals.clamp_min(torch.finfo(gates.dtype).tiny), gates)
    is_alone = (gates > 0).sum(-1, keepdim=True) == 1
    return shares + torch.where(is_alone, gates - gates.detach(), torch.zeros_like(gates))


def numbers(tensor: Tensor) -> Float32s:
    """A tensor's numbers for a selection: float32 on the CPU, whatever it was, without its gradient."""
    found: Float32s = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    return found


class Router(Protocol):
    """A sparse router, as one from outside the package is written."""

    def __call__(self, logits: Tensor, config: NetworkConfig, noise: Tensor | None) -> SparseRouting:
        """The routing of logits float[G, m, n]; `noise` of the same shape in training, None at play time."""


def load_router(address: str) -> Router:
    """The router that "module:name" names."""
    router: Router = load_part(address, "network.head")
    return router
