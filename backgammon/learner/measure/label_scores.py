"""What a chooser loses on labelled decisions: agreement with the judge's choice and points lost, by game phase.

Axis legend: N decisions, M candidates of all of them.

Forced plays are left out. A choice that was judged less deeply than the best, because it was too bad to be searched,
costs the difference between the two equities as they stand; where it shows more than the best it costs nothing.
A choice that nobody judged cannot be priced: the loss is the mean over the others, and the share of such choices stands
beside. Losses are in millipoints a decision; intervals are 95 %, clustered by game.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backgammon.records.decision_set import DecisionSet
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate

MILLIPOINTS = 1000.0


@dataclass(frozen=True)
class ScoreRow:
    """The figures of a group of unforced decisions.

    Attributes:
        name: the phase, or "all".
        decisions: in the group.
        games: that they come from.
        agreement: share in which the choice is the judge's.
        loss: millipoints a decision, over the choices that were judged; None where none was.
        not_judged: share of the choices that nobody judged.
    """

    name: str
    decisions: int
    games: int
    agreement: Estimate
    loss: Estimate | None
    not_judged: float


@dataclass(frozen=True)
class LabelScores:
    """The figures of a chooser; phases without a decision are left out.

    Attributes:
        overall: every unforced decision.
        by_phase: in the order of PHASES.
        forced: decisions without a choice, left out.
    """

    overall: ScoreRow
    by_phase: tuple[ScoreRow, ...]
    forced: int

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and dictionaries for JSON."""
        return asdict(self)


def unforced(found: DecisionSet) -> DecisionSet:
    """The decisions with a choice.

    Raises:
        DataError: there is none.
    """
    kept = found.take(~found.decisions.is_forced)
    if not len(kept):
        raise DataError("every labelled decision is forced: there is nothing to choose")
    return kept


def choice_losses(found: DecisionSet, rows: Int64s) -> Float64s:
    """Millipoints that rows int64[N], counted from the start of each decision, lose, float64[N]; NaN: not judged."""
    return MILLIPOINTS * found.losses[found.decisions.places(rows)].astype(np.float64)


def score_choices(found: DecisionSet, rows: Int64s, losses: Float64s | None = None, forced: int = 0) -> LabelScores:
    """The figures of a chooser.

    Args:
        found: N labelled decisions, unforced.
        rows: int64[N], its choices, counted from the start of each decision.
        losses: float64[N], millipoints, where they are not those of the labels.
        forced: to be reported.
    """
    assert found.labels is not None
    lost = choice_losses(found, rows) if losses is None else losses
    hits = (rows == found.labels.best).astype(np.float64)
    phases, units = phase_codes(found.decisions.boards), found.decisions.unit

    def row(name: str, members: Bools) -> ScoreRow:
        at = np.flatnonzero(members)
        judged = at[~np.isnan(lost[at])]
        return ScoreRow(
            name=name,
            decisions=len(at),
            games=len(np.unique(units[at])),
            agreement=estimate_rate(hits[at], units[at]),
            loss=estimate_mean(lost[judged], units[judged]) if len(judged) else None,
            not_judged=1 - len(judged) / len(at),
        )

    groups = [(name, phases == code) for code, name in enumerate(PHASES)]
    by_phase = tuple(row(name, members) for name, members in groups if members.any())
    return LabelScores(row("all", np.ones(len(found), dtype=np.bool_)), by_phase, forced)
