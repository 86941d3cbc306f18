"""What a teacher says of decisions, and the labels that a net learns from it.

Axis legend: N decisions, M candidates of all of them.

A ply more moves the level of a whole decision, by a hundredth of a point and more. So the candidates that were not
looked at deeper go along: the mean difference of those that were is added to their equity. Their chances are not
labels: a net that learns from its own would be held where it is by what it says at 0-ply itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.learner.data.decision_shards import pack_outcomes
from backgammon.learner.data.shard_format import NOT_JUDGED
from backgammon.rules import ragged
from backgammon.search import Analysis
from backgammon.tools.arrays import Float32s, Uint16s

_MOST = np.float32(3.0)
"""Points that a game is worth at most."""


class Verdict(NamedTuple):
    """A teacher's word on N decisions.

    Attributes:
        analysis: of every candidate.
        shallow: float32[M], the equities at 0-ply.
    """

    analysis: Analysis
    shallow: Float32s


def labels_of(verdict: Verdict) -> tuple[Float32s, Uint16s]:
    """Labels of all candidates, float32[M] and uint16[M, 5], as `shard_format.LABELS` has them."""
    analysis, shallow = verdict
    offsets, owners = analysis.decisions.offsets, analysis.decisions.owners
    deepest = ragged.spread(ragged.largest(analysis.plies.astype(np.float32), offsets), offsets)
    is_deep = analysis.plies == deepest
    gains = np.bincount(owners[is_deep], (analysis.equities - shallow)[is_deep], len(analysis.decisions))
    shift = gains / np.maximum(np.bincount(owners[is_deep], minlength=len(analysis.decisions)), 1)
    values = np.where(is_deep, analysis.equities, shallow + shift[owners]).astype(np.float32)
    values = np.clip(values, -_MOST, _MOST)  # where a backgammon is sure a shift would go beyond it
    chances = pack_outcomes(analysis.outcomes)
    chances[~is_deep] = NOT_JUDGED
    return values, chances
