"""A comparison learner on BackgammonTurn-v0 in a hundred lines: watch an expert choose, learn to prefer the same.

    python -m scripts.learn_by_comparison [--expert engine] [--minutes 3] [--out docs/comparison-learner.jsonl]

A network f scores positions after a play. The probability that a is preferred to b is sigma(f(a) - f(b)); of every
decision that the expert makes, its choice is compared with each of the other candidates, and every decision weighs the
same (after Tesauro 1988). The expert plays both seats of many games at once; the learner only watches. Each line of the
curve: how often it would have chosen as the expert did, in decisions it has not been trained on, and the share of games
that it wins against `random` and against `pipcount`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import gymnasium
import numpy as np
import torch
from torch import nn

from backgammon.evaluation.player import RandomPlayer
from backgammon.rules import ragged
from backgammon.table.arena.encoding import NUM_UNITS, write_units
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.table.arena.turns import NUM_REGISTERS
from backgammon.tools.arrays import Boards, Int64s
from scripts.program import program

NUM_GAMES, EVALUATION_GAMES = 256, 1000


def coded(positions: Boards) -> torch.Tensor:
    """The units of positions int8[M, 26], without dice: float32[M, 202]."""
    units = np.empty((len(positions), NUM_UNITS), dtype=np.float32)
    no_dice = np.zeros((len(positions), NUM_REGISTERS), dtype=np.int8)
    write_units(positions, no_dice, units)
    return torch.from_numpy(units)


def best_by(network: nn.Module, candidates: Any) -> Int64s:
    """The row that the network likes best in each game of `info["candidates"]`."""
    with torch.no_grad():
        scores = network(coded(candidates.rows))[:, 0].numpy()
    return ragged.best(scores, candidates.offsets)


def comparison_loss(network: nn.Module, candidates: Any, chosen: Int64s) -> torch.Tensor:
    """Mean of -log sigma(f(chosen) - f(other)) over the others of a decision, then over the unforced decisions."""
    sizes = np.diff(candidates.offsets)
    scores = network(coded(candidates.rows))[:, 0]
    first = torch.from_numpy(candidates.offsets[:-1] + chosen)
    margins = torch.repeat_interleave(scores[first], torch.from_numpy(sizes)) - scores
    weights = torch.from_numpy(np.repeat(1.0 / np.maximum(1, sizes - 1), sizes)).float()
    weights[first] = 0.0  # the choice is not compared with itself
    return (weights * nn.functional.softplus(-margins)).sum() / max(1, int((sizes > 1).sum()))


def share_won(network: nn.Module, opponent: str) -> float:
    """Share of games that the network wins."""
    envs: Any = make(EVALUATION_GAMES, opponent)
    _, info = envs.reset(seed=10_000_000)
    won = np.zeros(EVALUATION_GAMES)
    while not won.all():
        _, rewards, _, _, info = envs.step(best_by(network, info["candidates"]))
        won = np.where(won == 0, rewards, won)
    return float((won > 0).mean())


def make(num_games: int, opponent: str) -> Any:
    """Many games; the candidates come in `info` only."""
    return gymnasium.make_vec(
        "backgammon.env:BackgammonTurn-v0", num_envs=num_games, opponent=opponent, padded=False, max_candidates=4096
    )


@program(__doc__)
@click.option("--expert", default="engine", help="Any opponent that environments know, for instance pipcount.")
@click.option("--minutes", default=3.0, show_default=True)
@click.option("--every", default=200, show_default=True, help="Steps between evaluations.")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("docs/comparison-learner.jsonl"), show_default=True
)
def main(expert: str, minutes: float, every: int, seed: int, out: Path) -> None:
    """Watch, learn, print the curve."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    watched = resolve_opponent(expert).player or RandomPlayer()
    network = nn.Sequential(nn.Linear(NUM_UNITS, 64), nn.ReLU(), nn.Linear(64, 1, bias=False))
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    envs = make(NUM_GAMES, "self")
    observation, info = envs.reset(seed=seed, options={"random_turns": 4})
    in_play = np.ones(NUM_GAMES, dtype=np.bool_)
    lines: list[str] = []
    agreed, decisions, started, step = 0, 0, time.perf_counter(), 0
    while True:
        chosen = np.zeros(NUM_GAMES, dtype=np.int64)  # where a game has just ended nobody has to choose
        boards, dice = observation["board"][in_play], observation["dice"][in_play]
        chosen[in_play] = watched.choose(boards, dice, np.zeros(len(boards), dtype=np.uint64))
        is_choice = np.diff(info["candidates"].offsets) > 1
        agreed += int((best_by(network, info["candidates"]) == chosen)[is_choice].sum())  # before it is learnt from
        decisions += int(is_choice.sum())
        optimizer.zero_grad()
        comparison_loss(network, info["candidates"], chosen).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        observation, _, has_ended, _, info = envs.step(chosen)
        in_play = ~has_ended
        step += 1
        if step % every == 0:
            seconds = time.perf_counter() - started
            figures = {"decisions": step * NUM_GAMES, "seconds": round(seconds, 1), "agreement": agreed / decisions}
            figures |= {f"wins_against_{name}": share_won(network, name) for name in ("random", "pipcount")}
            lines.append(json.dumps({key: round(value, 4) for key, value in figures.items()}))
            print(lines[-1], flush=True)
            out.write_text("\n".join(lines) + "\n")
            agreed = decisions = 0
            if seconds > 60 * minutes:
                return


if __name__ == "__main__":
    main()
