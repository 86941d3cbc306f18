"""Decisions of the game as choice sets: positions for a net, named numbers for any learner of choices."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.learner.data.comparisons import choice_sets, feature_sets
from backgammon.learner.inputs.features import NAMES, encode
from backgammon.rules.decisions import Decisions
from backgammon.rules.phase import phase_codes
from comparison_net.choices import UNKNOWN
from comparison_net.estimator import ComparisonRanker
from comparison_net.tools import DataError
from comparison_net.training.choice_source import ChoiceSource
from tests.test_first_layer import Arrays


@pytest.fixture(scope="module")
def decisions(random_play: Arrays) -> Decisions:
    boards, dice = random_play[0][:120], random_play[1][:120]
    known = Decisions.make(boards, dice)
    rows = np.random.default_rng(1).integers(0, known.counts)
    return Decisions.make(boards, dice, rows, np.arange(120) // 3 * 7)


def test_positions_stand_with_their_parents_phases_and_units(decisions: Decisions) -> None:
    sets = choice_sets(decisions)
    assert sets.items is decisions.candidates
    np.testing.assert_array_equal(sets.chosen, decisions.chosen_rows)
    np.testing.assert_array_equal(sets.context, decisions.boards)
    assert sets.strata is not None
    assert sets.units is not None
    np.testing.assert_array_equal(sets.strata, phase_codes(decisions.boards))
    assert sets.units.tolist() == (np.arange(120) // 3).tolist(), "units are numbered without gaps"


def test_named_numbers_are_learnt_from_by_the_estimator(decisions: Decisions) -> None:
    sets = feature_sets(decisions)
    assert sets.names == NAMES
    np.testing.assert_array_equal(sets.items, encode(decisions.candidates))
    rows = np.zeros(sets.num_items, dtype=np.int64)
    rows[sets.chosen_items()] = 1
    ranker = ComparisonRanker(hidden=(), alpha=0.01).fit(sets.items, rows, sets.owners())
    assert ranker.score(sets.items, rows, sets.owners()) > -np.log(sets.counts()).mean()


def test_what_nobody_knows_stays_unknown_and_is_not_trained_on(decisions: Decisions) -> None:
    bare = choice_sets(Decisions.make(decisions.boards, decisions.dice))
    assert set(bare.chosen.tolist()) == {UNKNOWN}
    with pytest.raises(DataError, match="set 0: nobody knows what was chosen"):
        ChoiceSource(bare)
    told = choice_sets(Decisions.make(decisions.boards, decisions.dice), decisions.chosen_rows)
    np.testing.assert_array_equal(told.chosen, decisions.chosen_rows)
