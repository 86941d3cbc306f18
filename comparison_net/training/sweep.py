"""The same run from several seeds, and a table of what they reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from comparison_net.config import TrainConfig
from comparison_net.domain import Domain
from comparison_net.encoders import Encoder
from comparison_net.tools import ConfigError
from comparison_net.training.choice_source import Source
from comparison_net.training.loop import train
from comparison_net.training.progress import Reporter
from comparison_net.training.run_folder import RunFolder


def sweep(
    source: Source,
    encoder: Encoder,
    config: TrainConfig,
    seeds: Sequence[int],
    folder: Path,
    reporter: Reporter | None = None,
) -> list[dict[str, Any]]:
    """Summaries of a run for each seed, in `folder`/seed-N; what is there already is gone on with, or only told.

    Args:
        source: training data, split alike for all of them.
        encoder: reads its alternatives.
        config: settings; its seed does not count.
        seeds: different ones.
        folder: holds the runs.
        reporter: hears of each run.

    Raises:
        ConfigError: no seed, or one twice.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds {', '.join(map(str, seeds))}: give at least one, each once")
    summaries = []
    for seed in seeds:
        run = folder / f"seed-{seed}"
        goes_on = RunFolder(run).is_started
        summary = train(source, encoder, replace(config, seed=seed), run, resume=goes_on, reporter=reporter)
        summaries.append({"seed": seed, **summary})
    return summaries


def sweep_table(summaries: Sequence[dict[str, Any]], domain: Domain) -> str:
    """A line for each seed, then the mean of each figure with its 95 % interval over the seeds (Student's t)."""
    names = ["agreement", "log_loss", domain.value_loss, "outcome_log_loss", "outcome_brier"]
    names = [name for name in names if all(isinstance(summary.get(name), float) for summary in summaries)]
    width = max(12, *map(len, names)) if names else 12
    lines = [f"{'seed':>8s} " + " ".join(f"{name:>{width}s}" for name in [*names, "best epoch"])]
    for summary in summaries:
        figures = [f"{summary[name]:{width}.4f}" for name in names]
        lines.append(f"{summary['seed']:8d} " + " ".join([*figures, f"{summary['best_epoch'] + 1:{width}d}"]))
    if len(summaries) > 1 and names:
        means, halves = [], []
        for name in names:
            values = np.array([summary[name] for summary in summaries])
            half = student_quantile(len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
            means.append(f"{values.mean():{width}.4f}")
            halves.append(f"{half:{width}.4f}")
        lines += [f"{'mean':>8s} " + " ".join(means), f"{'+-':>8s} " + " ".join(halves)]
    return "\n".join(lines)


def student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t: the place where its distribution reaches it.

    `backgammon.tools.intervals` has one too: the learner stands on no other package of the house.

    >>> [round(student_quantile(n), 3) for n in (1, 2, 4, 30)]
    [12.706, 4.303, 2.776, 2.042]
    """
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_centre(middle, freedom) < 0.95 else (low, middle)
    return low


def _student_centre(t: float, freedom: int) -> float:
    """P(|T| < t), by the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, total, term = math.cos(angle), 0.0, 1.0
    if freedom % 2:
        for k in range(1, freedom - 1, 2):
            term = cosine if k == 1 else term * cosine**2 * (k - 1) / k
            total += term
        return 2 / math.pi * (angle + math.sin(angle) * total)
    for k in range(0, freedom, 2):
        term = 1.0 if k == 0 else term * cosine**2 * (k - 1) / k
        total += term
    return math.sin(angle) * total
