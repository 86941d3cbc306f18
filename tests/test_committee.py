"""The committee: who foresees has weight, who does not has none; the same seed, the same answers."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from comparison_net.choices import ChoiceSets
from comparison_net.committee import NUM_FOLDS, Committee, weigh
from comparison_net.committee_members import MAX_PRODUCTS, Line, Scaling, learn_line
from comparison_net.estimator import ComparisonRanker
from comparison_net.tools import ConfigError, DataError
from tests.choice_makers import made_choices


@pytest.fixture(scope="module")
def curved() -> ChoiceSets:
    return made_choices(350, seed=21, curve=2.0, num_units=60)


@pytest.fixture(scope="module")
def ranker(curved: ChoiceSets) -> ComparisonRanker:
    assert curved.units is not None
    return ComparisonRanker(random_state=3).fit(*of_table(curved), units=curved.units[curved.owners()])


def test_where_tastes_bend_trees_and_nets_count_and_it_beats_the_line(
    curved: ChoiceSets, ranker: ComparisonRanker
) -> None:
    test = made_choices(600, seed=22, curve=2.0)
    line = ComparisonRanker(hidden=()).fit(*of_table(curved))
    assert ranker.score(*of_table(test)) > line.score(*of_table(test)) + 0.04
    committee = ranker.committee_
    assert {"trees", "nets"} & set(committee.names)
    assert committee.foreseen["nets"] > committee.foreseen["line"] + 0.05
    assert list(committee.foreseen) == ["line", "products", "trees", "nets"]


def of_table(sets: ChoiceSets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.zeros(sets.num_items, dtype=np.int64)
    y[sets.chosen_items()] = 1
    return sets.items, y, sets.owners()


def test_it_travels_as_a_pickle(curved: ChoiceSets, ranker: ComparisonRanker) -> None:
    again = pickle.loads(pickle.dumps(ranker))
    np.testing.assert_array_equal(again.decision_function(curved.items), ranker.decision_function(curved.items))


def test_the_same_seed_gives_the_same_whatever_the_threads() -> None:
    sets = made_choices(120, seed=28, num_units=40)
    one, two = Committee(sets, seed=5), Committee(sets, seed=5, threads=2)
    np.testing.assert_array_equal(one.scores(sets.items), two.scores(sets.items))
    assert not np.array_equal(one.scores(sets.items), Committee(sets, seed=6).scores(sets.items))


def test_who_says_nothing_new_or_nonsense_has_no_weight() -> None:
    sets = made_choices(2000, seed=23)
    good = sets.items @ [1.0, -0.5, 0.25]
    names, weights = weigh(sets, {"good": good, "reversed": -good + np.random.default_rng(1).normal(size=len(good))})
    assert names == ("good",)
    assert weights[0] == pytest.approx(1.0, abs=0.1), "the score that made the choices needs no other scale"


def test_scores_of_a_fold_come_from_who_has_not_seen_it() -> None:
    sets = made_choices(200, seed=24)
    folds = np.arange(200) % NUM_FOLDS
    none = np.zeros(0, dtype=np.int64)
    line = Line(Scaling(sets), none, none)
    before = learn_line(sets, line, folds, NUM_FOLDS).unseen
    turned = sets.chosen.copy()
    turned[folds == 1] = 0
    after = learn_line(replace(sets, chosen=turned), line, folds, NUM_FOLDS).unseen
    same = (before == after).reshape(-1)
    assert same[folds[sets.owners()] == 1].all()
    assert not same[folds[sets.owners()] != 1].any()


def test_products_stay_few() -> None:
    sets = made_choices(30, seed=25)
    wide = np.column_stack([sets.items, np.random.default_rng(1).normal(size=(sets.num_items, 30))])
    first, second = Scaling(replace(sets, items=wide)).products()
    assert len(first) == 0, "528 pairs of features that vary are too many"
    constant = np.repeat(np.random.default_rng(2).normal(size=(30, 35)), sets.counts(), axis=0)
    first, second = Scaling(replace(sets, items=np.column_stack([sets.items, constant]))).products()
    assert len(first) == 3 * 35 + 3 <= MAX_PRODUCTS
    assert set(second[:35].tolist()) == set(range(3, 38))


def test_few_units_leave_a_line() -> None:
    sets = made_choices(12, seed=26)
    found = Committee(sets)
    assert found.names == ("line",)
    assert np.isfinite(found.scores(sets.items)).all()


def test_what_it_cannot_use_is_refused() -> None:
    sets = made_choices(40, seed=27)
    same = replace(sets, items=np.repeat(np.arange(40.0), sets.counts())[:, None])
    with pytest.raises(DataError, match="every feature is the same for all alternatives of every set"):
        Committee(same)
    with pytest.raises(ConfigError, match="epochs=3 has no effect on the committee; leave it out, or set hidden"):
        ComparisonRanker(epochs=3).fit(*of_table(sets))
    with pytest.raises(ConfigError, match="loss='pairwise' has no effect on the committee"):
        ComparisonRanker(loss="pairwise").fit(*of_table(sets))
    with pytest.raises(ConfigError, match="num_nets=2 has no effect on the conditional logit"):
        ComparisonRanker(hidden=(), num_nets=2).fit(*of_table(sets))
