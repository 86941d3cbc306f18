"""`pairgammon inspect`: a picture of what the router of a mixture of experts does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.group import ExampleCommand, is_given
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.learner.net.scorer import Scorer
    from backgammon.tools.arrays import Boards

DEFAULT_GAMES = 20


@click.command(
    cls=ExampleCommand,
    short_help="Draw what the router of a mixture of experts does.",
    examples=(
        ("pairgammon inspect runs/phases --out router.svg", "on games that the model plays against itself"),
        ("pairgammon inspect runs/phases --logs data/logs/held-out --dense runs/one", "on logs, beside a dense model"),
    ),
)
@click.argument("model")
@click.option(
    "--logs", multiple=True, metavar="LOGS", help="Look at the plays of logs, and measure agreement; repeatable."
)
@click.option("--dense", metavar="MODEL", help="A dense model whose agreement is drawn beside.")
@click.option("--out", default="inspection.svg", show_default=True, metavar="FILE", help="Where the picture goes.")
@click.option(
    "--games", type=click.IntRange(min=1), default=DEFAULT_GAMES, show_default=True, help="Games of self-play."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Dice of the self-play.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object too.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    logs: tuple[str, ...],
    dense: str | None,
    out: str,
    games: int,
    seed: int,
    as_json: bool,
) -> None:
    """Show which expert takes which phase; draw it, the gate along a game, the load in training, agreement by phase.

    MODEL is a run folder or a checkpoint of a mixture (`train --head ...`). The load in training is read from the log
    of a run folder. Without --logs, agreement is that on the decisions each training held out.
    """
    from dataclasses import replace

    from backgammon.learner.measure.inspection import held_out_rates, inspect_model, play_games
    from backgammon.learner.measure.router_picture import draw_inspection
    from backgammon.learner.net.scorer import load_scorer
    from backgammon.tools.storage import replace_file

    if logs and any(is_given(ctx, name) for name in ("games", "seed")):
        raise click.UsageError("--games and --seed are those of self-play: leave them out with --logs")
    scorer = load_scorer(model)
    other = load_scorer(dense) if dense is not None else None
    played = _read_games(logs) if logs else play_games(scorer, games, seed)
    path = Path(model)
    inspection = inspect_model(scorer.model, scorer.name, played, path if path.is_dir() else None)
    if logs:
        inspection = replace(inspection, agreement=_measure(scorer, logs))
    if other is not None:
        inspection = replace(inspection, dense=_measure(other, logs) if logs else held_out_rates(other.model))
    replace_file(Path(out), draw_inspection(inspection).encode())
    say(json.dumps(inspection.as_dict()) if as_json else "\n".join([*inspection.lines(), f"picture: {out}"]))


def _read_games(logs: tuple[str, ...]) -> list[Boards]:
    """Positions after every play of the logs, a game each."""
    from backgammon.records import read_logs

    return [game.plays.afters for game in read_logs(logs) if len(game)]


def _measure(scorer: Scorer, logs: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """(agreed, decisions) by phase on logs."""
    from backgammon.analysis.agreement import measure_agreement
    from backgammon.records import read_logs

    rows = measure_agreement(read_logs(logs), scorer).by_phase
    return {row.name: (round(row.top1.value * row.decisions), row.decisions) for row in rows}
