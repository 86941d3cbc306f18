"""Whatever comes in, in whatever format: records or RecordError, every roll accounted for, no write loses meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.fuzz_importers import run_input
from scripts.fuzz_targets import make_targets
from scripts.xg_short_form import mend, spread, squeeze
from tests.fuzz_seeds import make_seeds

CORPUS = Path(__file__).parent / "corpus"
TARGETS: list[Callable[[bytes], None]] = make_targets()
SEEDS = make_seeds(squeeze)


@st.composite
def damaged_inputs(draw: st.DrawFn) -> bytes:
    """A seed with bytes changed, runs dropped, doubled or taken from another seed of whatever format."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(1, max(1, len(data))))
        length = draw(st.integers(0, 40))
        match draw(st.integers(0, 4)):
            case 0 if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                other = draw(st.sampled_from(SEEDS))
                begin = draw(st.integers(0, len(other) - 1))
                data[at : at + length] = other[begin : begin + length]
            case _:
                data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(damaged_inputs())
def test_damaged_files_are_read_or_refused(data: bytes) -> None:
    run_input(data, TARGETS)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(TARGETS) - 1), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(target: int, data: bytes) -> None:
    run_input(bytes((target,)) + data, TARGETS)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None)
@given(damaged_inputs())
def test_many_damaged_files(data: bytes) -> None:
    run_input(data, TARGETS)


def test_the_corpus_of_the_fuzzer_passes() -> None:
    files = sorted(CORPUS.iterdir())
    assert len(files) >= len(SEEDS)
    for file in files:
        run_input(file.read_bytes(), TARGETS)


def test_records_of_xg_survive_their_short_form() -> None:
    seed = next(seed for seed in SEEDS if seed[0] == 4)
    assert squeeze(spread(seed[1:])) == seed[1:]
    container = next(seed for seed in SEEDS if seed[0] == 5)[1:]
    assert mend(container) == container
