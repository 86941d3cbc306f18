"""Choices that a known rule made."""

from __future__ import annotations

import itertools

import numpy as np

from comparison_net.choices import ChoiceSets

TASTE = np.array([1.0, -0.5, 0.25])


def made_choices(num_sets: int, seed: int, num_units: int = 0, curve: float = 0.0) -> ChoiceSets:
    """Sets of 2 to 5 alternatives with three features; utilities are linear, plus `curve` times a product, plus noise.

    The noise is Gumbel's, so the conditional logit with TASTE is the truth where `curve` is 0.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 6, num_sets)
    rows = rng.normal(size=(int(sizes.sum()), 3))
    utilities = rows @ TASTE + curve * np.abs(rows[:, 0]) * rows[:, 1] + rng.gumbel(size=len(rows))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    chosen = np.array([int(utilities[a:b].argmax()) for a, b in itertools.pairwise(offsets)])
    units = rng.integers(0, num_units, num_sets) if num_units else None
    return ChoiceSets.from_arrays(rows, sizes=sizes, chosen=chosen, units=units)
