"""`pairgammon train`: from logs to a trained network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.group import EXIT_INTERRUPTED, ExampleCommand
from backgammon.cli.screen import say
from backgammon.learner.inputs.head_names import HEADS
from comparison_net.config import LOSSES, TRACKERS, VALUE_LOSSES, TrainConfig, load_config, to_toml

if TYPE_CHECKING:
    from backgammon.learner.data.shards import Shards
    from comparison_net.training.run_folder import RunFolder


class NameOrAddress(click.Choice[str]):
    """One of some names, or module:name for a part of one's own."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or the address as it is."""
        return value if ":" in value else super().convert(value, param, ctx)


DEFAULTS = TrainConfig()
NETWORK = DEFAULTS.network


def _print_settings(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    """Answer --settings before anything else is required."""
    if is_asked:
        from backgammon.learner.inputs.board_domain import BOARDS

        say(to_toml(DEFAULTS.for_domain(BOARDS), BOARDS), nl=False)
        ctx.exit()


@click.command(
    cls=ExampleCommand,
    short_help="Learn from the choices in logs.",
    examples=(
        ("pairgammon train data/logs --out runs/one", "learn from the shipped logs with the defaults"),
        ("pairgammon train data/logs --out runs/linear --set network.hidden=[] --loss pairwise", "Tesauro's of 1988"),
        ("pairgammon train data/labels --out runs/soft --loss soft", "learn from the equities of all candidates"),
        ("pairgammon train data/logs --out runs/phases --head phase", "a mixture of experts by game phase"),
        ("pairgammon train data/logs --out runs/up --head phase --upcycle runs/one", "each expert starts as a copy"),
        ("pairgammon train data/logs --out runs/three --seeds 1,2,3", "three runs, and what they have in common"),
        ("pairgammon train --out runs/one --resume", "go on after an interruption"),
        ("pairgammon train --settings > my.toml", "every setting with its default, for --config"),
    ),
)
@click.argument("logs", nargs=-1)
@click.option("--out", required=True, metavar="RUN", help="Folder of the run; created.")
@click.option("--config", "config_file", metavar="FILE", help="Settings in TOML.")
@click.option("--loss", type=NameOrAddress(LOSSES), help=f"What is minimised.  [default: {DEFAULTS.loss}]")
@click.option(
    "--head", type=NameOrAddress(HEADS), help=f"Dense, or which mixture of experts.  [default: {NETWORK.head}]"
)
@click.option("--upcycle", metavar="MODEL", help="Dense model or run that every expert starts from.")
@click.option("--epochs", type=int, help=f"Passes over the decisions.  [default: {DEFAULTS.epochs}]")
@click.option("--seed", type=int, help=f"Start weights and order.  [default: {DEFAULTS.seed}]")
@click.option("--seeds", metavar="N,N,...", help="A run for each seed, in RUN/seed-N, and a table of them.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Any other setting; repeatable.")
@click.option("--resume", is_flag=True, help="Go on where the run was interrupted, to the same bytes.")
@click.option(
    "--track", multiple=True, type=click.Choice(TRACKERS), help="Also keep its course: RUN/epochs.csv, RUN/tensorboard."
)
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
    head: str | None,
    upcycle: str | None,
    epochs: int | None,
    seed: int | None,
    seeds: str | None,
    overrides: tuple[str, ...],
    resume: bool,
    track: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a network on the choices in LOGS, by comparison.

    LOGS are files or folders of match logs, plain or packed; or of labelled decisions (JSON lines with "cands"), whose
    equities and chances serve --loss soft and an outcome head; or shards folders. A loss that reads values learns from
    the analysis in .xg, SGF and text files as well, and from nothing else in them. The decisions are stored in the run
    folder, a share of the matches is held out to judge by, and training stops when that no longer improves. The best
    weights are in RUN/model.safetensors; every command that takes --model takes RUN. Ctrl-C, or a crash, loses nothing:
    --resume goes on, and ends with the very weights of an uninterrupted run.

    Started by torchrun, several processes share each step, on one machine or more, and come to the same weights.
    """
    from comparison_net.training.run_folder import RunFolder

    if seeds is not None and seed is not None:
        raise click.UsageError("--seed is for one run, --seeds for several: give one of them")
    named = (("loss", loss), ("network.head", head), ("upcycle", upcycle), ("epochs", epochs), ("seed", seed))
    flags = [f"{name}={json.dumps(value)}" for name, value in named if value is not None]
    texts = (*overrides, *flags)
    folder = RunFolder(Path(out))
    goes_on = resume and folder.is_started
    base = Path(config_file) if config_file else folder.config if goes_on else None

    from backgammon.learner.data.shards import open_shards
    from backgammon.learner.training.shard_training import make_encoder, sweep_shards, train_on_shards
    from comparison_net.training.loop import Interrupted
    from comparison_net.training.progress import make_reporter
    from comparison_net.training.ranks import ranks_here
    from comparison_net.training.sweep import sweep_table
    from comparison_net.training.trackers import Several, make_trackers

    domain = make_encoder(load_config(base, texts).network.inputs).domain
    config = load_config(base, texts, domain)
    reporter = Several([make_reporter(sys.stderr, domain), *make_trackers(track, folder.path)])
    ranks = ranks_here(config.device)
    if ranks.count > 1 and (seeds is not None or track):
        raise click.UsageError("--seeds and --track are for one process: start it without torchrun")
    if ranks.is_first:
        shards = _open_or_build(folder, logs, resume, config.loss in VALUE_LOSSES)
    ranks.wait()
    if not ranks.is_first:
        shards = open_shards(folder.shards)
    try:
        if seeds is not None:
            summaries = sweep_shards(shards, config, folder.path, _read_seeds(seeds), reporter)
            say(json.dumps(summaries) if as_json else sweep_table(summaries, domain))
            return
        summary = train_on_shards(shards, config, folder.path, goes_on, reporter)
    except Interrupted as stop:
        say(str(stop), err=True)
        ctx.exit(EXIT_INTERRUPTED)
    if not ranks.is_first:
        return
    if as_json:
        say(json.dumps(summary))
    else:
        say(f"best weights: {folder.model}\nnext: pairgammon evaluate OTHER_LOGS --model {folder.path}")


def _read_seeds(text: str) -> list[int]:
    """The numbers of "1,2,3".

    Raises:
        ConfigError: something else.
    """
    from comparison_net.tools import ConfigError

    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise ConfigError(f"--seeds {text!r}: write whole numbers with commas between them, for instance 1,2,3")
    return [int(word) for word in words]


def _open_or_build(folder: RunFolder, logs: tuple[str, ...], resume: bool, wants_values: bool) -> Shards:
    """The training data of a run: what is there when it goes on, else made from what is named.

    A loss that reads values (`wants_values`) learns from the analysis that logs bring along.

    Raises:
        ConfigError: a run is there already, there is nothing to go on with and nothing is named, or what is named is
            of several kinds.
        RecordError, DataError: what is named cannot be used.
    """
    from backgammon.learner.data.shard_format import MANIFEST
    from backgammon.learner.data.shards import open_shards
    from backgammon.tools.errors import ConfigError

    if folder.is_started and not resume:
        raise ConfigError(f"{folder.path}: holds a run already; continue it with --resume or give another folder")
    if folder.shards.exists() and resume:
        return open_shards(folder.shards)
    if not logs:
        raise ConfigError(f"{folder.path}: no run to go on with; name the logs to learn from")
    is_shards = [(Path(name) / MANIFEST).is_file() for name in logs]
    if all(is_shards):
        return _take_shards(logs, folder.shards)
    if any(is_shards):
        raise ConfigError("shards folders and logs cannot be learnt from in one run; make shards of all of them")
    return _read_files(logs, folder.shards, wants_values)


def _take_shards(names: tuple[str, ...], out: Path) -> Shards:
    """One shards folder as it is, or several joined."""
    from backgammon.learner.data.decision_shards import copy_shards, join_shards
    from backgammon.learner.data.shards import open_shards

    sources = [open_shards(Path(name)) for name in names]
    return copy_shards(sources[0], out) if len(sources) == 1 else join_shards(sources, out)


def _read_files(names: tuple[str, ...], out: Path, wants_values: bool) -> Shards:
    """Shards of logs, or of labelled decisions: lines of them, or where values are wanted the analysis in logs.

    Raises:
        ConfigError: both are named.
    """
    from backgammon.cli.screen import show_byte_progress
    from backgammon.learner.data.decision_shards import Origin, write_decisions
    from backgammon.learner.data.shards import build_shards
    from backgammon.records import find_labels, read_labels, read_logs
    from backgammon.tools.errors import ConfigError

    reading = read_logs(names)
    labelled = find_labels(reading.files)
    if labelled and len(labelled) < len(reading.files):
        raise ConfigError(
            f"{labelled[0]}: holds labelled decisions, others of these files are logs; learn from one kind at a time"
        )
    if labelled or (wants_values and _is_analysed(names)):
        with show_byte_progress("reading labels") as advance:
            decisions, report = read_labels(labelled or reading.files, advance)
            shards = write_decisions(decisions, out, Origin(tuple(report.files), report.to_dict(), report.judge))
        say(report.render(), err=True)
        return shards
    with show_byte_progress("reading logs") as advance:
        reading = read_logs(names, progress=advance)
        shards = build_shards(reading, out)
    say(reading.report.render(), err=True)
    return shards


def _is_analysed(names: tuple[str, ...]) -> bool:
    """True when some roll of the logs brings values of its candidates along."""
    from backgammon.records import read_logs

    return any(
        action.notes is not None and action.notes.plays is not None
        for record, _ in read_logs(names).matches()
        for game in record.games
        for action in game.actions
    )
