"""Games side by side, stepped by kernels: what the single, the vectorised and the PettingZoo environment all drive.

Axis legend: N games, M candidates of all N games together, K candidates at most.

`MoveGames` takes one micro-move at a time, `PlayGames` one candidate (a whole turn). A finished episode is followed by
the next one in the next step (Gymnasium's NEXT_STEP autoreset); the single environments never take that step.
No Gymnasium here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.board import NUM_LOCATIONS, Board, Position, swap
from backgammon.dice import Roll
from backgammon.env import turns
from backgammon.env.encoding import NUM_COUNTS, NUM_UNITS, Coding, write_counts, write_units
from backgammon.env.micro import NUM_ACTIONS, Mask, decode_action, describe_action
from backgammon.env.opponents import Opponent
from backgammon.env.options import Rules, SetUp
from backgammon.env.turns import FORFEIT, OPPONENT, OVER, POINTS, SEAT, UNUSED, Flags, Integers
from backgammon.errors import CandidateOverflow, GameError, IllegalPlay
from backgammon.movegen import MAX_CANDIDATES

Observation = dict[str, npt.NDArray[Any]]


class GameBatch:
    """N games with their opponent; the base of `MoveGames` and `PlayGames`.

    Attributes:
        boards: int8[N, 26], the seat on roll; at the end of an episode the winner.
        registers: int8[N, 9], see `turns`.
        clocks: uint64[N, 3], see `turns`.
        has_ended: bool[N], episodes that the last step ended.
        is_illegal: bool[N], actions of the last step that were not legal.
        rewards: float64[N], of the last step.
    """

    def __init__(self, num_games: int, opponent: Opponent, rules: Rules) -> None:
        """Games that have not begun: give them keys with `seed`, then `start`."""
        self.num_games = num_games
        self.opponent = opponent
        self.rules = rules
        self.boards: Board = np.zeros((num_games, NUM_LOCATIONS), dtype=np.int8)
        self.registers = np.zeros((num_games, turns.NUM_REGISTERS), dtype=np.int8)
        self.clocks = np.zeros((num_games, 3), dtype=np.uint64)
        self.has_ended: Flags = np.zeros(num_games, dtype=np.bool_)
        self.is_illegal: Flags = np.zeros(num_games, dtype=np.bool_)
        self.rewards = np.zeros(num_games)
        self._no_game_has_ended = True
        self._is_usable = False
        self._out: Board = np.empty((MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)
        self._scratch: Board = np.empty((3, NUM_LOCATIONS), dtype=np.int8)

    @property
    def _is_self_play(self) -> bool:
        return self.opponent.kind == turns.SELF

    def seed(self, keys: npt.NDArray[np.uint64]) -> None:
        """Give every game the key of its stream of chance, uint64[N]; its next episode is the first of that key."""
        self.clocks[:, turns.KEY] = keys
        self.clocks[:, turns.EPISODE] = 0

    def start(self, set_up: SetUp | None) -> None:
        """Begin the next episode in every game.

        Raises:
            GameError: from that position the opponent wins before the agent can decide anything.
        """
        self.has_ended[:] = False
        self.is_illegal[:] = False
        self.rewards[:] = 0.0
        length = self.rules.episode_length
        kind = turns.SELF if set_up is not None else self.opponent.kind
        turns.start_episodes(self.boards, self.registers, self.clocks, kind, length, self._out, self._scratch)
        if set_up is not None:
            self._set_up(set_up)
        self._is_usable = True
        self._ask_opponent()
        if (self.registers[:, turns.STAGE] == OVER).any():
            self._is_usable = False
            raise GameError("the opponent wins from that position before the agent can decide; set 'first' to 0")
        self._refresh()

    def _set_up(self, set_up: SetUp) -> None:
        turns.set_up(
            self.boards,
            self.registers,
            self.clocks,
            set_up.position.board,
            -1 if set_up.seat is None else set_up.seat,
            set_up.roll.high if set_up.roll else 0,
            set_up.roll.low if set_up.roll else 0,
            self.opponent.kind,
            self.rules.episode_length,
            self._out,
            self._scratch,
        )

    def _ask_opponent(self) -> None:
        """Let an outside opponent answer wherever it is its turn; in a match it may have to open the next game."""
        player = self.opponent.player
        if player is None:
            return
        while True:
            waiting = np.flatnonzero(self.registers[:, turns.STAGE] == OPPONENT)
            if not len(waiting):
                return
            self._is_usable = False  # stays so when the opponent fails: some games would be left half-way
            noise = np.empty(len(waiting), dtype=np.uint64)
            turns.fill_noise(self.clocks, waiting, noise)
            rows = np.asarray(player.choose(self.boards[waiting], self.rolls()[waiting], noise))
            if rows.shape != waiting.shape or rows.dtype.kind not in "iu":
                raise GameError(f"opponent {player.name} must give {len(waiting)} whole numbers, one row for each game")
            wrong = turns.answer(
                self.boards,
                self.registers,
                self.clocks,
                waiting,
                rows.astype(np.int64),
                self.has_ended,
                self.rules.episode_length,
                self._out,
                self._scratch,
            )
            if wrong >= 0:
                raise GameError(
                    f"opponent {player.name} chose candidate {rows[wrong]}, which does not exist; call reset"
                )
            self._is_usable = True

    def _begin_step(self) -> npt.NDArray[np.int8]:
        """The seats that are about to act, int8[N].

        Raises:
            GameError: the games have not begun, or an opponent failed in the middle of a step.
        """
        if not self._is_usable:
            raise GameError("no episode is in play: call reset first")
        return self.registers[:, SEAT].copy()

    def _finish_step(self, seats: npt.NDArray[np.int8]) -> None:
        """Opponents' answers, rewards and the next choices; `seats` acted."""
        self._ask_opponent()
        self.rewards[:] = 0.0
        self._no_game_has_ended = not self.has_ended.any()
        if not self._no_game_has_ended:
            points = self.registers[:, POINTS] * np.where(seats == 0, 1, -1)
            points = points if self.rules.reward == "points" else np.sign(points)
            self.rewards[self.has_ended] = points[self.has_ended]
        self._refresh()

    def _forfeit_illegal(self) -> None:
        self.registers[self.is_illegal, turns.STAGE] = FORFEIT

    def _refresh(self) -> None:
        raise NotImplementedError

    def views(self) -> Board:
        """int8[N, 26] as the deciding side sees it: seat 0 against an opponent, the seat on roll in self-play."""
        if self._is_self_play or self._no_game_has_ended:
            return self.boards
        turned = self.boards.copy()
        lost = self.registers[:, SEAT] == 1
        turned[lost] = swap(self.boards[lost])
        return turned

    def scores(self) -> npt.NDArray[np.int8]:
        """Points in the match, int8[N, 2]: the viewer's, the other's."""
        scores = self.registers[:, turns.SCORE_0 : turns.SCORE_1 + 1].copy()
        if self._is_self_play:
            turned = self.registers[:, SEAT] == 1
            scores[turned] = scores[turned, ::-1]
        return scores

    def seats(self) -> npt.NDArray[np.int8]:
        """The seat on roll in every game, int8[N]; at the end of an episode the winner."""
        return self.registers[:, SEAT].copy()

    def points(self) -> npt.NDArray[np.int8]:
        """Points of the last finished game of the episode for seat 0, int8[N]; 0 before the first has ended."""
        return self.registers[:, POINTS].copy()

    def rolls(self) -> npt.NDArray[np.int8]:
        """The roll of the turn in every game, int8[N, 2], larger die first."""
        return self.registers[:, turns.HIGH : turns.LOW + 1].copy()

    def position(self, game: int) -> Position:
        """The position of a game seen by the seat on roll (at the end of an episode by the winner)."""
        return Position(self.boards[game])

    def seat(self, game: int) -> int:
        """The seat on roll."""
        return int(self.registers[game, SEAT])

    def roll(self, game: int) -> Roll:
        """The roll of the turn."""
        return Roll(int(self.registers[game, turns.HIGH]), int(self.registers[game, turns.LOW]))

    def dice_left(self, game: int) -> tuple[int, ...]:
        """The dice that are still to be played."""
        high, low = self.roll(game)
        registers = self.registers[game]
        return (high,) * int(registers[turns.NUM_HIGH]) + (low,) * int(registers[turns.NUM_LOW])

    def has_begun(self, game: int) -> bool:
        """True once the first episode has begun."""
        return bool(self.registers[game, turns.STAGE] != UNUSED)

    def is_over(self, game: int) -> bool:
        """True when the episode is over, or none has begun."""
        return self.registers[game, turns.STAGE] in (OVER, UNUSED)

    def match_score(self, game: int) -> tuple[int, int]:
        """Points of seat 0 and of seat 1 in the match."""
        registers = self.registers[game]
        return int(registers[turns.SCORE_0]), int(registers[turns.SCORE_1])


