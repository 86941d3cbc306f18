"""Games side by side that take one micro-move at a time: the engine room of `Backgammon-v0`.

Axis legend: N games.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import Board, swap
from backgammon.table.arena import legal_choices, turns
from backgammon.table.arena.batch import GameBatch, Observation
from backgammon.table.arena.encoding import NUM_COUNTS, NUM_UNITS, Coding, write_counts, write_units
from backgammon.table.arena.micro import NUM_ACTIONS, Mask, decode_action, describe_action
from backgammon.table.arena.opponents import Opponent
from backgammon.table.arena.options import Rules
from backgammon.tools.arrays import Int64s


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

    def _mark_illegal(self, actions: Int64s) -> int:
        return legal_choices.first_illegal_move(self.registers, self.masks, actions, self.is_illegal)

    def _first_legal(self) -> Int64s:
        first: Int64s = self.masks.argmax(axis=1)
        return first

    def _make(self, actions: Int64s) -> None:
        legal_choices.make_moves(self.boards, self.registers, actions, self._is_turn_over)

    def _refresh(self) -> None:
        legal_choices.fill_masks(self.boards, self.registers, self.masks)

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
