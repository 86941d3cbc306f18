"""The PettingZoo face: its contract, and the same games as the other faces."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest

from backgammon.rules.board import START
from backgammon.table.arena.micro import NO_OP
from backgammon.tools.errors import ConfigError, GameError, IdError, IllegalPlay

pytest.importorskip("pettingzoo")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its tests import pygame, which warns about its own use of pkg_resources
    from pettingzoo.test import api_test, render_test, seed_test

from backgammon.env import pettingzoo, render

ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"reward": "points", "observation": "units"},
    {"reward": "match", "match_length": 2},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_api_test_passes(arguments: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # PettingZoo warns of dictionaries unless the environment is one of its own seven board games
        warnings.filterwarnings("ignore", "Observation is not a NumPy array", UserWarning)
        warnings.filterwarnings("ignore", "Observation space for each agent probably", UserWarning)
        api_test(pettingzoo.env(**arguments), num_cycles=300)


def test_api_test_has_nothing_to_say_to_plain_observations() -> None:
    api_test(pettingzoo.env(is_dict=False), num_cycles=300)


def test_seed_test_passes() -> None:
    seed_test(pettingzoo.env, num_cycles=200)


def test_render_test_passes_in_every_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(render, "RENDER_FPS", 0)  # nobody watches: do not wait
    render_test(pettingzoo.env)


def test_both_players_are_rewarded_at_the_end_and_then_leave() -> None:
    env = pettingzoo.env(reward="points")
    env.reset(seed=3)
    rng = np.random.default_rng(0)
    rewards: dict[str, float] = {}
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        assert not truncated
        if terminated:
            rewards[agent] = reward
            env.step(None)
        else:
            assert reward == 0
            env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))
    assert sorted(rewards) == ["player_0", "player_1"]
    assert rewards["player_0"] == -rewards["player_1"]
    assert abs(rewards["player_0"]) in (1, 2, 3)
    assert env.agents == []


def test_the_player_that_waits_sees_its_own_side_no_dice_and_only_the_no_op() -> None:
    env = pettingzoo.raw_env()
    env.reset(seed=1, options={"first": 1})
    assert env.agent_selection == "player_1"
    waiting, acting = env.observe("player_0"), env.observe("player_1")
    assert waiting["observation"][:24].tolist() == START[24:0:-1].tolist() == acting["observation"][:24].tolist()
    assert not waiting["observation"][28:].any()
    assert acting["observation"][28:].sum() == 2
    assert np.flatnonzero(waiting["action_mask"]).tolist() == [NO_OP]
    assert env.infos["player_1"]["action_mask"].sum() > 1


@pytest.mark.parametrize("seed", range(3))
def test_goes_the_same_way_as_the_single_environment(seed: int) -> None:
    single: Any = gymnasium.make("backgammon.env:Backgammon-v0", opponent="self")
    double = pettingzoo.env()
    observation, info = single.reset(seed=seed)
    double.reset(seed=seed)
    rng = np.random.default_rng(seed)
    terminated = False
    while not terminated:
        seen, *_, report = double.last()
        assert double.agent_selection == f"player_{info['seat']}"
        assert all((seen[key] == observation[key]).all() for key in observation)
        assert (report["dice"] == info["dice"]).all()
        action = int(rng.choice(np.flatnonzero(observation["action_mask"])))
        observation, reward, terminated, _, info = single.step(action)
        double.step(action)
    assert double.rewards[f"player_{info['seat']}"] == reward == 1


def test_illegal_actions_and_set_ups_are_those_of_the_single_environment() -> None:
    env = pettingzoo.raw_env(illegal="raise")
    env.reset(options={"dice": (6, 5), "unknown to us": 1})
    with pytest.raises(IllegalPlay, match="legal are"):
        env.step(3)
    with pytest.raises(GameError, match="whole number"):
        env.step(0.5)  # type: ignore[arg-type]
    with pytest.raises(IdError):
        env.reset(options={"position": "4HPwATDgc/ABM"})
    with pytest.raises(ConfigError, match="reward"):
        pettingzoo.env(reward="cash")
    with pytest.raises(GameError, match="in turns"):
        pettingzoo.parallel_env()
