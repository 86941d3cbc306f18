"""What the playing levels lose on labelled decisions, and the scales that make them lose what they should.

    python -m scripts.level_scores LABELS... [--model FILE] [--json]
    python -m scripts.level_scores LABELS... --refit              # the table of scales for `backgammon.engine`
    python -m scripts.level_scores LABELS... --fit 10 --fit 25    # scales of other ratings
    python -m scripts.level_scores --people FILE                  # the scale that explains people's plays best

LABELS are labelled decisions with every candidate judged, as for `pairgammon evaluate`; the rating is 500 times the
points lost per unforced decision. FILE (--people may be repeated) holds plays by people, as for `human_agreement`. What
the figures mean stands in `backgammon.learner.measure.level_fit`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from backgammon.analysis.scales import rating_word
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.levels import LEVELS, Level
from backgammon.evaluation.strengths import RATING_POINTS
from backgammon.learner.measure.level_fit import LevelGauge, gauge_levels, likely_scales
from backgammon.learner.measure.people_agreement import read_analysed_plays
from backgammon.learner.net.engine_builder import build_engine
from backgammon.records import read_labels
from backgammon.tools.processors import usable_processors
from scripts.program import program


def print_levels(gauge: LevelGauge, levels: Sequence[Level], as_json: bool) -> None:
    """A line a level."""
    rows = [(level, gauge.rating(level.scale), gauge.agreement(level.scale)) for level in levels]
    if as_json:
        lines = [
            {**asdict(level), "pr": asdict(rating), "agreement": asdict(hits), "word": _word(rating.value)}
            for level, rating, hits in rows
        ]
        click.echo(json.dumps(lines))
        return
    click.echo(f"{len(gauge.found):,d} unforced decisions of {len(set(gauge.found.decisions.unit.tolist()))} games")
    click.echo(f"{'level':14s}{'scale':>8s}{'wanted':>8s}  {'rating':17s}{'agreement':17s}GNU Backgammon's word")
    for level, rating, hits in rows:
        wanted = "" if level.rating is None else f"{level.rating:g}"
        figures = f"{rating.show(2):17s}{hits.show(3):17s}{_word(rating.value)}"
        click.echo(f"{level.name:14s}{level.scale:8.4f}{wanted:>8s}  {figures}")


def _word(rating: float) -> str:
    return rating_word(rating / RATING_POINTS)


def fit_levels(gauge: LevelGauge, ratings: Sequence[float]) -> list[Level]:
    """Levels of the given ratings; of none given, those of the table with their scales fitted."""
    if ratings:
        return [Level(f"rating {rating:g}", gauge.fit(rating), rating) for rating in ratings]
    return [
        level if level.rating is None else replace(level, scale=round(gauge.fit(level.rating), 4))
        for level in LEVELS.values()
    ]


@program(__doc__)
@click.argument("labels", nargs=-1, type=click.Path(path_type=Path))
@click.option("--model", help="A model file or run folder instead of the default model.")
@click.option("--refit", is_flag=True, help="Fit the scales of the table.")
@click.option("--fit", type=float, multiple=True, metavar="RATING", help="Find the scale; may be repeated.")
@click.option("--people", multiple=True, type=click.Path(path_type=Path), help="Plays by people; may be repeated.")
@click.option("--json", "as_json", is_flag=True)
def main(
    labels: tuple[Path, ...],
    model: str | None,
    refit: bool,
    fit: tuple[float, ...],
    people: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Judge, fit, print."""
    if not labels and not people:
        raise click.UsageError("give files of labels, or --people with files of plays")
    engine = build_engine(EngineSpec(model, threads=usable_processors())).evaluator
    if people:
        for found in likely_scales(read_analysed_plays(people).found.decisions, engine):
            best = f"scale {found.scale:.4f}  log-likelihood {found.log_likelihood:.3f}"
            click.echo(f"{found.group:32s}{found.plays:7,d} plays  {best}")
    if labels:
        gauge = gauge_levels(read_labels(labels)[0], engine)
        levels = fit_levels(gauge, fit) if refit or fit else list(LEVELS.values())
        print_levels(gauge, levels, as_json)


if __name__ == "__main__":
    main()
