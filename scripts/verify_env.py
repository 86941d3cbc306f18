"""Compare the environments with the move generator, with OpenSpiel, and with each other.

    python -m scripts.verify_env [micro] [open_spiel] [trajectories] [--quick]

micro          turns built from masked micro-moves must end in exactly the candidates, on 200,000 (position, dice)
open_spiel     the legal results of 50,000 decisions of random games, both players, every move and every result of a
               game, against OpenSpiel (extra [rl])
trajectories   1,000 games: the same observations, masks, dice and rewards, byte for byte, from the single, the
               vectorised and the PettingZoo environment with the same seeds

Exit code 1 when anything differs; one JSON line for each check.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import click
import gymnasium
import numpy as np
import numpy.typing as npt

from backgammon.env import open_spiel
from backgammon.rules.board import Board, Position
from backgammon.rules.decision import Decision, apply_move
from backgammon.rules.dice import Roll
from backgammon.rules.movegen import legal_candidates
from backgammon.table.arena.micro import NO_OP, NUM_ACTIONS, fill_mask, move_checker
from backgammon.tools.arrays import Boards, Dice, Int8s
from backgammon.tools.jit import kernel
from scripts.program import program
from tests.positions import nasty_decisions, random_play_decisions

CHUNK = 2000


# ---------------------------------------------------------------- micro-moves against whole turns


@kernel
def _expand(states: Int8s, out: Int8s, ends: Int8s, mask: Int8s) -> tuple[int, int]:
    """Play every masked action of every state; gives the numbers of states still in the turn and of ended turns.

    A state is a row of 32: board, larger and smaller die, how often each is left, and two bytes for the position.
    """
    num_out = 0
    num_ends = 0
    for i in range(states.shape[0]):
        state = states[i]
        fill_mask(state[:26], int(state[26]), int(state[27]), int(state[28]), int(state[29]), mask)
        if mask[NO_OP]:
            ends[num_ends] = state
            num_ends += 1
            continue
        for action in range(6, NUM_ACTIONS):
            if not mask[action]:
                continue
            out[num_out] = state
            after = out[num_out]
            move_checker(after[:26], action)
            after[28 if action % 6 + 1 == state[26] else 29] -= 1
            is_won = True
            for k in range(1, 26):
                is_won = is_won and after[k] <= 0
            if is_won or after[28] + after[29] == 0:
                ends[num_ends] = after
                num_ends += 1
            else:
                num_out += 1
    return num_out, num_ends


def distinct(rows: Int8s) -> Int8s:
    """The distinct rows, sorted."""
    if not len(rows):
        return rows
    whole = np.ascontiguousarray(rows).view(f"V{rows.shape[1]}")[:, 0]
    return np.unique(whole).view(np.int8).reshape(-1, rows.shape[1])


def turn_ends(boards: Boards, dice: Dice) -> Int8s:
    """Distinct (board, number of the position) in which turns of masked actions can end, int8[E, 28]."""
    num = len(boards)
    high, low = dice.max(axis=1), dice.min(axis=1)
    is_double = high == low
    states = np.zeros((num, 32), dtype=np.int8)
    states[:, :26] = boards
    states[:, 26], states[:, 27] = high, low
    states[:, 28], states[:, 29] = np.where(is_double, 4, 1), np.where(is_double, 0, 1)
    states[:, 30:] = np.arange(num, dtype=np.int16)[:, None].view(np.int8)
    mask = np.zeros(NUM_ACTIONS, dtype=np.int8)
    found = []
    while len(states):
        out = np.empty((30 * len(states) + 1, 32), dtype=np.int8)
        ends = np.empty_like(out)
        num_out, num_ends = _expand(states, out, ends, mask)
        found.append(distinct(ends[:num_ends]))
        states = distinct(out[:num_out])
    rows = np.concatenate(found)
    return distinct(np.concatenate([rows[:, :26], rows[:, 30:]], axis=1))


def check_micro(num: int) -> dict[str, Any]:
    """Turn ends of micro-moves against `legal_candidates`."""
    half = num // 2
    sources = (random_play_decisions(half, seed=101), nasty_decisions(num - half, seed=102))
    boards = np.concatenate([source[0] for source in sources])
    dice = np.concatenate([source[1] for source in sources])
    differences = 0
    num_ends = 0
    for first in range(0, num, CHUNK):
        part = slice(first, first + CHUNK)
        candidates, offsets = legal_candidates(boards[part], dice[part])
        numbers = np.repeat(np.arange(len(offsets) - 1, dtype=np.int16), np.diff(offsets))
        expected = distinct(np.concatenate([candidates, numbers[:, None].view(np.int8)], axis=1))
        ends = turn_ends(boards[part], dice[part])
        num_ends += len(ends)
        if ends.tobytes() != expected.tobytes():
            both, counts = np.unique(np.concatenate([ends, expected]).view("V28")[:, 0].copy(), return_counts=True)
            wrong = both[counts != 2].view(np.int8).reshape(-1, 28)[:, 26:].copy().view(np.int16)[:, 0]
            differences += len(np.unique(wrong))
    return {"check": "micro", "positions": num, "turn_ends": num_ends, "differences": differences}


# ---------------------------------------------------------------- OpenSpiel


def board_in_open_spiel(state: Any, player: int) -> Board:
    """The board of a player, from OpenSpiel's observation tensor (four units for each point and side)."""
    tensor = np.array(state.observation_tensor(player)).astype(np.int64)
    units = tensor[:192].reshape(2, 24, 4)
    counts = units @ np.array([1, 2, 3, 1]) + 3 * (units[:, :, 3] > 0)
    board = np.zeros(26, dtype=np.int8)
    on_board = counts[0] - counts[1]
    board[1:25] = on_board[::-1] if player == 0 else on_board
    board[25], board[0] = tensor[192], -tensor[195]
    return board


