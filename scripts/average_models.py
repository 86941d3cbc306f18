"""A model whose weights are a mean of those of others, which went on from one start.

    python -m scripts.average_models OUT .75 rounds/3/run .25 default

Each SHARE stands before its MODEL: a model file, a run folder, or "default" for the one that ships. Shares add up to 1;
shapes are equal. What one run has learnt by chance is thinned out so, and the model costs no more at play.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import numpy as np

from backgammon.learner.net.scorer import load_scorer
from backgammon.tools.errors import DataError
from comparison_net.checkpoint import Model, save_model
from scripts.named_models import model_of
from scripts.program import program

_ROUNDING = 1e-6


@program(__doc__)
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("parts", nargs=-1, required=True, metavar="SHARE MODEL...")
def main(out: Path, parts: tuple[str, ...]) -> None:
    """Read, average, write."""
    if len(parts) % 2 or len(parts) < 4:
        raise click.UsageError("give a share before each of two models or more")
    try:
        shares = [float(text) for text in parts[::2]]
    except ValueError as error:
        raise click.UsageError(f"a share is a number: {error}") from error
    save_model(out, average([load_scorer(model_of(name)).model for name in parts[1::2]], shares))


def average(models: list[Model], shares: list[float]) -> Model:
    """The first model with weights that are the means of all.

    Raises:
        DataError: other shapes, or shares that are no parts of 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > _ROUNDING:
        raise DataError(f"shares {shares}: give parts that add up to 1")
    first = models[0]
    if any(shape_of(model) != shape_of(first) for model in models):
        raise DataError("the models have different shapes; only weights of one shape can be averaged")
    weights = {
        name: sum(
            share * np.asarray(model.weights[name], dtype=np.float64)
            for share, model in zip(shares, models, strict=True)
        )
        for name in first.weights
    }
    return dataclasses.replace(
        first, weights={name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}
    )


def shape_of(model: Model) -> tuple[object, ...]:
    """What must be equal for weights to mean the same; a setting may be written out in one model and not in another."""
    network = model.network
    sizes = {name: values.shape for name, values in model.weights.items()}
    return network.head, network.split, network.inputs, network.score_from, network.context, sizes


if __name__ == "__main__":
    main()
