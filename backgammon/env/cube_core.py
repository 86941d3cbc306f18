"""What both environments with the doubling cube have in common; `cube_env` has the two.

A `Session` is behind them, so dice and rules are those of every table: an environment reset with seed s is
`Session(names, s, length, cube=...)`. Whoever may double is asked before the roll, whoever is doubled must answer; the
dice are thrown by themselves where there is nothing to decide. Actions on the cube stand behind those of the plays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import gymnasium
import numpy as np
from gymnasium import spaces

from backgammon.cube.met import default_table
from backgammon.cube.stakes import Stakes
from backgammon.env.single import as_action
from backgammon.evaluation.player import RandomPlayer
from backgammon.notation import BoardNotes, draw_board
from backgammon.rules.game import MAX_CUBE, Stage
from backgammon.table.arena import turns
from backgammon.table.arena.opponents import OpponentSpec, resolve_opponent
from backgammon.table.arena.options import ILLEGALS, MAX_MATCH_LENGTH, Illegal
from backgammon.table.cube_seat import CubeSeat, PlainSeat
from backgammon.table.session import CubeRules, Session
from backgammon.tools.arrays import Bools, Int8s
from backgammon.tools.errors import ConfigError, GameError, IllegalPlay

CubeReward = Literal["points", "match", "mwc"]
CUBE_REWARDS: tuple[CubeReward, ...] = get_args(CubeReward)

ROLL, DOUBLE, TAKE, DROP, BEAVER = range(5)
"""Actions on the cube, counted from the first one behind the plays."""
CUBE_ACTIONS = ("roll", "double", "take", "drop", "beaver")

ASKED_TO_ROLL, ASKED_TO_ANSWER, ASKED_TO_PLAY = range(3)
"""Values of the observation "stage"."""

NUM_STAKES = 7
_MODES = ("ansi", "human")
Observation = dict[str, Any]


class CubeEnv(gymnasium.Env[Observation, np.int64]):
    """What both environments with the cube have in common; `gymnasium.make(ID, cube=True)` makes them.

    ## Action Space
    `Discrete(P + 5)`. The first P actions are those of the environment without the cube: 156 moves, or K candidates.

    | action | meaning | legal |
    |---|---|---|
    | P | roll | before the roll, where a double is possible |
    | P + 1 | double | there too |
    | P + 2 | take | the opponent has doubled |
    | P + 3 | drop | there too |
    | P + 4 | beaver | there too, in money play where it was agreed |

    ## Observation Space
    That of the environment without the cube, `action_mask` being P + 5 long, and two more, seen by the player who
    decides. Dice are 0 before they are thrown. The cube is the one before a double that is on offer.

    | key | space | meaning |
    |---|---|---|
    | stage | `Discrete(3)` | 0 roll or double, 1 answer a double, 2 play the dice |
    | stakes | `Box` int8[7] | see `encode_stakes` |

    ## Rewards
    "points": what the game is worth with the cube, when it ends. "match": +-1 at the end of a match. "mwc": at the end
    of each game of a match what it has changed in the chance to win the match (Kazaross-XG2); their sum is 1 or 0 less
    the chance at the start. For the agent; in self-play for the seat that has just acted.

    ## Episode End
    Terminated after a game of money play, or a whole match. Truncated by a roll with more than K candidates. An illegal
    action with illegal="forfeit" loses the cube, or the match.

    ## Arguments
    As without the cube but for `reward` ("points", "match", "mwc"; unsaid, "points"), and: `match_length` (1 to 64,
    with "match" and "mwc"), `jacoby` and `beavers` (with "points"). `opponent`: "engine" plays and turns the cube at
    the score; so does a `CubeSeat`. Any other opponent never doubles and takes every double. `render_mode`: "ansi",
    "human".
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(_MODES), "render_fps": 4}  # type: ignore[misc]

    def __init__(
        self,
        num_plays: int,
        parts: dict[str, spaces.Space[Any]],
        opponent: OpponentSpec | CubeSeat,
        reward: CubeReward,
        match_length: int,
        illegal: Illegal,
        jacoby: bool,
        beavers: bool,
        render_mode: str | None,
    ) -> None:
        """An environment of one game; see the subclasses.

        Raises:
            ConfigError: a value that does not exist, or one that belongs to another reward.
        """
        _check_settings(reward, match_length, illegal, jacoby or beavers, render_mode)
        self.reward, self.illegal, self.render_mode = reward, illegal, render_mode
        self.match_length = 0 if reward == "points" else int(match_length)
        self._rules = CubeRules(jacoby, beavers)
        self._seat = _resolve_seat(opponent)
        self._num_plays = num_plays
        self._mask = np.zeros(num_plays + len(CUBE_ACTIONS), dtype=np.int8)
        self.action_space = spaces.Discrete(len(self._mask))
        mask = spaces.Box(0, 1, self._mask.shape, dtype=np.int8)
        low = np.array([0, 0, 0, -1, 0, 0, 0], dtype=np.int8)
        high = np.array([MAX_MATCH_LENGTH] * 2 + [MAX_CUBE.bit_length() - 1, 1, 1, 1, 1], dtype=np.int8)
        common = {"action_mask": mask, "stage": spaces.Discrete(3), "stakes": spaces.Box(low, high, dtype=np.int8)}
        self.observation_space = spaces.Dict(parts | common)
        self._session: Session | None = None
        self._is_over = True
        self._is_illegal = False
        self._chance_before = 0.0

    @property
    def session(self) -> Session:
        """The table behind the environment.

        Raises:
            GameError: no episode has begun.
        """
        if self._session is None:
            raise GameError("no episode has begun: call reset first")
        return self._session

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of the session's dice, and of the episodes that follow.
            options: there are none.

        Raises:
            ConfigError: an option.
        """
        if options:
            raise ConfigError(f"reset option {next(iter(options))!r} does not exist with the cube")
        super().reset(seed=seed)
        key = int(self.np_random.integers(1 << 62)) if seed is None else int(seed)
        self._session = Session(("seat 0", "seat 1"), key, self.match_length, cube=self._rules)
        self._is_over = self._is_illegal = False
        self._go_on()
        return self._show()

    def step(self, action: int | np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one action; see the chapter Action Space.

        Raises:
            GameError: the episode is over or has not begun, or the action is not a whole number.
            IllegalPlay: an illegal action, with illegal="raise" only; nothing has changed then.
        """
        session = self.session
        if self._is_over:
            raise GameError("the episode is over: call reset before step")
        number = as_action(action)
        self._is_illegal = not (0 <= number < len(self._mask) and self._mask[number] == 1)
        if self._is_illegal:
            if self.illegal == "raise":
                raise IllegalPlay(f"action {number} is not legal now; legal are {np.flatnonzero(self._mask).tolist()}")
            number = int(self._mask.argmax())
        actor, games = session.state.seat_to_act, session.num_finished
        if self._is_illegal and self.illegal == "forfeit":
            self._is_over = True
            observation, info = self._show()
            return observation, self._forfeited(actor), True, False, info
        if number < self._num_plays:
            self._make_play(number)
        else:
            self._turn_cube(number - self._num_plays)
        self._go_on()
        is_terminated = self._is_over = session.is_over if self.match_length else session.num_finished > 0
        reward = self._earned(0 if self._seat is not None else actor, games)
        observation, info = self._show()
        is_truncated = not is_terminated and self._is_too_wide()
        self._is_over = is_terminated or is_truncated
        return observation, reward, is_terminated, is_truncated, info

    def action_masks(self) -> Bools:
        """bool[P + 5] of the legal actions, as MaskablePPO of sb3-contrib asks for them."""
        masks: Bools = self._mask == 1
        return masks

    def render(self) -> str | None:
        """The text (ansi), or None where the terminal shows it (human).

        Raises:
            GameError: no episode has begun, or no render mode was chosen.
        """
        if self.render_mode is None:
            raise GameError(f"make the environment with render_mode set to one of {', '.join(_MODES)}")
        text = self._draw()
        if self.render_mode == "ansi":
            return text
        print(text)
        return None

    def _make_play(self, action: int) -> None:
        """Play on by one action of the environment without the cube."""
        raise NotImplementedError

    def _fill_plays(self, mask: Int8s) -> None:
        """Write the mask of the plays, int8[P], where the dice have been thrown."""
        raise NotImplementedError

    def _observe_board(self, seat: int, is_to_play: bool) -> Observation:
        """What a seat sees beside stakes, stage and mask."""
        raise NotImplementedError

    def _is_too_wide(self) -> bool:
        """True when the roll has more plays than there are actions."""
        return False

    def _turn_cube(self, action: int) -> None:
        session = self.session
        act = (session.throw_dice, session.double, session.take, session.drop, session.beaver)[action]
        act()

    def _go_on(self) -> None:
        """Whatever nobody has to decide, and the opponent's decisions, up to the agent's next one or the end."""
        session = self.session
        while not (session.is_over or (session.num_finished and not self.match_length)):
            state = session.state
            if state.is_over:
                session.next_game()
            elif state.stage is Stage.OPENING or (state.stage is Stage.ROLL and not session.may_double):
                session.throw_dice()
            elif self._seat is None or state.seat_to_act == 0:
                return
            elif state.stage is Stage.DOUBLED:
                self._seat.answer(session)
            elif state.stage is Stage.PLAY:
                self._seat.play(session)
            elif self._seat.doubles(session):
                session.double()
            else:
                session.throw_dice()

    def _earned(self, viewer: int, games_before: int) -> float:
        """The reward of a step in which the number of finished games has grown from `games_before`, or has not."""
        session = self.session
        if session.num_finished == games_before:
            return 0.0
        own, theirs = session.score.points[viewer], session.score.points[1 - viewer]
        if self.reward == "points":
            return float(own - theirs)
        if self.reward == "match":
            return float(np.sign(own - theirs)) if session.is_over else 0.0
        return self._chance(viewer) - (self._chance_before if viewer == 0 else 1.0 - self._chance_before)

    def _chance(self, seat: int) -> float:
        """The chance of a seat to win the match, at the start of the next game."""
        score = self.session.score
        if score.is_over:
            return float(score.points[seat] >= score.length)
        away = score.away(seat), score.away(1 - seat)
        return default_table().chance(away, 1 in away and not score.is_crawford)

    def _forfeited(self, actor: int) -> float:
        """What an illegal action costs."""
        if self.reward == "points":
            return -float(self.session.state.cube)
        if self.reward == "match":
            return -1.0
        return -(self._chance_before if actor == 0 else 1.0 - self._chance_before)

    def _show(self) -> tuple[Observation, dict[str, Any]]:
        session, mask = self.session, self._mask
        state = session.state
        is_open = not (self._is_over or state.is_over)
        stage = ASKED_TO_PLAY
        mask[:] = 0
        if is_open and state.stage is Stage.DOUBLED:
            stage = ASKED_TO_ANSWER
            mask[self._num_plays + TAKE] = mask[self._num_plays + DROP] = 1
            mask[self._num_plays + BEAVER] = self._rules.has_beavers and 4 * state.cube <= MAX_CUBE
        elif is_open and state.stage is Stage.ROLL:
            stage = ASKED_TO_ROLL
            mask[self._num_plays + ROLL] = mask[self._num_plays + DOUBLE] = 1
        elif is_open:
            self._fill_plays(mask[: self._num_plays])
        else:
            mask[0] = 1  # as without the cube: never all zero
        if not (self._is_over or session.is_over):
            self._chance_before = self._chance(0) if self.match_length else 0.0
        seat = 0 if self._seat is not None else state.seat_to_act
        observation = self._observe_board(seat, is_open and stage == ASKED_TO_PLAY)
        observation |= {"action_mask": mask.copy(), "stage": np.int64(stage), "stakes": self._stakes(seat)}
        if self.render_mode == "human":
            self.render()
        return observation, self._info()

    def _stakes(self, seat: int) -> Int8s:
        session = self.session
        if session.is_over and self.match_length:  # what it was played for; there is nothing left to be played for
            away = [max(session.score.away(one), 0) for one in (seat, 1 - seat)]
            return np.array([*away, session.state.cube.bit_length() - 1, 0, 0, 0, 0], dtype=np.int8)
        return encode_stakes(session.stakes if session.state.turn == seat else session.stakes.swapped())

    def _info(self) -> dict[str, Any]:
        session = self.session
        roll = session.state.roll
        points = session.score.points
        return {
            "action_mask": self._mask.copy(),
            "seat": session.state.seat_to_act,
            "dice": np.array((0, 0) if roll is None else tuple(roll), dtype=np.int8),
            "illegal": self._is_illegal,
            "points": points[0] - points[1],
        }

    def _draw(self) -> str:
        session = self.session
        state = session.state
        owner: Literal["X", "O"] | None = None if state.cube_owner is None else "XO"[state.cube_owner]  # type: ignore[assignment]
        notes = BoardNotes(
            x_name="X (seat 0)",
            o_name="O (seat 1)",
            points=session.score.points,
            length=self.match_length,
            cube=state.cube,
            cube_owner=owner,
            roll=state.roll if state.turn == 0 else None,
            title=f"{'XO'[state.seat_to_act]}: {state.stage.value}" + (f" {state.roll}" if state.roll else ""),
        )
        return draw_board(session.board_of(0), notes) + "\n"


