"""What the engine answers to the questions of other programs, whatever the protocol.

Axis legend: N candidates of a decision, 6 outcomes in the order of `evaluation.outcome.OUTCOMES`.

Answers depend on the question alone: the same position, dice and seed get the same answer, in whatever order and from
however many clients at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from backgammon.cube.stakes import CENTRED, OPPONENT, OWN, Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine import Engine
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import Outcomes, equities, swap_outcomes
from backgammon.evaluation.player import Player
from backgammon.notation.grammar import point_name
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision, Play
from backgammon.rules.decisions import Decisions
from backgammon.rules.game import GameState
from backgammon.search import Searcher
from backgammon.table.duel import play_out
from backgammon.tools.arrays import Int8s, Int64s

TAKE_POINT = -0.5
"""Cubeless points below which a double is dropped by a player that no cube engine helps: dropping costs 1 point,
playing on at the doubled cube 2 x equity if nobody turns it again."""

TRIALS = 360
"""Games played out when a player without an evaluator has to answer a double: a standard error of about 0.06 points."""


@dataclass(frozen=True, eq=False)
class Advice:
    """A decision with the engine's opinion of every candidate.

    Attributes:
        decision: its `chosen` is the best row.
        order: int64[N], rows of the candidates, best first.
        plies: int8[N] in the order of the candidates, the depth at which each was judged (0 the evaluator alone).
        outcomes: float32[N, 6] in the order of the candidates, for the player who has just moved; None when the engine
            gives no chances.
    """

    decision: Decision
    order: Int64s
    plies: Int8s
    outcomes: Outcomes | None


class Adviser:
    """A player, with what else its engine can say."""

    def __init__(
        self,
        player: Player,
        ranker: Evaluator | None = None,
        searcher: Searcher | None = None,
        seed: int = 0,
        cube: StakesEngine | None = None,
        plays: StakesEngine | None = None,
    ) -> None:
        """An adviser.

        Args:
            player: makes the plays.
            ranker: orders the candidates that the player leaves; without one, and without a searcher, they keep their
                own order.
            searcher: orders the candidates and gives chances, at the depth of its settings; without one there are none,
                and a double is answered by playing the game out.
            seed: of players that leave something to chance, and of games played out.
            cube: decides about the cube; without one nothing is doubled, and takes go by `TAKE_POINT`.
            plays: makes the plays of matches, at their score; None leaves them to the player.
        """
        self._cube = cube
        self._plays = plays
        self._player = player
        self._ranker = ranker
        self._searcher = searcher
        self._seed = seed

    @classmethod
    def of_engine(cls, engine: Engine, seed: int = 0) -> Adviser:
        """The adviser of an engine; one without outcomes only orders plays."""
        if not engine.has_outcomes:
            return cls(engine.player, ranker=engine.evaluator, seed=seed)
        return cls(engine.player, searcher=engine.searcher, seed=seed, cube=engine.cube, plays=engine.plays)

    @property
    def name(self) -> str:
        """What the engine calls itself."""
        return self._player.name if self._searcher is None else self._searcher.evaluator.name

    @property
    def has_chances(self) -> bool:
        """True when the engine can say how likely the outcomes are."""
        return self._searcher is not None

    def choose(self, state: GameState, stakes: Stakes | None = None) -> Decision:
        """The decision of the seat on roll, with the chosen row.

        Args:
            state: dice are to be played.
            stakes: of the seat on roll; in a match the play suits them. None for a cubeless money game.

        Raises:
            GameError: there are no dice to play.
        """
        decision = state.decision()
        if decision.is_forced:
            return decision.choose(0)
        if stakes is not None and stakes.is_match and self._plays is not None:
            return decision.choose(self._plays.rank_plays(decision, stakes)[0].row)
        dice = np.array([decision.roll], dtype=np.int8)
        noise = np.array([self._noise(decision)], dtype=np.uint64)
        return decision.choose(int(self._player.choose(decision.position.board[None], dice, noise)[0]))

    def rank(self, state: GameState, stakes: Stakes | None = None) -> Advice:
        """The decision with every candidate in order of preference, the best of them the one that `choose` plays.

        Args:
            state: dice are to be played.
            stakes: see `choose`.

        Raises:
            GameError: there are no dice to play.
        """
        if stakes is not None and stakes.is_match and self._plays is not None:
            return _advice_at(state.decision(), self._plays, stakes)
        decision = self.choose(state)
        count = len(decision.candidates)
        order, plies, outcomes = np.arange(count), np.zeros(count, dtype=np.int8), None
        if self._searcher is not None:
            dice = np.array([decision.roll], dtype=np.int8)
            analysis = self._searcher.analyse(decision.position.board[None], dice)
            order, plies, outcomes = analysis.order, analysis.plies, analysis.outcomes
        elif self._ranker is not None:
            order = np.argsort(-self._ranker.preferences(Decisions.of([decision])), kind="stable")
        chosen_first = np.argsort(order != decision.chosen, kind="stable")
        return Advice(decision, order[chosen_first], plies, outcomes)

    def chances(self, position: Position) -> Outcomes | None:
        """Outcomes float32[6] for the player on roll, who has not thrown yet; None when the engine gives none."""
        if self._searcher is None:
            return None
        chances: Outcomes = swap_outcomes(self._searcher.outcomes(swap(position.board)[None]))[0]
        return chances

    def doubles(self, state: GameState, stakes: Stakes | None = None) -> bool:
        """Whether the seat on roll doubles; never without a cube engine, for cubeless chances cannot tell the moment.

        Args:
            state: before the roll.
            stakes: of the seat on roll; None for money play with the state's cube.
        """
        asked = stakes or money_stakes(state)
        if self._cube is None or not asked.may_double:
            return False
        return self._cube.decide_cube(state.position.board, asked).is_double

    def takes(self, state: GameState, stakes: Stakes | None = None) -> bool:
        """Whether the seat that was doubled plays on; stakes as in `doubles`, of the seat that has doubled."""
        asked = stakes or money_stakes(state)
        if self._cube is not None and asked.may_double:
            return self._cube.decide_cube(state.position.board, asked).is_take
        chances = self.chances(state.position)
        if chances is not None:
            return -float(equities(chances)) >= TAKE_POINT
        return -self._play_out(state.position) >= TAKE_POINT

    def _noise(self, decision: Decision) -> int:
        """64 bits that belong to the question."""
        text = b"%d:%d%d:" % (self._seed, *decision.roll) + decision.position.key
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")

    def _play_out(self, position: Position) -> float:
        """Points per game of the player on roll, the player playing both sides."""
        rng = np.random.default_rng(self._seed)
        return float(play_out(self._player, position.board, None, TRIALS, rng).mean())


def _advice_at(decision: Decision, engine: StakesEngine, stakes: Stakes) -> Advice:
    """The engine's opinion of every candidate at a score."""
    ranked = engine.rank_plays(decision, stakes)
    order = np.array([play.row for play in ranked])
    plies = np.zeros(len(ranked), dtype=np.int8)
    outcomes = np.zeros((len(ranked), 6), dtype=np.float32)
    for play in ranked:
        plies[play.row], outcomes[play.row] = play.ply, play.outcomes
    return Advice(decision.choose(int(order[0])), order, plies, outcomes)


def money_stakes(state: GameState) -> Stakes:
    """Money play without Jacoby and beavers, with the cube of a game, seen by the seat on roll."""
    owner = {None: CENTRED, state.turn: OWN}.get(state.cube_owner, OPPONENT)
    return Stakes(cube=state.cube, owner=owner)


def spell_play(play: Play) -> str:
    """Every move on its own, without stars and counts, as protocols want it: `bar/20 24/23`; empty for a dance."""
    return " ".join(f"{point_name(move.source)}/{point_name(move.target)}" for move in play)
