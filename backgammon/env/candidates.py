"""Lists of candidates as they stand in `info["candidates"]`.

They are sequences and not bare arrays because lists of several games have different lengths, and Gymnasium's own
vectorisation (SyncVectorEnv, AsyncVectorEnv) stacks every bare array it meets in an info.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.rules.board import Board
from backgammon.tools.arrays import Offsets


class Candidates(Sequence[Board]):
    """The candidates of one decision; numpy takes it as int8[N, 26].

    Attributes:
        rows: int8[N, 26], canonical order, seen by the player who would have just moved.

    >>> candidates = Candidates(np.zeros((3, 26), dtype=np.int8))
    >>> len(candidates), np.asarray(candidates).shape
    (3, (3, 26))
    """

    def __init__(self, rows: Board) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        return self.rows[row]

    def __iter__(self) -> Iterator[Board]:
        return iter(self.rows)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False and dtype not in (None, self.rows.dtype):
            raise ValueError("another dtype needs a copy")
        return np.array(self.rows, dtype=dtype, copy=bool(copy) or None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidates) and np.array_equal(self.rows, other.rows)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Candidates({len(self)} positions)"


class RaggedCandidates(Sequence[Board]):
    """The candidates of many games at once: `ragged[i]` is int8[N_i, 26] of game i.

    Attributes:
        rows: int8[M, 26] of all games; those of game i are rows offsets[i] to offsets[i + 1].
        offsets: int64[N + 1].
    """

    def __init__(self, rows: Board, offsets: Offsets) -> None:
        self.rows = rows
        self.offsets = offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, game: Any) -> Any:
        if isinstance(game, slice):
            return [self[i] for i in range(*game.indices(len(self)))]
        i = range(len(self))[game]
        return self.rows[self.offsets[i] : self.offsets[i + 1]]

    def __iter__(self) -> Iterator[Board]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"RaggedCandidates({len(self.rows)} positions of {len(self)} games)"
