"""The trained network at play time, without torch: candidates to scores, decisions to choices.

N decisions, M candidates. Candidates are seen by the player who has just moved; scores are comparable within one
decision only. The arithmetic is that of `walk` and `judge`: a candidate's score is the same however it is asked for,
alone or among others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement, preferences_of
from backgammon.evaluation.outcome import Outcomes
from backgammon.evaluation.player import Noise
from backgammon.learner.inputs.features import check_counts
from backgammon.learner.net.arithmetic import CompiledNet, make_arithmetic
from backgammon.learner.net.fold import NUM_OUTCOMES
from backgammon.learner.net.mixture_evaluator import Asked
from backgammon.learner.net.model_files import load_model
from backgammon.learner.net.replies import MAX_REPLIES, pack_proposals
from backgammon.learner.net.walk import NUM_PROPOSALS
from backgammon.rules import ragged
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import checked_decisions
from backgammon.rules.rolls import NUM_ROLLS
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int64s, Offsets
from backgammon.tools.crew import Crew
from backgammon.tools.errors import ModelError, PositionError
from comparison_net.checkpoint import Model

DEFAULT_NAME = "default"
"""The model that ships with the package, `backgammon/learner/net/models/default.safetensors`."""

PRUNER_NAME = "pruner"
"""The small net beside it, `backgammon/learner/net/models/pruner.safetensors`."""

_CHUNK_DECISIONS = 512
_CHUNK_POSITIONS = 8192
"""What a thread takes at a time, at least."""
_LARGER = 5
"""... and so many times as much where each thread still has _PIECES to do: handing the net over costs the lock."""
_PIECES = 12


class Scorer(Evaluator):
    """The judgement and the choices of one trained network.

    The numbers do not depend on `threads`: every position is computed by one thread from its own data.
    """

    def __init__(self, model: Model, name: str, threads: int = 1) -> None:
        """Fold the model.

        Args:
            model: the trained network.
            name: what reports call it.
            threads: for batches, at least 1.

        Raises:
            ConfigError: fewer than one thread.
        """
        self._crew = Crew(threads, "scorer")
        self.model = model
        self._name = name
        self._arithmetic = make_arithmetic(model)
        self.asks_decision = model.network.asks_decision

    @property
    def has_outcomes(self) -> bool:
        """True of a network that was trained with outcomes."""
        return self._arithmetic.has_outcomes

    @property
    def score_scale(self) -> float:
        """See `Evaluator.score_scale`; a network learns it."""
        return self._arithmetic.score_scale

    @property
    def name(self) -> str:
        """What reports and records call the player."""
        return self._name

    @cached_property
    def identity(self) -> str:
        """SHA-256 over input coding and weights, hexadecimal: names what was computed with this network."""
        digest = hashlib.sha256(self.model.feature_version.encode())
        for name, tensor in sorted(self.model.weights.items()):
            digest.update(f"\0{name} {tensor.shape}\0".encode() + np.ascontiguousarray(tensor).tobytes())
        return digest.hexdigest()

    def scores(self, boards: Boards) -> Float32s:
        """Scores of candidates, comparable within one decision.

        Args:
            boards: int8[M, 26], positions after a play, seen by the player who has just moved.

        Returns:
            float32[M].

        Raises:
            PositionError: another shape or dtype, or impossible counts.
            ModelError: a network that asks for the decision.
        """
        if self.asks_decision:
            raise ModelError(
                f"{self.name}: its scores depend on the position before the play (network.route_by, network.context); "
                "ask for those of whole decisions"
            )
        checked = check_counts(boards)
        scores = np.empty(len(checked), dtype=np.float32)
        nothing = np.empty((0, NUM_OUTCOMES), dtype=np.float32)

        def work(first: int, last: int) -> None:
            self._arithmetic.judge(checked[first:last], scores[first:last], nothing)

        self._in_chunks(len(checked), _CHUNK_POSITIONS, work)
        return scores

    def judge(self, boards: Boards) -> Judgement:
        """Scores, and of a network with outcomes their probabilities; see `Evaluator.judge`.

        A network that asks for the decision gives its outcomes alone, which are those of the position.

        Raises:
            PositionError: another shape or dtype, impossible counts, or no opponent left.
            ModelError: a network without outcomes that asks for the decision.
        """
        if not self.has_outcomes:
            return Judgement(self.scores(boards), None)
        checked = check_counts(boards)
        gone = np.flatnonzero((checked >= 0).all(axis=1))
        if len(gone):
            raise PositionError(f"position {gone[0]}: the opponent has no checker left, so the last play was not ours")
        scores = np.empty(len(checked), dtype=np.float32)
        chances = np.empty((len(checked), NUM_OUTCOMES), dtype=np.float32)

        def work(first: int, last: int) -> None:
            self._arithmetic.judge(checked[first:last], scores[first:last], chances[first:last])

        self._in_chunks(len(checked), _CHUNK_POSITIONS, work)
        return Judgement(None if self.asks_decision else scores, chances)

    def preferences(self, decisions: Decisions) -> Float64s:
        """See `Evaluator.preferences`; outcomes are not computed for it."""
        candidates = decisions.candidates
        if not self.asks_decision:
            return preferences_of(Judgement(self.scores(candidates), None), candidates)
        scores = self._scores_in(decisions.boards, candidates, decisions.offsets)
        return preferences_of(Judgement(scores, None), candidates)

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """See `Evaluator.judge_plays`."""
        if not self.asks_decision:
            return super().judge_plays(decisions)
        return self.lean(decisions, self.preferences(decisions), self.outcomes(decisions.candidates))

    def _scores_in(self, before: Boards, after: Boards, offsets: Offsets) -> Float32s:
        """Scores float32[M] of positions after the plays of decisions, of a network that asks for these."""
        candidates, boards = check_counts(after), check_counts(before)
        scores = np.empty(len(candidates), dtype=np.float32)
        nothing = np.empty((0, NUM_OUTCOMES), dtype=np.float32)
        owners = ragged.owners(offsets)

        def work(first: int, last: int) -> None:
            asked = Asked(boards, owners[first:last])
            self._arithmetic.judge(candidates[first:last], scores[first:last], nothing, asked)

        self._in_chunks(len(candidates), _CHUNK_POSITIONS, work)
        return scores

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - see `Player`
        """The preferred candidate of each decision; of equal scores the first. A play that wins is preferred to all.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.
            noise: not used.

        Returns:
            int64[N], rows within the decision's block of `legal_candidates`.

        Raises:
            PositionError, DiceError: see `legal_candidates`.
        """
        checked, rolls = checked_decisions(boards, dice)
        rows = np.empty(len(checked), dtype=np.int64)
        after = np.empty((0, NUM_LOCATIONS), dtype=np.int8)
        chances = np.empty((0, NUM_OUTCOMES), dtype=np.float32)

        def work(first: int, last: int) -> None:
            self._arithmetic.decide(checked[first:last], rolls[first:last], rows[first:last], after, chances)

        self._in_chunks(len(checked), _CHUNK_DECISIONS, work)
        return rows

    def play_best(self, boards: Boards, dice: Dice) -> tuple[Boards, Outcomes]:
        """The preferred candidate of each decision, as `choose` finds it, and its outcomes.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.

        Returns:
            int8[N, 26] positions after the play and float32[N, 6] their outcomes, both seen by the player who has
            just moved.

        Raises:
            ModelError: the network was trained without outcomes.
            PositionError, DiceError: see `legal_candidates`.
        """
        self.require_outcomes()
        checked, rolls = checked_decisions(boards, dice)
        rows = np.empty(len(checked), dtype=np.int64)
        after = np.empty((len(checked), NUM_LOCATIONS), dtype=np.int8)
        chances = np.empty((len(checked), NUM_OUTCOMES), dtype=np.float32)

        def work(first: int, last: int) -> None:
            part = slice(first, last)
            self._arithmetic.decide(checked[part], rolls[part], rows[part], after[part], chances[part])

        self._in_chunks(len(checked), _CHUNK_DECISIONS, work)
        return after, chances

    def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Boards, Offsets]:
        """The best candidates of each decision, for somebody else to choose from; no outcomes needed.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.
            within: how far behind the best a candidate may be, in units of the score.

        Returns:
            int8[P, 26], decision after decision, best first; and int64[N + 1], where each starts and the last ends. At
            most three of a decision; a play that wins stands alone.

        Raises:
            PositionError, DiceError: see `legal_candidates`.
        """
        checked, rolls = checked_decisions(boards, dice)
        proposals = np.empty((len(checked), NUM_PROPOSALS, NUM_LOCATIONS), dtype=np.int8)
        counts = np.empty(len(checked), dtype=np.int64)

        def work(first: int, last: int) -> None:
            part = slice(first, last)
            self._arithmetic.propose(checked[part], rolls[part], within, proposals[part], counts[part])

        self._in_chunks(len(checked), _CHUNK_DECISIONS, work)
        offsets = np.zeros(len(checked) + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        return proposals[np.arange(NUM_PROPOSALS) < counts[:, None]], offsets

    def play_proposed(self, boards: Boards, dice: Dice, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes]:
        """See `Evaluator.play_proposed`."""
        if not self.asks_decision:
            return super().play_proposed(boards, dice, pruner, within)
        proposals, offsets = pruner.propose(boards, dice, within)
        outcomes = self.outcomes(proposals)
        best = offsets[:-1] + ragged.best(self._scores_in(boards, proposals, offsets), offsets)
        return proposals[best], outcomes[best]

    def play_proposed_to_rolls(self, boards: Boards, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes]:
        """See `Evaluator`: one kernel where both nets are compiled, the same to the last bit."""
        nets = self._compiled_with(pruner)
        if nets is None:
            return super().play_proposed_to_rolls(boards, pruner, within)
        net, small = nets
        checked = check_counts(boards)
        afters = np.empty((NUM_ROLLS * len(checked), NUM_LOCATIONS), dtype=np.int8)
        chances = np.empty((NUM_ROLLS * len(checked), NUM_OUTCOMES), dtype=np.float32)

        def work(first: int, last: int) -> None:
            part = slice(NUM_ROLLS * first, NUM_ROLLS * last)
            net.reply_to_rolls(checked[first:last], small, within, afters[part], chances[part])

        self._in_chunks(len(checked), _CHUNK_DECISIONS // NUM_ROLLS, work)
        return afters, chances

    def judge_proposals(self, boards: Boards, pruner: Evaluator, within: float) -> tuple[Boards, Outcomes, Offsets]:
        """See `Evaluator`: one kernel where both nets are compiled, the same to the last bit."""
        nets = self._compiled_with(pruner)
        if nets is None:
            return super().judge_proposals(boards, pruner, within)
        net, small = nets
        checked = check_counts(boards)
        replies = np.empty((len(checked), MAX_REPLIES, NUM_LOCATIONS), dtype=np.int8)
        chances = np.empty((len(checked), MAX_REPLIES, NUM_OUTCOMES), dtype=np.float32)
        counts = np.empty(NUM_ROLLS * len(checked), dtype=np.int64)

        def work(first: int, last: int) -> None:
            part, rolls = slice(first, last), slice(NUM_ROLLS * first, NUM_ROLLS * last)
            net.judge_proposals(checked[part], small, within, replies[part], chances[part], counts[rolls])

        self._in_chunks(len(checked), _CHUNK_DECISIONS // NUM_ROLLS, work)
        offsets = ragged.offsets_of(counts)
        packed = np.empty((offsets[-1], NUM_LOCATIONS), dtype=np.int8)
        packed_chances = np.empty((offsets[-1], NUM_OUTCOMES), dtype=np.float32)
        pack_proposals(replies, chances, counts, packed, packed_chances)
        return packed, packed_chances, offsets

    def _compiled_with(self, pruner: Evaluator) -> tuple[CompiledNet, CompiledNet] | None:
        """The net and a pruner's where one kernel may have both; None where they must be asked one by one."""
        net, small = self._arithmetic, pruner._arithmetic if isinstance(pruner, Scorer) else None
        if isinstance(net, CompiledNet) and isinstance(small, CompiledNet) and net.has_outcomes:
            return net, small
        return None

    def _in_chunks(self, count: int, size: int, work: Callable[[int, int], None]) -> None:
        """Call work(first, last) for consecutive ranges of about `size`, on all threads."""
        if self._crew.threads == 1:
            work(0, count)
        else:
            size = min(max(size, -(-count // (_PIECES * self._crew.threads))), _LARGER * size)
            self._crew.map(lambda start: work(start, min(start + size, count)), range(0, count, size))


def load_pruner() -> Scorer | None:
    """The small net that ships for the replies inside a search (see `exact`); None if this copy has none."""
    resource = files("backgammon.learner.net") / "models" / f"{PRUNER_NAME}.safetensors"
    if not resource.is_file():
        return None
    with as_file(resource) as path:
        return Scorer(load_model(path), PRUNER_NAME)


def load_scorer(model: str | Path | None = None, threads: int = 1) -> Scorer:
    """The scorer of a model.

    Args:
        model: a model file or a run folder; None for the model that ships with the package.
        threads: see `Scorer`.

    Raises:
        ModelError: missing, foreign, damaged, or of another version.
        ConfigError: fewer than one thread.
    """
    if model is None:
        with as_file(files("backgammon.learner.net") / "models" / f"{DEFAULT_NAME}.safetensors") as path:
            return Scorer(load_model(path), DEFAULT_NAME, threads)
    path = Path(model)
    return Scorer(load_model(path), path.stem, threads)
