"""Chance of a game in play: a counter-based stream, so that dice never depend on what was played.

Number `n` of a game's episode is a pure function of (key, episode, n): an episode is one SplitMix64 sequence, and its
seed is a mixed number of the game's own sequence. Turn t of an episode (both players counted, from 0) takes number 2t
for its dice and 2t + 1 as noise for a player's choice. So sessions, duels and every face of the environment (single,
vectorised, PettingZoo) meet the same dice with the same seed, and two policies can be compared on the same dice.

SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), with Stafford's variant 13
of the finaliser. Dice are drawn by rejection, so all 36 rolls (30 opening rolls) are exactly equally likely.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backgammon.tools.jit import DISABLED, kernel

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_ONE, _TWO = np.uint64(1), np.uint64(2)
_ROLLS, _OPENINGS, _FACES = np.uint64(36), np.uint64(30), np.uint64(6)
_REMAINDER = np.uint64(16)
"""2**64 modulo 36, and modulo 30 as well: numbers below it are thrown away, the rest divides evenly."""


def draw_key(rng: np.random.Generator) -> np.uint64:
    """The key of a game's stream, the only number that a game takes from the generator of its seed."""
    return rng.integers(0, 1 << 64, dtype=np.uint64)


def key_of_seed(seed: int) -> np.uint64:
    """The key that belongs to a seed, 0 or greater: that of an environment which is reset with it."""
    return draw_key(np.random.default_rng(seed))


@kernel
def _mix(state: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST_FACTOR
    state = (state ^ (state >> np.uint64(27))) * _SECOND_FACTOR
    return state ^ (state >> np.uint64(31))


@kernel
def _draw(key: np.uint64, episode: np.uint64, number: np.uint64) -> np.uint64:
    """Number `number` of an episode, 64 uniformly random bits."""
    seed = _mix(key + (episode + _ONE) * _GAMMA)
    return _mix(seed + (number + _ONE) * _GAMMA)


@kernel
def _draw_for_dice(key: np.uint64, episode: np.uint64, turn: np.uint64) -> np.uint64:
    """As the dice number of a turn, but at least _REMAINDER, by rejection."""
    bits = _draw(key, episode, _TWO * turn)
    while bits < _REMAINDER:
        bits = _mix(bits + _GAMMA)
    return bits


if DISABLED:  # plain numpy scalars warn about the wrap-around that the arithmetic wants
    _mix = np.errstate(over="ignore")(_mix)
    _draw = np.errstate(over="ignore")(_draw)
    _draw_for_dice = np.errstate(over="ignore")(_draw_for_dice)


@kernel
def throw_dice(key: np.uint64, episode: np.uint64, turn: np.uint64) -> tuple[int, int]:
    """The dice of a turn, larger first; all 36 ordered rolls are equally likely."""
    roll = _draw_for_dice(key, episode, turn) % _ROLLS
    first: Any = np.int64(roll // _FACES) + 1
    second: Any = np.int64(roll % _FACES) + 1
    return max(first, second), min(first, second)


@kernel
def throw_opening(key: np.uint64, episode: np.uint64, turn: np.uint64) -> tuple[int, int]:
    """One die for each seat, (seat 0's, seat 1's), never equal; all 30 pairs are equally likely."""
    pair: Any = np.int64(_draw_for_dice(key, episode, turn) % _OPENINGS)
    first = pair // 5
    second = pair % 5
    if second >= first:
        second += 1
    return first + 1, second + 1


@kernel
def turn_noise(key: np.uint64, episode: np.uint64, turn: np.uint64) -> np.uint64:
    """64 random bits for a player's choice in this turn."""
    return _draw(key, episode, _TWO * turn + _ONE)
