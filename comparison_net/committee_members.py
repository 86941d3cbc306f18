"""The members of a committee: lines, trees and nets, each learnt K times without one fold of the units.

N decisions, M alternatives, F features, K folds.

Every member answers the same: scores float64[M] of the alternatives of the folds that it has not seen, and a scorer of
new rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from comparison_net.boosting import Binning, Boosting, BoostSettings
from comparison_net.choices import ChoiceSets, log_shares
from comparison_net.conditional_logit import fit_logit
from comparison_net.config import TrainConfig
from comparison_net.network_config import LOG_LOSS, NetworkConfig
from comparison_net.tools import DataError, Float32s, Float64s, Int64s

if TYPE_CHECKING:
    from comparison_net.comparator import CandidateNet

MAX_PRODUCTS = 120
RIDGES = (0.1, 0.02, 0.004, 0.0008)
"""Tried for the line of products, per decision."""
LINE_RIDGE = 1e-5
"""Against features that follow from each other."""
NET_HIDDEN = (48, 16)
NET_DECISIONS = 250_000
"""Decisions that a net sees at most."""
NET_EPOCHS = 30
_WIDEST = 5.0
"""Deviations from the mean beyond which a net sees no difference."""
Rows = npt.NDArray[Any]


class Scorer(Protocol):
    """What a member has learnt."""

    def __call__(self, rows: Rows) -> Float64s:
        """Scores float64[M], comparable within a set, of rows float[M, F]."""


class Member(NamedTuple):
    """A member.

    Attributes:
        unseen: float64[M], scores of the alternatives of folds that it had not seen.
        scorer: of new rows.
    """

    unseen: Float64s
    scorer: Scorer


class Scaling:
    """Features brought to mean 0 and deviation 1, and which of them vary within a set."""

    def __init__(self, sets: ChoiceSets) -> None:
        """Of items float[M, F].

        Raises:
            DataError: no feature varies within any set.
        """
        rows = np.asarray(sets.items, dtype=np.float64)
        self.means, deviations = rows.mean(axis=0), rows.std(axis=0)
        self.scales = np.where(deviations > 0, deviations, 1.0)
        varies = (rows != rows[sets.offsets[:-1]][sets.owners()]).any(axis=0)
        self.varying = np.flatnonzero(varies)
        self.constant = np.flatnonzero(~varies & (deviations > 0))
        if not len(self.varying):
            raise DataError("every feature is the same for all alternatives of every set; give one that differs")

    def __call__(self, rows: Rows) -> Float64s:
        """float64[M, F]."""
        scaled: Float64s = (np.asarray(rows, dtype=np.float64) - self.means) / self.scales
        return scaled

    def products(self) -> tuple[Int64s, Int64s]:
        """Pairs of features to multiply, int64[P] twice: one that varies with one of the whole set, then two that vary.

        Only the first kind where both are too many, and none where that is still too many.
        """
        varying, constant = self.varying.tolist(), self.constant.tolist()
        mixed = [(one, other) for one in varying for other in constant]
        own = [(one, other) for place, one in enumerate(varying) for other in varying[place + 1 :]]
        pairs = mixed if len(mixed) + len(own) > MAX_PRODUCTS else mixed + own
        array = np.array(pairs if len(pairs) <= MAX_PRODUCTS else [], dtype=np.int64).reshape(-1, 2)
        return array[:, 0], array[:, 1]


@dataclass(frozen=True, eq=False)
class Line:
    """A line of the features that vary, and of products of features `first` and `second`, int64[P]."""

    scaling: Scaling
    first: Int64s
    second: Int64s
    coefficients: Float64s | None = None

    def columns(self, rows: Rows) -> Float64s:
        """What it reads of rows float[M, F]."""
        scaled = self.scaling(rows)
        return np.concatenate([scaled[:, self.scaling.varying], scaled[:, self.first] * scaled[:, self.second]], axis=1)

    def __call__(self, rows: Rows) -> Float64s:
        """See `Scorer`."""
        assert self.coefficients is not None
        scores: Float64s = self.columns(rows) @ self.coefficients
        return scores

    def fit(self, sets: ChoiceSets, ridge: float = LINE_RIDGE) -> Line:
        """The line of choices; its columns are the items already."""
        return replace(self, coefficients=fit_logit(sets, ridge=ridge, has_errors=False).coefficients)


def learn_line(
    sets: ChoiceSets, line: Line, folds: Int64s, num_folds: int, ridges: tuple[float, ...] = (LINE_RIDGE,)
) -> Member:
    """A line: scores of unseen folds at the ridge that foresees best, and the line of everything at that ridge.

    Args:
        sets: the choices.
        line: what it reads.
        folds: int64[N], the fold of each decision.
        num_folds: K.
        ridges: to try.
    """
    sets = replace(sets, items=line.columns(sets.items), names=(), units=None)
    owners, tried = sets.owners(), {}
    for ridge in ridges:
        scores = np.empty(sets.num_items)
        for fold in range(num_folds):
            learnt = line.fit(sets.take(np.flatnonzero(folds != fold)), ridge)
            assert learnt.coefficients is not None
            scores[folds[owners] == fold] = sets.items[folds[owners] == fold] @ learnt.coefficients
        tried[ridge] = mean_log_share(sets, scores), scores
    best = max(tried, key=lambda ridge: tried[ridge][0])
    return Member(tried[best][1], line.fit(sets, best))


@dataclass(frozen=True, eq=False)
class Forests:
    """The mean of K forests, of each the first trees."""

    binning: Binning
    forests: list[Boosting]
    num_trees: int

    def __call__(self, rows: Rows) -> Float64s:
        """See `Scorer`."""
        codes = self.binning.codes(rows)
        mean: Float64s = np.mean([forest.scores(codes, self.num_trees) for forest in self.forests], axis=0)
        return mean


def learn_trees(sets: ChoiceSets, folds: Int64s, num_folds: int, seed: int) -> Member:
    """Trees: as many for all folds as foresee best; arguments as for `learn_line`."""
    binning = Binning(sets.items)
    codes, settings = binning.codes(sets.items), BoostSettings()
    forests = [
        Boosting(sets, binning, codes, folds != fold, settings, seed * num_folds + fold) for fold in range(num_folds)
    ]
    shortest = min(len(forest.curve) for forest in forests)
    number = int(np.mean([forest.curve[:shortest] for forest in forests], axis=0).argmax()) + 1
    owners, scores = sets.owners(), np.empty(sets.num_items)
    for fold, forest in enumerate(forests):
        scores[folds[owners] == fold] = forest.scores(codes[folds[owners] == fold], number)
    return Member(scores, Forests(binning, forests, number))


@dataclass(frozen=True, eq=False)
class Nets:
    """The mean of K nets on features and their ranks.

    Attributes:
        scaling: of the features.
        binning: ranks of the features.
        ranked: int64[R], features with more than two values.
        nets: of the folds.
    """

    scaling: Scaling
    binning: Binning
    ranked: Int64s
    nets: list[CandidateNet]

    def inputs(self, rows: Rows) -> Float32s:
        """float32[M, F + R] of rows float[M, F]."""
        most = np.array([len(self.binning.edges[feature]) for feature in self.ranked], dtype=np.float32)
        ranks = 2 * self.binning.codes(rows)[:, self.ranked] / most - 1
        return np.concatenate([self.scaling(rows).clip(-_WIDEST, _WIDEST), ranks], axis=1).astype(np.float32)

    def __call__(self, rows: Rows) -> Float64s:
        """See `Scorer`."""
        from comparison_net.comparator import scores_of

        given = self.inputs(rows)
        mean: Float64s = np.mean([scores_of(net, given) for net in self.nets], axis=0)
        return mean


def learn_nets(sets: ChoiceSets, scaling: Scaling, folds: Int64s, num_folds: int, seed: int, threads: int) -> Member:
    """Nets, each stopped on the fold that it does not learn from; arguments as for `learn_line`."""
    from comparison_net.comparator import scores_of
    from comparison_net.encoders import FeatureEncoder
    from comparison_net.training.choice_source import FoldSource
    from comparison_net.training.loop import fit

    binning = Binning(sets.items)
    ranked = np.array([feature for feature, edges in enumerate(binning.edges) if len(edges) > 1], dtype=np.int64)
    nets = Nets(scaling, binning, ranked, [])
    ready = replace(sets, items=nets.inputs(sets.items))
    owners, scores = sets.owners(), np.empty(sets.num_items)
    for fold in range(num_folds):
        config = net_settings(len(sets), seed + fold, threads)
        state = fit(FoldSource(ready, folds == fold), FeatureEncoder(ready.items.shape[1]), config)
        state.take_best()
        nets.nets.append(state.result())
        scores[folds[owners] == fold] = scores_of(nets.nets[-1], ready.items[folds[owners] == fold])
    return Member(scores, nets)


def net_settings(num_sets: int, seed: int, threads: int) -> TrainConfig:
    """The settings of a net for so many decisions."""
    return TrainConfig(
        NetworkConfig(NET_HIDDEN),
        epochs=max(2, min(NET_EPOCHS, NET_DECISIONS // num_sets)),
        batch_decisions=max(32, min(256, num_sets // 20)),
        learning_rate=0.005,
        weight_decay=2.0,
        average_decay=0.9,
        select_by=LOG_LOSS,
        patience=5,
        seed=seed,
        threads=threads,
    )


def mean_log_share(sets: ChoiceSets, scores: Float64s) -> float:
    """Mean log-likelihood of the choices by scores float64[M], weights counted."""
    return float(np.average(log_shares(scores, sets.offsets)[sets.chosen_items()], weights=sets.weights))
