"""The Gymnasium faces: their contracts, set-ups, illegal actions, vectorised stepping."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

import backgammon.env
from backgammon.notation import position_id
from backgammon.rules.board import START, Position, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.table.arena.micro import encode_action
from backgammon.tools.errors import ConfigError, DiceError, GameError, IdError, IllegalPlay, PositionError

MOVES, TURNS = "Backgammon-v0", "BackgammonTurn-v0"
IDS = [MOVES, TURNS]
XGID = "XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10"


def make(name: str, **arguments: Any) -> Any:
    return gymnasium.make(f"backgammon.env:{name}", **arguments)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"opponent": "self"},
        {"opponent": "pipcount", "reward": "points"},
        {"reward": "match", "match_length": 3},
        {"illegal": "forfeit"},
        {"render_mode": "ansi"},
        {"render_mode": "rgb_array"},
        {"render_mode": "human"},
    ],
    ids=str,
)
def test_check_env_has_nothing_to_say(name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(backgammon.env.render, "RENDER_FPS", 0)  # nobody watches: do not wait
    env = make(name, **arguments)
    check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize(("name", "arguments"), [(MOVES, {"observation": "units"}), (TURNS, {"padded": False})])
def test_check_env_has_nothing_to_say_to_the_other_observations(name: str, arguments: dict[str, Any]) -> None:
    check_env(make(name, **arguments).unwrapped)


def test_the_short_name_works_after_the_import() -> None:
    code = "import gymnasium, backgammon.env; print(gymnasium.make('Backgammon-v0').unwrapped)"
    assert (
        "Backgammon" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize("name", IDS)
def test_every_chapter_of_gymnasium_is_in_the_docstring(name: str) -> None:
    text = make(name).unwrapped.__doc__
    for chapter in (
        "Description",
        "Action Space",
        "Observation Space",
        "Starting State",
        "Rewards",
        "Episode End",
        "Information",
        "Arguments",
        "References",
        "Version History",
    ):
        assert f"## {chapter}" in text


@pytest.mark.parametrize("name", IDS)
def test_a_random_agent_finishes_games_with_masked_actions(name: str) -> None:
    env = make(name)
    env.action_space.seed(1)
    env.reset(seed=1)
    for _ in range(3):
        observation, _ = env.reset()
        terminated = False
        while not terminated:
            assert observation in env.observation_space
            action = env.action_space.sample(observation["action_mask"])
            observation, reward, terminated, truncated, info = env.step(action)
            assert (reward != 0) == terminated
            assert not truncated
            assert not info["illegal"]
            assert info["action_mask"].any()
            assert (env.unwrapped.action_masks() == info["action_mask"]).all()
        assert abs(info["points"]) in (1, 2, 3)
        assert np.sign(info["points"]) == reward
        with pytest.raises(GameError, match="call reset"):
            env.step(0)


@pytest.mark.parametrize("name", IDS)
def test_masks_can_be_asked_for_before_the_first_reset(name: str) -> None:
    assert np.flatnonzero(make(name).unwrapped.action_masks()).tolist() == [0]


@pytest.mark.parametrize("name", IDS)
def test_a_copy_of_an_environment_goes_on_by_itself(name: str) -> None:
    env = make(name).unwrapped
    env.reset(seed=3)
    env.step(0)
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    expected = [env.step(0) for _ in range(5)]
    for other in copies:
        for observation, reward, terminated, _, _ in expected:
            again, same_reward, same_end, _, _ = other.step(0)
            assert all((again[key] == observation[key]).all() for key in observation)
            assert (same_reward, same_end) == (reward, terminated)


def test_the_engine_plays_when_it_is_called_by_name() -> None:
    env = make(TURNS, opponent="engine")
    observation, _ = env.reset(seed=1)
    for _ in range(5):
        observation, *_ = env.step(0)
    assert (observation["board"] != START).any()


def test_ten_thousand_games_side_by_side() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{MOVES}", num_envs=10_000)
    _, info = envs.reset(seed=1)
    assert len({dice.tobytes() for dice in info["dice"]}) == 21  # opening rolls, and those after the opponent's start
    for _ in range(3):
        _, _, _, _, info = envs.step(info["action_mask"].argmax(axis=1))
    assert not info["illegal"].any()


def test_a_position_can_be_set_up_from_ids_arrays_and_positions() -> None:
    env = make(TURNS, opponent="self")
    asked: list[dict[str, Any]] = [
        {"position": XGID},
        {"position": position_id(Position.start()), "dice": "31"},
        {"position": START, "dice": (1, 3)},
        {"position": Position.start(), "dice": [3, 1], "first": 0},
        {"dice": (3, 1)},
    ]
    for options in asked:
        observation, info = env.reset(options=options)
        assert (observation["board"] == START).all()
        assert info["dice"].tolist() == [3, 1]
        assert info["seat"] == 0
        assert len(info["candidates"]) == 16
    top = XGID.replace(":0:0:1:31", ":0:0:-1:52")
    assert env.reset(options={"position": top})[1]["seat"] == 1
    assert env.reset(options={"position": top, "first": 0})[1]["seat"] == 0


@pytest.mark.parametrize("opponent", ["random", "pipcount"])
def test_an_opponent_that_is_on_roll_in_the_set_up_plays_first(opponent: str) -> None:
    env = make(TURNS, opponent=opponent)
    observation, info = env.reset(options={"position": XGID.replace(":0:0:1:31", ":0:0:-1:52")})
    assert info["seat"] == 0
    replies, _ = legal_candidates(START[None], np.array([[5, 2]], dtype=np.int8))
    assert observation["board"].tolist() in swap(replies).tolist()


def test_first_chooses_the_seat_and_leaves_the_opening_roll_to_chance() -> None:
    env = make(TURNS, opponent="self")
    env.reset(seed=4)
    for first in (0, 1):
        for _ in range(20):
            _, info = env.reset(options={"first": first})
            assert info["seat"] == first
            assert info["dice"][0] != info["dice"][1]


def test_a_set_up_position_may_begin_with_a_double() -> None:
    env = make(TURNS, opponent="self")
    board = START.copy()
    board[[24, 23]] = 1, 1
    doubles = [env.reset(seed=s, options={"position": board})[1]["dice"].tolist() for s in range(60)]
    assert any(a == b for a, b in doubles)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"position": "4HPwATDgc/ABMZ!"}, IdError, "ABMZ"),
        ({"position": "XGID=-b----E-C---eE---c-e----B:0:0:1:31:0:0:0:0:10"}, IdError, "25 characters"),
        ({"position": "XGID=-b----F-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10"}, IdError, "16 checkers"),
        ({"position": "XGID=-b----E-C---eE---c-e----B-:0:0:1:D:0:0:0:0:10"}, IdError, "double"),
        ({"position": Position([0] * 25 + [1])}, PositionError, "over"),
        ({"position": 7}, ConfigError, "position"),
        ({"dice": (0, 7)}, DiceError, "1 to 6"),
        ({"dice": 5}, DiceError, "two numbers"),
        ({"first": 2}, ConfigError, "first"),
        ({"random_turns": -1}, ConfigError, "random_turns"),
        ({"positon": XGID}, ConfigError, "positon"),
    ],
)
def test_a_wrong_set_up_says_what_is_wrong_and_changes_nothing(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    env = make(TURNS)
    env.reset(seed=2)
    with pytest.raises(error, match=text):
        env.reset(seed=99, options=options)
    after, _, _, _, _ = env.step(0)
    env.reset(seed=2)
    again, _, _, _, _ = env.step(0)
    assert all((after[key] == again[key]).all() for key in after)


@pytest.mark.filterwarnings("ignore:.*render_mode:UserWarning")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (MOVES, {"reward": "cash"}),
        (MOVES, {"illegal": "ignore"}),
        (MOVES, {"observation": "pixels"}),
        (MOVES, {"match_length": 0}),
        (MOVES, {"match_length": 1.5}),
        (MOVES, {"render_mode": "vr"}),
        (MOVES, {"opponent": "nobody"}),
        (TURNS, {"max_candidates": 0}),
        (TURNS, {"max_candidates": 10**6}),
    ],
)
def test_wrong_arguments_are_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="give"):
        make(name, **arguments)


@pytest.mark.parametrize("name", IDS)
def test_an_illegal_action_is_replaced_by_the_first_legal_one_and_reported(name: str) -> None:
    env, other = make(name, opponent="self"), make(name, opponent="self")
    for wrong in (3, -1, 10**30, 155 if name == MOVES else 1000):
        env.reset(seed=6, options={"dice": (3, 1)})
        _, info = other.reset(seed=6, options={"dice": (3, 1)})
        seen, *_, report = env.step(wrong if name == MOVES else max(wrong, 500) if wrong > 0 else wrong)
        expected, *_, quiet = other.step(int(info["action_mask"].argmax()))
        assert report["illegal"]
        assert not quiet["illegal"]
        assert all((seen[key] == expected[key]).all() for key in seen)


def test_illegal_raise_says_why_and_changes_nothing() -> None:
    env = make(MOVES, opponent="self", illegal="raise")
    env.reset(seed=1, options={"dice": (6, 5)})
    for action, why in (
        (0, "passing"),
        (4, "stands for nothing"),
        (encode_action(13, 3), "no 3 left"),
        (encode_action(10, 6), "no checker"),
        (encode_action(24, 5), "no legal play"),
        (400, "does not exist"),
    ):
        with pytest.raises(IllegalPlay, match=why):
            env.step(action)
    assert (env.unwrapped.position.board == START).all()
    env.step(encode_action(24, 6))
    turn = make(TURNS, illegal="raise")
    turn.reset(seed=1)
    with pytest.raises(IllegalPlay, match="does not exist"):
        turn.step(900)


@pytest.mark.parametrize("action", [1.5, "3", None, np.array([1, 2])])
def test_an_action_that_is_no_whole_number_is_refused(action: Any) -> None:
    env = make(MOVES)
    env.reset(seed=1)
    with pytest.raises(GameError, match="whole number"):
        env.unwrapped.step(action)


def test_rendering_needs_a_mode_and_a_game() -> None:
    with pytest.raises(GameError, match="call reset"):
        make(MOVES, render_mode="ansi").unwrapped.render()
    silent = make(MOVES)
    silent.reset()
    with pytest.raises(GameError, match="render_mode"):
        silent.unwrapped.render()


@pytest.mark.parametrize("name", IDS)
def test_make_vec_finds_the_batch_environment(name: str) -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{name}", num_envs=5)
    assert type(envs.unwrapped).__name__.endswith("VectorEnv")
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observation, info = envs.reset(seed=8)
    assert observation in envs.observation_space
    assert observation["action_mask"].shape == info["action_mask"].shape
    for _ in range(5):
        observation, rewards, terminations, truncations, info = envs.step(info["action_mask"].argmax(axis=1))
        assert observation in envs.observation_space
        assert (rewards.dtype, terminations.dtype, truncations.dtype) == (np.float64, np.bool_, np.bool_)


@pytest.mark.parametrize("name", IDS)
def test_the_batch_and_gymnasiums_own_vectorisation_see_the_same(name: str) -> None:
    fast: Any = gymnasium.make_vec(f"backgammon.env:{name}", num_envs=4)
    slow: Any = gymnasium.make_vec(f"backgammon.env:{name}", num_envs=4, vectorization_mode="sync")
    pairs = [fast.reset(seed=3), slow.reset(seed=3)]
    rng = np.random.default_rng(0)
    num_ends = 0
    for _ in range(600 if name == MOVES else 250):
        for key in pairs[0][0]:
            assert np.array_equal(pairs[0][0][key], pairs[1][0][key])
        mask = pairs[0][-1]["action_mask"]
        actions = (mask * rng.random(mask.shape)).argmax(axis=1)
        steps = [fast.step(actions), slow.step(actions)]
        for k in (1, 2, 3):
            assert np.array_equal(steps[0][k], steps[1][k])
        for key in ("action_mask", "seat", "dice", "illegal", "points"):
            assert np.array_equal(steps[0][4][key], steps[1][4][key])
        num_ends += int(steps[0][2].sum())
        pairs = [(step[0], step[4]) for step in steps]
    assert num_ends >= 4


def test_ragged_candidates_are_the_exact_lists() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{TURNS}", num_envs=6)
    observation, info = envs.reset(seed=1)
    ragged = info["candidates"]
    assert len(ragged) == 6
    for i, candidates in enumerate(ragged):
        assert (observation["candidates"][i, : len(candidates)] == candidates).all()
        assert not observation["candidates"][i, len(candidates) :].any()
        assert observation["action_mask"][i].sum() == len(candidates)
    assert (ragged[-1] == ragged[5]).all()
    assert len(ragged[1:3]) == 2
    with pytest.raises(IndexError):
        ragged[6]


def test_what_was_handed_out_is_not_changed_by_later_steps() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{TURNS}", num_envs=3)
    observation, info = envs.reset(seed=1)
    kept = {key: values.copy() for key, values in observation.items()}
    rows = info["candidates"].rows.copy()
    for _ in range(3):
        envs.step(np.zeros(3, dtype=np.int64))
    assert all((observation[key] == kept[key]).all() for key in kept)
    assert (info["candidates"].rows == rows).all()


def test_seeds_may_be_given_for_each_game() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{TURNS}", num_envs=3)
    same, _ = envs.reset(seed=10)
    listed, _ = envs.reset(seed=[10, 11, 12])  # type: ignore[arg-type]
    assert (same["dice"] == listed["dice"]).all()
    with pytest.raises(ConfigError, match="2 seeds for 3 games"):
        envs.reset(seed=[1, 2])  # type: ignore[arg-type]
    envs.reset(seed=[1, None, 2])  # type: ignore[arg-type]
    episodes = [envs.reset()[0]["dice"] for _ in range(8)]
    assert len({dice.tobytes() for dice in episodes}) > 1


@pytest.mark.parametrize("actions", [np.zeros(2, dtype=np.int64), np.zeros(3), np.zeros((3, 1), dtype=np.int64)])
def test_actions_of_a_batch_are_one_whole_number_for_each_game(actions: Any) -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{MOVES}", num_envs=3)
    with pytest.raises(GameError, match="call reset"):
        envs.step(np.zeros(3, dtype=np.int64))
    envs.reset()
    with pytest.raises(GameError, match="give 3 whole numbers"):
        envs.step(actions)


def test_an_illegal_action_in_a_batch_raises_before_any_game_moves() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{MOVES}", num_envs=3, opponent="self", illegal="raise")
    _, info = envs.reset(seed=1)
    before = envs.unwrapped.games.boards.copy()  # type: ignore[attr-defined]
    actions = info["action_mask"].argmax(axis=1)
    actions[2] = 5
    with pytest.raises(IllegalPlay, match="game 2"):
        envs.step(actions)
    assert (envs.unwrapped.games.boards == before).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", IDS)
def test_episode_statistics_of_gymnasium_work(name: str) -> None:
    envs = RecordEpisodeStatistics(gymnasium.make_vec(f"backgammon.env:{name}", num_envs=2))
    _, info = envs.reset(seed=1)
    for _ in range(2000):
        _, rewards, _, _, info = envs.step(info["action_mask"].argmax(axis=1))
        if "episode" in info:
            ended = info["_episode"]
            assert (info["episode"]["r"][ended] == rewards[ended]).all()
            return
    pytest.fail("no episode was recorded")


def test_infos_can_be_turned_into_a_list() -> None:
    envs = DictInfoToList(gymnasium.make_vec(f"backgammon.env:{MOVES}", num_envs=2))
    _, infos = envs.reset(seed=1)
    assert [sorted(info) for info in infos] == [["action_mask", "dice", "illegal", "points", "seat"]] * 2


@pytest.mark.parametrize("num_envs", [0, -1, 2.5, True])
def test_a_batch_has_at_least_one_game(num_envs: Any) -> None:
    with pytest.raises(ConfigError, match="num_envs"):
        backgammon.env.BackgammonVectorEnv(num_envs)
    with pytest.raises(ConfigError, match="num_envs"):
        backgammon.env.BackgammonTurnVectorEnv(num_envs)


def test_vectorised_render_gives_a_frame_of_each_game() -> None:
    envs = gymnasium.make_vec(f"backgammon.env:{MOVES}", num_envs=2, render_mode="ansi")
    envs.reset(seed=1)
    frames = envs.render()
    assert frames is not None
    assert len(frames) == 2
    assert all("pips" in str(frame) for frame in frames)
