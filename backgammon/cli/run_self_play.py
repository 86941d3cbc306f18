"""`pairgammon self-play`: games of a player against itself, to learn from."""

from __future__ import annotations

from pathlib import Path

import click

from backgammon.cli.group import ExampleCommand, model_option, plies_option, workers_option
from backgammon.cli.screen import say


@click.command(
    cls=ExampleCommand,
    short_help="Games of a player against itself, as logs or to learn from.",
    examples=(
        (
            "pairgammon self-play --games 20000 --random 0 --random 0.05 --random 0.3 --out games",
            "shards of the model's",
        ),
        ("pairgammon self-play --ply 1 --games 1000 --seed 7 --out games.mat.xz", "a log, one ply deep"),
        ("pairgammon self-play --player gnubg:2 --games 100 --out expert.mat.xz", "GNU Backgammon as the expert"),
    ),
)
@click.option("--player", default="model", show_default=True, metavar="NAME", help="`model`, gnubg:N or sage:N.")
@model_option
@plies_option
@click.option("--games", default=1000, show_default=True, help="Games to play.")
@click.option(
    "--random",
    "noise",
    type=float,
    multiple=True,
    metavar="SHARE",
    help="Share of random plays; repeated, the games take these in turn.  [default: 0]",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the dice; same seed, same games.")
@click.option("--only-forced", is_flag=True, help="Of shards, keep the decisions without a choice and no others.")
@click.option(
    "--out", required=True, metavar="OUT", help="A log (.mat, .sgf, .jsonl, packed with .xz behind), else shards."
)
@workers_option
def command(
    player: str,
    model: str | None,
    plies: int,
    games: int,
    noise: tuple[float, ...],
    seed: int,
    only_forced: bool,
    out: str,
    workers: str | None,
) -> None:
    """Let a player play both sides of cubeless money games from start to end.

    A net that learns from good games alone errs where good games never come; so a share of the plays may be random. A
    log holds the plays that were made. Shards, a folder that `label` and `train` take, hold every decision with what
    the player prefers, also where a random play was made instead: its result is unknown there.

    The same command goes on after an interruption. The games depend on player, shares and seed, not on the workers.
    """
    from backgammon.cli.screen import announce_compilation, show_units
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.learner.data.shards import open_shards
    from backgammon.learner.teach.self_play import GamesPlan, log_format, play_into_log, play_into_shards
    from backgammon.learner.teach.teacher import MODEL, TeacherSpec, pack_teacher
    from backgammon.tools.errors import ConfigError
    from backgammon.tools.jobs.workers import workers_named

    path = Path(out)
    is_log = bool(path.suffix)
    if is_log:
        log_format(path)
    if is_log and only_forced:
        raise ConfigError(f"--only-forced is for shards, {out} is a log")
    plan = GamesPlan(games, noise or (0.0,), seed)
    crew = workers_named(workers)
    if player == MODEL:
        announce_compilation()
    packed = pack_teacher(TeacherSpec((player,), EngineSpec(model, plies)))
    with show_units(f"games of {packed.name}", games) as progress:
        if is_log:
            play_into_log(packed, plan, path, crew, progress)
        else:
            play_into_shards(packed, plan, path, crew, progress, only_forced)
    number = f"{games:,} games" if is_log else f"{len(open_shards(path, verify=False)):,} decisions"
    say(f"{number} in {out}")
