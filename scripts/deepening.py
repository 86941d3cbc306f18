"""Look one ply deeper where it matters: labels that a cheap teacher made, judged again by the engine's look-ahead.

`python -m scripts.label_shards LABELLED --deepen --teacher joint:default --out DEEPER` does it, for a shards folder
with the equities and chances of all candidates (GNU Backgammon 0-ply's in the recipe). In each decision the KEPT best
within WITHIN of the top are judged one ply deeper, where at least two of them are: elsewhere a deeper look would hardly
change the choice.

A ply more moves the level of a whole decision, by a hundredth of a point and more, so the candidates that are not
looked at again go along: the mean difference of those that are is added to their equity. Their chances stay; beside the
equity they serve the level of the outcomes only, where such a shift is small. Decisions without a second good candidate
keep their labels.

A net that learns from its own labels would be held where it is by the chances that it gave at 0-ply itself. With
`values_only` (--values) they are forgotten, and the best candidate is looked at again where it stands alone, or is
the only one.
"""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import Outcomes, cumulative, equities, final_outcomes
from backgammon.learner.data.decision_shards import pack_probabilities
from backgammon.learner.data.shard_format import NOT_JUDGED
from backgammon.learner.data.shards import Shards
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Float32s, Int64s, Offsets, Uint16s

KEPT = 5
"""Candidates of a decision that are judged again, at most."""
WITHIN = 0.08
"""... if they are this close to the best, in points."""

Labels = tuple[Float32s, Uint16s]


def worth_a_look(old: Float32s, offsets: Offsets, least: int = 2) -> Int64s:
    """Rows int64[K] of the candidates that are judged again.

    Args:
        old: float32[M], equities of all candidates of some decisions.
        offsets: int64[B + 1].
        least: good candidates that a decision must have.
    """
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((-old, owners))
    ranks = np.arange(len(old)) - offsets[owners]
    best = old[order[offsets[:-1]]]
    is_near = (ranks < KEPT) & (old[order] >= best[owners[order]] - WITHIN)
    is_open = np.bincount(owners, is_near, len(offsets) - 1) >= least
    rows: Int64s = np.sort(order[is_near & is_open[owners]])
    return rows


def join_labels(
    old: Float32s, old_chances: Uint16s, offsets: Offsets, rows: Int64s,
    found: Outcomes, forgets: bool = False,
) -> Labels:  # fmt: skip
    """The labels with what was judged again, and its decisions moved to the new level.

    Args:
        old: float32[M].
        old_chances: uint16[M, 5].
        offsets: int64[B + 1].
        rows: int64[K], what was judged again.
        found: float32[K, 6], its new outcomes.
        forgets: the chances of the others count as not judged.
    """
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    values = equities(found)
    count = np.bincount(owners[rows], minlength=len(offsets) - 1)
    shift = np.bincount(owners[rows], values - old[rows], len(offsets) - 1) / np.maximum(count, 1)
    new = (old + shift[owners]).astype(np.float32)
    new[rows] = values
    chances = np.full_like(old_chances, NOT_JUDGED) if forgets else np.array(old_chances)
    chances[rows] = pack_probabilities(cumulative(found))
    return new, chances


def deepen(evaluator: Evaluator, shards: Shards, part: slice, values_only: bool = False) -> Labels:
    """The deeper labels of the decisions in `part`.

    Args:
        evaluator: a search.
        shards: with labels.
        part: of its decisions.
        values_only: see the head of this file.
    """
    candidates, offsets = legal_candidates(np.array(shards.boards[part]), np.array(shards.dice[part]))
    assert shards.equities is not None
    assert shards.outcomes is not None
    starts = shards.offsets
    span = slice(int(starts[part.start]), int(starts[part.stop]))
    old = np.array(shards.equities[span])
    rows = worth_a_look(old, offsets, 1 if values_only else 2)
    is_over = final_outcomes(candidates[rows])[0]
    found = evaluator.outcomes(candidates[rows[~is_over]])
    chances = np.array(shards.outcomes[span])
    new, joined = join_labels(old, chances, offsets, rows[~is_over], found, values_only)
    joined[rows[is_over]] = chances[rows[is_over]]  # certain
    return new, joined
