"""What to do at a score and cube: double or not, take or not, which play.

Axis legend: N decisions, M candidates of a decision.

Everything is cubeful: chances come from an evaluator, values from the stakes. At 0-ply a net's choices know more than
its chances do: what it leans to, in points, is added to the values before they are compared. It knows neither score nor
cube, but neither do the chances. Deeper candidates are ordered by what they are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.met import MatchEquityTable, default_table
from backgammon.cube.stakes import Stakes
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.outcome import Outcomes
from backgammon.rules import ragged
from backgammon.rules.board import Board
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.search.cubeful import CubefulSearcher
from backgammon.search.filters import keep_candidates, stages
from backgammon.search.luck import roll_luck_at_stakes
from backgammon.search.searcher import SearchSettings
from backgammon.tools.arrays import Boards, Bools, Dice, Float32s, Float64s, Int64s

_FAR_FROM_LIMIT = 64
"""No look-ahead reaches the largest cube from here."""


@dataclass(frozen=True, eq=False)
class PlayAtStakes:
    """What a candidate is worth to the player who moves, at its score and cube.

    Attributes:
        row: of the decision's candidates.
        equity: cubeful EMG; in money play points per unit of the cube.
        mwc: chance to win the match; None in money play.
        outcomes: float32[6], see `outcome.OUTCOMES`.
        ply: depth of the search.
        margin: equity of the best candidate minus this one's; below 0 at 0-ply where the engine leans to the best.
        standard_error: of a rollout's equity, EMG; None for a search.
        joint_error: standard error of a rollout's margin; None for a search.
        games: of the rollout; 0 for a search.
    """

    row: int
    equity: float
    mwc: float | None
    outcomes: Float32s
    ply: int
    margin: float
    standard_error: float | None = None
    joint_error: float | None = None
    games: int = 0


class StakesEngine:
    """An engine for decisions at any stakes, at one depth."""

    def __init__(
        self,
        searcher: CubefulSearcher,
        settings: SearchSettings | None = None,
        table: MatchEquityTable | None = None,
    ) -> None:
        """Set up.

        Args:
            searcher: looks ahead.
            settings: depth and filter; a time limit is not kept here. None for the defaults.
            table: of match equities; None for the one that ships.
        """
        self._searcher = searcher
        self._settings = settings or SearchSettings()
        self._table = table

    @property
    def searcher(self) -> CubefulSearcher:
        """What looks ahead."""
        return self._searcher

    @property
    def table(self) -> MatchEquityTable | None:
        """Of match equities; None for the one that ships."""
        return self._table

    def valuation(self, stakes: Stakes) -> Valuation:
        """Values at some stakes by the engine's table."""
        return Valuation(stakes, self._table)

    @property
    def name(self) -> str:
        """The evaluator's name and the depth."""
        return f"{self._searcher.source.name} {self._settings.plies}-ply"

    @property
    def identity(self) -> str:
        """Everything that its numbers depend on."""
        table = (self._table or default_table()).identity
        return f"{self._searcher.identity} {self._settings} {table}"

    @property
    def plies(self) -> int:
        """Depth of the search."""
        return self._settings.plies

    def measure_luck(self, boards: Boards, dice: Dice, is_opening: Bools, stakes: Sequence[Stakes]) -> Float64s:
        """Luck float64[N] of rolls in native values, each at its stakes; see `luck.roll_luck_at_stakes`."""
        luck = np.zeros(len(stakes))
        for common, rows in group_by_stakes(stakes):
            valuation = self.valuation(common)
            luck[rows] = roll_luck_at_stakes(self._searcher, boards[rows], dice[rows], is_opening[rows], valuation)
        return luck

    def decide_cubes(self, boards: Board, stakes: Sequence[Stakes]) -> list[CubeVerdict]:
        """The verdicts of N cube decisions.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            stakes: of each; the rules allow the double.

        Raises:
            GameError: no double is possible.
        """
        verdicts: dict[int, CubeVerdict] = {}
        plies = self._settings.plies
        for common, rows in group_by_stakes(stakes):
            valuation = self.valuation(common)
            judged = self._searcher.judge_doubles(boards[rows], valuation, plies)
            for at, values, outcomes in zip(rows.tolist(), judged.values, judged.outcomes, strict=True):
                no_double, double_take = valuation.emg(values).tolist()
                mwc = None
                if common.is_match:
                    mwc = float(values[0]), float(values[1]), valuation.won_and_lost[0]
                verdicts[at] = CubeVerdict(stakes[at], no_double, double_take, 1.0, mwc, outcomes, plies)
        return [verdicts[i] for i in range(len(stakes))]

    def decide_cube(self, board: Board, stakes: Stakes) -> CubeVerdict:
        """The verdict of one cube decision, board int8[26] of the player on roll; see `decide_cubes`."""
        return self.decide_cubes(board[None], [stakes])[0]

    def value_of_rolling(self, board: Board, stakes: Stakes) -> float:
        """EMG of a player on roll that does not double now, whether the rules would allow it or not."""
        valuation = self.valuation(stakes)
        values = self._searcher.judge_rolls(board[None], valuation, self._settings.plies).values
        return float(valuation.emg(values[0, 0]))

    def rank_plays(self, decision: Decision, stakes: Stakes, by_equity: bool = False) -> list[PlayAtStakes]:
        """Every candidate of a decision, best first: deeper judged ones before others, then as the engine chooses.

        A play that was chosen is judged as deeply as the best, so that what it loses never compares two depths.

        Args:
            decision: whose candidates.
            stakes: of the player who moves.
            by_equity: order what was judged equally deeply by the equities, which losses are counted in, not by what
                the engine chooses by.
        """
        valuation = self.valuation(stakes)
        preferred, equities, outcomes, depths = self._judge(Decisions.of([decision]), [stakes])
        order = np.lexsort((-(equities if by_equity else preferred), -depths))
        best = equities[order[0]]
        chances = valuation.native(equities) if stakes.is_match else None
        return [
            PlayAtStakes(
                row=row,
                equity=float(equities[row]),
                mwc=None if chances is None else float(chances[row]),
                outcomes=outcomes[row],
                ply=int(depths[row]),
                margin=float(best - equities[row]),
            )
            for row in order.tolist()
        ]

    def choose(self, boards: Boards, dice: Dice, stakes: Sequence[Stakes]) -> Int64s:
        """Rows int64[N] of the best candidates of many decisions, those that `rank_plays` puts first.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].
            stakes: of each.
        """
        decisions = Decisions.make(boards, dice)
        preferred, _, _, depths = self._judge(decisions, stakes)
        deepest = ragged.spread(ragged.largest(depths, decisions.offsets), decisions.offsets)
        return ragged.best(np.where(depths == deepest, preferred, -np.inf), decisions.offsets)

    def _judge(self, decisions: Decisions, stakes: Sequence[Stakes]) -> tuple[Float64s, Float64s, Outcomes, Int64s]:
        """The candidates of N decisions.

        Returns:
            What to choose by float64[M], comparable within a decision; EMG float64[M]; outcomes float32[M, 6]; depths
            int64[M].
        """
        candidates, owners = decisions.candidates, decisions.owners
        groups = [(self.valuation(common), np.isin(owners, rows)) for common, rows in group_by_stakes(stakes)]
        _, leanings, outcomes = self._searcher.source.judge_plays(decisions)
        equities, depths = np.empty(len(candidates)), np.zeros(len(candidates), dtype=np.int64)
        for valuation, members in groups:
            values = self._searcher.value_plays(candidates[members], outcomes[members], valuation)
            equities[members] = valuation.emg(values)
        preferred = equities + leanings
        has_passed = np.ones(len(candidates), dtype=np.bool_)
        for move_filter, depth in stages(self._settings.filter_name, self._settings.plies, has_cube=True):
            rows = np.flatnonzero(has_passed)
            known = equities[rows].astype(np.float32)
            has_passed[rows] = keep_candidates(move_filter, owners[rows], known, preferred[rows])
            is_judged = has_passed.copy()
            if decisions.chosen is not None:  # what is judged besides takes nobody's place in the next filter
                is_judged[decisions.places(decisions.chosen)] = True
            share = self._settings.shallow if depth == 1 else 0.0
            for valuation, members in groups:
                rows = np.flatnonzero(is_judged & members)
                deep = self._searcher.judge_plays(candidates[rows], valuation, depth)
                equities[rows] = (1 - share) * valuation.emg(deep.values[:, 0]) + share * equities[rows]
                outcomes[rows] = np.float32(1 - share) * deep.outcomes + np.float32(share) * outcomes[rows]
            preferred = equities + self._settings.leaning * leanings
            depths[is_judged] = depth
        return preferred, equities, outcomes, depths


def group_by_stakes(stakes: Sequence[Stakes]) -> list[tuple[Stakes, Int64s]]:
    """The different stakes with the decisions int64[...] that have them.

    Money values are per unit of the cube, so the same owner makes the same stakes, as long as the cube's limit is far.
    """
    groups: dict[Stakes, list[int]] = {}
    for i, one in enumerate(stakes):
        is_any_cube = not one.is_match and 1 < one.cube <= _FAR_FROM_LIMIT
        groups.setdefault(replace(one, cube=2 if one.owner else 1) if is_any_cube else one, []).append(i)
    return [(one, np.array(rows, dtype=np.int64)) for one, rows in groups.items()]
