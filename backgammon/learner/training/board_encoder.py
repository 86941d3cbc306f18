"""Positions to the units of a net in training: the encoder of `board_domain`, on compiled kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from backgammon.evaluation.possible import allowed_outcomes
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import expert_codes, gate_features
from backgammon.learner.inputs.tokens import token_rows
from backgammon.learner.training.bag_layer import bag_layer
from backgammon.learner.training.first_layer import first_layer
from backgammon.learner.training.sampling import keep_candidates
from backgammon.learner.training.second_layer import second_layer
from backgammon.tools.arrays import Bools, Float32s, Int64s
from comparison_net.choices import ChoiceSets
from comparison_net.encoders import Encoder, FirstLayer


class BoardEncoder(Encoder):
    """Candidates int8[M, 26]; the context of a decision is its position before the play, int8[26]."""

    domain = BOARDS
    keep = staticmethod(keep_candidates)

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        """On the processor from the parent's sum to each candidate's, see `first_layer`; elsewhere see `bag_layer`."""
        if layer.weight.device.type == "cpu":
            return first_layer(sets, layer, is_rectified, pull)
        return bag_layer(sets, layer, is_rectified, pull)

    def second_layer(
        self, units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """On the processor on the units that are not zero, see `second_layer`; elsewhere as any encoder."""
        if units.device.type == "cpu":
            return second_layer(units, codes, weight, bias, shift)
        return super().second_layer(units, codes, weight, bias, shift)

    def decisions(self, sets: ChoiceSets) -> ChoiceSets:
        """The positions before the play, seen by the same player as the candidates."""
        boards = sets.context
        return ChoiceSets(boards, np.arange(len(boards) + 1), np.zeros(len(boards), dtype=np.int64), boards)

    def codes(self, sets: ChoiceSets, split: str) -> Int64s:
        """Phase or plan of each candidate."""
        return expert_codes(sets.items, split)

    def gate_features(self, sets: ChoiceSets) -> Float32s:
        """See `codes.GATE_FEATURES`."""
        return gate_features(sets.items)

    def token_rows(self, sets: ChoiceSets) -> Int64s:
        """A row for each (location, count), see `inputs.tokens`."""
        return token_rows(sets.items)

    def possible_outcomes(self, items: Any) -> Bools:
        """What the rules still allow."""
        return allowed_outcomes(items)
