"""Look-ahead: an evaluator in, a deeper evaluator out.

Axis legend: N decisions, M candidates of all of them (rows offsets[i] to offsets[i + 1] are decision i), K positions
after a play, 21 rolls, 6 outcomes.

Plies are counted as GNU Backgammon does: 0-ply is the evaluator alone. The value of a candidate at n plies is the
average over the opponent's 21 rolls of its best reply's value at n - 1 plies; replies are chosen by the evaluator alone
(0-ply), or from what the engine's pruner proposes, as GNU Backgammon does. All positions of a level go
to the evaluator in batches of ten thousand and more, and equal positions are judged once.

Nothing depends on the number of threads or on what else is in a batch: each position's value is computed from its own
21 rolls in a fixed order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement
from backgammon.evaluation.outcome import Outcomes, equities, final_outcomes
from backgammon.evaluation.player import Noise
from backgammon.evaluation.strengths import DEFAULT_FILTER, MAX_PLIES
from backgammon.rules.board import Board
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.rolls import average_rolls, group_rows
from backgammon.search.cache import OutcomeCache
from backgammon.search.filters import keep_candidates, stages
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int8s, Int64s
from backgammon.tools.crew import Crew
from backgammon.tools.errors import ConfigError

_CHUNK = {0: 8192, 1: 768, 2: 36, 3: 4}
"""Positions that a thread takes at a time, by ply: about 16,000 rows for the evaluator at its innermost level."""
_NO_ROWS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class SearchSettings:
    """How deep and how wide to look.

    Attributes:
        plies: 0 (the evaluator alone) to 3.
        filter_name: which candidates are looked at deeper, see `strengths.FILTER_NAMES`.
        seconds: time limit of one decision: depths up to `plies` are tried one after the other, and the deepest that
            was finished counts (0-ply always is); None for no limit.
        shallow: share of the evaluator's own value in the value of a candidate at 1 ply, also where that is a stage on
            the way to 2. The errors of the two are of different kinds, and of opposite sign where the evaluator
            misjudges whose turn it is; deeper than that the evaluator alone has nothing to add
            (docs/experiments/look-ahead.md).
        leaning: what a point that the evaluator leans to a candidate beside its value (see `JudgedPlays`) counts when
            candidates that were judged at 1 ply or deeper are put in order; values are what they are without it.

    Raises:
        ConfigError: a setting that does not exist.
    """

    plies: int = 2
    filter_name: str = DEFAULT_FILTER
    seconds: float | None = None
    shallow: float = 0.25
    leaning: float = 0.25

    def __post_init__(self) -> None:
        stages(self.filter_name, self.plies)
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"{self.seconds} seconds for a decision: give more than 0")
        if not 0 <= self.shallow < 1:
            raise ConfigError(f"shallow = {self.shallow}: at least 0 and below 1")
        if not 0 <= self.leaning <= 1:
            raise ConfigError(f"leaning = {self.leaning}: at least 0 and at most 1")


class Analysis(NamedTuple):
    """Every candidate of N decisions with its value, seen by the player who moves.

    Attributes:
        decisions: N of them.
        equities: float32[M], cubeless money points.
        outcomes: float32[M, 6].
        plies: int8[M], the depth at which each was judged.
        order: int64[M], rows of the M by decision, best first: deeper judged ones before others, then as the engine
            chooses, which need not be by equity (`SearchSettings.leaning`).
    """

    decisions: Decisions
    equities: Float32s
    outcomes: Outcomes
    plies: Int8s
    order: Int64s

    @property
    def best_rows(self) -> Int64s:
        """int64[N], row of the best candidate within its decision."""
        rows: Int64s = self.order[self.decisions.offsets[:-1]] - self.decisions.offsets[:-1]
        return rows

    def searched_rows(self, index: int) -> Int64s:
        """Rows of the M that were judged at the greatest depth of decision `index`, best first."""
        rows = self.order[self.decisions.offsets[index] : self.decisions.offsets[index + 1]]
        depths = self.plies[rows]
        searched: Int64s = rows[depths == depths.max()]
        return searched


class OutOfTimeError(Exception):
    """The time limit was reached inside a depth; never leaves the search."""


class Searcher(Evaluator):
    """Looks ahead with an evaluator; itself an evaluator, so searches nest and rollouts may use them."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings | None = None,
        threads: int = 1,
        cache: OutcomeCache | None = None,
    ) -> None:
        """Set up a search.

        Args:
            evaluator: judges the leaves, orders the candidates for the filter by its preferences, and replies.
            settings: None for the defaults.
            threads: share the work between so many; the evaluator must allow calls from several threads.
            cache: keeps values between calls.

        Raises:
            ConfigError: fewer than one thread.
            ModelError: the evaluator gives no chances.
        """
        evaluator.require_outcomes()
        self._crew = Crew(threads, "search")
        self.evaluator = evaluator
        self.settings = settings or SearchSettings()
        self._cache = cache

    @property
    def name(self) -> str:
        """The evaluator's name and the depth."""
        return f"{self.evaluator.name} {self.settings.plies}-ply"

    @property
    def identity(self) -> str:
        """The evaluator's identity and every setting that changes a value."""
        return f"{self.evaluator.identity} {self.settings}"

    @property
    def bearoff(self) -> Bearoff | None:
        """The evaluator's tables."""
        return self.evaluator.bearoff

    def judge(self, boards: Boards) -> Judgement:
        """Outcomes of positions after a play at the depth of the settings; see `Evaluator.judge`."""
        if self.settings.plies == 0:
            return self.evaluator.judge(boards)
        return Judgement(None, self._judge(np.require(boards, np.int8, ["C", "W"]), self.settings.plies, None))

    def preferences(self, decisions: Decisions) -> Float64s:
        """The evaluator's at 0-ply, else the equities that the search finds; see `Evaluator.preferences`."""
        return self.evaluator.preferences(decisions) if self.settings.plies == 0 else super().preferences(decisions)

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """Likewise, with leanings and outcomes."""
        return self.evaluator.judge_plays(decisions) if self.settings.plies == 0 else super().judge_plays(decisions)

    def outcomes(self, boards: Boards) -> Outcomes:
        """As `judge`, for who needs no scores."""
        return self._judge(np.require(boards, np.int8, ["C", "W"]), self.settings.plies, None)

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """Rows int64[N] of the best candidates; a forced play is not looked at."""
        if self.settings.plies == 0:
            return self.evaluator.choose(boards, dice)
        _, offsets = legal_candidates(boards, dice)
        rows = np.zeros(len(boards), dtype=np.int64)
        open_rows = np.flatnonzero(np.diff(offsets) > 1)
        if len(open_rows):
            decisions = Decisions.make(boards[open_rows], dice[open_rows])
            rows[open_rows] = self.analyse_for_choice(decisions).best_rows
        return rows

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """Best candidates int8[N, 26] and their outcomes float32[N, 6] at the depth of the settings."""
        if self.settings.plies == 0:
            return self.evaluator.play_best(boards, dice)
        analysis = self.analyse(boards, dice)
        best = analysis.order[analysis.decisions.offsets[:-1]]
        return analysis.decisions.candidates[best], analysis.outcomes[best]

    def analyse(self, boards: Boards, dice: Dice) -> Analysis:
        """Values of every candidate, the filtered ones at the full depth.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].

        Raises:
            PositionError, DiceError: see `legal_candidates`.
        """
        return self.analyse_decisions(Decisions.make(boards, dice))

    def analyse_decisions(self, decisions: Decisions) -> Analysis:
        """As `analyse`; what was chosen is judged at the full depth, whatever the filter thinks of it."""
        return self._analyse_within_time(decisions, is_choice=False)

    def analyse_for_choice(self, decisions: Decisions) -> Analysis:
        """As `analyse_decisions`, for the best alone: a candidate that no rival is left to is not judged deeper."""
        return self._analyse_within_time(decisions, is_choice=True)

    def _analyse_within_time(self, decisions: Decisions, is_choice: bool) -> Analysis:
        """See `_analyse`."""
        seconds = self.settings.seconds
        if seconds is None or not len(decisions):
            return self._analyse(decisions, self.settings.plies, None, is_choice)
        singles = [decisions.take(np.array([i])) for i in range(len(decisions))]
        return join_analyses([self._deepen(single, seconds, is_choice) for single in singles])

    def _deepen(self, decision: Decisions, seconds: float, is_choice: bool) -> Analysis:
        """The deepest analysis of one decision that time allows."""
        deadline = time.perf_counter() + seconds
        best = self._analyse(decision, 0, None, is_choice)
        for plies in range(1, self.settings.plies + 1):
            try:
                best = self._analyse(decision, plies, deadline, is_choice)
            except OutOfTimeError:
                break
        return best

    def _analyse(self, decisions: Decisions, plies: int, deadline: float | None, is_choice: bool) -> Analysis:
        """Candidates and their values; see `analyse_for_choice`."""
        candidates, owners = decisions.candidates, decisions.owners
        always = _NO_ROWS if decisions.chosen is None else decisions.places(decisions.chosen)
        ranking, leanings, outcomes = self.evaluator.judge_plays(decisions)
        values = equities(outcomes)
        depths = np.zeros(len(candidates), dtype=np.int8)
        passed = np.arange(len(candidates))
        for move_filter, depth in stages(self.settings.filter_name, plies):
            passed = passed[keep_candidates(move_filter, owners[passed], values[passed], ranking[passed])]
            depths[passed] = depth
            if is_choice:
                passed = passed[np.bincount(owners[passed], minlength=len(decisions))[owners[passed]] > 1]
            rows = np.union1d(passed, always)  # what is judged besides takes nobody's place in the next filter
            deep = self._judge(candidates[rows], depth, deadline)
            share = self.settings.shallow if depth == 1 else 0.0
            outcomes[rows] = deep if share == 0 else np.float32(1 - share) * deep + np.float32(share) * outcomes[rows]
            values[rows] = equities(outcomes[rows])
            depths[rows] = depth
            ranking = values + self.settings.leaning * leanings
        order = np.lexsort((-ranking, -depths.astype(np.int64), owners))
        return Analysis(decisions, values, outcomes, depths, order)

    def _judge(self, boards: Boards, plies: int, deadline: float | None) -> Outcomes:
        """Outcomes float32[K, 6] at a depth, from the cache where it has them, on all threads."""
        if plies == 0:
            return self.evaluator.outcomes(boards)
        if self._cache is None:
            return self._judge_in_chunks(boards, plies, deadline)
        key = f"{self.identity} {plies}"
        found, outcomes = self._cache.find(key, boards)
        missing = np.flatnonzero(~found)
        if len(missing):
            outcomes[missing] = self._judge_in_chunks(boards[missing], plies, deadline)
            self._cache.keep(key, boards[missing], outcomes[missing])
        return outcomes

    def _judge_in_chunks(self, boards: Boards, plies: int, deadline: float | None) -> Outcomes:
        first, group = group_rows(boards)
        different = boards[first]
        size = _CHUNK[min(plies, MAX_PLIES)]
        # enough pieces for every thread, in pieces that still fill a batch
        size = max(1, min(size, -(-len(different) // self._crew.threads)))
        pieces = [different[start : start + size] for start in range(0, len(different), size)]

        def work(piece: Board) -> Outcomes:
            return self._look_ahead(piece, plies, deadline)

        results = self._crew.map(work, pieces)
        return np.concatenate(results)[group] if results else np.zeros((0, 6), dtype=np.float32)

    def _look_ahead(self, boards: Boards, plies: int, deadline: float | None) -> Outcomes:
        """Outcomes of different positions, `plies` >= 1."""
        is_over, outcomes = final_outcomes(boards)
        live = boards[~is_over]
        if not len(live):
            return outcomes
        if deadline is not None and time.perf_counter() > deadline:
            raise OutOfTimeError
        replies, values = self.evaluator.reply_to_rolls(live)
        group = np.arange(len(replies))
        if plies > 1:
            first, group = group_rows(replies)
            step = _CHUNK[plies - 1]
            parts = [
                self._look_ahead(replies[first[start : start + step]], plies - 1, deadline)
                for start in range(0, len(first), step)
            ]
            values = np.concatenate(parts)
        outcomes[~is_over] = average_rolls(values, group)
        return outcomes


def join_analyses(parts: list[Analysis]) -> Analysis:
    """Analyses of consecutive decisions as one."""
    decisions = Decisions.join([part.decisions for part in parts])
    bases = np.cumsum([0, *(len(part.order) for part in parts)])
    return Analysis(
        decisions,
        np.concatenate([part.equities for part in parts]),
        np.concatenate([part.outcomes for part in parts]),
        np.concatenate([part.plies for part in parts]),
        np.concatenate([part.order + base for part, base in zip(parts, bases[:-1], strict=True)]),
    )
