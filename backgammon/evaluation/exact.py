"""The exact tables over an evaluator: they judge and play where they know better, everything else is the net's.

Axis legend: N decisions, M positions after a play.

A decision whose position before the play is covered by the bear-off tables is played by them, everything else by the
net; in the same way positions after a play are judged by the tables where they cover them. Games that are over are
certain.

A position whose player still has a checker on the bar comes from a dance, or nearly so. Nets judge it worst of all: one
that learns from choices never sees it (the first nets were off by 0.4 points on average there, against 0.01 elsewhere,
which spoilt every look-ahead, for a tenth of all replies are dances). With `expands_dances` such a position is judged
from the opponent's 21 replies, unless dances are too rare there to matter. That pays at 1 ply even with a net that has
learnt dances; deeper searches look through most of them anyway.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backgammon.evaluation.bearoff import UNCOVERED, Bearoff
from backgammon.evaluation.bearoff.bearoff_plays import UNKNOWN, known_equities, known_outcomes, play_by_tables
from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement
from backgammon.evaluation.outcome import Outcomes
from backgammon.evaluation.player import Noise
from backgammon.rules import ragged
from backgammon.rules.board import BAR, swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import checked_decisions, legal_candidates
from backgammon.rules.rolls import NUM_ROLLS, average_rolls, expand_rolls, group_rows
from backgammon.tools.arrays import Boards, Bools, Dice, Float64s, Int64s, Offsets

LEAST_CLOSED = 2
"""Closed points of the opponent's home board from which on a dance is worth 21 replies: against one it comes once in 36
rolls, and what it is worth hardly matters."""

_Plays = Callable[[Boards, Dice], tuple[Boards, Outcomes]]


PROPOSED_WITHIN = 1.0
"""How far behind its best play a pruner may put one that the net should see, in units of its score: a preference of e
to 1. What more would buy, and cost, is in docs/experiments/look-ahead.md."""


class ExactEvaluator(Evaluator):
    """A net with the bear-off tables."""

    def __init__(
        self,
        net: Evaluator,
        bearoff: Bearoff,
        pruner: Evaluator | None = None,
        expands_dances: bool = False,
        within: float = PROPOSED_WITHIN,
    ) -> None:
        """Join a net and tables.

        Args:
            net: plays and judges; one that only orders candidates can be joined too.
            bearoff: see `bearoff.find_or_build`.
            pruner: proposes the replies inside a search, of which the net chooses one; GNU Backgammon's pruning nets do
                the same. None for the net alone.
            expands_dances: judge positions after a dance by their replies, see the module's text.
            within: how far behind its best play the pruner may put one that the net should see; below 0 for none.
        """
        self.net = net
        self._bearoff = bearoff
        self.pruner = pruner
        self._expands_dances = expands_dances
        self._within = within

    @property
    def name(self) -> str:
        """The net's name."""
        return self.net.name

    @property
    def bearoff(self) -> Bearoff:
        """The tables."""
        return self._bearoff

    @property
    def has_outcomes(self) -> bool:
        """What the net has."""
        return self.net.has_outcomes

    @property
    def identity(self) -> str:
        """What its numbers depend on: the net's identity, the size of the tables, the pruner's identity."""
        tables = self.bearoff.tables
        size = f"{tables.points}/{tables.exact_points}x{tables.exact_checkers}"
        pruner = "" if self.pruner is None else f"+pruner-{self.pruner.identity}-within-{self._within}"
        dances = f"+dances-{LEAST_CLOSED}" if self._expands_dances else ""
        return f"{self.net.identity}+bearoff-{size}{dances}{pruner}"

    def judge(self, boards: Boards) -> Judgement:
        """The net's judgement, the tables' outcomes where they know better; see `Evaluator.judge`."""
        boards = np.require(boards, np.int8, ["C", "W"])
        scores, outcomes = self.net.judge(boards)
        if outcomes is not None:
            self._judge_by_tables(boards, outcomes)
            self._judge_dances(boards, outcomes)
        return Judgement(scores, outcomes)

    def outcomes(self, boards: Boards) -> Outcomes:
        """As `judge`, the net asked only where the tables do not know; see `Evaluator.outcomes`."""
        boards = np.require(boards, np.int8, ["C", "W"])
        known, outcomes = known_outcomes(self.bearoff.tables, boards)
        rest = known == UNKNOWN
        if rest.all():
            outcomes = self.net.outcomes(boards)
        elif rest.any():
            outcomes[rest] = self.net.outcomes(boards[rest])
        self._judge_dances(boards, outcomes)
        return outcomes

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """Rows int64[N] of the best candidates: by the tables, else the net's preference."""
        boards, dice = checked_decisions(boards, dice)
        is_covered = self._is_covered(boards)
        if not is_covered.any():
            return self.net.choose(boards, dice)
        rows = np.empty(len(boards), dtype=np.int64)
        rows[is_covered] = play_by_tables(self.bearoff.tables, boards[is_covered], dice[is_covered])[0]
        if not is_covered.all():
            rows[~is_covered] = self.net.choose(boards[~is_covered], dice[~is_covered])
        return rows

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """Best candidates and their outcomes, see `Evaluator.play_best`."""
        return self._play(boards, dice, self._net_plays)

    def reply(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """As `play_best`, for the plays inside a search: the net sees what the pruner proposes, if there is one."""
        return self._play(boards, dice, self._net_plays if self.pruner is None else self._proposed_plays)

    def reply_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes]:
        """As `reply` to each roll; see `Evaluator.reply_to_rolls`."""
        before = swap(boards)
        is_covered = self._is_covered(before)
        if not is_covered.any():
            afters, outcomes = self._rolled_plays(before, self._within)
        else:
            afters = np.empty((NUM_ROLLS * len(boards), boards.shape[1]), dtype=np.int8)
            outcomes = np.empty((NUM_ROLLS * len(boards), 6), dtype=np.float32)
            rows = np.repeat(is_covered, NUM_ROLLS)
            _, afters[rows], outcomes[rows] = play_by_tables(self.bearoff.tables, *expand_rolls(boards[is_covered]))
            if not is_covered.all():
                afters[~rows], outcomes[~rows] = self._rolled_plays(before[~is_covered], self._within)
        self._judge_dances(afters, outcomes)
        return afters, outcomes

    def preferences(self, decisions: Decisions) -> Float64s:
        """The net's preferences; equities by the tables in decisions that they cover."""
        is_covered = self._is_covered(decisions.boards)
        if not is_covered.any():
            return self.net.preferences(decisions)
        preferred = np.empty(len(decisions.candidates))
        places = ragged.spread(is_covered, decisions.offsets)
        preferred[places] = known_equities(self.bearoff.tables, decisions.candidates[places])
        preferred[~places] = self.net.preferences(decisions.take(~is_covered))
        return preferred

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """As `preferences`, with leanings and outcomes; in decisions that the tables cover the net is not asked."""
        is_covered = self._is_covered(decisions.boards)
        if not is_covered.any():
            preferred, leanings, outcomes = self.net.judge_plays(decisions)
        else:
            places = ragged.spread(is_covered, decisions.offsets)
            preferred, leanings = np.empty(len(places)), np.zeros(len(places))
            outcomes = np.empty((len(places), 6), dtype=np.float32)
            exact = decisions.candidates[places]
            preferred[places] = known_equities(self.bearoff.tables, exact)
            outcomes[places] = known_outcomes(self.bearoff.tables, exact)[1]
            asked = self.net.judge_plays(decisions.take(~is_covered))
            preferred[~places], leanings[~places], outcomes[~places] = asked
        self._judge_by_tables(decisions.candidates, outcomes)
        self._judge_dances(decisions.candidates, outcomes)
        return JudgedPlays(preferred, leanings, outcomes)

    def proposals(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes, Offsets]:
        """Replies inside a search that somebody else may choose from, by their outcomes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].

        Returns:
            int8[P, 26], decision after decision: what the pruner proposes, every candidate without one, and the play of
            the tables alone where they know the position; float32[P, 6], their outcomes; int64[N + 1], where each
            decision starts.
        """
        boards, dice = checked_decisions(boards, dice)
        if self.pruner is None:
            replies, offsets = legal_candidates(boards, dice)
        else:
            replies, offsets = self.pruner.propose(boards, dice, self._within)
        is_covered = self._is_covered(boards)
        if is_covered.any():
            replies, offsets = self._with_exact_plays(boards, dice, is_covered, replies, offsets)
        return replies, self.outcomes(replies), offsets

    def proposals_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes, Offsets]:
        """As `proposals` to each roll; see `Evaluator.proposals_to_rolls`."""
        if self.pruner is None:
            return super().proposals_to_rolls(boards)
        before = swap(boards)
        is_covered = self._is_covered(before)
        replies, outcomes, offsets = self.net.judge_proposals(before[~is_covered], self.pruner, self._within)
        if is_covered.any():
            _, exact, _ = play_by_tables(self.bearoff.tables, *expand_rolls(boards[is_covered]))
            is_exact = np.repeat(is_covered, NUM_ROLLS)
            counts = np.ones(len(is_exact), dtype=np.int64)
            counts[~is_exact] = np.diff(offsets)
            offsets = ragged.offsets_of(counts)
            places = ragged.spread(is_exact, offsets)
            found, judged = replies, outcomes
            replies, outcomes = np.empty((len(places), 26), dtype=np.int8), np.empty((len(places), 6), dtype=np.float32)
            replies[places], replies[~places] = exact, found
            outcomes[~places] = judged
        self._judge_by_tables(replies, outcomes)
        self._judge_dances(replies, outcomes)
        return replies, outcomes, offsets

    def _with_exact_plays(
        self,
        boards: Boards,
        dice: Dice,
        is_covered: Bools,
        replies: Boards,
        offsets: Offsets,
    ) -> tuple[Boards, Offsets]:
        """Replies and offsets with the tables' play in place of all others in the decisions that they cover."""
        counts = np.diff(offsets)
        is_kept = np.repeat(~is_covered, counts)
        is_kept[offsets[:-1]] = True
        replies = replies.copy()
        _, replies[offsets[:-1][is_covered]], _ = play_by_tables(
            self.bearoff.tables, boards[is_covered], dice[is_covered]
        )
        kept = np.zeros(len(offsets), dtype=np.int64)
        np.cumsum(np.where(is_covered, 1, counts), out=kept[1:])
        return replies[is_kept], kept

    def _is_covered(self, boards: Boards) -> Bools:
        covered: Bools = self.bearoff.coverage(boards) != UNCOVERED
        return covered

    def _play(self, boards: Boards, dice: Dice, play_rest: _Plays) -> tuple[Boards, Outcomes]:
        """Plays and outcomes: by the tables where they cover the position before the play, by `play_rest` elsewhere."""
        boards, dice = checked_decisions(boards, dice)
        is_covered = self._is_covered(boards)
        if not is_covered.any():
            afters, outcomes = play_rest(boards, dice)
        else:
            afters = np.empty_like(boards)
            outcomes = np.empty((len(boards), 6), dtype=np.float32)
            _, afters[is_covered], outcomes[is_covered] = play_by_tables(
                self.bearoff.tables, boards[is_covered], dice[is_covered]
            )
            if not is_covered.all():
                rest = ~is_covered
                afters[rest], outcomes[rest] = play_rest(boards[rest], dice[rest])
        self._judge_dances(afters, outcomes)
        return afters, outcomes

    def _net_plays(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """The net's plays; where one of them enters the tables, the tables judge it."""
        afters, outcomes = self.net.play_best(boards, dice)
        self._judge_by_tables(afters, outcomes)
        return afters, outcomes

    def _proposed_plays(self, boards: Boards, dice: Dice, within: float | None = None) -> tuple[Boards, Outcomes]:
        """The same, where the net chooses from what the pruner proposes; None for the engine's own distance."""
        assert self.pruner is not None
        within = self._within if within is None else within
        afters, outcomes = self.net.play_proposed(boards, dice, self.pruner, within)
        self._judge_by_tables(afters, outcomes)
        return afters, outcomes

    def _rolled_plays(self, boards: Boards, within: float) -> tuple[Boards, Outcomes]:
        """The plays of the 21 rolls in positions int8[K, 26] of the player on roll that the tables do not cover."""
        if self.pruner is None:
            return self._net_plays(*expand_rolls(swap(boards)))
        afters, outcomes = self.net.play_proposed_to_rolls(boards, self.pruner, within)
        self._judge_by_tables(afters, outcomes)
        return afters, outcomes

    def _judge_by_tables(self, boards: Boards, outcomes: Outcomes) -> None:
        """Replace the outcomes of positions that the tables cover."""
        known, exact = known_outcomes(self.bearoff.tables, boards)
        is_known = known != UNKNOWN
        if is_known.any():
            outcomes[is_known] = exact[is_known]

    def _judge_dances(self, boards: Boards, outcomes: Outcomes) -> None:
        """Replace the outcomes of positions whose player is still on the bar; see the module's text."""
        if not self._expands_dances:
            return
        closed = (boards[:, BAR - 6 : BAR] <= -2).sum(axis=1)
        rows = np.flatnonzero((boards[:, BAR] > 0) & (closed >= LEAST_CLOSED))
        if not len(rows):
            return
        first, group = group_rows(boards[rows])
        # so far down the pruner's own choice does
        _, values = self._rolled_plays(swap(boards[rows[first]]), 0.0)
        outcomes[rows] = average_rolls(values, np.arange(len(values)))[group]
