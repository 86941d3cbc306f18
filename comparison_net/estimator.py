"""The learner as an estimator with scikit-learn's manners: fit, predict, score, parameters by name.

M rows of a long table, one for each alternative; N choice sets; F features.

scikit-learn itself is not needed. Where it is installed, the estimator is one of its own: clone, pipelines, grid search
and cross-validation work, and `set_fit_request(groups=True)` routes the set ids through them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comparison_net.choice_tables import are_words, column_names, read_column
from comparison_net.choices import UNKNOWN, ChoiceSets, log_shares
from comparison_net.columns import checked_matrix, checked_truths
from comparison_net.committee import Committee
from comparison_net.conditional_logit import LogitFit, fit_logit
from comparison_net.config import TrainConfig
from comparison_net.grouping import Grouping, group_rows, id_column
from comparison_net.network_config import LOG_LOSS, NetworkConfig
from comparison_net.tools import Bools, ConfigError, DataError, Float64s, Int64s

try:
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError as _NotFitted
except ImportError:  # the manners by themselves
    _NotFitted = AttributeError

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name, as scikit-learn has them."""

        def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
            """What the constructor was given."""
            return {name: getattr(self, name) for name in list(inspect.signature(type(self)).parameters)}

        def set_params(self, **params: Any) -> Any:
            """Change what the constructor was given."""
            for name, value in params.items():
                if name not in self.get_params():
                    raise ConfigError(f"no parameter {name!r}; there are {', '.join(self.get_params())}")
                setattr(self, name, value)
            return self


if TYPE_CHECKING:
    from comparison_net.comparator import CandidateNet
    from comparison_net.training.progress import Reporter


_ALWAYS = {"hidden", "random_state", "threads"}
"""Parameters that every kind of ranker takes; the exact ones draw nothing."""


class NotFittedError(ConfigError, _NotFitted):  # type: ignore[misc]  # Any, where there are no stubs
    """The estimator was asked before it was fitted; scikit-learn's error of that name too, where it is installed."""


