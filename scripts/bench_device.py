"""What a device does: decisions a second in training, positions judged a second, where the time goes, a whole recipe.

    python -m scripts.bench_device [--device cuda] [--precision bf16] [--batch 8192] [--games 400]
    python -m scripts.bench_device --profile
    python -m scripts.bench_device --device cuda --recipe labelled --seeds 3

Decisions come from games that the net that ships plays, labelled at 0-ply, and are learnt from with
`scripts/recipes/default.toml`. *Streamed* steps make their candidates, *preloaded* ones find them in memory; the ratio
tells what the feed costs. Positions are judged by the net that ships: candidates of these games, 65,536 at a time.

--profile: shares of the time of some steps, by torch.profiler, in a table; one thread, so that shares do not overlap.
--recipe: the whole recipe on a folder of labelled shards, on the device and on the processor with the same seeds, and
the difference of the held-out loss with its 95 % interval over the seeds.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from backgammon.learner.data.comparisons import DecisionSource
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.packed_model import model_file
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.learner.training.device_evaluator import DeviceEvaluator
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.intervals import estimate_mean
from comparison_net.choices import ChoiceSets
from comparison_net.config import TrainConfig, load_config
from comparison_net.encoders import FirstLayer
from comparison_net.training.device import check_device
from comparison_net.training.run_state import make_net, make_optimizer
from comparison_net.training.step import Stepper, measure_pipeline
from scripts.program import program

RECIPE = Path(__file__).resolve().parent / "recipes" / "default.toml"
LEAST = 0.5
"""Seconds that positions are judged for, at least."""
PROFILED_STEPS = 12


@program(__doc__)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or mps.")
@click.option("--precision", default="float32", show_default=True, help="float32 or bf16.")
@click.option("--batch", default=1024, show_default=True, help="Decisions of a step.")
@click.option("--threads", default=0, help="That make candidates, and on the processor learn.  [default: all]")
@click.option("--games", default=400, show_default=True, help="To take decisions from.")
@click.option("--seed", default=20501, show_default=True, help="Of the games.")
@click.option("--profile", "is_profile", is_flag=True, help="Show where the time of a step goes.")
@click.option("--recipe", metavar="SHARDS", help="Train on labelled shards, and compare with the processor.")
@click.option("--seeds", default=3, show_default=True, help="With --recipe.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Of the training; repeatable.")
def main(
    device: str, precision: str, batch: int, threads: int, games: int, seed: int, is_profile: bool, recipe: str | None,
    seeds: int, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Measure a device."""
    own = (f"device={device}", f"precision={precision}", f"batch_decisions={batch}", f"threads={threads}", *settings)
    config = load_config(RECIPE, own, BOARDS)
    check_device(config.device)
    if recipe is not None:
        _compare(open_shards(Path(recipe)), config, seeds)
        return
    with tempfile.TemporaryDirectory() as place:
        shards = _shards(Path(place), games, seed)
        if is_profile:
            _profile(shards, config)
            return
        found = measure_pipeline(DecisionSource(shards), BoardEncoder(), config)
        click.echo(f"training on {device}, {precision}, {batch:,} decisions a step:")
        for name, rate in found.items():
            click.echo(f"  {name:12}{rate:>12,.0f} decisions/s")
        click.echo(f"positions judged on {device}: {_evaluations(shards, device):,.0f} a second")


def _shards(folder: Path, games: int, seed: int) -> Shards:
    """Labelled decisions of games."""
    play_into_shards(pack_teacher(TeacherSpec()), GamesPlan(games, (0.0, 0.05, 0.2), seed), folder / "games")
    label_shards(open_shards(folder / "games"), pack_teacher(TeacherSpec()), folder / "labelled")
    return open_shards(folder / "labelled")


def _evaluations(shards: Shards, device: str) -> float:
    """Positions a second."""
    net = DeviceEvaluator(model_file(None), "default", device)
    boards = shards.decisions(np.arange(min(len(shards), 8192))).candidates
    net.judge(boards[:1000])
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < LEAST or not done:
        done += len(net.judge(boards).outcomes if len(boards) else ())  # type: ignore[arg-type]  # this net has them
    return done / elapsed


