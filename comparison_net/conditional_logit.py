"""The conditional logit: the comparator whose score is linear, fitted exactly, with the errors an analyst reports.

N decisions, M alternatives, F features.

P(alternative i of a set) = exp(b x_i) / sum over the set of exp(b x_j) (McFadden 1974). The log-likelihood is concave,
so Newton's method with step halving finds its maximum. Three covariances of the coefficients: the inverse of the
observed information H; the sandwich H^-1 S H^-1, S the sum of the outer products of the decisions' scores; and the same
with scores added within a unit first, for several decisions of one person. No small-sample factors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparison_net.choices import UNKNOWN, ChoiceSets, log_shares
from comparison_net.tools import ConfigError, DataError, Float64s

MAX_STEPS = 200
_TOLERANCE = 1e-16
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class LogitFit:
    """A fitted conditional logit.

    Attributes:
        names: of the F features.
        coefficients: float64[F].
        covariance: float64[F, F], inverse of the observed information.
        robust: float64[F, F], the sandwich.
        clustered: float64[F, F], the sandwich over units; the same where each decision stands for itself.
        log_likelihood: at the maximum, weights counted.
        null_log_likelihood: with all coefficients 0.
        num_sets: N.
        num_units: number of units.
    """

    names: tuple[str, ...]
    coefficients: Float64s
    covariance: Float64s
    robust: Float64s
    clustered: Float64s
    log_likelihood: float
    null_log_likelihood: float
    num_sets: int
    num_units: int

    def errors(self, kind: str = "classical") -> Float64s:
        """Standard errors float64[F].

        Args:
            kind: "classical", "robust" or "clustered".

        Raises:
            ConfigError: another kind.
        """
        covariances = {"classical": self.covariance, "robust": self.robust, "clustered": self.clustered}
        if kind not in covariances:
            raise ConfigError(f"standard errors {kind!r}: choose {', '.join(covariances)}")
        return np.sqrt(np.diag(covariances[kind]))

    @property
    def odds_ratios(self) -> Float64s:
        """exp(coefficient) float64[F]: how much likelier one more of a feature makes an alternative against another."""
        return np.exp(self.coefficients)

    def summary(self, kind: str = "classical") -> str:
        """A table: coefficient, standard error, z, two-sided p, 95 % interval, odds ratio."""
        errors = self.errors(kind)
        width = max(map(len, (*self.names, "coefficient")))
        lines = [
            f"{self.num_sets:,} decisions, {self.num_units:,} units, log-likelihood {self.log_likelihood:.4f} "
            f"(null {self.null_log_likelihood:.4f}), {kind} errors",
            f"{'':{width}s} {'estimate':>12s} {'error':>12s} {'z':>8s} {'p':>7s} {'95 % interval':>25s} {'odds':>10s}",
        ]
        for name, value, error, odds in zip(self.names, self.coefficients, errors, self.odds_ratios, strict=True):
            z = value / error
            p = math.erfc(abs(z) / math.sqrt(2))
            low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
            lines.append(
                f"{name:{width}s} {value:12.6g} {error:12.6g} {z:8.2f} {p:7.4f} {low:12.5g} {high:12.5g} {odds:10.4g}"
            )
        return "\n".join(lines)

    def scores(self, X: Any) -> Float64s:  # noqa: N803
        """float64[M], comparable within a set, of rows float[M, F]."""
        scores: Float64s = np.asarray(X, dtype=np.float64) @ self.coefficients
        return scores


class _Problem:
    """Log-likelihood of scaled features with its slopes."""

    def __init__(self, sets: ChoiceSets, ridge: float) -> None:
        rows = np.asarray(sets.items, dtype=np.float64)
        largest = np.abs(rows).max(axis=0)
        self.scales = np.where(largest > 0, largest, 1.0)
        self.rows = rows / self.scales
        self.offsets, self.owners, self.chosen = sets.offsets, sets.owners(), sets.chosen_items()
        self.starts = sets.offsets[:-1]
        weights = np.ones(len(sets)) if sets.weights is None else sets.weights.astype(np.float64)
        self.weights = weights
        self.ridge = ridge * weights.sum()

    def log_shares(self, beta: Float64s) -> Float64s:
        """float64[M], logarithm of each alternative's share of its set."""
        return log_shares(self.rows @ beta, self.offsets)

    def value(self, beta: Float64s) -> float:
        """What is climbed."""
        likelihood = float(self.weights @ self.log_shares(beta)[self.chosen])
        penalty: float = 0.5 * self.ridge * float(beta @ beta)
        return likelihood - penalty

    def scores(self, shares: Float64s) -> tuple[Float64s, Float64s]:
        """float64[N, F] gradient of each decision and float64[N, F] mean features of each."""
        means = np.add.reduceat(self.rows * shares[:, None], self.starts)
        return (self.rows[self.chosen] - means) * self.weights[:, None], means

    def information(self, shares: Float64s, means: Float64s) -> Float64s:
        """float64[F, F], observed, without the ridge."""
        by_row = shares * self.weights[self.owners]
        second = self.rows.T @ (self.rows * by_row[:, None])
        information: Float64s = second - means.T @ (means * self.weights[:, None])
        return information


