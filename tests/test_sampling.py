"""Learning from some candidates of a decision: which ones are kept, and that everything else stays where it was."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.learner.training.sampling import keep_candidates
from backgammon.rules.movegen import legal_candidates
from comparison_net.choices import ChoiceSets, kept_items
from tests.test_first_layer import Arrays


def make_batch(decisions: Arrays, has_labels: bool) -> ChoiceSets:
    boards, dice = decisions[0][:200], decisions[1][:200]
    candidates, offsets = legal_candidates(boards, dice)
    rng = np.random.default_rng(3)
    counts = np.diff(offsets)
    equities = rng.normal(size=len(candidates)).astype(np.float32)
    equities[rng.random(len(candidates)) < 0.2] = np.nan
    outcomes = rng.random((len(candidates), 6)).astype(np.float32)
    return ChoiceSets(
        candidates,
        offsets,
        (rng.random(len(boards)) * counts).astype(np.int64),
        boards,
        equities if has_labels else None,
        outcomes if has_labels else None,
    )


@pytest.mark.parametrize("has_labels", [True, False])
@pytest.mark.parametrize("limit", [2, 7, 10])
def test_the_chosen_and_the_best_are_kept(limit: int, has_labels: bool, random_play: Arrays) -> None:
    batch = make_batch(random_play, has_labels)
    sample = batch.sample(limit, np.random.default_rng(5))
    for i in range(len(batch)):
        old = slice(batch.offsets[i], batch.offsets[i + 1])
        new = slice(sample.offsets[i], sample.offsets[i + 1])
        before = {row.tobytes(): k for k, row in enumerate(batch.items[old])}
        places = [before[row.tobytes()] for row in sample.items[new]]
        assert places == sorted(set(places))
        assert len(places) == min(limit, len(before))
        assert places[sample.chosen[i]] == batch.chosen[i]
        if batch.values is None or sample.values is None:
            continue
        assert batch.outcomes is not None
        assert sample.outcomes is not None
        np.testing.assert_array_equal(batch.values[old][places], sample.values[new])
        np.testing.assert_array_equal(batch.outcomes[old][places], sample.outcomes[new])
        judged = np.flatnonzero(~np.isnan(batch.values[old]))
        best = judged[np.argsort(-batch.values[old][judged])][: limit // 2]
        missing = set(best.tolist()) - set(places)
        assert len(missing) <= (1 if batch.chosen[i] not in best and limit == 2 else 0)


def test_the_draw_depends_on_the_generator_alone(random_play: Arrays) -> None:
    batch = make_batch(random_play, True)
    first, again, other = (batch.sample(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.items.tobytes() == again.items.tobytes()
    assert first.items.tobytes() != other.items.tobytes()


@pytest.mark.parametrize("has_labels", [True, False])
@pytest.mark.parametrize("limit", [2, 3, 8, 9])
def test_the_kernel_keeps_what_the_slow_twin_keeps(limit: int, has_labels: bool, random_play: Arrays) -> None:
    batch = make_batch(random_play, has_labels)
    values = None if batch.values is None else np.round(batch.values, 1)  # equal ones are many
    for seed in range(3):
        keys = np.random.default_rng(seed).random(batch.num_items)
        given = keys, values, batch.offsets, batch.chosen_items(), limit
        np.testing.assert_array_equal(keep_candidates(*given), kept_items(*given))
