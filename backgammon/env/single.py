"""The two single environments, for one agent against an opponent or for both seats of self-play."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np

from backgammon.env.candidates import Candidates
from backgammon.env.parts import Parts, make_move_parts, make_play_parts
from backgammon.env.render import RENDER_FPS, RENDER_MODES, Frame, Renderer
from backgammon.env.scene import Scene
from backgammon.rules.board import Position
from backgammon.rules.dice import Roll
from backgammon.table.arena.batch import GameBatch, Observation
from backgammon.table.arena.encoding import Coding
from backgammon.table.arena.move_games import MoveGames
from backgammon.table.arena.opponents import OpponentSpec
from backgammon.table.arena.options import Illegal, Reward, Rules, parse_set_up
from backgammon.table.arena.play_games import PlayGames
from backgammon.tools.arrays import Bools
from backgammon.tools.errors import GameError
from backgammon.tools.stream import draw_key


def as_action(action: Any) -> int:
    """A whole number from whatever a policy gives; far too large ones become -1, which is as illegal.

    Raises:
        GameError: it is not a whole number.
    """
    try:
        number = operator.index(action)
    except TypeError as error:
        raise GameError(f"action {action!r}: give a whole number") from error
    return number if -1 <= number < 1 << 31 else -1


class SingleEnv(gymnasium.Env[Observation, np.int64]):
    """What both single environments have in common; make `BackgammonEnv` or `BackgammonTurnEnv`."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # type: ignore[misc]
    games: GameBatch

    def __init__(self, parts: Parts[GameBatch], render_mode: str | None) -> None:
        """An environment of one game.

        Raises:
            ConfigError: no such render mode.
        """
        self.games, self.action_space, self.observation_space = parts
        self._renderer = Renderer(render_mode)
        self.render_mode = render_mode
        self._action = np.zeros(1, dtype=np.int64)
        self._rng_of_key: np.random.Generator | None = None

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; see the chapter Starting State.

        Args:
            seed: fixes the dice of this and all following episodes.
            options: "position", "dice", "first" and "random_turns", all optional.

        Raises:
            IdError: the position is an ID that cannot be decoded.
            PositionError: the game is over in that position.
            DiceError: impossible dice.
            ConfigError: another option.
        """
        set_up = parse_set_up(options)
        super().reset(seed=seed)
        if seed is not None or self._rng_of_key is not self.np_random:
            self.games.seed(np.array([draw_key(self.np_random)]))
            self._rng_of_key = self.np_random
        self.games.start(set_up)
        return self._show()

    def step(self, action: int | np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one action; see the chapter Action Space.

        Raises:
            GameError: the episode is over or has not begun, or the action is not a whole number.
            IllegalPlay: an illegal action, with illegal="raise" only; nothing has changed then.
        """
        games = self.games
        if games.is_over(0):
            raise GameError("the episode is over or has not begun: call reset before step")
        self._action[0] = as_action(action)
        games.step(self._action)
        observation, info = self._show()
        return observation, float(games.rewards[0]), bool(games.has_ended[0]), bool(games.is_cut_off[0]), info

    def render(self) -> Frame:
        """The picture (rgb_array), the text (ansi), or None where a window or terminal shows it (human).

        Raises:
            GameError: no episode has begun, or no render mode was chosen.
        """
        return self._renderer.show(Scene.of(self.games, 0))

    def close(self) -> None:
        """Close the window, if there is one."""
        self._renderer.close()

    @property
    def position(self) -> Position:
        """The position seen by the seat on roll; at the end by the winner."""
        return self.games.position(0)

    @property
    def seat(self) -> int:
        """The seat on roll; at the end the winner."""
        return self.games.seat(0)

    @property
    def roll(self) -> Roll:
        """The roll of this turn."""
        return self.games.roll(0)

    def _show(self) -> tuple[Observation, dict[str, Any]]:
        """What the caller gets to see, and a person where one looks on."""
        if self.render_mode == "human":
            self.render()
        observation = {key: values[0] for key, values in self.games.observe().items()}
        return observation, self._info(observation)

    def _info(self, observation: Observation) -> dict[str, Any]:
        games = self.games
        return {
            "action_mask": observation["action_mask"],
            "seat": games.seat(0),
            "dice": games.roll_of(0),
            "illegal": bool(games.is_illegal[0]),
            "points": games.points_of(0),
        }


