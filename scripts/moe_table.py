"""The tables of the experiment on mixtures of experts, in markdown, from the result files of `moe_experiment`.

    python -m scripts.moe_table DIR --labels FILE ... [--reference dense]

Intervals are 95 %, over decisions and seeds: the variance of a mean is that of the decisions' means over the seeds,
divided by their number, plus that from seed to seed, pooled over the cells of the table, divided by the number of
seeds. Differences are paired: the same decisions, the same seeds. The labelled decisions carry no game numbers, so they
count as independent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import make_model
from backgammon.learner.net.scorer import Scorer
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.records import DecisionSet, read_labels
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Float64s, Int8s
from backgammon.tools.errors import DataError
from backgammon.tools.intervals import student_quantile
from comparison_net.moe.cost import multiply_adds
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from scripts.program import program

TIMED_DECISIONS = 500
TIMED_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Result:
    """All seeds of a cell.

    Attributes:
        name: of the cell.
        runs: what `moe_experiment` wrote, by seed.
        losses: millipoints by seed and decision.
        hits: 0 or 1 by seed and decision.
    """

    name: str
    runs: dict[int, dict[str, Any]]
    losses: dict[int, Float64s]
    hits: dict[int, Float64s]


def read_results(folder: Path) -> dict[str, Result]:
    """Every finished cell of a folder."""
    results: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        picks = np.load(folder / f"{path.stem}-picks.npz")
        result = results.setdefault(run["cell"], Result(run["cell"], {}, {}, {}))
        result.runs[run["seed"]] = run
        result.losses[run["seed"]] = picks["losses"].astype(np.float64)
        result.hits[run["seed"]] = picks["hits"].astype(np.float64)
    return results


@dataclass(frozen=True)
class SeedSpread:
    """Variance of a cell's mean from seed to seed, pooled over the cells of a table, and its degrees of freedom."""

    variance: float
    freedom: int


def pool_seeds(cells: Iterable[list[Float64s]]) -> SeedSpread:
    """Few seeds of one cell know little of their spread, so that of all cells is taken as one.

    Args:
        cells: values by seed and decision of each cell.
    """
    squares, freedom = 0.0, 0
    for values in cells:
        means = np.array([row.mean() for row in values])
        squares += float(((means - means.mean()) ** 2).sum())
        freedom += len(means) - 1
    return SeedSpread(squares / freedom if freedom else 0.0, freedom)


def estimate(values: list[Float64s], spread: SeedSpread) -> tuple[float, float]:
    """(mean, half of its 95 % interval) of values by seed and decision."""
    by_decision = np.stack(values).mean(0)
    sampling = float(by_decision.var(ddof=1)) / len(by_decision)
    seeds = spread.variance / len(values)
    variance = sampling + seeds
    # Welch and Satterthwaite's degrees of freedom of a sum of two variances.
    parts = sampling**2 / (len(by_decision) - 1) + (seeds**2 / spread.freedom if spread.freedom else 0.0)
    freedom = max(1, int(variance**2 / parts)) if parts else 1
    return float(by_decision.mean()), student_quantile(freedom) * float(np.sqrt(variance))


def differences(one: dict[int, Float64s], other: dict[int, Float64s]) -> list[Float64s]:
    """Paired differences by the seeds that both have."""
    return [one[seed] - other[seed] for seed in sorted(one) if seed in other]


def show(value: tuple[float, float], digits: int, sign: str = "") -> str:
    """A mean with half of its interval."""
    return f"{value[0]:{sign}.{digits}f} ± {value[1]:.{digits}f}"


def scoring_time(network: NetworkConfig, labelled: DecisionSet) -> float:
    """Microseconds of processor time for a candidate when decisions are played, the best of some rounds, one thread.

    With fresh weights: the time does not depend on them, except through which experts are asked.
    """
    torch.manual_seed(1)
    scorer = Scorer(make_model(network, make_network(network, BoardEncoder()).weights(), "none", {}), "timed")
    decisions = labelled.decisions
    boards, dice = decisions.boards[:TIMED_DECISIONS], decisions.dice[:TIMED_DECISIONS]
    rounds = []
    for _ in range(TIMED_ROUNDS):
        began = time.process_time()
        scorer.choose(boards, dice)
        rounds.append(time.process_time() - began)
    return 1e6 * min(rounds) / int(decisions.offsets[TIMED_DECISIONS])


def by_seed(values: dict[int, Float64s]) -> list[Float64s]:
    """The rows in the order of the seeds."""
    return [values[seed] for seed in sorted(values)]