class ComparisonRanker(BaseEstimator):  # type: ignore[misc]  # Any, where there are no stubs
    """Learns from choices what makes an alternative preferred to its rivals.

    By itself it is a committee of lines, trees and nets, see `committee`; linear (`hidden=()`) the conditional logit,
    fitted exactly; with hidden layers a net, or a mean of several from different seeds.

    Attributes:
        committee_: its members, their weights and what each foresees.
        coef_: float64[F], of the linear one.
        logit_: coefficients, errors and summary of the linear one, see `conditional_logit.LogitFit`.
        nets_: the nets.
        n_features_in_: F.
        feature_names_in_: their names, where a frame was given.

    >>> X = [[1.0], [2.0], [5.0], [3.0], [1.0], [2.0]]
    >>> ranker = ComparisonRanker(hidden=(), alpha=0.1).fit(X, [0, 1, 1, 0, 1, 0], groups=[7, 7, 4, 4, 9, 9])
    >>> ranker.predict(X, groups=[7, 7, 4, 4, 9, 9]).tolist()
    [0, 1, 1, 0, 0, 1]
    """

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        loss: str = "listwise",
        head: str = "dense",
        experts: int = 4,
        choices: int = 1,
        alpha: float = 0.0,
        learning_rate: float = 0.002,
        epochs: int = 100,
        batch_decisions: int = 128,
        held_out: float = 0.1,
        patience: int = 10,
        num_nets: int = 1,
        random_state: Any = 1,
        threads: int = 1,
    ) -> None:
        """Nothing is checked before `fit`, as scikit-learn wants it.

        Args:
            hidden: None for the committee, which has no settings but the seed and threads; () for the conditional
                logit, which has none but `alpha`; otherwise widths of the hidden layers of a net.
            loss: what is minimised, see `config.LOSSES`; of nets.
            head: who computes an alternative, see `network_config.HEADS`; of nets.
            experts: of a mixture.
            choices: experts that an alternative asks for.
            alpha: ridge of the linear one, see `fit_logit`; decay of the weights of nets.
            learning_rate: peak step size; of nets, as all that follows.
            epochs: passes over the decisions at most.
            batch_decisions: decisions in a step.
            held_out: share of the units that decides when to stop; 0 to train all epochs.
            patience: epochs without a better held-out log-likelihood before it stops.
            num_nets: how many, from different seeds and with different units held out; their scores are averaged.
            random_state: seed; None for another one in each fit, or numpy's RandomState to draw one from.
            threads: workers of a step; the result does not depend on them.
        """
        self.hidden = hidden
        self.loss = loss
        self.head = head
        self.experts = experts
        self.choices = choices
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_decisions = batch_decisions
        self.held_out = held_out
        self.patience = patience
        self.num_nets = num_nets
        self.random_state = random_state
        self.threads = threads

    def fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        groups: Any = None,
        *,
        sample_weight: Any = None,
        units: Any = None,
        available: Any = None,
        reporter: Reporter | None = None,
    ) -> ComparisonRanker:
        """Learn.

        Args:
            X: float[M, F], or a data frame of numbers.
            y: bool[M], true for the one row of each set that was chosen.
            groups: M ids of the choice sets, of any type, in any order.
            sample_weight: float[M] the same within a set, or float[N].
            units: ids of what is independent, such as persons: it is held out whole, and errors are clustered by it.
            available: bool[M], rows that could be chosen; None for all.
            reporter: hears of the progress of nets.

        Raises:
            DataError: see `ChoiceSets.from_arrays`.
            ConfigError: a parameter out of range.
        """
        self._check_parameters()
        names, rows = _read_features(X)
        self._require(y)
        if groups is None:
            raise DataError("the rows belong to no set: give groups, the id of the choice set of each row")
        sets = ChoiceSets.from_arrays(
            rows, groups, chosen=y, weights=sample_weight, units=units, available=available, names=names or ()
        )
        _check_known(sets)
        self.n_features_in_ = rows.shape[1]
        if names:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._score: Callable[[Float64s], Float64s]
        if self.hidden is None:
            self._refuse_unused("the committee", "hidden=(16,) for a net", _ALWAYS)
            self.committee_ = Committee(sets, self._seed(), self.threads)
            self._score = self.committee_.scores
        elif not len(self.hidden) and self.head == "dense" and self.loss == "listwise":
            self._refuse_unused("the conditional logit", "hidden=(16,) for a net", {*_ALWAYS, "alpha"})
            self._fit_linear(sets)
        else:
            self._fit_nets(sets, reporter)
        return self

    def _require(self, y: Any) -> None:
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: mark the chosen row of a set"
            )

    def _check_parameters(self) -> None:
        """Refuse what the settings of a net, which check the rest, would not see."""
        widths: Any = self.hidden
        alpha: Any = self.alpha
        if widths is not None and (
            isinstance(widths, str)
            or not np.iterable(widths)
            or not all(isinstance(width, (int, np.integer)) and not isinstance(width, bool) for width in widths)
        ):
            raise ConfigError(f"hidden={widths!r}: give None, or whole numbers in brackets, as in hidden=(16,)")
        if isinstance(self.num_nets, bool) or not isinstance(self.num_nets, (int, np.integer)) or self.num_nets < 1:
            raise ConfigError(f"num_nets={self.num_nets!r}: give a whole number from 1")
        if not isinstance(alpha, (int, float, np.number)) or not 0 <= alpha < np.inf:
            raise ConfigError(f"alpha={self.alpha!r}: give 0 or a positive number")

    def _seed(self) -> int:
        """The seed of a fit: the one that was given, or drawn from what was given, as scikit-learn has it."""
        given = self.random_state
        if given is None:
            return int(np.random.default_rng().integers(2**31))
        if isinstance(given, np.random.RandomState):
            return int(given.randint(2**31 - 1))
        if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 0:
            raise ConfigError(f"random_state={given!r}: give a whole number from 0, None, or a RandomState")
        return int(given)

    def _refuse_unused(self, what: str, mend: str, used: set[str]) -> None:
        """A parameter that would change nothing is a mistake."""
        for name, parameter in inspect.signature(ComparisonRanker).parameters.items():
            if name not in used and getattr(self, name) != parameter.default:
                raise ConfigError(
                    f"{name}={getattr(self, name)!r} has no effect on {what}; leave it out, or set {mend}"
                )

    def _fit_linear(self, sets: ChoiceSets) -> None:
        self.logit_: LogitFit = fit_logit(sets, ridge=self.alpha)
        self.coef_ = self.logit_.coefficients
        self._score = self.logit_.scores

    def _fit_nets(self, sets: ChoiceSets, reporter: Reporter | None) -> None:
        from dataclasses import replace

        from comparison_net.encoders import FeatureEncoder
        from comparison_net.training.choice_source import ChoiceSource
        from comparison_net.training.loop import fit

        means, scales = sets.items.mean(axis=0), sets.items.std(axis=0)
        scales = np.where(scales > 0, scales, 1.0)
        source = ChoiceSource(replace(sets, items=((sets.items - means) / scales).astype(np.float32)))
        self.nets_: list[CandidateNet] = []
        first = self._seed()
        for number in range(self.num_nets):
            encoder = FeatureEncoder(sets.items.shape[1])
            state = fit(source, encoder, self._config(first + number), reporter)
            state.take_best()
            self.nets_.append(state.result())
        self._scaling = means, scales
        self._score = self._mean_of_nets

    def _mean_of_nets(self, rows: Float64s) -> Float64s:
        """Scores of rows float64[M, F]."""
        from comparison_net.comparator import scores_of

        means, scales = self._scaling
        scaled = ((rows - means) / scales).astype(np.float32)
        mean: Float64s = np.mean([scores_of(net, scaled) for net in self.nets_], axis=0)
        return mean

    def _config(self, seed: int) -> TrainConfig:
        """The settings of one net."""
        assert self.hidden is not None
        network = NetworkConfig(
            tuple(int(width) for width in self.hidden), head=self.head, experts=self.experts, choices=self.choices
        )
        return TrainConfig(
            network,
            loss=self.loss,
            epochs=self.epochs,
            batch_decisions=self.batch_decisions,
            learning_rate=self.learning_rate,
            weight_decay=self.alpha,
            held_out=self.held_out,
            split_seed=seed,
            select_by=LOG_LOSS if self.held_out > 0 else "agreement",
            patience=self.patience if self.held_out > 0 else 0,
            seed=seed,
            threads=self.threads,
        )

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told: fit needs y."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def decision_function(self, X: Any) -> Float64s:  # noqa: N803
        """Scores float64[M], comparable within a set, of rows float[M, F].

        Raises:
            NotFittedError: before `fit`.
            DataError: another number of features.
        """
        if not hasattr(self, "_score"):
            raise NotFittedError("this ranker has learnt nothing yet; call fit first")
        names, rows = _read_features(X)
        known = getattr(self, "feature_names_in_", None)
        if names and known is not None and list(names) != list(known):
            raise DataError(
                f"the features are {', '.join(names)}; it was fitted with {', '.join(known)}. The feature names should "
                "match those that were passed during fit"
            )
        if rows.shape[1] != self.n_features_in_:
            expected = f"{type(self).__name__} is expecting {self.n_features_in_} features as input"
            raise DataError(f"X has {rows.shape[1]} features, but {expected}; give the columns it was fitted with")
        return self._score(rows.astype(np.float64))

    def predict_proba(self, X: Any, groups: Any = None, *, available: Any = None) -> Float64s:  # noqa: N803
        """Shares float64[M] of each set's choice, in the order of the rows; 0 for what is not available.

        Args:
            X: float[M, F].
            groups: M ids of the sets; None for one set of all rows.
            available: bool[M].
        """
        scores, grouping = self._grouped(X, groups, available)
        shares = np.zeros(len(scores))
        shares[grouping.order] = np.exp(log_shares(scores[grouping.order], grouping.offsets))
        return shares

    def predict(self, X: Any, groups: Any = None, *, available: Any = None) -> Int64s:  # noqa: N803
        """int64[M], 1 for the preferred row of each set, of equal ones the first; arguments as for `predict_proba`."""
        scores, grouping = self._grouped(X, groups, available)
        ranked = scores[grouping.order]
        largest = np.maximum.reduceat(ranked, grouping.offsets[:-1])[grouping.owners()]
        hits = np.flatnonzero(ranked == largest)
        _, first = np.unique(grouping.owners()[hits], return_index=True)
        chosen = np.zeros(len(scores), dtype=np.int64)
        chosen[grouping.order[hits[first]]] = 1
        return chosen

    def score(
        self,
        X: Any,  # noqa: N803
        y: Any,
        groups: Any = None,
        *,
        sample_weight: Any = None,
        available: Any = None,
    ) -> float:
        """Mean log-likelihood of a choice; arguments as for `fit`."""
        self._require(y)
        scores, grouping = self._grouped(X, groups, available)
        ids = np.zeros(len(scores), dtype=np.int64) if groups is None else groups
        sets = ChoiceSets.from_arrays(
            np.zeros((len(scores), 1)), ids, chosen=y, weights=sample_weight, available=available
        )
        _check_known(sets)
        logs = log_shares(scores[grouping.order], grouping.offsets)[sets.chosen_items()]
        return float(np.average(logs, weights=sets.weights))

    def to_onnx(self, path: Path) -> None:
        """Write the fitted net, its scaling included, see `onnx_export.export_onnx`.

        Raises:
            ConfigError: not one net: the linear one needs no file, several would be one file each.
        """
        from comparison_net.onnx_export import export_onnx

        if len(getattr(self, "nets_", ())) != 1:
            raise ConfigError("only one net can be written: fit with hidden layers and num_nets=1")
        export_onnx(self.nets_[0], path, *self._scaling)

    def _grouped(self, X: Any, groups: Any, available: Any) -> tuple[Float64s, Grouping]:  # noqa: N803
        scores = self.decision_function(X)
        ids = np.zeros(len(scores), dtype=np.int64) if groups is None else id_column(groups, len(scores))
        is_kept: Bools | None = None if available is None else checked_truths(available, len(scores), "available")
        return scores, group_rows(ids, is_kept)


def _check_known(sets: ChoiceSets) -> None:
    """Refuse sets of which nobody knows what was chosen."""
    if (sets.chosen == UNKNOWN).any():
        raise DataError("y holds -1, nobody knows: mark the chosen row of every set")


def _read_features(X: Any) -> tuple[tuple[str, ...] | None, Any]:  # noqa: N803
    """Names, where X has them, and the numbers."""
    if hasattr(X, "columns") or (isinstance(X, dict) and not hasattr(X, "tocsr")):  # a sparse one may be a dict
        names = column_names(X)
        columns = [read_column(X, name) for name in names]
        if len(set(map(len, columns))) > 1:
            raise DataError(f"the columns have {', '.join(str(len(column)) for column in columns)} rows: give as many")
        numbers = checked_matrix(np.column_stack(columns), names)
        return (names if are_words(X) else None), numbers
    return None, checked_matrix(X)