def results_in_open_spiel(state: Any, player: int, board: Board, roll: Roll) -> set[bytes]:
    """Every board at the end of the turn that OpenSpiel's legal actions lead to; both halves of a double."""
    ends: set[bytes] = set()
    halves: dict[bytes, Any] = {}
    for action in state.legal_actions():
        after = board
        for move in open_spiel.decode(action, player, board, roll):
            after = apply_move(after, move)
        if roll.is_double:
            halves.setdefault(after.tobytes(), action)
        else:
            ends.add(after.tobytes())
    for key, action in halves.items():
        child = state.child(action)
        if child.is_terminal() or child.is_chance_node():
            ends.add(key)
        else:
            half = np.frombuffer(key, dtype=np.int8)
            for second in child.legal_actions():
                after = half
                for move in open_spiel.decode(second, player, half, roll):
                    after = apply_move(after, move)
                ends.add(after.tobytes())
    return ends


def check_open_spiel(num: int) -> dict[str, Any]:
    """Legal results, boards along the games and scores of random games."""
    import pyspiel

    rng = np.random.default_rng(7)
    game = pyspiel.load_game("backgammon(scoring_type=full_scoring)")
    decisions = games = differences = 0
    while decisions < num:
        state = game.new_initial_state()
        is_second_half = False
        while not state.is_terminal():
            if state.is_chance_node():
                state.apply_action(int(rng.choice([outcome for outcome, _ in state.chance_outcomes()])))
                is_second_half = False
                continue
            player = state.current_player()
            board = board_in_open_spiel(state, player)
            first, second = (int(die) for die in state.observation_tensor(player)[-2:])
            roll = Roll(max(first, second), min(first, second))
            if not is_second_half:
                decisions += 1
                expected = {row.tobytes() for row in Decision.make(Position(board), roll).candidates}
                differences += results_in_open_spiel(state, player, board, roll) != expected
            action = int(rng.choice(state.legal_actions()))
            moves = open_spiel.decode(action, player, board, roll)
            state.apply_action(action)
            for move in moves:
                board = apply_move(board, move)
            differences += (board_in_open_spiel(state, player) != board).any()
            is_second_half = not state.is_terminal() and not state.is_chance_node()
            if state.is_terminal():
                differences += state.returns()[player] != Position(board).points_won
        games += 1
    return {
        "check": "open_spiel",
        "version": getattr(pyspiel, "__version__", "2.0.2"),
        "decisions": decisions,
        "games": games,
        "differences": int(differences),
    }


# ---------------------------------------------------------------- the faces against each other


def chosen(mask: Int8s, step: int) -> int:
    """A legal action that depends on the mask and the number of the step only."""
    legal = np.flatnonzero(mask)
    return int(legal[(step * 2654435761 + 12345) % 1000003 % len(legal)])


def digest(observation: dict[str, npt.NDArray[Any]], reward: float, dice: Dice, seat: int) -> bytes:
    """One step in bytes."""
    parts = [observation[key].tobytes() for key in sorted(observation)]
    return b"".join([*parts, np.float64(reward).tobytes(), dice.tobytes(), bytes([seat])])


