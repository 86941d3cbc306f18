"""What follows the end of an episode in the vectorised environments, and limits on its length and its candidates."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import backgammon  # noqa: F401 - registers the environments
from backgammon.tools.errors import CandidateOverflow, ConfigError, GameError

IDS = ("Backgammon-v0", "BackgammonTurn-v0")
INFOS = ("action_mask", "seat", "dice", "illegal", "points")
WIDE = np.zeros(26, dtype=np.int8)
WIDE[[24, 20, 16, 13, 8, 6]] = 2, 3, 2, 3, 3, 2
WIDE[1] = -2
MANY_WAYS = {"position": WIDE, "dice": (2, 2)}


def make(name: str, num_envs: int = 4, **arguments: Any) -> Any:
    return gymnasium.make_vec(name, num_envs=num_envs, **arguments)


def legal(info: dict[str, Any], rng: np.random.Generator) -> Any:
    mask = info["action_mask"]
    return (mask * (1 + rng.random(mask.shape))).argmax(axis=1)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("limit", [None, 7])
def test_same_step_is_what_gymnasiums_own_vectorisation_does(name: str, limit: int | None) -> None:
    fast = make(name, autoreset_mode="SAME_STEP", max_episode_steps=limit)
    own: Any = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": AutoresetMode.SAME_STEP}}
    slow = make(name, max_episode_steps=limit, **own)
    assert fast.metadata["autoreset_mode"] is fast.unwrapped.autoreset_mode is AutoresetMode.SAME_STEP
    (_, info), _ = fast.reset(seed=3), slow.reset(seed=3)
    rng = np.random.default_rng(0)
    num_ends = 0
    for _ in range(150 if name == IDS[1] else 300):
        actions = legal(info, rng)
        ours, theirs = fast.step(actions), slow.step(actions)
        for key in theirs[0]:
            assert np.array_equal(ours[0][key], theirs[0][key])
        assert all(np.array_equal(ours[k], theirs[k]) for k in (1, 2, 3))
        info = ours[4]
        assert all(np.array_equal(info[key], theirs[4][key]) for key in INFOS)
        assert ("final_obs" in info) == ("final_obs" in theirs[4])
        if "final_obs" in info:
            ended = theirs[4]["_final_obs"]
            assert np.array_equal(info["_final_obs"], ended)
            for i in np.flatnonzero(ended):
                for key in theirs[0]:
                    assert np.array_equal(info["final_obs"][i][key], theirs[4]["final_obs"][i][key])
            for key in INFOS:
                assert np.array_equal(info["final_info"][key][ended], theirs[4]["final_info"][key][ended])
                assert np.array_equal(info["final_info"][f"_{key}"], theirs[4]["final_info"][f"_{key}"])
            num_ends += int(ended.sum())
    assert num_ends >= 4


@pytest.mark.parametrize("name", IDS)
def test_disabled_games_wait_for_the_mask_of_a_reset(name: str) -> None:
    envs = make(name, autoreset_mode=AutoresetMode.DISABLED, opponent="self", max_episode_steps=60)
    _, info = envs.reset(seed=5)
    rng = np.random.default_rng(1)
    is_over = np.zeros(4, dtype=np.bool_)
    while not is_over.any():
        _, _, terminations, truncations, info = envs.step(legal(info, rng))
        is_over = terminations | truncations
    with pytest.raises(GameError, match="reset_mask"):
        envs.step(legal(info, rng))
    before = envs.unwrapped.games.boards.copy()
    _, info = envs.reset(options={"reset_mask": is_over})
    after = envs.unwrapped.games.boards
    assert np.array_equal(after[~is_over], before[~is_over])
    assert np.array_equal(envs.unwrapped.games.clocks[:, 1], 1 + is_over)
    envs.step(legal(info, rng))


def test_a_masked_reset_with_a_seed_gives_these_games_the_keys_of_a_whole_one() -> None:
    envs, whole = make(IDS[1]), make(IDS[1])
    envs.reset(seed=1)
    mask = np.array([True, False, True, False])
    some, _ = envs.reset(seed=9, options={"reset_mask": mask, "position": "4HPwATDgc/ABMA", "first": 0})
    every, _ = whole.reset(seed=9, options={"position": "4HPwATDgc/ABMA", "first": 0})
    assert np.array_equal(some["dice"][mask], every["dice"][mask])
    assert not np.array_equal(envs.unwrapped.games.clocks[~mask, 0], whole.unwrapped.games.clocks[~mask, 0])


@pytest.mark.parametrize("mask", [[True] * 4, np.ones(3, dtype=np.bool_), np.ones(4), np.zeros(4, dtype=np.bool_)])
def test_a_mask_is_a_bool_for_each_game_and_at_least_one_true(mask: Any) -> None:
    envs = make(IDS[0])
    envs.reset(seed=1)
    with pytest.raises(ConfigError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_the_first_reset_is_of_all_games() -> None:
    with pytest.raises(GameError, match="call reset first"):
        make(IDS[0]).reset(options={"reset_mask": np.array([True, False, False, False])})


@pytest.mark.parametrize("name", IDS)
def test_a_limit_truncates_as_gymnasiums_own_wrapper_does(name: str) -> None:
    fast = make(name, max_episode_steps=5)
    slow = make(name, max_episode_steps=5, vectorization_mode="sync")
    (_, info), _ = fast.reset(seed=2), slow.reset(seed=2)
    rng = np.random.default_rng(2)
    for step in range(1, 40):
        actions = legal(info, rng)
        ours, theirs = fast.step(actions), slow.step(actions)
        assert all(np.array_equal(ours[0][key], theirs[0][key]) for key in theirs[0])
        assert all(np.array_equal(ours[k], theirs[k]) for k in (1, 2, 3)), step
        info = ours[4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"autoreset_mode": "sometimes"}, "give one of NEXT_STEP, SAME_STEP, DISABLED"),
        ({"max_episode_steps": 0}, "max_episode_steps 0"),
        ({"max_episode_steps": 2.5}, "max_episode_steps 2.5"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    for name in IDS:
        with pytest.raises(ConfigError, match=message):
            make(name, **arguments)


def test_a_roll_with_too_many_candidates_truncates_its_game_and_no_other() -> None:
    envs = make(IDS[1], num_envs=50, opponent="self", max_candidates=40)
    _, info = envs.reset(seed=1)
    rng = np.random.default_rng(3)
    num_cut = 0
    for _ in range(80):
        observation, rewards, terminations, truncations, info = envs.step(legal(info, rng))
        assert np.array_equal(info["overflow"] > 40, truncations)
        assert not (rewards[truncations]).any()
        assert not (terminations & truncations).any()
        for i in np.flatnonzero(truncations):
            assert len(info["candidates"][i]) == info["overflow"][i]
            assert np.array_equal(observation["candidates"][i], info["candidates"][i][:40])
            assert observation["action_mask"][i].all()
        num_cut += int(truncations.sum())
    assert num_cut > 10
    assert envs.unwrapped.games.clocks[:, 1].max() > 1  # cut games went on with another episode


def test_the_single_environment_is_truncated_alike() -> None:
    env: Any = gymnasium.make(IDS[1], opponent="self", max_candidates=30)
    _, info = env.reset(seed=1)
    truncated = terminated = False
    while not (truncated or terminated):
        _, reward, terminated, truncated, info = env.step(0)
    assert truncated
    assert reward == 0
    assert info["overflow"] == len(info["candidates"]) > 30
    with pytest.raises(GameError, match="call reset"):
        env.unwrapped.step(0)


def test_without_padding_every_roll_fits() -> None:
    envs = make(IDS[1], num_envs=2, padded=False)
    assert envs.single_action_space.n == 4096
    observation, info = envs.reset(seed=1, options=MANY_WAYS)
    assert observation["action_mask"].sum(axis=1).tolist() == [len(one) for one in info["candidates"]]


def test_a_fixed_roll_with_too_many_is_refused_and_an_exploring_start_takes_another() -> None:
    envs = make(IDS[1], num_envs=30, max_candidates=30, opponent="self")
    with pytest.raises(CandidateOverflow):
        envs.reset(seed=1, options=MANY_WAYS)
    _, info = envs.reset(seed=1, options={"random_turns": 9})
    assert max(len(one) for one in info["candidates"]) <= 30


def test_statistics_wrappers_work_in_every_mode() -> None:
    for mode in ("NEXT_STEP", "SAME_STEP"):
        envs = RecordEpisodeStatistics(make(IDS[1], autoreset_mode=mode, max_episode_steps=12))
        _, info = envs.reset(seed=1)
        rng = np.random.default_rng(4)
        for _ in range(30):
            _, _, _, _, info = envs.step(legal(info, rng))
        assert len(envs.return_queue) >= 4, mode
        assert set(envs.length_queue) <= {12, *range(5, 12)}
