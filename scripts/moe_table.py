"""The tables of the experiment on mixtures of experts, in markdown, from the result files of `moe_experiment`.

    python -m scripts.moe_table DIR [--reference phase] [--loss soft] [--judge fresh]

Intervals are 95 %. A difference is paired: the same decisions, the same seeds. Its variance is that of the mean over
decisions, clustered by game, of what it is on average over the seeds, plus that from seed to seed, pooled over the
cells of the table, divided by the number of seeds. *Could have seen* is the smallest true difference that such an
interval would have excluded in four of five repetitions of the experiment.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import make_model
from backgammon.learner.net.scorer import Scorer
from backgammon.records import DecisionSet, read_labels
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Float32s, Float64s, Int8s, Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.intervals import NORMAL_REACH, estimate_mean, student_quantile
from comparison_net.moe.cost import decision_multiply_adds, multiply_adds
from comparison_net.network_config import NetworkConfig
from scripts.moe_sets import JUDGED, judged_set
from scripts.program import program

TIMED_DECISIONS = 500
TIMED_BOARDS = 50
"""The same for what is routed inside a board, which is slower."""
TIMED_ROUNDS = 9
POWER = 0.8416
"""Standard errors beyond the interval that a true difference needs to be seen in four of five experiments."""


@dataclass(frozen=True, eq=False)
class Result:
    """All seeds of a recipe with one loss.

    Attributes:
        name: of the recipe.
        runs: what `moe_experiment` wrote, by seed.
        losses: millipoints by seed and decision.
        hits: 0 or 1 by seed and decision.
        loads: of the experts, and the dropped share, by seed; empty for a net without.
        weights: of one seed.
    """

    name: str
    runs: dict[int, dict[str, Any]]
    losses: dict[int, Float64s]
    hits: dict[int, Float64s]
    loads: dict[int, Float64s]
    weights: dict[str, Float32s]


def read_results(folder: Path, loss: str, judge: str) -> dict[str, Result]:
    """Every cell of a loss that was judged on a set."""
    results: dict[str, Result] = {}
    for path in sorted((folder / "judged" / judge).glob(f"*.{loss}.*.npz")):
        run = json.loads((folder / "cells" / f"{path.stem}.json").read_text(encoding="utf-8"))
        judged = np.load(path)
        result = results.setdefault(run["recipe"], Result(run["recipe"], {}, {}, {}, {}, {}))
        result.runs[run["seed"]] = run
        result.losses[run["seed"]] = judged["losses"].astype(np.float64)
        result.hits[run["seed"]] = judged["hits"].astype(np.float64)
        result.loads[run["seed"]] = judged["load"]
        if not result.weights:
            result.weights.update(np.load(folder / "cells" / path.name))
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


@dataclass(frozen=True)
class Figure:
    """A mean with half of its 95 % interval and the smallest difference that could have been seen."""

    mean: float
    half: float
    visible: float

    def show(self, digits: int, sign: str = "") -> str:
        """The mean with half of its interval."""
        return f"{self.mean:{sign}.{digits}f} ± {self.half:.{digits}f}"


def estimate(values: list[Float64s], games: Int64s, spread: SeedSpread) -> Figure:
    """The figure of values by seed and decision, int64[N] games of the decisions."""
    by_decision = np.stack(values).mean(0)
    found = estimate_mean(by_decision, games)
    half = found.half_width
    assert half is not None
    num_games = len(np.unique(games))
    sampling = (half / student_quantile(num_games - 1)) ** 2
    seeds = spread.variance / len(values)
    variance = sampling + seeds
    # Welch and Satterthwaite's degrees of freedom of a sum of two variances.
    parts = sampling**2 / (num_games - 1) + (seeds**2 / spread.freedom if spread.freedom else 0.0)
    reach = student_quantile(max(1, int(variance**2 / parts))) if parts else NORMAL_REACH
    return Figure(found.value, reach * variance**0.5, (reach + POWER) * variance**0.5)


def differences(one: dict[int, Float64s], other: dict[int, Float64s]) -> list[Float64s]:
    """Paired differences by the seeds that both have."""
    return [one[seed] - other[seed] for seed in sorted(one) if seed in other]


def by_seed(values: dict[int, Float64s]) -> list[Float64s]:
    """The rows in the order of the seeds."""
    return [values[seed] for seed in sorted(values)]


def mean_loss(result: Result) -> float:
    """Mean over seeds and decisions, in millipoints."""
    return float(np.mean(by_seed(result.losses)))


def choosing_times(results: Iterable[Result], labelled: DecisionSet) -> dict[str, float]:
    """Microseconds of processor time for a decision by recipe, one thread: the best of rounds that take turns."""
    scorers = {
        result.name: Scorer(make_model(_network(result), result.weights, "none", {}), result.name) for result in results
    }
    count = TIMED_BOARDS if any(name.startswith("board-") for name in scorers) else TIMED_DECISIONS
    boards, dice = labelled.decisions.boards[:count], labelled.decisions.dice[:count]
    times = dict.fromkeys(scorers, np.inf)
    for _ in range(TIMED_ROUNDS):
        for name, scorer in scorers.items():
            began = time.process_time()
            scorer.choose(boards, dice)
            times[name] = min(times[name], 1e6 * (time.process_time() - began) / len(boards))
    return times


def _network(result: Result) -> NetworkConfig:
    network = next(iter(result.runs.values()))["network"]
    return NetworkConfig(**{**network, "hidden": tuple(network["hidden"])})


def overall_table(results: dict[str, Result], reference: Result, games: Int64s, times: dict[str, float]) -> list[str]:
    """One row a cell, the best loss first."""
    heads = [
        *("recipe", "seeds", "multiply-adds", "a decision", "parameters", "agreement", "loss, mpt"),
        *(f"loss against {reference.name}", "could have seen", f"agreement against {reference.name}"),
        *("load variation", "training, decisions/s", "choosing, µs"),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    cells = sorted(results.values(), key=mean_loss)
    others = [result for result in cells if result is not reference]
    losses = pool_seeds(by_seed(result.losses) for result in cells)
    hits = pool_seeds(by_seed(result.hits) for result in cells)
    lost_more = pool_seeds(differences(result.losses, reference.losses) for result in others)
    hit_more = pool_seeds(differences(result.hits, reference.hits) for result in others)
    for result in cells:
        apart = ["", "", ""]
        if result is not reference:
            lost = estimate(differences(result.losses, reference.losses), games, lost_more)
            hit = estimate(differences(result.hits, reference.hits), games, hit_more)
            apart = [lost.show(2, "+"), f"{lost.visible:.2f}", hit.show(4, "+")]
        figures = [
            estimate(by_seed(result.hits), games, hits).show(4),
            estimate(by_seed(result.losses), games, losses).show(2),
        ]
        lines.append("| " + " | ".join([*_sizes(result), *figures, *apart, *_costs(result, times)]) + " |")
    return lines


def _sizes(result: Result) -> list[str]:
    """Name, seeds, multiply-adds, parameters."""
    network = _network(result)
    costs = [multiply_adds(network, BOARDS), decision_multiply_adds(network, BOARDS)]
    parameters = next(iter(result.runs.values()))["parameters"]
    return [result.name, str(len(result.runs)), *(f"{cost:,}" for cost in costs), f"{parameters:,}"]


def _costs(result: Result, times: dict[str, float]) -> list[str]:
    """Load variation, speed of training and of choosing."""
    loads = [row[:-1] for row in result.loads.values() if len(row)]
    speed = float(np.median([run["decisions_per_second"] for run in result.runs.values()]))
    variation = f"{np.mean([load.std() / load.mean() for load in loads]):.2f}" if loads else ""
    return [variation, f"{speed:,.0f}", f"{times[result.name]:.1f}"]


def phase_table(results: dict[str, Result], phases: Int8s, games: Int64s, reference: Result) -> list[str]:
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
            gap = ""
            if result is not reference:
                gap = f" ({estimate(apart(result, code), games[phases == code], spread).show(2, '+')})"
            figures.append(f"{mean:.2f}{gap}")
        lines.append(f"| {result.name} | " + " | ".join(figures) + " |")
    return lines


def belongs(name: str, reference: str) -> bool:
    """True for recipes of one table: of the reference's widths and tokens; what was continued stands by itself."""

    def kind(one: str) -> tuple[str, bool, bool]:
        size = re.search(r"@[0-9,]+", one)
        return (size[0] if size else "", one.startswith("board-"), bool(re.search(r"[+/]", one)))

    return kind(name) == kind(reference)


