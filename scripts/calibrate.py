"""Are a model's chances right? Its chances of a win, a gammon won and a gammon lost against labels or results.

    python -m scripts.calibrate MODEL FILES... [--svg PICTURE] [--json]

MODEL is a model file or run folder with an outcome head, or "default". FILES are labelled decisions with chances, or
match logs; what is a case and what the figures mean stands in `backgammon.learner.measure.calibration`.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from backgammon.learner.measure.calibration import draw_calibration, measure_calibration
from backgammon.learner.net.scorer import load_scorer
from backgammon.tools.processors import usable_processors
from scripts.named_models import model_of
from scripts.program import program


@program(__doc__)
@click.argument("model")
@click.argument("files", nargs=-1, required=True)
@click.option("--svg", type=click.Path(path_type=Path), metavar="PICTURE", help="Draw the tables.")
@click.option("--json", "as_json", is_flag=True)
def main(model: str, files: tuple[str, ...], svg: Path | None, as_json: bool) -> None:
    """Measure, print, draw."""
    scorer = load_scorer(model_of(model), threads=usable_processors())
    measured = measure_calibration(scorer, files)
    if svg is not None:
        svg.write_text(draw_calibration(measured.calibrations, measured.heading), encoding="utf-8")
    click.echo(json.dumps(measured.as_dict()) if as_json else measured.describe())


if __name__ == "__main__":
    main()
