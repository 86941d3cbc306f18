"""The learnt efficiency of the cube in plain Python: units by name, sums written out."""

from __future__ import annotations

from math import tanh
from typing import Any, NamedTuple

from backgammon.cube.cube_net import CubeNet

Board = list[int]


def position_units(after: Board, chances: list[float]) -> dict[int, float]:
    """Units that are not 0, by number; `after` seen by who has just moved, chances of the other, who is on roll."""
    units: dict[int, float] = {}
    pips = [0, 0]
    for location, count in enumerate(after):
        side = 0 if count < 0 else 1
        number = abs(count)
        pips[side] += number * (25 - location if side == 0 else location)
        first = 4 * (26 * side + location)
        for step in range(3):
            if number > step:
                units[first + step] = 1.0
        if number > 3:
            units[first + 3] = (number - 3) / 4
    win = sum(chances[:3])
    more = [win, chances[1], chances[2], chances[4], chances[5], pips[0] / 100, pips[1] / 100, 4 * win * (1 - win)]
    return units | {208 + i: value for i, value in enumerate(more)}


def cap(value: float, most: float = 3.0) -> float:
    return max(-most, min(most, value))


class Line(NamedTuple):
    """A position in a state, values in EMG of the state's own cube."""

    win: float
    dead: float
    live: float
    own_point: float
    his_point: float
    best: float
    worst: float


def state_units(line: Line, owner: int, is_flat: bool, away: tuple[int, int] | None, cube: int) -> list[float]:
    """`away` is None in money play."""
    return [
        line.win - line.own_point,
        line.win - line.his_point,
        line.own_point,
        line.his_point,
        cap(line.best),
        cap(line.worst),
        3 * cap(line.live - line.dead, 1.0),
        cap(line.dead),
        owner == 1,
        owner == -1,
        away is not None,
        is_flat,
        away is not None and away[0] <= 2 * cube,
        away is not None and away[1] <= 2 * cube,
    ]


def shift(net: CubeNet, units: dict[int, float], state: list[float]) -> float:
    total = 0.0
    places: Any = net.places
    for k in range(len(net.bias)):
        hidden = float(net.bias[k])
        hidden += sum(value * float(places[unit, k]) for unit, value in units.items())
        hidden += sum(value * float(net.stakes[i, k]) for i, value in enumerate(state))
        total += max(hidden, 0.0) * float(net.last[k])
    return 0.5 * tanh(total)
