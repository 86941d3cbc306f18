"""Mixtures at play time, with numpy alone: boards in, scores and outcome logits out.

M positions, m = 26 location tokens, H units of the first layer, E (or n) experts, d width of a token, w hidden units.

The twin of `item_mixture` and `token_mixture` without noise and, for positions, without capacity. Every row is
computed from its own board, as a product of its own (`rows_times`): in one matrix product for all rows the order of
additions would depend on a row's place. So a score is the same to the last bit whatever else is asked with it. The
hard phase head has a faster, compiled path in `kernels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import expert_codes, gate_features
from backgammon.learner.inputs.features import NUM_COUNTS, fold
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Float32s, Int64s
from comparison_net.moe import selection
from comparison_net.network_config import SPLIT, TOKEN_CHOICES, NetworkConfig

Weights = Mapping[str, Float32s]

_BLOCK = 64
"""Boards computed together: their intermediate numbers stay in the caches."""
_NORM_EPSILON = np.float32(1e-6)
_ROW_OF_EMPTY = np.arange(NUM_LOCATIONS) * NUM_COUNTS + NUM_COUNTS // 2


class MixtureEvaluator:
    """A trained mixture."""

    def __init__(self, config: NetworkConfig, weights: Weights) -> None:
        """Take the weights over.

        Args:
            config: head, tokens and sizes.
            weights: float32 by name, as a model file holds them.
        """
        self.config = config = config.for_domain(BOARDS)
        self.num_experts = config.num_experts(BOARDS)
        self.weights = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in weights.items()}
        table, base = fold(self.weights["trunk.layers.0.weight"], self.weights["trunk.layers.0.bias"])
        self._table, self._base = table.reshape(-1, len(base)).astype(np.float32), base.astype(np.float32)
        prefix = "experts." if config.tokens == "positions" else "head."
        self.has_score = f"{prefix}score.weight" in weights
        self.has_outcomes = f"{prefix}outcome.weight" in weights

    def outputs(self, boards: Boards) -> tuple[Float32s | None, Float32s | None]:
        """What the net says of candidates.

        Args:
            boards: int8[M, 26], seen by the player who has just moved.

        Returns:
            Scores float32[M], comparable within a decision, and outcome logits float32[M, 6]; None for what the net
            does not have.
        """
        size = self.has_score + 6 * self.has_outcomes
        results = np.empty((len(boards), size), dtype=np.float32)
        compute = self._positions if self.config.tokens == "positions" else self._locations
        for start in range(0, len(boards), _BLOCK):
            part = boards[start : start + _BLOCK]
            rows = part.astype(np.int64) + _ROW_OF_EMPTY
            hidden = np.maximum(self._table[rows].sum(1) + self._base, 0)
            results[start : start + _BLOCK] = compute(hidden, part)
        scores = np.ascontiguousarray(results[:, 0]) if self.has_score else None
        return scores, np.ascontiguousarray(results[:, -6:]) if self.has_outcomes else None

    def shares(self, boards: Boards) -> Float32s:
        """What part each expert has in candidates, float32[M, E]; rows sum to 1.

        For positions the gates; for locations the combine weights, summed over the tokens of a board and layers.
        """
        parts = [np.zeros((0, self.num_experts), dtype=np.float32)]
        for start in range(0, len(boards), _BLOCK):
            part = boards[start : start + _BLOCK]
            rows = part.astype(np.int64) + _ROW_OF_EMPTY
            hidden = np.maximum(self._table[rows].sum(1) + self._base, 0)
            if self.config.tokens == "positions":
                parts.append(self._shares(hidden, part))
                continue
            tokens, total = self._first_tokens(hidden, rows), np.zeros((len(part), self.num_experts), np.float32)
            for layer in range(self.config.token_layers):
                gates = self._gates(tokens, f"token_layers.{layer}.")
                total += gates.reshape(*gates.shape[:2], self.num_experts, -1).sum((1, 3))
                tokens = tokens + self._mix(tokens, f"token_layers.{layer}.")
            parts.append(total)
        totals = np.concatenate(parts)
        shares: Float32s = totals / totals.sum(1, keepdims=True)
        return shares

    def _positions(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Outputs [M, 1, 6 or 7] of a mixture over positions: only experts that some board of the block asks for."""
        shares = self._shares(hidden, boards)
        result = np.zeros((len(boards), self.has_score + 6 * self.has_outcomes), dtype=np.float32)
        for number in np.flatnonzero(shares.any(0)).tolist():
            result += shares[:, number : number + 1] * self._expert(number, hidden)
        if "skip.weight" in self.weights:
            result += rows_times(hidden, self.weights["skip.weight"])
        return result

    def _shares(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Gate of every expert, float32[M, E], 0 where it is not asked."""
        config = self.config
        if config.kind(BOARDS) == SPLIT:
            return np.eye(self.num_experts, dtype=np.float32)[expert_codes(boards, config.split)]
        if config.head in TOKEN_CHOICES:
            logits = rows_times(hidden, self.weights["gate.weight"])
        else:
            logits = rows_times(gate_features(boards), self.weights["gate.weight"]) + self.weights["gate.bias"]
        shares = selection.softmax(logits, 1) * selection.largest(logits, config.choices, 1)
        is_renormalised = config.renormalise or config.head not in TOKEN_CHOICES
        return renormalised(shares) if is_renormalised else shares

    def _expert(self, number: int, hidden: Float32s) -> Float32s:
        """Outputs of one expert."""
        layer = 0
        while (name := f"experts.layers.{layer}.weight") in self.weights:
            hidden = _rectified(
                hidden, self.weights[name][number], self.weights[f"experts.layers.{layer}.bias"][number]
            )
            layer += 1
        outputs = []
        if self.has_score:
            weight, bias = self.weights["experts.score.weight"][number], self.weights["experts.score.bias"][number]
            outputs.append(rows_times(hidden, weight[None]) + bias)
        if self.has_outcomes:
            weight, bias = self.weights["experts.outcome.weight"][number], self.weights["experts.outcome.bias"][number]
            outputs.append(rows_times(hidden, weight) + bias)
        return np.concatenate(outputs, axis=1)

    def _locations(self, hidden: Float32s, boards: Boards) -> Float32s:
        """Outputs of a mixture over the locations of each board."""
        weights = self.weights
        tokens = self._first_tokens(hidden, boards.astype(np.int64) + _ROW_OF_EMPTY)
        for layer in range(self.config.token_layers):
            tokens = tokens + self._mix(tokens, f"token_layers.{layer}.")
        units = np.concatenate([hidden, np.maximum(tokens, 0).mean(1)], axis=1)
        layer = 0
        while (name := f"layers.{layer}.weight") in weights:
            units = _rectified(units, weights[name], weights[f"layers.{layer}.bias"])
            layer += 1
        outputs = [rows_times(units, weights["head.score.weight"])] if self.has_score else []
        if self.has_outcomes:
            outputs.append(rows_times(units, weights["head.outcome.weight"]) + weights["head.outcome.bias"])
        return np.concatenate(outputs, axis=1)

    def _first_tokens(self, hidden: Float32s, rows: Int64s) -> Float32s:
        """Tokens float32[M, m, d] before the first mixture, from table rows int64[M, m]."""
        view = rows_times(hidden, self.weights["context.weight"]) + self.weights["context.bias"]
        tokens: Float32s = self.weights["embedding.weight"][rows] + view[:, None]
        return tokens

    def _soft_logits(self, tokens: Float32s, prefix: str) -> Float32s:
        """Logits float32[M, m, n c] of the soft router."""
        slots, scale = self.weights[f"{prefix}gate.slots"], self.weights[f"{prefix}gate.scale"]
        logits: Float32s = _unit_rows(tokens) @ (scale * _unit_rows(slots.reshape(-1, tokens.shape[2]))).T
        return logits

    def _gates(self, tokens: Float32s, prefix: str) -> Float32s:
        """Combine weights of a layer: float32[M, m, n], of the soft router float32[M, m, n c]."""
        if self.config.head == "soft":
            return selection.softmax(self._soft_logits(tokens, prefix), 2)
        if self.config.head == "dense":
            return np.ones((*tokens.shape[:2], 1), dtype=np.float32)
        return board_gates(self.config, tokens @ self.weights[f"{prefix}gate.weight"].T)

    def _mix(self, tokens: Float32s, prefix: str) -> Float32s:
        """What the experts of a layer add to tokens float32[M, m, d]."""
        first, first_bias, second, second_bias = (
            self.weights[f"{prefix}experts.layers.{name}"] for name in ("0.weight", "0.bias", "1.weight", "1.bias")
        )
        n, hidden, width = first.shape
        if self.config.head == "soft":
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
