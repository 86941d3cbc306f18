"""The vectorised environments: thousands of games stepped by one kernel, each with its own stream of chance.

Axis legend: N games.

Game i behaves exactly as the single environment reset with the same seed would. What follows the end of an episode is
Gymnasium's `autoreset_mode`: with NEXT_STEP the next `step` begins a new one in that game, ignoring the action, with
reward 0; with SAME_STEP the step that ends one begins the next and shows that, the end being in `info["final_obs"]` and
`info["final_info"]`; with DISABLED the caller resets these games, `reset(options={"reset_mask": bool[N]})`.
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
from backgammon.env.parts import Parts, make_move_parts, make_play_parts
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

    def __init__(
        self,
        parts: Parts[GameBatch],
        render_mode: str | None,
        autoreset_mode: AutoresetMode | str,
        max_episode_steps: int | None,
    ) -> None:
        """An environment of as many games as there are in `parts`.

        Raises:
            ConfigError: no such render mode, autoreset mode or number of steps.
        """
        self.autoreset_mode = _parse_mode(autoreset_mode)
        self.max_episode_steps = _parse_steps(max_episode_steps)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        self.games, self.single_action_space, self.single_observation_space = parts
        self._renderer = Renderer(render_mode)
        self.render_mode = render_mode
        self.num_envs = self.games.num_games
        self._rng_of_keys: np.random.Generator | None = None
        self._is_over: Bools = np.zeros(self.num_envs, dtype=np.bool_)
        self._num_steps: Int64s = np.zeros(self.num_envs, dtype=np.int64)

    @cached_property
    def observation_space(self) -> Space[Any]:  # type: ignore[override]
        """The observations of all games, made when somebody asks: Gymnasium stores four numbers for each of its."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> Space[Any]:  # type: ignore[override]
        """The actions of all games."""
        return batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every game, or in some of them.

        Args:
            seed: one number, from which game i has seed + i; or one seed for each game, None leaving it to chance.
            options: as in the single environment, the same for all games; and "reset_mask", bool[N]: the games that
                begin anew, while the others stay as they are.

        Raises:
            ConfigError: not as many seeds as games, an unknown option, or a mask that is none.
            GameError: only some games are to begin, and no game has ever begun.
            IdError: the position is an ID that cannot be decoded.
            PositionError: the game is over in that position.
            DiceError: impossible dice.
        """
        others = dict(options or {})
        games = self._parse_mask(others.pop("reset_mask")) if "reset_mask" in others else None
        set_up = parse_set_up(others)
        seeds = self._seeds_of_games(seed)
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
        self._seed_games(seeds, games)
        self.games.start(set_up, games)
        which = slice(None) if games is None else games
        self._is_over[which] = False
        self._num_steps[which] = 0
        return self._show()

    def _parse_mask(self, mask: Any) -> Int64s:
        """The games of a mask."""
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ConfigError(f"reset_mask: give a numpy array bool[{self.num_envs}], True for each game to reset")
        if not mask.any():
            raise ConfigError("reset_mask: no game is to be reset; set at least one of it to True")
        return np.flatnonzero(mask)

    def _seed_games(self, seeds: Sequence[int | None] | None, games: Int64s | None) -> None:
        """Give the games that are reset their keys; without seeds only where nobody ever did."""
        if seeds is not None:
            which = range(self.num_envs) if games is None else games
            self.games.seed(np.array([draw_key(seeding.np_random(seeds[i])[0]) for i in which]), games)
            self._rng_of_keys = self.np_random
        elif self._rng_of_keys is not self.np_random:
            self.games.seed(self.np_random.integers(0, 1 << 64, size=self.num_envs, dtype=np.uint64))
            self._rng_of_keys = self.np_random

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
            actions: whole numbers [N]; with NEXT_STEP ignored for games whose episode ended in the last step.

        Returns:
            observations, rewards float64, terminations bool, truncations bool, infos: new arrays each time.

        Raises:
            GameError: call `reset` first; or not one whole number for each game; or with DISABLED a game is over.
            IllegalPlay: an illegal action, with illegal="raise" only; no game has changed then.
        """
        games = self.games
        given = np.asarray(actions)
        if given.shape != (self.num_envs,) or given.dtype.kind not in "iu":
            raise GameError(
                f"actions of shape {list(given.shape)} and type {given.dtype}: give {self.num_envs} whole numbers"
            )
        if self.autoreset_mode is AutoresetMode.DISABLED and self._is_over.any():
            raise GameError(
                f"game {self._is_over.argmax()} is over: reset it first, options={{'reset_mask': a bool for each game}}"
            )
        games.step(given.astype(np.int64))
        self._num_steps = np.where(self._is_over, 0, self._num_steps + 1)
        rewards, terminations, truncations = games.rewards.copy(), games.has_ended.copy(), games.is_cut_off.copy()
        observation, info = self._show()
        if self.max_episode_steps is not None:
            is_late = (self._num_steps >= self.max_episode_steps) & ~terminations
            games.cut_off(np.flatnonzero(is_late))
            truncations |= is_late
        self._is_over = terminations | truncations
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._is_over.any():
            observation, info = self._begin_again(observation, info)
        return observation, rewards, terminations, truncations, info

    def _begin_again(self, observation: Observation, info: dict[str, Any]) -> tuple[Observation, dict[str, Any]]:
        """The next episode of every game that is over; the info keeps how they ended, as Gymnasium's own does."""
        ended = np.flatnonzero(self._is_over)
        last = np.full(self.num_envs, None, dtype=object)
        for i in ended:
            last[i] = {key: values[i] for key, values in observation.items()}
        is_ended = self._is_over.copy()
        for key in [key for key in info if key.startswith("_")]:
            info[key] = is_ended.copy()
        ends = {"final_obs": last, "_final_obs": is_ended, "final_info": info, "_final_info": is_ended.copy()}
        self.games.start(None, ended)
        self._is_over[:] = False
        self._num_steps[ended] = 0
        observation, info = self._show()
        return observation, info | ends

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


