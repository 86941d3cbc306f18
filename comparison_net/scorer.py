"""The trained network at play time, without torch: candidates to scores, decisions to choices.

N decisions, M candidates. Candidates are seen by the player who has just moved; scores are comparable within one
decision only. The arithmetic is that of `kernels`: a candidate's score is the same however it is asked for, alone or
among others.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.errors import ConfigError
from backgammon.movegen import checked_decisions
from backgammon.rules import Decision
from comparison_net.checkpoint import Model, load_model
from comparison_net.features import check_counts, fold
from comparison_net.kernels import FoldedNet, choose_rows, evaluate_boards, fold_net

DEFAULT_NAME = "default"
"""The model that ships with the package, `comparison_net/models/default.safetensors`."""

_CHUNK_DECISIONS = 512
_CHUNK_POSITIONS = 8192
"""What a thread takes at a time."""


def fold_model(model: Model) -> FoldedNet:
    """The network of a model as the kernels read it."""
    output = model.weights["head.score.weight"]
    layers = [
        (model.weights[f"trunk.layers.{index}.weight"], model.weights[f"trunk.layers.{index}.bias"])
        for index in range(len(model.network.hidden))
    ]
    if not layers:
        return fold_net(*fold(output, None), [], np.ones(1, dtype=np.float32), is_linear=True)
    return fold_net(*fold(*layers[0]), layers[1:], output.ravel(), is_linear=False)


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

    def evaluate(self, boards: Board) -> npt.NDArray[np.float32]:
        """Scores of candidates.

        Args:
            boards: int8[M, 26], positions after a play, seen by the player who has just moved.

        Returns:
            float32[M].

        Raises:
            PositionError: another shape or dtype, or impossible counts.
        """
        checked = check_counts(boards)
        scores = np.empty(len(checked), dtype=np.float32)

        def work(first: int, last: int) -> None:
            evaluate_boards(checked[first:last], self._net, scores[first:last])

        self._in_chunks(len(checked), _CHUNK_POSITIONS, work)
        return scores

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
        checked, rolls = checked_decisions(boards, dice)
        rows = np.empty(len(checked), dtype=np.int64)

        def work(first: int, last: int) -> None:
            choose_rows(checked[first:last], rolls[first:last], self._net, rows[first:last])

        self._in_chunks(len(checked), _CHUNK_DECISIONS, work)
        return rows

    def score(self, decision: Decision) -> npt.NDArray[np.float32]:
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
