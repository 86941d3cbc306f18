"""Where a training run takes its decisions from: what it asks of a source, and choice sets in memory as one.

N decisions, U units.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Protocol

import numpy as np

from comparison_net.choices import UNKNOWN, ChoiceSets
from comparison_net.tools import Bools, DataError, Float64s, Int64s


class Source(Protocol):
    """Decisions by number, split once into those to learn from and those to judge by.

    Batches are made when they are asked for, by several threads at once, so that whoever has alternatives that are
    cheap to make need not keep them.
    """

    @property
    def name(self) -> str:
        """What messages call the data."""

    @property
    def fingerprint(self) -> str:
        """Identifies the data wherever it lies; a run goes on only with the same."""

    @property
    def has_values(self) -> bool:
        """True where it is known what alternatives are worth."""

    def __len__(self) -> int:
        """Number of decisions."""

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:
        """Decisions to train on and decisions held out, ascending: whole units only, a share `held_out` of them."""

    def parts(self, rows: Int64s, num_items: int) -> list[Int64s]:
        """`rows`, at least one, cut into parts of about `num_items` alternatives; a function of the data alone."""

    def sets(self, rows: Int64s) -> ChoiceSets:
        """The decisions `rows`, at least one, in that order."""


class ChoiceSource:
    """Choice sets in memory."""

    def __init__(self, sets: ChoiceSets, name: str = "choices") -> None:
        """Nothing is copied.

        Args:
            sets: in each of which somebody chose.
            name: what messages call them.

        Raises:
            DataError: a set of which nobody knows what was chosen.
        """
        if (unknown := np.flatnonzero(sets.chosen == UNKNOWN)).size:
            raise DataError(f"set {unknown[0]}: nobody knows what was chosen; leave it out of training")
        if sets.weights is not None:  # a mean of 1, so that the step size means the same with weights and without
            sets = replace(sets, weights=sets.weights / np.float32(sets.weights.mean()))
        self._sets = sets
        self.name = name

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that is learnt from."""
        sets, digest = self._sets, hashlib.sha256()
        for column in (sets.items, sets.offsets, sets.chosen, sets.context, sets.values, sets.outcomes, sets.weights):
            array = np.ascontiguousarray(np.empty(0) if column is None else column)
            digest.update(f"\0{array.dtype.str} {array.shape}\0".encode() + array.tobytes())
        return digest.hexdigest()

    @property
    def has_values(self) -> bool:
        """True with values."""
        return self._sets.values is not None

    def __len__(self) -> int:
        return len(self._sets)

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:
        """By unit, drawn with the seed."""
        units = np.arange(len(self._sets)) if self._sets.units is None else self._sets.units
        ranks = np.random.default_rng([seed, 7]).permutation(int(units.max()) + 1) / (int(units.max()) + 1)
        return split_units(ranks, units, held_out)

    def parts(self, rows: Int64s, num_items: int) -> list[Int64s]:
        """See `Source`."""
        return cut_evenly(rows, self._sets.counts()[rows], num_items)

    def sets(self, rows: Int64s) -> ChoiceSets:
        """See `Source`."""
        return self._sets.take(rows)


class FoldSource(ChoiceSource):
    """Choice sets of which somebody says which are held out."""

    def __init__(self, sets: ChoiceSets, is_held_out: Bools, name: str = "choices") -> None:
        """As for `ChoiceSource`; is_held_out: bool[N]."""
        super().__init__(sets, name)
        self._is_held_out = is_held_out

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:  # noqa: ARG002 - it is given
        """As it was said."""
        return np.flatnonzero(~self._is_held_out), np.flatnonzero(self._is_held_out)


def split_units(ranks: Float64s, unit: Int64s, held_out: float) -> tuple[Int64s, Int64s]:
    """Decisions to train on and decisions held out, by a rank of each unit.

    Args:
        ranks: float64[U], from 0 to 1; units whose rank is below `held_out` are held out. Two units or more are never
            all on one side unless it is 0.
        unit: int64[N], the unit of each decision.
        held_out: share of the units.

    Returns:
        int64 decisions to train on, int64 decisions held out; each ascending.
    """
    is_held_out = ranks < held_out
    if held_out > 0 and len(ranks) > 1:
        is_held_out[ranks.argmin()] = True
        is_held_out[ranks.argmax()] = False
    elif held_out > 0:
        is_held_out[:] = False
    by_decision = is_held_out[unit]
    return np.flatnonzero(~by_decision), np.flatnonzero(by_decision)


def cut_evenly(rows: Int64s, counts: Int64s, num_items: int) -> list[Int64s]:
    """`rows` cut into consecutive parts of about `num_items` alternatives each, alike in size.

    The cut depends on the data alone, not on who works on the parts, so sums over parts are the same for any number of
    workers.

    Args:
        rows: int64[K], decisions.
        counts: int64[K], alternatives of each.
        num_items: of a part.
    """
    ends = np.cumsum(counts, dtype=np.int64)
    num_parts = max(1, round(int(ends[-1]) / num_items))
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, num_parts) / num_parts, side="right")
    return [part for part in np.split(rows, cuts) if len(part)]
