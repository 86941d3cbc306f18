"""GNU Backgammon (PyPI package `gnubg`, extra [peers]) as a judge of our candidates: cubeless money, without noise.

Axis legend: K candidates of one decision, M positions.

At 0-ply it judges every candidate; from 1 ply on the 8 best of 0-ply within 0.16 of the top are judged deeper, which is
its "normal" filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from backgammon.tools.arrays import Boards, Float64s

KEPT = 8
"""Candidates that are searched deeper than 0-ply, at most."""
WITHIN = 0.16
"""... and only those whose 0-ply equity is this close to the best, in points."""

EngineBoard = tuple[tuple[int, ...], tuple[int, ...]]
"""Counts of the player who is not on roll and of the one who is: points 1..24 from the owner's side, the bar last."""


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


class GnubgJudge:
    """GNU Backgammon at a ply, as it counts them (0: the nets alone)."""

    def __init__(self, plies: int) -> None:
        """Load the engine.

        Raises:
            ImportError: the package is not installed.
        """
        import gnubg

        self.plies = plies
        self._evaluate = gnubg.evaluate
        self._cube = gnubg.cubeinfo(1, -1, 1, 0, (0, 0), 0, 0)
        self._cube["jacoby"] = 0
        self._cube["gammonprice"] = ((1.0, 1.0), (1.0, 1.0))
        self._contexts = {depth: gnubg.evalcontext(0, depth, 1, 1, 0.0) for depth in {0, plies}}

    def rank(self, candidates: Boards) -> Ranked:
        """Rank candidates int8[K, 26], seen by the player who has just moved."""
        boards = list(_after_boards(candidates))
        equities = [self._equity(board, 0) for board in boards]
        rows = sorted(range(len(boards)), key=lambda row: -equities[row])
        if self.plies == 0:
            return Ranked(rows, [equities[row] for row in rows], [0] * len(rows))
        top = equities[rows[0]]
        searched = [row for row in rows[:KEPT] if top - equities[row] <= WITHIN]
        deep = {row: self._equity(boards[row], self.plies) for row in searched}
        searched.sort(key=lambda row: -deep[row])
        others = [row for row in rows if row not in deep]
        judged = [deep[row] for row in searched] + [equities[row] for row in others]
        return Ranked(searched + others, judged, [self.plies] * len(searched) + [0] * len(others))

    @property
    def name(self) -> str:
        """As teachers and reports call it."""
        return f"gnubg {self.plies}-ply"

    def chances(self, candidates: Boards, plies: int = 0) -> Float64s:
        """The five cumulative probabilities, float64[M, 5], of the player who has just moved.

        Args:
            candidates: int8[M, 26], games that are not over.
            plies: 0 or the depth of this judge.
        """
        evaluate, cube, context = self._evaluate, self._cube, self._contexts[plies]
        judged = [evaluate(board, cube, context)[:5] for board in _after_boards(candidates)]
        win, gammon, backgammon, lose_gammon, lose_backgammon = np.array(judged).reshape(-1, 5).T
        return np.stack([1 - win, lose_gammon, lose_backgammon, gammon, backgammon], axis=1)

    def _equity(self, board: EngineBoard, plies: int) -> float:
        """Cubeless equity of the player who has just moved."""
        win, gammon, backgammon, lose_gammon, lose_backgammon = self._evaluate(
            board, self._cube, self._contexts[plies]
        )[:5]
        return -float(2 * win - 1 + gammon + backgammon - lose_gammon - lose_backgammon)


def engine_boards(boards: Boards) -> Iterator[EngineBoard]:
    """Positions int8[M, 26] of the player on roll as the packages take them."""
    own = np.maximum(boards[:, 1:], 0).tolist()
    other = np.maximum(-boards[:, 24::-1], 0).tolist()
    return zip(map(tuple, other), map(tuple, own), strict=True)


def _after_boards(candidates: Boards) -> Iterator[EngineBoard]:
    """Candidates as the engine takes them: it judges the side on roll, the opponent of who has just moved."""
    return engine_boards(-candidates[:, ::-1])
