"""Decisions to training rows: candidates generated and encoded on the fly, nothing padded.

B decisions, M candidates of all of them together, F features, N the most candidates of one decision.

The rows of a batch are the candidates of its decisions one after the other (the network sees real candidates only);
`offsets` says where each decision starts. Generator and encoder release the interpreter lock and make about five
million rows a second and core, so every worker of the training loop makes the rows of its own part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backgammon.errors import DataError
from backgammon.movegen import legal_candidates
from comparison_net.features import NUM_FEATURES, Rows, encode
from comparison_net.shards import Shards


@dataclass(frozen=True, eq=False)
class Comparisons:
    """A batch: every candidate of its decisions, and which one the log expert chose.

    Attributes:
        rows: int64[B], the decisions' rows in the shards.
        features: float32[M, F].
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
        buffer: float32[at least M, F] to hold the features; a new array when None.

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
    if buffer is None:
        buffer = np.empty((len(candidates), NUM_FEATURES), dtype=np.float32)
    return Comparisons(rows, encode(candidates, buffer[: len(candidates)]), offsets, chosen)


def split_rows(shards: Shards, rows: npt.NDArray[np.int64], part_candidates: int) -> list[npt.NDArray[np.int64]]:
    """`rows` cut into consecutive parts of about `part_candidates` candidates each, alike in size.

    The cut depends on the data alone, not on who works on the parts, so sums over parts are the same for any number of
    workers.
    """
    ends = np.cumsum(shards.num_candidates[rows], dtype=np.int64)
    num_parts = max(1, round(int(ends[-1]) / part_candidates))
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, num_parts) / num_parts, side="right")
    return [part for part in np.split(rows, cuts) if len(part)]
