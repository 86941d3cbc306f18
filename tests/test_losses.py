"""The losses against plain formulas, and what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backgammon.tools.arrays import Int64s
from comparison_net.config import CHOICE_LOSSES, VALUE_LOSSES, TrainConfig
from comparison_net.losses import (
    Loss,
    listwise_loss,
    make_loss,
    outcome_loss,
    pairwise_loss,
    soft_loss,
    soft_targets,
)
from tests.naive import losses as naive

Batch = tuple[Tensor, Tensor, Tensor]
LIKE_CHOICES = ("pairwise", "listwise", "soft")
"""What pushes with the whole difference wherever scores are wrong."""


def loss_named(name: str, temperature: float = 0.03) -> Loss:
    return make_loss(TrainConfig(loss=name, soft_temperature=temperature))


def make_batch(counts: Int64s, seed: int = 4) -> Batch:
    """Random scores float32[B, N] of decisions with these counts, their mask, and random choices."""
    rng = np.random.default_rng(seed)
    mask = np.arange(counts.max()) < counts[:, None]
    scores = rng.normal(scale=3, size=mask.shape).astype(np.float32)
    return torch.from_numpy(scores), torch.from_numpy(mask), torch.from_numpy(rng.integers(0, counts))


@pytest.fixture
def batch() -> Batch:
    return make_batch(np.random.default_rng(9).integers(2, 40, size=300))


@pytest.mark.parametrize("name", [*CHOICE_LOSSES, "soft"])
def test_each_loss_equals_its_formula(name: str, batch: Batch) -> None:
    scores, mask, chosen = batch
    found = loss_named(name)(scores, mask, chosen)
    plain = getattr(naive, f"{name}_loss")
    expected = [plain(row[real].tolist(), int(c)) for row, real, c in zip(scores, mask, chosen, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_with_two_candidates_listwise_is_bradley_terry() -> None:
    scores, mask, chosen = make_batch(np.full(500, 2))
    torch.testing.assert_close(listwise_loss(scores, mask, chosen), pairwise_loss(scores, mask, chosen))


def test_the_listwise_loss_never_exceeds_the_sum_over_pairs(batch: Batch) -> None:
    scores, mask, chosen = batch
    pair_sum = pairwise_loss(scores, mask, chosen) * (mask.sum(1) - 1)
    assert (listwise_loss(scores, mask, chosen) <= pair_sum * (1 + 1e-5)).all()


@pytest.mark.parametrize("name", [*CHOICE_LOSSES, *VALUE_LOSSES])
def test_padding_has_no_influence(name: str, batch: Batch) -> None:
    scores, mask, chosen = batch
    filled = scores.masked_fill(~mask, 1e6).requires_grad_()
    loss = loss_named(name)(filled, mask, chosen)
    torch.testing.assert_close(loss, loss_named(name)(scores, mask, chosen))
    (gradient,) = torch.autograd.grad(loss.sum(), filled)
    assert (gradient[~mask] == 0).all()


@pytest.mark.parametrize("name", [*CHOICE_LOSSES, *VALUE_LOSSES])
def test_a_constant_added_to_a_decision_changes_nothing(name: str, batch: Batch) -> None:
    scores, mask, chosen = batch
    loss = loss_named(name)
    torch.testing.assert_close(loss(scores + 5, mask, chosen), loss(scores, mask, chosen), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*CHOICE_LOSSES, *VALUE_LOSSES])
def test_gradients_push_the_chosen_up_and_the_others_down(name: str, batch: Batch) -> None:
    scores, mask, chosen = batch
    scores.requires_grad_()
    (gradient,) = torch.autograd.grad(loss_named(name)(scores, mask, chosen).sum(), scores)
    is_chosen = torch.zeros_like(mask).scatter(1, chosen[:, None], True)
    assert (gradient[is_chosen] <= 0).all()
    assert (gradient[mask & ~is_chosen] >= 0).all()


@pytest.mark.parametrize("name", LIKE_CHOICES)
def test_hopeless_scores_keep_a_finite_loss_and_a_full_gradient(name: str) -> None:
    scores = torch.tensor([[-200.0, 200.0, 0.0]], requires_grad=True)
    loss = loss_named(name)(scores, torch.tensor([[True, True, False]]), torch.tensor([0])).sum()
    (gradient,) = torch.autograd.grad(loss, scores)
    assert float(loss.detach()) == pytest.approx(400)
    assert gradient[0].tolist() == pytest.approx([-1, 1, 0])


@pytest.fixture
def equities(batch: Batch) -> Tensor:
    """Equities float32[B, N] of about 3 candidates in 4, NaN for the others; the first ten decisions have none."""
    rng = np.random.default_rng(6)
    values = rng.normal(scale=0.1, size=batch[1].shape).astype(np.float32)
    values[:, 1:][rng.random(values[:, 1:].shape) < 0.25] = np.nan
    values[:10] = np.nan
    return torch.from_numpy(values)


def test_the_soft_loss_equals_its_formula(batch: Batch, equities: Tensor) -> None:
    scores, mask, chosen = batch
    found = loss_named("soft", temperature=0.05)(scores, mask, chosen, equities)
    expected = [
        naive.soft_loss(row[real].tolist(), int(c), [None if e != e else e for e in values[real].tolist()], 0.05)
        for row, real, c, values in zip(scores, mask, chosen, equities, strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


def by_formula(name: str, scores: list[float], chosen: int, values: list[float | None]) -> float:
    if all(value is None for value in values):
        return naive.listwise_loss(scores, chosen)
    if name == "best-worst":
        return naive.best_worst_loss(scores, chosen, values)
    return (naive.ranking_loss if name == "ranking" else naive.pairs_loss)(scores, values)


@pytest.mark.parametrize("name", ["ranking", "best-worst", "pairs"])
def test_losses_by_value_equal_their_formulas_with_ties_and_gaps(name: str, batch: Batch, equities: Tensor) -> None:
    scores, mask, chosen = batch
    values = (equities * 20).round() / 20  # many are equal now
    expected = [
        by_formula(name, row[real].tolist(), int(c), [None if e != e else e for e in worth[real].tolist()])
        for row, real, c, worth in zip(scores, mask, chosen, values, strict=True)
    ]
    found = loss_named(name)(scores, mask, chosen, values)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)
    for filling in (1e6, torch.nan):
        filled = scores.masked_fill(~mask, 1e6).requires_grad_()
        again = loss_named(name)(filled, mask, chosen, values.masked_fill(~mask, filling))
        torch.testing.assert_close(again, found)
        (gradient,) = torch.autograd.grad(again.sum(), filled)
        assert torch.isfinite(gradient).all()
        assert (gradient[~mask] == 0).all()


def test_smoothing_gives_every_alternative_a_share_of_the_target(batch: Batch) -> None:
    scores, mask, chosen = batch
    found = make_loss(TrainConfig(label_smoothing=0.2))(scores, mask, chosen)
    logs = torch.log_softmax(scores.masked_fill(~mask, -torch.inf), 1)
    targets = 0.2 * mask / mask.sum(1, keepdim=True)
    targets = targets.scatter_add(1, chosen[:, None], torch.full((len(chosen), 1), 0.8))
    torch.testing.assert_close(found, -(targets * logs.masked_fill(~mask, 0.0)).sum(1))


def test_at_a_tiny_temperature_soft_is_listwise_on_the_best(batch: Batch, equities: Tensor) -> None:
    scores, mask, chosen = batch
    best = equities.masked_fill(~mask | equities.isnan(), -torch.inf).argmax(1)
    best[:10] = chosen[:10]
    found = soft_loss(scores, mask, chosen, equities, temperature=1e-7)
    torch.testing.assert_close(found, listwise_loss(scores, mask, best))


def test_soft_targets_share_out_one_choice_among_the_judged(batch: Batch, equities: Tensor) -> None:
    _, mask, chosen = batch
    shares = soft_targets(mask, chosen, equities, 0.03)
    torch.testing.assert_close(shares.sum(1), torch.ones(len(mask)))
    assert (shares[~mask] == 0).all()
    assert (shares[10:][equities[10:].isnan()] == 0).all()
    assert (shares[:10].argmax(1) == chosen[:10]).all(), "of which nothing was judged, the choice counts"


def test_an_unjudged_candidate_still_competes(batch: Batch, equities: Tensor) -> None:
    scores, mask, chosen = batch
    scores.requires_grad_()
    (gradient,) = torch.autograd.grad(soft_loss(scores, mask, chosen, equities).sum(), scores)
    shares = torch.softmax(scores.detach().masked_fill(~mask, -torch.inf), 1)
    torch.testing.assert_close(gradient, shares - soft_targets(mask, chosen, equities, 0.03), rtol=1e-4, atol=1e-6)


def test_what_stands_on_padding_does_not_matter_to_the_soft_loss(batch: Batch, equities: Tensor) -> None:
    scores, mask, chosen = batch
    expected = soft_loss(scores, mask, chosen, equities)
    for filling in (1e6, torch.nan):
        torch.testing.assert_close(
            soft_loss(scores.masked_fill(~mask, 1e6), mask, chosen, equities.masked_fill(~mask, filling)), expected
        )


def test_the_outcome_loss_equals_its_formula_and_leaves_the_impossible_alone() -> None:
    rng = np.random.default_rng(5)
    logits = torch.from_numpy(rng.normal(scale=2, size=(200, 6)).astype(np.float32)).requires_grad_()
    possible = rng.random((200, 6)) < 0.6
    possible[:, 0] = True
    targets = rng.dirichlet(np.ones(6), size=200).astype(np.float32)
    found = outcome_loss(logits, torch.from_numpy(possible), torch.from_numpy(targets))
    expected = [
        naive.outcome_loss(*row) for row in zip(logits.tolist(), possible.tolist(), targets.tolist(), strict=True)
    ]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert (gradient.numpy()[~possible] == 0).all()
    assert gradient.isfinite().all()
