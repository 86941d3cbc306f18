"""Give the first layer of a model more units, fewer, or the patterns to see, and its experts fewer.

    python -m scripts.resize MODEL --shards SHARDS [--width 384] [--upper 48] [--patterns] --out RESIZED
    python -m scripts.resize MODEL --shards SHARDS --score-from equity --out RESIZED

The result is where a run goes on (`start = "RESIZED"` in the settings of `pairgammon train`).

More units, and silent ones, whose sum is below zero in every position, so that they get no gradient and stay so: fresh
weights as a new net would have, and zeros to the layer above. What the model says does not change.

Fewer: the units that matter least go, by the deviation of what they say over positions times the root mean square of
the weights that read it. The mean of what they said goes into the biases above. The rest must be trained on.

--upper does the same to the second layer of every expert by phase, where a sixth of the units may be silent for good.

--score-from equity makes a model with outcomes rank by their equity alone; "sum" gives such a one a score of its own
again, silent at first.

--patterns gives a model that sees counts alone the inputs of `learner.inputs.patterns`, at first without an effect.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from pathlib import Path

import numpy as np

from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.features import NUM_FEATURES, encode
from backgammon.learner.inputs.patterns import NUM_PATTERNS, patterns_of
from backgammon.learner.net.model_files import load_model, weight_shapes
from backgammon.learner.net.scorer import DEFAULT_NAME, load_scorer
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Boards, Bools, Float32s, Float64s, Int64s
from backgammon.tools.errors import DataError
from comparison_net.checkpoint import Model, save_model
from comparison_net.comparator import START_TEMPERATURE

SAMPLE = 3000
"""Decisions whose candidates are looked at."""

_READERS = ("trunk.layers.1", "experts.layers.0")
"""The layer above the first, of a dense net and of a mixture."""

_HEADS = {"experts.score": 1.0, "experts.outcome": 10.0}
"""What reads the second layer of an expert, and how much more a logit of an outcome counts than the score."""


def first_sums(model: Model, candidates: Boards) -> Float32s:
    """Sums of the first layer before they are rectified, float32[M, H], of candidates int8[M, 26]."""
    sums: Float32s = (
        encode(candidates) @ model.weights["trunk.layers.0.weight"].T + model.weights["trunk.layers.0.bias"]
    )
    if "trunk.patterns" in model.weights:
        rows = model.weights["trunk.patterns"]
        for total, seen in zip(sums, patterns_of(candidates), strict=True):
            total += rows[seen].sum(axis=0)
    return sums


def importance(model: Model, sums: Float32s) -> Float64s:
    """How much each unit of the first layer says to the layer above, float64[H]."""
    reader = next(model.weights[f"{name}.weight"] for name in _READERS if f"{name}.weight" in model.weights)
    spread = np.maximum(sums, 0).std(axis=0, dtype=np.float64)
    strength = np.sqrt(np.square(reader.reshape(-1, reader.shape[-1])).mean(axis=0))
    product: Float64s = spread * strength
    return product


def take_units(model: Model, kept: Int64s, means: Float32s) -> Model:
    """The model with the units `kept` of its first layer; the others' means float32[H] go into the biases above."""
    weights = {name: np.array(values) for name, values in model.weights.items()}
    for name in ("trunk.layers.0.weight", "trunk.layers.0.bias"):
        weights[name] = weights[name][kept]
    if "trunk.patterns" in weights:
        weights["trunk.patterns"] = weights["trunk.patterns"][:, kept]
    gone = np.setdiff1d(np.arange(len(means)), kept)
    for name in _READERS:
        if f"{name}.weight" in weights:
            reader = weights[f"{name}.weight"]
            weights[f"{name}.bias"] += reader[..., gone] @ means[gone]
            weights[f"{name}.weight"] = reader[..., kept]
    network = dataclasses.replace(model.network, hidden=(len(kept), *model.network.hidden[1:]))
    return dataclasses.replace(model, network=network, weights=weights)


def grow(model: Model, width: int, is_silent: Bools, rng: np.random.Generator) -> Model:
    """The same function with `width` units in the first layer, the silent ones bool[H] among them fresh."""
    old = len(is_silent)
    fresh = np.concatenate([is_silent, np.ones(width - old, dtype=bool)])
    bound = 1 / math.sqrt(NUM_FEATURES)
    weights = {}
    for name, values in model.weights.items():
        room = np.array(values)
        if name.startswith("trunk.layers.0."):
            room = np.zeros((width, *values.shape[1:]), dtype=np.float32)
            room[:old] = values
            room[fresh] = rng.uniform(-bound, bound, (int(fresh.sum()), *values.shape[1:]))
        elif name == "trunk.patterns" or any(name == f"{reader}.weight" for reader in _READERS):
            room = np.zeros((*values.shape[:-1], width), dtype=np.float32)
            room[..., :old] = values
            room[..., fresh] = 0.0
        weights[name] = room
    network = dataclasses.replace(model.network, hidden=(width, *model.network.hidden[1:]))
    return dataclasses.replace(model, network=network, weights=weights)


