"""Mixtures through the training loop: every router trains, resumes, and is played as it was trained."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.learner.data.shards import Shards, build_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.head_names import HEADS
from backgammon.learner.net.mixture_evaluator import Asked, MixtureEvaluator
from backgammon.learner.net.model_files import load_model, make_model, weight_shapes
from backgammon.learner.training.shard_training import train_on_shards
from comparison_net.checkpoint import save_model
from comparison_net.config import TrainConfig, load_config
from comparison_net.moe.cost import multiply_adds
from comparison_net.moe.spread import Spread
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError, ModelError
from comparison_net.training import loop as training
from comparison_net.training.loop import Interrupted
from comparison_net.training.progress import describe_spread
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import RunState
from tests.board_nets import ENCODER, decisions_of
from tests.played_games import taste_games
from tests.test_training import StopAfter, weights_of

SMALL = TrainConfig(
    network=NetworkConfig((16, 4), token_width=4, token_hidden=4, experts=4),
    epochs=1,
    batch_decisions=100,
    held_out=0.2,
    checkpoint_steps=5,
    threads=2,
)
MIXTURES = tuple(head for head in HEADS if head != "dense")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(taste_games(24, seed=2), tmp_path_factory.mktemp("data") / "shards")


def small(**settings: Any) -> TrainConfig:
    """SMALL with other settings of the network, and of the training where the name is one of its own."""
    own = {name: settings.pop(name) for name in list(settings) if hasattr(SMALL, name)}
    return dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, **settings), **own)


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = RunFolder(run).log.read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


@pytest.mark.parametrize("head", MIXTURES)
def test_every_head_trains_and_plays_as_it_was_trained(
    head: str, shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LOG_STEPS", 3)
    has_outcomes = head != "phase-merged"  # asks for the decision, of which chances know nothing
    config = small(head=head, tokens="auto", outcomes=has_outcomes, choices=2)
    train_on_shards(shards, config, tmp_path / "run")
    progress = events(tmp_path / "run", "progress")
    assert len(progress[-1]["load"]) == config.network.for_domain(BOARDS).num_experts(BOARDS)
    assert sum(progress[-1]["load"]) == pytest.approx(1, abs=1e-3)
    assert {"load_variation", "dropped", "gate_entropy"} <= set(progress[-1])
    model = load_model(tmp_path / "run")
    assert model.network == config.network.for_domain(BOARDS)
    net = make_network(model.network, ENCODER)
    net.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in model.weights.items()})
    batch = decisions_of(shards.boards[:30], shards.dice[:30])
    with torch.no_grad():
        expected = net.answers(batch)
    asked = Asked(batch.context, batch.owners())
    scores, logits = MixtureEvaluator(model.network, model.weights).outputs(batch.items, asked)
    assert scores is not None
    np.testing.assert_allclose(scores, expected.scores.numpy(), atol=2e-5)
    if has_outcomes:
        assert expected.logits is not None
        assert logits is not None
        np.testing.assert_allclose(logits, expected.logits.numpy(), atol=2e-5)


@pytest.mark.parametrize("head", ["phase", "softmax-token", "soft"])
def test_the_score_may_be_the_equity(head: str, shards: Shards, tmp_path: Path) -> None:
    config = small(head=head, tokens="auto", outcomes=True, score_from="equity")
    train_on_shards(shards, config, tmp_path / "run")
    weights = load_model(tmp_path / "run").weights
    assert weights["head.temperature"].shape == (1,)
    assert not [name for name in weights if "score" in name]


@pytest.mark.parametrize(
    "config",
    [
        small(head="softmax-token", balance="importance-load", choices=2),
        small(head="phase", tilt=3.0),
        small(head="softmax-token", tokens="locations", average_decay=0.9),
    ],
    ids=["softmax-token", "phase-tilted", "locations"],
)
def test_what_is_drawn_in_training_depends_on_neither_threads_nor_interruptions(
    config: TrainConfig, shards: Shards, tmp_path: Path
) -> None:
    train_on_shards(shards, config, tmp_path / "whole")
    train_on_shards(shards, dataclasses.replace(config, threads=1), tmp_path / "alone")
    assert weights_of(tmp_path / "alone") == weights_of(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train_on_shards(shards, config, tmp_path / "cut", reporter=StopAfter(4))
    train_on_shards(shards, None, tmp_path / "cut", resume=True)
    assert weights_of(tmp_path / "cut") == weights_of(tmp_path / "whole")


@pytest.mark.parametrize("has_moments", [False, True])
def test_a_run_can_start_from_a_dense_one(has_moments: bool, shards: Shards, tmp_path: Path) -> None:
    train_on_shards(shards, SMALL, tmp_path / "dense")
    config = small(head="phase", upcycle=str(tmp_path / "dense"), upcycle_moments=has_moments)
    start = RunState(config, ENCODER)
    start.start_from(tmp_path / "dense", has_moments)
    dense = load_model(tmp_path / "dense" if not has_moments else RunFolder(tmp_path / "dense").last).weights
    for expert in start.net.weights()["experts.layers.0.weight"]:
        np.testing.assert_array_equal(expert, dense["trunk.layers.1.weight"])
    assert bool(start.optimizer.state) == has_moments
    train_on_shards(shards, config, tmp_path / "up")
    first = events(tmp_path / "up", "epoch")[0]["loss"]
    assert first < events(tmp_path / "dense", "epoch")[0]["loss"]


def test_upcycling_refuses_what_does_not_fit(shards: Shards, tmp_path: Path) -> None:
    path = tmp_path / "dense.safetensors"
    save_model(path, make_model(SMALL.network, RunState(SMALL, ENCODER).net.weights(), "none", {}))
    with pytest.raises(ModelError, match="run folder"):
        train_on_shards(shards, small(head="phase", upcycle=str(path), upcycle_moments=True), tmp_path / "a")
    with pytest.raises(ModelError, match="widths"):
        train_on_shards(shards, small(head="phase", hidden=(8, 4), upcycle=str(path)), tmp_path / "b")
    with pytest.raises(ConfigError, match=r"set network\.head"):
        small(upcycle=str(path))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("tilt=2.0",), "only \"phase\" can be tilted"),
        (("network.head=phase", "network.hidden=[]"), "at least one width"),
        (("balance=much",), "one of none, importance"),
        (("network.head=soft", "network.tokens=positions"), "an alternative's score would depend on its rivals"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(overrides=overrides, domain=BOARDS)


@pytest.mark.parametrize("outcomes", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("head", [*HEADS, "locations"])
def test_the_shapes_in_a_model_file_are_those_of_the_net(head: str, layers: int, outcomes: bool) -> None:
    tokens = "locations" if head == "locations" else "auto"
    config = NetworkConfig(
        (12, 7, 5)[: layers + 1],
        head="dense" if head == "locations" else head,
        tokens=tokens,
        outcomes=outcomes and head != "phase-merged",
        score_from="equity" if outcomes and layers == 2 and head != "phase-merged" else "head",
        token_layers=layers,
        split="plan",
    )
    net = make_network(config, ENCODER)
    assert {name: tuple(tensor.shape) for name, tensor in net.named_parameters()} == weight_shapes(config)


def test_multiply_adds_count_the_matrices_that_a_candidate_passes() -> None:
    dense = multiply_adds(NetworkConfig((256, 61)), BOARDS)
    assert dense == 2 * 256 + 256 * 61 + 61
    assert multiply_adds(NetworkConfig((256, 61), head="phase", split="plan"), BOARDS) == dense
    assert multiply_adds(NetworkConfig((256, 61), head="softmax-token"), BOARDS) == dense + 256 * (6 + 1)
    board = NetworkConfig((64, 32), tokens="locations", token_width=16, token_hidden=12)
    expected = 2 * 64 + 64 * 16 + 28 * 16 + 28 * 2 * 16 * 12 + 28 * 16 + (64 + 16) * 32 + 32
    assert multiply_adds(board, BOARDS) == expected


def test_spreads_add_up_by_candidates() -> None:
    one, two = Spread(np.array([1.0, 0.0]), 0.2, 1.0, 30), Spread(np.array([0.5, 0.5]), 0.0, 0.0, 10)
    total = one + two
    np.testing.assert_allclose(total.load, [0.875, 0.125])
    assert total.dropped == pytest.approx(0.15)
    assert total.entropy == pytest.approx(0.75)
    assert total.candidates == 40
    assert total.load_variation == pytest.approx(0.75)


def test_the_command_line_trains_a_head_and_upcycles(shards: Shards, tmp_path: Path) -> None:
    sizes = ["--epochs", "1", "--set", "network.hidden=[16,4]", "--set", "held_out=0.2"]
    dense = tmp_path / "a dense run"
    for out, options in (
        (dense, []),
        (tmp_path / "up", ["--head", "phase", "--upcycle", str(dense)]),
        (tmp_path / "us", ["--head", "us", "--set", "network.token_width=4"]),
    ):
        done = CliRunner().invoke(main, ["train", str(shards.path), "--out", str(out), *sizes, *options])
        assert done.exit_code == 0, done.output
    assert load_model(tmp_path / "us").network.tokens == "locations"
    assert load_config(RunFolder(tmp_path / "up").config).upcycle == str(dense)
    assert "load " in describe_spread(Spread(np.array([1.0]), 0.0, 0.0, 1))
