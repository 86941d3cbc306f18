"""The trained network at play time, without torch: candidates to scores, decisions to choices.

N decisions, M candidates, H units of the first hidden layer (of the output for a linear network). Candidates are seen
by the player who has just moved; scores are comparable within one decision only.

The features are sums over locations, so the first layer is folded into one row of H numbers for every (location,
count). The rows are kept as int32 in fixed point: integer sums are exact, hence a candidate's score does not depend on
how its sum was reached (from scratch in `evaluate`, from the parent position in `choose`), nor on batch or threads.
The scale is a power of two chosen so that no sum can overflow; it is finer than float32's own rounding of sums of that
size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.errors import ConfigError
from backgammon.jit import kernel
from backgammon.movegen import MAX_CANDIDATES, checked_decisions, generate
from backgammon.rules import Decision
from comparison_net.checkpoint import Model, load_model
from comparison_net.config import ACTIVATIONS
from comparison_net.features import check_counts, fold

Scores = npt.NDArray[np.float32]
Sums = npt.NDArray[np.int32]

DEFAULT_NAME = "default"
_MAX_SCALE_BITS = 24
_CHUNK = 512
"""Decisions (or, for `evaluate`, 8 times as many positions) that a thread takes at a time."""
_RELU, _TANH = (ACTIVATIONS.index(name) for name in ("relu", "tanh"))


@dataclass(frozen=True, eq=False)
class FoldedNet:
    """A network as the kernels read it.

    Attributes:
        table: int32[26, 31, H], fixed-point first layer at [location, count + 15].
        base: int32[H], its constant part.
        scale: value of one fixed-point unit.
        widths: int64[L], units of each layer, the output (1) included; widths[0] == H.
        parameters: float32[P], for each layer after the first its weight [width before, width] and its bias [width].
        activation: index into config.ACTIVATIONS.
    """

    table: Sums
    base: Sums
    scale: float
    widths: npt.NDArray[np.int64]
    parameters: npt.NDArray[np.float32]
    activation: int


def fold_model(model: Model) -> FoldedNet:
    """The network of a model with its first layer folded."""
    weights = model.weights
    hidden = model.network.hidden
    if hidden:
        table, base = fold(weights["trunk.layers.0.weight"], weights["trunk.layers.0.bias"])
    else:
        table, base = fold(weights["head.score.weight"], None)
    largest = float((np.abs(base) + np.abs(table).max(axis=1).sum(axis=0)).max())
    bits = min(_MAX_SCALE_BITS, 30 - math.ceil(math.log2(max(largest, 1e-9))))
    parameters: list[npt.NDArray[np.float32]] = []
    for index in range(1, len(hidden)):
        parameters.append(weights[f"trunk.layers.{index}.weight"].T.ravel())
        parameters.append(weights[f"trunk.layers.{index}.bias"])
    if hidden:
        parameters += [weights["head.score.weight"].ravel(), np.zeros(1, dtype=np.float32)]
    return FoldedNet(
        table=np.rint(np.ldexp(table, bits)).astype(np.int32),
        base=np.rint(np.ldexp(base, bits)).astype(np.int32),
        scale=math.ldexp(1.0, -bits),
        widths=np.array([*hidden, 1], dtype=np.int64),
        parameters=np.concatenate([*parameters, np.empty(0, dtype=np.float32)]),
        activation=ACTIVATIONS.index(model.network.activation),
    )


@kernel
def _add_row(sums: Sums, row: Sums) -> None:
    for j in range(sums.shape[0]):
        sums[j] += row[j]


@kernel
def _change_row(sums: Sums, old: Sums, new: Sums) -> None:
    for j in range(sums.shape[0]):
        sums[j] += new[j] - old[j]


@kernel
def _first_layer(board: Board, table: Sums, base: Sums, sums: Sums) -> None:
    """The fixed-point first layer of a board from scratch."""
    sums[:] = base
    for location in range(26):
        _add_row(sums, table[location, board[location] + 15])


@kernel
def _finish(
    sums: Sums, scale: np.float32, widths: npt.NDArray[np.int64], parameters: Scores, activation: int, units: Scores
) -> np.float32:
    """The score from the first layer's sums.

    Args:
        sums: int32[H].
        scale: value of a unit of `sums`.
        widths: see `FoldedNet`.
        parameters: see `FoldedNet`.
        activation: see `FoldedNet`.
        units: float32[2, widest layer], overwritten.
    """
    num_layers = widths.shape[0]
    here = units[0]
    for j in range(widths[0]):
        here[j] = scale * np.float32(sums[j])
    start = 0
    for layer in range(1, num_layers):
        width, next_width = widths[layer - 1], widths[layer]
        here = units[(layer - 1) % 2]
        there = units[layer % 2]
        there[:next_width] = parameters[start + width * next_width : start + (width + 1) * next_width]
        for i in range(width):
            value = max(here[i], np.float32(0.0)) if activation == _RELU else np.float32(np.tanh(here[i]))
            if value != 0.0:
                weights = parameters[start + i * next_width : start + (i + 1) * next_width]
                for j in range(next_width):
                    there[j] += value * weights[j]
        start += (width + 1) * next_width
    return np.float32(units[(num_layers - 1) % 2, 0])


@kernel
def _evaluate_boards(
    boards: Board,
    first: int,
    last: int,
    table: Sums,
    base: Sums,
    scale: np.float32,
    widths: npt.NDArray[np.int64],
    parameters: Scores,
    activation: int,
    out: Scores,
) -> None:
    """Scores of boards first..last-1 into `out`, each from scratch."""
    sums = np.empty(widths[0], dtype=np.int32)
    units = np.empty((2, widths.max()), dtype=np.float32)
    for i in range(first, last):
        _first_layer(boards[i], table, base, sums)
        out[i] = _finish(sums, scale, widths, parameters, activation, units)


@kernel
def _choose_rows(
    boards: Board,
    dice: Board,
    first: int,
    last: int,
    table: Sums,
    base: Sums,
    scale: np.float32,
    widths: npt.NDArray[np.int64],
    parameters: Scores,
    activation: int,
    max_candidates: int,
    out: npt.NDArray[np.int64],
) -> None:
    """The best row of decisions first..last-1 into `out`: generated, scored from the parent's sums, compared."""
    candidates = np.empty((max_candidates, 26), dtype=np.int8)
    scratch = np.empty((3, 26), dtype=np.int8)
    parent = np.empty(widths[0], dtype=np.int32)
    sums = np.empty(widths[0], dtype=np.int32)
    units = np.empty((2, widths.max()), dtype=np.float32)
    for i in range(first, last):
        board = boards[i]
        count = generate(board, dice[i, 0], dice[i, 1], candidates, 0, scratch)
        best = 0
        if count > 1:
            _first_layer(board, table, base, parent)
            best_score = np.float32(-np.inf)
            for row in range(count):
                candidate = candidates[row]
                sums[:] = parent
                for location in range(26):
                    if candidate[location] != board[location]:
                        _change_row(
                            sums, table[location, board[location] + 15], table[location, candidate[location] + 15]
                        )
                score = _finish(sums, scale, widths, parameters, activation, units)
                if score > best_score:
                    best_score = score
                    best = row
        out[i] = best


