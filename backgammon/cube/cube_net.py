"""How efficient the cube is, learnt: a net of one hidden layer over a position and a state of the cube.

Axis legend: M positions after a play, seen by the player who has just moved; the opponent rolls next and is the player
on roll here. H hidden units, U units of a position, 6 outcomes.

A hidden unit is the sum of what the position says (`sum_positions`, once for all states) and of what the state says
(`learnt_efficiency`). The output moves the efficiency away from the constant of the kind of position (`efficiency`) by
less than MOST_APART.

The net has learnt by comparison: no double against double, take against pass, as our own look-ahead of 2 plies ranks
them (`scripts.learn_cube`). It is trained on values without a look-ahead.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import as_file, files
from math import tanh
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Boards, Float32s
from backgammon.tools.errors import DataError
from backgammon.tools.jit import kernel
from backgammon.tools.tensor_file import map_tensors

NUM_STEPS = 4
"""Units of a side at a location: one checker or more, two, three; the number beyond three in quarters."""
NUM_PLACES = 2 * 26 * NUM_STEPS
"""Units of checkers: of the player on roll, then of the opponent, each as the boards have them."""
NUM_CHANCES = 8
"""Other units of a position: winning, gammons and backgammons of both, pips of both in hundreds, 4 w (1 - w)."""
NUM_STAKES = 14
"""Units of a state, see `put_state`."""
MOST_APART = 0.5
"""Furthest that the net may move the efficiency."""
WIDTH = 32
"""Hidden units of the net that ships."""

KIND = "pairgammon cube efficiency 1"
_CAP = 3.0
"""Values beyond so many EMG tell the net nothing more."""


class CubeNet(NamedTuple):
    """The weights, float32.

    Attributes:
        places: [U, H], of the units of checkers and behind them the other units of a position.
        stakes: [NUM_STAKES, H].
        bias: [H].
        last: [H], of the output.
    """

    places: Float32s
    stakes: Float32s
    bias: Float32s
    last: Float32s

    @property
    def identity(self) -> str:
        """SHA-256 of the weights, hexadecimal."""
        return hashlib.sha256(b"".join(part.tobytes() for part in self)).hexdigest()


def no_net() -> CubeNet:
    """A net without hidden units: the constants hold."""
    return CubeNet(
        np.zeros((NUM_PLACES + NUM_CHANCES, 0), dtype=np.float32),
        np.zeros((NUM_STAKES, 0), dtype=np.float32),
        np.zeros(0, dtype=np.float32),
        np.zeros(0, dtype=np.float32),
    )


def layout(width: int = WIDTH) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Names, dtypes and shapes of the arrays in a file."""
    shapes = (NUM_PLACES + NUM_CHANCES, width), (NUM_STAKES, width), (width,), (width,)
    return {name: ("float32", shape) for name, shape in zip(CubeNet._fields, shapes, strict=True)}


def read_cube_net(path: Path) -> CubeNet:
    """The net of a file.

    Raises:
        DataError: it is none, or damaged, or holds numbers that are none.
        OSError: it cannot be opened.
    """
    found = map_tensors(path, KIND, layout(), {})
    if not all(np.isfinite(array).all() for array in found.values()):
        raise DataError(f"{path}: holds weights that are no numbers")
    return CubeNet(**{name: np.ascontiguousarray(array) for name, array in found.items()})


@cache
def default_cube_net() -> CubeNet:
    """The net that ships."""
    with as_file(files("backgammon.cube") / "data" / "efficiency.safetensors") as path:
        return read_cube_net(path)


