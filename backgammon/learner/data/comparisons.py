"""Decisions to batches: candidates generated on the fly, nothing stored, nothing padded.

B decisions, M candidates of all of them together, N the most candidates of one decision, R candidates whose outcome
is known, 6 outcomes in the order of `outcome.OUTCOMES`.

The candidates of a batch stand one decision after the other; `offsets` says where each starts. The move generator
makes tens of millions a second and releases the interpreter lock, so every worker of the training loop generates the
candidates of its own part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backgammon.evaluation.outcome import OUTCOMES, Outcomes, from_cumulative
from backgammon.learner.data.shard_format import NOT_JUDGED, PROBABILITY_UNIT
from backgammon.learner.data.shards import Shards
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Bools, Float32s, Int8s, Int64s, Offsets, Uint16s
from backgammon.tools.errors import DataError


@dataclass(frozen=True, eq=False)
class Comparisons:
    """A batch: every candidate of its decisions, and which one the log expert chose.

    Attributes:
        boards: int8[B, 26], before the play, seen by the player on roll.
        candidates: int8[M, 26], seen by the player who has just moved.
        offsets: int64[B + 1]; decision i owns the candidates offsets[i] to offsets[i + 1].
        chosen: int64[B], counted from the start of the decision.
        points: int8[B], what the player on roll won in the end, 0 unknown; None where nobody asks.
        equities: float32[M], points of the mover, NaN where not judged; None without labels.
        outcomes: uint16[M, 5], see `shard_format.LABELS`; None without labels.
    """

    boards: Boards
    candidates: Boards
    offsets: Offsets
    chosen: Int64s
    points: Int8s | None = None
    equities: Float32s | None = None
    outcomes: Uint16s | None = None

    def __len__(self) -> int:
        return len(self.boards)

    def mask(self) -> Bools:
        """bool[B, N], True where a decision has a candidate; its True entries in row order are the candidates."""
        counts = np.diff(self.offsets)
        columns = np.arange(counts.max())
        is_real: Bools = columns < counts[:, None]
        return is_real

    def equity_losses(self, rows: Int64s) -> Float32s:
        """Points of equity float32[B] that playing candidates `rows` loses to the best; NaN where none was judged.

        Args:
            rows: int64[B], counted from the start of the decision. One that was not judged costs what the worst one
                that was judged costs: labels leave out what looked bad.
        """
        assert self.equities is not None
        starts = self.offsets[:-1]
        played = self.equities[starts + rows]
        worst = np.fmin.reduceat(self.equities, starts)
        return np.fmax.reduceat(self.equities, starts) - np.where(np.isnan(played), worst, played)

    def sample(self, limit: int, rng: np.random.Generator) -> Comparisons:
        """The batch with `limit` candidates of a decision at most: the chosen one, the best judged, and others drawn.

        Half of them are the best by their labels (and the chosen one in any case), the other half come at random from
        the rest: near ones decide, and of the hopeless ones a few are enough to learn that they are.

        Args:
            limit: at least 2.
            rng: draws.
        """
        counts = np.diff(self.offsets)
        owners = np.repeat(np.arange(len(self)), counts)
        chosen_rows = self.offsets[:-1] + self.chosen
        keys = rng.random(len(self.candidates))
        if self.equities is not None:
            by_value = np.lexsort((-self.equities, owners))  # NaN, not judged, stands last
            ranks = np.empty(len(by_value), dtype=np.int64)
            ranks[by_value] = np.arange(len(by_value)) - self.offsets[owners]
            is_best = (ranks < limit // 2) & ~np.isnan(self.equities)
            keys[is_best] -= 1.0
        keys[chosen_rows] = -2.0
        order = np.lexsort((keys, owners))
        places = np.arange(len(order)) - self.offsets[owners]
        kept = np.sort(order[places < limit])
        offsets = np.concatenate([[0], np.cumsum(np.minimum(counts, limit))])
        return Comparisons(
            self.boards,
            self.candidates[kept],
            offsets,
            np.searchsorted(kept, chosen_rows) - offsets[:-1],
            self.points,
            None if self.equities is None else self.equities[kept],
            None if self.outcomes is None else self.outcomes[kept],
        )


class OutcomeTargets(NamedTuple):
    """What the outcome head should say about the candidates of a batch of which something is known.

    Attributes:
        rows: int64[R], ascending, of the M candidates.
        probabilities: float32[R, 6], for the mover.
        weights: float32[R]; they sum to 1 for each decision of which something is known.
        num_decisions: their number.
    """

    rows: Int64s
    probabilities: Outcomes
    weights: Float32s
    num_decisions: int


def outcome_targets(batch: Comparisons) -> OutcomeTargets:
    """Targets of the outcome head: every judged candidate; where none was judged, the result for the chosen one."""
    chosen_rows = batch.offsets[:-1] + batch.chosen
    results = _final_outcomes(batch)
    if batch.outcomes is None:
        rows = chosen_rows[results.any(axis=1)]
        return OutcomeTargets(rows, results[results.any(axis=1)], np.ones(len(rows), np.float32), len(rows))
    is_judged = batch.outcomes[:, 0] != NOT_JUDGED
    num_judged = np.add.reduceat(is_judged.astype(np.int64), batch.offsets[:-1])
    from_result = (num_judged == 0) & results.any(axis=1)
    is_target = is_judged.copy()
    is_target[chosen_rows[from_result]] = True
    rows = np.flatnonzero(is_target)
    targets = np.zeros((len(batch.candidates), len(OUTCOMES)), dtype=np.float32)
    targets[is_judged] = from_cumulative(batch.outcomes[is_judged] / np.float32(PROBABILITY_UNIT))
    targets[chosen_rows[from_result]] = results[from_result]
    shares = np.repeat(1 / np.maximum(num_judged, 1), np.diff(batch.offsets)).astype(np.float32)
    num_decisions = int((num_judged > 0).sum() + from_result.sum())
    return OutcomeTargets(rows, targets[rows], shares[rows], num_decisions)


def _final_outcomes(batch: Comparisons) -> Outcomes:
    """The game's result as certain outcomes float32[B, 6] for the player on roll; all 0 where it is unknown."""
    points = np.zeros(len(batch), np.int64) if batch.points is None else batch.points.astype(np.int64)
    columns = np.where(points > 0, points - 1, 2 - points)
    results: Outcomes = (columns[:, None] == np.arange(len(OUTCOMES))).astype(np.float32)
    results[points == 0] = 0.0
    return results