def encode_stakes(stakes: Stakes) -> Int8s:
    """int8[7]: own and other points still to win (0, 0 in money play); log2 of the cube; its owner (1 own, 0 centred,
    -1 other); 1 in the Crawford game; 1 with the Jacoby rule; 1 with beavers.

    >>> encode_stakes(Stakes(length=5, score=(3, 1), cube=2, owner=1)).tolist()
    [2, 4, 1, 1, 0, 0, 0]
    """
    flags = stakes.is_crawford, stakes.has_jacoby, stakes.has_beavers
    return np.array([*stakes.away, stakes.cube.bit_length() - 1, stakes.owner, *flags], dtype=np.int8)


def _check_settings(reward: str, match_length: int, illegal: str, has_money_rules: bool, mode: str | None) -> None:
    if reward not in CUBE_REWARDS:
        raise ConfigError(f"reward {reward!r}: with the cube give one of {', '.join(CUBE_REWARDS)}")
    if illegal not in ILLEGALS:
        raise ConfigError(f"illegal {illegal!r}: give one of {', '.join(ILLEGALS)}")
    is_whole = isinstance(match_length, (int, np.integer)) and not isinstance(match_length, bool)
    if not is_whole or not 1 <= match_length <= MAX_MATCH_LENGTH:
        raise ConfigError(f"match_length {match_length!r}: give a whole number from 1 to {MAX_MATCH_LENGTH}")
    if has_money_rules and reward != "points":
        raise ConfigError(f"the Jacoby rule and beavers belong to money play: reward 'points', not {reward!r}")
    if mode is not None and mode not in _MODES:
        raise ConfigError(f"render_mode {mode!r}: with the cube give one of {', '.join(_MODES)}, or None")


def _resolve_seat(opponent: OpponentSpec | CubeSeat) -> CubeSeat | PlainSeat | None:
    """Who sits on seat 1; None in self-play."""
    if isinstance(opponent, CubeSeat):
        return opponent
    if opponent == "engine":
        from backgammon.engine.engine_spec import EngineSpec
        from backgammon.learner.net.engine_builder import build_engine

        engine = build_engine(EngineSpec())
        return CubeSeat(engine.player, engine.cube, engine.plays)
    found = resolve_opponent(opponent)
    if found.kind == turns.SELF:
        return None
    return PlainSeat(found.player or RandomPlayer())
