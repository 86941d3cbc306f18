"""Gymnasium spaces of the environments, single; the vectorised ones are batched from them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from backgammon.rules.board import NUM_CHECKERS, NUM_LOCATIONS
from backgammon.table.arena.encoding import Coding, bounds
from backgammon.table.arena.micro import NUM_ACTIONS
from backgammon.table.arena.options import Rules

Array = npt.NDArray[Any]
Actions = spaces.Discrete[np.int64]
Observations = spaces.Space[dict[str, Array]]
"""What a `Dict` space holds; Gymnasium's own annotation of Dict says something else."""
_Parts = dict[str, spaces.Space[Array]]


def move_actions() -> Actions:
    """The 156 micro-moves."""
    return spaces.Discrete(NUM_ACTIONS)


def play_actions(max_candidates: int) -> Actions:
    """The rows of the candidates."""
    return spaces.Discrete(max_candidates)


def move_observations(coding: Coding, rules: Rules) -> Observations:
    """Observation of `Backgammon-v0`."""
    parts: _Parts = {"observation": coded_positions(coding), "action_mask": _mask(NUM_ACTIONS)}
    return cast(Observations, spaces.Dict(parts | _score(rules)))


def coded_positions(coding: Coding) -> spaces.Space[Array]:
    """The coded position alone."""
    low, high = bounds(coding)
    return spaces.Box(low, high, dtype=np.int8) if coding == "counts" else spaces.Box(low, high, dtype=np.float32)


def play_observations(max_candidates: int, is_padded: bool, rules: Rules) -> Observations:
    """Observation of `BackgammonTurn-v0`."""
    parts: _Parts = {
        "board": count_space((NUM_LOCATIONS,)),
        "dice": spaces.Box(1, 6, (2,), dtype=np.int8),
        "action_mask": _mask(max_candidates),
    }
    if is_padded:
        parts["candidates"] = count_space((max_candidates, NUM_LOCATIONS))
    return cast(Observations, spaces.Dict(parts | _score(rules)))


def _mask(size: int) -> spaces.Space[Array]:
    return spaces.Box(0, 1, (size,), dtype=np.int8)


def count_space(shape: tuple[int, ...]) -> spaces.Space[Array]:
    """Checkers on locations, the opponent's negative."""
    return spaces.Box(-NUM_CHECKERS, NUM_CHECKERS, shape, dtype=np.int8)


def _score(rules: Rules) -> _Parts:
    """A match is won with at most two points more than its length."""
    return {"score": spaces.Box(0, rules.match_length + 2, (2,), dtype=np.int8)} if rules.is_match else {}
