"""A net that judges positions on a torch device, many at once; what the generator makes is made on the processor.

Axis legend: M positions after a play, 6 outcomes.

Everything but `judge` follows from it (see `Evaluator`). The numbers are those of the net in training to a millionth,
and those of the compiled one at play time, which rounds its first layer to int16, to a few in the fifth digit. The last
bits of a position's depend on what comes with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement, preferences_of
from backgammon.evaluation.outcome import Outcomes
from backgammon.learner.data.comparisons import choice_sets
from backgammon.learner.inputs.features import check_counts
from backgammon.learner.net.packed_model import model_file
from backgammon.learner.net.scorer import DEFAULT_NAME, Scorer, load_pruner, load_scorer
from backgammon.learner.training.bag_layer import bag_layer
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Boards, Float32s, Float64s, Int64s
from backgammon.tools.errors import ModelError
from comparison_net.choices import ChoiceSets
from comparison_net.encoders import Encoder, FirstLayer
from comparison_net.training.device import check_device
from comparison_net.training.run_state import load_net

ROWS = 65_536
"""Positions in one batch: 512 units of them are 134 MB."""
DECISIONS = 2048
"""Decisions in one batch."""


class DeviceEncoder(BoardEncoder):
    """Layers in plain torch wherever the weights are, the processor among the places."""

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        """See `bag_layer`."""
        return bag_layer(sets, layer, is_rectified, pull)

    def second_layer(
        self, units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """As any encoder."""
        return Encoder.second_layer(self, units, codes, weight, bias, shift)


class DeviceEvaluator(Evaluator):
    """The judgement of a trained net on a device."""

    def __init__(self, path: Path, name: str, device: str) -> None:
        """Load the net.

        Args:
            path: a model file.
            name: what reports call it.
            device: cpu, cuda or mps.

        Raises:
            ConfigError: this machine has no such device.
            ModelError: no usable model, or one without outcomes.
        """
        check_device(device)
        self._net = load_net(path, DeviceEncoder()).to(device)
        if not self._net.config.outcomes:
            raise ModelError(f"{name}: gives no chances; on a device judges a net trained with network.outcomes=true")
        self._name = name
        compiled = load_scorer(path)
        self._scale = compiled.score_scale
        self._identity = f"{compiled.identity}+{device}"

    @property
    def name(self) -> str:
        """The net's name."""
        return self._name

    @property
    def identity(self) -> str:
        """That of the net, and the device: last digits differ from the processor's."""
        return self._identity

    @property
    def score_scale(self) -> float:
        """See `Evaluator.score_scale`."""
        return self._scale

    def judge(self, boards: Boards) -> Judgement:
        """Outcomes, and scores of a net whose score is the position's alone; see `Evaluator.judge`."""
        checked = check_counts(boards)
        said = [self._said(_alone(checked[first : first + ROWS])) for first in range(0, max(1, len(checked)), ROWS)]
        scores = None if self._net.config.asks_decision else np.concatenate([one[0] for one in said])
        return Judgement(scores, np.concatenate([one[1] for one in said]))

    def preferences(self, decisions: Decisions) -> Float64s:
        """See `Evaluator.preferences`."""
        if not self._net.config.asks_decision:
            return super().preferences(decisions)
        starts = range(0, len(decisions), DECISIONS)
        parts = [decisions.take(np.arange(first, min(first + DECISIONS, len(decisions)))) for first in starts]
        scores = np.concatenate([np.zeros(0, dtype=np.float32), *(self._said(choice_sets(part))[0] for part in parts)])
        return preferences_of(Judgement(scores, None), decisions.candidates)

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """See `Evaluator.judge_plays`."""
        if not self._net.config.asks_decision:
            return super().judge_plays(decisions)
        return self.lean(decisions, self.preferences(decisions), self.outcomes(decisions.candidates))

    def _said(self, sets: ChoiceSets) -> tuple[Float32s, Outcomes]:
        """Scores float32[M] and outcomes float32[M, 6] of a batch that fits."""
        with torch.no_grad():
            answers = self._net.answers(sets).in_float32()
            return answers.scores.cpu().numpy(), answers.probabilities().cpu().numpy()


def build_device_engine(spec: EngineSpec, device: str) -> Engine:
    """As `build_engine`, with the net on a device; the small net that proposes replies stays on the processor.

    Raises:
        ConfigError: this machine has no such device.
        ModelError: no usable model, or one without outcomes.
    """
    net = DeviceEvaluator(model_file(spec.model), DEFAULT_NAME if spec.model is None else Path(spec.model).stem, device)
    if not spec.bearoff:
        return Engine(spec, net)
    pruner: Scorer | None = None
    if spec.pruner is not None:
        pruner = load_pruner() if spec.pruner == PRUNER else load_scorer(spec.pruner)
    return Engine(spec, net, find_or_build(), pruner)


def _alone(boards: Boards) -> ChoiceSets:
    """Positions as decisions with one candidate."""
    return ChoiceSets(boards, np.arange(len(boards) + 1), np.zeros(len(boards), dtype=np.int64), boards)
