"""The conditional logit: the maximum and its errors against a slow twin, and what has no maximum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from comparison_net.choices import ChoiceSets
from comparison_net.conditional_logit import fit_logit
from comparison_net.tools import ConfigError, DataError
from tests.choice_makers import made_choices


def naive_log_likelihood(beta: list[float], sets: ChoiceSets) -> float:
    total = 0.0
    for i in range(len(sets)):
        rows = sets.items[sets.offsets[i] : sets.offsets[i + 1]]
        utilities = [sum(b * float(x) for b, x in zip(beta, row, strict=True)) for row in rows]
        top = max(utilities)
        chance = np.exp(utilities[sets.chosen[i]] - top) / sum(np.exp(u - top) for u in utilities)
        total += float(np.log(chance)) * (1.0 if sets.weights is None else float(sets.weights[i]))
    return total


@pytest.fixture(scope="module")
def sets() -> ChoiceSets:
    return made_choices(300, seed=1, num_units=40)


def test_the_coefficients_are_found_that_made_the_choices() -> None:
    found = fit_logit(made_choices(20_000, seed=2))
    np.testing.assert_allclose(found.coefficients, [1.0, -0.5, 0.25], atol=0.05)
    assert (np.abs(found.coefficients - [1.0, -0.5, 0.25]) < 4 * found.errors()).all()


def test_likelihood_maximum_and_classical_errors_are_those_of_differences(sets: ChoiceSets) -> None:
    found = fit_logit(sets)
    best = found.coefficients
    assert found.log_likelihood == pytest.approx(naive_log_likelihood(best.tolist(), sets), rel=1e-12)
    assert found.null_log_likelihood == pytest.approx(naive_log_likelihood([0.0] * 3, sets), rel=1e-12)
    step = 1e-3
    hessian = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            corners = [
                a * b * naive_log_likelihood((best + step * (a * np.eye(3)[i] + b * np.eye(3)[j])).tolist(), sets)
                for a in (1, -1)
                for b in (1, -1)
            ]
            hessian[i, j] = sum(corners) / (4 * step**2)
        up = naive_log_likelihood((best + step * np.eye(3)[i]).tolist(), sets)
        down = naive_log_likelihood((best - step * np.eye(3)[i]).tolist(), sets)
        assert up < found.log_likelihood > down
    np.testing.assert_allclose(found.errors(), np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-4)


def test_the_sandwich_is_built_from_the_scores_of_decisions_and_of_units(sets: ChoiceSets) -> None:
    found = fit_logit(sets)
    scores = np.zeros((len(sets), 3))
    for i in range(len(sets)):
        rows = sets.items[sets.offsets[i] : sets.offsets[i + 1]].astype(float)
        shares = np.exp(rows @ found.coefficients)
        scores[i] = rows[sets.chosen[i]] - (shares / shares.sum()) @ rows
    assert sets.units is not None
    by_unit = np.array([scores[sets.units == unit].sum(0) for unit in range(40)])
    for kind, parts in (("robust", scores), ("clustered", by_unit)):
        middle = sum(np.outer(row, row) for row in parts)
        expected = np.sqrt(np.diag(found.covariance @ middle @ found.covariance))
        np.testing.assert_allclose(found.errors(kind), expected, rtol=1e-8)
    with pytest.raises(ConfigError, match="choose classical, robust, clustered"):
        found.errors("exact")


def test_a_weight_of_two_is_a_decision_twice(sets: ChoiceSets) -> None:
    twice = sets.take(np.concatenate([np.arange(len(sets)), np.arange(50)]))
    weighted = dataclasses.replace(sets, weights=np.where(np.arange(len(sets)) < 50, 2.0, 1.0).astype(np.float32))
    one, other = fit_logit(weighted), fit_logit(twice)
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-8)
    np.testing.assert_allclose(one.errors(), other.errors(), rtol=1e-8)


def test_scales_of_the_features_do_not_matter(sets: ChoiceSets) -> None:
    scaled = dataclasses.replace(sets, items=sets.items * np.array([1e6, 1e-6, 1.0]))
    one, other = fit_logit(sets), fit_logit(scaled)
    np.testing.assert_allclose(one.coefficients, other.coefficients * [1e6, 1e-6, 1.0], rtol=1e-7)
    np.testing.assert_allclose(one.errors("robust"), other.errors("robust") * [1e6, 1e-6, 1.0], rtol=1e-6)


def with_column(sets: ChoiceSets, column: object) -> ChoiceSets:
    return dataclasses.replace(
        sets, items=np.column_stack([sets.items, np.asarray(column)]), names=("a", "b", "c", "d")
    )


def test_what_has_no_maximum_is_refused_by_name(sets: ChoiceSets) -> None:
    same = np.repeat(np.arange(len(sets)), sets.counts())
    with pytest.raises(DataError, match="feature 'd' is the same for all alternatives of every set"):
        fit_logit(with_column(sets, same))
    never = np.random.default_rng(1).random(sets.num_items)
    never[sets.chosen_items()] = 0.0
    with pytest.raises(DataError, match="feature 'd' is never smaller for an alternative that was not chosen"):
        fit_logit(with_column(sets, never))
    with pytest.raises(DataError, match="some features follow from the others"):
        fit_logit(with_column(sets, sets.items[:, 0] - 2 * sets.items[:, 1]))
    for column in (same, never, sets.items[:, 0]):
        assert np.isfinite(fit_logit(with_column(sets, column), ridge=1e-3).coefficients).all()


def test_with_a_ridge_a_feature_that_is_always_zero_has_no_effect(sets: ChoiceSets) -> None:
    found = fit_logit(with_column(sets, np.zeros(sets.num_items)), ridge=1e-3)
    plain = fit_logit(sets, ridge=1e-3)
    np.testing.assert_allclose(found.coefficients, [*plain.coefficients, 0.0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.errors()[:3], plain.errors(), rtol=1e-9)


def test_the_summary_says_what_an_analyst_reads(sets: ChoiceSets) -> None:
    text = fit_logit(dataclasses.replace(sets, names=("time", "cost", "comfort"))).summary("clustered")
    assert text.splitlines()[0].startswith("300 decisions, 40 units, log-likelihood -")
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["time", "cost", "comfort"]
    assert "95 % interval" in text