def thin_experts(model: Model, candidates: Boards, width: int) -> Model:
    """The model with `width` units in the second layer of each expert: those that say most to its heads.

    Args:
        model: two hidden layers, experts by phase.
        candidates: int8[M, 26], some of every phase.
        width: at least 1.

    Raises:
        DataError: no candidate of some phase.
    """
    weights = {name: np.array(values) for name, values in model.weights.items()}
    layers = ("experts.layers.0.weight", "experts.layers.0.bias")
    heads = {name: scale for name, scale in _HEADS.items() if f"{name}.weight" in weights}
    units = np.maximum(first_sums(model, candidates), 0)
    codes = phase_codes(candidates)
    kept = []
    for expert, (weight, bias) in enumerate(zip(*(weights[name] for name in layers), strict=True)):
        said = np.maximum(units[codes == expert] @ weight.T + bias, 0)
        if not len(said):
            raise DataError(f"no candidate of phase {PHASES[expert]} among those looked at; give other shards")
        reader = sum(
            np.square(scale * weights[f"{name}.weight"][expert].reshape(-1, len(bias))).sum(axis=0)
            for name, scale in heads.items()
        )
        order = np.argsort(-said.std(axis=0, dtype=np.float64) * np.sqrt(reader), kind="stable")
        kept.append(np.sort(order[:width]))
        gone = np.sort(order[width:])
        for name in heads:
            weights[f"{name}.bias"][expert] += weights[f"{name}.weight"][expert][..., gone] @ said[:, gone].mean(axis=0)
    rows = np.stack(kept)
    every = np.arange(len(rows))[:, None]
    for name in layers:
        weights[name] = weights[name][every, rows]
    for name in heads:
        weights[f"{name}.weight"] = np.stack(
            [values[..., chosen] for values, chosen in zip(weights[f"{name}.weight"], rows, strict=True)]
        )
    network = dataclasses.replace(model.network, hidden=(model.network.hidden[0], width))
    return dataclasses.replace(model, network=network, weights=weights)


def see_patterns(model: Model) -> Model:
    """The same function with rows of zeros for the patterns."""
    rows = np.zeros((NUM_PATTERNS, model.network.hidden[0]), dtype=np.float32)
    network = dataclasses.replace(model.network, inputs="patterns")
    return dataclasses.replace(model, network=network, weights={**model.weights, "trunk.patterns": rows})


def rank_from(model: Model, source: str) -> Model:
    """A model that ranks by the equity of its outcomes ("equity"), or by that and a score without effect ("sum").

    Raises:
        DataError: the model has no outcomes.
    """
    if not model.network.outcomes:
        raise DataError("a model without outcomes cannot rank by their equity")
    network = dataclasses.replace(model.network, score_from=source)
    weights = {"head.temperature": np.full(1, math.log(START_TEMPERATURE), dtype=np.float32), **model.weights}
    scores = ("experts.score.weight", "experts.score.bias", "head.score.weight")
    weights = {name: np.array(values) for name, values in weights.items() if name not in scores}
    for name, shape in weight_shapes(network).items():
        if name in scores:
            weights[name] = np.zeros(shape, dtype=np.float32)
    return dataclasses.replace(model, network=network, weights=weights)


def main() -> int:
    """Resize, say how, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help=f'a model file, a run folder, or "{DEFAULT_NAME}"')
    parser.add_argument("--shards", type=Path, required=True, help="their candidates show what the units say")
    parser.add_argument("--width", type=int, default=None, help="units of the first layer, if not as many as now")
    parser.add_argument("--upper", type=int, default=None, help="units of the second layer of each expert, to keep")
    parser.add_argument("--patterns", action="store_true")
    parser.add_argument("--score-from", choices=("equity", "sum"), help="what ranks the candidates from now on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = load_scorer().model if options.model == DEFAULT_NAME else load_model(Path(options.model))
    if len(model.network.hidden) < 2:
        parser.error("the model needs a layer above the first")
    network = model.network
    if options.upper is not None and (len(network.hidden) != 2 or network.head != "phase" or options.upper < 1):
        parser.error("--upper is for two hidden layers and the head phase, and must be at least 1")
    width = options.width or model.network.hidden[0]
    rng = np.random.default_rng(options.seed)
    shards = open_shards(options.shards, verify=False)
    rows = rng.permutation(len(shards))[:SAMPLE]
    candidates, _ = legal_candidates(np.array(shards.boards[rows]), np.array(shards.dice[rows]))
    sums = first_sums(model, candidates)
    if width < model.network.hidden[0]:
        kept = np.sort(np.argsort(-importance(model, sums), kind="stable")[:width])
        model = take_units(model, kept, np.maximum(sums, 0).mean(axis=0))
        print(f"{width} of {sums.shape[1]} units kept")
    else:
        is_silent = sums.max(axis=0) <= 0
        model = grow(model, width, is_silent, rng)
        print(f"{width - len(is_silent) + int(is_silent.sum())} of {width} units are fresh")
    try:
        if options.upper is not None and options.upper < network.hidden[1]:
            model = thin_experts(model, candidates, options.upper)
            print(f"{options.upper} of {network.hidden[1]} units of each expert kept")
        if options.score_from:
            model = rank_from(model, options.score_from)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.patterns and model.network.inputs == "counts":
        model = see_patterns(model)
    save_model(options.out, model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
