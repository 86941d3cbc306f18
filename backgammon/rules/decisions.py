"""Many decisions as arrays, the one form in which the project hands them on; a single one is a `Decision`.

Axis legend: N decisions, M candidates of all of them together, decision after decision in canonical order; the
candidates of decision i are the rows offsets[i] to offsets[i + 1]. What belongs to a decision or to a candidate
(labels, values, names) stands beside in arrays of N or M rows; `ragged` works on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.rules import ragged
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Bools, Dice, Int64s, Offsets
from backgammon.tools.errors import IllegalPlay


@dataclass(frozen=True, eq=False)
class Decisions:
    """N decisions with all their candidates.

    Attributes:
        boards: int8[N, 26], seen by the player on roll.
        dice: int8[N, 2], larger first.
        candidates: int8[M, 26], seen by the player who has just moved.
        offsets: int64[N + 1].
        chosen: int64[N], row of what was played, counted from the start of the decision; None where nobody knows.
        unit: int64[N], number of what is independent of everything else: the match, or the game of a money session.
    """

    boards: Boards
    dice: Dice
    candidates: Boards
    offsets: Offsets
    chosen: Int64s | None
    unit: Int64s

    @classmethod
    def make(
        cls,
        boards: Boards,
        dice: Dice,
        chosen: npt.NDArray[np.integer[Any]] | None = None,
        unit: npt.NDArray[np.integer[Any]] | None = None,
    ) -> Decisions:
        """The decisions that rolls offer.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6, in either order.
            chosen: int[N], see the attribute.
            unit: int[N]; None: each decision stands for itself.

        Raises:
            PositionError, DiceError: see `legal_candidates`.
            IllegalPlay: a chosen row that is no candidate.
        """
        candidates, offsets = legal_candidates(boards, dice)
        decisions = cls(
            np.ascontiguousarray(boards, dtype=np.int8),
            -np.sort(-np.asarray(dice, dtype=np.int8), axis=1),
            candidates,
            offsets,
            None if chosen is None else np.asarray(chosen, dtype=np.int64),
            np.arange(len(boards)) if unit is None else np.asarray(unit, dtype=np.int64),
        )
        decisions.check_rows(decisions.chosen)
        return decisions

    @classmethod
    def of(cls, decisions: Sequence[Decision]) -> Decisions:
        """Single decisions together, each for itself; what was chosen is known if every one knows it."""
        rows = [decision.chosen for decision in decisions if decision.chosen is not None]
        empty = np.zeros((0, 26), dtype=np.int8)
        return cls(
            np.array([decision.position.board for decision in decisions], dtype=np.int8).reshape(-1, 26),
            np.array([decision.roll for decision in decisions], dtype=np.int8).reshape(-1, 2),
            np.concatenate([empty, *(decision.candidates for decision in decisions)]),
            ragged.offsets_of(np.array([len(decision.candidates) for decision in decisions], dtype=np.int64)),
            np.array(rows, dtype=np.int64) if len(rows) == len(decisions) else None,
            np.arange(len(decisions)),
        )

    @classmethod
    def join(cls, parts: Sequence[Decisions]) -> Decisions:
        """All decisions of the parts, one part after the other; what was chosen is known if every part knows it."""
        if len(parts) == 1:
            return parts[0]
        chosen = [part.chosen for part in parts if part.chosen is not None]
        empty = np.zeros((0, 26), dtype=np.int8)
        none = np.zeros(0, dtype=np.int64)
        return cls(
            np.concatenate([empty, *(part.boards for part in parts)]),
            np.concatenate([empty[:, :2], *(part.dice for part in parts)]),
            np.concatenate([empty, *(part.candidates for part in parts)]),
            ragged.offsets_of(np.concatenate([none, *(part.counts for part in parts)])),
            np.concatenate([none, *chosen]) if len(chosen) == len(parts) else None,
            np.concatenate([none, *(part.unit for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.boards)

    def __iter__(self) -> Iterator[Decision]:
        """Each as a `Decision`."""
        return map(self.one, range(len(self)))

    def one(self, index: int) -> Decision:
        """Decision number `index` by itself."""
        high, low = self.dice[index].tolist()
        candidates = self.candidates[self.offsets[index] : self.offsets[index + 1]]
        candidates.setflags(write=False)
        chosen = None if self.chosen is None else int(self.chosen[index])
        return Decision(Position(self.boards[index]), Roll(high, low), candidates, chosen)

    @cached_property
    def counts(self) -> Int64s:
        """int64[N], candidates of each."""
        return np.diff(self.offsets)

    @cached_property
    def owners(self) -> Int64s:
        """int64[M], the decision of each candidate."""
        return ragged.owners(self.offsets)

    @property
    def is_forced(self) -> Bools:
        """bool[N], True where there is nothing to choose."""
        is_forced: Bools = self.counts == 1
        return is_forced

    def places(self, rows: Int64s) -> Int64s:
        """Where candidates `rows`, int64[N] counted from the start of each decision, stand among all M, int64[N]."""
        places: Int64s = self.offsets[:-1] + rows
        return places

    @property
    def chosen_rows(self) -> Int64s:
        """`chosen` where it must be known, int64[N]."""
        assert self.chosen is not None, "nobody knows what was chosen"
        return self.chosen

    @property
    def afters(self) -> Boards:
        """int8[N, 26], the positions after the chosen plays, seen by the player who has just moved."""
        afters: Boards = self.candidates[self.places(self.chosen_rows)]
        return afters

    def take(self, rows: npt.NDArray[Any]) -> Decisions:
        """Some of the decisions, in the order of `rows`: int64[K], or bool[N]."""
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        places, offsets = ragged.take(self.offsets, rows)
        chosen = None if self.chosen is None else self.chosen[rows]
        return Decisions(self.boards[rows], self.dice[rows], self.candidates[places], offsets, chosen, self.unit[rows])

    def choosing(self, rows: npt.NDArray[np.integer[Any]]) -> Decisions:
        """The same decisions with other choices, rows int[N] counted from the start of each.

        Raises:
            IllegalPlay: a row that is no candidate.
        """
        chosen = np.asarray(rows, dtype=np.int64)
        self.check_rows(chosen)
        return Decisions(self.boards, self.dice, self.candidates, self.offsets, chosen, self.unit)

    def check_rows(self, rows: Int64s | None) -> None:
        """Refuse rows int64[N], counted from the start of each decision, that are no candidates.

        Raises:
            IllegalPlay: with the first of them.
        """
        if rows is None:
            return
        if len(rows) != len(self):
            raise IllegalPlay(f"{len(rows)} chosen rows for {len(self)} decisions")
        wrong = np.flatnonzero((rows < 0) | (rows >= self.counts))
        if len(wrong):
            at = int(wrong[0])
            raise IllegalPlay(f"decision {at}: candidate {rows[at]} does not exist, this roll has {self.counts[at]}")
