"""The experiment on mixtures of experts: every recipe trained alike on expert logs, judged on labelled decisions.

    python -m scripts.moe_experiment LOGS... --labels FILE ... --work DIR [--cells NAME,...] [--seeds 1,2,3]
    python -m scripts.moe_table DIR

A cell is a recipe (`scripts/recipes/mixtures/NAME.toml`) and a seed; its result is a file in DIR, so a run that was
broken off goes on where it stopped. All cells see the same decisions in the same order with the same sampled rivals:
the chosen candidate and a few of the rejected ones, drawn anew in every epoch. Upcycled cells start from the dense net
of their seed after its first epoch and train for the remaining ones on the dense net's schedule, so they cost no more
than the others. One thread, so that cells may run side by side without changing their figures.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch

from backgammon.learner.data.comparisons import bare_sets, make_comparisons
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.measure.label_scores import choice_losses
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.records import DecisionSet, read_labels, read_logs
from backgammon.rules import ragged
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.storage import replace_file
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, TrainingDraw
from comparison_net.config import load_config
from comparison_net.losses import listwise_loss
from comparison_net.moe.upcycle import upcycle, upcycle_moments
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from scripts.program import program

RECIPES = Path(__file__).parent / "recipes" / "mixtures"
BATCH_DECISIONS = 256
LEARNING_RATE = 0.002
WARMUP_STEPS = 200
WEIGHT_DECAY = 0.1
SNAPSHOT_EPOCH = 1

UPCYCLED: dict[str, tuple[str, str, bool, dict[str, Any]]] = {
    "phase-up": ("phase", "dense", True, {}),
    "phase-up-fresh": ("phase", "dense", False, {}),
    "plan-up": ("plan", "dense", True, {}),
    "softmax-token-up": ("softmax-token", "dense", True, {"renormalise": False}),
    "softmax-token-up-norm": ("softmax-token", "dense", True, {"renormalise": True, "choices": 2}),
    "board-softmax-token-up": ("board-softmax-token", "board-dense", True, {}),
}
"""Cell: recipe, dense recipe it starts from (whose widths it takes), are moments copied, settings that differ."""

BORROWED: dict[str, tuple[str, str]] = {"board-us-free-borrowed": ("board-us-free", "board-softmax-token")}
"""Cell: recipe, recipe whose finished weights it plays with; not trained. USMoE's training-free form is meant so."""

CELLS: tuple[str, ...] = (*sorted(path.stem for path in RECIPES.glob("*.toml")), *UPCYCLED, *BORROWED)


