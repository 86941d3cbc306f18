"""The estimator: scikit-learn's manners, shares within a set, nets that learn what a line cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparison_net.choices import ChoiceSets
from comparison_net.conditional_logit import fit_logit
from comparison_net.estimator import ComparisonRanker, NotFittedError
from comparison_net.tools import ConfigError, DataError
from tests.choice_makers import made_choices

ROOT = Path(__file__).resolve().parent.parent
SMALL_NET: dict[str, Any] = {
    "hidden": (16,),
    "epochs": 30,
    "batch_decisions": 64,
    "learning_rate": 0.01,
    "patience": 30,
}


def table(sets: ChoiceSets) -> tuple[Any, Any, Any]:
    """X, y, groups."""
    y = np.zeros(sets.num_items, dtype=int)
    y[sets.chosen_items()] = 1
    return sets.items, y, sets.owners() * 10 + 3


def test_linear_it_is_the_conditional_logit_in_any_order_of_the_rows() -> None:
    sets = made_choices(400, seed=1, num_units=30)
    X, y, groups = table(sets)
    order = np.random.default_rng(2).permutation(len(X))
    assert sets.units is not None
    units = sets.units[sets.owners()]
    ranker = ComparisonRanker(hidden=()).fit(X[order], y[order], groups[order], units=units[order])
    expected = fit_logit(sets)
    np.testing.assert_allclose(ranker.coef_, expected.coefficients, rtol=1e-9)
    np.testing.assert_allclose(ranker.logit_.errors("clustered"), expected.errors("clustered"), rtol=1e-8)
    assert ranker.score(X[order], y[order], groups[order]) == pytest.approx(expected.log_likelihood / 400)


@pytest.mark.parametrize("params", [{}, {"hidden": (4,), "epochs": 2}], ids=["linear", "net"])
def test_shares_sum_to_one_in_a_set_and_follow_the_rows(params: dict[str, Any]) -> None:
    X, y, groups = table(made_choices(100, seed=3))
    ranker = ComparisonRanker(**params).fit(X, y, groups)
    shares = ranker.predict_proba(X, groups)
    np.testing.assert_allclose(np.bincount(groups, shares)[groups], 1.0)
    order = np.random.default_rng(4).permutation(len(X))
    np.testing.assert_allclose(ranker.predict_proba(X[order], groups[order]), shares[order], rtol=1e-6)
    chosen = ranker.predict(X, groups)
    assert np.bincount(groups, chosen)[np.unique(groups)].tolist() == [1.0] * 100
    best = [int(shares[groups == group].argmax()) for group in np.unique(groups)]
    assert [int(chosen[groups == group].argmax()) for group in np.unique(groups)] == best


def test_a_masked_row_is_an_absent_row() -> None:
    X, y, groups = table(made_choices(100, seed=5))
    rng = np.random.default_rng(6)
    available = (y == 1) | (rng.random(len(y)) < 0.7)
    masked = ComparisonRanker(hidden=()).fit(X, y, groups, available=available)
    absent = ComparisonRanker(hidden=()).fit(X[available], y[available], groups[available])
    np.testing.assert_allclose(masked.coef_, absent.coef_, rtol=1e-12)
    shares = masked.predict_proba(X, groups, available=available)
    assert (shares[~available] == 0).all()
    np.testing.assert_allclose(shares[available], absent.predict_proba(X[available], groups[available]), rtol=1e-12)


def test_scores_are_softmax_to_the_digits_of_the_golden_edges() -> None:
    import json

    edges = json.loads((ROOT / "tests" / "vectors" / "choice-golden.json").read_text())["edges"]
    ranker = ComparisonRanker(hidden=()).fit(
        [[1.0], [0.0], [0.0], [1.0], [1.0], [0.0]], [1, 0, 1, 0, 1, 0], [1, 1, 2, 2, 3, 3]
    )
    ranker._score = lambda rows: rows[:, 0]
    for edge in edges:
        rows = np.array(edge["score"])[:, None]
        shares = ranker.predict_proba(rows, available=np.array(edge["available"], dtype=bool))
        for share, expected in zip(shares, edge["log_prob"], strict=True):
            if expected is None:
                assert share == 0
            elif expected > -700:
                assert np.log(share) == pytest.approx(expected, abs=1e-11), edge["what"]
            else:
                assert share == pytest.approx(0, abs=1e-300)


def test_a_net_learns_what_a_line_cannot() -> None:
    train, test = made_choices(1500, seed=7, curve=2.0), made_choices(800, seed=8, curve=2.0)
    X, y, groups = table(train)
    line = ComparisonRanker(hidden=()).fit(X, y, groups).score(*table(test))
    net = ComparisonRanker(**SMALL_NET).fit(X, y, groups).score(*table(test))
    assert net > line + 0.08


def test_equal_seeds_give_equal_scores_and_several_nets_their_mean() -> None:
    X, y, groups = table(made_choices(80, seed=9))

    def make(**more: Any) -> ComparisonRanker:
        return ComparisonRanker((4,), epochs=2, **more).fit(X, y, groups)

    one, again, other = make(), make(), make(random_state=2)
    np.testing.assert_array_equal(one.decision_function(X), again.decision_function(X))
    both = make(num_nets=2)
    mean = (one.decision_function(X) + other.decision_function(X)) / 2
    np.testing.assert_allclose(both.decision_function(X), mean, rtol=1e-6)


def test_weights_of_nets_change_what_is_learnt() -> None:
    X, y, groups = table(made_choices(200, seed=10))
    heavy = np.where(np.unique(groups, return_inverse=True)[1] < 50, 100.0, 1.0)

    def net(**more: Any) -> ComparisonRanker:
        return ComparisonRanker((4,), epochs=3, held_out=0.0).fit(X, y, groups, **more)

    plain, weighted, doubled = net(), net(sample_weight=heavy), net(sample_weight=2 * heavy)
    assert not np.allclose(plain.decision_function(X), weighted.decision_function(X))
    np.testing.assert_allclose(weighted.decision_function(X), doubled.decision_function(X), rtol=1e-5)


def test_mistakes_are_one_sentence() -> None:
    X, y, groups = table(made_choices(20, seed=11))
    ranker = ComparisonRanker(hidden=())
    with pytest.raises(NotFittedError, match="call fit first"):
        ranker.predict(X, groups)
    with pytest.raises(DataError, match="give groups"):
        ranker.fit(X, y)
    with pytest.raises(DataError, match="none is chosen"):
        ranker.fit(X, np.zeros(len(y)), groups)
    ranker.fit(X, y, groups)
    with pytest.raises(DataError, match="X has 2 features, but ComparisonRanker is expecting 3"):
        ranker.predict(X[:, :2], groups)
    with pytest.raises(DataError, match="2 group ids"):
        ranker.predict(X, [1, 2])


def test_names_of_a_frame_are_kept_and_compared() -> None:
    X, y, groups = table(made_choices(30, seed=12))
    frame = dict(zip(("time", "cost", "comfort"), X.T, strict=True))
    ranker = ComparisonRanker(hidden=()).fit(frame, y, groups)
    assert ranker.feature_names_in_.tolist() == ["time", "cost", "comfort"]
    assert "comfort" in ranker.logit_.summary()
    with pytest.raises(DataError, match="it was fitted with time, cost, comfort"):
        ranker.decision_function(dict(zip(("cost", "time", "comfort"), X.T, strict=True)))


def test_scikit_learn_clones_searches_and_validates_by_group() -> None:
    pytest.importorskip("sklearn")
    import sklearn
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y, groups = table(made_choices(120, seed=13))
    ranker = ComparisonRanker((), alpha=0.5)
    assert clone(ranker).get_params() == ranker.get_params()
    with sklearn.config_context(enable_metadata_routing=True):
        routed = ComparisonRanker(hidden=()).set_fit_request(groups=True).set_score_request(groups=True)
        scores = cross_val_score(routed, X, y, cv=GroupKFold(3), params={"groups": groups})
        assert (scores > -1.4).all()
        search = GridSearchCV(routed, {"alpha": [0.0, 1.0]}, cv=GroupKFold(3)).fit(X, y, groups=groups)
        assert search.best_params_ == {"alpha": 0.0}
        pipe = make_pipeline(StandardScaler(), clone(routed)).fit(X, y, groups=groups)
        assert pipe.decision_function(X).shape == (len(X),)


def test_without_scikit_learn_the_manners_stay() -> None:
    code = """
