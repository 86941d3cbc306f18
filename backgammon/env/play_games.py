"""Games side by side that take one whole turn at a time: the engine room of `BackgammonTurn-v0`.

Axis legend: N games, M candidates of all N games together, K candidates at most.
"""

from __future__ import annotations

import numpy as np

from backgammon.board import NUM_LOCATIONS, Board
from backgammon.env import choices, turns
from backgammon.env.batch import GameBatch, Observation
from backgammon.env.opponents import Opponent
from backgammon.env.options import Rules
from backgammon.env.turns import Integers
from backgammon.errors import CandidateOverflow, IllegalPlay
from backgammon.movegen import MAX_CANDIDATES


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
        self._check_usable()
        first = choices.first_illegal_play(self.registers, self.offsets, rows, self.is_illegal)
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
        self._finish_step()

    def _refresh(self) -> None:
        done = 0
        while True:
            done = choices.fill_candidates(self.boards, self.registers, self._rows, self.offsets, done, self._scratch)
            if done == self.num_games:
                break
            used = int(self.offsets[done])
            larger = np.empty((2 * len(self._rows), NUM_LOCATIONS), dtype=np.int8)
            larger[:used] = self._rows[:used]
            self._rows = larger
        self.candidates = self._rows[: self.offsets[-1]]
        most = choices.most_candidates(self.offsets)
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
            choices.pad_candidates(self.candidates, self.offsets, padded, mask)
            observation["candidates"] = padded
        else:
            choices.pad_masks(self.offsets, mask)
        if self.rules.is_match:
            observation["score"] = self.scores()
        return observation
