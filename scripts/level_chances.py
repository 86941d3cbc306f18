"""A model whose chances are right on average in every game phase: only the biases of its outcome heads are moved.

    python -m scripts.level_chances OUT MODEL LABELS...

Chances that learn from the net's own look-ahead drift, round after round, with nobody to hold them. LABELS are labelled
decisions with chances; every judged candidate is a case, as in `scripts.calibrate`. A model that routes by game phase
has an outcome head for each; to its six logits constants are added until its mean chances in that phase are those of
the labels. That moves all candidates of a phase alike, so plays hardly change; cubes do.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import numpy as np

from backgammon.evaluation.outcome import equities, from_cumulative
from backgammon.learner.measure.calibration import read_cases
from backgammon.learner.net.scorer import load_scorer
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Float64s
from backgammon.tools.errors import ModelError
from backgammon.tools.processors import usable_processors
from comparison_net.checkpoint import save_model
from scripts.named_models import model_of
from scripts.program import program

_HEADS = "experts.outcome.bias"
_STEPS = 200


@program(__doc__)
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("model")
@click.argument("labels", nargs=-1, required=True)
def main(out: Path, model: str, labels: tuple[str, ...]) -> None:
    """Read, level each phase, write, say what the mean equity was off by."""
    scorer = load_scorer(model_of(model), threads=usable_processors())
    heads = scorer.model.weights.get(_HEADS)
    if scorer.model.network.head != "phase" or heads is None or len(heads) != len(PHASES):
        raise ModelError(f"{model}: has no outcome head for each game phase (head = phase, network.outcomes = true)")
    cases = read_cases(labels)
    predicted = scorer.outcomes(cases.boards).astype(np.float64)
    observed = from_cumulative(cases.observed).astype(np.float64)
    phases = phase_codes(cases.boards)
    moved = np.array(heads, dtype=np.float64)
    for code, name in enumerate(PHASES):
        rows = phases == code
        if not rows.any():
            continue
        constants = level(predicted[rows], observed[rows])
        moved[code] += constants
        off = float(equities((predicted[rows] - observed[rows]).astype(np.float32)).mean())
        print(f"{name:18s}{rows.sum():9,d} cases  equity was off by {off:+.4f} points")
    weights = {**scorer.model.weights, _HEADS: moved.astype(np.float32)}
    save_model(out, dataclasses.replace(scorer.model, weights=weights))


def level(predicted: Float64s, observed: Float64s) -> Float64s:
    """Constants float64[6] for the logits of chances float64[K, 6], so that their means are those of others.

    The cross-entropy is convex in the constants; each step takes a logit by itself, which cannot go too far when the
    six share one step. A chance that is 0 by the rules stays so.
    """
    constants = np.zeros(predicted.shape[1])
    shares = predicted
    for _ in range(_STEPS):
        gaps = (observed - shares).mean(axis=0)
        slopes = (shares * (1 - shares)).mean(axis=0)
        constants += np.divide(gaps, slopes, out=np.zeros_like(gaps), where=slopes > 0) / 2
        raised = predicted * np.exp(constants)
        shares = raised / raised.sum(axis=1, keepdims=True)
    levelled: Float64s = constants - constants.mean()
    return levelled


if __name__ == "__main__":
    main()
