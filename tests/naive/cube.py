"""The cube in plain Python: static values formula by formula, and a look-ahead that carries one state at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import isnan

import numpy as np

from backgammon.rules.board import Board, swap
from backgammon.rules.dice import ROLLS
from backgammon.rules.movegen import legal_candidates

Point = tuple[float, float]
Chance = Callable[[int, int], float]


def line(points: list[tuple[float, float]], x: float) -> float:
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1 and x1 > x0:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


def corners(owner: int, first: Point, his: Point, mine: Point, last: float) -> list[Point]:
    middle = {0: [his, mine], 1: [mine], -1: [his]}[owner]
    return [first, *middle, (1.0, last)]


def money_value(five: list[float], x: float, owner: int, jacoby: bool, exact: float = float("nan")) -> float:
    if not isnan(exact):
        return exact
    w, wg, wb, lg, lb = five
    flat = jacoby and owner == 0
    dead = 2 * w - 1 + (0 if flat else wg + wb - lg - lb)
    if w in (0, 1):
        return dead
    W, L = 1 + (wg + wb) / w, 1 + (lg + lb) / (1 - w)
    take, cash = (L - 0.5) / (W + L + 0.5), (L + 1) / (W + L + 0.5)
    points = corners(owner, (0, -1 if flat else -L), (take, -1), (cash, 1), 1 if flat else W)
    return (1 - x) * dead + x * line(points, w)


class Match:
    """A score, from the player on roll; `chance(own, theirs)` by points away, 1 or 0 when somebody needs none."""

    def __init__(self, chance: Chance, away: tuple[int, int], five: list[float]) -> None:
        w, wg, wb, lg, lb = five
        self.chance, self.away, self.w = chance, away, w
        self.wins = ((wg - wb) / w, wb / w) if w > 0 else (0, 0)
        self.losses = ((lg - lb) / (1 - w), lb / (1 - w)) if w < 1 else (0, 0)

    def win(self, k: int) -> float:
        return self.chance(self.away[0] - k, self.away[1])

    def lose(self, k: int) -> float:
        return self.chance(self.away[0], self.away[1] - k)

    def mean_win(self, c: int) -> float:
        g, b = self.wins
        return (1 - g - b) * self.win(c) + g * self.win(2 * c) + b * self.win(3 * c)

    def mean_loss(self, c: int) -> float:
        g, b = self.losses
        return (1 - g - b) * self.lose(c) + g * self.lose(2 * c) + b * self.lose(3 * c)

    def other(self) -> Match:
        him = Match(lambda a, b: 1 - self.chance(b, a), (self.away[1], self.away[0]), [0.5, 0, 0, 0, 0])
        him.w, him.wins, him.losses = 1 - self.w, self.losses, self.wins
        return him

    def cash_point(self, c: int) -> float:
        mine, his = (a <= 2 * c for a in self.away)
        if mine or his:
            e = 2 * c if mine and not his else c
            won, lost = self.mean_win(2 * e), self.mean_loss(2 * e)
            return 1.0 if won == lost else (lost - self.win(c)) / (lost - won)
        won = self.mean_win(2 * c)
        return 1 - self.other().cash_point(2 * c) * (self.win(c) - won) / (self.lose(2 * c) - won)

    def value(self, x: float, c: int, owner: int, crawford: bool) -> float:
        dead = self.w * self.mean_win(c) + (1 - self.w) * self.mean_loss(c)
        a, b = self.away
        if self.w in (0, 1) or crawford or (a <= c and b <= c) or (a, b) == (2, 2):
            return dead
        his = (1 - self.other().cash_point(c), self.lose(c))
        mine = (self.cash_point(c), self.win(c))
        live = line(corners(owner, (0, self.mean_loss(c)), his, mine, self.mean_win(c)), self.w)
        return (1 - x) * dead + x * live


Static = Callable[..., float]
"""(position after a play, cube, owner, side): value to the player who rolls next, owner from its side; side 0 rolls at
the root."""


class Tree:
    """A look-ahead for one state: boards are positions after a play, values of the player who rolls next."""

    def __init__(
        self,
        static: Static,
        dead: Static,
        may: Callable[[int, int, int], bool],
        win: Callable[[int, int], float],
        match: bool,
    ) -> None:
        self.static, self.dead, self.may, self.win, self.match = static, dead, may, win, match

    def to_move(self, rolling: Callable[[int, int], float], cube: int, owner: int, side: int) -> float:
        no_double = rolling(cube, owner)
        if not self.may(cube, owner, side):
            return no_double
        take, drop = rolling(2 * cube, -1) * (1 if self.match else 2), self.win(cube, side)
        return min(take, drop) if take >= no_double and drop >= no_double else no_double

    def flip(self, value: float) -> float:
        return 1 - value if self.match else -value

    def rolling(self, after: Board, cube: int, owner: int, side: int, plies: int, actual: tuple[int, int]) -> float:
        """`actual`: the state that chooses the replies, from the side of the player who rolls next."""
        if plies == 0 or not (after > 0).any():
            return self.static(after, cube, owner, side)
        total = 0.0
        there, then = 1 - side, (actual[0], -actual[1])
        for roll in ROLLS:
            replies = legal_candidates(swap(after)[None], np.array([roll], dtype=np.int8))[0]
            keys = []
            for reply in replies:
                value = self.to_move(partial(self.static, reply, side=there), *then, there)
                keys.append((value, self.dead(reply, *then, there)))
            best = replies[min(range(len(keys)), key=lambda i: keys[i])]
            value = self.to_move(
                partial(self.rolling, best, side=there, plies=plies - 1, actual=then), cube, -owner, there
            )
            total += (1 if roll.is_double else 2) * self.flip(value)
        return total / 36
