"""Mixtures at play time, with numpy alone: boards in, scores and outcome logits out.

N decisions, M positions, m tokens of a board, H units of the first layer, E (or n) experts, d width of a token, w
hidden units.

The twin of `item_mixture` and `token_mixture` without noise and, for positions, without capacity. Every row is
computed from its own board (and, where the net asks for it, from the position before the play), as a product of its own
(`rows_times`): in one matrix product for all rows the order of additions would depend on a row's place. So a score is
the same to the last bit whatever else is asked with it. The hard phase head has a faster, compiled path in `walk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import expert_codes, gate_features
from backgammon.learner.inputs.features import NUM_COUNTS, fold
from backgammon.learner.inputs.tokens import token_rows
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Float32s, Int64s
from comparison_net.moe import selection
from comparison_net.network_config import (
    BY_DECISION,
    BY_PAIR,
    MERGED,
    SPLIT,
    TOKEN_CHOICES,
    NetworkConfig,
)

Weights = Mapping[str, Float32s]

_BLOCK = 64
"""Boards computed together: their intermediate numbers stay in the caches."""
_NORM_EPSILON = np.float32(1e-6)
_LAYER_EPSILON = np.float32(1e-5)
"""Of torch's LayerNorm."""
_ROW_OF_EMPTY = np.arange(NUM_LOCATIONS) * NUM_COUNTS + NUM_COUNTS // 2


class Asked(NamedTuple):
    """The decisions that candidates belong to.

    Attributes:
        boards: int8[N, 26], positions before the play, seen by the player on roll.
        owners: int64[M], the decision of each candidate.
    """

    boards: Boards
    owners: Int64s


class _Seen(NamedTuple):
    """What a net takes from the decision of each candidate of a block; None where it takes nothing.

    Attributes:
        shares: float32[M, E] of the experts.
        codes: int64[M], the part of a hard split.
        shift: float32[M, W] on the second layer of the score.
    """

    shares: Float32s | None = None
    codes: Int64s | None = None
    shift: Float32s | None = None

    def take(self, rows: Any) -> _Seen:
        """Some of the rows."""
        return _Seen(*(None if values is None else values[rows] for values in self))


