"""`pairgammon improve`: rounds of games, labels and training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from backgammon.cli.group import EXIT_INTERRUPTED, ExampleCommand, model_option, workers_option
from backgammon.cli.screen import say


@click.command(
    cls=ExampleCommand,
    short_help="Rounds of games, labels and training: a net learns from its look-ahead.",
    examples=(
        ("pairgammon improve --out rounds", "two rounds from the model that ships, without any other engine"),
        (
            "pairgammon improve --out rounds --contested 0.03 --games 100000",
            "more games, and 2 plies where it is close",
        ),
        ("pairgammon improve --out joint --teacher model --teacher gnubg:0", "GNU Backgammon judges the leaves too"),
        (
            "pairgammon improve --out s --model S --player gnubg:0 --prefer 0.02 --pruner own",
            "an expert's choices count",
        ),
    ),
)
@click.option("--out", required=True, metavar="FOLDER", help="Of the rounds; created.")
@model_option
@click.option("--rounds", default=2, show_default=True, help="Rounds; those that are there are left alone.")
@click.option("--games", default=40_000, show_default=True, help="Games of a round.")
@click.option(
    "--player", default="model", show_default=True, metavar="NAME", help="Who plays them: `model`, gnubg:N or sage:N."
)
@click.option(
    "--random", "noise", type=float, multiple=True, metavar="SHARE",
    help="Shares of random plays, taken in turn.  [default: 0 to 0.5, a third of the games none]",
)  # fmt: skip
@click.option(
    "--teacher", "teachers", multiple=True, default=("model",), metavar="NAME",
    help="Who judges the leaves: `model`, the net of the round before, and others, as in `label`.  [default: model]",
)  # fmt: skip
@click.option("--ply", "plies", type=click.IntRange(1, 3), default=1, show_default=True, help="Of the labels.")
@click.option(
    "--contested", type=float, default=0.0, metavar="POINTS", help="A ply deeper where the best two are so close."
)
@click.option("--sample", type=click.IntRange(min=0), default=0, help="Decisions of a round to judge.  [default: all]")
@click.option("--prefer", type=float, default=0.0, metavar="POINTS", help="More for what another --player chose.")
@click.option(
    "--pruner", metavar="NAME", help="Small net of the look-ahead: a model, none, or own, learnt in each round."
)
@click.option("--memory", default=0, metavar="ROUNDS", help="Learn from the labels of so many rounds.  [default: all]")
@click.option("--also", multiple=True, metavar="SHARDS", help="Further labelled shards to learn from; repeatable.")
@click.option("--config", metavar="FILE", help="Settings of the training in TOML.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the training; repeatable.")
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    help="Where the nets judge and learn: cpu, cuda or mps.",
)
@click.option("--seed", default=0, show_default=True, help="Other games.")
@workers_option
def command(
    out: str,
    model: str | None,
    rounds: int,
    noise: tuple[float, ...],
    also: tuple[str, ...],
    config: str | None,
    settings: tuple[str, ...],
    device: str,
    workers: str | None,
    player: str,
    **plan: Any,
) -> None:
    """Let a net play itself, judge the decisions by its own look-ahead, and learn from that, round after round.

    FOLDER/K/run is the net of round K; every command that takes --model takes it. With --prefer the games are another
    player's, whose choices count so many points more than the look-ahead says: the net is a student then. The settings
    of the training are those of docs/experiments/labels.md with the shape of the model, unless --config says otherwise.

    With --device cuda the net judges the leaves of the look-ahead there, many at once, and learns there; threads of
    this process make the positions, unless --workers names others.

    Ctrl-C, or a crash, loses nothing: the same command goes on, and ends with the bytes of an uninterrupted run.
    """
    from backgammon.cli.screen import announce_compilation, show_units
    from backgammon.learner.inputs.board_domain import BOARDS
    from backgammon.learner.teach.improvement import EXPERT_NOISE, NOISE, Improvement, RoundPlan
    from backgammon.tools.jobs.workers import ThreadWorkers, Workers, workers_named
    from backgammon.tools.processors import usable_processors
    from comparison_net.training.loop import Interrupted
    from comparison_net.training.progress import make_reporter

    usual = NOISE if player == "model" else EXPERT_NOISE
    round_plan = RoundPlan(player=player, noise=noise or usual, **plan)
    improvement = Improvement(
        Path(out),
        model,
        round_plan,
        tuple(map(Path, also)),
        None if config is None else Path(config),
        settings,
        device,
    )
    crew: Workers = workers_named(workers)
    if device != "cpu" and workers is None:  # processes would share the device, and have a copy of the net each
        crew = ThreadWorkers(usable_processors())
    announce_compilation()
    try:
        for run in improvement.run(rounds, crew, show_units, make_reporter(sys.stderr, BOARDS)):
            say(f"round {run.parent.name}: {run}")
    except Interrupted as stop:
        say(str(stop), err=True)
        click.get_current_context().exit(EXIT_INTERRUPTED)
