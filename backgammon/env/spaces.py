"""Gymnasium spaces of the environments, single; the vectorised ones are batched from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from backgammon.board import NUM_CHECKERS, NUM_LOCATIONS
from backgammon.env.encoding import Coding, bounds
from backgammon.env.micro import NUM_ACTIONS
from backgammon.env.options import Rules


def move_actions() -> spaces.Discrete:
    """The 156 micro-moves."""
    return spaces.Discrete(NUM_ACTIONS)


def play_actions(max_candidates: int) -> spaces.Discrete:
    """The rows of the candidates."""
    return spaces.Discrete(max_candidates)


def move_observations(coding: Coding, rules: Rules) -> spaces.Dict:
    """Observation of `Backgammon-v0`."""
    low, high = bounds(coding)
    parts: dict[str, spaces.Space[Any]] = {
        "observation": spaces.Box(low, high, dtype=low.dtype.type),
        "action_mask": _mask(NUM_ACTIONS),
    }
    return spaces.Dict(parts | _score(rules))


def play_observations(max_candidates: int, is_padded: bool, rules: Rules) -> spaces.Dict:
    """Observation of `BackgammonTurn-v0`."""
    parts: dict[str, spaces.Space[Any]] = {
        "board": _counts((NUM_LOCATIONS,)),
        "dice": spaces.Box(1, 6, (2,), dtype=np.int8),
        "action_mask": _mask(max_candidates),
    }
    if is_padded:
        parts["candidates"] = _counts((max_candidates, NUM_LOCATIONS))
    return spaces.Dict(parts | _score(rules))


def _mask(size: int) -> spaces.Space[Any]:
    return spaces.Box(0, 1, (size,), dtype=np.int8)


def _counts(shape: tuple[int, ...]) -> spaces.Space[Any]:
    return spaces.Box(-NUM_CHECKERS, NUM_CHECKERS, shape, dtype=np.int8)


def _score(rules: Rules) -> dict[str, spaces.Space[Any]]:
    """A match is won with at most two points more than its length."""
    return {"score": spaces.Box(0, rules.match_length + 2, (2,), dtype=np.int8)} if rules.is_match else {}
