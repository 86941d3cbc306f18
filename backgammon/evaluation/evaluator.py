"""The one evaluator: a judgement of positions is written, everything else follows from it.

Axis legend: N decisions, M positions after a play, 6 outcomes.

A net, the exact tables, a look-ahead, a mean of two engines: whoever can `judge` positions plays, proposes and ranks by
the methods here. What can do these faster, or knows better, writes them again; they must give the same answers.

Ordinal is not cardinal: scores order the candidates of ONE decision, outcomes may be averaged and compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.outcome import Outcomes, equities
from backgammon.evaluation.player import Noise
from backgammon.rules import ragged
from backgammon.rules.board import swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.ending import has_won
from backgammon.rules.rolls import expand_rolls
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int64s, Offsets
from backgammon.tools.errors import ModelError

MAX_PROPOSALS = 3
"""Candidates of a decision that `propose` gives at most."""


class Judgement(NamedTuple):
    """What an evaluator says of positions after a play, seen by the player who has just moved; one of the two at least.

    Attributes:
        scores: float32[M], comparable within ONE decision, greater is better; None where equities order the candidates.
        outcomes: float32[M, 6], rows sum to 1, impossible outcomes are exactly 0; None from a judge that only orders.
    """

    scores: Float32s | None
    outcomes: Outcomes | None


class JudgedPlays(NamedTuple):
    """What an evaluator says of all M candidates of decisions.

    Attributes:
        preferences: float64[M], what its own choices go by, comparable within ONE decision; a play that wins is
            preferred to all others.
        leanings: float64[M], what they go by beside the outcomes, in points of a cubeless money game and comparable
            within ONE decision: added to the equities of the outcomes they order the candidates as `preferences` does.
            So they may be added to values found otherwise, deeper or at a score. 0 from an evaluator whose scores are
            not in points, or add nothing to its outcomes.
        outcomes: float32[M, 6].
    """

    preferences: Float64s
    leanings: Float64s
    outcomes: Outcomes


class Evaluator(ABC):
    """Judges positions after a play, and plays by what it finds. Write `judge`.

    Numbers depend on the position alone, never on the batch it comes in.
    """

    @abstractmethod
    def judge(self, boards: Boards) -> Judgement:
        """Judge positions after a play.

        Args:
            boards: int8[M, 26], seen by the player who has just moved; games that are over are among them.
        """

    @property
    def name(self) -> str:
        """What reports call the evaluator."""
        return type(self).__name__

    @property
    def identity(self) -> str:
        """What tells its numbers from those of every other evaluator."""
        return self.name

    @property
    def has_outcomes(self) -> bool:
        """False for a judge that only orders candidates."""
        return True

    @property
    def score_scale(self) -> float:
        """What a point of equity counts in its scores; 0 where these are not in points."""
        return 0.0

    @property
    def bearoff(self) -> Bearoff | None:
        """Tables whose numbers are exact, at any depth; None without them."""
        return None

    def require_outcomes(self) -> None:
        """Refuse a judge that only orders.

        Raises:
            ModelError: it gives no chances.
        """
        if not self.has_outcomes:
            raise ModelError(
                f"{self.name}: this model orders plays but gives no chances; give one that was trained with outcomes "
                "(network.outcomes=true)"
            )

    def outcomes(self, boards: Boards) -> Outcomes:
        """The outcomes float32[M, 6] of a judgement.

        Raises:
            ModelError: there are none.
        """
        self.require_outcomes()
        outcomes = self.judge(boards).outcomes
        assert outcomes is not None
        return outcomes

    def preferences(self, decisions: Decisions) -> Float64s:
        """What its own choices go by, float64[M] of M candidates, comparable within ONE decision.

        A play that wins is preferred to all others.
        """
        return preferences_of(self.judge(decisions.candidates), decisions.candidates)

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """Preferences, leanings and outcomes of all candidates, at the price of one judgement.

        Raises:
            ModelError: it gives no chances.
        """
        self.require_outcomes()
        judgement = self.judge(decisions.candidates)
        assert judgement.outcomes is not None
        return self.lean(decisions, preferences_of(judgement, decisions.candidates), judgement.outcomes)

    def lean(self, decisions: Decisions, preferences: Float64s, outcomes: Outcomes) -> JudgedPlays:
        """The same, once preferences float64[M] and outcomes float32[M, 6] are known."""
        leanings = np.zeros(len(preferences))
        if self.score_scale:
            leanings = preferences / self.score_scale - equities(outcomes)
            leanings[has_won(decisions.candidates)] = 0.0
        return JudgedPlays(preferences, leanings, outcomes)

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """Rows int64[N] of the preferred candidates, of equal ones the first; it needs no chance. See `Player.choose`.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].
            noise: not used.
        """
        decisions = Decisions.make(boards, dice)
        return ragged.best(self.preferences(decisions), decisions.offsets)

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """The preferred candidate of each decision and its outcomes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].

        Returns:
            int8[N, 26] positions after the play and float32[N, 6] their outcomes, both seen by the player who has
            just moved.

        Raises:
            ModelError: it gives no chances.
        """
        decisions = Decisions.make(boards, dice)
        preferred, _, outcomes = self.judge_plays(decisions)
        best = decisions.places(ragged.best(preferred, decisions.offsets))
        return decisions.candidates[best], outcomes[best]

    def reply(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """As `play_best`, for the plays inside a look-ahead, where a cheaper choice will do."""
        return self.play_best(boards, dice)

    def reply_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes]:
        """`reply` of the opponent to each of the 21 rolls.

        Args:
            boards: int8[K, 26], positions after a play, seen by the player who has just moved; games that are not over.

        Returns:
            int8[21 * K, 26], the replies, rolls in the order of `dice.ROLLS`; float32[21 * K, 6], their outcomes. Both
            seen by the opponent, who has made them.
        """
        return self.reply(*expand_rolls(boards))

    def play_proposed(self, boards: Boards, dice: Dice, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes]:
        """As `play_best`, from what somebody else proposes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].
            pruner: proposes.
            within: see `propose`.

        Raises:
            ModelError: this evaluator gives no chances.
        """
        self.require_outcomes()
        proposals, offsets = pruner.propose(boards, dice, within)
        scores, outcomes = self.judge(proposals)
        assert outcomes is not None
        best = offsets[:-1] + ragged.best(equities(outcomes) if scores is None else scores, offsets)
        return proposals[best], outcomes[best]

    def play_proposed_to_rolls(self, boards: Boards, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes]:
        """`play_proposed` for each of the 21 rolls in positions int8[K, 26] of the player on roll."""
        return self.play_proposed(*expand_rolls(swap(boards)), pruner, within)

    def proposals(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes, Offsets]:
        """Replies inside a look-ahead that somebody else chooses from, by their outcomes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].

        Returns:
            int8[P, 26], decision after decision; float32[P, 6], their outcomes; int64[N + 1], where each starts.
        """
        decisions = Decisions.make(boards, dice)
        return decisions.candidates, self.outcomes(decisions.candidates), decisions.offsets

    def proposals_to_rolls(self, boards: Boards) -> tuple[Boards, Outcomes, Offsets]:
        """`proposals` to each of the 21 rolls in positions int8[K, 26] after a play, see `reply_to_rolls`."""
        return self.proposals(*expand_rolls(boards))

    def judge_proposals(self, boards: Boards, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes, Offsets]:
        """What somebody else proposes for each of the 21 rolls in positions int8[K, 26] of the player on roll, judged.

        Returns:
            As of `proposals`.
        """
        proposals, offsets = pruner.propose(*expand_rolls(swap(boards)), within)
        return proposals, self.outcomes(proposals), offsets

    def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Boards, Offsets]:
        """The few best candidates, best first, for another evaluator to choose from (a pruner's work).

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2].
            within: how far behind the best they may be, in units of `preferences`; below 0 for the best alone.

        Returns:
            int8[P, 26], decision after decision, at most MAX_PROPOSALS of each; int64[N + 1], where each starts. A play
            that wins stands alone.
        """
        decisions = Decisions.make(boards, dice)
        preferred = self.preferences(decisions)
        order = ragged.order(preferred, decisions.offsets)
        rank = np.arange(len(order)) - ragged.spread(decisions.offsets[:-1], decisions.offsets)
        best = ragged.spread(preferred[order[decisions.offsets[:-1]]], decisions.offsets)
        with np.errstate(invalid="ignore"):  # a winning play's distance from itself
            is_near = best - preferred[order] <= within
        is_kept = (rank == 0) | ((rank < MAX_PROPOSALS) & is_near & np.isfinite(best))
        return decisions.candidates[order[is_kept]], ragged.keep(is_kept, decisions.offsets)


def preferences_of(judgement: Judgement, candidates: Boards) -> Float64s:
    """The order that a judgement means, float64[M]: its scores, else its equities; infinite for a play that wins.

    Args:
        judgement: of the candidates.
        candidates: int8[M, 26].
    """
    scores, outcomes = judgement
    if scores is None:
        assert outcomes is not None, "a judgement has scores or outcomes"
        scores = equities(outcomes)
    return np.where(has_won(candidates), np.inf, scores.astype(np.float64))
