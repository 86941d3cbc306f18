"""What an alternative costs at play time: multiply-adds of a net, counted from its configuration.

The first layer counts as what it costs where alternatives differ in one input from what is known already: one row
added and one subtracted (2 H additions). A gate on cheap features counts as its matrix; tokens of an item as one
addition of the row and of the view for each number. Selection (sorting, plans) is not multiplied, so it is not counted.
"""

from __future__ import annotations

import math
from itertools import pairwise

from comparison_net.domain import Domain, feature_domain
from comparison_net.network_config import BY_DECISION, SPLIT, TOKEN_CHOICES, NetworkConfig

PLAIN = feature_domain(1)


def multiply_adds(config: NetworkConfig, domain: Domain = PLAIN) -> int:
    """Multiply-adds of one alternative.

    Args:
        config: a net with a hidden layer.
        domain: what it is for.

    >>> multiply_adds(NetworkConfig((256, 32)))
    8736
    """
    config = config.for_domain(domain)
    hidden, first = config.hidden, 2 * config.hidden[0]
    num_outputs = config.has_score + (domain.num_outcomes if config.outcomes else 0)
    if config.tokens == "locations":
        joined = [hidden[0] + config.token_width, *hidden[1:], num_outputs]
        return first + _token_cost(config, domain) + _dense(joined)
    expert = _dense([*hidden, num_outputs])
    if config.kind(domain) in ("dense", SPLIT):
        return first + expert
    if config.route_by == BY_DECISION:
        return first + config.choices * expert + (hidden[0] * num_outputs if config.routes_learned else 0)
    num_experts = config.num_experts(domain)
    if config.routes_learned:
        return first + hidden[0] * (num_experts + num_outputs) + config.choices * expert
    return first + len(domain.gate_features) * num_experts + config.choices * expert


def decision_multiply_adds(config: NetworkConfig, domain: Domain = PLAIN) -> int:
    """Multiply-adds that are made once for all alternatives of a decision: gate and context.

    The first layer of the decision is not among them: where alternatives are computed from it, it is there.
    """
    config = config.for_domain(domain)
    kind, context = config.kind(domain), config.hidden[0] * config.hidden[1] if config.context else 0
    if config.route_by != BY_DECISION or kind == SPLIT:
        return context
    given = config.hidden[0] if config.routes_learned else len(domain.gate_features)
    return context + given * config.num_experts(domain)


def _dense(widths: list[int]) -> int:
    return sum(given * wanted for given, wanted in pairwise(widths))


def _token_cost(config: NetworkConfig, domain: Domain) -> int:
    """View of the item, tokens, their layers, mean."""
    assert domain.tokens is not None
    m, d, n = domain.tokens.places, config.token_width, config.num_experts(domain)
    expert = 2 * d * config.token_hidden
    layer = 0
    if config.head == "soft":
        layer = n * config.slots * (3 * m * d + expert)
    elif config.head != "dense":
        if config.head in TOKEN_CHOICES:
            taken = min(m * config.choices, n * math.ceil(m * config.choices * config.capacity / n))
        elif config.head in ("us", "us-free"):
            taken = round(m * config.capacity)
        else:
            taken = n * max(1, round(m * config.capacity / n))
        layer = m * d * n + taken * expert
    routed = sum(config.routed_layers())
    layers = routed * layer + (config.token_layers - routed) * m * expert
    if config.attention:
        layers += config.token_layers * (4 * m * d * d + 2 * m * m * d)
    return config.hidden[0] * d + m * d + layers + m * d
