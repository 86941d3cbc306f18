"""Nets written as ONNX say in onnxruntime what they say in torch, on 10,000 items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comparison_net.choices import ChoiceSets
from comparison_net.domain import OutcomeClasses
from comparison_net.encoders import FeatureEncoder
from comparison_net.estimator import ComparisonRanker
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from comparison_net.onnx_export import export_onnx
from comparison_net.tools import ConfigError
from tests.board_nets import ENCODER
from tests.choice_makers import made_choices

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ITEMS = 10_000
CLASSES = OutcomeClasses(("win", "draw", "loss"), (1.0, 0.0, -1.0))


def encoder() -> FeatureEncoder:
    return FeatureEncoder(6, CLASSES, {"kind": (5, ("a", "b", "c"))}, {"first": 0, "third": 2})


SETTINGS: dict[str, dict[str, Any]] = {
    "linear": {"hidden": ()},
    "dense": {"hidden": (16, 8)},
    "dense with outcomes": {"hidden": (16,), "outcomes": True, "score_from": "sum"},
    "outcomes alone": {"hidden": (16, 8, 4), "outcomes": True, "score_from": "value"},
    "split": {"hidden": (16, 8), "head": "split", "outcomes": True},
    "gate": {"hidden": (16, 8), "head": "gate", "experts": 4, "choices": 2},
    "softmax-token": {"hidden": (16, 8), "head": "softmax-token", "experts": 5, "choices": 2, "outcomes": True},
    "renormalised": {"hidden": (16,), "head": "sinkhorn-token", "experts": 5, "choices": 3, "renormalise": True},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_onnxruntime_says_what_torch_says(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = make_network(NetworkConfig(**SETTINGS[name]), encoder())
    with torch.no_grad():
        for key, parameter in net.named_parameters():
            if key.endswith(("gate.weight", "skip.weight", "score.bias")):
                parameter.normal_(std=0.7)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(ITEMS, 6)).astype(np.float32)
    rows[:, 5] = rng.integers(0, 3, ITEMS)
    sets = ChoiceSets(rows, np.arange(ITEMS + 1), np.zeros(ITEMS, dtype=np.int64))
    with torch.no_grad():
        answers = net.answers(sets)
    export_onnx(net, tmp_path / "net.onnx")
    found = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"items": rows})
    np.testing.assert_allclose(found[0], answers.scores.numpy(), atol=2e-5)
    assert len(found) == 1 + net.config.outcomes
    if net.config.outcomes:
        np.testing.assert_allclose(found[1], answers.probabilities().numpy(), atol=1e-5)


def test_a_fitted_ranker_is_written_with_its_scaling(tmp_path: Path) -> None:
    sets = made_choices(100, seed=1)
    y = np.zeros(sets.num_items)
    y[sets.chosen_items()] = 1
    ranker = ComparisonRanker((8,), epochs=3).fit(sets.items * 50 + 7, y, sets.owners())
    ranker.to_onnx(tmp_path / "ranker.onnx")
    rows = (sets.items * 50 + 7).astype(np.float32)
    (scores,) = onnxruntime.InferenceSession(str(tmp_path / "ranker.onnx")).run(None, {"items": rows})
    np.testing.assert_allclose(scores, ranker.decision_function(rows), atol=1e-4)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written as ONNX"):
        export_onnx(make_network(NetworkConfig((8,)), ENCODER), tmp_path / "board.onnx")
    sets = made_choices(30, seed=1)
    y = np.zeros(sets.num_items)
    y[sets.chosen_items()] = 1
    with pytest.raises(ConfigError, match="one net"):
        ComparisonRanker((4,), epochs=1, num_nets=2).fit(sets.items, y, sets.owners()).to_onnx(tmp_path / "two.onnx")
