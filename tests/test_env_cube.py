"""The environments with the doubling cube: whose decisions are asked for, what they are worth, and that the dice are
those of a session."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import backgammon  # noqa: F401 - registers the environments
from backgammon.engine.engine_spec import EngineSpec
from backgammon.env.cube_core import ASKED_TO_ANSWER, ASKED_TO_PLAY, ASKED_TO_ROLL, BEAVER, DOUBLE, DROP, ROLL, TAKE
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules.game import Stage
from backgammon.table.session import CubeRules, Session
from backgammon.tools.errors import ConfigError, GameError, IllegalPlay

IDS = ("Backgammon-v0", "BackgammonTurn-v0")


def make(name: str = IDS[1], **arguments: Any) -> Any:
    return gymnasium.make(name, cube=True, **arguments).unwrapped


def first_play_of(env: Any) -> int:
    """The cube actions stand behind the plays."""
    return int(env.action_space.n) - 5


def play_at_random(env: Any, seed: int, doubles: float = 0.2) -> tuple[list[float], Any]:
    """The rewards of an episode, and its last info; seldom doubled, so that matches have several games."""
    _, info = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    rewards, is_over = [], False
    while not is_over:
        weights = info["action_mask"] * rng.random(len(info["action_mask"]))
        if rng.random() > doubles:
            weights[first_play_of(env) + DOUBLE] = 0.0
        _, reward, terminated, truncated, info = env.step(int(weights.argmax()))
        rewards.append(reward)
        is_over = terminated or truncated
    return rewards, info


@pytest.mark.filterwarnings("ignore:.*not in between -1 and 1.*")
@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("arguments", [{}, {"reward": "mwc", "match_length": 3, "opponent": "self"}, {"beavers": True}])
def test_gymnasiums_own_check_passes(name: str, arguments: dict[str, Any]) -> None:
    check_env(make(name, **arguments), skip_render_check=True)


def test_an_episode_is_a_session_of_the_same_seed() -> None:
    env = make(opponent="self")
    observation, info = env.reset(seed=31)
    session = Session(("a", "b"), 31, cube=CubeRules())
    plays = first_play_of(env)
    rng = np.random.default_rng(5)
    is_over = False
    while not is_over:
        if session.state.stage is Stage.OPENING or (session.state.stage is Stage.ROLL and not session.may_double):
            session.throw_dice()
        assert observation["board"].tolist() == session.board_of(session.state.seat_to_act).board.tolist()
        action = int((info["action_mask"] * rng.random(plays + 5)).argmax())
        action = plays + TAKE if action == plays + DROP else action
        observation, _, is_over, _, info = env.step(action)
        cube = {ROLL: session.throw_dice, DOUBLE: session.double, TAKE: session.take}
        if action < plays:
            session.play(action)
        else:
            cube[action - plays]()
    assert session.num_finished == 1
    assert env.session.score == session.score


@pytest.mark.parametrize("name", IDS)
def test_money_is_paid_with_the_cube(name: str) -> None:
    seen = set()
    for seed in range(25):
        env = make(name, opponent="self")
        rewards, info = play_at_random(env, seed)
        points = env.session.score.points
        assert abs(rewards[-1]) == max(points)
        assert not any(rewards[:-1])
        assert info["points"] == points[0] - points[1]
        seen.add(max(points))
    assert len(seen) > 2


def test_a_drop_pays_the_old_cube_and_a_take_turns_it() -> None:
    env = make(opponent="self")
    plays = first_play_of(env)
    observation, info = env.reset(seed=2)
    observation, _, _, _, info = env.step(0)
    assert observation["stage"] == ASKED_TO_ROLL
    assert np.flatnonzero(info["action_mask"]).tolist() == [plays + ROLL, plays + DOUBLE]
    observation, _, _, _, info = env.step(plays + DOUBLE)
    assert observation["stage"] == ASKED_TO_ANSWER
    assert observation["stakes"].tolist() == [0, 0, 0, 0, 0, 0, 0]
    observation, _, _, _, info = env.step(plays + TAKE)
    assert observation["stakes"].tolist() == [0, 0, 1, -1, 0, 0, 0]  # who rolls has doubled, the other owns the cube
    env.step(0)
    observation, _, _, _, info = env.step(plays + DOUBLE)
    _, reward, terminated, _, _ = env.step(plays + DROP)
    assert (reward, terminated) == (-2.0, True)


def test_beavers_only_where_they_were_agreed() -> None:
    for agreed in (False, True):
        env = make(opponent="self", beavers=agreed)
        plays = first_play_of(env)
        env.reset(seed=2)
        env.step(0)
        _, _, _, _, info = env.step(plays + DOUBLE)
        assert info["action_mask"][plays + BEAVER] == agreed
        if agreed:
            observation, _, _, _, _ = env.step(plays + BEAVER)
            assert observation["stakes"].tolist() == [0, 0, 2, -1, 0, 0, 1]


@pytest.mark.parametrize("name", IDS)
def test_changes_of_the_chance_add_up_to_the_result_of_the_match(name: str) -> None:
    results = set()
    for seed in range(8):
        env = make(name, reward="mwc", match_length=3, opponent="random")
        rewards, info = play_at_random(env, seed)
        has_won = info["points"] > 0
        assert sum(rewards) == pytest.approx((1.0 if has_won else 0.0) - 0.5)
        assert env.session.is_over
        results.add(has_won)
    assert len(results) == 2


def test_a_match_is_won_or_lost_once() -> None:
    env = make(reward="match", match_length=3)
    rewards, info = play_at_random(env, 4)
    assert rewards[-1] == np.sign(info["points"])
    assert not any(rewards[:-1])


def test_the_crawford_game_has_no_cube() -> None:
    env = make(reward="match", match_length=2, opponent="self")
    for seed in range(20):
        _, info = env.reset(seed=seed)
        is_over, was_crawford = False, False
        plays = first_play_of(env)
        while not is_over:
            observation, _, is_over, _, info = env.step(int(info["action_mask"].argmax()))
            if not is_over and env.session.score.is_crawford:
                was_crawford = True
                assert observation["stakes"][4] == 1
                assert not info["action_mask"][plays:].any()
        if was_crawford:
            return
    pytest.fail("no Crawford game was played")


def test_the_engine_doubles_takes_and_drops() -> None:
    done = {"double": 0, "take": 0, "drop": 0}
    adviser = build_engine(EngineSpec())
    for seed in range(12):
        env = make(opponent="engine")
        plays = first_play_of(env)
        observation, info = env.reset(seed=seed)
        is_over = False
        while not is_over:
            if observation["stage"] == ASKED_TO_PLAY:
                action = int(adviser.choose(observation["board"][None], observation["dice"][None])[0])
            elif observation["stage"] == ASKED_TO_ANSWER:
                action = plays + TAKE
                done["double"] += 1
            else:
                verdict = adviser.cube.decide_cube(observation["board"], env.session.stakes)
                action = plays + (DOUBLE if verdict.is_double and (seed % 2 or not verdict.is_take) else ROLL)
            cube = env.session.state.cube
            observation, reward, is_over, _, info = env.step(action)
            if action == plays + DOUBLE:
                is_dropped = is_over and reward == cube
                done["drop" if is_dropped else "take"] += 1
    assert info["action_mask"].any()
    assert all(done.values()), done


def test_other_opponents_take_everything_and_never_double() -> None:
    env = make(opponent="pipcount")
    plays = first_play_of(env)
    for seed in range(4):
        _, info = env.reset(seed=seed)
        is_over = False
        while not is_over:
            assert not info["action_mask"][plays + TAKE]
            wants = plays + DOUBLE if info["action_mask"][plays + DOUBLE] else int(info["action_mask"].argmax())
            _, _, is_over, _, info = env.step(wants)
        assert env.session.state.cube == 2
        assert env.session.state.cube_owner == 1


def test_illegal_actions() -> None:
    env = make(illegal="raise")
    env.reset(seed=1)
    with pytest.raises(IllegalPlay, match="not legal now"):
        env.step(first_play_of(env) + TAKE)
    env = make(illegal="forfeit", reward="mwc", match_length=5)
    env.reset(seed=1)
    _, reward, terminated, _, info = env.step(-1)
    assert (reward, terminated, info["illegal"]) == (-0.5, True, True)
    with pytest.raises(GameError, match="call reset"):
        env.step(0)
    env = make()
    env.reset(seed=1)
    assert env.step(first_play_of(env) + TAKE)[4]["illegal"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reward": "win"}, "give one of points, match, mwc"),
        ({"reward": "match", "jacoby": True}, "belong to money play"),
        ({"reward": "match", "match_length": 0}, "match_length 0"),
        ({"illegal": "ignore"}, "illegal 'ignore'"),
        ({"render_mode": "rgb_array"}, "render_mode"),
        ({"max_candidates": 5000}, "max_candidates"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**arguments)


def test_a_roll_that_is_too_wide_truncates() -> None:
    env = make(max_candidates=20, opponent="self")
    _, info = env.reset(seed=3)
    truncated = terminated = False
    while not (truncated or terminated):
        _, _, terminated, truncated, info = env.step(int(info["action_mask"].argmax()))
    assert truncated
    assert len(info["candidates"]) > 20


def test_text_shows_cube_and_score() -> None:
    env = make(render_mode="ansi", reward="match", match_length=5)
    with pytest.raises(GameError, match="call reset"):
        env.render()
    env.reset(seed=1)
    text = env.render()
    assert "seat 0" in text
    assert "5" in text


def test_vectors_come_from_gymnasium() -> None:
    envs: Any = gymnasium.make_vec(IDS[1], num_envs=3, cube=True, opponent="self", max_episode_steps=9, padded=False)
    _, info = envs.reset(seed=1)
    for _ in range(12):
        observation, _, _, truncations, info = envs.step(info["action_mask"].argmax(axis=1))
        assert observation["stakes"].shape == (3, 7)
    assert truncations is not None
