"""Decisions with what is known of them beside: names, results, and what a judge thinks of the candidates.

N decisions, M candidates of all of them together (see `rules.decisions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Float32s, Int8s, Int64s
from backgammon.tools.errors import DataError


@dataclass(frozen=True, eq=False)
class Labels:
    """What a judge thinks of the candidates.

    Attributes:
        best: int64[N], row of the judge's choice. It need not have the highest equity: one that was judged less deeply
            may show more.
        equities: float32[M], points of the player who makes the play; NaN: not judged.
        plies: int8[M], depth at which each was judged; -1 where that is not known.
        chances: float32[M, 5], GNU Backgammon's cumulative ones; NaN where not known.
        is_cubeful: bool[N], the equities count the cube.
    """

    best: Int64s
    equities: Float32s
    plies: Int8s
    chances: Float32s
    is_cubeful: npt.NDArray[np.bool_]


_BY_CANDIDATE = ("equities", "plies", "chances")


@dataclass(frozen=True, eq=False)
class DecisionSet:
    """Decisions of many games.

    Attributes:
        decisions: N of them; what was played, or preferred, is known.
        unit_names: what the numbers in `decisions.unit` stand for.
        players: N names of the player on roll.
        points: int8[N], +-1, 2, 3 won or lost by the player on roll in the end, cube apart; 0 unknown.
        labels: None where nobody judged.
    """

    decisions: Decisions
    unit_names: Sequence[str]
    players: Sequence[str]
    points: Int8s
    labels: Labels | None = None

    def __post_init__(self) -> None:
        columns = {"players": self.players, "points": self.points, **(vars(self.labels) if self.labels else {})}
        for name, values in columns.items():
            expected = len(self.decisions.candidates if name in _BY_CANDIDATE else self.decisions)
            if len(values) != expected:
                raise DataError(f"{name} has {len(values)} entries, {expected} are needed")

    def __len__(self) -> int:
        return len(self.decisions)

    @cached_property
    def losses(self) -> Float32s:
        """float32[M], points that each candidate loses to the judge's choice; NaN: not judged.

        A candidate that was judged less deeply may look better than the choice: that is no gain.
        """
        assert self.labels is not None, "nobody has judged these decisions"
        offsets, equities = self.decisions.offsets, self.labels.equities
        best = ragged.spread(equities[self.decisions.places(self.labels.best)], offsets)
        losses: Float32s = np.where(np.isnan(equities), np.float32(np.nan), np.maximum(best - equities, np.float32(0)))
        return losses

    def take(self, rows: npt.NDArray[Any]) -> DecisionSet:
        """Some of the decisions, in the order of `rows`: int64[K], or bool[N]."""
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        labels = self.labels
        if labels is not None:
            places, _ = ragged.take(self.decisions.offsets, rows)
            labels = Labels(
                labels.best[rows],
                labels.equities[places],
                labels.plies[places],
                labels.chances[places],
                labels.is_cubeful[rows],
            )
        players = [self.players[row] for row in rows.tolist()]
        return DecisionSet(self.decisions.take(rows), self.unit_names, players, self.points[rows], labels)
