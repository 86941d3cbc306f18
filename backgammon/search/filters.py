"""Which candidates are worth a deeper look: filters by count and equity, GNU Backgammon's and one of our own.

Plies are counted as GNU Backgammon does: 0-ply is the evaluator alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.evaluation.strengths import FILTER_NAMES, MAX_PLIES
from backgammon.tools.arrays import Bools, Float32s, Float64s, Int64s
from backgammon.tools.errors import ConfigError


class MoveFilter(NamedTuple):
    """Candidates that are kept at one depth.

    Attributes:
        accept: so many of the best are kept whatever they are worth.
        extra: so many more ...
        threshold: ... if their equity is within so many points of the best.
    """

    accept: int
    extra: int
    threshold: float

    @property
    def most(self) -> int:
        """The most candidates that are kept."""
        return self.accept + self.extra


class _Widths(NamedTuple):
    """The filters of a name.

    Attributes:
        shallow: after 0-ply, where 1 ply is the depth that is asked for.
        static: after 0-ply, before anything deeper.
        staged: after 1-ply on the way to 2-ply; None for no look at 1 ply.
        deep: after 2-ply on the way to 3-ply.
    """

    shallow: MoveFilter
    static: MoveFilter
    staged: MoveFilter | None
    deep: MoveFilter


def _gnubg(static: MoveFilter, deep: MoveFilter) -> _Widths:
    """Settings of GNU Backgammon's eval.c, where 1-ply never thins out the candidates of a deeper search."""
    return _Widths(static, static, None, deep)


_FILTERS = (
    _gnubg(MoveFilter(0, 5, 0.08), MoveFilter(0, 2, 0.02)),
    _gnubg(MoveFilter(0, 8, 0.12), MoveFilter(0, 2, 0.03)),
    _gnubg(MoveFilter(0, 8, 0.16), MoveFilter(0, 2, 0.04)),
    _gnubg(MoveFilter(0, 16, 0.32), MoveFilter(0, 4, 0.08)),
    _gnubg(MoveFilter(0, 20, 0.44), MoveFilter(0, 6, 0.11)),
    _Widths(MoveFilter(0, 6, 0.10), MoveFilter(0, 8, 0.16), MoveFilter(0, 4, 0.06), MoveFilter(0, 2, 0.04)),
)
"""In the order of FILTER_NAMES."""
_WIDTHS = dict(zip(FILTER_NAMES, _FILTERS, strict=True))


def stages(name: str, plies: int, has_cube: bool = False) -> list[tuple[MoveFilter, int]]:
    """The steps of a search to depth `plies`: (filter of what is known so far, depth of the next look).

    Args:
        name: see `strengths.FILTER_NAMES`.
        plies: 0 to 3.
        has_cube: values are with the cube. At 1 ply they are further from those at 2 ply, and a look there first adds a
            tenth to the loss (docs/experiments/look-ahead.md): then "staged" is "normal".

    The equities of 1 ply are biased against those of even depth, so GNU Backgammon never thins out by them. But the
    bias is nearly the same for all candidates of a decision: "staged" compares them with each other, and only those of
    equal depth are ever compared.

    Raises:
        ConfigError: unknown name, or plies outside 0..3.

    >>> [depth for _, depth in stages("normal", 3)]
    [2, 3]
    >>> [depth for _, depth in stages("staged", 3)]
    [1, 2, 3]
    >>> [depth for _, depth in stages("staged", 3, has_cube=True)]
    [2, 3]
    """
    if name not in _WIDTHS:
        raise ConfigError(f"move filter {name!r} does not exist: choose {', '.join(FILTER_NAMES)}")
    if not 0 <= plies <= MAX_PLIES:
        raise ConfigError(f"{plies} plies: choose from 0 (the evaluator alone) to {MAX_PLIES}")
    if plies == 0:
        return []
    widths = _WIDTHS["normal" if has_cube and name == "staged" else name]
    if plies == 1:
        return [(widths.shallow, 1)]
    steps = [(widths.static, 2)] if widths.staged is None else [(widths.static, 1), (widths.staged, 2)]
    return [*steps, (widths.deep, 3)] if plies == 3 else steps


def keep_candidates(
    move_filter: MoveFilter,
    owners: Int64s,
    equities: Float32s,
    preference: Float32s | Float64s,
) -> Bools:
    """Which candidates pass a filter.

    Args:
        move_filter: how many, how close.
        owners: int64[K], the decision of each candidate, not decreasing.
        equities: float32[K]; the window is measured in these, from that of the most preferred candidate.
        preference: float[K], comparable within a decision; the count follows this order, equal ones in theirs.

    Returns:
        bool[K]; the most preferred candidate of each decision always passes.
    """
    if not len(owners):
        return np.zeros(0, dtype=np.bool_)
    order = np.lexsort((-preference, owners))
    sorted_owners = owners[order]
    is_first = np.r_[True, sorted_owners[1:] != sorted_owners[:-1]]
    starts = np.flatnonzero(is_first)
    decision = np.cumsum(is_first) - 1
    rank = np.arange(len(owners)) - starts[decision]
    gap = equities[order][starts][decision] - equities[order]
    is_kept = (rank < max(1, move_filter.accept)) | (
        (rank < move_filter.most) & (gap <= np.float32(move_filter.threshold))
    )
    kept = np.empty(len(owners), dtype=np.bool_)
    kept[order] = is_kept
    return kept