def count_variants(folder: Path) -> int:
    """Settings that were looked at on the tuning set."""
    return sum(len(json.loads(path.read_text(encoding="utf-8"))) for path in (folder / "tuning").glob("*.json"))


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--reference", default="phase", show_default=True, help="Who the others of its table are compared with.")
@click.option("--loss", default="soft", show_default=True, help="What the cells learnt: soft or listwise.")
@click.option("--judge", "judged", type=click.Choice(list(JUDGED)), default="fresh", show_default=True)
def main(folder: Path, reference: str, loss: str, judged: str) -> None:
    """Print the tables."""
    found = read_results(folder, loss, judged)
    results = {name: result for name, result in found.items() if belongs(name, reference)}
    if reference not in results:
        raise DataError(f"{folder}: holds no judged cell {reference!r} of loss {loss!r}; run scripts.moe_experiment")
    labelled, _ = read_labels([judged_set(folder / "sets", judged)])
    games = labelled.decisions.unit
    click.echo(
        f"{len(labelled):,} decisions of {len(np.unique(games)):,} games; {count_variants(folder)} variants tuned\n"
    )
    click.echo("\n".join(overall_table(results, results[reference], games, choosing_times(results.values(), labelled))))
    phases = phase_codes(labelled.decisions.boards)
    click.echo("\n".join(["", *phase_table(results, phases, games, results[reference])]))


if __name__ == "__main__":
    main()
