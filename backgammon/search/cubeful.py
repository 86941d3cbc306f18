"""Look-ahead with the cube: every state of the cube that play can reach is carried down in one search.

Axis legend: N decisions, M positions after a play, P proposed replies, K and E states of the cube (`option`), 21 rolls,
6 outcomes.

The decision to double is taken at every node and averaged after it: values of rolling on are averaged over the rolls,
then whoever is to move at the node doubles or not. Replies are chosen once for all states, by their static cubeful
value in the state without a double; GNU Backgammon does the same, so from the same evaluator come the same numbers. A
search costs little more than one without a cube, for all states share the evaluator's work.

Plies are counted as in `searcher`. Values are native (`Valuation`): points per unit of the cube in money play, chances
to win the match otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.cube.cube_net import CubeNet, default_cube_net
from backgammon.cube.efficiency import GNUBG, SHALLOW, Efficiency, efficiencies
from backgammon.cube.option import CubeStates, choose_replies, values_before_roll, values_to_move
from backgammon.cube.stakes import OPPONENT
from backgammon.cube.static import Prospects, make_prospects
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.bearoff import TWO_SIDED, Bearoff
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import Outcomes, final_outcomes, swap_outcomes
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.rules.board import swap
from backgammon.rules.rolls import NUM_ROLLS, average_rolls, group_rows, mean_over_rolls
from backgammon.search.cube_tree import state_levels
from backgammon.tools.arrays import Boards, Bools, Float64s
from backgammon.tools.crew import Crew
from backgammon.tools.errors import ConfigError

_CHUNK = {0: 8192, 1: 768, 2: 36, 3: 4}
"""Positions that a thread takes at a time, by ply."""


class Leaves(NamedTuple):
    """How efficient the cube is at the leaves: constants, and a net that moves them where there is one."""

    constants: Efficiency
    net: CubeNet | None


class Judged(NamedTuple):
    """Positions looked ahead from.

    Attributes:
        values: float64[M, states], native values.
        outcomes: float32[M, 6], the outcomes of the same plays, for people to read.
    """

    values: Float64s
    outcomes: Outcomes


class CubefulSearcher:
    """Looks ahead with the cube at any stakes; numbers do not depend on threads or on what else is in a batch."""

    def __init__(
        self,
        source: Evaluator,
        threads: int = 1,
        efficiency: Efficiency | None = None,
        net: CubeNet | None = None,
    ) -> None:
        """Set up a search.

        Args:
            source: proposes replies and judges them.
            threads: share the work between so many.
            efficiency: of the cube at the leaves; None for what has been found best: SHALLOW up to 1 ply, GNUBG beyond,
                and for cube decisions without a look-ahead the net that ships (docs/experiments/look-ahead.md).
            net: moves the efficiency that is given, at every depth.

        Raises:
            ConfigError: fewer than one thread, or a net without an efficiency.
        """
        if net is not None and efficiency is None:
            raise ConfigError("a net for the efficiency of the cube moves constants: give them too")
        self._source = source
        self._crew = Crew(threads, "cube")
        self._given = None if efficiency is None else Leaves(efficiency, net)

    @property
    def identity(self) -> str:
        """Everything that its numbers depend on, whatever the depth."""
        leaves = [self._leaves(plies, is_cube) for plies in range(MAX_PLIES + 1) for is_cube in (False, True)]
        told = [f"{one.constants}{'' if one.net is None else one.net.identity}" for one in leaves]
        return f"{self._source.identity} {sorted(set(told))}"

    @property
    def source(self) -> Evaluator:
        """Who judges the leaves."""
        return self._source

    def judge_doubles(self, boards: Boards, valuation: Valuation, plies: int) -> Judged:
        """Values of rolling on and of rolling after double and take.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            valuation: its stakes, the same for all; it may double.
            plies: 0 to 3.

        Returns:
            Values float64[N, 2], no double and double/take, both per unit of the cube before the double.

        Raises:
            ConfigError: no such depth.
            GameError: no double is possible.
        """
        stakes = valuation.stakes
        after = stakes.doubled()
        asked = [(stakes.cube, stakes.owner), (after.cube, OPPONENT)]
        levels = state_levels(valuation, asked, _checked(plies), has_option=False)
        values, outcomes = self._search(swap(boards), levels, is_cube_decision=True)
        return Judged(values * np.array([1.0, levels[0].factor]), outcomes)

    def judge_rolls(self, boards: Boards, valuation: Valuation, plies: int) -> Judged:
        """Values float64[N, 1] of players on roll that do not double now, whether they might or not."""
        stakes = valuation.stakes
        levels = state_levels(valuation, [(stakes.cube, stakes.owner)], _checked(plies), has_option=False)
        return Judged(*self._search(swap(boards), levels, is_cube_decision=True))

    def judge_plays(self, candidates: Boards, valuation: Valuation, plies: int) -> Judged:
        """Values of positions after a play, the opponent to move with its right to double.

        Args:
            candidates: int8[M, 26], seen by the player who has just moved.
            valuation: its stakes, seen by it.
            plies: 0 to 3.

        Returns:
            Values float64[M, 1] and outcomes of that player.

        Raises:
            ConfigError: no such depth.
        """
        stakes = valuation.stakes
        opponent = Valuation(stakes.swapped(), valuation.table)
        levels = state_levels(opponent, [(stakes.cube, -stakes.owner)], _checked(plies), has_option=True)
        afters = np.require(candidates, np.int8, ["C"])
        values, outcomes = self._search(afters, levels, is_cube_decision=False)
        theirs = values_to_move(levels[0], values)
        return Judged(1.0 - theirs if stakes.is_match else -theirs, swap_outcomes(outcomes))

    def value_plays(self, candidates: Boards, outcomes: Outcomes, valuation: Valuation) -> Float64s:
        """As `judge_plays` at 0-ply, float64[M], where the outcomes are known already.

        Args:
            candidates: int8[M, 26], seen by the player who has just moved.
            outcomes: float32[M, 6] of that player.
            valuation: its stakes, seen by it.
        """
        stakes = valuation.stakes
        opponent = Valuation(stakes.swapped(), valuation.table)
        (level,) = state_levels(opponent, [(stakes.cube, -stakes.owner)], 0, has_option=True)
        prospects = self._prospects(candidates, outcomes, self._leaves(0))
        theirs = values_to_move(level, values_before_roll(level, prospects))[:, 0]
        return 1.0 - theirs if stakes.is_match else -theirs

    def judge_each_roll(self, boards: Boards, valuation: Valuation) -> Float64s:
        """What each roll is worth after its best play, the opponent to move; by the source alone (0-ply).

        Args:
            boards: int8[N, 26], the player on roll, which does not double now; games that are not over.
            valuation: its stakes, the same for all.

        Returns:
            float64[N, 21], native values of the player on roll, rolls in the order of `dice.ROLLS`.
        """
        stakes = valuation.stakes
        here, below = state_levels(valuation, [(stakes.cube, stakes.owner)], 1, has_option=False)
        leaves = self._leaves(1)
        pieces = [boards[start : start + _CHUNK[1]] for start in range(0, len(boards), _CHUNK[1])]

        def work(piece: Boards) -> Float64s:
            _, prospects = self._reply(swap(piece), below, leaves)
            return values_to_move(below, values_before_roll(below, prospects))[:, 0].reshape(-1, NUM_ROLLS)

        theirs = np.concatenate([np.empty((0, NUM_ROLLS)), *self._crew.map(work, pieces)])
        return 1.0 - theirs if here.terms.is_match else -theirs

    def _search(self, afters: Boards, levels: list[CubeStates], is_cube_decision: bool) -> tuple[Float64s, Outcomes]:
        """`_look` at different positions, on all threads."""
        first, group = group_rows(afters)
        different = afters[first]
        plies = len(levels) - 1
        leaves = self._leaves(plies, is_cube_decision)
        size = max(1, min(_CHUNK[plies], -(-len(different) // self._crew.threads)))
        pieces = [different[start : start + size] for start in range(0, len(different), size)]
        parts = self._crew.map(lambda piece: self._look(piece, levels, leaves), pieces)
        if not parts:
            return np.empty((0, len(levels[0].cubes))), np.empty((0, 6), dtype=np.float32)
        return np.concatenate([part[0] for part in parts])[group], np.concatenate([part[1] for part in parts])[group]

    def _look(self, afters: Boards, levels: list[CubeStates], leaves: Leaves) -> tuple[Float64s, Outcomes]:
        """Values of rolling on float64[M, E] and outcomes float32[M, 6] of the player who rolls next.

        Args:
            afters: int8[M, 26], seen by the player who has just moved.
            levels: states of this level, the player who rolls next to move, and of those below.
            leaves: efficiency of the cube there.
        """
        if len(levels) == 1:
            prospects = self._prospects(afters, self._source.outcomes(afters), leaves)
            return values_before_roll(levels[0], prospects), prospects.outcomes
        is_settled = self._is_settled(afters, levels[0])
        if not is_settled.any():
            return self._look_ahead(afters, levels, leaves)
        values = np.empty((len(afters), len(levels[0].cubes)))
        outcomes = np.empty((len(afters), 6), dtype=np.float32)
        values[is_settled], outcomes[is_settled] = self._look(afters[is_settled], levels[:1], leaves)
        if not is_settled.all():
            values[~is_settled], outcomes[~is_settled] = self._look_ahead(afters[~is_settled], levels, leaves)
        return values, outcomes

    def _look_ahead(self, afters: Boards, levels: list[CubeStates], leaves: Leaves) -> tuple[Float64s, Outcomes]:
        """`_look` where the game goes on, with a level below."""
        here, below = levels[0], levels[1]
        replies, prospects = self._reply(afters, below, leaves)
        group = np.arange(len(replies))
        if len(levels) == 2:
            values = values_before_roll(below, prospects)
            outcomes = prospects.outcomes
        else:
            first, group = group_rows(replies)
            step = _CHUNK[len(levels) - 2]
            parts = [
                self._look(replies[first[start : start + step]], levels[1:], leaves)
                for start in range(0, len(first), step)
            ]
            values = np.concatenate([part[0] for part in parts])
            outcomes = np.concatenate([part[1] for part in parts])
        means = mean_over_rolls(values_to_move(below, values), group)
        return (1.0 - means if here.terms.is_match else -means), average_rolls(outcomes, group)

    def _reply(self, afters: Boards, below: CubeStates, leaves: Leaves) -> tuple[Boards, Prospects]:
        """The reply to each of the 21 rolls int8[21 * M, 26], and the prospects of who is to move behind it.

        Args:
            afters: int8[M, 26], seen by the player who has just moved; games that are not over.
            below: states behind the reply.
            leaves: efficiency of the cube there.
        """
        replies, chances, offsets = self._source.proposals_to_rolls(afters)
        prospects = self._prospects(replies, chances, leaves)
        rows = np.empty(NUM_ROLLS * len(afters), dtype=np.int64)
        choose_replies(
            below.terms, prospects, offsets, int(below.cubes[0]), int(below.owners[0]), bool(below.doubled[0] >= 0),
            float(below.cashed[0]), below.factor, rows,
        )  # fmt: skip
        return replies[rows], prospects.take(rows)

    def _leaves(self, plies: int, is_cube_decision: bool = False) -> Leaves:
        """What was given, or what is best there."""
        if self._given is not None:
            return self._given
        net = default_cube_net() if is_cube_decision and plies == 0 else None
        return Leaves(SHALLOW if plies < 2 else GNUBG, net)

    def _prospects(self, afters: Boards, outcomes: Outcomes, leaves: Leaves) -> Prospects:
        """Prospects of the player who rolls next, from the outcomes float32[M, 6] of the one who has just moved."""
        exact = None
        if self._source.bearoff is not None:
            exact = exact_equities(self._source.bearoff, afters)
        prospects = make_prospects(swap_outcomes(outcomes), efficiencies(afters, leaves.constants), exact)
        return prospects if leaves.net is None else prospects.learnt(leaves.net, afters)

    def _is_settled(self, afters: Boards, states: CubeStates) -> Bools:
        """Games that are over, and in money play positions whose cubeful equities are exact: nothing to look for."""
        is_over, _ = final_outcomes(afters)
        if states.terms.is_match or self._source.bearoff is None:
            return is_over
        return is_over | ~np.isnan(exact_equities(self._source.bearoff, afters)[:, 0])


def exact_equities(bearoff: Bearoff, afters: Boards) -> Float64s:
    """Exact money equities float64[M, 3] of the player who rolls next, see `Prospects.exact`; NaN without a table.

    Args:
        bearoff: tables.
        afters: int8[M, 26], seen by the player who has just moved.
    """
    exact = np.full((len(afters), 3), np.nan)
    rows = np.flatnonzero(bearoff.coverage(afters) == TWO_SIDED)
    if len(rows):
        is_over, _ = final_outcomes(afters[rows])
        rows = rows[~is_over]
        exact[rows] = bearoff.cube_equities(swap(afters[rows]))[:, 1:]
    return exact


def _checked(plies: int) -> int:
    if not 0 <= plies <= MAX_PLIES:
        raise ConfigError(f"{plies} plies: choose from 0 (the evaluator alone) to {MAX_PLIES}")
    return plies