@kernel
def fill_units(boards: Boards, outcomes: Outcomes, out: Float32s) -> None:
    """Units of positions int8[M, 26] after a play into out float32[M, U]; outcomes float32[M, 6] of who is on roll."""
    for i in range(boards.shape[0]):
        out[i, :] = 0.0
        own_pips = 0
        their_pips = 0
        for location in range(26):
            count = boards[i, location]
            if count == 0:
                continue
            first = location * NUM_STEPS
            if count > 0:  # the opponent of who rolls next
                first += 26 * NUM_STEPS
                their_pips += count * location
            else:
                count = -count
                own_pips += count * (25 - location)
            for step in range(min(count, NUM_STEPS - 1)):
                out[i, first + step] = 1.0
            if count >= NUM_STEPS:
                out[i, first + NUM_STEPS - 1] = (count - NUM_STEPS + 1) / 4.0
        win = outcomes[i, 0] + outcomes[i, 1] + outcomes[i, 2]
        out[i, NUM_PLACES] = win
        out[i, NUM_PLACES + 1] = outcomes[i, 1]
        out[i, NUM_PLACES + 2] = outcomes[i, 2]
        out[i, NUM_PLACES + 3] = outcomes[i, 4]
        out[i, NUM_PLACES + 4] = outcomes[i, 5]
        out[i, NUM_PLACES + 5] = own_pips / 100.0
        out[i, NUM_PLACES + 6] = their_pips / 100.0
        out[i, NUM_PLACES + 7] = 4.0 * win * (1.0 - win)


@kernel
def _fill_sums(net: CubeNet, boards: Boards, outcomes: Outcomes, out: Float32s) -> None:
    units = np.empty((1, net.places.shape[0]), dtype=np.float32)
    for i in range(boards.shape[0]):
        fill_units(boards[i : i + 1], outcomes[i : i + 1], units)
        out[i] = net.bias
        for unit in range(units.shape[1]):
            size = units[0, unit]
            if size != 0.0:
                for k in range(out.shape[1]):
                    out[i, k] += size * net.places[unit, k]


def sum_positions(net: CubeNet, boards: Boards, outcomes: Outcomes) -> Float32s:
    """What positions say to the hidden units, float32[M, H].

    Args:
        net: the weights.
        boards: int8[M, 26], after a play.
        outcomes: float32[M, 6] of the player on roll.
    """
    out = np.empty((len(boards), len(net.bias)), dtype=np.float32)
    _fill_sums(net, np.require(boards, np.int8, ["C"]), outcomes, out)
    return out


class CubeLine(NamedTuple):
    """What a position is worth in a state by how well the cube is used; values are EMG of the state's own cube.

    Attributes:
        win: chance to win.
        dead: value of a dead cube.
        live: value of a perfect one.
        own_point: chance from which the player on roll cashes.
        his_point: chance up to which the opponent does.
        best: value of winning for certain.
        worst: value of losing for certain.
    """

    win: float
    dead: float
    live: float
    own_point: float
    his_point: float
    best: float
    worst: float


@kernel
def put_state(
    line: CubeLine, owner: int, is_flat: bool, own_away: int, their_away: int, cube: int, out: Float32s
) -> None:
    """Units of a state into out float32[NUM_STAKES].

    Args:
        line: of the position in this state.
        owner: of the cube, from the side of the player on roll.
        is_flat: gammons do not count yet (Jacoby).
        own_away: points that player needs; 0 in money play.
        their_away: the opponent's.
        cube: its value.
        out: receives them.
    """
    is_match = own_away > 0
    out[0] = line.win - line.own_point
    out[1] = line.win - line.his_point
    out[2] = line.own_point
    out[3] = line.his_point
    out[4] = min(max(line.best, -_CAP), _CAP)
    out[5] = min(max(line.worst, -_CAP), _CAP)
    out[6] = _CAP * min(max(line.live - line.dead, -1.0), 1.0)
    out[7] = min(max(line.dead, -_CAP), _CAP)
    out[8] = owner == 1
    out[9] = owner == -1
    out[10] = is_match
    out[11] = is_flat
    out[12] = is_match and own_away <= 2 * cube
    out[13] = is_match and their_away <= 2 * cube


@kernel
def learnt_shift(net: CubeNet, hidden: Float32s, state: Float32s) -> float:
    """What the net adds to the efficiency.

    Args:
        net: the weights.
        hidden: float32[H], of the position.
        state: float32[NUM_STAKES].
    """
    total = 0.0
    for k in range(hidden.shape[0]):
        unit = hidden[k]
        for i in range(state.shape[0]):
            unit += state[i] * net.stakes[i, k]
        if unit > 0.0:
            total += unit * net.last[k]
    return MOST_APART * tanh(total)
