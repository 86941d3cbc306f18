"""The experiment on mixtures of experts: every recipe on fair terms, tuned alike, judged on decisions nobody tuned on.

    python -m scripts.moe_experiment DIR                        # sets, tuning, all cells, tables
    python -m scripts.moe_experiment DIR --stage tune           # ... one stage of it
    python -m scripts.moe_table DIR                             # the tables again

A recipe is a file of `scripts/recipes/mixtures`; behind its name may stand:

    phase@512,48    other widths
    phase/25        trained on 25 % of the decisions
    phase+25        started from the dense net of the seed and trained on 25 % more: upcycled (dense+25: continued)

A share is one of multiply-adds: where a net costs more than the dense one, it gets fewer decisions for it. Recipes
`board-...` are transformers on the tokens of a board; they have a smaller plan, and `board-dense` is their dense net.

*Tuning*: one pass over some decisions for each of a few step sizes, then decays, then for learned gates weights of the
balance loss, as the plan has them; what loses least on the tuning set stays. *Cells*: the recipe so tuned, a loss
(`soft` labels, or `listwise` choices alone) and a seed, EPOCHS passes over the decisions of the plan; its choices on a
set of `moe_sets.JUDGED` are stored. All cells of a seed see the same decisions in the same order with the same sampled
rivals. Recipes in BORROWED are not trained: they route with the weights of another.

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
from comparison_net.moe.cost import multiply_adds
from comparison_net.network import make_network
from comparison_net.network_config import GATE, MERGED, SPLIT_GATE
from comparison_net.training.loop import fit
from scripts.moe_sets import JUDGED, TRAIN_GAMES, Sets, TaughtDecisions, judged_set, make_sets
from scripts.program import note, program

RECIPES = Path(__file__).parent / "recipes" / "mixtures"
LOSSES = ("soft", "listwise")
EPOCHS = 1
AS_IT_WAS = ("softmax-token-old",)
"""Recipes whose balance loss stays as the first table had it."""
BORROWED = {"board-us-free": "board-softmax-token", "board-us-free-lean": "board-softmax-token"}
"""Recipes that train nothing: whose weights they take."""


@dataclass(frozen=True)
class Plan:
    """How much work is spent on the recipes of a table.

    Attributes:
        dense: the recipe without a router.
        decisions: learnt from in a cell; None for all.
        tuning: decisions of a trial.
        tuned_on: of the tuning set, one decision in so many.
        batch: decisions of a step.
        sampled: candidates of a decision.
        rates: step sizes that are tried.
        continued: step sizes for what goes on from the dense net.
        decays: tried after the step sizes.
        balances: weights of the balance loss that are tried last, with learned gates, beside that of the recipe.
    """

    dense: str
    decisions: int | None
    tuning: int
    tuned_on: int
    batch: int
    sampled: int
    rates: tuple[float, ...]
    continued: tuple[float, ...]
    decays: tuple[float, ...]
    balances: tuple[float, ...]


ITEMS = Plan(
    "dense", None, 60_000, 1, 256, 8, (0.008, 0.016, 0.032, 0.064), (0.001, 0.004, 0.016), (0.1, 1.0), (0.01, 0.1)
)
BOARD = Plan("board-dense", 100_000, 12_000, 14, 64, 4, (0.004, 0.008, 0.016, 0.032), (0.001, 0.004), (0.1,), ())


def plan_of(name: str) -> Plan:
    """The plan for a name."""
    return BOARD if name.startswith("board-") else ITEMS


def recipes(plan: Plan) -> list[str]:
    """Names of the recipes of a table."""
    names = sorted(path.stem for path in RECIPES.glob("*.toml"))
    return [name for name in names if plan_of(name) is plan]


class Form(NamedTuple):
    """What stands in a name: recipe, widths or (), is it a share, how much, and on top of the dense net."""

    recipe: str
    hidden: tuple[int, ...]
    is_share: bool
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
    return Form(found[1], hidden, bool(found[3]), int(found[4] or 100) / 100, found[3] == "+")


def read_recipe(name: str, loss: str = "soft", seed: int = 1, **tuned: Any) -> TrainConfig:
    """The settings of a cell."""
    form = parse_name(name)
    config = load_config(RECIPES / f"{form.recipe}.toml", domain=BOARDS)
    if form.hidden:
        config = replace(config, network=replace(config.network, hidden=form.hidden))
    plan = plan_of(name)
    common: dict[str, Any] = {"batch_decisions": plan.batch, "sampled_candidates": plan.sampled}
    common |= {"held_out": 0.0, "threads": 1, "patience": 0}
    return replace(config, loss=loss, seed=seed, epochs=EPOCHS, **{**common, **tuned})


def variants(name: str, losses: dict[str, float]) -> dict[str, dict[str, float]]:
    """Settings to try next, by the name of their result; none once all have been.

    Args:
        name: of the recipe.
        losses: what is known, by name.
    """
    network, plan, is_continued = read_recipe(name).network, plan_of(name), parse_name(name).is_continued
    has_gate = network.routes_learned or network.kind(BOARDS) in (GATE, SPLIT_GATE, MERGED)
    has_gate &= name not in AS_IT_WAS
    tried: dict[str, dict[str, float]] = {}
    first = {"weight_decay": plan.decays[0]}
    tried_rates = plan.continued if is_continued else plan.rates
    rates = {describe(one): one for one in ({"learning_rate": rate, **first} for rate in tried_rates)}
    tried |= rates
    if set(rates) <= set(losses) and not is_continued:
        best = rates[min(rates, key=losses.__getitem__)]
        decays = {describe(one): one for one in ({**best, "weight_decay": decay} for decay in plan.decays)}
        tried |= decays
        if has_gate and set(decays) <= set(losses):
            best = decays[min(decays, key=losses.__getitem__)]
            tried |= {describe(one): one for one in ({**best, "balance_weight": weight} for weight in plan.balances)}
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
    if len(only := variants(name, losses)) == 1:  # nothing to choose from
        return with_balance(next(iter(only.values())))
    while missing := {key: one for key, one in variants(name, losses).items() if key not in losses}:
        for key, settings in missing.items():
            source = TaughtDecisions(sets.shards, sets.train[:: len(sets.train) // plan_of(name).tuning], True)
            net, _ = train_net(begun(read_recipe(name, **with_balance(settings)), name, work), source)
            losses[key] = tuning_loss(net, sets, plan_of(name).tuned_on)
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
    dense = plan_of(name).dense
    cell = Cell(f"{dense}{size}", "soft", config.seed)
    path = work / "cells" / f"{cell.name}.npz"
    if not path.exists():
        raise DataError(f"{path}: is not trained yet; name {dense} before what goes on from it")
    model = path.with_suffix(".safetensors")
    if not model.exists():
        weights = np.load(path)
        network = read_recipe(cell.recipe).network
        save_model(model, make_model(network, {name: weights[name] for name in weights}, "none", {}))
    return replace(config, start=str(model)) if form.recipe == dense else replace(config, upcycle=str(model))


def train_net(config: TrainConfig, source: TaughtDecisions) -> tuple[CandidateNet, float]:
    """The trained net, and the seconds of processor time that it took."""
    began = time.process_time()
    return fit(source, BoardEncoder(), config).net, time.process_time() - began


def taught(cell: Cell, sets: Sets) -> TaughtDecisions:
    """What a cell learns from: whole games, where it is a share."""
    plan, form = plan_of(cell.recipe), parse_name(cell.recipe)
    every = slice(None, None, len(sets.train) // (plan.decisions or len(sets.train)))
    rows, games = sets.train[every], sets.games[every]
    if form.is_share:
        costs = [multiply_adds(read_recipe(name).network, BOARDS) for name in (plan.dense, form.recipe)]
        share = min(1.0, form.share * costs[0] / costs[1])
        rows = rows[np.random.default_rng([cell.seed, 1]).permutation(TRAIN_GAMES)[games] < share * TRAIN_GAMES]
    return TaughtDecisions(sets.shards, rows, cell.loss == "soft")


def tuning_loss(net: CandidateNet, sets: Sets, every: int = 1) -> float:
    """Millipoints that its choices on the tuning set, one decision in `every`, lose by the labels."""
    source = TaughtDecisions(sets.shards, sets.tuning[::every], True)
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
    if (lender := BORROWED.get(cell.recipe)) is not None:
        borrow(cell, replace(cell, recipe=lender), folder)
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
    keep(path, result, net.weights())
    loss = tuning_loss(net, sets, plan_of(cell.recipe).tuned_on)
    note(f"{cell.name:40s} trained in {seconds:.0f} s, tuning set {loss:.2f} mpt")


def borrow(cell: Cell, lender: Cell, folder: Path) -> None:
    """Keep the weights of another cell under this one's recipe."""
    lent = folder / "cells" / f"{lender.name}.npz"
    if not lent.exists():
        raise DataError(f"{lent}: is not trained yet; name {lender.recipe} before what takes its weights")
    run = json.loads(lent.with_suffix(".json").read_text(encoding="utf-8"))
    weights = np.load(lent)
    own = {**asdict(cell), "network": asdict(read_recipe(cell.recipe).network)}
    keep(folder / "cells" / f"{cell.name}.npz", {**run, **own}, {name: weights[name] for name in weights})


