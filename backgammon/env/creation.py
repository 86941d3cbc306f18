"""What `gymnasium.make` and `gymnasium.make_vec` call: environments without the cube, or with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from backgammon.env.cube_env import BackgammonCubeEnv, BackgammonTurnCubeEnv
from backgammon.env.single import BackgammonEnv, BackgammonTurnEnv
from backgammon.env.vector import BackgammonTurnVectorEnv, BackgammonVectorEnv

Env = gymnasium.Env[Any, Any]
VectorEnv = gymnasium.vector.VectorEnv[Any, Any, Any]


def make_moves(cube: bool = False, **arguments: Any) -> Env:
    """`Backgammon-v0`; arguments of `BackgammonEnv`, with the cube of `BackgammonCubeEnv`."""
    return BackgammonCubeEnv(**arguments) if cube else BackgammonEnv(**arguments)


def make_turns(cube: bool = False, **arguments: Any) -> Env:
    """`BackgammonTurn-v0`; arguments of `BackgammonTurnEnv`, with the cube of `BackgammonTurnCubeEnv`."""
    return BackgammonTurnCubeEnv(**arguments) if cube else BackgammonTurnEnv(**arguments)


def make_move_vector(num_envs: int = 1, cube: bool = False, **arguments: Any) -> VectorEnv:
    """`Backgammon-v0` for many games; with the cube Gymnasium's own vectorisation of single ones."""
    if cube:
        return _vectorise(num_envs, BackgammonCubeEnv, **arguments)
    return BackgammonVectorEnv(num_envs, **arguments)


def make_turn_vector(num_envs: int = 1, cube: bool = False, **arguments: Any) -> VectorEnv:
    """`BackgammonTurn-v0` for many games; with the cube Gymnasium's own vectorisation of single ones."""
    if cube:
        return _vectorise(num_envs, BackgammonTurnCubeEnv, **arguments)
    return BackgammonTurnVectorEnv(num_envs, **arguments)


def _vectorise(
    num_envs: int,
    make: Callable[..., Env],
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    max_episode_steps: int | None = None,
    **arguments: Any,
) -> VectorEnv:
    def make_one() -> Env:
        env = make(**arguments)
        return env if max_episode_steps is None else TimeLimit(env, max_episode_steps)

    return SyncVectorEnv([make_one] * num_envs, autoreset_mode=autoreset_mode)


for _creator, _kind in (
    (make_moves, BackgammonEnv),
    (make_turns, BackgammonTurnEnv),
    (make_move_vector, BackgammonVectorEnv),
    (make_turn_vector, BackgammonTurnVectorEnv),
):
    vars(_creator)["metadata"] = _kind.metadata  # Gymnasium reads the render modes there
