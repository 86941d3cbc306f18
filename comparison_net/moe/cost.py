"""What a candidate costs at play time: multiply-adds and parameters of a net, counted from its configuration.

The first layer counts as what it costs the play-time walk, one table row added and one subtracted (2 H additions); a
gate on board features as its matrix; tokens of a board as one addition of the row and of the view for each number.
Selection (sorting, plans) is not multiplied, so it is not counted: see the measured times beside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from comparison_net.moe.settings import TOKEN_CHOICES, MixtureConfig

NUM_TOKENS = 26
NUM_GATE_FEATURES = 28


def multiply_adds(config: MixtureConfig, hidden: Sequence[int], num_outputs: int = 1) -> int:
    """Multiply-adds of one candidate.

    Args:
        config: head and sizes.
        hidden: widths, the shared first layer first.
        num_outputs: 1 for the score, 6 more for outcomes.

    >>> multiply_adds(MixtureConfig(), (256, 32))
    8736
    """
    first = 2 * hidden[0]
    if config.tokens == "locations":
        joined = [hidden[0] + config.token_width, *hidden[1:], num_outputs]
        return first + _token_cost(config, hidden[0]) + _dense(joined)
    expert = _dense([*hidden, num_outputs])
    if config.head in ("dense", "phase"):
        return first + expert
    if config.head in TOKEN_CHOICES:
        return first + hidden[0] * (config.num_experts + num_outputs) + config.choices * expert
    return first + NUM_GATE_FEATURES * config.num_experts + config.choices * expert


def _dense(widths: Sequence[int]) -> int:
    return sum(given * wanted for given, wanted in pairwise(widths))


def _token_cost(config: MixtureConfig, width: int) -> int:
    """View of the board, tokens, mixture layers, mean."""
    m, d, n = NUM_TOKENS, config.token_width, config.num_experts
    expert = 2 * d * config.token_hidden
    if config.head == "dense":
        layer = m * expert
    elif config.head == "soft":
        layer = n * config.slots * (3 * m * d + expert)
    else:
        if config.head in TOKEN_CHOICES:
            taken = min(m * config.choices, n * math.ceil(m * config.choices * config.capacity / n))
        elif config.head in ("us", "us-free"):
            taken = round(m * config.capacity)
        else:
            taken = n * max(1, round(m * config.capacity / n))
        layer = m * d * n + taken * expert
    return width * d + m * d + config.token_layers * layer + m * d
