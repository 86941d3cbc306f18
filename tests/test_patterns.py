"""The patterns of a position against the slow twin, and what of them a play changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backgammon.learner.inputs.patterns import (
    MAX_PATTERNS,
    NUM_PATTERNS,
    change_patterns,
    changed_places,
    list_patterns,
    pattern_masks,
    pattern_name,
    pattern_words,
    patterns_of,
    put_patterns,
)
from backgammon.rules.board import START
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Int8s, Int32s, Int64s
from backgammon.tools.jit import kernel
from tests.naive.patterns import patterns

Arrays = tuple[Int8s, Int8s]


@pytest.fixture(scope="module")
def boards(random_play: Arrays, nasty: Arrays) -> Boards:
    """Positions from play, from random placements, and the extremes: int8[M, 26]."""
    rng = np.random.default_rng(21)
    scattered = np.zeros((500, 26), dtype=np.int8)
    for board in scattered:
        sides = rng.choice([1, -1, 0], 26)
        for side in (1, -1):
            places = np.flatnonzero(sides == side)
            places = places[places != (0 if side == 1 else 25)]
            if len(places):
                np.add.at(board, rng.choice(places, rng.integers(16)), side)
    played = legal_candidates(nasty[0][:200], nasty[1][:200])[0]
    return np.concatenate([random_play[0][:800], nasty[0][:800], played, scattered, extremes()])


def extremes() -> Boards:
    """Full bars, all checkers on one location, sides that are gone, and blots everywhere."""
    made: list[dict[int, int]] = [{}, {25: 15, 0: -15}, {25: 1, 0: -1}]
    made += [{location: 15} for location in range(1, 26)] + [{location: -15} for location in range(25)]
    made += [{location: 15, location + gap: -15} for location in range(1, 19) for gap in range(1, 7)]
    made += [{location: -15, location + gap: 15} for location in range(1, 19) for gap in range(1, 7)]
    made += [dict.fromkeys(range(1, 16), 1) | dict.fromkeys(range(16, 25), -1) | {0: -6}]
    made += [{location: (-1) ** location for location in range(1, 25)} | {25: 3, 0: -3}]
    made += [{location: 2 * (-1) ** location for location in range(1, 15)} | {25: 1, 0: -1}]
    out = np.zeros((len(made), 26), dtype=np.int8)
    for board, counts in zip(out, made, strict=True):
        for location, count in counts.items():
            board[location] = count
    return out


def test_the_patterns_of_a_board_are_the_twins(boards: Boards) -> None:
    for board, rows in zip(boards, patterns_of(boards), strict=True):
        assert rows.tolist() == patterns(board.tolist()), board.tolist()
        assert len(rows) <= MAX_PATTERNS
        assert rows.max(initial=0) < NUM_PATTERNS


@kernel
def _list_at(flat: Boards, at: int, rows: Int32s) -> int:
    return list_patterns(flat, at, rows)


def test_a_board_may_stand_anywhere(boards: Boards) -> None:
    flat = np.full(3 + 32 * 50, 7, dtype=np.int8)
    rows = np.empty(MAX_PATTERNS, dtype=np.int32)
    for k, board in enumerate(boards[:50]):
        flat[3 + 32 * k :][:26] = board
        assert rows[: _list_at(flat, 3 + 32 * k, rows)].tolist() == patterns(board.tolist())


@kernel
def _change(old: Boards, new: Boards, removed: Int64s, added: Int64s) -> tuple[int, int]:
    first = pattern_words(old, 0)
    second = pattern_words(new, 0)
    blocks = changed_places(first[0], first[1], second[0], second[1])
    shots = changed_places(first[2], first[3], second[2], second[3])
    num_removed = put_patterns(blocks & first[0], first[1], 0, removed, 0, 512, 7)
    num_removed = put_patterns(shots & first[2], first[3], 1, removed, num_removed, 512, 7)
    num_added = put_patterns(blocks & second[0], second[1], 0, added, 0, 512, 7)
    return num_removed, put_patterns(shots & second[2], second[3], 1, added, num_added, 512, 7)


def _check_change(old: Boards, new: Boards) -> int:
    before, after = patterns(old.tolist()), patterns(new.tolist())
    gone, come = sorted({*before} - {*after}), sorted({*after} - {*before})
    removed, added = np.zeros((2, MAX_PATTERNS), dtype=np.int64)
    num_removed, num_added = _change(old, new, removed, added)
    assert removed[:num_removed].tolist() == [512 * row + 7 for row in gone], (old.tolist(), new.tolist())
    assert added[:num_added].tolist() == [512 * row + 7 for row in come], (old.tolist(), new.tolist())
    lists = [np.array(rows, dtype=np.int32) for rows in (before, after)]
    shorter, longer = np.zeros((2, MAX_PATTERNS), dtype=np.int32)
    numbers = change_patterns(lists[0], len(before), lists[1], len(after), shorter, longer)
    assert (shorter[: numbers[0]].tolist(), longer[: numbers[1]].tolist()) == (gone, come)
    return len(gone) + len(come)


def test_what_a_play_changes_is_found_by_bits(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        candidates, offsets = legal_candidates(boards[:150], dice[:150])
        sizes = [
            _check_change(board, candidate)
            for board, first, last in zip(boards[:150], offsets[:-1], offsets[1:], strict=True)
            for candidate in candidates[first : min(last, first + 12)]
        ]
        assert max(sizes) > 12


def test_any_board_may_follow_any_other(boards: Boards) -> None:
    order = np.random.default_rng(3).permutation(len(boards))
    for old, new in itertools.pairwise(order[:800]):
        _check_change(boards[old], boards[new])
    for board in boards[:50]:
        assert _check_change(board, board) == 0


@kernel
def _masks(board: Boards) -> tuple[int, int, int, int, int, int]:
    return pattern_masks(board, 0)


def test_the_masks_are_where_checkers_stand(boards: Boards) -> None:
    for board in boards[::7]:
        conditions = [board > 0, board > 1, board == 1, board < 0, board < -1, board == -1]
        bars = np.zeros(26, dtype=bool)
        bars[[0, 25]] = True
        for which, condition in enumerate(conditions):
            if which % 3:
                condition &= ~bars
        expected = [int((condition * (1 << np.arange(26))).sum()) for condition in conditions]
        assert list(_masks(board)) == expected


def test_patterns_have_names() -> None:
    names = [pattern_name(int(row)) for row in patterns_of(START[None])[0]]
    assert names[0] == "our checkers on 6, blocked on 1"
    assert names[3] == "our checkers on 24, blocked on 19"
    assert len({pattern_name(row) for row in range(NUM_PATTERNS)}) == NUM_PATTERNS
