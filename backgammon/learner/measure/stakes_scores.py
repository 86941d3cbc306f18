"""What an engine loses at stakes by labels: plays in matches and money games, and actions with the cube.

Losses are thousandths of an EMG (mpt) a decision, the other side answering best; intervals are 95 %, clustered by unit.

* A play that was judged less deeply than the best, because it was too bad to be searched, costs the difference of the
  two as they stand. One that nobody judged cannot be priced; the share of such plays stands beside.
* Doubling is counted in every cube decision. Taking is counted where a double is in question: by the label, no double
  is worth at most CLOSE more than a double, or the position is too good.
* Another engine's choices, where every label has an "anchor", are scored beside ours: "plays, anchor".
* Within NEAR of the best counts as agreement: exact ties are common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.learner.data.stakes_labels import StakesLabel
from backgammon.notation.gnu_id import position_ids
from backgammon.rules.board import swap
from backgammon.rules.decisions import Decisions
from backgammon.table.cube_games import CubePlayer
from backgammon.tools.arrays import Bools, Float64s
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate

CLOSE = 0.16
"""EMG, GNU Backgammon's bound of a close cube decision."""
NEAR = 5e-4
"""EMG."""
_MPT = 1000.0


@dataclass(frozen=True)
class StakesRow:
    """The figures of a group of decisions.

    Attributes:
        name: "plays, match", "double or not", ...
        decisions: in the group.
        agreement: share of the judge's choices.
        loss: mpt a decision, over those that can be priced; None where none can.
        not_judged: share that nobody judged.
        beyond: of all plays, what the choices lose more than those of the anchor, mpt a decision; None without one.
    """

    name: str
    decisions: int
    agreement: Estimate
    loss: Estimate | None
    not_judged: float = 0.0
    beyond: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def score_at_stakes(engine: CubePlayer, labels: Sequence[StakesLabel]) -> list[StakesRow]:
    """The figures of an engine: plays in matches, in money games, all plays; doubles, answers, and both together.

    Args:
        engine: chooses plays at its plies and turns the cube.
        labels: forced plays count for nothing and may be among them.
    """
    numbers: dict[str, int] = {}
    units = np.array([numbers.setdefault(label.unit, len(numbers)) for label in labels])
    is_play = np.array([label.verdict is None for label in labels])
    rows = _score_plays(engine, [label for label in labels if label.verdict is None], units[is_play])
    cubes = [label for label in labels if label.verdict is not None]
    return rows + _score_cubes(engine, cubes, units[~is_play])


class PlayLosses(NamedTuple):
    """What an engine's choices lose in N plays.

    Attributes:
        losses: float64[N], mpt; NaN where nobody judged the choice.
        is_hit: bool[N], the judge's choice, or one as good.
        is_open: bool[N], there was a choice.
    """

    losses: Float64s
    is_hit: Bools
    is_open: Bools


def play_losses(engine: CubePlayer, labels: Sequence[StakesLabel]) -> PlayLosses:
    """What an engine's choices lose by the labels of plays."""
    boards = np.array([label.line.position.board for label in labels], dtype=np.int8)
    decisions = Decisions.make(boards, np.array([label.line.roll for label in labels], dtype=np.int8))
    noise = np.zeros(len(labels), dtype=np.uint64)
    chosen = engine.choose_plays(boards, decisions.dice, [label.line.stakes for label in labels], noise)
    ids = position_ids(swap(decisions.candidates[decisions.places(chosen)]))
    best = np.array([label.values[label.best] for label in labels])
    found = np.array([label.values.get(after, np.nan) for after, label in zip(ids, labels, strict=True)])
    losses = _MPT * np.maximum(best - found, 0.0)
    is_hit = np.array([after == label.best for after, label in zip(ids, labels, strict=True)])
    return PlayLosses(losses, is_hit | (losses < _MPT * NEAR), ~decisions.is_forced)


def _score_plays(engine: CubePlayer, labels: Sequence[StakesLabel], units: Any) -> list[StakesRow]:
    if not labels:
        return []
    losses, is_hit, is_open = play_losses(engine, labels)
    is_match = np.array([label.line.stakes.is_match for label in labels])
    rows = []
    for name, members in (("plays, match", is_match), ("plays, money", ~is_match), ("plays", is_match | ~is_match)):
        at = np.flatnonzero(members & is_open)
        if len(at) and (name == "plays" or len(at) < is_open.sum()):
            rows.append(_row(name, losses[at], is_hit[at], units[at]))
    at = np.flatnonzero(is_open)
    anchored = [labels[i] for i in at.tolist()]
    if anchored and all(label.anchor for label in anchored):
        lost = _MPT * np.array([label.values[label.best] - label.values[label.anchor] for label in anchored])
        lost = np.maximum(lost, 0.0)
        is_priced = ~np.isnan(losses[at])
        gap = estimate_mean((losses[at] - lost)[is_priced], units[at][is_priced]) if is_priced.any() else None
        rows = [*rows[:-1], replace(rows[-1], beyond=gap), _row("plays, anchor", lost, lost < _MPT * NEAR, units[at])]
    return rows


class CubeLosses(NamedTuple):
    """What an engine loses in N cube decisions, mpt.

    Attributes:
        doubles: float64[N], by doubling or not.
        answers: float64[N], by taking or not.
        asked: bool[N], a double is in question there, so that its answer counts.
    """

    doubles: Float64s
    answers: Float64s
    asked: Bools

    def joined(self, values: tuple[Any, Any] | None = None) -> Any:
        """Doubles, then the answers that count; or two arrays of N in their places."""
        first, second = values or (self.doubles, self.answers)
        return np.concatenate([first, second[self.asked]])


def cube_losses(own: Sequence[CubeVerdict], labels: Sequence[StakesLabel]) -> CubeLosses:
    """What somebody's verdicts lose by the labels of the same cube decisions."""
    told = [label.verdict for label in labels if label.verdict is not None]
    doubles = _MPT * np.array([label.loss(one.is_double) for label, one in zip(told, own, strict=True)])
    answers = _MPT * np.array([label.answer_loss(one.is_take) for label, one in zip(told, own, strict=True)])
    return CubeLosses(doubles, answers, np.array([_is_in_question(label) for label in told]))


def _score_cubes(engine: CubePlayer, labels: Sequence[StakesLabel], units: Any) -> list[StakesRow]:
    if not labels:
        return []
    boards = np.array([label.line.position.board for label in labels], dtype=np.int8)
    losses = cube_losses(engine.decide_cubes(boards, [label.line.stakes for label in labels]), labels)
    answers, asked = losses.answers[losses.asked], losses.asked
    near = _MPT * NEAR
    together = losses.joined()
    return [
        _row("double or not", losses.doubles, losses.doubles < near, units),
        *([_row("take or pass", answers, answers < near, units[asked])] if asked.any() else []),
        _row("cube", together, together < near, losses.joined((units, units))),
    ]


def _is_in_question(label: CubeVerdict) -> bool:
    after = min(label.double_take, label.double_pass)
    return label.no_double - after <= CLOSE or label.is_double or label.is_too_good


def _row(name: str, losses: Any, is_hit: Any, units: Any) -> StakesRow:
    judged = np.flatnonzero(~np.isnan(losses))
    loss = estimate_mean(losses[judged], units[judged]) if len(judged) else None
    rate = estimate_rate(is_hit.astype(np.float64), units)
    return StakesRow(name, len(losses), rate, loss, 1 - len(judged) / len(losses))
