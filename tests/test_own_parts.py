"""A loss, a router and an encoder from outside the package train through the command line; several seeds in one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.learner.data.shards import Shards, build_shards
from comparison_net.checkpoint import MODEL_KIND, read_tensors
from tests.played_games import taste_games

SMALL = ["--epochs", "2", "--set", "network.hidden=[12,4]", "--set", "held_out=0.2", "--set", "batch_decisions=100"]

THREE = ["--set", "network.experts=3", "--set", "network.choices=3"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(taste_games(16, seed=2), tmp_path_factory.mktemp("data") / "shards")


def run(shards: Shards, out: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["train", str(shards.path), "--out", str(out), *SMALL, *options])


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (["--loss", "tests.own_parts:squared"], (12, 254)),
        (
            ["--head", "tests.own_parts:everybody", "--set", "network.experts=3", "--set", "network.choices=3"],
            (12, 254),
        ),
        (["--set", 'network.inputs="tests.own_parts:PipEncoder"'], (12, 5)),
    ],
    ids=["loss", "router", "encoder"],
)
def test_a_part_of_ones_own_trains(options: list[str], shape: tuple[int, ...], shards: Shards, tmp_path: Path) -> None:
    done = run(shards, tmp_path / "run", *options)
    assert done.exit_code == 0, done.output
    tensors, description = read_tensors(tmp_path / "run" / "model.safetensors", MODEL_KIND)
    assert tensors["trunk.layers.0.weight"].shape == shape
    assert description["summary"]["agreement"] > 0.2
    again = CliRunner().invoke(main, ["train", "--out", str(tmp_path / "run"), "--resume"])
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--loss", "tests.nowhere:squared"], "the module cannot be imported"),
        (["--loss", "tests.own_parts:cubed"], "the module has no 'cubed'"),
        (["--set", 'network.inputs="tests.own_parts:squared"'], "is no encoder; derive it"),
        (["--loss", "ranking"], "loss 'ranking' reads values, and no alternative has one"),
        (["--loss", "soft"], "loss 'soft' reads values, and no alternative has one"),
        (["--seeds", "1,x"], "write whole numbers with commas"),
        (["--seeds", "1,1"], "give at least one, each once"),
    ],
)
def test_what_cannot_be_used_is_one_line(options: list[str], message: str, shards: Shards, tmp_path: Path) -> None:
    done = run(shards, tmp_path / "run", *options)
    assert done.exit_code == 1, done.output
    assert message in done.output.splitlines()[-1]


def test_several_seeds_are_one_command_and_one_table(shards: Shards, tmp_path: Path) -> None:
    done = run(shards, tmp_path / "runs", "--seeds", "1,2,3", "--json", "--track", "csv")
    assert done.exit_code == 0, done.output
    told = (tmp_path / "runs" / "epochs.csv").read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in told] == [[run, epoch] for run in "123" for epoch in "12"]
    summaries = json.loads(done.stdout)
    assert [summary["seed"] for summary in summaries] == [1, 2, 3]
    weights = [
        read_tensors(tmp_path / "runs" / f"seed-{seed}" / "model.safetensors", MODEL_KIND)[0] for seed in (1, 2, 3)
    ]
    assert len({one["head.score.weight"].tobytes() for one in weights}) == 3
    again = CliRunner().invoke(main, ["train", "--out", str(tmp_path / "runs"), "--resume", *SMALL, "--seeds", "1,2,3"])
    assert again.exit_code == 0, again.output
    lines = again.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["seed", "1", "2", "3", "mean", "+-"]
    mean = float(lines[4].split()[1])
    assert mean == pytest.approx(np.mean([summary["agreement"] for summary in summaries]), abs=1e-4)


def test_a_reference_holds_the_scores_near(shards: Shards, tmp_path: Path) -> None:
    """With the reference as start, and a huge scale, hardly anything is left to learn."""
    assert run(shards, tmp_path / "first").exit_code == 0
    first = str(tmp_path / "first")
    options = ["--set", f"start='{first}'", "--set", f"reference='{first}'", "--set", "network.hidden=[12,4]"]
    near = run(shards, tmp_path / "near", *options, "--json")
    assert near.exit_code == 0, near.output
    log = (tmp_path / "near" / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in log if json.loads(line)["event"] == "epoch"]
    sizes = np.log(shards.counts[shards.counts > 1]).mean()
    assert abs(losses[0] - sizes) < 0.35 * sizes, "differences from the reference begin at 0: all alike"
