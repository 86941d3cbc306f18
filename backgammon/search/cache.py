"""Values of positions kept between calls: the least recently used go first.

Within a call equal positions are merged before they are judged, so this cache pays only where the same decision comes
back: hints at the table, the next depth of a search with a time limit, analysis of one position by several commands.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np

from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Boards, Bools, Float32s


class OutcomeCache:
    """Outcomes by position and key; safe to use from several threads. A value found is the value computed."""

    def __init__(self, capacity: int = 65_536) -> None:
        """Room for `capacity` positions, about 200 bytes each."""
        self._capacity = capacity
        self._entries: OrderedDict[tuple[str, bytes], Float32s] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Positions kept."""
        return len(self._entries)

    def find(self, key: str, boards: Boards) -> tuple[Bools, Outcomes]:
        """Which of boards int8[K, 26] are known under `key`, bool[K], and their outcomes float32[K, 6]."""
        found = np.zeros(len(boards), dtype=np.bool_)
        outcomes = np.empty((len(boards), 6), dtype=np.float32)
        with self._lock:
            for row, board in enumerate(boards):
                entry = self._entries.get((key, board.tobytes()))
                if entry is not None:
                    self._entries.move_to_end((key, board.tobytes()))
                    found[row] = True
                    outcomes[row] = entry
        return found, outcomes

    def keep(self, key: str, boards: Boards, outcomes: Outcomes) -> None:
        """Remember outcomes float32[K, 6] of boards int8[K, 26]."""
        with self._lock:
            for board, entry in zip(boards, outcomes, strict=True):
                self._entries[key, board.tobytes()] = entry.copy()
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
