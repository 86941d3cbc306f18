"""Environments for reinforcement learning: importing this package registers them with Gymnasium.

    import gymnasium
    env = gymnasium.make("backgammon.env:Backgammon-v0")          # one checker at a time, Discrete(156)
    env = gymnasium.make("backgammon.env:BackgammonTurn-v0")      # one turn at a time, choose a resulting position
    envs = gymnasium.make_vec("backgammon.env:Backgammon-v0", num_envs=4096)
    env = backgammon.env.pettingzoo.env()                         # two agents, PettingZoo AEC

`Planner` is for search: chance outcomes, afterstates, apply and undo. `docs/environments.md` explains everything.
"""

from __future__ import annotations

import gymnasium

from backgammon.env.candidates import Candidates, RaggedCandidates
from backgammon.env.planner import ChanceOutcome, Planner
from backgammon.env.raster import encode_png
from backgammon.env.single import BackgammonEnv, BackgammonTurnEnv
from backgammon.env.vector import BackgammonTurnVectorEnv, BackgammonVectorEnv
from backgammon.table.arena.opponents import register_opponent

__all__ = [
    "BackgammonEnv",
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


def _register(name: str, single: str, vector: str) -> None:
    if name not in gymnasium.registry:
        gymnasium.register(
            id=name,
            entry_point=f"backgammon.env.single:{single}",
            vector_entry_point=f"backgammon.env.vector:{vector}",
        )


_register("Backgammon-v0", "BackgammonEnv", "BackgammonVectorEnv")
_register("BackgammonTurn-v0", "BackgammonTurnEnv", "BackgammonTurnVectorEnv")
