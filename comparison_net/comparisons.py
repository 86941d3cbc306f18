"""Decisions to batches: candidates generated on the fly, nothing stored, nothing padded.

B decisions, M candidates of all of them together, N the most candidates of one decision.

The candidates of a batch stand one decision after the other; `offsets` says where each starts. The move generator
makes tens of millions a second and releases the interpreter lock, so every worker of the training loop generates the
candidates of its own part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.errors import DataError
from backgammon.movegen import legal_candidates
from comparison_net.shards import Shards


@dataclass(frozen=True, eq=False)
class Comparisons:
    """A batch: every candidate of its decisions, and which one the log expert chose.

    Attributes:
        boards: int8[B, 26], before the play, seen by the player on roll.
        candidates: int8[M, 26], seen by the player who has just moved.
        offsets: int64[B + 1]; decision i owns the candidates offsets[i] to offsets[i + 1].
        chosen: int64[B], counted from the start of the decision.
    """

    boards: Board
    candidates: Board
    offsets: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boards)

    def mask(self) -> npt.NDArray[np.bool_]:
        """bool[B, N], True where a decision has a candidate; its True entries in row order are the candidates."""
        counts = np.diff(self.offsets)
        columns = np.arange(counts.max())
        is_real: npt.NDArray[np.bool_] = columns < counts[:, None]
        return is_real


def make_comparisons(shards: Shards, rows: npt.NDArray[np.int64]) -> Comparisons:
    """The batch of the decisions in `rows`, int64[B] with B >= 1.

    Raises:
        DataError: the move generator does not find the candidates that the shards were built with.
    """
    boards = np.ascontiguousarray(shards.positions[rows])
    candidates, offsets = legal_candidates(boards, shards.dice[rows])
    chosen = shards.chosen[rows].astype(np.int64)
    counts = np.diff(offsets)
    if (counts != shards.num_candidates[rows]).any() or (chosen < 0).any() or (chosen >= counts).any():
        raise DataError(
            f"{shards.path}: candidates differ from those the shards were built with; build the shards again"
        )
    return Comparisons(boards, candidates, offsets, chosen)


def split_rows(shards: Shards, rows: npt.NDArray[np.int64], part_candidates: int) -> list[npt.NDArray[np.int64]]:
    """`rows` cut into consecutive parts of about `part_candidates` candidates each, alike in size.

    The cut depends on the data alone, not on who works on the parts, so sums over parts are the same for any number of
    workers.
    """
    ends = np.cumsum(shards.num_candidates[rows], dtype=np.int64)
    num_parts = max(1, round(int(ends[-1]) / part_candidates))
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, num_parts) / num_parts, side="right")
    return [part for part in np.split(rows, cuts) if len(part)]
