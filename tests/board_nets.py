"""Nets on positions for tests: their encoder, its slow twin, and batches of candidates."""

from __future__ import annotations

import copy
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from backgammon.learner.inputs.features import encode
from backgammon.learner.inputs.patterns import patterns_of
from backgammon.learner.net.model_files import make_model
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Int64s
from comparison_net.checkpoint import Model
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet
from comparison_net.encoders import Encoder, FirstLayer

Net = TypeVar("Net", bound=CandidateNet)

ENCODER = BoardEncoder()


class DenseBoardEncoder(BoardEncoder):
    """The same numbers from features that are written out and ordinary matrix products."""

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        units = linear(torch.from_numpy(encode(sets.items)), layer.weight, layer.bias)
        if layer.patterns is not None:
            lists = [torch.from_numpy(rows.astype(np.int64)) for rows in patterns_of(sets.items)]
            units = units + torch.stack([layer.patterns[rows].sum(0) for rows in lists])
        if not is_rectified:
            return units
        units = torch.relu(units)
        if pull and units.requires_grad:
            is_active = (units > 0).detach()
            units.register_hook(lambda gradient: gradient + pull * is_active)  # type: ignore[no-untyped-call]
        return units

    def second_layer(
        self, units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        return Encoder.second_layer(self, units, codes, weight, bias, shift)


def dense_twin(net: Net) -> Net:
    """A copy of a net that computes everything the plain way."""
    twin = copy.deepcopy(net)
    twin.encoder = DenseBoardEncoder()
    return twin


def model_of(net: CandidateNet) -> Model:
    """A net as it would travel."""
    return make_model(net.config, net.weights(), "", {})


def decisions_of(boards: Boards, dice: Dice) -> ChoiceSets:
    """All candidates of decisions int8[N, 26] and int8[N, 2]; the first of each counts as chosen."""
    candidates, offsets = legal_candidates(boards, dice)
    return ChoiceSets(candidates, offsets, np.zeros(len(boards), dtype=np.int64), np.ascontiguousarray(boards))


def alone(candidates: Boards) -> ChoiceSets:
    """Candidates int8[M, 26], each as a decision of its own, seen from itself."""
    boards = np.ascontiguousarray(candidates)
    return ChoiceSets(boards, np.arange(len(boards) + 1), np.zeros(len(boards), dtype=np.int64), boards)