def fit_logit(sets: ChoiceSets, ridge: float = 0.0, has_errors: bool = True) -> LogitFit:
    """The conditional logit of choices.

    Args:
        sets: items are rows of features, float[M, F]; in each set an alternative was chosen.
        ridge: weight of half the summed squares of the coefficients (of features scaled to at most 1) per decision.
        has_errors: also compute the three covariances; without them they are empty.

    Raises:
        DataError: nobody knows what was chosen in a set, a feature is the same within every set, features that depend
            on each other, or one that tells the chosen alternative without fail; with a ridge above 0 the last three
            are allowed.
        ConfigError: a ridge below 0.
    """
    if not 0 <= ridge < np.inf:
        raise ConfigError(f"ridge {ridge}: give 0 or a positive number")
    if (unknown := np.flatnonzero(sets.chosen == UNKNOWN)).size:
        raise DataError(f"set {unknown[0]}: nobody knows what was chosen; leave it out")
    problem = _Problem(sets, ridge)
    names = sets.names or tuple(f"x{number}" for number in range(problem.rows.shape[1]))
    if ridge == 0:
        _check_features(problem, names)
    beta = _climb(problem)
    shares = np.exp(problem.log_shares(beta))
    gradients, means = problem.scores(shares)
    units = np.arange(len(sets)) if sets.units is None else sets.units
    none = np.zeros((0, 0))
    covariance = robust = clustered = none
    if has_errors:
        penalty = problem.ridge * np.eye(len(beta))
        inverse = np.linalg.inv(problem.information(shares, means) + penalty)
        by_unit = np.zeros((int(units.max()) + 1, len(beta)))
        np.add.at(by_unit, units, gradients)
        scale = np.outer(problem.scales, problem.scales)
        covariance = inverse / scale
        robust = inverse @ (gradients.T @ gradients) @ inverse / scale
        clustered = inverse @ (by_unit.T @ by_unit) @ inverse / scale
    logs = -np.log(sets.counts()) * problem.weights
    return LogitFit(
        tuple(names),
        beta / problem.scales,
        covariance,
        robust,
        clustered,
        float(problem.weights @ problem.log_shares(beta)[problem.chosen]),
        float(logs.sum()),
        len(sets),
        len(np.unique(units)),
    )


def _climb(problem: _Problem) -> Float64s:
    """The coefficients float64[F] at the maximum."""
    beta = np.zeros(problem.rows.shape[1])
    now = problem.value(beta)
    for _ in range(MAX_STEPS):
        shares = np.exp(problem.log_shares(beta))
        gradients, means = problem.scores(shares)
        gradient = gradients.sum(axis=0) - problem.ridge * beta
        curvature = problem.information(shares, means) + problem.ridge * np.eye(len(beta))
        curvature += 1e-12 * np.trace(curvature) / len(beta) * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < _TOLERANCE * max(1.0, abs(now)):
            break
        length = 1.0
        while (value := problem.value(beta + length * step)) < now and length > 1e-8:
            length /= 2
        beta, now = beta + length * step, value
    return beta


def _check_features(problem: _Problem, names: tuple[str, ...]) -> None:
    """Refuse features whose coefficients cannot be found."""
    firsts = problem.rows[problem.starts][problem.owners]
    varies = (problem.rows != firsts).any(axis=0)
    if not varies.all():
        raise DataError(
            f"feature {names[int(np.flatnonzero(~varies)[0])]!r} is the same for all alternatives of every set, so it "
            "cancels; multiply it with a feature that varies, leave it out, or give a ridge above 0"
        )
    others = problem.rows - problem.rows[problem.chosen][problem.owners]
    for sign in (1, -1):
        separates = ((sign * others) <= 0).all(axis=0)
        if separates.any():
            raise DataError(
                f"feature {names[int(np.flatnonzero(separates)[0])]!r} is never {'larger' if sign > 0 else 'smaller'} "
                "for an alternative that was not chosen, so its coefficient would be infinite (a class that is never "
                "chosen does that); leave it out, or give a ridge above 0"
            )
    centred = (
        problem.rows
        - (
            np.add.reduceat(problem.rows, problem.starts)
            / np.diff(np.append(problem.starts, len(problem.rows)))[:, None]
        )[problem.owners]
    )
    gram = centred.T @ centred
    lengths = np.sqrt(np.diag(gram))
    smallest = float(np.linalg.eigvalsh(gram / np.outer(lengths, lengths))[0])
    if smallest < 1e-12:
        raise DataError(
            "some features follow from the others within every set (a full set of dummies does that), so their "
            "coefficients are not determined; leave one out, or give a ridge above 0"
        )