@dataclass(frozen=True)
class Plan:
    """What all cells have in common; `hidden` takes the place of the recipes' widths, empty for those."""

    decisions: int
    rejected: int
    epochs: int
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A recipe as the experiment reads it."""

    name: str
    network: NetworkConfig
    balance: str = "none"
    balance_weight: float = 0.0
    tilt: float = 0.0


def read_cell(name: str) -> Cell:
    """The recipe of a cell."""
    if name in BORROWED:
        return replace(read_cell(BORROWED[name][0]), name=name)
    if name in UPCYCLED:
        recipe, dense, _, changes = UPCYCLED[name]
        cell, source = read_cell(recipe), read_cell(dense).network
        network = replace(cell.network, hidden=source.hidden, token_hidden=source.token_hidden, **changes)
        return replace(cell, name=name, network=network)
    config = load_config(RECIPES / f"{name}.toml", domain=BOARDS)
    return Cell(name, config.network, config.balance, config.balance_weight, config.tilt)


def make_net(cell: Cell, seed: int) -> CandidateNet:
    """A fresh net."""
    torch.manual_seed(seed)
    return make_network(cell.network, BoardEncoder())


def sample_rejected(batch: ChoiceSets, rejected: int, rng: np.random.Generator) -> ChoiceSets:
    """The chosen candidate of each decision and at most `rejected` others, in their order."""
    keys = rng.random(batch.num_items)
    chosen_places = batch.offsets[:-1] + batch.chosen
    keys[chosen_places] = -1.0
    is_kept = ragged.ranks(-keys, batch.offsets) <= rejected
    offsets = ragged.keep(is_kept, batch.offsets)
    chosen = np.searchsorted(np.flatnonzero(is_kept), chosen_places) - offsets[:-1]
    return ChoiceSets(batch.items[is_kept], offsets, chosen, batch.context)


def make_optimizer(net: CandidateNet) -> torch.optim.AdamW:
    """AdamW that decays the weights and leaves the biases alone."""
    biases = [parameter for name, parameter in net.named_parameters() if name.endswith("bias")]
    weights = [parameter for name, parameter in net.named_parameters() if not name.endswith("bias")]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": biases, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)


def train_cell(cell: Cell, seed: int, shards: Shards, plan: Plan, work: Path) -> tuple[CandidateNet, dict[str, Any]]:
    """The trained net and how it went; a dense net leaves a snapshot for its upcycled cells."""
    net = make_net(cell, seed)
    if cell.name in BORROWED:
        weights = np.load(work / f"{BORROWED[cell.name][1]}-{seed}-net.npz")
        net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
        return net, {"seconds": 0.0, "decisions_per_second": float("nan"), "history": []}
    optimizer = make_optimizer(net)
    first_epoch = 0
    if cell.name in UPCYCLED:
        first_epoch = SNAPSHOT_EPOCH
        _, dense, has_moments, _ = UPCYCLED[cell.name]
        snapshot = np.load(work / f"{dense}-{seed}.npz")
        upcycle(net, _part(snapshot, "net."))
        if has_moments:
            upcycle_moments(
                net, optimizer, {key: _part(snapshot, f"{key}.") for key in ("step", "exp_avg", "exp_avg_sq")}
            )
    steps_per_epoch = -(-plan.decisions // BATCH_DECISIONS)
    history: list[dict[str, Any]] = []
    began = time.process_time()
    for epoch in range(first_epoch, plan.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(plan.decisions)
        rivals = np.random.default_rng([seed, epoch, 1])
        for index in range(steps_per_epoch):
            rows = np.sort(order[index * BATCH_DECISIONS : (index + 1) * BATCH_DECISIONS])
            batch = sample_rejected(make_comparisons(shards, rows), plan.rejected, rivals)
            step = epoch * steps_per_epoch + index
            rng = np.random.default_rng([seed, step, 2])
            draw = TrainingDraw(rng, batch.offsets, cell.balance, cell.tilt)
            figures = train_step(
                net, optimizer, batch, draw, cell.balance_weight, rate(step, steps_per_epoch * plan.epochs)
            )
            if index % 125 == 124:
                history.append({"epoch": epoch, "step": step + 1, **figures})
        if cell.name in {dense for _, dense, _, _ in UPCYCLED.values()} and epoch + 1 == SNAPSHOT_EPOCH:
            save_snapshot(work / f"{cell.name}-{seed}.npz", net, optimizer)
    seconds = time.process_time() - began
    epochs = plan.epochs - first_epoch
    return net, {"seconds": seconds, "decisions_per_second": plan.decisions * epochs / seconds, "history": history}


def train_step(
    net: CandidateNet,
    optimizer: torch.optim.Optimizer,
    batch: ChoiceSets,
    draw: TrainingDraw,
    balance_weight: float,
    step_size: float,
) -> dict[str, Any]:
    """One step; its loss and how the tokens were spread."""
    answers = net.answers(batch, draw=draw)
    mask = torch.from_numpy(batch.mask())
    comparison = listwise_loss(answers.padded(mask), mask, torch.from_numpy(batch.chosen)).mean()
    loss = comparison if answers.balance is None else comparison + balance_weight * answers.balance
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for group in optimizer.param_groups:
        group["lr"] = step_size
    optimizer.step()
    if not math.isfinite(float(comparison.detach())):
        raise DataError(f"the loss is {float(comparison)}")
    figures: dict[str, Any] = {"loss": round(float(comparison.detach()), 4)}
    if (metrics := answers.metrics) is not None:
        figures["load"] = [round(share, 4) for share in metrics.load.tolist()]
        figures["dropped"] = round(float(metrics.dropped), 4)
        figures["entropy"] = round(float(metrics.entropy), 4)
    return figures


def rate(step: int, total: int) -> float:
    """Step size: a linear rise, then a cosine to 0."""
    return LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS) * 0.5 * (1 + math.cos(math.pi * step / total))


def save_snapshot(path: Path, net: CandidateNet, optimizer: torch.optim.Optimizer) -> None:
    """Weights and moments by name."""
    arrays: dict[str, Any] = {}
    for name, parameter in net.named_parameters():
        arrays[f"net.{name}"] = parameter.detach().numpy()
        for key, value in optimizer.state[parameter].items():
            arrays[f"{key}.{name}"] = value.numpy()
    np.savez(path, **arrays)


def _part(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def judge(net: CandidateNet, labelled: DecisionSet) -> tuple[Int64s, dict[str, Any]]:
    """The row picked in each decision, and load, dropped share and entropy as at play time."""
    picks = np.empty(len(labelled), dtype=np.int64)
    loads, dropped, entropies, sizes = [], [], [], []
    for start in range(0, len(labelled), 200):
        part = labelled.take(np.arange(start, min(start + 200, len(labelled))))
        assert part.labels is not None
        batch = bare_sets(part.decisions, part.labels.best)
        with torch.no_grad():
            answers = net.answers(batch)
        values = answers.scores.numpy()
        picks[start : start + len(part)] = ragged.best(values, batch.offsets)
        if (metrics := answers.metrics) is not None:
            loads.append(metrics.load.numpy())
            dropped.append(float(metrics.dropped))
            entropies.append(float(metrics.entropy))
            sizes.append(batch.num_items)
    if not sizes:
        return picks, {}
    return picks, {
        "load": np.average(loads, axis=0, weights=sizes).round(4).tolist(),
        "dropped": float(np.average(dropped, weights=sizes)),
        "entropy": float(np.average(entropies, weights=sizes)),
    }


def run_cell(name: str, seed: int, shards: Shards, plan: Plan, labelled: DecisionSet, work: Path) -> None:
    """Train and judge one cell unless its result is there."""
    path = work / f"{name}-{seed}.json"
    if path.exists():
        return
    cell = read_cell(name)
    if plan.hidden:
        cell = replace(cell, network=replace(cell.network, hidden=plan.hidden))
    net, training = train_cell(cell, seed, shards, plan, work)
    picks, spread = judge(net, labelled)
    assert labelled.labels is not None
    losses, hits = choice_losses(labelled, picks), picks == labelled.labels.best
    result = {
        "cell": name,
        "seed": seed,
        "plan": asdict(plan),
        "network": asdict(cell.network),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "training": training,
        "play": spread,
        "agreement": float(hits.mean()),
        "loss": float(losses.mean()),
    }
    np.savez_compressed(work / f"{name}-{seed}-picks.npz", losses=losses.astype(np.float32), hits=hits)
    save_weights(work / f"{name}-{seed}-net.npz", net)
    replace_file(path, json.dumps(result).encode() + b"\n")
    print(
        f"{name:24s} seed {seed}  agreement {result['agreement']:.4f}  loss {result['loss']:.2f} mpt  "
        f"{training['seconds']:.0f} s",
        flush=True,
    )


def save_weights(path: Path, net: CandidateNet) -> None:
    """The finished weights by name."""
    arrays: dict[str, Any] = {name: parameter.detach().numpy() for name, parameter in net.named_parameters()}
    np.savez(path, **arrays)


@program(__doc__)
@click.argument("logs", nargs=-1)
@click.option("--labels", multiple=True, required=True, type=click.Path(path_type=Path), help="May be repeated.")
@click.option("--work", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option("--cells", default=",".join(CELLS), show_default=True)
@click.option("--seeds", default="1,2,3", show_default=True)
@click.option("--decisions", default=320_000, show_default=True)
@click.option("--rejected", default=5, show_default=True)
@click.option("--epochs", default=3, show_default=True)
@click.option("--hidden", help="Widths instead of the recipes', for instance 512,64.")
def main(
    logs: tuple[str, ...],
    labels: tuple[Path, ...],
    work: Path,
    cells: str,
    seeds: str,
    hidden: str | None,
    **numbers: int,
) -> None:
    """Build the shards once, then every cell, seed by seed."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    work.mkdir(parents=True, exist_ok=True)
    plan = Plan(**numbers, hidden=tuple(map(int, hidden.split(","))) if hidden else ())
    folder = work / "shards"
    shards = open_shards(folder) if folder.exists() else build_shards(read_logs(logs), folder)
    if len(shards) < plan.decisions:
        raise DataError(f"{len(shards):,} decisions in the logs, {plan.decisions:,} wanted; give more logs")
    labelled, _ = read_labels(labels)
    for seed in map(int, seeds.split(",")):
        for name in cells.split(","):
            if name in UPCYCLED and plan.epochs <= SNAPSHOT_EPOCH:
                continue  # nothing would be left to train
            run_cell(name, seed, shards, plan, labelled, work)


if __name__ == "__main__":
    main()
