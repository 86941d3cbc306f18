"""Train MaskablePPO of sb3-contrib on Backgammon-v0, from zero, against the opponent that plays at random.

    python -m scripts.train_maskable_ppo [--minutes 30] [--until 0.9] [--out docs/maskable-ppo.jsonl]

Needs the extra [rl]. Nothing of the game is built in but the rules: the network sees the board (202 units), the reward
is +1 or -1 at the end of a game. Every few updates 2,000 games are played greedily against the same opponent with other
dice; each gives one line of the curve. Stops after `--minutes`, or when the win rate has reached `--until`.

`SteppedByBatch` is the bridge from a Gymnasium VectorEnv to the VecEnv that stable-baselines3 wants.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import gymnasium
import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from backgammon.tools.intervals import estimate_rate
from scripts.program import program

EVALUATION_GAMES = 2000
EVALUATION_SEED = 10_000_000
Array = npt.NDArray[Any]


class SteppedByBatch(VecEnv):  # type: ignore[misc, unused-ignore]
    """A vectorised Backgammon-v0 as stable-baselines3 sees it: plain observations, masks from `action_masks`.

    The batch resets a finished game in the NEXT step (stable-baselines3 expects it in the same one), so every episode
    begins with one step in which only the no-op is legal and nothing is won. It costs one step in a hundred and teaches
    nothing wrong: the value of a finished position becomes that of a new game.
    """

    def __init__(self, num_games: int, opponent: str, seed: int) -> None:
        self.envs: Any = gymnasium.make_vec(
            "backgammon.env:Backgammon-v0", num_envs=num_games, opponent=opponent, observation="units"
        )
        space: Any = self.envs.single_observation_space
        super().__init__(num_games, space["observation"], self.envs.single_action_space)
        self._next_seed: int | None = seed
        self._actions: Array = np.zeros(num_games, dtype=np.int64)
        self._masks: Array = np.zeros((num_games, 156), dtype=np.bool_)

    def reset(self) -> Array:
        """The first observations of every game."""
        observation, _ = self.envs.reset(seed=self._next_seed)
        self._next_seed = None
        return self._keep(observation)

    def step_async(self, actions: Array) -> None:
        """Remember the actions."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """One step in every game."""
        observation, rewards, terminations, _, _ = self.envs.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        kept = self._keep(observation)
        for i in np.flatnonzero(terminations):
            infos[i]["terminal_observation"] = kept[i]
        return kept, rewards.astype(np.float32), terminations, infos

    def _keep(self, observation: dict[str, Array]) -> Array:
        self._masks = observation["action_mask"] == 1
        return observation["observation"]

    def env_method(self, method_name: str, *_args: Any, indices: Any = None, **_kwargs: Any) -> list[Any]:
        """`action_masks` is the only method that anybody calls."""
        if method_name != "action_masks":
            raise AttributeError(method_name)
        return [self._masks[i] for i in self._indices(indices)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Attributes of the batch, once for each game."""
        value = self.env_method if attr_name == "action_masks" else getattr(self.envs, attr_name)
        return [value for _ in self._indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ARG002 - their signature
        """Set an attribute of the batch."""
        setattr(self.envs, attr_name, value)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002 - their signature
        """No game is wrapped."""
        return [False for _ in self._indices(indices)]

    def close(self) -> None:
        """Close the batch."""
        self.envs.close()

    def _indices(self, indices: int | Iterable[int] | None) -> Iterable[int]:
        if indices is None:
            return range(self.num_envs)
        return [indices] if isinstance(indices, int) else indices


def evaluate(model: MaskablePPO, opponent: str) -> dict[str, float]:
    """Share of games won and points per game, greedy play, dice that training never sees."""
    envs: Any = gymnasium.make_vec(
        "backgammon.env:Backgammon-v0",
        num_envs=EVALUATION_GAMES,
        opponent=opponent,
        observation="units",
        reward="points",
    )
    observation, _ = envs.reset(seed=EVALUATION_SEED)
    points = np.zeros(EVALUATION_GAMES)
    is_open = np.ones(EVALUATION_GAMES, dtype=np.bool_)
    while is_open.any():
        actions, _ = model.predict(
            observation["observation"], action_masks=observation["action_mask"] == 1, deterministic=True
        )
        observation, rewards, terminations, _, _ = envs.step(actions)
        points[is_open] += rewards[is_open]
        is_open &= ~terminations
    rate = estimate_rate((points > 0).astype(np.float64), np.arange(EVALUATION_GAMES))
    return {
        "win_rate": round(rate.value, 4),
        "half_width_95": round(rate.half_width or 0.0, 4),
        "points_per_game": round(float(points.mean()), 4),
    }


class Curve(BaseCallback):  # type: ignore[misc, unused-ignore]
    """Evaluates every so many updates, writes a line, and stops in time."""

    def __init__(self, opponent: str, minutes: float, until: float, every: int, out: Path) -> None:
        super().__init__()
        self._opponent, self._minutes, self._until, self._every, self._out = opponent, minutes, until, every, out
        self.is_done = minutes <= 0
        """The win rate has been reached, or no curve was asked for."""
        self._started = time.perf_counter()
        self._num_updates = 0
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("")

    def _on_step(self) -> bool:
        """Go on until the time is over."""
        return not self.is_done and bool(time.perf_counter() - self._started < 60 * self._minutes)

    def _on_rollout_start(self) -> None:
        if self._num_updates % self._every == 0:
            self.write_line()
        self._num_updates += 1

    def write_line(self) -> None:
        """Evaluate, print and keep the figures."""
        model: Any = self.model
        figures = evaluate(model, self._opponent)
        line = {"steps": self.num_timesteps, "seconds": round(time.perf_counter() - self._started, 1)} | figures
        print(json.dumps(line), flush=True)
        with self._out.open("a") as out:
            out.write(json.dumps(line) + "\n")
        if figures["win_rate"] >= self._until:
            self.is_done = True


@program(__doc__)
@click.option("--minutes", default=30.0, show_default=True)
@click.option("--until", default=0.9, show_default=True, help="Win rate that ends the training.")
@click.option("--opponent", default="random", show_default=True)
@click.option("--games", default=256, show_default=True, help="Games side by side.")
@click.option("--steps", default=128, show_default=True, help="Steps of each game between updates.")
@click.option("--every", default=4, show_default=True, help="Updates between evaluations.")
@click.option("--seed", default=1, show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/maskable-ppo.jsonl"), show_default=True)
@click.option("--save", type=click.Path(path_type=Path), help="Where to keep the trained model.")
def main(
    minutes: float,
    until: float,
    opponent: str,
    games: int,
    steps: int,
    every: int,
    seed: int,
    threads: int,
    out: Path,
    save: Path | None,
) -> None:
    """Train, evaluate, keep."""
    torch.set_num_threads(threads)
    model = MaskablePPO(
        "MlpPolicy",
        SteppedByBatch(games, opponent, seed),
        n_steps=steps,
        batch_size=2048,
        n_epochs=4,
        learning_rate=5e-4,
        gamma=1.0,
        gae_lambda=0.95,
        ent_coef=0.01,
        policy_kwargs={"net_arch": [256, 128], "activation_fn": torch.nn.ReLU},
        seed=seed,
        device="cpu",
    )
    curve = Curve(opponent, minutes, until, every, out)
    model.learn(total_timesteps=10**12, callback=curve)
    if not curve.is_done:  # the time was over in the middle of an update
        curve.write_line()
    if save:
        model.save(save)


if __name__ == "__main__":
    main()
