"""Speed of the environments against OpenSpiel and gym-backgammon, random play, one core, one run.

    python -m scripts.bench_env [--games 1024] [--rounds 5] [--json]

Before anything is timed, the vectorised games are compared with single ones. Every round times each row once, in turn;
figures are medians over the rounds. Time is processor time of this process, so that other work on the machine
disturbs little. A turn is one roll of one player; OpenSpiel's decision is half a turn of a double, one turn otherwise.

gym-backgammon (PyPI 0.0.1) is timed when it is installed, if need be with --no-deps: the old `gym` and `pyglet` that it
asks for are not needed, because only the file of its game core and features is loaded.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import click
import gymnasium
import numpy as np

from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.options import Rules, parse_set_up
from backgammon.table.arena.play_games import PlayGames
from scripts.program import program

Work = Callable[[], int]
TURNS_PER_CALL = 300


def compiled_core(num_games: int) -> Work:
    """Whole turns inside one kernel call: dice, all candidates, a uniform choice, the result of the game."""
    games = PlayGames(num_games, resolve_opponent("self"), Rules(), 4096)
    games.seed(np.arange(num_games, dtype=np.uint64))
    set_up = parse_set_up({"random_turns": TURNS_PER_CALL})

    def work() -> int:
        games.start(set_up)
        return num_games * TURNS_PER_CALL

    return work


def batch_of_plays(num_games: int) -> Work:
    """Whole turns, the choice made outside: the batch without Gymnasium."""
    games = PlayGames(num_games, resolve_opponent("self"), Rules(), 4096)
    games.seed(np.arange(num_games, dtype=np.uint64))
    games.start(None)
    rng = np.random.default_rng(1)

    def work() -> int:
        for _ in range(60):
            games.step((rng.random(num_games) * np.diff(games.offsets)).astype(np.int64))
        return 60 * num_games

    return work


def vector_turns(num_games: int, opponent: str, **arguments: Any) -> Work:
    """Whole turns of the agent through `VectorEnv.step`; against "random" the opponent's turns count as well."""
    envs: Any = gymnasium.make_vec(
        "backgammon.env:BackgammonTurn-v0", num_envs=num_games, opponent=opponent, max_candidates=2048, **arguments
    )
    envs.action_space.seed(1)
    rng = np.random.default_rng(1)
    state = {"offsets": envs.reset(seed=1)[1]["candidates"].offsets}

    def work() -> int:
        for _ in range(60):
            actions = (rng.random(num_games) * np.diff(state["offsets"])).astype(np.int64)
            *_, info = envs.step(actions)
            state["offsets"] = info["candidates"].offsets
        return 60 * num_games * (1 if opponent == "self" else 2)

    return work


def vector_moves(num_games: int) -> Work:
    """Micro-moves through `VectorEnv.step`."""
    envs: Any = gymnasium.make_vec("backgammon.env:Backgammon-v0", num_envs=num_games, opponent="self")
    rng = np.random.default_rng(1)
    state = {"mask": envs.reset(seed=1)[1]["action_mask"]}

    def work() -> int:
        noise = rng.random(state["mask"].shape, dtype=np.float32)
        for _ in range(60):
            # the largest noise among the legal actions; rolled along instead of drawn anew, which would take longer
            # than the step that is timed
            actions = (state["mask"] * np.roll(noise, 1, axis=0)).argmax(axis=1)
            *_, info = envs.step(actions)
            state["mask"] = info["action_mask"]
        return 60 * num_games

    return work


def single_moves(opponent: str) -> Work:
    """Micro-moves through Gymnasium's `step`, one game."""
    env: Any = gymnasium.make("backgammon.env:Backgammon-v0", opponent=opponent)
    pick = random.Random(1)
    state = {"mask": env.reset(seed=1)[1]["action_mask"]}

    def work() -> int:
        mask = state["mask"]
        for _ in range(4000):
            legal = mask.nonzero()[0]
            *_, is_over, _, info = env.step(legal[int(pick.random() * len(legal))])
            if is_over:
                _, info = env.reset()
            mask = info["action_mask"]
        state["mask"] = mask
        return 4000

    return work


def single_turns(opponent: str) -> Work:
    """Whole turns through Gymnasium's `step`, one game."""
    env: Any = gymnasium.make("backgammon.env:BackgammonTurn-v0", opponent=opponent, max_candidates=2048, padded=False)
    pick = random.Random(1)
    state = {"num": len(env.reset(seed=1)[1]["candidates"])}

    def work() -> int:
        num = state["num"]
        for _ in range(3000):
            *_, is_over, _, info = env.step(int(pick.random() * num))
            if is_over:
                _, info = env.reset()
            num = len(info["candidates"])
        state["num"] = num
        return 3000

    return work


