"""Games side by side that take one whole turn at a time: the engine room of `BackgammonTurn-v0` and duels.

Axis legend: N games, M candidates of all N games together, K candidates at most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backgammon.evaluation.player import Player, check_rows
from backgammon.rules.board import NUM_LOCATIONS, Board
from backgammon.rules.movegen import MAX_CANDIDATES
from backgammon.table.arena import legal_choices
from backgammon.table.arena.batch import GameBatch, Observation
from backgammon.table.arena.opponents import Opponent
from backgammon.table.arena.options import Rules
from backgammon.tools.arrays import Boards, Int64s, Offsets
from backgammon.tools.errors import CandidateOverflow


class PlayGames(GameBatch):
    """Games of whole turns: the choice is a row of the candidates.

    Attributes:
        max_candidates: K.
        is_padded: observations hold the candidates.
        candidates: int8[M, 26] in canonical order, seen by the player who would have just moved.
        offsets: int64[N + 1]; the candidates of game i are rows offsets[i] to offsets[i + 1].
    """

    def __init__(
        self,
        num_games: int,
        opponent: Opponent,
        rules: Rules,
        max_candidates: int = MAX_CANDIDATES,
        is_padded: bool = False,
    ) -> None:
        """Games that have not begun, with at most `max_candidates` (K) candidates to a decision."""
        super().__init__(num_games, opponent, rules)
        self.max_candidates = max_candidates
        self.is_padded = is_padded
        self.offsets: Offsets = np.zeros(num_games + 1, dtype=np.int64)
        self.candidates: Boards = np.zeros((0, NUM_LOCATIONS), dtype=np.int8)
        self._rows: Board = np.empty((24 * num_games + MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)

    def play_turn(self, players: Sequence[Player], who: Int64s) -> None:
        """One whole turn in every game of self-play, each played by the player whose turn it is.

        Args:
            players: who chooses; each is asked once, for all its games together.
            who: int64[N], the index of the player on roll; -1 in games that are not in play.

        Raises:
            GameError: a player gave something else than one existing row for each game; nothing has changed then.
        """
        rows = np.zeros(self.num_games, dtype=np.int64)
        for number, player in enumerate(players):
            games = np.flatnonzero(who == number)
            if len(games):
                rows[games] = self.ask_checked(player, games)
        self.step(rows)

    def ask_checked(self, player: Player, games: Int64s) -> Int64s:
        """As `ask`, of games that wait for the caller; a row that does not exist is an error.

        Raises:
            GameError: a player gave something else than one existing row for each game.
        """
        rows = self.ask(player, games)
        check_rows(player, rows, self.offsets[games + 1] - self.offsets[games])
        return rows

    def _mark_illegal(self, actions: Int64s) -> int:
        return legal_choices.first_illegal_play(self.registers, self.offsets, actions, self.is_illegal)

    def _first_legal(self) -> Int64s:
        return np.zeros(self.num_games, dtype=np.int64)

    def _why_illegal(self, game: int, action: int) -> str:
        number = self.offsets[game + 1] - self.offsets[game]
        return f"game {game}: candidate {action} does not exist, this roll has {number}"

    def _make(self, actions: Int64s) -> None:
        legal_choices.make_plays(
            self.boards, self.registers, self.candidates, self.offsets, actions, self._is_turn_over
        )

    def _refresh(self) -> None:
        done = 0
        while True:
            done = legal_choices.fill_candidates(
                self.boards, self.registers, self._rows, self.offsets, done, self._scratch
            )
            if done == self.num_games:
                break
            used = int(self.offsets[done])
            larger = np.empty((2 * len(self._rows), NUM_LOCATIONS), dtype=np.int8)
            larger[:used] = self._rows[:used]
            self._rows = larger
        self.candidates = self._rows[: self.offsets[-1]]
        if legal_choices.most_candidates(self.offsets) > self.max_candidates:
            self.is_cut_off |= np.diff(self.offsets) > self.max_candidates
            self.cut_off(np.flatnonzero(self.is_cut_off))

    def _overflow(self) -> CandidateOverflow:
        return CandidateOverflow(int(np.diff(self.offsets).max()), self.max_candidates)

    def overflow(self) -> Int64s:
        """int64[N], the number of candidates where the last step cut an episode off for having too many; else 0."""
        counts = np.diff(self.offsets)
        return np.where(self.is_cut_off & (counts > self.max_candidates), counts, 0)

    def observe(self) -> Observation:
        """New arrays: "board", "dice", "action_mask", in a match "score"; where padded also "candidates".

        Padding is 0, in "candidates" int8[N, K, 26] as in "action_mask" int8[N, K]. Of an episode that is cut off for
        its many candidates the first K are shown.
        """
        candidates, offsets = self._shown()
        mask = np.zeros((self.num_games, self.max_candidates), dtype=np.int8)
        observation: Observation = {"board": self.views().copy(), "dice": self.rolls(), "action_mask": mask}
        if self.is_padded:
            # zeros come fresh from the system: untouched pages cost nothing, so most of the padding is free
            padded = np.zeros((self.num_games, self.max_candidates, NUM_LOCATIONS), dtype=np.int8)
            legal_choices.pad_candidates(candidates, offsets, padded, mask)
            observation["candidates"] = padded
        else:
            legal_choices.pad_masks(offsets, mask)
        if self.rules.is_match:
            observation["score"] = self.scores()
        return observation

    def _shown(self) -> tuple[Boards, Offsets]:
        """(candidates, offsets) of which no game has more than K."""
        if not self.is_cut_off.any():
            return self.candidates, self.offsets
        rows = np.arange(len(self.candidates)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))
        counts = np.minimum(np.diff(self.offsets), self.max_candidates)
        return self.candidates[rows < self.max_candidates], np.concatenate([[0], np.cumsum(counts)])
