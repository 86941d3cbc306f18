"""The experiment on mixtures of experts: every recipe on fair terms, tuned alike, judged on decisions nobody tuned on.

    python -m scripts.moe_experiment DIR                        # sets, tuning, all cells, tables
    python -m scripts.moe_experiment DIR --stage tune           # ... one stage of it
    python -m scripts.moe_table DIR                             # the tables again

A recipe is a file of `scripts/recipes/mixtures`; behind its name may stand:

    phase@512,48    other widths
    phase/25        trained on 25 % of the decisions
    phase+25        started from the dense net of the seed and trained on 25 % more: upcycled (dense+25: continued)

*Tuning*: one pass over TUNING_DECISIONS decisions for each of a few
step sizes, then decays, then for learned gates weights of the balance loss; what loses least on the tuning set stays.
*Cells*: the recipe so tuned, a loss (`soft` labels, or `listwise` choices alone) and a seed, EPOCHS passes over all
decisions; its choices on the fresh set are stored. All cells of a seed see the same decisions in the same order with
the same sampled rivals.

A result is a file that appears whole, so the same command goes on where it stopped. One thread: a result does not
depend on what else runs. The sets are described in `scripts.moe_sets`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch

from backgammon.learner.data.comparisons import choice_sets
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.measure.label_scores import choice_losses
from backgammon.learner.net.model_files import make_model
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.records import DecisionSet, read_labels
from backgammon.rules import ragged
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.storage import replace_file
from comparison_net.checkpoint import save_model
from comparison_net.comparator import CandidateNet
from comparison_net.config import TrainConfig, load_config
from comparison_net.network import make_network
from comparison_net.network_config import GATE, MERGED, SPLIT_GATE
from comparison_net.training.loop import fit
from scripts.moe_sets import TRAIN_GAMES, Sets, TaughtDecisions, judge_fresh, make_sets
from scripts.program import note, program

RECIPES = Path(__file__).parent / "recipes" / "mixtures"
LOSSES = ("soft", "listwise")
EPOCHS = 1
TUNING_DECISIONS = 60_000
RATES = (0.008, 0.016, 0.032)
DECAYS = (0.1, 1.0)
BALANCES = (0.0, 0.01, 0.1)
CONTINUED_RATES = (0.001, 0.004, 0.016)
AS_IT_WAS = ("softmax-token-old",)
"""Recipes whose balance loss stays as the first table had it."""
ITEMS, BOARD = "items", "board"


def recipes(table: str) -> list[str]:
    """Names of the recipes of a table: those that route whole positions, or what lies inside a board."""
    names = sorted(path.stem for path in RECIPES.glob("*.toml"))
    return [name for name in names if name.startswith("board-") == (table == BOARD)]


class Form(NamedTuple):
    """What stands in a name: recipe, widths or (), share of the decisions, and if they come on top of the dense net."""

    recipe: str
    hidden: tuple[int, ...]
    share: float
    is_continued: bool


def parse_name(name: str) -> Form:
    """A name as the head of this file describes it.

    Raises:
        DataError: no such recipe.
    """
    found = re.fullmatch(r"([a-z-]+)(?:@([0-9,]+))?(?:([+/])([0-9]+))?", name)
    if found is None or not (RECIPES / f"{found[1]}.toml").exists():
        known = ", ".join(recipes(ITEMS) + recipes(BOARD))
        raise DataError(f"no recipe {name!r} in {RECIPES}; there are {known}")
    hidden = tuple(int(width) for width in found[2].split(",")) if found[2] else ()
    return Form(found[1], hidden, int(found[4] or 100) / 100, found[3] == "+")


def read_recipe(name: str, loss: str = "soft", seed: int = 1, **tuned: Any) -> TrainConfig:
    """The settings of a cell."""
    form = parse_name(name)
    config = load_config(RECIPES / f"{form.recipe}.toml", domain=BOARDS)
    if form.hidden:
        config = replace(config, network=replace(config.network, hidden=form.hidden))
    common = {"batch_decisions": 256, "sampled_candidates": 8, "held_out": 0.0, "threads": 1, "patience": 0}
    return replace(config, loss=loss, seed=seed, epochs=EPOCHS, **{**common, **tuned})


def variants(name: str, losses: dict[str, float]) -> dict[str, dict[str, float]]:
    """Settings to try next, by the name of their result; none once all have been.

    Args:
        name: of the recipe.
        losses: what is known, by name.
    """
    network = read_recipe(name).network
    has_gate = network.routes_learned or network.kind(BOARDS) in (GATE, SPLIT_GATE, MERGED)
    has_gate &= name not in AS_IT_WAS
    tried: dict[str, dict[str, float]] = {}
    tried_rates = CONTINUED_RATES if parse_name(name).is_continued else RATES
    rates = {describe(one): one for one in ({"learning_rate": rate, "weight_decay": DECAYS[0]} for rate in tried_rates)}
    tried |= rates
    if set(rates) <= set(losses) and not parse_name(name).is_continued:
        best = rates[min(rates, key=losses.__getitem__)]
        decays = {describe(one): one for one in ({**best, "weight_decay": decay} for decay in DECAYS)}
        tried |= decays
        if has_gate and set(decays) <= set(losses):
            best = decays[min(decays, key=losses.__getitem__)]
            tried |= {describe(one): one for one in ({**best, "balance_weight": weight} for weight in BALANCES[1:])}
    return tried


def describe(settings: dict[str, float]) -> str:
    """A name for settings."""
    return ",".join(f"{name}={value:g}" for name, value in sorted(settings.items()))


def with_balance(settings: dict[str, float]) -> dict[str, Any]:
    """The settings with the loss that a weight belongs to."""
    return {**settings, "balance": "importance"} if settings.get("balance_weight") else dict(settings)


def tuning_name(name: str) -> str:
    """Whose tuning a cell takes over: shares are tuned as one."""
    form = parse_name(name)
    size = f"@{','.join(map(str, form.hidden))}" if form.hidden else ""
    return f"{form.recipe}{size}" + ("+25" if form.is_continued else "")


def tune(name: str, sets: Sets, work: Path) -> dict[str, Any]:
    """The settings that lose least on the tuning set, after trying those that have not been tried."""
    name = tuning_name(name)
    path = work / "tuning" / f"{name}.json"
    losses: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    while missing := {key: one for key, one in variants(name, losses).items() if key not in losses}:
        for key, settings in missing.items():
            source = TaughtDecisions(sets.shards, sets.train[:: len(sets.train) // TUNING_DECISIONS], True)
            net, _ = train_net(begun(read_recipe(name, **with_balance(settings)), name, work), source)
            losses[key] = tuning_loss(net, sets)
            note(f"tuning {name:28s} {key:60s} {losses[key]:.3f} mpt")
            replace_file(path, json.dumps(losses, indent=1).encode() + b"\n")
    tried = variants(name, losses)
    return with_balance(tried[min(tried, key=losses.__getitem__)])


def begun(config: TrainConfig, name: str, work: Path) -> TrainConfig:
    """The settings with the dense net of the seed as their start, where the name says so."""
    form = parse_name(name)
    if not form.is_continued:
        return config
    size = f"@{','.join(map(str, form.hidden))}" if form.hidden else ""
    cell = Cell(f"dense{size}", "soft", config.seed)
    path = work / "cells" / f"{cell.name}.npz"
    if not path.exists():
        raise DataError(f"{path}: is not trained yet; name dense before what goes on from it")
    model = path.with_suffix(".safetensors")
    if not model.exists():
        weights = np.load(path)
        network = read_recipe(cell.recipe).network
        save_model(model, make_model(network, {name: weights[name] for name in weights}, "none", {}))
    return replace(config, start=str(model)) if form.recipe == "dense" else replace(config, upcycle=str(model))


def train_net(config: TrainConfig, source: TaughtDecisions) -> tuple[CandidateNet, float]:
    """The trained net, and the seconds of processor time that it took."""
    began = time.process_time()
    return fit(source, BoardEncoder(), config).net, time.process_time() - began


def taught(cell: Cell, sets: Sets) -> TaughtDecisions:
    """What a cell learns from: whole games, where it is a share."""
    share = parse_name(cell.recipe).share
    rows = sets.train[np.random.default_rng([cell.seed, 1]).permutation(TRAIN_GAMES)[sets.games] < share * TRAIN_GAMES]
    return TaughtDecisions(sets.shards, rows, cell.loss == "soft")


def tuning_loss(net: CandidateNet, sets: Sets) -> float:
    """Millipoints that its choices on the tuning set lose by the labels."""
    source = TaughtDecisions(sets.shards, sets.tuning, True)
    losses = []
    for rows in source.parts(np.arange(len(source)), 20_000):
        found = source.sets(rows)
        with torch.no_grad():
            scores = net.answers(found).scores.numpy()
        losses.append(found.value_losses(ragged.best(scores, found.offsets)))
    return 1000 * float(np.concatenate(losses).mean(dtype=np.float64))


@dataclass(frozen=True)
class Cell:
    """What is trained and judged; its result is the file of its name."""

    recipe: str
    loss: str
    seed: int

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.recipe.replace('/', '=')}.{self.loss}.{self.seed}"


def run_cell(cell: Cell, sets: Sets, folder: Path) -> None:
    """Train a cell and keep its weights, unless they are there; nothing is judged."""
    path = folder / "cells" / f"{cell.name}.npz"
    if path.exists():
        return
    config = read_recipe(cell.recipe, cell.loss, cell.seed, **tune(cell.recipe, sets, folder))
    source = taught(cell, sets)
    net, seconds = train_net(begun(config, cell.recipe, folder), source)
    result = {
        **asdict(cell),
        "settings": {name: getattr(config, name) for name in ("learning_rate", "weight_decay", "balance_weight")},
        "network": asdict(config.network),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "decisions_per_second": len(source) * EPOCHS / seconds,
    }
    replace_file(path.with_suffix(".json"), json.dumps(result).encode() + b"\n")
    temporary = path.with_name(f".{path.name}")
    arrays: dict[str, Any] = net.weights()
    np.savez(temporary, **arrays)
    temporary.rename(path)
    note(f"{cell.name:40s} trained in {seconds:.0f} s, tuning set {tuning_loss(net, sets):.2f} mpt")


def judge_cell(cell: Cell, labelled: DecisionSet, folder: Path) -> None:
    """Store what a trained cell chooses on the fresh set, and how its experts were used."""
    path = folder / "judged" / f"{cell.name}.npz"
    if path.exists():
        return
    net = make_network(read_recipe(cell.recipe).network, BoardEncoder())
    weights = np.load(folder / "cells" / f"{cell.name}.npz")
    net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    picks, loads = choose(net, labelled)
    assert labelled.labels is not None
    hits = picks == labelled.labels.best
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    np.savez_compressed(temporary, losses=choice_losses(labelled, picks).astype(np.float32), hits=hits, load=loads)
    temporary.rename(path)


def choose(net: CandidateNet, labelled: DecisionSet) -> tuple[Int64s, Any]:
    """Row picked in each decision, int64[N]; load of the experts and dropped share, float64[E + 1] or float64[0]."""
    picks = np.empty(len(labelled), dtype=np.int64)
    loads, sizes = [], []
    for start in range(0, len(labelled), 500):
        part = labelled.take(np.arange(start, min(start + 500, len(labelled))))
        assert part.labels is not None
        batch = choice_sets(part.decisions, part.labels.best)
        with torch.no_grad():
            answers = net.answers(batch)
        picks[start : start + len(part)] = ragged.best(answers.scores.numpy(), batch.offsets)
        if (metrics := answers.metrics) is not None:
            loads.append(np.append(metrics.load.numpy(), float(metrics.dropped)))
            sizes.append(batch.num_items)
    return picks, np.average(loads, axis=0, weights=sizes) if loads else np.zeros(0)


def cells(names: Iterable[str], losses: Iterable[str], seeds: Iterable[int]) -> Iterator[Cell]:
    """Seed by seed, so that whatever is finished is paired."""
    for seed, loss, name in product(seeds, losses, names):
        yield Cell(name, loss, seed)


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--stage", type=click.Choice(["sets", "tune", "train", "judge", "all"]), default="all", show_default=True)
@click.option("--recipes", "names", help="With blanks between; all that route whole positions if left out.")
@click.option("--losses", default=",".join(LOSSES), show_default=True)
@click.option("--seeds", default="1,2,3,4,5", show_default=True)
def main(folder: Path, stage: str, names: str | None, losses: str, seeds: str) -> None:
    """Everything that is missing, up to the stage."""
    torch.set_num_threads(1)
    chosen = names.split() if names else recipes(ITEMS)
    for name in chosen:
        parse_name(name)
    (folder / "tuning").mkdir(parents=True, exist_ok=True)
    (folder / "cells").mkdir(exist_ok=True)
    sets = make_sets(folder / "sets")
    wanted = list(cells(chosen, losses.split(","), map(int, seeds.split(","))))
    if stage in ("tune", "train", "all"):
        for name in chosen:
            if not parse_name(name).is_continued:  # that is tuned once the dense net is there
                tune(name, sets, folder)
    if stage in ("train", "all"):
        for cell in wanted:
            run_cell(cell, sets, folder)
    if stage in ("judge", "all"):
        judge_fresh(sets)
        labelled, _ = read_labels([sets.fresh])
        for cell in wanted:
            judge_cell(cell, labelled, folder)


if __name__ == "__main__":
    main()
