"""`pairgammon train`: from logs to a trained network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from comparison_net.cli.group import EXIT_INTERRUPTED, ExampleCommand
from comparison_net.config import LOSSES, TrainConfig, load_config, to_toml

if TYPE_CHECKING:
    from comparison_net.run_folder import RunFolder
    from comparison_net.shards import Shards

DEFAULTS = TrainConfig()


def _print_settings(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    """Answer --settings before anything else is required."""
    if is_asked:
        click.echo(to_toml(DEFAULTS), nl=False)
        ctx.exit()


@click.command(
    cls=ExampleCommand,
    short_help="Learn from the choices in logs.",
    examples=(
        ("pairgammon train data/logs --out runs/one", "learn from the shipped logs with the defaults"),
        ("pairgammon train data/logs --out runs/linear --set network.hidden=[] --loss pairwise", "Tesauro's of 1988"),
        ("pairgammon train --out runs/one --resume", "go on after an interruption"),
        ("pairgammon train --settings > my.toml", "every setting with its default, for --config"),
    ),
)
@click.argument("logs", nargs=-1)
@click.option("--out", required=True, metavar="RUN", help="Folder of the run; created.")
@click.option("--config", "config_file", metavar="FILE", help="Settings in TOML.")
@click.option("--loss", type=click.Choice(LOSSES), help=f"What is minimised.  [default: {DEFAULTS.loss}]")
@click.option("--epochs", type=int, help=f"Passes over the decisions.  [default: {DEFAULTS.epochs}]")
@click.option("--seed", type=int, help=f"Start weights and order.  [default: {DEFAULTS.seed}]")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Any other setting; repeatable.")
@click.option("--resume", is_flag=True, help="Go on where the run was interrupted, to the same bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures of the run as one JSON object.")
@click.option(
    "--settings", is_flag=True, is_eager=True, expose_value=False, callback=_print_settings, help="Print all settings."
)
@click.pass_context
def command(
    ctx: click.Context,
    logs: tuple[str, ...],
    out: str,
    config_file: str | None,
    loss: str | None,
    epochs: int | None,
    seed: int | None,
    overrides: tuple[str, ...],
    resume: bool,
    as_json: bool,
) -> None:
    """Train a network on the choices in LOGS, by comparison.

    LOGS are files or folders of match logs, plain or packed. Their decisions are stored in the run folder, a share of
    the matches is held out to measure agreement, and training stops when that no longer improves. The best weights are
    in RUN/model.safetensors; every command that takes --model takes RUN. Ctrl-C, or a crash, loses nothing: --resume
    goes on, and ends with the very weights of an uninterrupted run.
    """
    from comparison_net.run_folder import RunFolder

    flags = [
        f"{name}={value}" for name, value in (("loss", loss), ("epochs", epochs), ("seed", seed)) if value is not None
    ]
    texts = (*overrides, *flags)
    folder = RunFolder(Path(out))
    goes_on = resume and folder.is_started
    base = Path(config_file) if config_file else folder.config if goes_on else None
    config = load_config(base, texts)
    shards = _open_or_build(folder, logs, resume)

    from comparison_net.progress import make_reporter
    from comparison_net.training import Interrupted, train

    try:
        summary = train(shards, config, folder.path, resume=goes_on, reporter=make_reporter(sys.stderr))
    except Interrupted as stop:
        click.echo(str(stop), err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if as_json:
        click.echo(json.dumps(summary))
    else:
        click.echo(f"best weights: {folder.model}\nnext: pairgammon evaluate OTHER_LOGS --model {folder.path}")


def _open_or_build(folder: RunFolder, logs: tuple[str, ...], resume: bool) -> Shards:
    """The training data of a run: what is there when it goes on, else made from the logs.

    Raises:
        ConfigError: a run is there already, or there is nothing to go on with and no logs are named.
        RecordError: the logs hold no play.
    """
    from backgammon.errors import ConfigError
    from backgammon.records import read_logs
    from comparison_net.cli.screen import show_byte_progress
    from comparison_net.shards import build_shards, open_shards

    if folder.is_started and not resume:
        raise ConfigError(f"{folder.path}: holds a run already; continue it with --resume or give another folder")
    if folder.shards.exists() and resume:
        return open_shards(folder.shards)
    if not logs:
        raise ConfigError(f"{folder.path}: no run to go on with; name the logs to learn from")
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(logs, progress=advance)
        shards = build_shards(reading, folder.shards)
    click.echo(reading.report.render(), err=True)
    return shards
