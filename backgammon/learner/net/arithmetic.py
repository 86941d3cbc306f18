"""A model's weights as something that computes: compiled for the nets that play, numpy for every other mixture.

N decisions, M positions after a play, 6 outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol

import numpy as np

from backgammon.evaluation.outcome import POINTS
from backgammon.evaluation.possible import allowed_outcomes
from backgammon.learner.inputs.features import fold
from backgammon.learner.net import judge, replies, walk
from backgammon.learner.net.fold import NUM_OUTCOMES, Decision, Expert, FoldedNet, fold_net
from backgammon.learner.net.mixture_evaluator import Asked, MixtureEvaluator
from backgammon.learner.net.walk import NUM_PROPOSALS
from backgammon.rules import ragged
from backgammon.rules.board import Board
from backgammon.rules.ending import has_won
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Boards, Dice, Float32s, Offsets
from comparison_net.checkpoint import Model
from comparison_net.network_config import BY_DECISION, BY_PAIR


class Arithmetic(Protocol):
    """What a scorer asks of a network; inputs are checked, outputs are filled in, `chances` may have no rows."""

    @property
    def has_outcomes(self) -> bool: ...  # noqa: D102

    @property
    def score_scale(self) -> float:
        """What a point of equity counts in a score; 0 where equities have no part in it."""

    def judge(self, boards: Boards, scores: Float32s, chances: Float32s, asked: Asked | None = None) -> None:
        """Scores float32[M] and outcomes float32[M, 6] or float32[0, 6] of positions int8[M, 26].

        A net that asks for the decisions of the positions has no scores without them.
        """

    def decide(self, boards: Boards, dice: Dice, rows: Offsets, after: Board, chances: Float32s) -> None:
        """Rows int64[N], and where wanted candidates int8[N, 26] with their outcomes float32[N, 6]."""

    def propose(self, boards: Boards, dice: Dice, within: float, proposals: Board, counts: Offsets) -> None:
        """The best candidates int8[N, NUM_PROPOSALS, 26] within a distance of the best, and their numbers int64[N]."""


def make_arithmetic(model: Model) -> Arithmetic:
    """The fastest arithmetic that there is for a model."""
    network = model.network
    is_by_phase = network.head == "phase" and network.split == "phase"
    if network.is_mixture and not is_by_phase:
        return MixtureNet(model)
    return CompiledNet(model)


class CompiledNet:
    """A dense net, or experts by phase, in the kernels."""

    def __init__(self, model: Model) -> None:
        """Fold the model."""
        self._net = fold_model(model)

    @property
    def has_outcomes(self) -> bool:
        """True when the net gives chances."""
        return self._net.has_outcomes

    @property
    def score_scale(self) -> float:
        """See `Arithmetic.score_scale`."""
        return float(self._net.score_scale)

    def judge(self, boards: Boards, scores: Float32s, chances: Float32s, asked: Asked | None = None) -> None:
        """See `Arithmetic.judge`; in their decisions positions have scores alone."""
        if asked is None:
            judge.judge_boards(boards, self._net, scores, chances)
        else:
            assert not len(chances)
            judge.score_in_decisions(asked.boards, asked.owners, boards, self._net, scores)

    def decide(self, boards: Boards, dice: Dice, rows: Offsets, after: Board, chances: Float32s) -> None:
        """See `Arithmetic.decide`."""
        walk.decide(boards, dice, self._net, rows, after, chances)

    def propose(self, boards: Boards, dice: Dice, within: float, proposals: Board, counts: Offsets) -> None:
        """See `Arithmetic.propose`."""
        walk.propose(boards, dice, self._net, within, proposals, counts)

    def reply_to_rolls(
        self, boards: Boards, small: CompiledNet, within: float, afters: Boards, chances: Float32s
    ) -> None:
        """See `replies.reply_to_rolls`."""
        replies.reply_to_rolls(boards, small._net, self._net, within, afters, chances)

    def judge_proposals(
        self, boards: Boards, small: CompiledNet, within: float, proposals: Board, chances: Float32s, counts: Offsets
    ) -> None:
        """See `replies.judge_proposals`."""
        replies.judge_proposals(boards, small._net, self._net, within, proposals, chances, counts)


class MixtureNet:
    """Any other mixture of experts, one position after the other in numpy: exact, and much slower."""

    def __init__(self, model: Model) -> None:
        """Take the weights over."""
        self._net = MixtureEvaluator(model.network, model.weights)
        self.score_scale = _score_scale(model.weights)
        self._ranks_by_equity = _ranks_by_equity(model.weights)

    @property
    def has_outcomes(self) -> bool:
        """True when the net gives chances."""
        return self._net.has_outcomes

    def judge(self, boards: Boards, scores: Float32s, chances: Float32s, asked: Asked | None = None) -> None:
        """See `Arithmetic.judge`."""
        found, logits = self._net.outputs(boards, asked)
        if found is not None:
            scores[:] = found
        if logits is None or not (self._ranks_by_equity or len(chances)):
            return
        masked = np.where(allowed_outcomes(boards), logits, np.float32(-np.inf))
        powers = np.exp(masked - masked.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        if self._ranks_by_equity:
            equities = (shares * POINTS).sum(axis=1) * np.float32(self.score_scale)
            scores[:] = equities if found is None else found + equities
        if len(chances):
            chances[:] = shares

    def decide(self, boards: Boards, dice: Dice, rows: Offsets, after: Board, chances: Float32s) -> None:
        """See `Arithmetic.decide`."""
        candidates, offsets = legal_candidates(boards, dice)
        scores = np.empty(len(candidates), dtype=np.float32)
        every = np.empty((len(candidates) if len(chances) else 0, NUM_OUTCOMES), dtype=np.float32)
        self.judge(candidates, scores, every, Asked(boards, ragged.owners(offsets)))
        scores[has_won(candidates)] = np.inf  # a play that wins is preferred to all
        rows[:] = ragged.best(scores, offsets)
        if len(after):
            after[:] = candidates[offsets[:-1] + rows]
        if len(chances):
            chances[:] = every[offsets[:-1] + rows]

    def propose(self, boards: Boards, dice: Dice, within: float, proposals: Board, counts: Offsets) -> None:
        """See `Arithmetic.propose`."""
        candidates, offsets = legal_candidates(boards, dice)
        scores = np.empty(len(candidates), dtype=np.float32)
        nothing = np.empty((0, NUM_OUTCOMES), dtype=np.float32)
        self.judge(candidates, scores, nothing, Asked(boards, ragged.owners(offsets)))
        scores[has_won(candidates)] = np.inf
        for i, (first, last) in enumerate(pairwise(offsets)):
            own = scores[first:last]
            order = np.argsort(-own, kind="stable")[:NUM_PROPOSALS]
            near = order[:1] if np.isinf(own[order[0]]) else order[own[order] >= own[order[0]] - within]
            proposals[i, : len(near)] = candidates[first + near]
            counts[i] = len(near)


def _ranks_by_equity(weights: Mapping[str, Float32s]) -> bool:
    """True where the equity is the score or a part of it."""
    return "head.temperature" in weights


def _score_scale(weights: Mapping[str, Float32s]) -> float:
    """Score of a point of equity; 0 where the equity does not count."""
    return math.exp(-float(weights["head.temperature"].reshape(()))) if _ranks_by_equity(weights) else 0.0


def fold_model(model: Model) -> FoldedNet:
    """The network of a model as the kernels read it."""
    weights = model.weights
    num_hidden = len(model.network.hidden)
    scale = _score_scale(weights)
    if not num_hidden:
        return _fold_linear(weights, scale)
    first = fold(weights["trunk.layers.0.weight"], weights["trunk.layers.0.bias"])
    if "experts.layers.0.weight" in weights:
        experts = [_routed_expert(weights, num_hidden, e) for e in range(len(weights["experts.layers.0.weight"]))]
    else:
        layers = [
            (weights[f"trunk.layers.{index}.weight"], weights[f"trunk.layers.{index}.bias"])
            for index in range(1, num_hidden)
        ]
        experts = [Expert(layers, *_heads(weights))]
    route_by, num_parts = model.network.route_by, len(PHASES)
    decision = Decision(
        int(len(experts) > 1 and route_by != BY_DECISION),
        {BY_DECISION: 1, BY_PAIR: num_parts}.get(route_by, 0),
        weights.get("decision.weight"),
    )
    return fold_net(*first, experts, score_scale=scale, patterns=weights.get("trunk.patterns"), decision=decision)


def _heads(weights: Mapping[str, Float32s]) -> tuple[tuple[Float32s, float] | None, tuple[Float32s, Float32s] | None]:
    """The score's and the outcomes' weights and biases, as far as the net has them."""
    score = (weights["head.score.weight"].ravel(), 0.0) if "head.score.weight" in weights else None
    has_outcomes = "head.outcome.weight" in weights
    return score, (weights["head.outcome.weight"], weights["head.outcome.bias"]) if has_outcomes else None


def _routed_expert(weights: Mapping[str, Float32s], num_hidden: int, expert: int) -> Expert:
    """One of the stacked experts of a hard-routed head."""
    layers = [
        (weights[f"experts.layers.{index}.weight"][expert], weights[f"experts.layers.{index}.bias"][expert])
        for index in range(num_hidden - 1)
    ]
    score = None
    if "experts.score.weight" in weights:
        tie = weights.get("experts.score.bias")  # none where a decision never meets two experts
        score = weights["experts.score.weight"][expert], 0.0 if tie is None else float(tie[expert])
    outcome = None
    if "experts.outcome.weight" in weights:
        outcome = weights["experts.outcome.weight"][expert], weights["experts.outcome.bias"][expert]
    return Expert(layers, score, outcome)


def _fold_linear(weights: Mapping[str, Float32s], scale: float) -> FoldedNet:
    """A net without hidden layers: its heads are the first layer, and what follows only passes their values on."""
    score, outcome = _heads(weights)
    rows = ([score[0][None]] if score else []) + ([outcome[0]] if outcome else [])
    table, base = fold(np.concatenate(rows), None)
    passing = np.eye(len(base), dtype=np.float32)
    expert = Expert(
        [],
        (passing[0], 0.0) if score else None,
        (passing[-NUM_OUTCOMES:], outcome[1]) if outcome else None,
    )
    return fold_net(table, base, [expert], is_linear=True, score_scale=scale)
