"""Learning a model of people, or of one person on top of it, with torch.

One loop for both: a batch is a few hundred decisions, the loss the negative log-probability of the play that was made,
the floor included. A person's model starts from the people's and is pulled back to it (L2 towards the start), so that
what little he has played moves it little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backgammon.learner.coach.people_inputs import SHAPE_SCALES, PeopleInputs
from backgammon.learner.coach.people_model import FLOOR, weight_shapes
from backgammon.learner.inputs.style_features import STYLE_FEATURES
from backgammon.tools.arrays import Float32s, Int64s

Weights = dict[str, Float32s]
Progress = Callable[[int, int], None]
"""Steps done and steps in all."""


@dataclass(frozen=True)
class FitSettings:
    """How to learn; the defaults are those of people, `PERSONAL` those of one player.

    Attributes:
        epochs: passes over the plays.
        batch: decisions in a step.
        learning_rate: peak of AdamW's step, after a rise over `warmup` steps, with a cosine to 0.
        warmup: steps.
        decay: of the weights towards 0, per unit of learning rate.
        pull: of the weights towards those it starts from, likewise.
        only_calibration: learn the calibration alone (`shape.*`), where there are too few plays for habits.
        seed: start weights and order of the plays.
    """

    epochs: int = 5
    batch: int = 512
    learning_rate: float = 0.002
    warmup: int = 50
    decay: float = 1.0
    pull: float = 0.0
    only_calibration: bool = False
    seed: int = 1


PERSONAL = FitSettings(epochs=8, batch=256, learning_rate=0.001, warmup=20, decay=1.0)
CALIBRATION = FitSettings(epochs=4, batch=64, learning_rate=0.003, warmup=5, decay=0.0, pull=1.0, only_calibration=True)


def fit_people(
    inputs: PeopleInputs,
    chosen: Int64s,
    settings: FitSettings = FitSettings(),
    start: Mapping[str, Float32s] | None = None,
    progress: Progress | None = None,
) -> Weights:
    """Weights of a model that makes the plays likely; the same seed gives the same weights on the same processor.

    Args:
        inputs: N decisions.
        chosen: int64[N], counted from the start of each decision.
        settings: how.
        start: weights to go on from; None for fresh ones, standardised by these inputs.
        progress: called after each step.
    """
    with _one_thread():
        return _fit(inputs, chosen, settings, start, progress)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for torch: the matrices are small, and the sums do not depend on the processors that are free."""
    saved = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(saved)


def _fit(
    inputs: PeopleInputs,
    chosen: Int64s,
    settings: FitSettings,
    start: Mapping[str, Float32s] | None,
    progress: Progress | None,
) -> Weights:
    """See `fit_people`."""
    generator = torch.Generator().manual_seed(settings.seed)
    first = dict(start) if start is not None else _fresh_weights(inputs, generator)
    habits = {name for name in first if "shape" not in name}
    fixed = {"mean", "scale"} | (habits if settings.only_calibration else set())
    tensors = {name: torch.from_numpy(value.copy()) for name, value in first.items()}
    free = [tensors[name].requires_grad_(True) for name in weight_shapes() if name not in fixed]
    anchors = [tensor.detach().clone() for tensor in free]
    optimizer = torch.optim.AdamW(free, lr=settings.learning_rate, weight_decay=settings.decay)
    rng = np.random.default_rng(settings.seed)
    batch = min(settings.batch, len(inputs))
    per_epoch = len(inputs) // batch
    total = settings.epochs * per_epoch
    for step in range(total):
        if step % per_epoch == 0:
            order = rng.permutation(len(inputs))
        place = step % per_epoch * batch
        decisions = order[place : place + batch]
        rate = settings.learning_rate * min(1.0, (step + 1) / settings.warmup) * _cosine(step / total)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        _loss(tensors, inputs.take(decisions), chosen[decisions]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if settings.pull:
            with torch.no_grad():
                for tensor, anchor in zip(free, anchors, strict=True):
                    tensor.sub_(rate * settings.pull * (tensor - anchor))
        if progress is not None:
            progress(step + 1, total)
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _fresh_weights(inputs: PeopleInputs, generator: torch.Generator) -> Weights:
    """Uniform weights for the two layers, no habits yet, and the engine's own score as the calibration."""
    weights: Weights = {}
    for name, shape in weight_shapes().items():
        if name.startswith(("item", "context", "second")):
            width = shape[-1] if name.endswith("weight") else weight_shapes()[name.replace("bias", "weight")][-1]
            drawn = torch.empty(shape).uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width), generator=generator)
            weights[name] = drawn.numpy()
        else:
            weights[name] = np.zeros(shape, dtype=np.float32)
    named = inputs.items[:, : len(STYLE_FEATURES)]
    weights["mean"][: len(STYLE_FEATURES)] = named.mean(axis=0, dtype=np.float64)
    weights["scale"][:] = 1.0  # counts and chances are between 0 and 1 as they are, and many of them rare
    weights["scale"][: len(STYLE_FEATURES)] = named.std(axis=0, dtype=np.float64) + 1e-3
    weights["scale"][-4:-1] = SHAPE_SCALES
    weights["shape.bias"][0] = 1.0
    return weights


def _loss(weights: Mapping[str, Tensor], batch: PeopleInputs, chosen: Int64s) -> Tensor:
    """Mean negative log-probability of the plays that were made."""
    owners = torch.from_numpy(batch.owners)
    counts = torch.from_numpy(np.diff(batch.offsets))
    items, shape, context = map(torch.from_numpy, (batch.items, batch.shape, batch.context))
    hidden = (items - weights["mean"]) / weights["scale"] @ weights["item.weight"].T + weights["item.bias"]
    hidden = torch.relu(hidden + (context @ weights["context.weight"].T)[owners])
    second = torch.relu(hidden @ weights["second.weight"].T + weights["second.bias"])
    slopes = context @ weights["shape.weight"].T + weights["shape.bias"]
    found = second @ weights["habit.weight"][0] + (slopes[owners] * shape).sum(1)
    highest = torch.full((len(counts),), -torch.inf).scatter_reduce(0, owners, found.detach(), "amax")
    total = torch.zeros(len(counts)).index_add(0, owners, torch.exp(found - highest[owners])).log() + highest
    rows = torch.from_numpy(batch.offsets[:-1] + chosen)
    return -torch.log((1 - FLOOR) * torch.exp(found[rows] - total) + FLOOR / counts).mean()
