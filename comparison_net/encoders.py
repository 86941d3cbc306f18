"""Items to numbers: what a net asks of the domain it is made for, and the plainest answer, rows of features.

M items, F features, H units of the first layer, W units of the layer above, E experts, P patterns, C outcome classes,
m tokens of an item.

An encoder computes the first layer itself instead of writing features for it, because a domain may know a shorter way:
alternatives of one decision often differ little, and sparse inputs are sums of few rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from comparison_net.choices import ChoiceSets, Keeper
from comparison_net.domain import Domain, OutcomeClasses, feature_domain
from comparison_net.tools import Bools, ConfigError, DataError, Float32s, Int64s


class FirstLayer(NamedTuple):
    """Parameters of a layer on the inputs.

    Attributes:
        weight: float32[H, F].
        bias: float32[H]; None for zeros.
        patterns: float32[P, H], a row for each pattern; None without them.
    """

    weight: Tensor
    bias: Tensor | None = None
    patterns: Tensor | None = None


def rectify(units: Tensor, pull: float) -> Tensor:
    """Units whose negative ones become 0; `pull` as for `Encoder.first_layer`."""
    units = torch.relu(units)
    if pull and units.requires_grad:
        is_active = (units > 0).detach()
        units.register_hook(lambda gradient: gradient + pull * is_active)  # type: ignore[no-untyped-call]
    return units


class Encoder:
    """Items of one domain, as a net reads them.

    A domain of its own overrides what it offers; `first_layer` is the least. An encoder has no parameters.
    """

    domain: Domain
    keep: Keeper | None = None
    """A faster way to the alternatives that a sample keeps, with the same result; see `choices.kept_items`."""

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        """Units float32[M, H] of all alternatives.

        Args:
            sets: the alternatives.
            layer: its parameters.
            is_rectified: negative units become 0.
            pull: the gradient is that of the loss plus this times the sum of the rectified units, which makes them
                sparse; the loss itself does not show it.
        """
        raise NotImplementedError

    def second_layer(
        self, units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """relu(weight[code] @ units + bias[code] + shift) for every item, float32[M, W].

        Args:
            units: float32[M, H], rectified.
            codes: int64[M], the expert of each item.
            weight: float32[E, W, H].
            bias: float32[E, W].
            shift: float32[M, W]; None for zeros.
        """
        if len(weight) == 1:
            result = linear(units, weight[0], bias[0])
        else:
            order = torch.from_numpy(np.argsort(codes, kind="stable")).to(units.device)
            parts = torch.split(units[order], np.bincount(codes, minlength=len(weight)).tolist())
            outputs = [linear(part, weight[e], bias[e]) for e, part in enumerate(parts)]
            inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
            result = torch.cat(outputs)[inverse]
        return torch.relu(result if shift is None else result + shift)

    def decisions(self, sets: ChoiceSets) -> ChoiceSets:
        """What the alternatives of each decision have in common, as N sets of one item, see `Domain.has_context`."""
        raise NotImplementedError

    def codes(self, sets: ChoiceSets, split: str) -> Int64s:
        """int64[M], the part of each item in a hard split of the domain."""
        raise NotImplementedError

    def gate_features(self, sets: ChoiceSets) -> Float32s:
        """float32[M, C], see `Domain.gate_features`."""
        raise NotImplementedError

    def token_rows(self, sets: ChoiceSets) -> Int64s:
        """int64[M, m], the row place * kinds + kind of each token of the items, see `Domain.tokens`."""
        raise NotImplementedError

    def possible_outcomes(self, items: Any) -> Bools:
        """bool[M, C], the outcome classes that an item can still have; all of them unless the domain knows better."""
        return np.ones((len(items), self.domain.num_outcomes), dtype=np.bool_)


class FeatureEncoder(Encoder):
    """Items that are rows of numbers, float[M, F - K]; some columns may name the part of a split or feed a gate.

    Where decisions have a context float[N, K], its columns stand behind those of the items.
    """

    def __init__(
        self,
        num_features: int,
        outcomes: OutcomeClasses | None = None,
        splits: Mapping[str, tuple[int, Sequence[str]]] | None = None,
        gate_columns: Mapping[str, int] | None = None,
        num_context: int = 0,
    ) -> None:
        """The domain that this describes.

        Args:
            num_features: F, those of the context among them.
            outcomes: classes, if the choices come with what became of them.
            splits: hard splits by name: the column that holds the code of the part, and the names of the parts.
            gate_columns: columns that a learned gate reads, by name.
            num_context: K; the router and the context of a net may look at the decision where there are some.

        Raises:
            ConfigError: a column that does not exist.
        """
        if not 0 <= num_context < num_features:
            raise ConfigError(
                f"{num_context} columns of context among {num_features} features: leave some to the items"
            )
        self.num_context = num_context
        self.split_columns = {name: column for name, (column, _) in (splits or {}).items()}
        self.gate_columns = list((gate_columns or {}).values())
        for column in (*self.split_columns.values(), *self.gate_columns):
            if not 0 <= column < num_features:
                raise ConfigError(f"column {column}: there are {num_features} features, numbered from 0")
        parts = {name: names for name, (_, names) in (splits or {}).items()}
        self.domain = feature_domain(num_features, outcomes, parts, tuple(gate_columns or ()), num_context > 0)

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        """See `Encoder`."""
        units = linear(torch.from_numpy(self.rows(sets)).to(layer.weight.device), layer.weight, layer.bias)
        return rectify(units, pull) if is_rectified else units

    def codes(self, sets: ChoiceSets, split: str) -> Int64s:
        """The column of the split."""
        codes = self.rows(sets)[:, self.split_columns[split]].astype(np.int64)
        most = len(self.domain.splits[split])
        if (wrong := np.flatnonzero((codes < 0) | (codes >= most))).size:
            raise DataError(f"item {wrong[0]}: part {codes[wrong[0]]} of split {split!r}, which has {most} parts")
        return codes

    def gate_features(self, sets: ChoiceSets) -> Float32s:
        """The columns of the gate."""
        return self.rows(sets)[:, self.gate_columns]

    def decisions(self, sets: ChoiceSets) -> ChoiceSets:
        """The columns of the context, behind zeros in the place of an item's own."""
        if sets.context is None:
            raise DataError(f"these decisions have no context, the net was made for {self.num_context} columns of it")
        own = np.zeros((len(sets), self.domain.num_features - self.num_context), dtype=np.float32)
        return ChoiceSets(own, np.arange(len(sets) + 1), np.zeros(len(sets), dtype=np.int64), sets.context)

    def rows(self, sets: ChoiceSets) -> Float32s:
        """float32[M, F], the features of all alternatives with the context of their decisions.

        Raises:
            DataError: another number of features than the net was made for.
        """
        rows = np.asarray(sets.items, dtype=np.float32)
        if sets.context is not None:
            context = np.asarray(sets.context, dtype=np.float32)
            rows = np.concatenate([rows, context[sets.owners()]], axis=1)
        if rows.ndim != 2 or rows.shape[1] != self.domain.num_features:
            raise DataError(f"items are {list(rows.shape)}, the net was made for rows of {self.domain.num_features}")
        return rows
