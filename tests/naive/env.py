"""The environments' rules written a second time, slowly.

Chance in Python integers, masks from the definition of a legal play, turns from the turn machine of `rules.game`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from backgammon.evaluation.player import RandomPlayer
from backgammon.rules import game
from tests.naive.movegen import Points, single_moves

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15


def mix(state: int) -> int:
    """The finaliser of SplitMix64."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def draw(key: int, episode: int, number: int) -> int:
    """Number `number` of the SplitMix64 sequence that number `episode` of the key's own sequence seeds."""
    seed = mix((key + (episode + 1) * _GAMMA) & _MASK)
    return mix((seed + (number + 1) * _GAMMA) & _MASK)


def throw_dice(key: int, episode: int, turn: int) -> tuple[int, int]:
    """Larger die first."""
    first, second = divmod(draw(key, episode, 2 * turn) % 36, 6)
    return max(first, second) + 1, min(first, second) + 1


def throw_opening(key: int, episode: int, turn: int) -> tuple[int, int]:
    """Seat 0's die, seat 1's die."""
    pairs = [(a, b) for a in range(1, 7) for b in range(1, 7) if a != b]
    return pairs[draw(key, episode, 2 * turn) % 30]


def noise(key: int, episode: int, turn: int) -> int:
    """What a player may use for its choice."""
    return draw(key, episode, 2 * turn + 1)


def moves(points: Points, die: int) -> Iterator[tuple[int, Points]]:
    """(source, result) of every single move."""
    for after in single_moves(points, die):
        yield next(s for s in range(25, 0, -1) if points[s] > 0 and after[s] < points[s]), after


@lru_cache(maxsize=200_000)
def longest(points: Points, dice: tuple[int, ...]) -> int:
    """How many of the dice can be played, in the best order."""
    best = 0
    for die in set(dice):
        for _, after in moves(points, die):
            best = max(best, 1 + longest(after, without(dice, die)))
            if best == len(dice):
                return best
    return best


def without(dice: tuple[int, ...], die: int) -> tuple[int, ...]:
    """The dice that are left after one has been played."""
    at = dice.index(die)
    return dice[:at] + dice[at + 1 :]


def legal_actions(points: Points, dice: tuple[int, ...]) -> dict[int, tuple[Points, tuple[int, ...]]]:
    """What each action leads to, (points, dice left): those that can go on to a play of the greatest length.

    Of two different dice that cannot both be played, only the larger one if it can be played.
    """
    length = longest(points, dice)
    found = {
        6 * (26 - source) + die - 1: (after, without(dice, die))
        for die in set(dice)
        for source, after in moves(points, die)
        if 1 + longest(after, without(dice, die)) == length
    }
    if length == 1 and len(set(dice)) == 2:
        high = {action: after for action, after in found.items() if action % 6 + 1 == max(dice)}
        found = high or found
    return found or {0: (points, ())}


def turn_ends(points: Points, dice: tuple[int, ...]) -> set[Points]:
    """Every position in which a turn of legal actions can end."""
    if not dice:
        return {points}
    ends: set[Points] = set()
    for after, left in legal_actions(points, dice).values():
        ends |= turn_ends(after, left if any(p > 0 for p in after) else ())
    return ends


def random_game(key: int, episode: int, agent_rows: Iterator[float] | None) -> list[tuple[bytes, int, tuple[int, int]]]:
    """(board of the seat on roll, seat, roll) of every turn of a game, the last one with the winner and no roll.

    Played through `rules.game`. Seat 1 is `RandomPlayer`; seat 0 takes the candidate at the given fraction of its
    list, or plays like seat 1 when no fractions are given.
    """
    state = game.open_game(game.new_game(has_cube=False), *throw_opening(key, episode, 0))
    player = RandomPlayer()
    past = []
    turn = 0
    while True:
        decision = state.decision()
        past.append((state.position.key, state.turn, (decision.roll.high, decision.roll.low)))
        if agent_rows is not None and state.turn == 0:
            row = int(next(agent_rows) * len(decision.candidates))
        else:
            seen = np.array([noise(key, episode, turn)], dtype=np.uint64)
            row = int(player.choose(state.position.board[None], np.array([decision.roll], np.int8), seen)[0])
        state = game.play(state, decision.candidates[row])
        if state.is_over:
            return [*past, (state.position.key, state.turn, (0, 0))]
        turn += 1
        state = game.roll_dice(state, *throw_dice(key, episode, turn))
