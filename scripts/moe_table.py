"""The tables of the experiment on mixtures of experts, in markdown, from the result files of `moe_experiment`.

    python -m scripts.moe_table DIR --labels LABELS... [--reference dense]

Intervals are 95 %, over decisions and seeds: the variance of a mean is that of the decisions' means over the seeds,
divided by their number, plus that of the seeds' means, divided by theirs. Differences are paired: the same decisions,
the same seeds. The labelled decisions carry no game numbers, so they count as independent.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from backgammon.intervals import student_quantile
from backgammon.phase import PHASES
from comparison_net.checkpoint import Model
from comparison_net.config import NetworkConfig
from comparison_net.moe.cost import multiply_adds
from comparison_net.run_state import make_network
from comparison_net.scorer import Scorer
from scripts.moe_labels import LabelledDecisions, read_labelled

Floats = npt.NDArray[np.float64]

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
    losses: dict[int, Floats]
    hits: dict[int, Floats]


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


def estimate(values: list[Floats]) -> tuple[float, float]:
    """(mean, half of its 95 % interval) of values by seed and decision."""
    stacked = np.stack(values)
    by_decision, by_seed = stacked.mean(0), stacked.mean(1)
    variance = by_decision.var(ddof=1) / len(by_decision)
    reach = 1.96
    if len(by_seed) > 1:
        seeds = by_seed.var(ddof=1) / len(by_seed)
        # Few seeds know little of their spread: Student's quantile at the degrees of freedom of both parts together.
        freedom = (variance + seeds) ** 2 / (variance**2 / (len(by_decision) - 1) + seeds**2 / (len(by_seed) - 1))
        variance += seeds
        reach = student_quantile(max(1, int(freedom)))
    return float(by_decision.mean()), float(reach * np.sqrt(variance))


def differences(one: dict[int, Floats], other: dict[int, Floats]) -> list[Floats]:
    """Paired differences by the seeds that both have."""
    return [one[seed] - other[seed] for seed in sorted(one) if seed in other]


def show(value: tuple[float, float], digits: int, sign: str = "") -> str:
    """A mean with half of its interval."""
    return f"{value[0]:{sign}.{digits}f} ± {value[1]:.{digits}f}"


def scoring_time(network: NetworkConfig, labelled: LabelledDecisions) -> float:
    """Microseconds of processor time for a candidate when decisions are played, the best of some rounds, one thread.

    With fresh weights: the time does not depend on them, except through which experts are asked.
    """
    torch.manual_seed(1)
    scorer = Scorer(Model(network, make_network(network).weights(), "none", {}), "timed")
    boards, dice = labelled.boards[:TIMED_DECISIONS], labelled.dice[:TIMED_DECISIONS]
    rounds = []
    for _ in range(TIMED_ROUNDS):
        began = time.process_time()
        scorer.choose(boards, dice)
        rounds.append(time.process_time() - began)
    return 1e6 * min(rounds) / int(labelled.offsets[TIMED_DECISIONS])


def overall_table(results: dict[str, Result], reference: Result, labelled: LabelledDecisions) -> list[str]:
    """One row a cell, the best loss first."""
    heads = [
        *("recipe", "seeds", "multiply-adds", "parameters", "agreement", "loss, mpt"),
        *(f"loss against {reference.name}", f"agreement against {reference.name}"),
        *("load variation", "dropped", "training, decisions/s", "scoring, µs"),
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for result in sorted(results.values(), key=lambda item: estimate(list(item.losses.values()))[0]):
        runs = list(result.runs.values())
        network = NetworkConfig(**{**runs[0]["network"], "hidden": tuple(runs[0]["network"]["hidden"])})
        cost = multiply_adds(network, network.hidden)
        loads = [np.array(run["play"]["load"]) for run in runs if run["play"]]
        spread = f"{np.mean([load.std() / load.mean() for load in loads]):.2f}" if loads else ""
        dropped = f"{np.mean([run['play']['dropped'] for run in runs]):.3f}" if loads else ""
        speed = np.median([run["training"]["decisions_per_second"] for run in runs])
        apart = ["", ""]
        if result is not reference:
            apart = [
                show(estimate(differences(result.losses, reference.losses)), 2, "+"),
                show(estimate(differences(result.hits, reference.hits)), 4, "+"),
            ]
        cells = [
            result.name,
            str(len(runs)),
            f"{cost:,}",
            f"{runs[0]['parameters']:,}",
            show(estimate(list(result.hits.values())), 4),
            show(estimate(list(result.losses.values())), 2),
            *apart,
            spread,
            dropped,
            f"{speed:,.0f}",
            f"{scoring_time(network, labelled):.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def phase_table(results: dict[str, Result], phases: npt.NDArray[np.int8], reference: Result) -> list[str]:
    """Loss by phase; behind each figure the paired difference to the reference."""
    counts = np.bincount(phases, minlength=len(PHASES))
    heads = [f"{name} ({count:,})" for name, count in zip(PHASES, counts, strict=True)]
    lines = ["| recipe | " + " | ".join(heads) + " |", "|---" * (len(PHASES) + 1) + "|"]
    for result in sorted(results.values(), key=lambda item: estimate(list(item.losses.values()))[0]):
        cells = []
        for code in range(len(PHASES)):
            mean, _ = estimate([losses[phases == code] for losses in result.losses.values()])
            apart = [row[phases == code] for row in differences(result.losses, reference.losses)]
            cells.append(f"{mean:.2f}" if result is reference else f"{mean:.2f} ({show(estimate(apart), 2, '+')})")
        lines.append(f"| {result.name} | " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--labels", nargs="+", type=Path, required=True)
    parser.add_argument("--reference", default="dense")
    options = parser.parse_args()
    results = read_results(options.folder)
    reference = results[options.reference]
    labelled = read_labelled(options.labels)
    tables = [*overall_table(results, reference, labelled), "", *phase_table(results, labelled.phases, reference)]
    print("\n".join(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
