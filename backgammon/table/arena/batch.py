"""Games side by side, stepped by kernels: what duels and every face of the environment drive.

Axis legend: N games, W some of them.

`MoveGames` takes one micro-move at a time, `PlayGames` a whole turn; both build on `GameBatch`. A finished episode is
followed by the next one in the next step (Gymnasium's NEXT_STEP autoreset), or by `start` of some games before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.player import Noise, Player, ask_player
from backgammon.rules.board import NUM_LOCATIONS, Board, Position, swap
from backgammon.rules.dice import Roll
from backgammon.rules.movegen import MAX_CANDIDATES
from backgammon.table.arena import turns
from backgammon.table.arena.opponents import Opponent
from backgammon.table.arena.options import Rules, SetUp
from backgammon.table.arena.turns import AGENT, FORFEIT, OPPONENT, OVER, POINTS, SEAT, STAGE, UNUSED
from backgammon.tools.arrays import Boards, Bools, Int8s, Int64s, Uint64s
from backgammon.tools.errors import CandidateOverflow, GameError, IllegalPlay

Observation = dict[str, npt.NDArray[Any]]

_TRIES = 100
"""Begins of an exploring start whose first roll has too many candidates to be shown."""

_ROLL = slice(turns.HIGH, turns.LOW + 1)


class GameBatch:
    """N games with their opponent; the base of `MoveGames` and `PlayGames`.

    Attributes:
        boards: int8[N, 26], the seat on roll; at the end of an episode the winner.
        registers: int8[N, 9], see `turns`.
        clocks: uint64[N, 3], see `turns`.
        has_ended: bool[N], episodes that the last step ended.
        is_cut_off: bool[N], episodes that the last step broke off, because a roll has too many candidates to be shown.
        is_illegal: bool[N], actions of the last step that were not legal.
        rewards: float64[N], of the last step.
    """

    def __init__(self, num_games: int, opponent: Opponent, rules: Rules) -> None:
        """Games that have not begun: give them keys with `seed`, then `start`."""
        self.num_games = num_games
        self.opponent = opponent
        self.rules = rules
        self.boards: Boards = np.zeros((num_games, NUM_LOCATIONS), dtype=np.int8)
        self.registers = np.zeros((num_games, turns.NUM_REGISTERS), dtype=np.int8)
        self.clocks = np.zeros((num_games, 3), dtype=np.uint64)
        self.has_ended: Bools = np.zeros(num_games, dtype=np.bool_)
        self.is_cut_off: Bools = np.zeros(num_games, dtype=np.bool_)
        self.is_illegal: Bools = np.zeros(num_games, dtype=np.bool_)
        self.rewards = np.zeros(num_games)
        self._is_turn_over: Bools = np.zeros(num_games, dtype=np.bool_)
        self._no_game_has_ended = True
        self._is_usable = False
        self._out: Board = np.empty((MAX_CANDIDATES, NUM_LOCATIONS), dtype=np.int8)
        self._scratch: Board = np.empty((3, NUM_LOCATIONS), dtype=np.int8)

    @property
    def _is_self_play(self) -> bool:
        return self.opponent.kind == turns.SELF

    def seed(self, keys: Uint64s, games: Int64s | None = None) -> None:
        """Give games the key of their stream of chance; the next episode of each is the first of that key.

        Args:
            keys: uint64[N], or uint64[W] with `games`.
            games: int64[W]; all games without it.
        """
        which = slice(None) if games is None else games
        self.clocks[which, turns.KEY] = keys
        self.clocks[which, turns.EPISODE] = 0

    def choose_episodes(self, games: Int64s, episodes: Int64s) -> None:
        """Say which episode of its key each of these games begins next, int64[W], from 1; unsaid it is the next one."""
        self.clocks[games, turns.EPISODE] = episodes.astype(np.uint64) - np.uint64(1)

    def retire(self, games: Int64s) -> None:
        """Take games out of use, int64[W]: no step changes them until `start` begins all games anew."""
        self.registers[games, STAGE] = UNUSED

    def cut_off(self, games: Int64s) -> None:
        """End the episodes of some games, int64[W], without a result: as after a move that ends one."""
        self.registers[games, STAGE] = OVER

    def start(self, set_up: SetUp | None, games: Int64s | None = None) -> None:
        """Begin the next episode.

        Args:
            set_up: where it begins; None for an ordinary episode.
            games: int64[W], those that begin anew; all games without it.

        Raises:
            GameError: from that position the opponent wins before the agent can decide anything; or some games are to
                begin anew and the others have never begun.
            CandidateOverflow: that roll has more candidates than the action space of whole turns.
        """
        if games is not None:
            self._check_usable()
        self._begin(set_up, games)
        for _ in range(_TRIES if set_up is not None and set_up.random_turns else 0):
            if not self.is_cut_off.any():
                return
            self._begin(set_up, np.flatnonzero(self.is_cut_off))  # chance has other rolls ready
        which = slice(None) if games is None else games
        if self.is_cut_off[which].any():
            self._is_usable = False
            raise self._overflow()

    def _begin(self, set_up: SetUp | None, games: Int64s | None) -> None:
        which = slice(None) if games is None else games
        for flags in (self.has_ended, self.is_cut_off, self.is_illegal):
            flags[which] = False
        self.rewards[which] = 0.0
        self._no_game_has_ended = not self.has_ended.any()
        state = self.boards[which], self.registers[which], self.clocks[which]
        length = self.rules.episode_length
        kind = turns.SELF if set_up is not None else self.opponent.kind
        turns.start_episodes(*state, kind, length, self._out, self._scratch)
        if set_up is not None:
            self._set_up(set_up, state)
        if games is not None:  # then the rows of `state` are copies
            self.boards[games], self.registers[games], self.clocks[games] = state
        self._is_usable = True
        self._ask_opponent()
        if (self.registers[which, STAGE] == OVER).any():
            self._is_usable = False
            raise GameError("the opponent wins from that position before the agent can decide; set 'first' to 0")
        self._refresh()

    def _overflow(self) -> CandidateOverflow:
        """What is said of a roll that cannot be shown."""
        raise NotImplementedError

    def _set_up(self, set_up: SetUp, state: tuple[Boards, turns.Registers, turns.Clocks]) -> None:
        """Put episodes just begun into another position; `state`: boards, registers, clocks of those games."""
        position = set_up.position.board
        high, low = set_up.roll or (0, 0)
        turns.set_up(*state, position, -1 if set_up.seat is None else set_up.seat, high, low)
        turns.play_random_turns(*state, set_up.random_turns, self._out, self._scratch)
        turns.hand_over(*state, self.opponent.kind, self.rules.episode_length, self._out, self._scratch)

    def _ask_opponent(self) -> None:
        """Let an outside opponent answer wherever it is its turn; in a match it may have to open the next game."""
        player = self.opponent.player
        if player is None:
            return
        while True:
            waiting = np.flatnonzero(self.registers[:, STAGE] == OPPONENT)
            if not len(waiting):
                return
            self._is_usable = False  # stays so when the opponent fails: some games would be left half-way
            rows = self.ask(player, waiting)
            wrong = turns.answer(
                self.boards,
                self.registers,
                self.clocks,
                waiting,
                rows,
                self.has_ended,
                self.rules.episode_length,
                self._out,
                self._scratch,
            )
            if wrong >= 0:
                raise GameError(f"player {player.name} chose candidate {rows[wrong]}, which does not exist; call reset")
            self._is_usable = True

    def ask(self, player: Player, games: Int64s) -> Int64s:
        """The rows that a player chooses in some games, int64[W]; whether they exist is not checked.

        Args:
            player: who chooses.
            games: int64[W], each in play.

        Raises:
            GameError: not one whole number for each game.
        """
        return ask_player(player, self.boards[games], self.registers[games, _ROLL], self.noise(games))

    def _check_usable(self) -> None:
        """Refuse to step games that are not in play.

        Raises:
            GameError: the games have not begun, or an opponent failed in the middle of a step.
        """
        if not self._is_usable:
            raise GameError("no episode is in play: call reset first")

    def step(self, actions: Int64s) -> None:
        """One action in every game, int64[N]; a game whose episode is over ignores it and begins the next one.

        Raises:
            GameError: call `start` first; or an outside opponent gave nonsense.
            IllegalPlay: an action that may not be played, with illegal="raise"; nothing has changed then.
        """
        self._check_usable()
        first = self._mark_illegal(actions)
        if first >= 0:
            if self.rules.illegal == "raise":
                raise IllegalPlay(self._why_illegal(first, int(actions[first])))
            if self.rules.illegal == "forfeit":
                self.registers[self.is_illegal, STAGE] = FORFEIT
            actions = np.where(self.is_illegal, self._first_legal(), actions)
        self._make(actions)
        turns.pass_turns(
            self.boards,
            self.registers,
            self.clocks,
            self._is_turn_over,
            self.has_ended,
            self.opponent.kind,
            self.rules.episode_length,
            self._out,
            self._scratch,
        )
        self._finish_step()

    def _finish_step(self) -> None:
        """Opponents' answers, rewards and the next choices."""
        self._ask_opponent()
        self.is_cut_off.fill(False)
        self.rewards.fill(0.0)
        self._no_game_has_ended = not np.count_nonzero(self.has_ended)
        if not self._no_game_has_ended:
            points = self._points_of_actors()
            points = points if self.rules.reward == "points" else np.sign(points)
            self.rewards[self.has_ended] = points[self.has_ended]
        self._refresh()

    def _points_of_actors(self) -> Int8s:
        """Points of the seats whose actions ended their games (against an opponent, of seat 0), int8[N].

        Whoever ends a game by a move has won it; whoever ends it by an illegal action has lost it.
        """
        points: Int8s = self.registers[:, POINTS]
        if not self._is_self_play:
            return points
        lost = self.is_illegal if self.rules.illegal == "forfeit" else np.zeros_like(self.is_illegal)
        return np.where(lost, -np.abs(points), np.abs(points))

    def _mark_illegal(self, actions: Int64s) -> int:
        """Fill `is_illegal`; gives the first game with an illegal action, or -1."""
        raise NotImplementedError

    def _why_illegal(self, game: int, action: int) -> str:
        raise NotImplementedError

    def _first_legal(self) -> Int64s:
        """The first legal action of every game, int64[N]."""
        raise NotImplementedError

    def _make(self, actions: Int64s) -> None:
        """Make the legal actions on the boards and fill `_is_turn_over`."""
        raise NotImplementedError

    def _refresh(self) -> None:
        """Make the choices of the present state; where they are too many to be shown, cut the episode off."""
        raise NotImplementedError

    def observe(self) -> Observation:
        """What the deciding sides see, new arrays; see the subclasses."""
        raise NotImplementedError

    def views(self) -> Boards:
        """int8[N, 26] as the deciding side sees it: seat 0 against an opponent, the seat on roll in self-play."""
        if self._is_self_play or self._no_game_has_ended:
            return self.boards
        turned = self.boards.copy()
        lost = self.registers[:, SEAT] == 1
        turned[lost] = swap(self.boards[lost])
        return turned

    def scores(self) -> Int8s:
        """Points in the match, int8[N, 2]: the viewer's, the other's."""
        scores = self.registers[:, turns.SCORE_0 : turns.SCORE_1 + 1].copy()
        if self._is_self_play:
            turned = self.registers[:, SEAT] == 1
            scores[turned] = scores[turned, ::-1]
        return scores

    def seats(self) -> Int8s:
        """The seat on roll in every game, int8[N]; at the end of an episode the winner."""
        return self.registers[:, SEAT].copy()

    def points(self) -> Int8s:
        """Points of the last finished game of the episode for seat 0, int8[N]; 0 before the first has ended."""
        return self.registers[:, POINTS].copy()

    def rolls(self) -> Int8s:
        """The roll of the turn in every game, int8[N, 2], larger die first."""
        return self.registers[:, _ROLL].copy()

    def noise(self, games: Int64s) -> Noise:
        """The noise for a choice in the turn in play of some games: games int64[W] to uint64[W]."""
        noise = np.empty(len(games), dtype=np.uint64)
        turns.fill_noise(self.clocks, games, noise)
        return noise

    def points_of(self, game: int) -> int:
        """As `points`, of one game."""
        return self.registers.item(game, POINTS)

    def roll_of(self, game: int) -> Int8s:
        """As `rolls`, of one game: int8[2]."""
        return self.registers[game, _ROLL].copy()

    def position(self, game: int = 0) -> Position:
        """The position of a game seen by the seat on roll (at the end of an episode by the winner)."""
        return Position(self.boards[game])

    def seat(self, game: int = 0) -> int:
        """The seat on roll."""
        return self.registers.item(game, SEAT)

    def roll(self, game: int = 0) -> Roll:
        """The roll of the turn."""
        return Roll(int(self.registers[game, turns.HIGH]), int(self.registers[game, turns.LOW]))

    def dice_left(self, game: int) -> tuple[int, ...]:
        """The dice that are still to be played."""
        high, low = self.roll(game)
        registers = self.registers[game]
        return (high,) * int(registers[turns.NUM_HIGH]) + (low,) * int(registers[turns.NUM_LOW])

    def is_waiting(self) -> Bools:
        """True for every game in which the caller is to decide, bool[N]."""
        is_waiting: Bools = self.registers[:, STAGE] == AGENT
        return is_waiting

    def has_begun(self, game: int) -> bool:
        """True once the first episode has begun."""
        return self.registers.item(game, STAGE) != UNUSED

    def is_over(self, game: int) -> bool:
        """True when the episode is over, or none has begun."""
        return self.registers.item(game, STAGE) in (OVER, UNUSED)

    def match_score(self, game: int = 0) -> tuple[int, int]:
        """Points of seat 0 and of seat 1 in the match."""
        registers = self.registers[game]
        return int(registers[turns.SCORE_0]), int(registers[turns.SCORE_1])