def _parse_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """One of Gymnasium's modes, or its name."""
    if isinstance(mode, AutoresetMode):
        return mode
    for one in AutoresetMode:
        if mode in (one.value, one.name):
            return one
    raise ConfigError(f"autoreset_mode {mode!r}: give one of {', '.join(one.name for one in AutoresetMode)}")


def _parse_steps(number: int | None) -> int | None:
    """A limit on the steps of an episode."""
    is_whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if number is not None and (not is_whole or number < 1):
        raise ConfigError(f"max_episode_steps {number!r}: give a whole number of steps, at least 1, or None")
    return None if number is None else int(number)


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
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
    ) -> None:
        """See the chapter Arguments of `BackgammonEnv`; and the text of this module for `autoreset_mode`.

        Args:
            num_envs: number of games.
            opponent: as there.
            reward: as there.
            match_length: as there.
            illegal: as there.
            observation: as there.
            render_mode: as there.
            autoreset_mode: what follows the end of an episode.
            max_episode_steps: an episode is truncated after so many steps; None for no limit.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        parts = make_move_parts(num_envs, opponent, rules, observation)
        super().__init__(parts, render_mode, autoreset_mode, max_episode_steps)

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
        max_candidates: int | None = None,
        padded: bool = True,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
    ) -> None:
        """See the chapter Arguments of `BackgammonTurnEnv`, and `BackgammonVectorEnv` for the other arguments.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        parts = make_play_parts(num_envs, opponent, rules, max_candidates, padded)
        super().__init__(parts, render_mode, autoreset_mode, max_episode_steps)

    def _info(self, observation: Observation) -> dict[str, Any]:
        info = super()._info(observation)
        info["candidates"] = RaggedCandidates(self.games.candidates.copy(), self.games.offsets.copy())
        info["overflow"] = self.games.overflow()
        info["_candidates"], info["_overflow"] = np.ones((2, self.num_envs), dtype=np.bool_)
        return info
