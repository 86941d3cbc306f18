"""Another program as a judge of our candidates: cubeless money, without noise.

Axis legend: K candidates of one decision, M positions.

At 0-ply it judges every candidate; from 1 ply on the 8 best of 0-ply within 0.16 of the top are judged deeper, which is
GNU Backgammon's "normal" filter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.outcome import Outcomes, equities, final_outcomes, from_cumulative
from backgammon.tools.arrays import Boards, Float64s

KEPT = 8
"""Candidates that are searched deeper than 0-ply, at most."""
WITHIN = 0.16
"""... and only those whose 0-ply equity is this close to the best, in points."""


class Ranked(NamedTuple):
    """What the judge thinks of every candidate: the searched ones first, best first, then the others.

    Attributes:
        rows: of the candidates.
        equities: of the mover, cubeless money, aligned with rows.
        plies: depth at which each was judged, aligned with rows.
    """

    rows: list[int]
    equities: list[float]
    plies: list[int]


class PeerJudge(ABC):
    """A program at a ply, as we count them (0: the nets alone)."""

    program: ClassVar[str]
    """Its key in `peer_name.PROGRAMS`."""

    def __init__(self, plies: int) -> None:
        """Judge at a depth, 0 or more plies."""
        self.plies = plies

    @property
    def name(self) -> str:
        """As teachers and reports call it."""
        return f"{self.program} {self.plies}-ply"

    @abstractmethod
    def chances(self, candidates: Boards, plies: int = 0) -> Float64s:
        """The five cumulative probabilities, float64[M, 5], of the player who has just moved.

        Args:
            candidates: int8[M, 26], games that are not over.
            plies: 0 or the depth of this judge.
        """

    def rank(self, candidates: Boards) -> Ranked:
        """Rank candidates int8[K, 26], K >= 1, seen by the player who has just moved."""
        shallow = self._equities(candidates, 0)
        rows = sorted(range(len(shallow)), key=lambda row: -shallow[row])
        if self.plies == 0:
            return Ranked(rows, [shallow[row] for row in rows], [0] * len(rows))
        top = shallow[rows[0]]
        searched = [row for row in rows[:KEPT] if top - shallow[row] <= WITHIN]
        deep = dict(zip(searched, self._equities(candidates[searched], self.plies), strict=True))
        searched.sort(key=lambda row: -deep[row])
        others = [row for row in rows if row not in deep]
        judged = [deep[row] for row in searched] + [shallow[row] for row in others]
        return Ranked(searched + others, judged, [self.plies] * len(searched) + [0] * len(others))

    def _equities(self, candidates: Boards, plies: int) -> list[float]:
        """Cubeless equities of the player who has just moved."""
        values: list[float] = equities(asked_outcomes(candidates, partial(self.chances, plies=plies))).tolist()
        return values


def asked_outcomes(boards: Boards, chances: Callable[[Boards], npt.NDArray[np.floating[Any]]]) -> Outcomes:
    """Outcomes float32[M, 6] of positions int8[M, 26] by somebody's chances; a game that is over has a certain one."""
    is_over, outcomes = final_outcomes(boards)
    if not is_over.all():
        outcomes[~is_over] = from_cumulative(chances(np.ascontiguousarray(boards[~is_over])))
    return outcomes