class BackgammonEnv(SingleEnv):
    """Backgammon one checker at a time (`Backgammon-v0`).

    ## Description
    Cubeless backgammon by the full rules: checkers enter from the bar first, both dice are played if any order allows
    it, the larger one if only one can be, doubles four times; single games, gammons and backgammons. The agent sits on
    seat 0 and `opponent` on seat 1, who plays its whole turns inside `step`. With `opponent="self"` the caller decides
    for both seats.

    ## Action Space
    `Discrete(156)`, one checker moved by one die, seen by the player who moves (points 24..1, home 6..1):

    | action | meaning |
    |---|---|
    | 0 | no move: legal only when no die that is left can be played |
    | 1..5 | never legal |
    | 6 * (26 - source) + die - 1 | the checker on `source` (1..24, or 25 for the bar) moves `die` points |

    The numbering is that of pgx. The action mask (in the observation and in `info`) looks ahead: every masked-in action
    begins or continues a legal play of the whole roll. It is never all zero. The dice may be played in any order; the
    turn ends when they are used up, or with action 0.

    ## Observation Space
    `Dict`, seen by the player who decides (the agent; in self-play the seat on roll):

    | key | space | meaning |
    |---|---|---|
    | observation | `Box` int8[34] or float32[202] | "counts" or "units", see `backgammon.table.arena.encoding` |
    | action_mask | `Box` int8[156] | 1 for each legal action |
    | score | `Box` int8[2] | own and other points, with reward="match" only |

    ## Starting State
    The starting position. Each seat throws a die until they differ; the larger one begins and plays both dice.
    `reset(options=...)` sets up something else: "position" (`Position`, XGID or GNU Position ID), "dice" (two numbers,
    or text such as "31"), "first" (the seat on roll, 0 or 1) and "random_turns" (turns that both seats
    play at random before the agent decides: exploring starts).

    ## Rewards
    0 until the episode ends. Then, for the agent (in self-play for the seat that has just acted): "win" +-1; "points"
    +-1, 2 or 3 for a single game, gammon or backgammon; "match" +-1, the episode being a match of `match_length`.

    ## Episode End
    Terminated when a player has borne off every checker (in a match: when a seat has the points). Never truncated.

    ## Information
    | key | meaning |
    |---|---|
    | action_mask | the array of the observation |
    | seat | seat on roll; at the end the winner |
    | dice | int8[2], the roll of the turn, larger first |
    | illegal | the last action was not legal and was replaced or cost the game |
    | points | +-1, 2, 3 for seat 0 once a game of the episode has ended, 0 before |

    ## Arguments
    `opponent`: "random", "pipcount", "engine", "self", "module:function", a `Player`, a scorer, or a function from
    `Decision` to the row of a candidate. `reward`: "win", "points", "match". `match_length`: 1 to 64. `illegal`:
    "replace" (play the first legal action), "forfeit" (lose the episode by a single game), "raise". `observation`:
    "counts", "units". `render_mode`: "ansi", "rgb_array", "human".

    ## References
    Numbering of actions and layout of "counts": Koyamada et al., "Pgx" (2023). Rules: World Backgammon Federation.

    ## Version History
    v0: the first version.
    """

    games: MoveGames

    def __init__(
        self,
        opponent: OpponentSpec = "random",
        reward: Reward = "win",
        match_length: int = 7,
        illegal: Illegal = "replace",
        observation: Coding = "counts",
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        super().__init__(make_move_parts(1, opponent, rules, observation), render_mode)

    def action_masks(self) -> Bools:
        """bool[156] of the legal actions, as MaskablePPO of sb3-contrib asks for them."""
        masks: Bools = self.games.masks[0] == 1
        return masks


class BackgammonTurnEnv(SingleEnv):
    """Backgammon one turn at a time: choose among the positions the roll can lead to (`BackgammonTurn-v0`).

    ## Description
    The game of `Backgammon-v0`; an action is the whole play of a turn. The environment lists every distinct resulting
    position ("candidate") in the canonical order of `backgammon.legal_candidates`, and the agent names a row. Made for
    learners that compare or evaluate positions after a play.

    ## Action Space
    `Discrete(max_candidates)`: the row of the chosen candidate. A roll that cannot be played has one candidate, the
    unchanged position.

    ## Observation Space
    `Dict`, seen by the player who decides (the agent; in self-play the seat on roll). K is `max_candidates`:

    | key | space | meaning |
    |---|---|---|
    | board | `Box` int8[26] | index 1..24 points, 25 own bar, 0 the opponent's bar; the opponent negative |
    | dice | `Box` int8[2] | the roll, larger first |
    | candidates | `Box` int8[K, 26] | the boards after each play, same view, not turned round; then zeros |
    | action_mask | `Box` int8[K] | 1 for each candidate |
    | score | `Box` int8[2] | own and other points, with reward="match" only |

    ## Starting State
    As in `Backgammon-v0`.

    ## Rewards
    As in `Backgammon-v0`.

    ## Episode End
    As in `Backgammon-v0`. Truncated by a roll with more than K candidates, the first K of which are shown.

    ## Information
    As in `Backgammon-v0`, and "candidates": the exact list without padding, a `Candidates` (numpy takes it as
    int8[N, 26]); "overflow": their number where it has truncated the episode, else 0.

    ## Arguments
    As in `Backgammon-v0` but for `observation`, and: `max_candidates`, K, up to 4096, which no roll exceeds:
    by default 1024, and 4096 with `padded=False`, which leaves "candidates" out of the observation (they are in
    `info`). `reset` into a fixed roll with more raises `CandidateOverflow`, which names the K needed.

    ## References
    Comparison of candidates: Tesauro, "Connectionist learning of expert preferences by comparison training" (1988).

    ## Version History
    v0: the first version.
    """

    games: PlayGames

    def __init__(
        self,
        opponent: OpponentSpec = "random",
        reward: Reward = "win",
        match_length: int = 7,
        illegal: Illegal = "replace",
        max_candidates: int | None = None,
        padded: bool = True,
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments.

        Raises:
            ConfigError: a value that does not exist.
        """
        rules = Rules(reward, match_length, illegal)
        super().__init__(make_play_parts(1, opponent, rules, max_candidates, padded), render_mode)

    def action_masks(self) -> Bools:
        """bool[K] of the legal actions, as MaskablePPO of sb3-contrib asks for them."""
        return np.arange(self.games.max_candidates) < max(1, int(self.games.offsets[1]))

    def _info(self, observation: Observation) -> dict[str, Any]:
        games = self.games
        more = {"candidates": Candidates(games.candidates.copy()), "overflow": int(games.overflow()[0])}
        return super()._info(observation) | more
