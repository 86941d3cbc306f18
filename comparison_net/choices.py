"""Choices among alternatives: the one shape of data that the learner reads.

N decisions, each with alternatives of its own; M alternatives of all of them, one decision after the other; L the most
alternatives of one decision; C outcome classes; R alternatives of which an outcome is known.

A decision is one choice set: somebody met its alternatives and took one, or somebody says what each is worth, or both.
What an alternative is does not matter here: items are opaque rows, read by an encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from comparison_net.tools import Bools, Float32s, Int64s


@dataclass(frozen=True, eq=False)
class ChoiceSets:
    """Decisions with all their alternatives.

    Attributes:
        items: M alternatives; anything with a length that an int64 array of rows picks from, such as float32[M, F].
        offsets: int64[N + 1]; decision i owns the items offsets[i] to offsets[i + 1], at least one.
        chosen: int64[N], counted from the start of the decision.
        context: N rows of what the alternatives of a decision have in common, as the encoder wants it; None for none.
        values: float32[M], what each alternative is worth, NaN where unknown; None where nothing is known.
        outcomes: float32[M, C], chances of the outcome classes, rows of NaN where unknown; None likewise.
        weights: float32[N], how much each decision counts; None for all alike.
        strata: int64[N], codes of `Domain.strata`; None for one stratum.
    """

    items: Any
    offsets: Int64s
    chosen: Int64s
    context: Any = None
    values: Float32s | None = None
    outcomes: Float32s | None = None
    weights: Float32s | None = None
    strata: Int64s | None = None

    def __len__(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @property
    def num_items(self) -> int:
        """M."""
        return int(self.offsets[-1])

    def counts(self) -> Int64s:
        """int64[N], alternatives of each decision."""
        return np.diff(self.offsets)

    def owners(self) -> Int64s:
        """int64[M], the decision of each alternative."""
        return np.repeat(np.arange(len(self)), self.counts())

    def chosen_items(self) -> Int64s:
        """int64[N], the chosen alternatives as rows of `items`."""
        return self.offsets[:-1] + self.chosen

    def mask(self) -> Bools:
        """bool[N, L], True where a decision has an alternative; its True entries in row order are the alternatives."""
        counts = self.counts()
        is_real: Bools = np.arange(counts.max()) < counts[:, None]
        return is_real

    def value_losses(self, rows: Int64s) -> Float32s:
        """What taking alternatives `rows` loses to the best, float32[N]; NaN where no value is known.

        Args:
            rows: int64[N], counted from the start of the decision. One of unknown value costs what the worst of known
                value costs: who gives values leaves out what looks bad.
        """
        assert self.values is not None
        starts = self.offsets[:-1]
        taken = self.values[starts + rows]
        worst = np.fmin.reduceat(self.values, starts)
        return np.fmax.reduceat(self.values, starts) - np.where(np.isnan(taken), worst, taken)

    def sample(self, limit: int, rng: np.random.Generator) -> ChoiceSets:
        """The decisions with `limit` alternatives at most: the chosen one, the best by value, and others drawn.

        Half of them are the best by their values (and the chosen one in any case), the other half come at random from
        the rest: near ones decide, and of the hopeless ones a few are enough to learn that they are.

        Args:
            limit: at least 2.
            rng: draws.
        """
        counts, owners, chosen_items = self.counts(), self.owners(), self.chosen_items()
        keys = rng.random(len(owners))
        if self.values is not None:
            by_value = np.lexsort((-self.values, owners))  # NaN, unknown, stands last
            ranks = np.empty(len(by_value), dtype=np.int64)
            ranks[by_value] = np.arange(len(by_value)) - self.offsets[owners]
            is_best = (ranks < limit // 2) & ~np.isnan(self.values)
            keys[is_best] -= 1.0
        keys[chosen_items] = -2.0
        order = np.lexsort((keys, owners))
        places = np.arange(len(order)) - self.offsets[owners]
        kept = np.sort(order[places < limit])
        offsets = np.concatenate([[0], np.cumsum(np.minimum(counts, limit))])
        return ChoiceSets(
            self.items[kept],
            offsets,
            np.searchsorted(kept, chosen_items) - offsets[:-1],
            self.context,
            None if self.values is None else self.values[kept],
            None if self.outcomes is None else self.outcomes[kept],
            self.weights,
            self.strata,
        )

    def take(self, rows: Int64s) -> ChoiceSets:
        """The decisions `rows`, int64[K], in that order."""
        offsets = np.concatenate([[0], np.cumsum(self.counts()[rows])])
        items = np.repeat(self.offsets[rows] - offsets[:-1], np.diff(offsets)) + np.arange(offsets[-1])
        return ChoiceSets(
            self.items[items],
            offsets,
            self.chosen[rows],
            None if self.context is None else self.context[rows],
            None if self.values is None else self.values[items],
            None if self.outcomes is None else self.outcomes[items],
            None if self.weights is None else self.weights[rows],
            None if self.strata is None else self.strata[rows],
        )

    def outcome_targets(self) -> OutcomeTargets | None:
        """What an outcome head should say; None where no outcome is known."""
        if self.outcomes is None:
            return None
        is_known = ~np.isnan(self.outcomes[:, 0])
        num_known = np.add.reduceat(is_known.astype(np.int64), self.offsets[:-1])
        rows = np.flatnonzero(is_known)
        shares = np.repeat(1 / np.maximum(num_known, 1), self.counts()).astype(np.float32)
        return OutcomeTargets(rows, self.outcomes[rows], shares[rows], int((num_known > 0).sum()))


class OutcomeTargets(NamedTuple):
    """What the outcome head should say about the alternatives of which something is known.

    Attributes:
        rows: int64[R], ascending, of the M items.
        probabilities: float32[R, C].
        weights: float32[R]; they sum to 1 for each decision of which something is known.
        num_decisions: their number.
    """

    rows: Int64s
    probabilities: Float32s
    weights: Float32s
    num_decisions: int
