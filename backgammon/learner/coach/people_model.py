"""A model of whoever chooses: the probability that a person makes each legal play. numpy alone.

    z(candidate) = w(context) . shape + c . relu(B relu(A item + C context) + b)
    P(candidate) = softmax of z within the decision

The first term calibrates what the engine says, by phase and strength; the second knows habits: what people do beside
the engine's order. All are relative within one decision, as in comparison training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.learner.coach.people_inputs import (
    NUM_CONTEXT,
    NUM_INPUTS,
    SHAPES,
    TYPICAL_REGRET,
    VERSION,
    PeopleInputs,
)
from backgammon.rules import ragged
from backgammon.tools.arrays import Float32s, Float64s, Offsets
from backgammon.tools.errors import ModelError
from comparison_net.checkpoint import check_weights, read_tensors, write_tensors
from comparison_net.tools import LearnerError

KIND = "pairgammon-people"
HIDDEN = (128, 32)
FLOOR = 0.01
"""Share of a play made for reasons that no model knows: spread evenly over the candidates."""
_SMALLEST_SCALE = 1e-6
"""Of an item: they lie within hundreds, and a quotient must stay a number."""


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter; "mean" and "scale" standardise the items."""
    first, second = HIDDEN
    return {
        "mean": (NUM_INPUTS,),
        "scale": (NUM_INPUTS,),
        "item.weight": (first, NUM_INPUTS),
        "item.bias": (first,),
        "context.weight": (first, NUM_CONTEXT),
        "second.weight": (second, first),
        "second.bias": (second,),
        "habit.weight": (1, second),
        "shape.weight": (len(SHAPES), NUM_CONTEXT),
        "shape.bias": (len(SHAPES),),
    }


def choice_logs(preferences: Float64s, offsets: Offsets, floor: float) -> Float64s:
    """Log-probabilities float64[M]: a softmax within each decision, a share of it spread evenly over the candidates."""
    powers = np.exp(preferences - ragged.spread(ragged.largest(preferences, offsets), offsets))
    shares = powers / ragged.spread(ragged.total(powers, offsets), offsets)
    logs: Float64s = np.log((1 - floor) * shares + ragged.spread(floor / np.diff(offsets), offsets))
    return logs


@dataclass(frozen=True, eq=False)
class PeopleModel:
    """Weights, and whom they describe.

    Attributes:
        weights: float32 by name, see `weight_shapes`.
        about: who was learnt, from how many plays of how many matches, with which strength; plain values.
    """

    weights: Mapping[str, Float32s]
    about: Mapping[str, Any]

    def log_probabilities(self, inputs: PeopleInputs) -> Float64s:
        """Natural logarithms float64[M] of the probability of each candidate, the floor included."""
        return choice_logs(self._preferences(inputs).astype(np.float64), inputs.offsets, FLOOR)

    def _preferences(self, inputs: PeopleInputs) -> Float32s:
        """z, float32[M]."""
        weights = self.weights
        owners = inputs.owners
        items = (inputs.items - weights["mean"]) / weights["scale"]
        hidden = items @ weights["item.weight"].T + weights["item.bias"]
        hidden += (inputs.context @ weights["context.weight"].T)[owners]
        np.maximum(hidden, 0, out=hidden)
        second = np.maximum(hidden @ weights["second.weight"].T + weights["second.bias"], 0)
        slopes = inputs.context @ weights["shape.weight"].T + weights["shape.bias"]
        preferences: Float32s = second @ weights["habit.weight"][0] + (slopes[owners] * inputs.shape).sum(axis=1)
        return preferences

    def save(self, path: Path) -> None:
        """Write the model whole or not at all.

        Raises:
            ModelError: it cannot be written.
        """
        write_tensors(path, KIND, dict(self.weights), {"inputs": VERSION, "about": dict(self.about)})


def load_people(path: Path) -> PeopleModel:
    """Read and check a model of people.

    Raises:
        ModelError: missing, foreign, damaged, of other inputs, or with values that no learning gives.
    """
    try:
        tensors, description = read_tensors(path, KIND)
    except LearnerError as error:
        raise ModelError(str(error)) from error
    if description.get("inputs") != VERSION:
        raise ModelError(f"{path}: made for inputs {description.get('inputs')!r}, this program has {VERSION!r}")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != weight_shapes() or any(tensor.dtype != np.float32 for tensor in tensors.values()):
        raise ModelError(f"{path}: holds {shapes}, a model of people needs float32 {weight_shapes()}")
    try:
        check_weights(path, tensors)
    except LearnerError as error:
        raise ModelError(str(error)) from error
    if not (tensors["scale"] > _SMALLEST_SCALE).all():
        raise ModelError(f"{path}: holds a scale of {tensors['scale'].min():g}; learn the model again")
    about = description.get("about")
    if not isinstance(about, dict):
        raise ModelError(f"{path}: does not say whom it describes; learn the model again")
    strength = about.get("strength", TYPICAL_REGRET)
    if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not 0 <= strength <= 1:
        raise ModelError(f"{path}: the strength of the player is {strength!r}, no mean regret; learn the model again")
    return PeopleModel(tensors, about)


def shipped_people() -> PeopleModel:
    """The model of people that ships with the package.

    Raises:
        ModelError: this copy of the package has none.
    """
    resource = files("backgammon.learner.coach") / "models" / "people.safetensors"
    if not resource.is_file():
        raise ModelError("this copy of the package has no model of people; give one, or logs to learn it from")
    with as_file(resource) as path:
        return load_people(path)
