"""Many decisions at once are the same decisions one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backgammon.rules import ragged
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Float64s, Offsets
from backgammon.tools.errors import IllegalPlay
from tests.conftest import Arrays


@pytest.fixture
def groups() -> tuple[Float64s, Offsets]:
    rng = np.random.default_rng(3)
    offsets = ragged.offsets_of(rng.integers(1, 7, 200))
    values = rng.integers(0, 4, int(offsets[-1])).astype(np.float64)
    values[rng.random(len(values)) < 0.2] = np.nan
    return values, offsets


def parts_of(values: Float64s, offsets: Offsets) -> list[list[float]]:
    return [values[first:last].tolist() for first, last in itertools.pairwise(offsets)]


def test_ragged_helpers_agree_with_a_loop_over_the_groups(groups: tuple[Float64s, Offsets]) -> None:
    values, offsets = groups
    parts = parts_of(values, offsets)
    assert any(all(np.isnan(part)) for part in parts)
    for index, part in enumerate(parts):
        numbers = [value for value in part if not np.isnan(value)]
        order = sorted(range(len(part)), key=lambda row: (np.isnan(part[row]), -part[row]))
        assert ragged.best(values, offsets)[index] == (order[0] if numbers else 0)
        if numbers:
            assert ragged.largest(values, offsets)[index] == max(numbers)
            assert ragged.smallest(values, offsets)[index] == min(numbers)
        assert (ragged.order(values, offsets)[offsets[index] : offsets[index + 1]] - offsets[index]).tolist() == order
        ranks = ragged.ranks(values, offsets)[offsets[index] : offsets[index + 1]]
        assert [order.index(row) for row in range(len(part))] == ranks.tolist()
    owners = [index for index, part in enumerate(parts) for _ in part]
    assert ragged.owners(offsets).tolist() == owners
    known = ~np.isnan(values)
    assert ragged.total(known, offsets).tolist() == [sum(not np.isnan(value) for value in part) for part in parts]


def test_taking_groups_keeps_their_rows_in_order(groups: tuple[Float64s, Offsets]) -> None:
    values, offsets = groups
    wanted = np.array([7, 0, 199, 7])
    places, cut = ragged.take(offsets, wanted)
    parts = parts_of(values, offsets)
    for found, index in zip(parts_of(values[places], cut), wanted, strict=True):
        np.testing.assert_array_equal(found, parts[index])


def test_no_groups_are_no_special_case() -> None:
    none, offsets = np.zeros(0), np.zeros(1, dtype=np.int64)
    for helper in (ragged.best, ragged.order, ragged.ranks, ragged.largest, ragged.smallest, ragged.total):
        assert not len(helper(none, offsets))
    places, cut = ragged.take(offsets, np.zeros(0, dtype=np.int64))
    assert not len(places)
    assert cut.tolist() == [0]


def test_parts_cover_all_groups_once_and_are_alike_in_rows() -> None:
    counts = np.random.default_rng(5).integers(1, 60, 5000)
    parts = ragged.split(counts, 2048)
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, 5000)
    sizes = [int(counts[part].sum()) for part in parts]
    assert max(sizes) - min(sizes) <= 2 * 60
    assert ragged.split(np.array([3]), 100) == [slice(0, 1)]


def test_many_decisions_are_the_single_ones(random_play: Arrays) -> None:
    boards, dice = (array[:200] for array in random_play)
    decisions = Decisions.make(boards, dice)
    for index, decision in enumerate(decisions):
        alone = Decision.make(Position(boards[index]), (int(dice[index, 0]), int(dice[index, 1])))
        assert decision.roll == alone.roll
        np.testing.assert_array_equal(decision.candidates, alone.candidates)
    assert (decisions.dice[:, 0] >= decisions.dice[:, 1]).all()
    assert decisions.is_forced.tolist() == [len(decision.candidates) == 1 for decision in decisions]


def test_taking_and_joining_give_what_was_there(random_play: Arrays) -> None:
    boards, dice = (array[:300] for array in random_play)
    rng = np.random.default_rng(1)
    plain = Decisions.make(boards, dice)
    decisions = Decisions.make(boards, dice, (rng.random(300) * plain.counts).astype(np.int64), rng.integers(0, 9, 300))
    cut = np.array([0, 10, 10, 177, 300])
    parts = [decisions.take(np.arange(first, last)) for first, last in itertools.pairwise(cut)]
    joined = Decisions.join(parts)
    for name in ("boards", "dice", "candidates", "offsets", "chosen", "unit", "afters", "owners"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(decisions, name))
    assert Decisions.join([plain, decisions]).chosen is None
    assert not len(Decisions.join([]))
    is_open = ~decisions.is_forced
    np.testing.assert_array_equal(decisions.take(is_open).afters, decisions.afters[is_open])


def test_a_row_that_is_no_candidate_is_refused(random_play: Arrays) -> None:
    boards, dice = (array[:3] for array in random_play)
    counts = Decisions.make(boards, dice).counts
    with pytest.raises(IllegalPlay, match=r"decision 1: candidate"):
        Decisions.make(boards, dice, np.array([0, int(counts[1]), 0]))
    with pytest.raises(IllegalPlay, match=r"decision 2: candidate -1"):
        Decisions.make(boards, dice, np.array([0, 0, -1]))