class Scorer:
    """Scores and choices of one trained network.

    The numbers do not depend on `threads`: every position is computed by one thread from its own data.
    """

    def __init__(self, model: Model, name: str, threads: int = 1) -> None:
        """Fold the model.

        Args:
            model: the trained network.
            name: what reports call it.
            threads: for batches, at least 1.

        Raises:
            ConfigError: fewer than one thread.
        """
        if threads < 1:
            raise ConfigError(f"threads = {threads}: at least 1")
        self.model = model
        self._name = name
        self._net = fold_model(model)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scorer") if threads > 1 else None

    @property
    def name(self) -> str:
        """What reports and records call the player."""
        return self._name

    def evaluate(self, boards: Board) -> Scores:
        """Scores of candidates.

        Args:
            boards: int8[M, 26], positions after a play, seen by the player who has just moved.

        Returns:
            float32[M].

        Raises:
            PositionError: another shape or dtype, or impossible counts.
        """
        checked = check_counts(boards)
        out = np.empty(len(checked), dtype=np.float32)
        net = self._net
        arguments = (net.table, net.base, np.float32(net.scale), net.widths, net.parameters, net.activation)
        self._in_chunks(
            len(checked), 8 * _CHUNK, lambda first, last: _evaluate_boards(checked, first, last, *arguments, out)
        )
        return out

    def choose(self, boards: Board, dice: Board) -> npt.NDArray[np.int64]:
        """The preferred candidate of each decision; of equal scores the first.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.

        Returns:
            int64[N], rows within the decision's block of `legal_candidates`.

        Raises:
            PositionError, DiceError: see `legal_candidates`.
        """
        boards, dice = checked_decisions(boards, dice)
        out = np.empty(len(boards), dtype=np.int64)
        net = self._net
        arguments = (net.table, net.base, np.float32(net.scale), net.widths, net.parameters, net.activation)
        self._in_chunks(
            len(boards),
            _CHUNK,
            lambda first, last: _choose_rows(boards, dice, first, last, *arguments, MAX_CANDIDATES, out),
        )
        return out

    def score(self, decision: Decision) -> Scores:
        """Scores float32[N] of a decision's candidates, in their order."""
        return self.evaluate(decision.candidates)

    def _in_chunks(self, count: int, size: int, work: Callable[[int, int], None]) -> None:
        """Call work(first, last) for consecutive ranges, on all threads."""
        if self._pool is None or count <= size:
            work(0, count)
        else:
            starts = range(0, count, size)
            list(self._pool.map(work, starts, [min(start + size, count) for start in starts]))


def load_scorer(model: str | Path | None = None, threads: int = 1) -> Scorer:
    """The scorer of a model.

    Args:
        model: a model file or a run folder; None for the model that ships with the package.
        threads: see `Scorer`.

    Raises:
        ModelError: missing, foreign, damaged, or of another version.
        ConfigError: fewer than one thread.
    """
    if model is None:
        with as_file(files("comparison_net") / "models" / f"{DEFAULT_NAME}.safetensors") as path:
            return Scorer(load_model(path), DEFAULT_NAME, threads)
    path = Path(model)
    return Scorer(load_model(path), path.stem, threads)