def _compare(shards: Shards, config: TrainConfig, seeds: int) -> None:
    """The recipe on the device and on the processor."""
    if shards.equities is None:
        raise DataError(f"{shards.path}: holds no labels; `pairgammon label` makes some")
    losses: dict[str, list[float]] = {}
    for device in dict.fromkeys((config.device, "cpu")):
        for seed in range(1, seeds + 1):
            own = dataclasses.replace(config, device=device, seed=seed, held_out=max(config.held_out, 0.05))
            with tempfile.TemporaryDirectory() as place:
                summary = train_on_shards(shards, own, Path(place) / "run")
            losses.setdefault(device, []).append(float(summary[BOARDS.value_loss]))
            rate = f"{summary['decisions_per_second']:,.0f} decisions/s"
            click.echo(f"{device}, seed {seed}: held-out loss {losses[device][-1]:.3f}, {rate}")
    if config.device != "cpu" and seeds > 1:
        gaps = np.array(losses[config.device]) - np.array(losses["cpu"])
        click.echo(f"{config.device} less processor: {estimate_mean(gaps, np.arange(seeds)).show(3)}")


class _Marked(BoardEncoder):
    """An encoder whose work the profiler can name."""

    def first_layer(self, sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
        """Named."""
        with record_function("first layer"):
            return super().first_layer(sets, layer, is_rectified, pull)

    def second_layer(
        self, units: Tensor, codes: Int64s, weight: Tensor, bias: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """Named."""
        with record_function("experts"):
            return super().second_layer(units, codes, weight, bias, shift)


class _MarkedSource(DecisionSource):
    """A source whose work the profiler can name."""

    def sets(self, rows: Int64s) -> ChoiceSets:
        """Named."""
        with record_function("feed"):
            return super().sets(rows)


PARTS: Mapping[str, tuple[str, ...]] = {
    "feed: candidates and labels": ("feed",),
    "first layer, forwards": ("first layer",),
    "first layer, backwards": ("_FirstLayerBackward", "EmbeddingBagBackward0"),
    "experts, forwards": ("experts",),
    "experts, backwards": ("_SecondLayerBackward", "AddmmBackward0"),
    "optimiser": ("optimiser",),
}
"""Rows of the table, with the names of what is in them."""


def _profile(shards: Shards, config: TrainConfig) -> None:
    """Print where the time of some steps goes."""
    source, encoder = _MarkedSource(shards), _Marked()
    net = make_net(config, encoder)
    optimizer = make_optimizer(net, config)
    optimizer.step = _marked(optimizer.step, "optimiser")  # type: ignore[method-assign]
    rows = np.random.default_rng(config.seed).permutation(len(source))
    steps = [rows[start : start + config.batch_decisions] for start in range(0, len(rows), config.batch_decisions)]
    with Stepper(source, dataclasses.replace(config, threads=1)) as stepper:

        def take(number: int) -> None:
            stepper.train(net, optimizer, steps[number % len(steps)], config.learning_rate, number)

        take(0)
        everywhere = torch._C._profiler._ExperimentalConfig(profile_all_threads=True)
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if config.device == "cuda" else [])]
        start = time.perf_counter()
        with profile(activities=activities, experimental_config=everywhere) as profiler:
            for number in range(1, PROFILED_STEPS + 1):
                take(number)
            whole = time.perf_counter() - start
    spent = {event.key.rpartition(": ")[2]: event.cpu_time_total / 1e6 for event in profiler.key_averages()}
    click.echo(f"{PROFILED_STEPS} steps of {config.batch_decisions:,} decisions on {config.device}, one thread\n")
    left = 1.0
    for title, names in PARTS.items():
        share = sum(spent.get(name, 0.0) for name in names) / whole
        left -= share
        click.echo(f"| {title} | {share:.0%} |")
    click.echo(f"| rest: sampling, losses, sums of gradients, the interpreter, the profiler | {left:.0%} |")


def _marked(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function whose work the profiler can name."""

    def call(*arguments: Any, **named: Any) -> Any:
        with record_function(name):
            return function(*arguments, **named)

    return call


if __name__ == "__main__":
    main()
