"""Name and shape of every parameter of a mixture, for checking a model file without torch."""

from __future__ import annotations

from comparison_net.domain import Domain
from comparison_net.network_config import BY_DECISION, SPLIT, NetworkConfig

Shapes = dict[str, tuple[int, ...]]


def mixture_shapes(config: NetworkConfig, domain: Domain) -> Shapes:
    """Shapes by name of a mixture that `for_domain` has resolved."""
    width = config.hidden[0]
    shapes: Shapes = {"trunk.layers.0.weight": (width, domain.num_features), "trunk.layers.0.bias": (width,)}
    if config.num_patterns(domain):
        shapes["trunk.patterns"] = (config.num_patterns(domain), width)
    if config.context:
        shapes["decision.weight"] = (config.hidden[1], width)
    if config.ranks_by_value:
        shapes["head.temperature"] = (1,)
    num_outcomes = domain.num_outcomes if config.outcomes else 0
    if config.tokens == "locations":
        return {**shapes, **_token_shapes(config, domain, num_outcomes)}
    return {**shapes, **_item_shapes(config, domain, num_outcomes)}


def _item_shapes(config: NetworkConfig, domain: Domain, num_outcomes: int) -> Shapes:
    shapes: Shapes = {}
    hidden, n, width = config.hidden, config.num_experts(domain), config.hidden[0]
    for index, next_width in enumerate(hidden[1:]):
        shapes[f"experts.layers.{index}.weight"] = (n, next_width, width)
        shapes[f"experts.layers.{index}.bias"] = (n, next_width)
        width = next_width
    if config.has_score:
        shapes["experts.score.weight"] = (n, width)
        if config.route_by != BY_DECISION:
            shapes["experts.score.bias"] = (n,)
    if num_outcomes:
        shapes["experts.outcome.weight"] = (n, num_outcomes, width)
        shapes["experts.outcome.bias"] = (n, num_outcomes)
    if config.routes_learned:
        shapes["gate.weight"] = (n, hidden[0])
        shapes["skip.weight"] = (config.has_score + num_outcomes, hidden[0])
    elif config.kind(domain) != SPLIT:
        shapes["gate.weight"] = (n, len(domain.gate_features))
        shapes["gate.bias"] = (n,)
    return shapes


def _token_shapes(config: NetworkConfig, domain: Domain, num_outcomes: int) -> Shapes:
    hidden, d, w = config.hidden, config.token_width, config.token_hidden
    assert domain.tokens is not None
    shapes: Shapes = {
        "embedding.weight": (domain.tokens.places * domain.tokens.kinds, d),
        "context.weight": (d, hidden[0]),
        "context.bias": (d,),
    }
    for index, is_routed in enumerate(config.routed_layers()):
        n = config.num_experts(domain) if is_routed else 1
        prefix = f"token_layers.{index}."
        shapes[f"{prefix}experts.layers.0.weight"] = (n, w, d)
        shapes[f"{prefix}experts.layers.0.bias"] = (n, w)
        shapes[f"{prefix}experts.layers.1.weight"] = (n, d, w)
        shapes[f"{prefix}experts.layers.1.bias"] = (n, d)
        if config.attention:
            shapes[f"{prefix}attention.norm.weight"] = shapes[f"{prefix}attention.norm.bias"] = (d,)
            shapes[f"{prefix}attention.given.weight"] = (3 * d, d)
            shapes[f"{prefix}attention.given.bias"] = (3 * d,)
            shapes[f"{prefix}attention.result.weight"] = (d, d)
            shapes[f"{prefix}attention.result.bias"] = (d,)
            shapes[f"{prefix}norm.weight"] = shapes[f"{prefix}norm.bias"] = (d,)
        if is_routed and config.head == "soft":
            shapes[f"{prefix}gate.slots"] = (n, config.slots, d)
            shapes[f"{prefix}gate.scale"] = (1,)
        elif is_routed:
            shapes[f"{prefix}gate.weight"] = (n, d)
    width = hidden[0] + d
    for index, next_width in enumerate(hidden[1:]):
        shapes[f"layers.{index}.weight"] = (next_width, width)
        shapes[f"layers.{index}.bias"] = (next_width,)
        width = next_width
    return shapes | head_shapes(config, width, num_outcomes)


def head_shapes(config: NetworkConfig, width: int, num_outcomes: int) -> Shapes:
    """Shapes of a score and of the outcome logits on `width` units, as far as the net has them."""
    shapes: Shapes = {"head.score.weight": (1, width)} if config.has_score else {}
    if num_outcomes:
        shapes["head.outcome.weight"] = (num_outcomes, width)
        shapes["head.outcome.bias"] = (num_outcomes,)
    return shapes
