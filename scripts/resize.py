"""Give the first layer of a model more units, fewer, or the patterns to see, its experts fewer, its score a context.

    python -m scripts.resize MODEL --shards SHARDS [--width 384] [--upper 48] [--patterns] [--context] --out RESIZED
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

--context shows the score the position before the play too (`network.context`), at first without an effect.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import click
import numpy as np

from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.features import NUM_FEATURES, encode
from backgammon.learner.inputs.patterns import NUM_PATTERNS, patterns_of
from backgammon.learner.net.model_files import weight_shapes
from backgammon.learner.net.scorer import DEFAULT_NAME, load_scorer
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Boards, Bools, Float32s, Float64s, Int64s
from backgammon.tools.errors import DataError
from comparison_net.checkpoint import Model, save_model
from comparison_net.comparator import START_TEMPERATURE
from scripts.named_models import model_of
from scripts.program import program

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


def add_context(model: Model) -> Model:
    """The same function with zeros for what the score sees of the position before the play.

    Raises:
        ConfigError: a shape that cannot have a context.
    """
    network = dataclasses.replace(model.network, context=True)
    shape = weight_shapes(network)["decision.weight"]
    silent = np.zeros(shape, dtype=np.float32)
    return dataclasses.replace(model, network=network, weights={**model.weights, "decision.weight": silent})


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


@program(__doc__)
@click.argument("model", metavar=f"MODEL_OR_{DEFAULT_NAME.upper()}")
@click.option("--shards", "place", required=True, type=click.Path(path_type=Path), help="Candidates to look at.")
@click.option("--width", type=click.IntRange(min=1), help="Units of the first layer, if not as many as now.")
@click.option("--upper", type=click.IntRange(min=1), help="Units of the second layer of each expert, to keep.")
@click.option("--patterns", "sees_patterns", is_flag=True, help="Give a model of counts the patterns to see.")
@click.option("--context", "sees_decision", is_flag=True, help="Show the score the position before the play too.")
@click.option("--score-from", "source", type=click.Choice(("equity", "sum")), help="What ranks from now on.")
@click.option("--seed", default=1, show_default=True, help="Of fresh weights, and of the candidates looked at.")
@click.option("--out", required=True, type=click.Path(path_type=Path))
def main(
    model: str,
    place: Path,
    width: int | None,
    upper: int | None,
    sees_patterns: bool,
    sees_decision: bool,
    source: str | None,
    seed: int,
    out: Path,
) -> None:
    """Resize, say how, and write."""
    net = load_scorer(model_of(model)).model
    network = net.network
    if len(network.hidden) < 2:
        raise DataError(f"{model}: needs a layer above the first")
    if upper is not None and (len(network.hidden) != 2 or network.head != "phase"):
        raise DataError("--upper is for two hidden layers and the head phase")
    rng = np.random.default_rng(seed)
    shards = open_shards(place, verify=False)
    rows = rng.permutation(len(shards))[:SAMPLE]
    candidates, _ = legal_candidates(np.array(shards.boards[rows]), np.array(shards.dice[rows]))
    net = _resize_first_layer(net, width or network.hidden[0], candidates, rng)
    if upper is not None and upper < network.hidden[1]:
        net = thin_experts(net, candidates, upper)
        print(f"{upper} of {network.hidden[1]} units of each expert kept")
    if source:
        net = rank_from(net, source)
    if sees_patterns and net.network.inputs == "counts":
        net = see_patterns(net)
    if sees_decision and not net.network.context:
        net = add_context(net)
    save_model(out, net)


def _resize_first_layer(model: Model, width: int, candidates: Boards, rng: np.random.Generator) -> Model:
    """The model with so many units in the first layer; says which."""
    sums = first_sums(model, candidates)
    if width < model.network.hidden[0]:
        print(f"{width} of {sums.shape[1]} units kept")
        kept = np.sort(np.argsort(-importance(model, sums), kind="stable")[:width])
        return take_units(model, kept, np.maximum(sums, 0).mean(axis=0))
    is_silent = sums.max(axis=0) <= 0
    print(f"{width - len(is_silent) + int(is_silent.sum())} of {width} units are fresh")
    return grow(model, width, is_silent, rng)


if __name__ == "__main__":
    main()
