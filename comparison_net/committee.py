"""A committee: lines, trees and nets learn the same choices, and what each foresees of others' choices is its weight.

N decisions, M alternatives, F features, J members, K folds.

The units (persons, matches) are cut into K folds. Each member learns K times, each time without one fold, and scores
the alternatives of that fold; so every alternative has a score from somebody who has not seen its unit. The weights
are a conditional logit of the choices on these J scores (stacking, Wolpert 1992): who foresees nothing that the others
do not gets none, negative weights are dropped, and together they set the scale. In the end the K forests and the K nets
are averaged, and the lines are fitted once more on everything.

The members (`committee_members`): a line of the features that vary within a set; a line of these and of products of
two features, with a ridge; boosted trees; small nets on the features and their ranks. Which is best differs from data
to data: a line where choices are few, trees where persons are of different kinds, nets where tastes bend.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from comparison_net.choices import ChoiceSets
from comparison_net.committee_members import (
    RIDGES,
    Line,
    Member,
    Rows,
    Scaling,
    Scorer,
    learn_line,
    learn_nets,
    learn_trees,
    mean_log_share,
)
from comparison_net.conditional_logit import fit_logit
from comparison_net.tools import Float64s, Int64s

NUM_FOLDS = 4
LEAST_UNITS = 16
"""With fewer there is a line alone: too few can be held out."""
_STACK_RIDGE = 1e-6
"""Against members that say the same."""
_LEAST_WEIGHT = 1e-3


class Committee:
    """Members with weights.

    Attributes:
        names: of the members that have a weight.
        weights: float64[J], theirs.
        foreseen: by name of every member that was tried: mean log-likelihood of the choices of units it had not seen.
    """

    def __init__(self, sets: ChoiceSets, seed: int = 1, threads: int = 1) -> None:
        """Learn.

        Args:
            sets: items are float[M, F] rows of features; somebody chose in each set.
            seed: of folds, samples and nets.
            threads: workers of the nets; the result does not depend on them.

        Raises:
            DataError: no feature varies within any set.
        """
        scaling = Scaling(sets)
        units = np.arange(len(sets)) if sets.units is None else sets.units
        num_units = int(units.max()) + 1
        none = np.zeros(0, dtype=np.int64)
        line = Line(scaling, none, none)
        self.foreseen: dict[str, float] = {}
        self.names: tuple[str, ...]
        self._scorers: list[Scorer]
        if num_units < LEAST_UNITS:
            columns = replace(sets, items=line.columns(sets.items), names=(), units=None)
            self.names, self.weights, self._scorers = ("line",), np.ones(1), [line.fit(columns)]
            return
        folds = (np.random.default_rng([seed, 5]).permutation(num_units) % NUM_FOLDS)[units]
        members = _learn_members(sets, scaling, line, folds, seed, threads)
        self.foreseen = {name: mean_log_share(sets, member.unseen) for name, member in members.items()}
        self.names, self.weights = weigh(sets, {name: member.unseen for name, member in members.items()})
        self._scorers = [members[name].scorer for name in self.names]

    def scores(self, rows: Rows) -> Float64s:
        """float64[M], comparable within a set, of rows float[M, F]."""
        total = np.zeros(len(rows))
        for weight, scorer in zip(self.weights, self._scorers, strict=True):
            total += weight * scorer(rows)
        return total


def _learn_members(
    sets: ChoiceSets, scaling: Scaling, line: Line, folds: Int64s, seed: int, threads: int
) -> dict[str, Member]:
    """All of them by name."""
    members = {"line": learn_line(sets, line, folds, NUM_FOLDS)}
    products = Line(scaling, *scaling.products())
    if len(products.first):
        members["products"] = learn_line(sets, products, folds, NUM_FOLDS, RIDGES)
    members["trees"] = learn_trees(sets, folds, NUM_FOLDS, seed)
    members["nets"] = learn_nets(sets, scaling, folds, NUM_FOLDS, seed, threads)
    return members


def weigh(sets: ChoiceSets, unseen: dict[str, Float64s]) -> tuple[tuple[str, ...], Float64s]:
    """Who counts, and how much: a logit of the choices on the members' scores, without those who would get less than 0.

    Args:
        sets: the choices.
        unseen: by name of the member, scores float64[M] of what it had not seen.

    Returns:
        names of the J members that count, float64[J] their weights.
    """
    names = list(unseen)
    while True:
        columns = np.column_stack([unseen[name] for name in names])
        stacked = replace(sets, items=columns, names=(), units=None)
        weights = fit_logit(stacked, ridge=_STACK_RIDGE, has_errors=False).coefficients
        if len(names) == 1 or weights.min() > _LEAST_WEIGHT:
            return tuple(names), weights
        names.pop(int(weights.argmin()))