class MoveGames(GameBatch):
    """Games of micro-moves (see `micro`).

    Attributes:
        masks: int8[N, 156], the actions that may be played now.
    """

    def __init__(self, num_games: int, opponent: Opponent, rules: Rules, coding: Coding) -> None:
        """Games that have not begun; observations in `coding` (see `encoding`)."""
        super().__init__(num_games, opponent, rules)
        self.coding = coding
        self.masks: Mask = np.zeros((num_games, NUM_ACTIONS), dtype=np.int8)
        self.masks[:, 0] = 1

    def step(self, actions: Integers) -> None:
        """One micro-move in every game, int64[N].

        Raises:
            GameError: call `start` first.
            IllegalPlay: an action that may not be played, with illegal="raise"; nothing has changed then.
        """
        seats = self._begin_step()
        first = turns.first_illegal_move(self.registers, self.masks, actions, self.is_illegal)
        if first >= 0:
            if self.rules.illegal == "raise":
                raise IllegalPlay(self._why_illegal(first, int(actions[first])))
            if self.rules.illegal == "forfeit":
                self._forfeit_illegal()
            actions = np.where(self.is_illegal, self.masks.argmax(axis=1), actions)
        turns.step_moves(
            self.boards,
            self.registers,
            self.clocks,
            self.masks,
            actions,
            self.has_ended,
            self.opponent.kind,
            self.rules.episode_length,
            self._out,
            self._scratch,
        )
        self._finish_step(seats)

    def observe(self) -> Observation:
        """New arrays: "observation" and "action_mask" of every game, and in a match "score"."""
        observation: Observation = {
            "observation": self._code(self.views(), self.registers),
            "action_mask": self.masks.copy(),
        }
        if self.rules.is_match:
            observation["score"] = self.scores()
        return observation

    def observe_waiting(self) -> Observation:
        """As `observe`, for the seats that are not on roll: their own view, no dice, and only the no-op."""
        registers = self.registers.copy()
        registers[:, [turns.NUM_HIGH, turns.NUM_LOW]] = 0
        mask = np.zeros_like(self.masks)
        mask[:, 0] = 1
        observation: Observation = {"observation": self._code(swap(self.boards), registers), "action_mask": mask}
        if self.rules.is_match:
            observation["score"] = self.scores()[:, ::-1].copy()
        return observation

    def _code(self, views: Board, registers: turns.Registers) -> npt.NDArray[Any]:
        if self.coding == "counts":
            counts = np.empty((self.num_games, NUM_COUNTS), dtype=np.int8)
            write_counts(views, registers, counts)
            return counts
        units = np.empty((self.num_games, NUM_UNITS), dtype=np.float32)
        write_units(views, registers, units)
        return units

    def _refresh(self) -> None:
        turns.fill_masks(self.boards, self.registers, self.masks)

    def _why_illegal(self, game: int, action: int) -> str:
        legal = [describe_action(int(a)) + f" ({int(a)})" for a in np.flatnonzero(self.masks[game])]
        options = ", ".join(legal)
        if not 0 <= action < NUM_ACTIONS:
            return f"game {game}: action {action} does not exist, there are 0 to {NUM_ACTIONS - 1}; legal are {options}"
        decoded = decode_action(action)
        left = "".join(str(die) for die in self.dice_left(game))
        if decoded is None:
            reason = "passing is for a turn in which no die can be played" if action == 0 else "it stands for nothing"
        elif decoded[1] not in self.dice_left(game):
            reason = f"there is no {decoded[1]} left to play"
        elif self.boards[game, decoded[0]] <= 0:
            reason = "no checker of yours stands there"
        else:
            reason = "no legal play of the whole roll goes on like that"
        return f"game {game}: action {action} ({describe_action(action)}) with {left}: {reason}; legal are {options}"


