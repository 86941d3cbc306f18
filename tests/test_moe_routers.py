"""Every router against its formula, and the invariants that make it what its paper says it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from backgammon.learner.net.mixture_evaluator import board_gates
from backgammon.tools.arrays import Float64s
from comparison_net.config import BALANCES
from comparison_net.moe import balance
from comparison_net.moe.algebra import SoftRouting, SparseRouting, gather, renormalised, send
from comparison_net.moe.expert_choice import (
    sinkhorn_expert_choice,
    softmax_expert_choice,
    sparse_expert_choice,
)
from comparison_net.moe.experts import TokenExperts
from comparison_net.moe.selection import expert_capacity, token_capacity
from comparison_net.moe.soft import soft_logits, soft_routing
from comparison_net.moe.token_choice import (
    chosen_gates,
    sinkhorn_token_choice,
    softmax_token_choice,
)
from comparison_net.moe.token_mixture import sparse_routing
from comparison_net.moe.transport import sinkhorn_plans, sparse_plans
from comparison_net.moe.unified import training_free_scores, unified_routing, unified_scores
from comparison_net.network_config import GROUP_ROUTERS, TOKEN_CHOICES, NetworkConfig
from comparison_net.tools import DataError
from tests.naive import moe as naive

Router = Callable[[Tensor], SparseRouting]

ROUTERS: dict[str, Router] = {
    "softmax-token": lambda logits: softmax_token_choice(logits, 2, 1.05),
    "softmax-token-priority": lambda logits: softmax_token_choice(logits, 2, 1.05, is_batch_priority=True),
    "softmax-token-noise": lambda logits: softmax_token_choice(logits, 1, 1.0, noise=torch.cos(7 * logits)),
    "sinkhorn-token": lambda logits: sinkhorn_token_choice(logits, 2, 1.05),
    "softmax-expert": lambda logits: softmax_expert_choice(logits, 1.5),
    "sinkhorn-expert": lambda logits: sinkhorn_expert_choice(logits, 1.5),
    "sparse-expert": lambda logits: sparse_expert_choice(logits, 1.5),
    "us": lambda logits: unified_routing(logits, 1.5),
    "us-free": lambda logits: unified_routing(logits, 1.5, is_free=True),
}
BY_EXPERTS = ("softmax-expert", "sinkhorn-expert", "sparse-expert")


def make_logits(groups: int = 20, m: int = 26, n: int = 5, scale: float = 2.0, seed: int = 1) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(scale=scale, size=(groups, m, n)).astype(np.float32))


def doubles(group: Tensor) -> Float64s:
    return group.numpy().astype(np.float64)


@pytest.mark.parametrize("is_priority", [False, True])
@pytest.mark.parametrize("choices", [1, 2, 3])
def test_token_choice_serves_first_choices_first_until_an_expert_is_full(choices: int, is_priority: bool) -> None:
    logits = make_logits()
    routing = softmax_token_choice(logits, choices, 1.0, is_batch_priority=is_priority)
    assert routing.capacity == token_capacity(26, 5, choices, 1.0) == math.ceil(26 * choices / 5)
    for group, slots, gates in zip(logits, routing.slots, routing.gates, strict=True):
        shares = naive.gates(doubles(group))
        expected = naive.token_choice(shares, choices, routing.capacity, is_priority)
        assert slots.tolist() == expected.tolist()
        np.testing.assert_allclose(gates.numpy(), shares * (expected >= 0), atol=1e-6)


def test_noise_changes_the_choice_and_the_weight_alike() -> None:
    logits, noise = make_logits(), make_logits(seed=2, scale=0.5)
    noisy = softmax_token_choice(logits, 1, 1.05, noise=noise)
    plain = softmax_token_choice(logits + noise, 1, 1.05)
    torch.testing.assert_close(noisy.gates, plain.gates)
    assert (noisy.slots != softmax_token_choice(logits, 1, 1.05).slots).any()


def test_sinkhorn_plan_equals_the_log_domain_formula() -> None:
    logits = make_logits(groups=6)
    for epsilon in (1.0, 0.3):
        plans = sinkhorn_plans(logits.numpy(), epsilon)
        for group, plan in zip(logits, plans, strict=True):
            np.testing.assert_allclose(plan, naive.sinkhorn(doubles(group), epsilon, 20), atol=1e-5)


def test_sinkhorn_plan_serves_tokens_and_experts_alike() -> None:
    plans = sinkhorn_plans(make_logits(scale=1.0).numpy(), iterations=200)
    np.testing.assert_allclose(plans.sum(1), 26 / 5, rtol=1e-5)
    np.testing.assert_allclose(plans.sum(2), 1.0, rtol=1e-4)


def test_sinkhorn_plan_survives_extreme_logits() -> None:
    logits = make_logits(scale=300.0).numpy()
    assert np.isfinite(sinkhorn_plans(logits)).all()
    one_sided = np.full((1, 26, 4), -1e4, dtype=np.float32)
    one_sided[..., 0] = 1e4
    np.testing.assert_allclose(sinkhorn_plans(one_sided).sum(1), 26 / 4, rtol=1e-4)


@pytest.mark.parametrize("scale", [3.0, 300.0, 3000.0])
def test_sinkhorn_plan_is_right_at_any_spread(scale: float) -> None:
    logits = make_logits(groups=4, m=5, n=3, scale=scale)
    wide = torch.tensor([[[0.0, -900.0, -2000.0], [-900.0, 0.0, -900.0], [0.0, -2000.0, 0.0]]])
    for groups in (logits, wide):
        for group, plan in zip(groups, sinkhorn_plans(groups.numpy()), strict=True):
            np.testing.assert_allclose(plan, naive.sinkhorn(doubles(group), 1.0, 20), atol=1e-5)


@pytest.mark.parametrize("k", [1, 3, 8, 26])
def test_sparse_plan_equals_its_formula(k: int) -> None:
    similarity = torch.softmax(make_logits(groups=3), -1)
    plans = sparse_plans(similarity.numpy(), k)
    for group, plan in zip(similarity, plans, strict=True):
        np.testing.assert_allclose(plan, naive.sparse_plan(doubles(group), k, 1.0, 1e-2, 20), atol=1e-5)


def test_sparse_plan_has_at_most_k_tokens_and_full_columns() -> None:
    plans = sparse_plans(make_logits().numpy(), 7)
    assert ((plans > 0).sum(1) <= 7).all()
    np.testing.assert_allclose(plans.sum(1), 26 / 5, rtol=1e-5)
    near = sparse_plans(make_logits(groups=2, scale=0.3).numpy(), 26, steps=2000)
    np.testing.assert_allclose(near.sum(2), 1.0, atol=0.02)


def test_sinkhorn_token_choice_selects_by_the_plan_and_weighs_by_the_softmax() -> None:
    logits = make_logits()
    routing = sinkhorn_token_choice(logits, 2, 1.05)
    for group, slots, gates in zip(logits, routing.slots, routing.gates, strict=True):
        expected = naive.token_choice(naive.sinkhorn(doubles(group), 1.0, 20), 2, routing.capacity, False)
        assert slots.tolist() == expected.tolist()
        np.testing.assert_allclose(gates.numpy(), naive.gates(doubles(group)) * (expected >= 0), atol=1e-6)


@pytest.mark.parametrize("name", BY_EXPERTS)
def test_expert_choice_takes_the_best_tokens_of_each_expert(name: str) -> None:
    logits = make_logits(groups=6)
    routing = ROUTERS[name](logits)
    capacity = expert_capacity(26, 5, 1.5)
    assert routing.capacity == capacity == 8
    for group, gates in zip(logits, routing.gates, strict=True):
        shares = naive.gates(doubles(group))
        if name == "sparse-expert":
            taken = naive.sparse_plan(shares, capacity, 1.0, 1e-2, 20) > 1e-9
        else:
            taken = naive.expert_choice(
                shares if name == "softmax-expert" else naive.sinkhorn(doubles(group), 1.0, 20), capacity
            )
        np.testing.assert_allclose(gates.numpy(), shares * taken, atol=1e-6)


@pytest.mark.parametrize("choices", [0.5, 1.0, 1.5])
def test_unified_routing_takes_the_best_pairs_of_the_group(choices: float) -> None:
    logits = make_logits(groups=6)
    for scores, routing in (
        (unified_scores(logits, 0.3), unified_routing(logits, choices, 0.3)),
        (training_free_scores(logits), unified_routing(logits, choices, is_free=True)),
    ):
        assert ((routing.gates > 0).sum((1, 2)) == round(26 * choices)).all()
        for group, gates in zip(scores, routing.gates, strict=True):
            taken = naive.unified(doubles(group), round(26 * choices))
            np.testing.assert_allclose(gates.numpy(), doubles(group) * taken, atol=1e-6)


def test_unified_scores_are_both_views_weighted() -> None:
    logits = make_logits(groups=1)
    group = doubles(logits[0])
    columns = np.stack([naive.softmax(group[:, e]) for e in range(5)], axis=1)
    np.testing.assert_allclose(
        unified_scores(logits, 0.3)[0], 0.3 * naive.gates(group) + 0.7 * columns, rtol=1e-5, atol=1e-7
    )
    sigmoid = 2 / (1 + np.exp(-group)) / 5
    np.testing.assert_allclose(
        training_free_scores(logits, 0.4)[0], 0.6 * naive.gates(group) + 0.4 * sigmoid, rtol=1e-5
    )


@pytest.mark.parametrize("name", ROUTERS)
def test_slots_hold_one_token_and_capacity_is_kept(name: str) -> None:
    logits = make_logits()
    routing = ROUTERS[name](logits)
    dispatch = routing.dispatch
    assert ((dispatch == 0) | (dispatch == 1)).all()
    assert (dispatch.sum(1) <= 1).all(), "a slot holds one token at most"
    assert (dispatch.sum(3) <= 1).all(), "a token has one slot of an expert at most"
    taken = (routing.slots >= 0).sum(1)
    assert (taken <= routing.capacity).all()
    if name in ("softmax-expert", "sinkhorn-expert"):
        assert (taken == routing.capacity).all()
    torch.testing.assert_close(routing.combine, dispatch * routing.gates[..., None])
    torch.testing.assert_close(routing.combine.sum(3), routing.gates)


@pytest.mark.parametrize("name", ROUTERS)
def test_metrics_count_what_was_taken(name: str) -> None:
    logits = make_logits()
    routing = ROUTERS[name](logits)
    taken = routing.slots >= 0
    assert float(routing.metrics.load.sum()) == pytest.approx(1)
    assert float(routing.metrics.dropped) == pytest.approx(float((~taken.any(2)).float().mean()))
    counts = taken.sum((0, 1)).float()
    torch.testing.assert_close(routing.metrics.load, counts / counts.sum())
    variation = float(counts.std(unbiased=False) / counts.mean())
    assert float(routing.metrics.load_variation) == pytest.approx(variation, abs=1e-5)
    assert 0 <= float(routing.metrics.entropy) <= math.log(5)


@pytest.mark.parametrize("name", ROUTERS)
def test_the_same_logits_give_the_same_bytes(name: str) -> None:
    first, second = (ROUTERS[name](make_logits()) for _ in range(2))
    assert first.gates.numpy().tobytes() == second.gates.numpy().tobytes()
    assert first.slots.equal(second.slots)


@pytest.mark.parametrize("name", ROUTERS)
def test_a_group_does_not_depend_on_the_other_groups(name: str) -> None:
    logits = make_logits()
    together = ROUTERS[name](logits)
    for g in (0, 7, 19):
        alone = ROUTERS[name](logits[g : g + 1])
        assert alone.slots[0].equal(together.slots[g])
        torch.testing.assert_close(alone.gates[0], together.gates[g])


@pytest.mark.parametrize(
    "name", [n for n in ROUTERS if n not in ("softmax-token", "softmax-token-noise", "sinkhorn-token")]
)
def test_gates_follow_the_tokens_when_they_change_places(name: str) -> None:
    """Not for token choice without priority: who comes first is served first."""
    logits = make_logits()
    order = torch.from_numpy(np.random.default_rng(3).permutation(26))
    torch.testing.assert_close(ROUTERS[name](logits[:, order]).gates, ROUTERS[name](logits).gates[:, order])


def test_token_choice_without_capacity_follows_the_tokens_too() -> None:
    logits = make_logits()
    order = torch.from_numpy(np.random.default_rng(3).permutation(26))
    free = softmax_token_choice(logits, 2, None)
    torch.testing.assert_close(softmax_token_choice(logits[:, order], 2, None).gates, free.gates[:, order])
    assert float(free.metrics.dropped) == 0
    assert ((free.gates > 0).sum(2) == 2).all()
    experts, gates, _ = chosen_gates(logits.flatten(0, 1), 2, is_renormalised=False)
    expected = torch.zeros(520, 5).scatter_(1, experts, gates)
    torch.testing.assert_close(free.gates.flatten(0, 1), expected)


@pytest.mark.parametrize("name", ROUTERS)
def test_gates_follow_the_experts_when_they_change_places(name: str) -> None:
    logits = make_logits()
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        ROUTERS[name](logits[..., order]).gates, ROUTERS[name](logits).gates[..., order], atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("name", ROUTERS)
def test_gradients_reach_the_logits_and_are_finite(name: str) -> None:
    logits = make_logits(scale=30.0).requires_grad_()
    (gradient,) = torch.autograd.grad((ROUTERS[name](logits).gates * make_logits(seed=5)).sum(), logits)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).any()


@pytest.mark.parametrize("name", ROUTERS)
def test_weighted_experts_equal_the_algebra(name: str) -> None:
    torch.manual_seed(2)
    experts = TokenExperts(5, 6, 4)
    tokens, routing = torch.randn(20, 26, 6), ROUTERS[name](make_logits())
    on_slots = experts.on_slots(tokens, routing.dispatch, routing.combine)
    torch.testing.assert_close(experts(tokens, routing), on_slots, atol=1e-5, rtol=1e-4)
    weights = {key: value.numpy() for key, value in experts.state_dict().items()}
    slow = naive.token_result(
        doubles(tokens[3]), doubles(routing.dispatch[3]), doubles(routing.combine[3].detach()), weights
    )
    np.testing.assert_allclose(on_slots[3].detach().numpy(), slow, atol=1e-5)


def test_sending_and_gathering_are_the_sums_they_are_named_after() -> None:
    torch.manual_seed(1)
    tokens, dispatch, outputs = torch.randn(3, 7, 2), torch.randn(3, 7, 4, 5), torch.randn(3, 4, 5, 2)
    torch.testing.assert_close(send(tokens, dispatch), torch.einsum("gmnc,gmd->gncd", dispatch, tokens))
    torch.testing.assert_close(gather(outputs, dispatch), torch.einsum("gmnc,gncd->gmd", dispatch, outputs))


def test_renormalised_gates_sum_to_one_where_any_expert_took_the_token() -> None:
    routing = softmax_token_choice(make_logits(), 2, 0.7, is_renormalised=True)
    totals = routing.gates.sum(2)
    taken = (routing.slots >= 0).any(2)
    torch.testing.assert_close(totals[taken], torch.ones_like(totals[taken]))
    assert (totals[~taken] == 0).all()
    assert (~taken).any()
    zeros = torch.zeros(1, 2, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(renormalised(zeros).sum(), zeros)
    assert torch.isfinite(gradient).all()


def soft(tokens: Tensor, slots: Tensor) -> SoftRouting:
    return soft_routing(soft_logits(tokens, slots, torch.tensor([1.5])))


def test_soft_moe_weights_sum_to_one_by_slot_and_by_token() -> None:
    torch.manual_seed(4)
    tokens, slots = torch.randn(9, 26, 8), torch.randn(3, 2, 8)
    routing = soft(tokens, slots)
    torch.testing.assert_close(routing.dispatch.sum(1), torch.ones(9, 3, 2))
    torch.testing.assert_close(routing.combine.sum((2, 3)), torch.ones(9, 26))
    assert float(routing.metrics.dropped) == 0
    assert float(routing.metrics.load.sum()) == pytest.approx(1)


def test_soft_moe_equals_its_formula() -> None:
    torch.manual_seed(4)
    tokens, slots = torch.randn(2, 26, 8), torch.randn(3, 2, 8)
    routing = soft(tokens, slots)
    for group, dispatch, combine in zip(tokens, routing.dispatch, routing.combine, strict=True):
        x, phi = doubles(group), doubles(slots.reshape(6, 8))
        unit_x = np.array([row / math.sqrt((row**2).sum() + 1e-6) for row in x])
        unit_phi = np.array([row / math.sqrt((row**2).sum() + 1e-6) for row in phi])
        logits = unit_x @ (1.5 * unit_phi).T
        down = np.stack([naive.softmax(logits[:, j]) for j in range(6)], axis=1)
        np.testing.assert_allclose(dispatch.reshape(26, 6), down, atol=1e-6)
        np.testing.assert_allclose(combine.reshape(26, 6), naive.gates(logits), atol=1e-6)


def test_soft_moe_follows_the_tokens_when_they_change_places() -> None:
    torch.manual_seed(4)
    tokens, slots, experts = torch.randn(3, 26, 8), torch.randn(3, 2, 8), TokenExperts(3, 8, 5)
    order = torch.from_numpy(np.random.default_rng(3).permutation(26))
    moved = experts(tokens[:, order], soft(tokens[:, order], slots))
    torch.testing.assert_close(moved, experts(tokens, soft(tokens, slots))[:, order], atol=1e-5, rtol=1e-4)


def test_balance_losses_equal_their_formulas() -> None:
    logits, noise = make_logits(groups=1), make_logits(groups=1, seed=6, scale=0.3)
    group, noisy = doubles(logits[0]), doubles((logits + noise)[0])
    assert float(balance.importance_loss(torch.softmax(logits, 2))) == pytest.approx(
        naive.importance_loss(group), rel=1e-4
    )
    for choices in (1, 2):
        found = float(balance.load_loss(logits, logits + noise, choices, 0.2))
        assert found == pytest.approx(naive.load_loss(group, noisy, choices, 0.2), rel=1e-4)
    assert float(balance.gshard_loss(torch.softmax(logits, 2))) == pytest.approx(naive.gshard_loss(group), rel=1e-4)
    both = balance.balance_loss("importance-load", logits, noise, 2, 0.2)
    expected = naive.importance_loss(group) + naive.load_loss(group, noisy, 2, 0.2)  # gates without noise, as V-MoE
    assert float(both) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", BALANCES[1:])
def test_following_a_balance_loss_evens_the_load(name: str) -> None:
    logits = (make_logits(groups=1, m=400) + torch.tensor([2.0, 0, 0, 0, -2.0])).requires_grad_()
    bias = torch.zeros(5, requires_grad=True)
    before = softmax_token_choice(logits, 1, None).metrics.load_variation
    for _ in range(200):
        loss = balance.balance_loss(name, logits.detach() + bias, None, 1, 0.5)
        (gradient,) = torch.autograd.grad(loss, bias)
        with torch.no_grad():
            bias -= 0.5 * gradient
    after = softmax_token_choice(logits + bias, 1, None).metrics.load_variation
    assert float(after) < 0.5 * float(before)


def test_an_even_spread_costs_nothing() -> None:
    even = torch.zeros(2, 30, 5)
    assert float(balance.importance_loss(torch.softmax(even, 2))) == pytest.approx(0, abs=1e-6)
    assert float(balance.load_loss(even, even, 2, 0.2)) == pytest.approx(0, abs=1e-6)


SPARSE = [*TOKEN_CHOICES, *(name for name in GROUP_ROUTERS if name != "soft")]
CONFIGS = {name: NetworkConfig((8, 4), head=name, tokens="locations", choices=2, experts=5) for name in SPARSE}
every_config = pytest.mark.parametrize("name", CONFIGS)


@every_config
@pytest.mark.parametrize("scale", [0.0, 2.0, 50.0, 1e4])
def test_training_and_play_take_the_same_tokens_ties_included(name: str, scale: float) -> None:
    logits = make_logits(scale=scale)
    trained = sparse_routing(CONFIGS[name], logits, None)
    played = board_gates(CONFIGS[name], logits.numpy())
    assert ((trained.slots >= 0).numpy() >= (played > 0)).all()
    np.testing.assert_allclose(trained.gates.numpy(), played, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in SPARSE if name != "sparse-expert"])  # its plan has no ties
def test_of_equal_tokens_and_experts_the_first_are_taken(name: str) -> None:
    routing = sparse_routing(CONFIGS[name], torch.zeros(1, 26, 5), None)
    is_taken = (routing.slots[0] >= 0).numpy()
    if name in ("softmax-token", "sinkhorn-token"):
        assert is_taken[0].tolist() == [True, True, False, False, False]
    else:
        assert is_taken[0].all() or name in ("us", "us-free")
        assert is_taken.ravel()[0]
        assert not is_taken[-1].any()


@every_config
def test_half_precision_is_routed_by_the_same_rules(name: str) -> None:
    logits = make_logits().bfloat16()
    routing = sparse_routing(CONFIGS[name], logits, None)
    assert routing.gates.dtype == torch.bfloat16
    assert (routing.slots == sparse_routing(CONFIGS[name], logits.float(), None).slots).float().mean() > 0.99


@every_config
def test_a_router_without_tokens_takes_nothing(name: str) -> None:
    for shape in ((0, 26, 5), (3, 0, 5)):
        routing = sparse_routing(CONFIGS[name], torch.zeros(shape), None)
        assert routing.gates.shape == shape
        assert torch.isfinite(routing.metrics.dropped)
        assert torch.isfinite(routing.metrics.entropy)


@every_config
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_named(name: str, value: float) -> None:
    logits = make_logits(groups=3)
    logits[1, 7, 2] = value
    with pytest.raises(DataError, match="group 1, token 7"):
        sparse_routing(CONFIGS[name], logits, None)


@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("us")])
def test_noise_moves_the_selection_as_in_the_source(name: str) -> None:
    logits = make_logits(scale=0.1)
    noise = make_logits(scale=0.2, seed=9)
    noisy = sparse_routing(CONFIGS[name], logits, noise)
    plain = sparse_routing(CONFIGS[name], logits, None)
    assert (noisy.slots != plain.slots).any()
    moved = sparse_routing(CONFIGS[name], logits + noise, None)
    assert noisy.slots.equal(moved.slots)
    # V-MoE weighs by the noisy softmax where the softmax selects, and by the softmax without noise beside a plan
    weights = torch.softmax(logits + noise if name.startswith("softmax") else logits, 2)
    np.testing.assert_allclose(noisy.gates.numpy(), (weights * (noisy.slots >= 0)).numpy(), atol=1e-6)


def test_a_gate_that_stands_alone_is_one_and_learns() -> None:
    logits = make_logits(groups=1)[0].requires_grad_()
    _, gates, _ = chosen_gates(logits, 1, is_renormalised=True)
    assert gates.detach().numpy() == pytest.approx(1.0)
    (gradient,) = torch.autograd.grad(gates.sum(), logits)
    assert (gradient.abs().amax(1) > 1e-3).float().mean() > 0.9
