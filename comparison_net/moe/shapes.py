"""Name and shape of every parameter of a mixture, for checking a model file without torch."""

from __future__ import annotations

from collections.abc import Sequence

from comparison_net.moe.settings import TOKEN_CHOICES, MixtureConfig

Shapes = dict[str, tuple[int, ...]]

NUM_FEATURES_OF_GATE = 28
NUM_TABLE_ROWS = 26 * 31


def mixture_shapes(
    config: MixtureConfig, hidden: Sequence[int], num_features: int, score_from: str, has_outcomes: bool
) -> Shapes:
    """Shapes by name.

    Args:
        config: a mixture.
        hidden: widths, the shared first layer first.
        num_features: inputs of the first layer.
        score_from: see `config.SCORES`.
        has_outcomes: True with outcome logits.
    """
    shapes: Shapes = {"trunk.layers.0.weight": (hidden[0], num_features), "trunk.layers.0.bias": (hidden[0],)}
    has_score = score_from != "equity"
    if score_from != "head":
        shapes["head.temperature"] = (1,)
    if config.tokens == "locations":
        return {**shapes, **_location_shapes(config, hidden, has_score, has_outcomes)}
    return {**shapes, **_position_shapes(config, hidden, has_score, has_outcomes)}


def _position_shapes(config: MixtureConfig, hidden: Sequence[int], has_score: bool, has_outcomes: bool) -> Shapes:
    shapes: Shapes = {}
    n, width = config.num_experts, hidden[0]
    for index, next_width in enumerate(hidden[1:]):
        shapes[f"experts.layers.{index}.weight"] = (n, next_width, width)
        shapes[f"experts.layers.{index}.bias"] = (n, next_width)
        width = next_width
    if has_score:
        shapes["experts.score.weight"] = (n, width)
        shapes["experts.score.bias"] = (n,)
    if has_outcomes:
        shapes["experts.outcome.weight"] = (n, 6, width)
        shapes["experts.outcome.bias"] = (n, 6)
    if config.head in TOKEN_CHOICES:
        shapes["gate.weight"] = (n, hidden[0])
        shapes["skip.weight"] = (has_score + 6 * has_outcomes, hidden[0])
    elif config.head != "phase":
        shapes["gate.weight"] = (n, NUM_FEATURES_OF_GATE)
        shapes["gate.bias"] = (n,)
    return shapes


def _location_shapes(config: MixtureConfig, hidden: Sequence[int], has_score: bool, has_outcomes: bool) -> Shapes:
    n, d, w = config.num_experts, config.token_width, config.token_hidden
    shapes: Shapes = {
        "embedding.weight": (NUM_TABLE_ROWS, d),
        "context.weight": (d, hidden[0]),
        "context.bias": (d,),
    }
    for index in range(config.token_layers):
        prefix = f"token_layers.{index}."
        shapes[f"{prefix}experts.layers.0.weight"] = (n, w, d)
        shapes[f"{prefix}experts.layers.0.bias"] = (n, w)
        shapes[f"{prefix}experts.layers.1.weight"] = (n, d, w)
        shapes[f"{prefix}experts.layers.1.bias"] = (n, d)
        if config.head == "soft":
            shapes[f"{prefix}gate.slots"] = (n, config.slots, d)
            shapes[f"{prefix}gate.scale"] = (1,)
        elif config.head != "dense":
            shapes[f"{prefix}gate.weight"] = (n, d)
    width = hidden[0] + d
    for index, next_width in enumerate(hidden[1:]):
        shapes[f"layers.{index}.weight"] = (next_width, width)
        shapes[f"layers.{index}.bias"] = (next_width,)
        width = next_width
    if has_score:
        shapes["head.score.weight"] = (1, width)
    if has_outcomes:
        shapes["head.outcome.weight"] = (6, width)
        shapes["head.outcome.bias"] = (6,)
    return shapes