def keep(path: Path, result: dict[str, Any], weights: dict[str, Any]) -> None:
    """Write what is known of a cell, then its weights."""
    replace_file(path.with_suffix(".json"), json.dumps(result).encode() + b"\n")
    temporary = path.with_name(f".{path.name}")
    np.savez(temporary, **weights)
    temporary.rename(path)


def judge_cell(cell: Cell, labelled: DecisionSet, judged: str, folder: Path) -> None:
    """Store what a trained cell chooses on a judged set, and how its experts were used."""
    path = folder / "judged" / judged / f"{cell.name}.npz"
    if path.exists():
        return
    net = make_network(read_recipe(cell.recipe).network, BoardEncoder())
    weights = np.load(folder / "cells" / f"{cell.name}.npz")
    net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    picks, loads = choose(net, labelled)
    assert labelled.labels is not None
    hits = picks == labelled.labels.best
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    np.savez_compressed(temporary, losses=choice_losses(labelled, picks).astype(np.float32), hits=hits, load=loads)
    temporary.rename(path)


def choose(net: CandidateNet, labelled: DecisionSet) -> tuple[Int64s, Any]:
    """Row picked in each decision, int64[N]; load of the experts and dropped share, float64[E + 1] or float64[0]."""
    picks = np.empty(len(labelled), dtype=np.int64)
    loads, sizes = [], []
    size = 500 if net.config.tokens == "positions" else 40  # tokens of more would not fit the caches
    for start in range(0, len(labelled), size):
        part = labelled.take(np.arange(start, min(start + size, len(labelled))))
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
@click.option("--judge", "judged", type=click.Choice(list(JUDGED)), default="fresh", show_default=True)
def main(folder: Path, stage: str, names: str | None, losses: str, seeds: str, judged: str) -> None:
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
            if not parse_name(name).is_continued and name not in BORROWED:  # the former once the dense net is there
                tune(name, sets, folder)
    if stage in ("train", "all"):
        for cell in wanted:
            run_cell(cell, sets, folder)
    if stage in ("judge", "all"):
        labelled, _ = read_labels([judged_set(folder / "sets", judged)])
        for cell in wanted:
            judge_cell(cell, labelled, judged, folder)


if __name__ == "__main__":
    main()