class PlayGames(GameBatch):
    """Games of whole turns: the choice is a row of the candidates.

    Attributes:
        candidates: int8[M, 26] in canonical order, seen by the player who would have just moved.
        offsets: int64[N + 1]; the candidates of game i are rows offsets[i] to offsets[i + 1].
    """

    def __init__(self, num_games: int, opponent: Opponent, rules: Rules, max_candidates: int) -> None:
        """Games that have not begun, with at most `max_candidates` (K) candidates to a decision."""
        super().__init__(num_games, opponent, rules)
        self.max_candidates = max_candidates
        self.offsets: Integers = np.zeros(num_games + 1, dtype=np.int64)
        self.candidates: Board = np.zeros((0, NUM_LOCATIONS), dtype=np.int8)
        self._rows: Board = np.empty((24 * num_games + MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)

    def step(self, rows: Integers) -> None:
        """One whole turn in every game, int64[N].

        Raises:
            GameError: call `start` first.
            IllegalPlay: a row that does not exist, with illegal="raise"; nothing has changed then.
            CandidateOverflow: a roll has more candidates than the action space.
        """
        seats = self._begin_step()
        first = turns.first_illegal_play(self.registers, self.offsets, rows, self.is_illegal)
        if first >= 0:
            if self.rules.illegal == "raise":
                number = self.offsets[first + 1] - self.offsets[first]
                raise IllegalPlay(f"game {first}: candidate {rows[first]} does not exist, this roll has {number}")
            if self.rules.illegal == "forfeit":
                self._forfeit_illegal()
            rows = np.where(self.is_illegal, 0, rows)
        turns.step_plays(
            self.boards,
            self.registers,
            self.clocks,
            self.candidates,
            self.offsets,
            rows,
            self.has_ended,
            self.opponent.kind,
            self.rules.episode_length,
            self._out,
            self._scratch,
        )
        self._finish_step(seats)

    def _refresh(self) -> None:
        done = 0
        while True:
            done = turns.fill_candidates(self.boards, self.registers, self._rows, self.offsets, done, self._scratch)
            if done == self.num_games:
                break
            used = int(self.offsets[done])
            larger = np.empty((2 * len(self._rows), NUM_LOCATIONS), dtype=np.int8)
            larger[:used] = self._rows[:used]
            self._rows = larger
        self.candidates = self._rows[: self.offsets[-1]]
        most = int(np.diff(self.offsets).max(initial=0))
        if most > self.max_candidates:
            self._is_usable = False
            raise CandidateOverflow(most, self.max_candidates)

    def observe(self, is_padded: bool) -> Observation:
        """New arrays: "board", "dice", "action_mask", in a match "score"; with `is_padded` also "candidates".

        Padding is 0, in "candidates" int8[N, K, 26] as in "action_mask" int8[N, K].
        """
        mask = np.zeros((self.num_games, self.max_candidates), dtype=np.int8)
        observation: Observation = {"board": self.views().copy(), "dice": self.rolls(), "action_mask": mask}
        if is_padded:
            # zeros come fresh from the system: untouched pages cost nothing, so most of the padding is free
            padded = np.zeros((self.num_games, self.max_candidates, NUM_LOCATIONS), dtype=np.int8)
            turns.pad_candidates(self.candidates, self.offsets, padded, mask)
            observation["candidates"] = padded
        else:
            turns.pad_masks(self.offsets, mask)
        if self.rules.is_match:
            observation["score"] = self.scores()
        return observation
