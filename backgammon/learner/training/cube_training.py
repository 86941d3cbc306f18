"""Teaches the net of `cube.cube_net` by comparison: the alternatives of a cube decision are a choice set like others.

Axis legend: N decisions, B of a batch, 2 states of the cube: no double, and double/take; 2 alternatives of a choice.

A decision makes two choices: to roll on or to double (the opponent answering best), and to take or to pass. What an
alternative is worth comes from the chances of the position, the live and the dead value of its state, and the
efficiency between them that the net gives. The label is what a deeper look-ahead thinks each alternative is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backgammon.cube.cube_net import MOST_APART, NUM_CHANCES, NUM_PLACES, NUM_STAKES, WIDTH, CubeNet, fill_units
from backgammon.cube.efficiency import SHALLOW, efficiencies
from backgammon.cube.stakes import OPPONENT, Stakes
from backgammon.cube.static import fill_lines
from backgammon.cube.valuation import Valuation
from backgammon.engine.at_stakes import group_by_stakes
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import Outcomes, swap_outcomes
from backgammon.rules.board import swap
from backgammon.tools.arrays import Boards, Float32s, Float64s
from comparison_net.losses import soft_loss

TEMPERATURE = 0.05
"""EMG that make an alternative e times likelier, in the net's choices and in the labels'."""
FARTHEST = 1.0
"""EMG between two alternatives that count at most."""


class CubeLessons(NamedTuple):
    """Decisions as the net learns from them.

    Attributes:
        units: float32[N, U], of positions.
        states: float32[N, 2, NUM_STAKES].
        dead: float32[N, 2], EMG at the cube before the decision.
        live: float32[N, 2], likewise.
        base: float32[N], the constant that the net moves away from.
        told: float32[N, 2], what the labels say of both, EMG.
    """

    units: Float32s
    states: Float32s
    dead: Float32s
    live: Float32s
    base: Float32s
    told: Float32s


@dataclass(frozen=True)
class CubeTraining:
    """How to learn.

    Attributes:
        seed: of the weights and the order.
        passes: over all decisions.
        batch: B.
        rate: of AdamW, falling to 0 along half a cosine.
        decay: of the weights.
        width: hidden units.
    """

    seed: int = 1
    passes: int = 16
    batch: int = 256
    rate: float = 2e-3
    decay: float = 1e-2
    width: int = WIDTH


def make_lessons(
    boards: Boards, stakes: Sequence[Stakes], told: Float64s, chances: Outcomes, source: Evaluator
) -> CubeLessons:
    """Lessons of cube decisions.

    Live and dead values follow from the chances that the deeper look-ahead sees: with those of the net that judges
    positions, the efficiency would learn to make good for its errors, which is worth less on positions not seen
    (docs/experiments/look-ahead.md).

    Args:
        boards: int8[N, 26], the player on roll.
        stakes: of each; the rules allow the double.
        told: float64[N, 2], EMG of no double and double/take by a deeper look-ahead.
        chances: float32[N, 6] of the player on roll, by that look-ahead.
        source: judges the positions as it will when the net is asked.
    """
    afters = swap(boards)
    outcomes = swap_outcomes(source.outcomes(afters))
    units = np.empty((len(boards), NUM_PLACES + NUM_CHANCES), dtype=np.float32)
    fill_units(afters, outcomes, units)
    states = np.empty((len(boards), 2, NUM_STAKES), dtype=np.float32)
    lines = np.empty((len(boards), 2, 2))
    for common, rows in group_by_stakes(stakes):
        valuation = Valuation(common)
        for k, (cube, owner) in enumerate(((common.cube, common.owner), (2 * common.cube, OPPONENT))):
            values, read = np.empty((len(rows), 2)), np.empty((len(rows), NUM_STAKES), dtype=np.float32)
            fill_lines(valuation.terms, outcomes[rows], cube, owner, values, read)
            states[rows, k] = read
            fill_lines(valuation.terms, chances[rows], cube, owner, values, read)
            factor = 1.0 if common.is_match else float(k + 1)
            lines[rows, k] = valuation.emg(factor * values)
    base = efficiencies(afters, SHALLOW)
    dead, live = lines[:, :, 0], lines[:, :, 1]
    return CubeLessons(units, states, *(part.astype(np.float32) for part in (dead, live, base, told)))


class CubeTorchNet(torch.nn.Module):
    """`CubeNet` as torch learns it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.position = torch.nn.Linear(NUM_PLACES + NUM_CHANCES, width)
        self.stakes = torch.nn.Linear(NUM_STAKES, width, bias=False)
        self.last = torch.nn.Linear(width, 1, bias=False)
        torch.nn.init.normal_(self.position.weight, std=0.05)
        torch.nn.init.zeros_(self.last.weight)

    def forward(self, units: Tensor, states: Tensor) -> Tensor:
        """What is added to the efficiency in both states, float32[B, 2]."""
        hidden = torch.relu(self.position(units)[:, None] + self.stakes(states))
        return MOST_APART * torch.tanh(self.last(hidden).squeeze(2))

    def take(self, net: CubeNet) -> None:
        """Take over weights of the same width."""
        with torch.no_grad():
            for parameter, array in (
                (self.position.weight, net.places.T),
                (self.stakes.weight, net.stakes.T),
                (self.position.bias, net.bias),
                (self.last.weight, net.last[None]),
            ):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def folded(self) -> CubeNet:
        """The weights as the kernels read them."""
        arrays = self.position.weight.T, self.stakes.weight.T, self.position.bias, self.last.weight[0]
        return CubeNet(*(np.ascontiguousarray(array.detach().numpy(), dtype=np.float32) for array in arrays))


def make_net(training: CubeTraining) -> CubeTorchNet:
    """A net that has learnt nothing: the constants hold."""
    torch.manual_seed(training.seed)
    return CubeTorchNet(training.width)


def learn_cube(lessons: CubeLessons, training: CubeTraining) -> CubeNet:
    """The net that has learnt from all lessons; the same for the same lessons and settings."""
    rng = np.random.default_rng(training.seed)
    net = make_net(training)
    optimiser = torch.optim.AdamW(net.parameters(), training.rate, weight_decay=training.decay)
    count = len(lessons.units)
    steps = max(1, count // training.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.passes * steps)
    tensors = [torch.from_numpy(part) for part in lessons]
    for _ in range(training.passes):
        for rows in np.array_split(rng.permutation(count), steps):
            batch = [tensor[torch.from_numpy(rows)] for tensor in tensors]
            loss = loss_of(net, *batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.folded()


def loss_of(
    net: CubeTorchNet, units: Tensor, states: Tensor, dead: Tensor, live: Tensor, base: Tensor, told: Tensor
) -> Tensor:
    """Mean loss of the two choices of every decision."""
    efficiency = base[:, None] + net(units, states)
    choices = _choices(dead + efficiency * (live - dead))
    labels = _choices(told)
    mask = torch.ones_like(labels, dtype=torch.bool)
    chosen = labels.argmax(1)
    return soft_loss(choices / TEMPERATURE, mask, chosen, labels, TEMPERATURE).mean()


def _choices(values: Tensor) -> Tensor:
    """EMG of no double and double/take, float32[B, 2], to what doubling gains and passing gains, float32[2 B, 2]."""
    no_double, taken = values.T
    gains = torch.cat([taken.clamp(max=1.0) - no_double, taken - 1.0]).clamp(-FARTHEST, FARTHEST)
    return torch.stack([torch.zeros_like(gains), gains], 1)