def single_games(name: str, num: int, **arguments: Any) -> list[str]:
    """A hash for each game of the single environment, seeds 0 to num - 1."""
    env: Any = gymnasium.make(f"backgammon.env:{name}", **arguments)
    hashes = []
    for seed in range(num):
        observation, info = env.reset(seed=seed)
        sha, reward, is_over, step = hashlib.sha256(), 0.0, False, 0
        while True:
            sha.update(digest(observation, reward, info["dice"], info["seat"]))
            if is_over:
                break
            observation, reward, is_over, _, info = env.step(chosen(observation["action_mask"], step))
            step += 1
        hashes.append(sha.hexdigest())
    return hashes


def vector_games(name: str, num: int, **arguments: Any) -> list[str]:
    """The same from one vectorised environment; a game that is over is followed no further."""
    envs: Any = gymnasium.make_vec(f"backgammon.env:{name}", num_envs=num, **arguments)
    observations, infos = envs.reset(seed=0)
    shas = [hashlib.sha256() for _ in range(num)]
    rewards, is_over, is_done, step = np.zeros(num), np.zeros(num, bool), np.zeros(num, bool), 0
    while not is_done.all():
        actions = np.zeros(num, dtype=np.int64)
        for i in np.flatnonzero(~is_done):
            observation = {key: values[i] for key, values in observations.items()}
            shas[i].update(digest(observation, rewards[i], infos["dice"][i], int(infos["seat"][i])))
            actions[i] = chosen(observation["action_mask"], step)
        is_done |= is_over
        observations, rewards, is_over, _, infos = envs.step(actions)
        step += 1
    return [sha.hexdigest() for sha in shas]


def pettingzoo_games(num: int) -> list[str]:
    """The same from PettingZoo; the observation is that of the player on roll, at the end of the winner."""
    from backgammon.env import pettingzoo

    env = pettingzoo.raw_env()
    hashes = []
    for seed in range(num):
        env.reset(seed=seed)
        sha, reward, step = hashlib.sha256(), 0.0, 0
        while True:
            agent = env.agent_selection
            observation, info = env.observe(agent), env.infos[agent]
            sha.update(digest(observation, reward, info["dice"], info["seat"]))
            if env.terminations[agent]:
                break
            env.step(chosen(observation["action_mask"], step))
            reward = env.rewards[agent]
            step += 1
        hashes.append(sha.hexdigest())
    return hashes


def check_trajectories(num: int) -> dict[str, Any]:
    """All faces with the same seeds."""
    differences = 0
    pairs: list[tuple[str, dict[str, Any]]] = [
        ("Backgammon-v0", {"opponent": "self"}),
        ("Backgammon-v0", {"opponent": "random"}),
        ("BackgammonTurn-v0", {"opponent": "pipcount", "padded": False, "max_candidates": 4096}),
    ]
    for name, arguments in pairs:
        alone, together = (games(name, num, **arguments) for games in (single_games, vector_games))
        differences += sum(a != b for a, b in zip(alone, together, strict=True))
        if arguments["opponent"] == "self" and find_spec("pettingzoo"):
            differences += sum(a != b for a, b in zip(alone, pettingzoo_games(num), strict=True))
    return {
        "check": "trajectories",
        "games": num,
        "pettingzoo": bool(find_spec("pettingzoo")),
        "differences": differences,
    }


CHECKS: dict[str, tuple[Callable[[int], dict[str, Any]], int]] = {
    "micro": (check_micro, 200_000),
    "open_spiel": (check_open_spiel, 50_000),
    "trajectories": (check_trajectories, 1000),
}


@program(__doc__)
@click.argument("checks", nargs=-1, type=click.Choice(tuple(CHECKS)))
@click.option("--quick", "is_quick", is_flag=True, help="A fiftieth of everything.")
@click.pass_context
def main(ctx: click.Context, checks: tuple[str, ...], is_quick: bool) -> None:
    """Run the checks that were asked for; exit code 1 when anything differs."""
    is_clean = True
    for name, (check, num) in CHECKS.items():
        if checks and name not in checks:
            continue
        if name == "open_spiel" and find_spec("pyspiel") is None:
            print(json.dumps({"check": name, "skipped": "pip install 'pairgammon[peers]'"}))
            continue
        started = time.perf_counter()
        report = check(num // 50 if is_quick else num)
        print(json.dumps(report | {"seconds": round(time.perf_counter() - started, 1)}), flush=True)
        is_clean = is_clean and not report["differences"]
    ctx.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()
