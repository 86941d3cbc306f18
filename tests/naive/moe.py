"""Routers, plans, balance losses and both mixtures straight from their formulas, with loops. Slow and obvious.

One group at a time: logits [m, n] of m tokens and n experts, float64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from backgammon.learner.inputs.codes import PLANS
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Bools, Float32s, Float64s, Int8s, Int64s
from tests.naive.network import features

Weights = Mapping[str, Float32s]


def softmax(values: Float64s) -> Float64s:
    """Shares of exp(values), which sum to 1."""
    powers: Float64s = np.exp(values - values.max())
    shares: Float64s = powers / powers.sum()
    return shares


def gates(logits: Float64s) -> Float64s:
    """G: softmax over the experts."""
    return np.array([softmax(row) for row in logits])


def token_counts(board: Int8s) -> list[tuple[int, int]]:
    """(place, count) of the tokens of a board: its locations, then what each side has borne off."""
    own, other = 15, -15
    counts = []
    for place in range(26):
        count = int(board[place])
        own -= max(count, 0)
        other -= min(count, 0)
        counts.append((place, count))
    return [*counts, (26, own), (27, other)]


def normalised(token: Float64s, weight: Float64s, bias: Float64s) -> Float64s:
    """Layer normalisation of one token."""
    mean = sum(token) / len(token)
    variance = sum((value - mean) ** 2 for value in token) / len(token)
    return np.array(
        [(v - mean) / math.sqrt(variance + 1e-5) * w + b for v, w, b in zip(token, weight, bias, strict=True)]
    )


def attention(tokens: Float64s, weights: Mapping[str, Float64s], num_heads: int) -> Float64s:
    """What each token takes: for each head the values, weighted by softmax(query . key / sqrt(width of a head))."""
    width = tokens.shape[1]
    size = width // num_heads
    given = np.array(
        [
            weights["given.weight"] @ normalised(token, weights["norm.weight"], weights["norm.bias"])
            + weights["given.bias"]
            for token in tokens
        ]
    )
    taken = np.zeros_like(tokens)
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        queries, keys, values = (given[:, kind * width : (kind + 1) * width][:, part] for kind in range(3))
        for i in range(len(tokens)):
            shares = softmax(np.array([queries[i] @ key / math.sqrt(size) for key in keys]))
            taken[i, part] = sum(share * value for share, value in zip(shares, values, strict=True))
    return np.array([weights["result.weight"] @ row + weights["result.bias"] for row in taken])


def token_choice(affinity: Float64s, num_choices: int, capacity: int, is_priority: bool) -> Int64s:
    """Slots [m, n]; first choices of all tokens, then second choices, until an expert is full."""
    m, n = affinity.shape
    slots = np.full((m, n), -1)
    used = [0] * n
    tokens = sorted(range(m), key=lambda i: -affinity[i].max()) if is_priority else list(range(m))
    for rank in range(num_choices):
        for i in tokens:
            expert = sorted(range(n), key=lambda e: -affinity[i, e])[rank]
            if used[expert] < capacity:
                slots[i, expert] = used[expert]
            used[expert] += 1
    return slots


def expert_choice(affinity: Float64s, capacity: int) -> Bools:
    """Taken [m, n]: the best tokens of each column."""
    m, n = affinity.shape
    taken = np.zeros((m, n), dtype=bool)
    for e in range(n):
        for i in sorted(range(m), key=lambda i: -affinity[i, e])[:capacity]:
            taken[i, e] = True
    return taken


def log_sum_exp(values: Float64s) -> float:
    """log of the sum of exp(values)."""
    largest = values.max()
    return float(largest + math.log(np.exp(values - largest).sum()))


def sinkhorn(logits: Float64s, epsilon: float, iterations: int) -> Float64s:
    """The plan in the log domain: u and v in turn."""
    m, n = logits.shape
    u, v = np.zeros(m), np.zeros(n)
    for _ in range(iterations):
        for i in range(m):
            u[i] = -log_sum_exp(logits[i] / epsilon + v)
        for e in range(n):
            v[e] = math.log(m / n) - log_sum_exp(logits[:, e] / epsilon + u)
    plan: Float64s = np.exp(logits / epsilon + u[:, None] + v[None])
    return plan


def project(values: Float64s, mass: float) -> Float64s:
    """Nearest vector with entries >= 0 and this sum, the threshold found by halving."""
    low, high = values.min() - mass, values.max()
    for _ in range(200):
        middle = (low + high) / 2
        if np.maximum(values - middle, 0).sum() > mass:
            low = middle
        else:
            high = middle
    nearest: Float64s = np.maximum(values - (low + high) / 2, 0)
    return nearest


def sparse_column(values: Float64s, k: int, mass: float) -> Float64s:
    """The same with at most k entries: the k largest are projected, the others 0."""
    column = np.zeros(len(values))
    best = sorted(range(len(values)), key=lambda i: -values[i])[:k]
    column[best] = project(values[best], mass)
    return column


def sparse_plan(similarity: Float64s, k: int, gamma: float, rate: float, steps: int) -> Float64s:
    """Adam on the semi-dual: the gradient is row sum wanted (1) minus row sum had."""
    m, n = similarity.shape
    dual, first, second = np.zeros(m), np.zeros(m), np.zeros(m)

    def plan() -> Float64s:
        return np.stack([sparse_column((dual + similarity[:, e]) / gamma, k, m / n) for e in range(n)], axis=1)

    for step in range(1, steps + 1):
        gradient = 1 - plan().sum(1)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        dual = dual + rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return plan()


def unified(scores: Float64s, budget: int) -> Bools:
    """Taken [m, n]: the best pairs of all."""
    pairs = [(i, e) for i in range(scores.shape[0]) for e in range(scores.shape[1])]
    taken = np.zeros(scores.shape, dtype=bool)
    for i, e in sorted(pairs, key=lambda pair: -scores[pair])[:budget]:
        taken[i, e] = True
    return taken


def importance_loss(logits: Float64s) -> float:
    """(std / mean)^2 of the summed gates."""
    importance = gates(logits).sum(0)
    return float((importance.std() / importance.mean()) ** 2)


def load_loss(logits: Float64s, noisy: Float64s, num_choices: int, deviation: float) -> float:
    """(std / mean)^2 of the mean chances to be chosen under fresh noise."""
    m, n = logits.shape
    chance = np.zeros((m, n))
    for i in range(m):
        threshold = sorted(noisy[i], reverse=True)[num_choices - 1]
        for e in range(n):
            z = (threshold - logits[i, e]) / deviation
            chance[i, e] = 1 - 0.5 * (1 + math.erf(z / math.sqrt(2)))
    load = chance.mean(0)
    return float((load.std() / load.mean()) ** 2)


def gshard_loss(logits: Float64s) -> float:
    """n^2 times the mean over experts of (share of first choices) * (mean gate)."""
    m, n = logits.shape
    shares = gates(logits)
    first = np.array([(shares.argmax(1) == e).sum() / m for e in range(n)])
    return float(n**2 * np.mean(first * shares.mean(0)))


def plan_name(board: Int8s, phase: str) -> str:
    """The plan of a candidate from lists of places; `phase` as backgammon.rules.phase names it."""
    if phase != "other":
        return phase
    own = {place: int(board[place]) for place in range(1, 26) if board[place] > 0}
    opponent = {place: -int(board[place]) for place in range(25) if board[place] < 0}
    if 0 in opponent:
        return "attack"
    if 25 in own:
        return "attacked"
    own_points = [place for place in range(1, 25) if own.get(place, 0) >= 2]
    opponent_points = [place for place in range(1, 25) if opponent.get(place, 0) >= 2]
    if sum(place >= 19 for place in own_points) >= 2:
        return "back game"
    if sum(place <= 6 for place in opponent_points) >= 2:
        return "opponent back game"
    for start in range(1, 22):
        if all(place in own_points for place in range(start, start + 4)) and min(opponent) < start:
            return "prime"
    for start in range(1, 22):
        if all(place in opponent_points for place in range(start, start + 4)) and max(own) > start + 3:
            return "opponent prime"
    if any(place >= 18 for place in own_points) and min(opponent) > 6:
        return "holding"
    if any(place <= 7 for place in opponent_points) and max(own) < 19:
        return "opponent holding"
    return "other"


def first_units(board: Int8s, weights: Weights) -> Float64s:
    """The rectified first layer [H] of one board."""
    units: Float64s = np.maximum(
        weights["trunk.layers.0.weight"].astype(float) @ features(board) + weights["trunk.layers.0.bias"], 0
    )
    return units


def position_score(board: Int8s, weights: Weights, shares: Float64s, before: Int8s | None = None) -> float:
    """Weighted sum of the experts' scores of one candidate, shares [E]; plus the skip where there is one.

    With `before`, the position before the play, the second layer also sees that.
    """
    hidden = first_units(board, weights)
    shift = 0.0 if before is None else weights["decision.weight"].astype(float) @ first_units(before, weights)
    ties = weights.get("experts.score.bias", np.zeros(len(shares)))
    total = float(weights["skip.weight"][0] @ hidden) if "skip.weight" in weights else 0.0
    for e, share in enumerate(shares):
        units, index = hidden, 0
        while f"experts.layers.{index}.weight" in weights:
            weight, bias = weights[f"experts.layers.{index}.weight"][e], weights[f"experts.layers.{index}.bias"][e]
            units, index = np.maximum(weight.astype(float) @ units + bias + shift, 0), index + 1
        total += share * float(weights["experts.score.weight"][e] @ units + ties[e])
    return total


def token_result(tokens: Float64s, dispatch: Float64s, combine: Float64s, weights: Weights) -> Float64s:
    """B Z for one group: D [m, n, c], B [m, n, c]; experts of two layers."""
    m, n, c = dispatch.shape
    result = np.zeros_like(tokens)
    for e in range(n):
        for s in range(c):
            given = sum((dispatch[i, e, s] * tokens[i] for i in range(m)), np.zeros(tokens.shape[1]))
            units = np.maximum(weights["layers.0.weight"][e] @ given + weights["layers.0.bias"][e], 0)
            output = weights["layers.1.weight"][e] @ units + weights["layers.1.bias"][e]
            for i in range(m):
                result[i] += combine[i, e, s] * output
    return result


assert PLANS[: len(PHASES)] == PHASES
