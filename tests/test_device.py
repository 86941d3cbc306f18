"""Training elsewhere than on the processor, and in bfloat16; on CUDA where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comparison_net.checkpoint import MODEL_KIND, read_tensors
from comparison_net.config import TrainConfig, load_config
from comparison_net.encoders import FeatureEncoder
from comparison_net.losses import make_loss
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError
from comparison_net.training.choice_source import ChoiceSource
from comparison_net.training.loop import fit, train
from comparison_net.training.progress import SilentReporter, StepReport
from comparison_net.training.run_state import RunState
from tests.board_nets import ENCODER, decisions_of
from tests.choice_makers import made_choices

SMALL = ["network.hidden=[16,8]", "epochs=3", "batch_decisions=50", "held_out=0.2", "learning_rate=0.01"]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")


def learnt(*overrides: str) -> RunState:
    config = load_config(overrides=[*SMALL, *overrides])
    return fit(ChoiceSource(made_choices(400, seed=31)), FeatureEncoder(3), config)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_before_any_work(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    config = load_config(overrides=[*SMALL, f"device={name}"])
    with pytest.raises(ConfigError, match=f"device = '{name}': this machine has none .* set device=cpu"):
        train(ChoiceSource(made_choices(60, seed=1)), FeatureEncoder(3), config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="device = 'gpu': must be one of cpu, cuda, mps"):
        load_config(overrides=["device=gpu"])
    with pytest.raises(ConfigError, match="precision = 'half': must be one of float32, bf16"):
        load_config(overrides=["precision=half"])


def test_bf16_learns_the_same_within_its_digits_and_its_weights_are_float32() -> None:
    plain, rounded = learnt(), learnt("precision=bf16")
    assert all(array.dtype == np.float32 for array in rounded.result().weights().values())
    one, other = plain.progress.history[-1], rounded.progress.history[-1]
    assert one["loss"] != other["loss"]
    assert other["loss"] == pytest.approx(one["loss"], abs=0.02)
    assert other["agreement"] == pytest.approx(one["agreement"], abs=0.06)


@pytest.mark.parametrize("head", ["dense", "phase", "softmax-token"])
def test_bf16_goes_with_compiled_layers_and_mixtures(head: str, random_play: Any) -> None:
    from comparison_net.training.device import products

    batch = decisions_of(random_play[0][:60], random_play[1][:60])
    torch.manual_seed(6)
    net = make_network(NetworkConfig((24, 8), head=head, experts=3), ENCODER)
    with torch.no_grad():
        plain = net.answers(batch).scores
        with products(TrainConfig(precision="bf16")):
            rounded = net.answers(batch).in_float32().scores
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, plain, rtol=0, atol=0.03)


@pytest.mark.parametrize("heads", [{}, {"outcomes": True}, {"hidden": ()}, {"inputs": "patterns"}], ids=str)
def test_everything_that_a_net_touches_is_where_its_weights_are(heads: dict[str, Any], random_play: Any) -> None:
    """On torch's device without numbers, where an operation that mixes it with the processor's tensors is refused."""
    sets = decisions_of(random_play[0][:20], random_play[1][:20])
    net = make_network(NetworkConfig(**{"hidden": (16, 8), **heads}), ENCODER).to("meta")
    answers = net.answers(sets)
    mask = torch.from_numpy(sets.mask()).to("meta")
    assert {answers.scores.device.type, answers.padded(mask).device.type} == {"meta"}
    assert answers.logits is None or answers.logits.device.type == "meta"
    losses = make_loss(TrainConfig())(answers.padded(mask), mask, torch.from_numpy(sets.chosen).to("meta"))
    gradients = torch.autograd.grad(losses.sum(), list(net.parameters()), allow_unused=True)
    assert {one.device.type for one in gradients if one is not None} == {"meta"}


@needs_cuda
def test_cuda_learns_what_the_processor_learns() -> None:
    here, there = learnt(), learnt("device=cuda")
    assert there.progress.history[-1]["loss"] == pytest.approx(here.progress.history[-1]["loss"], abs=1e-3)
    for name, array in here.result().weights().items():
        np.testing.assert_allclose(there.result().weights()[name], array, atol=2e-2, err_msg=name)


class Stopping(SilentReporter):
    """Somebody who kills a run in the middle of its second epoch."""

    def step(self, report: StepReport) -> None:
        if report.step == 9:
            raise KeyboardInterrupt


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_a_run_goes_on_to_the_same_bytes_on_one_device(device: str, tmp_path: Path) -> None:
    source, encoder = ChoiceSource(made_choices(300, seed=3)), FeatureEncoder(3)
    config = load_config(overrides=[*SMALL, f"device={device}", "checkpoint_steps=4"])
    train(source, encoder, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(source, encoder, config, tmp_path / "broken", reporter=Stopping())
    train(source, encoder, None, tmp_path / "broken", resume=True)
    whole, broken = (tmp_path / name / "model.safetensors" for name in ("whole", "broken"))
    assert whole.read_bytes() == broken.read_bytes()


def test_a_model_does_not_remember_where_it_was_made(tmp_path: Path) -> None:
    config = load_config(overrides=SMALL)
    train(ChoiceSource(made_choices(100, seed=2)), FeatureEncoder(3), config, tmp_path / "run")
    _, description = read_tensors(tmp_path / "run" / "model.safetensors", MODEL_KIND)
    assert "device" not in str(description)
    assert 'device = "cpu"' in (tmp_path / "run" / "config.toml").read_text()
