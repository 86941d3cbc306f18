"""Decisions to training rows: candidates generated and encoded on the fly, one batch ahead of the optimiser.

B decisions, M candidates of all of them together, F features, N the most candidates of one decision.

The rows of a batch are the candidates of its decisions one after the other (no padding: the network sees real
candidates only); `offsets` says where each decision starts. `prefetch` makes batches in a thread of its own: move
generator and encoder release the interpreter lock, so they run beside the optimiser.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backgammon.errors import DataError
from backgammon.movegen import legal_candidates
from comparison_net.features import NUM_FEATURES, Rows, encode
from comparison_net.shards import Shards

_SLOTS = 3
"""Feature buffers in turn: one being read, one waiting, one being filled. A queue of length 1 keeps them apart."""


@dataclass(frozen=True, eq=False)
class Comparisons:
    """A batch: every candidate of its decisions, and which one the log expert chose.

    Attributes:
        rows: int64[B], the decisions' rows in the shards.
        features: float32[M, F]; valid until the second next batch is asked for.
        offsets: int64[B + 1]; decision i owns the feature rows offsets[i] to offsets[i + 1].
        chosen: int64[B], counted from the start of the decision.
    """

    rows: npt.NDArray[np.int64]
    features: Rows
    offsets: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]

    def mask(self) -> npt.NDArray[np.bool_]:
        """bool[B, N], True where a decision has a candidate; its True entries in row order are the feature rows."""
        counts = np.diff(self.offsets)
        columns = np.arange(counts.max())
        is_real: npt.NDArray[np.bool_] = columns < counts[:, None]
        return is_real


def make_comparisons(shards: Shards, rows: npt.NDArray[np.int64], buffer: Rows | None = None) -> Comparisons:
    """The batch of the decisions in `rows`.

    Args:
        shards: training data.
        rows: int64[B], B >= 1.
        buffer: float32[at least M, F] to hold the features; a new array is used when it is None or too small.

    Raises:
        DataError: the move generator does not find the candidates that the shards were built with.
    """
    candidates, offsets = legal_candidates(shards.positions[rows], shards.dice[rows])
    chosen = shards.chosen[rows].astype(np.int64)
    counts = np.diff(offsets)
    if (counts != shards.num_candidates[rows]).any() or (chosen < 0).any() or (chosen >= counts).any():
        raise DataError(
            f"{shards.path}: candidates differ from those the shards were built with; build the shards again"
        )
    if buffer is None or len(buffer) < len(candidates):
        buffer = np.empty((len(candidates), NUM_FEATURES), dtype=np.float32)
    return Comparisons(rows, encode(candidates, buffer[: len(candidates)]), offsets, chosen)


def prefetch(shards: Shards, rows: npt.NDArray[np.int64], batch_decisions: int) -> Iterator[Comparisons]:
    """Batches of `rows` in the given order, made by a background thread while the caller works on the previous one.

    Args:
        shards: training data.
        rows: int64[D'], the decisions in the order they are to be used.
        batch_decisions: decisions in a batch; the last one may be smaller.

    Raises:
        DataError: see `make_comparisons`.
    """
    ready: queue.Queue[Comparisons | BaseException | None] = queue.Queue(maxsize=_SLOTS - 2)
    stop = threading.Event()

    def deliver(item: Comparisons | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return
            except queue.Full:
                pass

    def produce() -> None:
        buffers: list[Rows] = [np.empty((0, NUM_FEATURES), dtype=np.float32)] * _SLOTS
        try:
            for number, start in enumerate(range(0, len(rows), batch_decisions)):
                if stop.is_set():
                    return
                chunk = rows[start : start + batch_decisions]
                batch = make_comparisons(shards, chunk, _grown(buffers, number % _SLOTS, shards, chunk))
                deliver(batch)
            deliver(None)
        except BaseException as error:  # handed to the caller, who raises it
            deliver(error)

    thread = threading.Thread(target=produce, name="comparisons", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _grown(buffers: list[Rows], slot: int, shards: Shards, rows: npt.NDArray[np.int64]) -> Rows:
    """The buffer of a slot, replaced by a larger one when the batch needs more rows."""
    needed = int(shards.num_candidates[rows].sum())
    if len(buffers[slot]) < needed:
        buffers[slot] = np.empty((needed + needed // 8, NUM_FEATURES), dtype=np.float32)
    return buffers[slot]
