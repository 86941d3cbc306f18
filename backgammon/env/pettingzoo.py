"""Backgammon as a PettingZoo AEC environment: `player_0` and `player_1`, one checker at a time.

Needs the extra `rl` (`pip install pairgammon[rl]`). Actions, observations and dice are those of `Backgammon-v0`: with
the same seed and the same actions all faces go through the same games. Turns do not alternate step by step: a player
acts until its dice are played.

    from backgammon.env import pettingzoo
    env = pettingzoo.env(render_mode="ansi")
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.utils import seeding

from backgammon.env import spaces
from backgammon.env.parts import make_move_parts
from backgammon.env.render import RENDER_FPS, RENDER_MODES, Frame, Renderer
from backgammon.env.scene import Scene
from backgammon.env.single import as_action
from backgammon.table.arena.batch import Observation
from backgammon.table.arena.encoding import Coding
from backgammon.table.arena.options import OPTION_KEYS, Illegal, Reward, Rules, parse_set_up
from backgammon.tools.errors import ConfigError, GameError
from backgammon.tools.stream import draw_key

try:
    from pettingzoo import AECEnv
    from pettingzoo.utils import wrappers
except ModuleNotFoundError as error:
    raise ConfigError("PettingZoo is not installed: pip install 'pairgammon[rl]'") from error

if TYPE_CHECKING:
    from gymnasium.spaces import Discrete, Space

AGENTS = ("player_0", "player_1")


def env(**arguments: Any) -> AECEnv[str, Any, int]:
    """The environment as PettingZoo recommends to use it, with a wrapper that checks the order of calls.

    Args:
        **arguments: those of `raw_env`.
    """
    return wrappers.OrderEnforcingWrapper(raw_env(**arguments))


class raw_env(AECEnv[str, Any, int]):  # type: ignore[misc]  # noqa: N801 - the name PettingZoo looks for
    """The environment itself; for spaces, rewards and set-ups see `backgammon.env.BackgammonEnv`.

    A player that is not on roll observes the board from its own side, no dice, and the no-op as only action. At the end
    both are rewarded: what one wins the other loses.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - PettingZoo's own form
        "name": "backgammon_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "is_parallelizable": False,
    }

    def __init__(
        self,
        reward: Reward = "win",
        match_length: int = 7,
        illegal: Illegal = "replace",
        observation: Coding = "counts",
        is_dict: bool = True,
        render_mode: str | None = None,
    ) -> None:
        """Arguments as for `BackgammonEnv`, without an opponent.

        Args:
            reward: "win", "points" or "match".
            match_length: points that win the match.
            illegal: "replace", "forfeit" or "raise".
            observation: "counts" or "units".
            is_dict: observations are dictionaries with the action mask inside, as in PettingZoo's own board games;
                False gives the array alone. The mask is in the info either way.
            render_mode: "ansi", "rgb_array" or "human".

        Raises:
            ConfigError: a value that does not exist.
        """
        super().__init__()
        rules = Rules(reward, match_length, illegal)
        self._renderer = Renderer(render_mode)
        self.render_mode = render_mode
        self._games, actions, observations = make_move_parts(1, "self", rules, observation)
        self._rng: np.random.Generator | None = None
        self._action = np.zeros(1, dtype=np.int64)
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self._is_dict = is_dict
        self.observation_spaces = {
            agent: deepcopy(observations) if is_dict else spaces.coded_positions(observation) for agent in AGENTS
        }
        self.action_spaces = {agent: deepcopy(actions) for agent in AGENTS}

    def observation_space(self, agent: str) -> Space[Any]:
        """The space of a player's observations, the same object every time."""
        space: Space[Any] = self.observation_spaces[agent]
        return space

    def action_space(self, agent: str) -> Discrete:
        """The space of a player's actions, the same object every time."""
        space: Discrete = self.action_spaces[agent]
        return space

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        """Begin an episode.

        Args:
            seed: fixes the dice of this and all following episodes.
            options: "position", "dice", "first" and "random_turns" as in `BackgammonEnv`; other keys are for other
                environments (the tests of PettingZoo give some) and do nothing.

        Raises:
            IdError: the position is an ID that cannot be decoded.
            PositionError: the game is over in that position.
            DiceError: impossible dice.
            ConfigError: "first" is not a seat, or "random_turns" not a number.
        """
        known = {key: value for key, value in (options or {}).items() if key in OPTION_KEYS}
        set_up = parse_set_up(known)
        if seed is not None or self._rng is None:
            self._rng, _ = seeding.np_random(seed)
            self._games.seed(np.array([draw_key(self._rng)]))
        self._games.start(set_up)
        self.agents = list(AGENTS)
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self._update()

    def step(self, action: int | None) -> None:
        """The selected player's action; None once its episode is over.

        Raises:
            GameError: the action is not a whole number.
            IllegalPlay: an illegal action, with illegal="raise" only; nothing has changed then.
        """
        player = self.agent_selection
        if self.terminations[player]:
            self._was_dead_step(action)
            return
        self._action[0] = as_action(action)
        self._games.step(self._action)
        self._cumulative_rewards[player] = 0.0
        reward = float(self._games.rewards[0])
        self.rewards = {agent: reward if agent == player else -reward for agent in AGENTS}
        if self._games.has_ended[0]:
            self.terminations = dict.fromkeys(AGENTS, True)
        self._update()
        self._accumulate_rewards()

    def observe(self, agent: str) -> Any:
        """What a player sees now: a dictionary, or an array with is_dict=False."""
        observation = self._observe(agent)
        return observation if self._is_dict else observation["observation"]

    def _observe(self, agent: str) -> Observation:
        is_on_roll = AGENTS.index(agent) == self._games.seat(0)
        batch = self._games.observe() if is_on_roll else self._games.observe_waiting()
        return {key: values[0] for key, values in batch.items()}

    def render(self) -> Frame:
        """As in `BackgammonEnv`; `player_0` sits at the bottom."""
        return self._renderer.show(Scene.of(self._games, 0))

    def close(self) -> None:
        """Close the window, if there is one."""
        self._renderer.close()

    def _update(self) -> None:
        """Who is next, and the infos."""
        games = self._games
        self.agent_selection = AGENTS[games.seat(0)]
        self.infos: dict[str, dict[str, Any]] = {
            agent: {
                "action_mask": self._observe(agent)["action_mask"],
                "seat": games.seat(0),
                "dice": games.roll_of(0),
                "illegal": bool(games.is_illegal[0]),
                "points": games.points_of(0),
            }
            for agent in AGENTS
        }
        if self.render_mode == "human":
            self.render()


def parallel_env(**_arguments: Any) -> None:
    """There is none: the players act one after the other.

    Raises:
        GameError: always.
    """
    raise GameError("backgammon is played in turns: use backgammon.env.pettingzoo.env(), not a parallel environment")
