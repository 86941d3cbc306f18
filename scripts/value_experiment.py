"""Does a net choose better when it learns to compare, or to value? Equal labels, equal net, several losses.

    pairgammon self-play --games 5000 --seed 23100 --random 0 --random .02 --random .05 --random 0 --random .3
        --out games
    pairgammon label games --ply 1 --choose teacher --out labelled
    python -m scripts.value_experiment labelled DIR data/labels data/fresh

The net is `scripts/recipes/mixtures/dense.toml`. Forced plays are left out; the last tenth of the games are the tuning
set. One pass over TUNING_DECISIONS decisions for each step size of RATES; what loses least on the tuning set by the
labels stays. Then one pass over all others for each seed: the same decisions in the same order, the same sampled
rivals. The choices on the judged lines, which nothing was tuned on, are compared paired. Cells are kept in DIR, so that
the same command goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch

from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.measure.label_scores import choice_losses, unforced
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.records import DecisionSet, find_labels, read_labels
from backgammon.tools.arrays import Float64s, Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.message import pack_message, unpack_message
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.unit_run import do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of
from backgammon.tools.jobs.workers import ProcessWorkers
from comparison_net.config import TrainConfig, load_config
from comparison_net.network import make_network
from scripts.moe_experiment import RECIPES, choose, train_net, tuning_loss
from scripts.moe_sets import Sets, TaughtDecisions
from scripts.moe_table import estimate, pool_seeds
from scripts.program import note, program

TARGETS: dict[str, tuple[str, str]] = {
    "value": ("scripts.value_losses:value_loss", "the value of every candidate"),
    "differences": ("scripts.value_losses:difference_loss", "the value less the decision's mean"),
    "pairwise": ("pairwise", "the best against each other candidate"),
    "listwise": ("listwise", "the best among all"),
    "soft": ("soft", "shares of the choice, by value"),
}
"""By name: the loss, and what is learnt from."""
RATES = (0.008, 0.016, 0.032)
TUNING_DECISIONS = 60_000
TASK_VERSION = 1
"""Another one where the same cell would give other weights."""


def settings_of(target: str, seed: int, rate: float) -> TrainConfig:
    """The settings of a cell."""
    config = load_config(RECIPES / "dense.toml", domain=BOARDS)
    return replace(
        config,
        loss=TARGETS[target][0],
        seed=seed,
        learning_rate=rate,
        epochs=1,
        batch_decisions=256,
        sampled_candidates=8,
        weight_decay=0.1,
        held_out=0.0,
        patience=0,
        threads=1,
    )


def split_games(shards: Shards) -> Sets:
    """Unforced decisions to learn from, and those of the last tenth of the games to tune on.

    Raises:
        DataError: no equities, or too few games.
    """
    if "equities" not in shards.manifest.labels:
        raise DataError(f"{shards.path}: has no equities; label it, see --help")
    rows = np.flatnonzero(shards.counts[:] > 1)
    games = shards.game[rows].astype(np.int64)
    is_tuning = games >= 0.9 * shards.manifest.games
    if not is_tuning.any() or is_tuning.all():
        raise DataError(f"{shards.path}: has too few games for a tuning set; play more")
    return Sets(shards, rows[~is_tuning], games[~is_tuning], rows[is_tuning])


def train_cell(told: Mapping[str, Any], folder: str) -> bytes:
    """A task: the weights, what they lose on the tuning set in millipoints, and the seconds of the processor."""
    torch.set_num_threads(1)
    sets = split_games(open_shards(Path(folder), verify=False))
    rows = sets.train[:: max(1, len(sets.train) // TUNING_DECISIONS)] if told["is_trial"] else sets.train
    config = settings_of(told["target"], told["seed"], told["rate"])
    net, seconds = train_net(config, TaughtDecisions(sets.shards, rows, True))
    report = {"lost": tuning_loss(net, sets), "seconds": seconds, "decisions": len(rows)}
    return pack_message(report, net.weights())


def cell_unit(shards: Shards, target: str, seed: int, rate: float, is_trial: bool) -> WorkUnit:
    """The unit of a cell, named by settings and data."""
    told = {"target": target, "seed": seed, "rate": rate, "is_trial": is_trial}
    name = name_of({**told, "data": shards.manifest.fingerprint, "version": TASK_VERSION})
    return WorkUnit(name, partial(train_cell, told, str(shards.path)))


def judge(weights: Mapping[str, Any], labelled: DecisionSet) -> tuple[Float64s, Float64s]:
    """Millipoints lost and hits of the choices of a cell, float64[N] each."""
    assert labelled.labels is not None
    net = make_network(settings_of("soft", 1, RATES[0]).network, BoardEncoder())
    net.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in weights.items()})
    picks = choose(net, labelled)[0]
    return choice_losses(labelled, picks), (picks == labelled.labels.best).astype(np.float64)


class Found(NamedTuple):
    """All seeds of a target.

    Attributes:
        target: its name.
        rate: the step size.
        losses: millipoints by seed and decision.
        hits: 0 or 1 by seed and decision.
        seconds: of the processor, by seed.
    """

    target: str
    rate: float
    losses: list[Float64s]
    hits: list[Float64s]
    seconds: list[float]


def table(found: Sequence[Found], reference: Found, games: Int64s) -> list[str]:
    """One row a target, the best loss first; intervals as in `moe_table`."""
    heads = (
        "learns",
        "step",
        "agreement",
        "loss, mpt",
        f"loss against {reference.target}",
        f"agreement against {reference.target}",
        "CPU s",
    )
    lines = ["| loss | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    others = [one for one in found if one is not reference]

    def apart(one: Found) -> tuple[list[Float64s], list[Float64s]]:
        losses = [a - b for a, b in zip(one.losses, reference.losses, strict=True)]
        return losses, [a - b for a, b in zip(one.hits, reference.hits, strict=True)]

    losses, hits = pool_seeds(one.losses for one in found), pool_seeds(one.hits for one in found)
    lost_more, hit_more = (pool_seeds(apart(one)[side] for one in others) for side in (0, 1))
    for one in sorted(found, key=lambda one: float(np.mean(one.losses))):
        cells = [one.target, TARGETS[one.target][1], f"{one.rate:g}"]
        cells += [estimate(one.hits, games, hits).show(3), estimate(one.losses, games, losses).show(2)]
        if one is reference:
            cells += ["", ""]
        else:
            lost, hit = apart(one)
            cells += [estimate(lost, games, lost_more).show(2, "+"), estimate(hit, games, hit_more).show(3, "+")]
        lines.append("| " + " | ".join([*cells, f"{np.median(one.seconds):.0f}"]) + " |")
    return lines


@program(__doc__)
@click.argument("shards", type=click.Path(path_type=Path), metavar="SHARDS")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("judged", nargs=-1, required=True, metavar="LABELS...")
@click.option("--seeds", default="1,2,3", show_default=True, help="Of the start weights and the order.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Cells at the same time.")
def main(shards: Path, folder: Path, judged: tuple[str, ...], seeds: str, workers: int) -> None:
    """Tune, train, judge, print the table."""
    source, store = open_shards(shards), ResultStore(folder)
    split_games(source)
    labelled = unforced(read_labels(find_labels(judged))[0])
    trials = [(target, rate) for target in TARGETS for rate in RATES]
    units = [cell_unit(source, target, 1, rate, is_trial=True) for target, rate in trials]
    lost: dict[str, dict[float, float]] = {target: {} for target in TARGETS}
    for (target, rate), result in zip(trials, do_units(units, ProcessWorkers(workers), store), strict=True):
        lost[target][rate] = unpack_message(result)[0]["lost"]
        note(f"tuning {target:12s} {rate:g}: {lost[target][rate]:.2f} mpt")
    best = {target: min(rates, key=rates.__getitem__) for target, rates in lost.items()}
    cells = [(target, int(seed)) for seed in seeds.split(",") for target in TARGETS]
    units = [cell_unit(source, target, seed, best[target], is_trial=False) for target, seed in cells]
    found = {target: Found(target, best[target], [], [], []) for target in TARGETS}
    decisions = 0
    for (target, seed), result in zip(cells, do_units(units, ProcessWorkers(workers), store), strict=True):
        report, weights = unpack_message(result)
        losses, hits = judge(weights, labelled)
        found[target].losses.append(losses)
        found[target].hits.append(hits)
        found[target].seconds.append(report["seconds"])
        decisions = report["decisions"]
        note(f"{target:12s} seed {seed}: tuning set {report['lost']:.2f}, judged {losses.mean():.2f} mpt")
    games = labelled.decisions.unit
    click.echo(
        f"{decisions:,} decisions seen once, seeds {seeds}; judged on {len(labelled):,} decisions of "
        f"{len(np.unique(games)):,} games; {len(trials)} step sizes tried\n"
    )
    click.echo("\n".join(table(list(found.values()), found["soft"], games)))


if __name__ == "__main__":
    main()
