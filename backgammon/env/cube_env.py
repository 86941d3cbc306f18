"""Backgammon with the doubling cube: what `cube=True` makes of both environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from backgammon.env.candidates import Candidates
from backgammon.env.cube_core import CubeEnv, CubeReward, Observation
from backgammon.env.parts import check_max_candidates
from backgammon.env.spaces import coded_positions, count_space
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.rules.game import Stage
from backgammon.table.arena import turns
from backgammon.table.arena.encoding import CODINGS, NUM_COUNTS, NUM_UNITS, Coding, write_counts, write_units
from backgammon.table.arena.micro import NO_OP, NUM_ACTIONS, fill_mask, move_checker
from backgammon.table.arena.opponents import OpponentSpec
from backgammon.table.arena.options import Illegal
from backgammon.table.cube_seat import CubeSeat
from backgammon.tools.arrays import Int8s
from backgammon.tools.errors import ConfigError


class BackgammonCubeEnv(CubeEnv):
    """`Backgammon-v0` with the cube, one checker at a time: P is 156. For all else see `CubeEnv`."""

    def __init__(
        self,
        opponent: OpponentSpec | CubeSeat = "random",
        reward: CubeReward = "points",
        match_length: int = 7,
        illegal: Illegal = "replace",
        observation: Coding = "counts",
        jacoby: bool = False,
        beavers: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments.

        Raises:
            ConfigError: a value that does not exist.
        """
        if observation not in CODINGS:
            raise ConfigError(f"observation {observation!r}: give one of {', '.join(CODINGS)}")
        self._coding = observation
        self._board = np.zeros((1, NUM_LOCATIONS), dtype=np.int8)
        self._registers = np.zeros((1, turns.NUM_REGISTERS), dtype=np.int8)
        self._is_turn_begun = False
        parts = {"observation": coded_positions(observation)}
        common = (opponent, reward, match_length, illegal, jacoby, beavers, render_mode)
        super().__init__(NUM_ACTIONS, parts, *common)

    def _make_play(self, action: int) -> None:
        board, registers = self._board[0], self._registers[0]
        if action != NO_OP:
            move_checker(board, action)
            registers[turns.NUM_HIGH if action % 6 + 1 == registers[turns.HIGH] else turns.NUM_LOW] -= 1
        is_played = registers[turns.NUM_HIGH] + registers[turns.NUM_LOW] == 0 or not (board > 0).any()
        if action == NO_OP or is_played:
            self._is_turn_begun = False
            self.session.play(self.session.decision().row_of(board))

    def _fill_plays(self, mask: Int8s) -> None:
        if not self._is_turn_begun:
            state = self.session.state
            assert state.roll is not None, "the dice have been thrown"
            self._board[0] = state.position.board
            turns.set_dice(self._registers, 0, state.roll.high, state.roll.low)
            self._is_turn_begun = True
        high, low, num_high, num_low = (int(value) for value in self._registers[0, turns.HIGH : turns.NUM_LOW + 1])
        fill_mask(self._board[0], high, low, num_high, num_low, mask)

    def _observe_board(self, seat: int, is_to_play: bool) -> Observation:
        views = self._board if is_to_play else self.session.board_of(seat).board[None]
        registers = self._registers if is_to_play else np.ones_like(self._registers)
        if not is_to_play:
            registers[0, [turns.NUM_HIGH, turns.NUM_LOW]] = 0
        coded: npt.NDArray[Any]
        if self._coding == "counts":
            coded = np.empty((1, NUM_COUNTS), dtype=np.int8)
            write_counts(views, registers, coded)
        else:
            coded = np.empty((1, NUM_UNITS), dtype=np.float32)
            write_units(views, registers, coded)
        return {"observation": coded[0]}

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """See `CubeEnv.reset`."""
        self._is_turn_begun = False
        return super().reset(seed=seed, options=options)


class BackgammonTurnCubeEnv(CubeEnv):
    """`BackgammonTurn-v0` with the cube, one turn at a time: P is K, `max_candidates`. For all else see `CubeEnv`."""

    def __init__(
        self,
        opponent: OpponentSpec | CubeSeat = "random",
        reward: CubeReward = "points",
        match_length: int = 7,
        illegal: Illegal = "replace",
        max_candidates: int | None = None,
        padded: bool = True,
        jacoby: bool = False,
        beavers: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """See the chapter Arguments.

        Raises:
            ConfigError: a value that does not exist.
        """
        self._is_padded = padded
        most = check_max_candidates(max_candidates, padded)
        parts = {"board": count_space((NUM_LOCATIONS,)), "dice": spaces.Box(0, 6, (2,), dtype=np.int8)}
        if padded:
            parts["candidates"] = count_space((most, NUM_LOCATIONS))
        common = (opponent, reward, match_length, illegal, jacoby, beavers, render_mode)
        super().__init__(most, parts, *common)

    def _make_play(self, action: int) -> None:
        self.session.play(action)

    def _fill_plays(self, mask: Int8s) -> None:
        mask[: len(self._candidates())] = 1

    def _is_too_wide(self) -> bool:
        return len(self._candidates()) > self._num_plays

    def _candidates(self) -> Int8s:
        """int8[N, 26] of the roll, empty before it."""
        if self.session.state.stage is not Stage.PLAY:
            return np.zeros((0, NUM_LOCATIONS), dtype=np.int8)
        return self.session.decision().candidates

    def _observe_board(self, seat: int, is_to_play: bool) -> Observation:
        session, roll = self.session, self.session.state.roll
        dice = (0, 0) if roll is None else tuple(roll)
        observation: Observation = {"board": session.board_of(seat).board.copy(), "dice": np.array(dice, dtype=np.int8)}
        if self._is_padded:
            padded = np.zeros((self._num_plays, NUM_LOCATIONS), dtype=np.int8)
            rows = self._candidates()[: self._num_plays] if is_to_play else padded[:0]
            padded[: len(rows)] = rows
            observation["candidates"] = padded
        return observation

    def _info(self) -> dict[str, Any]:
        return super()._info() | {"candidates": Candidates(self._candidates().copy())}