class MixtureEvaluator:
    """A trained mixture, or a dense net with context."""

    def __init__(self, config: NetworkConfig, weights: Weights) -> None:
        """Take the weights over.

        Args:
            config: head, tokens and sizes.
            weights: float32 by name, as a model file holds them.
        """
        self.config = config = config.for_domain(BOARDS)
        self.num_experts = config.num_experts(BOARDS)
        if not config.is_mixture:
            weights = _as_one_expert(weights)
        self.weights = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in weights.items()}
        table, base = fold(self.weights["trunk.layers.0.weight"], self.weights["trunk.layers.0.bias"])
        self._table, self._base = table.reshape(-1, len(base)).astype(np.float32), base.astype(np.float32)
        prefix = "experts." if config.tokens == "positions" else "head."
        self.has_score = f"{prefix}score.weight" in weights
        self.has_outcomes = f"{prefix}outcome.weight" in weights

    def outputs(self, boards: Boards, asked: Asked | None = None) -> tuple[Float32s | None, Float32s | None]:
        """What the net says of candidates.

        Args:
            boards: int8[M, 26], seen by the player who has just moved.
            asked: their decisions, for a net that asks for them; without, it has no scores.

        Returns:
            Scores float32[M], comparable within a decision, and outcome logits float32[M, 6]; None for what the net
            does not have.
        """
        size = self.has_score + 6 * self.has_outcomes
        results = np.empty((len(boards), size), dtype=np.float32)
        every, owners = self._seen(asked)
        has_score = self.has_score and (asked is not None or not self.config.asks_decision)
        for start in range(0, len(boards), _BLOCK):
            part = boards[start : start + _BLOCK]
            hidden = self._first_units(part)
            if self.config.tokens == "positions":
                seen = every.take(owners[start : start + _BLOCK]) if asked is not None else every
                results[start : start + _BLOCK] = self._positions(hidden, part, seen)
            else:
                results[start : start + _BLOCK] = self._locations(hidden, part)
        scores = np.ascontiguousarray(results[:, 0]) if has_score else None
        return scores, np.ascontiguousarray(results[:, -6:]) if self.has_outcomes else None

    def _first_units(self, boards: Boards) -> Float32s:
        """The rectified first layer float32[M, H]."""
        rows = boards.astype(np.int64) + _ROW_OF_EMPTY
        units: Float32s = np.maximum(self._table[rows].sum(1) + self._base, 0)
        return units

    def _seen(self, asked: Asked | None) -> tuple[_Seen, Int64s]:
        """What the net takes from each decision, rows by decision, and the decision of each candidate."""
        config, nothing = self.config, np.zeros(0, dtype=np.int64)
        if asked is None or not config.asks_decision:
            return _Seen(), nothing
        boards, shift = asked.boards, None
        hidden = self._first_units(boards)
        if config.context:
            shift = rows_times(hidden, self.weights["decision.weight"])
        if config.route_by == BY_PAIR:
            return _Seen(codes=expert_codes(boards, config.split), shift=shift), asked.owners
        by_decision = config.route_by == BY_DECISION
        return _Seen(self._shares(hidden, boards) if by_decision else None, None, shift), asked.owners

    def shares(self, boards: Boards, asked: Asked | None = None) -> Float32s:
        """What part each expert has in candidates, float32[M, E]; rows sum to 1.

        For positions the gates; for locations the combine weights, summed over the tokens of a board and layers.
        """
        parts = [np.zeros((0, self.num_experts), dtype=np.float32)]
        every, owners = self._seen(asked)
        for start in range(0, len(boards), _BLOCK):
            part = boards[start : start + _BLOCK]
            hidden = self._first_units(part)
            if self.config.tokens == "positions":
                seen = every.take(owners[start : start + _BLOCK]) if asked is not None else every
                parts.append(self._shares_of(hidden, part, seen))
                continue
            tokens, total = self._first_tokens(hidden, part), np.zeros((len(part), self.num_experts), np.float32)
            for layer, is_routed in enumerate(self.config.routed_layers()):
                tokens, given = self._before_mixture(tokens, layer)
                if is_routed or self.num_experts == 1:
                    gates = self._gates(given, f"token_layers.{layer}.")
                    total += gates.reshape(*gates.shape[:2], self.num_experts, -1).sum((1, 3))
                tokens = tokens + self._mix(given, f"token_layers.{layer}.")
            parts.append(total)
        totals = np.concatenate(parts)
        shares: Float32s = totals / totals.sum(1, keepdims=True)
        return shares

    def _positions(self, hidden: Float32s, boards: Boards, seen: _Seen) -> Float32s:
        """Outputs [M, 1, 6 or 7] of a mixture over positions: only experts that some board of the block asks for."""
        shares = self._shares_of(hidden, boards, seen)
        result = np.zeros((len(boards), self.has_score + 6 * self.has_outcomes), dtype=np.float32)
        for number in np.flatnonzero(shares.any(0)).tolist():
            result += shares[:, number : number + 1] * self._expert(number, hidden, seen.shift)
        if "skip.weight" in self.weights:
            result += rows_times(hidden, self.weights["skip.weight"])
        return result

    def _shares_of(self, hidden: Float32s, boards: Boards, seen: _Seen) -> Float32s:
        """Gate of every expert for candidates, float32[M, E]; the decision's, the candidate's, or that of both."""
        if seen.shares is not None:
            return seen.shares
        if seen.codes is None:
            return self._shares(hidden, boards)
        num_parts = len(BOARDS.splits[self.config.split])
        codes = seen.codes * num_parts + expert_codes(boards, self.config.split)
        shares: Float32s = np.eye(self.num_experts, dtype=np.float32)[codes]
        return shares

    def _shares(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Gate of every expert, float32[M, E], 0 where it is not asked, by what stands on the boards alone."""
        config = self.config
        if not config.is_mixture:
            return np.ones((len(boards), 1), dtype=np.float32)
        if config.kind(BOARDS) == SPLIT:
            return np.eye(self.num_experts, dtype=np.float32)[expert_codes(boards, config.split)]
        if config.head in TOKEN_CHOICES:
            logits = rows_times(hidden, self.weights["gate.weight"])
        else:
            logits = rows_times(gate_features(boards), self.weights["gate.weight"]) + self.weights["gate.bias"]
        if config.kind(BOARDS) == MERGED:
            best: Float32s = selection.largest(logits, 1, 1).astype(np.float32)
            return best
        shares = selection.softmax(logits, 1) * selection.largest(logits, config.choices, 1)
        is_renormalised = config.renormalise or config.head not in TOKEN_CHOICES
        return renormalised(shares) if is_renormalised else shares

    def _expert(self, number: int, hidden: Float32s, shift: Float32s | None) -> Float32s:
        """Outputs of one expert; a shift is for the score's second layer alone."""
        layer, first = 0, hidden
        while (name := f"experts.layers.{layer}.weight") in self.weights:
            hidden = _rectified(
                hidden, self.weights[name][number], self.weights[f"experts.layers.{layer}.bias"][number]
            )
            layer += 1
        outputs = []
        if self.has_score:
            weight, tie = self.weights["experts.score.weight"][number], self.weights.get("experts.score.bias")
            units = hidden
            if shift is not None:
                layer_weight, layer_bias = (self.weights[f"experts.layers.0.{what}"] for what in ("weight", "bias"))
                units = np.maximum(rows_times(first, layer_weight[number]) + layer_bias[number] + shift, 0)
            outputs.append(rows_times(units, weight[None]) + (0 if tie is None else tie[number]))
        if self.has_outcomes:
            weight, bias = self.weights["experts.outcome.weight"][number], self.weights["experts.outcome.bias"][number]
            outputs.append(rows_times(hidden, weight) + bias)
        return np.concatenate(outputs, axis=1)

    def _locations(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Outputs of a mixture over the locations of each board."""
        weights = self.weights
        tokens = self._first_tokens(hidden, boards)
        for layer in range(self.config.token_layers):
            tokens, given = self._before_mixture(tokens, layer)
            tokens = tokens + self._mix(given, f"token_layers.{layer}.")
        units = np.concatenate([hidden, np.maximum(tokens, 0).mean(1)], axis=1)
        layer = 0
        while (name := f"layers.{layer}.weight") in weights:
            units = _rectified(units, weights[name], weights[f"layers.{layer}.bias"])
            layer += 1
        outputs = [rows_times(units, weights["head.score.weight"])] if self.has_score else []
        if self.has_outcomes:
            outputs.append(rows_times(units, weights["head.outcome.weight"]) + weights["head.outcome.bias"])
        return np.concatenate(outputs, axis=1)

    def _first_tokens(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Tokens float32[M, m, d] before the first layer."""
        view = rows_times(hidden, self.weights["context.weight"]) + self.weights["context.bias"]
        tokens: Float32s = self.weights["embedding.weight"][token_rows(boards)] + view[:, None]
        return tokens

    def _before_mixture(self, tokens: Float32s, layer: int) -> tuple[Float32s, Float32s]:
        """Tokens float32[M, m, d] after the attention of a layer, if there is one, and what its experts are given."""
        if not self.config.attention:
            return tokens, tokens
        prefix = f"token_layers.{layer}."
        norm, given, result = (f"{prefix}attention.{part}." for part in ("norm", "given", "result"))
        weights, (items, m, width) = self.weights, tokens.shape
        asked = self._normalised(tokens, norm) @ weights[f"{given}weight"].T + weights[f"{given}bias"]
        by_head = asked.reshape(items, m, 3, self.config.attention, -1).transpose(2, 0, 3, 1, 4)
        queries, keys, values = by_head
        scale = np.float32(queries.shape[-1] ** -0.5)
        taken = selection.softmax(queries @ keys.swapaxes(2, 3) * scale, 3) @ values
        joined = np.ascontiguousarray(taken.transpose(0, 2, 1, 3)).reshape(items, m, width)
        tokens = tokens + (joined @ weights[f"{result}weight"].T + weights[f"{result}bias"])
        return tokens, self._normalised(tokens, f"{prefix}norm.")

    def _normalised(self, tokens: Float32s, prefix: str) -> Float32s:
        """Tokens of mean 0 and deviation 1, scaled and shifted as learned."""
        centred = tokens - tokens.mean(-1, keepdims=True)
        lengths = np.sqrt(np.square(centred).mean(-1, keepdims=True) + _LAYER_EPSILON)
        result: Float32s = centred / lengths * self.weights[f"{prefix}weight"] + self.weights[f"{prefix}bias"]
        return result

    def _soft_logits(self, tokens: Float32s, prefix: str) -> Float32s:
        """Logits float32[M, m, n c] of the soft router."""
        slots, scale = self.weights[f"{prefix}gate.slots"], self.weights[f"{prefix}gate.scale"]
        logits: Float32s = _unit_rows(tokens) @ (scale * _unit_rows(slots.reshape(-1, tokens.shape[2]))).T
        return logits

    def _gates(self, tokens: Float32s, prefix: str) -> Float32s:
        """Combine weights of a layer: float32[M, m, n], of the soft router float32[M, m, n c]."""
        if f"{prefix}gate.slots" in self.weights:
            return selection.softmax(self._soft_logits(tokens, prefix), 2)
        if f"{prefix}gate.weight" not in self.weights:
            return np.ones((*tokens.shape[:2], 1), dtype=np.float32)
        return board_gates(self.config, tokens @ self.weights[f"{prefix}gate.weight"].T)

    def _mix(self, tokens: Float32s, prefix: str) -> Float32s:
        """What the experts of a layer add to tokens float32[M, m, d]."""
        first, first_bias, second, second_bias = (
            self.weights[f"{prefix}experts.layers.{name}"] for name in ("0.weight", "0.bias", "1.weight", "1.bias")
        )
        n, hidden, width = first.shape
        if f"{prefix}gate.slots" in self.weights:
            logits = self._soft_logits(tokens, prefix)
            inputs = selection.softmax(logits, 1).transpose(0, 2, 1) @ tokens
            given = inputs.reshape(len(tokens), n, -1, width)
            units = np.maximum(given @ first.transpose(0, 2, 1) + first_bias[:, None], 0)
            outputs = units @ second.transpose(0, 2, 1) + second_bias[:, None]
            mixed: Float32s = selection.softmax(logits, 2) @ outputs.reshape(len(tokens), -1, width)
            return mixed
        gates = self._gates(tokens, prefix)
        units = np.maximum(tokens @ first.reshape(n * hidden, width).T + first_bias.ravel(), 0)
        weighted = (units.reshape(*gates.shape, hidden) * gates[..., None]).reshape(*tokens.shape[:2], n * hidden)
        result: Float32s = weighted @ second.transpose(0, 2, 1).reshape(n * hidden, width) + gates @ second_bias
        return result


def _as_one_expert(weights: Weights) -> Weights:
    """A dense net of two hidden layers as a mixture of one expert."""
    names = {"trunk.layers.1.": "experts.layers.0.", "head.outcome.": "experts.outcome."}
    result = {}
    for name, values in weights.items():
        old = next((prefix for prefix in names if name.startswith(prefix)), None)
        result[name if old is None else names[old] + name.removeprefix(old)] = values if old is None else values[None]
    if "head.score.weight" in weights:
        result["experts.score.weight"] = result.pop("head.score.weight")
    return result


def board_gates(config: NetworkConfig, logits: Float32s) -> Float32s:
    """Combine weights float32[M, m, n] of the configured sparse router, from logits float32[M, m, n]."""
    m, n = logits.shape[1:]
    head = config.head
    weights = selection.softmax(logits, 2)
    if head in TOKEN_CHOICES:
        capacity = selection.token_capacity(m, n, config.choices, config.capacity)
        if head == "softmax-token":
            taken = selection.softmax_tokens(logits, config.choices, capacity, config.batch_priority) >= 0
        else:
            taken = selection.sinkhorn_tokens(logits, config.choices, capacity) >= 0
    elif head in ("us", "us-free"):
        weights = selection.unified_scores(logits, config.alpha, head == "us-free")
        taken = selection.best_pairs(weights, selection.pair_budget(m, n, config.capacity))
    else:
        choose = {
            "softmax-expert": selection.softmax_experts,
            "sinkhorn-expert": selection.sinkhorn_experts,
            "sparse-expert": selection.sparse_experts,
        }[head]
        taken = choose(logits, selection.expert_capacity(m, n, config.capacity))
    return renormalised(weights * taken) if config.renormalise else weights * taken


def renormalised(gates: Float32s) -> Float32s:
    """Gates divided by their sum over the last axis; a row of zeros stays one."""
    totals = gates.sum(-1, keepdims=True)
    shares: Float32s = np.divide(gates, totals, out=np.zeros_like(gates), where=totals > 0)
    return shares


def rows_times(given: Float32s, weight: Float32s) -> Float32s:
    """given[M, K] @ weight[W, K].T, each row by itself, so that its bits do not depend on the others."""
    product: Float32s = (given[:, None] @ weight.T)[:, 0]
    return product


def _rectified(given: Float32s, weight: Float32s, bias: Float32s) -> Float32s:
    result: Float32s = np.maximum(rows_times(given, weight) + bias, 0)
    return result


def _unit_rows(rows: Float32s) -> Float32s:
    result: Any = rows / np.sqrt((rows * rows).sum(-1, keepdims=True) + _NORM_EPSILON)
    units: Float32s = result
    return units