def make_comparisons(shards: Shards, rows: Int64s) -> Comparisons:
    """The batch of the decisions in `rows`, int64[B] with B >= 1.

    Raises:
        DataError: the move generator does not find the candidates that the shards were built with.
    """
    boards = np.ascontiguousarray(shards.positions[rows])
    candidates, offsets = legal_candidates(boards, shards.dice[rows])
    chosen = shards.chosen[rows].astype(np.int64)
    counts = np.diff(offsets)
    if (counts != shards.num_candidates[rows]).any() or (chosen < 0).any() or (chosen >= counts).any():
        raise DataError(
            f"{shards.path}: candidates differ from those the shards were built with; build the shards again"
        )
    places = shards.candidate_places(rows, offsets) if shards.manifest.labels else None
    return Comparisons(
        boards,
        candidates,
        offsets,
        chosen,
        shards.points[rows],
        None if places is None or shards.equities is None else shards.equities[places],
        None if places is None or shards.outcomes is None else shards.outcomes[places],
    )


def split_rows(shards: Shards, rows: Int64s, part_candidates: int) -> list[Int64s]:
    """`rows` cut into consecutive parts of about `part_candidates` candidates each, alike in size.

    The cut depends on the data alone, not on who works on the parts, so sums over parts are the same for any number of
    workers.
    """
    ends = np.cumsum(shards.num_candidates[rows], dtype=np.int64)
    num_parts = max(1, round(int(ends[-1]) / part_candidates))
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, num_parts) / num_parts, side="right")
    return [part for part in np.split(rows, cuts) if len(part)]