def open_spiel_decisions() -> Work:
    """Decisions of random games in OpenSpiel from Python: `legal_actions`, a choice, `apply_action`."""
    import pyspiel

    game = pyspiel.load_game("backgammon")
    pick = random.Random(1)

    def work() -> int:
        decisions = 0
        while decisions < 3000:
            state = game.new_initial_state()
            while not state.is_terminal():
                if state.is_chance_node():
                    outcomes = state.chance_outcomes()
                    events, weights = zip(*outcomes, strict=True)
                    state.apply_action(pick.choices(events, weights)[0])
                else:
                    legal = state.legal_actions()
                    state.apply_action(legal[int(pick.random() * len(legal))])
                    decisions += 1
        return decisions

    return work


def gym_backgammon_turns() -> Work:
    """Whole turns of gym-backgammon: its valid plays, a choice, its 198 features."""
    package = find_spec("gym_backgammon")
    assert package is not None
    assert package.submodule_search_locations is not None
    core = Path(next(iter(package.submodule_search_locations))) / "envs" / "backgammon.py"
    spec = spec_from_file_location("gym_backgammon_core", core)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    pick = random.Random(1)

    def work() -> int:
        turns = 0
        while turns < 500:
            game, player = module.Backgammon(), pick.choice((module.WHITE, module.BLACK))
            while game.get_winner() is None:
                first, second = pick.randint(1, 6), pick.randint(1, 6)
                sign = -1 if player == module.WHITE else 1
                plays = game.get_valid_plays(player, (sign * first, sign * second))
                if plays:
                    game.execute_play(player, pick.choice(list(plays)))
                player = game.get_opponent(player)
                game.get_board_features(player)
                turns += 1
        return turns

    return work


def check() -> None:
    """Vectorised and single games must agree before they are timed."""
    envs: Any = gymnasium.make_vec("backgammon.env:BackgammonTurn-v0", num_envs=8, opponent="random")
    _, infos = envs.reset(seed=5)
    singles: list[Any] = [gymnasium.make("backgammon.env:BackgammonTurn-v0", opponent="random") for _ in range(8)]
    for i, env in enumerate(singles):
        env.reset(seed=5 + i)
    for _ in range(10):
        observations, *_, infos = envs.step(np.zeros(8, dtype=np.int64))
        for i, env in enumerate(singles):
            observation, *_ = env.step(0)
            if (observations["board"][i] != observation["board"]).any():
                raise SystemExit("the vectorised and the single environment disagree")
    if len(infos["candidates"]) != 8:
        raise SystemExit("candidates are missing")


def make_rows(num_games: int) -> list[tuple[str, str, Work]]:
    """(name, unit, work) of everything that can be timed here."""
    rows = [
        ("compiled core, random play", "turns", compiled_core(num_games)),
        ("batch of plays, rows from numpy", "turns", batch_of_plays(num_games)),
        (
            "BackgammonTurn-v0 VectorEnv.step, padded=False, self",
            "turns",
            vector_turns(num_games, "self", padded=False),
        ),
        (
            "BackgammonTurn-v0 VectorEnv.step, padded=False, random",
            "turns",
            vector_turns(num_games, "random", padded=False),
        ),
        ("BackgammonTurn-v0 VectorEnv.step, padded, self", "turns", vector_turns(num_games, "self")),
        ("Backgammon-v0 VectorEnv.step, self", "micro-moves", vector_moves(num_games)),
        ("Backgammon-v0 step, self", "micro-moves", single_moves("self")),
        ("Backgammon-v0 step, random", "micro-moves", single_moves("random")),
        ("BackgammonTurn-v0 step, self", "turns", single_turns("self")),
        ("BackgammonTurn-v0 step, random", "steps of two turns", single_turns("random")),
    ]
    if find_spec("pyspiel"):
        rows.append(("OpenSpiel from Python", "decisions", open_spiel_decisions()))
    if find_spec("gym_backgammon"):
        rows.append(("gym-backgammon, core and features", "turns", gym_backgammon_turns()))
    return rows


@program(__doc__)
@click.option("--games", default=1024, show_default=True, help="Games side by side in the vectorised rows.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(games: int, rounds: int, as_json: bool) -> None:
    """Print a table, or JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    check()
    rows = make_rows(games)
    rates: dict[str, list[float]] = {name: [] for name, _, _ in rows}
    for _, _, work in rows:
        work()  # compile, fill caches
    for _ in range(rounds):
        for name, _, work in rows:
            started = time.process_time()
            count = work()
            rates[name].append(count / (time.process_time() - started))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    if as_json:
        print(json.dumps({"machine": platform.processor() or platform.machine(), "games": games, **medians}))
        return
    for name, unit, _ in rows:
        low, high = min(rates[name]), max(rates[name])
        print(f"{name:56} {medians[name]:>12,.0f} {unit}/s   ({low:,.0f} to {high:,.0f})")


if __name__ == "__main__":
    main()
