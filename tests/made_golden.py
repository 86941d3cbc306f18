"""Made choices whose logits were fitted by xlogit: golden numbers that anybody may have.

    pip install -e '.[bench-choice]'
    python -m tests.made_golden > tests/vectors/choice-made-golden.json

Choices of "full" have four alternatives, those of "ragged" two to five, "weighted" are the full ones with weights 1 to
3. xlogit pads the ragged ones with rows that are not available, since it takes no other sets of different sizes.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np

from comparison_net.choices import ChoiceSets

NAMES = ("price", "time", "comfort", "red")
TASTE = (-0.8, -0.5, 0.3, 0.6)
CASES = ("full", "ragged", "weighted")


def made_case(name: str) -> ChoiceSets:
    """The choice sets of a case; units are persons with five choices each."""
    rng = np.random.default_rng(20_261)
    num_sets = 600
    sizes = rng.integers(2, 6, num_sets) if name == "ragged" else np.full(num_sets, 4)
    rows = rng.random((int(sizes.sum()), 4)) * [4, 3, 2, 1]
    rows[:, 3] = np.round(rows[:, 3])
    utilities = rows @ TASTE - np.log(-np.log(rng.random(len(rows))))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    chosen = [int(utilities[first:last].argmax()) for first, last in itertools.pairwise(offsets)]
    weights = 1 + np.arange(num_sets) % 3 if name == "weighted" else None
    units = np.arange(num_sets) // 5
    return ChoiceSets.from_arrays(rows, sizes=sizes, chosen=np.array(chosen), weights=weights, units=units, names=NAMES)


def fit_by_xlogit(sets: ChoiceSets) -> dict[str, Any]:
    """Coefficients, classical and robust errors, and the log-likelihood by xlogit."""
    from xlogit import MultinomialLogit

    most = int(sets.counts().max())
    cells = sets.owners() * most + np.arange(sets.num_items) - np.repeat(sets.offsets[:-1], sets.counts())
    rows = np.zeros((len(sets) * most, len(NAMES)))
    available, y = np.zeros(len(rows)), np.zeros(len(rows))
    rows[cells], available[cells] = sets.items, 1
    y[cells[sets.chosen_items()]] = 1
    ids = np.repeat(np.arange(len(sets)), most)
    given = {
        "alts": np.tile(np.arange(most), len(sets)),
        "ids": ids,
        "avail": available,
        "weights": None if sets.weights is None else sets.weights[ids].astype(float),
        "verbose": 0,
        "tol_opts": {"ftol": 1e-14, "gtol": 1e-8},
    }
    found = {}
    for kind, is_robust in (("classical", False), ("robust", True)):
        model = MultinomialLogit()
        model.fit(rows, y, list(NAMES), robust=is_robust, **given)
        found[kind] = [round(float(error), 9) for error in model.stderr]
    coefficients = [round(float(value), 9) for value in model.coeff_]
    return {"coefficients": coefficients, **found, "log_likelihood": round(float(model.loglikelihood), 6)}


if __name__ == "__main__":
    print(json.dumps({name: fit_by_xlogit(made_case(name)) for name in CASES}, indent=1))