def overall_table(results: dict[str, Result], reference: Result, labelled: DecisionSet) -> list[str]:
    """One row a cell, the best loss first."""
    heads = [
        *("recipe", "seeds", "multiply-adds", "parameters", "agreement", "loss, mpt"),
        *(f"loss against {reference.name}", f"agreement against {reference.name}"),
        *("load variation", "dropped", "training, decisions/s", "scoring, µs"),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    cells = sorted(results.values(), key=mean_loss)
    others = [result for result in cells if result is not reference]
    losses = pool_seeds(by_seed(result.losses) for result in cells)
    hits = pool_seeds(by_seed(result.hits) for result in cells)
    lost_more = pool_seeds(differences(result.losses, reference.losses) for result in others)
    hit_more = pool_seeds(differences(result.hits, reference.hits) for result in others)
    for result in cells:
        apart = ["", ""]
        if result is not reference:
            apart = [
                show(estimate(differences(result.losses, reference.losses), lost_more), 2, "+"),
                show(estimate(differences(result.hits, reference.hits), hit_more), 4, "+"),
            ]
        figures = [
            show(estimate(by_seed(result.hits), hits), 4),
            show(estimate(by_seed(result.losses), losses), 2),
        ]
        lines.append("| " + " | ".join([*_sizes(result), *figures, *apart, *_costs(result, labelled)]) + " |")
    return lines


def mean_loss(result: Result) -> float:
    """Mean over seeds and decisions, in millipoints."""
    return float(np.mean(by_seed(result.losses)))


def _network(result: Result) -> NetworkConfig:
    network = next(iter(result.runs.values()))["network"]
    return NetworkConfig(**{**network, "hidden": tuple(network["hidden"])})


def _sizes(result: Result) -> list[str]:
    """Name, seeds, multiply-adds, parameters."""
    network = _network(result)
    parameters = next(iter(result.runs.values()))["parameters"]
    return [result.name, str(len(result.runs)), f"{multiply_adds(network, BOARDS):,}", f"{parameters:,}"]


def _costs(result: Result, labelled: DecisionSet) -> list[str]:
    """Load variation, dropped share, speed of training and of scoring."""
    runs = list(result.runs.values())
    loads = [np.array(run["play"]["load"]) for run in runs if run["play"]]
    speed = float(np.median([run["training"]["decisions_per_second"] for run in runs]))
    return [
        f"{np.mean([load.std() / load.mean() for load in loads]):.2f}" if loads else "",
        f"{np.mean([run['play']['dropped'] for run in runs]):.3f}" if loads else "",
        "" if np.isnan(speed) else f"{speed:,.0f}",
        f"{scoring_time(_network(result), labelled):.2f}",
    ]


def phase_table(results: dict[str, Result], phases: Int8s, reference: Result) -> list[str]:
    """Loss by phase; behind each figure the paired difference to the reference."""
    counts = np.bincount(phases, minlength=len(PHASES))
    heads = [f"{name} ({count:,})" for name, count in zip(PHASES, counts, strict=True)]
    lines = ["| recipe | " + " | ".join(heads) + " |", "|---" * (len(PHASES) + 1) + "|"]
    cells = sorted(results.values(), key=mean_loss)

    def apart(result: Result, code: int) -> list[Float64s]:
        return [row[phases == code] for row in differences(result.losses, reference.losses)]

    spreads = [pool_seeds(apart(result, code) for result in cells if result is not reference) for code in range(6)]
    for result in cells:
        figures = []
        for code, spread in enumerate(spreads):
            mean = np.mean([losses[phases == code].mean() for losses in result.losses.values()])
            gap = "" if result is reference else f" ({show(estimate(apart(result, code), spread), 2, '+')})"
            figures.append(f"{mean:.2f}{gap}")
        lines.append(f"| {result.name} | " + " | ".join(figures) + " |")
    return lines


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--labels", multiple=True, required=True, type=click.Path(path_type=Path), help="May be repeated.")
@click.option("--reference", default="dense", show_default=True)
def main(folder: Path, labels: tuple[Path, ...], reference: str) -> None:
    """Print both tables."""
    results = read_results(folder)
    if reference not in results:
        raise DataError(f"{folder}: holds no finished cell {reference!r}")
    labelled, _ = read_labels(labels)
    whole = overall_table(results, results[reference], labelled)
    by_phase = phase_table(results, phase_codes(labelled.decisions.boards), results[reference])
    click.echo("\n".join([*whole, "", *by_phase]))


if __name__ == "__main__":
    main()
