"""Golden cases of the routers: small groups with the numbers that the formulas of V-MoE, Liu et al. and USMoE give."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from comparison_net.moe import balance
from comparison_net.moe.expert_choice import softmax_expert_choice
from comparison_net.moe.selection import token_capacity
from comparison_net.moe.token_choice import softmax_token_choice
from comparison_net.moe.transport import sinkhorn_plans
from comparison_net.moe.unified import training_free_scores, unified_routing, unified_scores
from tests.naive import moe as naive

CASES = json.loads((Path(__file__).parent / "vectors" / "moe-golden.json").read_text(encoding="utf-8"))["cases"]
every_case = pytest.mark.parametrize("case", CASES, ids=[str(np.shape(case["logits"])) for case in CASES])
SHAPES = [(1, 1), (2, 3), (4, 2), (5, 5), (7, 3), (8, 4), (13, 6), (26, 4)]


def tensor(rows: Any) -> Tensor:
    """One group, float32[1, m, n]."""
    return torch.tensor(rows, dtype=torch.float32)[None]


@every_case
def test_token_choice_gives_the_golden_slots_and_gates(case: dict[str, Any]) -> None:
    logits, noise = tensor(case["logits"]), tensor(case["noise"])
    for one in case["token_choice"]:
        found = softmax_token_choice(logits, one["choices"], one["factor"], noise, one["priority"])
        assert found.capacity == one["capacity"]
        assert found.slots[0].tolist() == one["slots"]
        gates = np.array(case["gates"]) * (np.array(one["slots"]) >= 0)
        np.testing.assert_allclose(found.gates[0].numpy(), gates, atol=2e-6)


@every_case
def test_expert_choice_takes_the_golden_tokens(case: dict[str, Any]) -> None:
    logits, noise = tensor(case["logits"]), tensor(case["noise"])
    for one in case["expert_choice"]:
        found = softmax_expert_choice(logits, one["factor"], noise=noise)
        assert found.capacity == one["capacity"]
        assert (found.slots[0] >= 0).int().tolist() == one["taken"]


@every_case
def test_sinkhorn_gives_the_golden_plan(case: dict[str, Any]) -> None:
    np.testing.assert_allclose(sinkhorn_plans(tensor(case["logits"]).numpy())[0], case["plan"], atol=3e-6)


@every_case
def test_unified_routing_takes_the_golden_pairs(case: dict[str, Any]) -> None:
    logits = tensor(case["logits"])
    for one in case["unified"]:
        is_free = one["head"] == "us-free"
        scores = training_free_scores(logits) if is_free else unified_scores(logits)
        np.testing.assert_allclose(scores[0].numpy(), one["scores"], atol=2e-6)
        found = unified_routing(logits, one["choices"], is_free=is_free)
        assert (found.slots[0] >= 0).int().tolist() == one["taken"]


@every_case
def test_balance_losses_are_the_golden_ones(case: dict[str, Any]) -> None:
    logits, noise = tensor(case["logits"]), tensor(case["noise"])
    shares = torch.softmax(logits, 2)
    assert float(balance.importance_loss(shares)) == pytest.approx(case["importance"], rel=1e-4)
    assert float(balance.gshard_loss(shares)) == pytest.approx(case["gshard"], rel=1e-4)
    for choices, load in case["load"].items():
        found = balance.load_loss(logits, logits + noise, int(choices), 1 / logits.shape[2])
        assert float(found) == pytest.approx(load, rel=1e-3)


@pytest.mark.parametrize("scale", [0.3, 2.0, 8.0])
def test_token_choice_follows_v_moe_over_its_whole_grid(scale: float) -> None:
    """D and B: eight shapes, one and two choices, four capacities, batch priority or not, noise of 1 / n."""
    rng = np.random.default_rng(7)
    for (m, n), choices, factor, is_priority in product(SHAPES, (1, 2), (0.5, 1.0, 1.05, 2.0), (False, True)):
        choices = min(choices, n)
        logits, noise = rng.normal(0, scale, (m, n)), rng.normal(0, 1 / n, (m, n))
        found = softmax_token_choice(tensor(logits), choices, factor, tensor(noise), is_priority)
        capacity = min(m, math.ceil(m * choices * factor / n))
        assert token_capacity(m, n, choices, factor) == capacity
        shares = naive.gates(np.float32(logits).astype(float) + np.float32(noise))
        slots = naive.token_choice(shares, choices, capacity, is_priority)
        dispatch = slots[..., None] == np.arange(capacity)
        np.testing.assert_array_equal(found.dispatch[0].numpy(), dispatch)
        np.testing.assert_allclose(found.combine[0].numpy(), dispatch * shares[..., None], atol=2e-6)
