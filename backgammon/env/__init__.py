"""Environments for reinforcement learning: `import backgammon` registers them with Gymnasium.

    import backgammon, gymnasium
    env = gymnasium.make("Backgammon-v0")          # one checker at a time, Discrete(156)
    env = gymnasium.make("BackgammonTurn-v0")      # one turn at a time, choose a resulting position
    env = gymnasium.make("BackgammonTurn-v0", cube=True, reward="mwc")   # with the doubling cube
    envs = gymnasium.make_vec("Backgammon-v0", num_envs=4096)
    env = backgammon.env.pettingzoo.env()                         # two agents, PettingZoo AEC

`Planner` is for search: chance outcomes, afterstates, apply and undo. `docs/environments.md` explains everything.
"""

from __future__ import annotations

from backgammon.env.candidates import Candidates, RaggedCandidates
from backgammon.env.cube_env import BackgammonCubeEnv, BackgammonTurnCubeEnv
from backgammon.env.planner import ChanceOutcome, Planner
from backgammon.env.raster import encode_png
from backgammon.env.single import BackgammonEnv, BackgammonTurnEnv
from backgammon.env.vector import BackgammonTurnVectorEnv, BackgammonVectorEnv
from backgammon.evaluation.player import Player
from backgammon.table.arena.opponents import hand_in_engine, register_opponent

__all__ = [
    "BackgammonCubeEnv",
    "BackgammonEnv",
    "BackgammonTurnCubeEnv",
    "BackgammonTurnEnv",
    "BackgammonTurnVectorEnv",
    "BackgammonVectorEnv",
    "Candidates",
    "ChanceOutcome",
    "Planner",
    "RaggedCandidates",
    "encode_png",
    "register_opponent",
]


def _make_engine() -> Player:
    """The engine that ships, as `pairgammon duel model` plays."""
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.learner.net.engine_builder import build_engine

    return build_engine(EngineSpec()).player


hand_in_engine(_make_engine)
