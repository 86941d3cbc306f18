"""The vectorised environments: thousands of games stepped by one kernel, each with its own stream of chance.

Game i behaves exactly as the single environment reset with the same seed would. After the step that ends an episode the
next `step` begins a new one in that game, ignoring the action, with reward 0 (NEXT_STEP autoreset).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from gymnasium import Space
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from backgammon.env.candidates import RaggedCandidates
from backgammon.env.parts import DEFAULT_MAX_CANDIDATES, Parts, make_move_parts, make_play_parts
from backgammon.env.render import RENDER_FPS, RENDER_MODES, Frame, Renderer
from backgammon.env.scene import Scene
from backgammon.table.arena.batch import GameBatch, Observation
from backgammon.table.arena.encoding import Coding
from backgammon.table.arena.move_games import MoveGames
from backgammon.table.arena.opponents import OpponentSpec
from backgammon.table.arena.options import Illegal, Reward, Rules, parse_set_up
from backgammon.table.arena.play_games import PlayGames
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import ConfigError, GameError
from backgammon.tools.stream import draw_key

Seeds = int | Sequence[int | None] | None
Step = tuple[Observation, Float64s, Bools, Bools, dict[str, Any]]


class BatchEnv(VectorEnv[Observation, Int64s, Any]):
    """What both vectorised environments have in common."""

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }
    games: GameBatch

    def __init__(self, parts: Parts[GameBatch], render_mode: str | None) -> None:
        """An environment of as many games as there are in `parts`.

        Raises:
            ConfigError: no such render mode.
        """
        self.games, self.single_action_space, self.single_observation_space = parts
        self._renderer = Renderer(render_mode)
        self.render_mode = render_mode
        self.num_envs = self.games.num_games
        self._rng_of_keys: np.random.Generator | None = None

    @cached_property
    def observation_space(self) -> Space[Any]:  # type: ignore[override]
        """The observations of all games, made when somebody asks: Gymnasium stores four numbers for each of its."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> Space[Any]:  # type: ignore[override]
        """The actions of all games."""
        return batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every game.

        Args:
            seed: one number, from which game i has seed + i; or one seed for each game, None leaving it to chance.
            options: as in the single environment, the same for all games.

        Raises:
            ConfigError: not as many seeds as games, or an unknown option.
            IdError: the position is an ID that cannot be decoded.
            PositionError: the game is over in that position.
            DiceError: impossible dice.
        """
        set_up = parse_set_up(options)
        seeds = self._seeds_of_games(seed)
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
        if seeds is not None:
            self.games.seed(np.array([draw_key(seeding.np_random(one)[0]) for one in seeds]))
            self._rng_of_keys = self.np_random
        elif self._rng_of_keys is not self.np_random:
            self.games.seed(self.np_random.integers(0, 1 << 64, size=self.num_envs, dtype=np.uint64))
            self._rng_of_keys = self.np_random
        self.games.start(set_up)
        return self._show()

    def _seeds_of_games(self, seed: Seeds) -> Sequence[int | None] | None:
        if seed is None:
            return None
        if isinstance(seed, (int, np.integer)):
            return range(int(seed), int(seed) + self.num_envs)
        if len(seed) != self.num_envs:
            raise ConfigError(f"{len(seed)} seeds for {self.num_envs} games: give one for each, or a single number")
        return seed

    def step(self, actions: Int64s) -> Step:
        """One action in every game.

        Args:
            actions: whole numbers [num_envs]; ignored for games whose episode ended in the last step.

        Returns:
            observations, rewards float64, terminations bool, truncations bool (never), infos: new arrays each time.

        Raises:
            GameError: call `reset` first; or not one whole number for each game.
            IllegalPlay: an illegal action, with illegal="raise" only; no game has changed then.
        """
        games = self.games
        given = np.asarray(actions)
        if given.shape != (self.num_envs,) or given.dtype.kind not in "iu":
            raise GameError(
                f"actions of shape {list(given.shape)} and type {given.dtype}: give {self.num_envs} whole numbers"
            )
        games.step(given.astype(np.int64))
        observation, info = self._show()
        truncations = np.zeros(self.num_envs, dtype=np.bool_)
        return observation, games.rewards.copy(), games.has_ended.copy(), truncations, info

    def render(self) -> tuple[Frame, ...] | None:  # type: ignore[override]
        """A frame of every game; with "human" None, and the first game is shown."""
        if self.render_mode == "human":
            self._renderer.show(Scene.of(self.games, 0))
            return None
        return tuple(self._renderer.show(Scene.of(self.games, i)) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ARG002 - Gymnasium's signature
        """Close the window, if there is one."""
        self._renderer.close()

    def _show(self) -> tuple[Observation, dict[str, Any]]:
        """What the caller gets to see, and a person where one looks on."""
        if self.render_mode == "human":
            self.render()
        observation = self.games.observe()
        return observation, self._info(observation)

    def _info(self, observation: Observation) -> dict[str, Any]:
        """The single environment's info in Gymnasium's vector form: an array for each key, a mask for each `_key`."""
        games = self.games
        info: dict[str, Any] = {
            "action_mask": observation["action_mask"],
            "seat": games.seats(),
            "dice": games.rolls(),
            "illegal": games.is_illegal.copy(),
            "points": games.points(),
        }
        return info | {f"_{key}": np.ones(self.num_envs, dtype=np.bool_) for key in info}


class BackgammonVectorEnv(BatchEnv):
    """`Backgammon-v0` for many games at once; spaces, arguments and rules as there, see `BackgammonEnv`."""

    games: MoveGames

    def __init__(
        self,
        num_envs: int = 1,
        opponent: OpponentSpec = "random",
        reward: Reward = "win",
        match_length: int = 7,
        illegal: Illegal = "replace",
        observation: Coding = "counts",
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments of `BackgammonEnv`; `num_envs` is the number of games.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        super().__init__(make_move_parts(num_envs, opponent, rules, observation), render_mode)

    def action_masks(self) -> Bools:
        """bool[N, 156] of the legal actions."""
        masks: Bools = self.games.masks == 1
        return masks


class BackgammonTurnVectorEnv(BatchEnv):
    """`BackgammonTurn-v0` for many games at once; spaces, arguments and rules as there, see `BackgammonTurnEnv`.

    `info["candidates"]` is a `RaggedCandidates`, the one value that Gymnasium's `DictInfoToList` does not take. With
    `padded=False` nothing else holds the candidates, which is the fastest way for learners that evaluate them in one
    batch (`rows`) anyhow.
    """

    games: PlayGames

    def __init__(
        self,
        num_envs: int = 1,
        opponent: OpponentSpec = "random",
        reward: Reward = "win",
        match_length: int = 7,
        illegal: Illegal = "replace",
        max_candidates: int = DEFAULT_MAX_CANDIDATES,
        padded: bool = True,
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments of `BackgammonTurnEnv`; `num_envs` is the number of games.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        super().__init__(make_play_parts(num_envs, opponent, rules, max_candidates, padded), render_mode)

    def _info(self, observation: Observation) -> dict[str, Any]:
        info = super()._info(observation)
        info["candidates"] = RaggedCandidates(self.games.candidates.copy(), self.games.offsets.copy())
        info["_candidates"] = np.ones(self.num_envs, dtype=np.bool_)
        return info
