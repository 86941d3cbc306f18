"""Learning a model of people, or of one person on top of it, by the learner's own loop (`comparison_net.training`).

M candidates. The net is of its own shape, that of `people_model`; its loss is the negative log-probability of the play
that was made, the floor included. A person's model starts from the people's; where he has played too little for habits
of his own, only the calibration is learnt and pulled back to its start (L2), so that few plays move it little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from backgammon.learner.coach.people_inputs import NUM_CONTEXT, NUM_INPUTS, SHAPE_SCALES, SHAPES, PeopleInputs
from backgammon.learner.coach.people_model import FLOOR, weight_shapes
from backgammon.learner.inputs.style_features import STYLE_FEATURES
from backgammon.tools.arrays import Float32s, Int64s
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, Said, ScoreScale, TrainingDraw
from comparison_net.config import TrainConfig
from comparison_net.encoders import FeatureEncoder
from comparison_net.network_config import NetworkConfig
from comparison_net.training.choice_source import ChoiceSource
from comparison_net.training.loop import Interrupted, fit
from comparison_net.training.progress import SilentReporter, StepReport

Weights = dict[str, Float32s]
Progress = Callable[[int, int], None]
"""Steps done and steps in all."""

_SHAPE_COLUMNS = slice(NUM_INPUTS - 1 - len(SHAPES), NUM_INPUTS - 1)
"""Where the items hold what the calibration reads, see `people_inputs`."""


@dataclass(frozen=True)
class FitSettings:
    """How to learn; the defaults are those of people, `PERSONAL` those of one player.

    Attributes:
        epochs: passes over the plays.
        batch: decisions in a step.
        learning_rate: peak of AdamW's step, after a rise over `warmup` steps, with a cosine to 0.
        warmup: steps.
        decay: of the weights (not the biases), per unit of learning rate: towards those that it starts from where only
            the calibration is learnt, towards 0 otherwise.
        only_calibration: learn the calibration alone (`shape.*`), where there are too few plays for habits.
        seed: start weights and order of the plays.
    """

    epochs: int = 5
    batch: int = 512
    learning_rate: float = 0.002
    warmup: int = 50
    decay: float = 1.0
    only_calibration: bool = False
    seed: int = 1


PERSONAL = FitSettings(epochs=8, batch=256, learning_rate=0.001, warmup=20)
CALIBRATION = FitSettings(epochs=4, batch=64, learning_rate=0.003, warmup=5, only_calibration=True)


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
    generator = torch.Generator().manual_seed(settings.seed)
    net = PeopleNet(start if start is not None else _fresh_weights(inputs, generator), settings.only_calibration)
    source = ChoiceSource(ChoiceSets(inputs.items, inputs.offsets, chosen, inputs.context), "plays")
    config = TrainConfig(
        NetworkConfig(()),
        loss=f"{__name__}:floored",
        epochs=settings.epochs,
        batch_decisions=min(settings.batch, len(inputs)),
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,
        weight_decay=settings.decay,
        held_out=0.0,
        select_by="agreement",
        patience=0,
        seed=settings.seed,
        threads=1,
    )
    try:
        fit(source, net.encoder, config, None if progress is None else _Steps(progress), net)
    except Interrupted as error:  # there is no run folder to go on from
        raise KeyboardInterrupt from error
    return {name: tensor.detach().numpy() for name, tensor in net.tensors().items()}


class PeopleNet(CandidateNet):
    """The net of `people_model`: a calibration by phase and strength, and habits on two hidden layers."""

    def __init__(self, start: Mapping[str, Float32s], only_calibration: bool) -> None:
        """Begin with weights by name.

        Args:
            start: see `weight_shapes`.
            only_calibration: learn what is added to `shape.*`; everything else stands.
        """
        super().__init__(NetworkConfig(()), FeatureEncoder(NUM_INPUTS + NUM_CONTEXT, num_context=NUM_CONTEXT))
        self.head = ScoreScale(self.config, self.domain)
        for name in weight_shapes():
            value = torch.from_numpy(start[name].copy())
            is_free = name not in ("mean", "scale") and (name.startswith("shape") or not only_calibration)
            if not is_free or only_calibration:
                self.register_buffer(f"start_{_key(name)}", value)
            if is_free:  # what is added decays, so the sum is pulled to its start
                first = torch.zeros_like(value) if only_calibration else value
                self.register_parameter(_key(name), nn.Parameter(first))

    def tensors(self) -> dict[str, Tensor]:
        """The weights as they are now, by name."""
        state = {**dict(self.named_buffers()), **dict(self.named_parameters())}
        found = {}
        for name in weight_shapes():
            parts = [state[key] for key in (f"start_{_key(name)}", _key(name)) if key in state]
            found[name] = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return found

    def say(self, sets: ChoiceSets, rows: Tensor | None, draw: TrainingDraw | None, pull: float) -> Said:  # noqa: ARG002
        """See `CandidateNet`: z float32[M] of `people_model`; nothing is drawn, and there are no outcomes."""
        weights, items = self.tensors(), torch.from_numpy(sets.items)
        context = torch.from_numpy(sets.context[sets.owners()])
        hidden = (items - weights["mean"]) / weights["scale"] @ weights["item.weight"].T + weights["item.bias"]
        hidden = torch.relu(hidden + context @ weights["context.weight"].T)
        second = torch.relu(hidden @ weights["second.weight"].T + weights["second.bias"])
        slopes = context @ weights["shape.weight"].T + weights["shape.bias"]
        return Said(second @ weights["habit.weight"][0] + (slopes * items[:, _SHAPE_COLUMNS]).sum(1), None)


def floored(scores: Tensor, mask: Tensor, chosen: Tensor, values: Tensor | None, config: TrainConfig) -> Tensor:  # noqa: ARG001
    """Negative log-probability float32[B] of the chosen plays, a share of it spread evenly; see `losses.make_loss`."""
    logs = torch.log_softmax(scores.masked_fill(~mask, -torch.inf), 1).gather(1, chosen[:, None])[:, 0]
    return -torch.log((1 - FLOOR) * torch.exp(logs) + FLOOR / mask.sum(1))


class _Steps(SilentReporter):
    """Tells a caller how many steps are done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._total = 0

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:  # noqa: ARG002
        """Keep the number of steps."""
        self._total = total_steps

    def step(self, report: StepReport) -> None:
        """Hand it on."""
        self._progress(report.step, self._total)


def _key(name: str) -> str:
    """A weight's name as torch allows it."""
    return name.replace(".", "_")


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