import sys
sys.modules["sklearn"] = None
from comparison_net.estimator import ComparisonRanker
ranker = ComparisonRanker((), alpha=0.5).set_params(epochs=3)
assert ranker.get_params()["alpha"] == 0.5 and ranker.epochs == 3
try:
    ranker.set_params(epoch=3)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "no parameter 'epoch'" in done.stdout


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": 16}, r"as in hidden=\(16,\)"),
        ({"hidden": "16"}, r"as in hidden=\(16,\)"),
        ({"hidden": (2.5,)}, r"as in hidden=\(16,\)"),
        ({"hidden": (4,), "num_nets": 0}, "num_nets=0: give a whole number from 1"),
        ({"hidden": (), "alpha": -1.0}, "alpha=-1.0: give 0 or a positive number"),
        ({"hidden": (), "alpha": None}, "alpha=None: give 0 or a positive number"),
        ({"random_state": -3}, "random_state=-3: give a whole number from 0"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_line(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ComparisonRanker(**parameters).fit([[1.0], [2.0]] * 20, [1, 0] * 20, np.arange(40) // 2)


def test_a_score_needs_to_know_what_was_chosen() -> None:
    X, groups = [[1.0], [2.0], [3.0], [1.0]], [1, 1, 2, 2]
    ranker = ComparisonRanker(hidden=(), alpha=0.1).fit(X, [1, 0, 0, 1], groups)
    for unknown in (None, [-1, -1]):
        with pytest.raises(DataError, match="mark the chosen row"):
            ranker.score(X, unknown, groups)


def test_a_seed_may_be_drawn() -> None:
    X, groups = np.random.default_rng(1).normal(size=(60, 2)), np.arange(60) // 2
    y = np.arange(60) % 2
    states = [*map(np.random.RandomState, (1, 1, 2)), None, None]
    scores = [
        ComparisonRanker((3,), epochs=1, random_state=state).fit(X, y, groups).score(X, y, groups) for state in states
    ]
    assert scores[0] == scores[1]
    assert len(set(scores)) == 4, "the same from one seed, others from every other and from none"
