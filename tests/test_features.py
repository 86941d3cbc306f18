"""The input coding: named, additive over the locations, and the same from every path."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from backgammon.learner.inputs.features import BASE, NAMES, NUM_FEATURES, TABLE, VERSION, encode, fold
from backgammon.rules.board import START
from backgammon.tools.arrays import Boards, Int8s
from backgammon.tools.errors import PositionError
from tests.naive.features import features

Arrays = tuple[Int8s, Int8s]


def test_every_feature_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES) == NUM_FEATURES == 254
    assert set(NAMES) == set(features(START.tolist()))


def test_encoding_equals_the_description_to_the_bit(random_play: Arrays, nasty: Arrays) -> None:
    for boards, _ in (random_play, nasty):
        rows = encode(boards[:1000])
        for board, row in zip(boards[:1000].tolist(), rows, strict=True):
            expected = features(board)
            assert row.tolist() == [float(expected[name]) for name in NAMES]


def test_encoding_is_the_sum_of_table_rows(nasty: Arrays) -> None:
    boards = nasty[0][:500]
    sums = np.tile(BASE, (len(boards), 1))
    for location in range(26):
        sums += TABLE[location, boards[:, location].astype(int) + 15]
    assert encode(boards).tobytes() == sums.tobytes()


def test_a_folded_layer_equals_the_layer_on_the_features(nasty: Arrays) -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(7, NUM_FEATURES)).astype(np.float32)
    bias = rng.normal(size=7).astype(np.float32)
    boards = nasty[0][:500]
    table, base = fold(weight, bias)
    folded = base + sum(table[location, boards[:, location].astype(int) + 15] for location in range(26))
    np.testing.assert_allclose(folded, encode(boards).astype(np.float64) @ weight.T + bias, atol=1e-5)


def test_the_start_by_name() -> None:
    row = dict(zip(NAMES, encode(START[None])[0].tolist(), strict=True))
    for side in ("own", "opponent"):
        assert row[f"{side} 24 two"] == row[f"{side} 8 three"] == 1
        assert row[f"{side} 13 four+"] == row[f"{side} 13 surplus"] == 1
        assert row[f"{side} pips"] == pytest.approx(1)
        assert row[f"{side} off"] == pytest.approx(0, abs=1e-6)
    assert sum(value != 0 for name, value in row.items() if name.split()[-1] in ("one", "bar")) == 0


def test_a_buffer_given_is_the_buffer_filled() -> None:
    buffer = np.full((1, NUM_FEATURES), 7, dtype=np.float32)
    assert encode(START[None], buffer) is buffer
    assert buffer.tobytes() == encode(START[None]).tobytes()


@pytest.mark.parametrize(
    "boards",
    [
        START,
        START[None, :25],
        START[None].astype(np.int64),
        np.full((1, 26), 16, np.int8),
        np.full((1, 26), -16, np.int8),
    ],
    ids=["one dimension", "25 counts", "int64", "16 checkers", "-16 checkers"],
)
def test_boards_that_cannot_be_encoded_are_refused(boards: Boards) -> None:
    with pytest.raises(PositionError):
        encode(boards)


def test_the_version_names_this_table() -> None:
    """A changed table under an old name would make old models play nonsense: give it a new name first."""
    digest = hashlib.sha256("\n".join(NAMES).encode() + TABLE.tobytes() + BASE.tobytes()).hexdigest()
    assert (VERSION, digest[:16]) == ("raw-1", "352aa7faa6413a38")
