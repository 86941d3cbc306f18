"""Chance of the environments: fair, reproducible, independent of what is played."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.tools.stream import throw_dice, throw_opening, turn_noise
from tests.naive import env as twin

KEYS = [0, 1, 0x9E3779B97F4A7C15, (1 << 64) - 1, 1 << 63]


def as_words(*values: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(value) for value in values)


@pytest.mark.parametrize("key", KEYS)
def test_equals_the_slow_twin(key: int) -> None:
    for episode in (0, 1, 2, 1_000_000):
        for turn in range(50):
            words = as_words(key, episode, turn)
            assert throw_dice(*words) == twin.throw_dice(key, episode, turn)
            assert throw_opening(*words) == twin.throw_opening(key, episode, turn)
            assert int(turn_noise(*words)) == twin.noise(key, episode, turn)


def test_an_episode_is_the_published_splitmix64_sequence() -> None:
    # first outputs of SplitMix64 for seed 1234567, as listed with the reference implementation of Vigna
    gamma, seed = 0x9E3779B97F4A7C15, 1234567
    first = [twin.mix((seed + n * gamma) & ((1 << 64) - 1)) for n in (1, 2, 3)]
    assert first == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def chi_square(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    expected = counts.sum() / len(counts)
    return float(((counts - expected) ** 2 / expected).sum())


def test_all_36_rolls_and_all_30_opening_rolls_are_equally_likely() -> None:
    rolls = np.zeros((7, 7), dtype=np.int64)
    openings = np.zeros((7, 7), dtype=np.int64)
    for key in range(200):
        for turn in range(200):
            words = as_words(key, 1, turn)
            rolls[throw_dice(*words)] += 1
            openings[throw_opening(*words)] += 1
    assert not openings[np.arange(7), np.arange(7)].any()
    single = np.array([rolls[a, b] for a in range(1, 7) for b in range(1, a)])
    double = np.array([rolls[a, a] for a in range(1, 7)])
    assert chi_square(np.concatenate([single / 2, single / 2, double])) < 62  # 35 degrees of freedom, 0.3 %
    assert chi_square(np.array([openings[a, b] for a in range(1, 7) for b in range(1, 7) if a != b])) < 54  # 29


def test_successive_turns_and_neighbouring_games_are_independent() -> None:
    pairs = np.zeros((2, 36, 36), dtype=np.int64)
    code = {(a, b): k for k, (a, b) in enumerate((a, b) for a in range(1, 7) for b in range(1, 7))}
    for key in range(300):
        for turn in range(100):
            here = code[throw_dice(*as_words(key, 1, turn))]
            pairs[0, here, code[throw_dice(*as_words(key, 1, turn + 1))]] += 1
            pairs[1, here, code[throw_dice(*as_words(key + 1, 1, turn))]] += 1
    for table in pairs:
        seen = [code[a, b] for a in range(1, 7) for b in range(1, a + 1)]
        used = table[np.ix_(seen, seen)].astype(float)
        expected = used.sum(1)[:, None] * used.sum(0)[None] / used.sum()
        assert ((used - expected) ** 2 / expected).sum() < 400 + 4 * np.sqrt(800)  # 20 x 20 degrees of freedom
