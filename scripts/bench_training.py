"""Training of this tree beside that of another checkout: processor seconds in turn, and the weights to the byte.

    git worktree add --detach ../before COMMIT
    python -m scripts.bench_training --before ../before [--games 300] [--rounds 4] [--set NAME=VALUE]
    python -m scripts.bench_training --processes 2

Shards of self-play, labelled at 1 ply, are learnt from with `scripts/recipes/default.toml`, one epoch, one thread, by
both checkouts in turn, in processes of their own whose kernels are compiled; only the training is timed. Ends with 1
where a run gives other bytes than another. --processes N: in the other's place this tree under `torchrun`, N processes
with a thread each beside one with N threads.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.shards import open_shards
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.tools.jobs.workers import ThreadWorkers
from scripts.program import note, program

RECIPE = Path(__file__).resolve().parent / "recipes" / "default.toml"
HERE = Path(__file__).resolve().parent.parent
SETTINGS = ("epochs=1", "threads=1", "held_out=0.1")

TRAIN = """
import hashlib, json, sys, time
from pathlib import Path
from safetensors.numpy import load_file
from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.training.shard_training import train_on_shards
from comparison_net.config import load_config
from comparison_net.training import loop
loop.measure_pipeline = lambda *_: {}
shards, recipe, out, *settings = sys.argv[1:]
config, opened = load_config(Path(recipe), settings, BOARDS), open_shards(Path(shards))
train_on_shards(opened, config, Path(out) / "warm")
start, began = time.process_time(), time.perf_counter()
found = train_on_shards(opened, config, Path(out) / "run")
cpu, wall = time.process_time() - start, time.perf_counter() - began
weights = load_file(Path(out) / "run" / "model.safetensors")
digest = hashlib.sha256(b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights)))
told = {"cpu": cpu, "wall": wall, "decisions": found["train_decisions"]}
print(json.dumps({**told, "sha": digest.hexdigest()}))
"""
"""One training after another that compiles; the same words in every checkout. The weights count, not what the file says
of the network: later checkouts know more settings."""


@program(__doc__)
@click.option("--before", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another checkout.")
@click.option("--processes", type=click.IntRange(min=2), help="Under torchrun, in the place of another checkout.")
@click.option("--games", default=300, show_default=True, help="Of self-play to learn from.")
@click.option("--rounds", default=4, show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Of the training; repeatable.")
@click.option("--seed", default=20401, show_default=True, help="Of the games.")
def main(
    before: Path | None, processes: int | None, games: int, rounds: int, settings: tuple[str, ...], seed: int
) -> None:
    """Train, time and compare."""
    if (before is None) == (processes is None):
        raise click.UsageError("give --before or --processes")
    if before is not None:
        trained = {"this tree": (HERE, 1, settings), "before": (before.resolve(), 1, settings)}
    else:
        trained = {
            "processes": (HERE, processes or 1, settings),
            "threads": (HERE, 1, (*settings, f"threads={processes}")),
        }
    with tempfile.TemporaryDirectory() as place:
        labelled = Path(place) / "labelled"
        plan = GamesPlan(games, (0.0, 0.05, 0.2), seed)
        play_into_shards(pack_teacher(TeacherSpec()), plan, Path(place) / "games")
        teacher = pack_teacher(TeacherSpec(engine=EngineSpec(plies=1)))
        label_shards(open_shards(Path(place) / "games"), teacher, labelled, workers=ThreadWorkers(1))
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in trained}
        for number in range(rounds):
            for name in [*trained][:: 1 if number % 2 else -1]:
                with tempfile.TemporaryDirectory(dir=place) as out:
                    found[name].append(_train(labelled, Path(out), *trained[name]))
                note(f"round {number + 1}: {name} {found[name][-1]['cpu']:.1f} s")
    for name, runs in found.items():
        seconds = statistics.median(run["cpu"] for run in runs)
        rate = runs[0]["decisions"] / seconds
        click.echo(f"{name:12}{rate:>10,.0f} decisions a CPU second, weights {runs[0]['sha'][:16]}")
    for figure in ("cpu", "wall"):
        ratios = [mine[figure] / theirs[figure] for mine, theirs in zip(*found.values(), strict=True)]
        shown = " ".join(f"{ratio:.3f}" for ratio in sorted(ratios))
        click.echo(f"{figure} of {' over '.join(found)}: median {statistics.median(ratios):.3f} ({shown})")
    if len({run["sha"] for runs in found.values() for run in runs}) > 1:
        click.echo("the weights are NOT the same")
        raise SystemExit(1)
    click.echo("the weights are the same to the byte")


def _train(shards: Path, out: Path, tree: Path, processes: int, settings: tuple[str, ...]) -> dict[str, Any]:
    """What a training in a checkout comes to; processor seconds of all processes."""
    script = out / "train.py"
    script.write_text(TRAIN)
    together = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    words = [str(script), str(shards), str(RECIPE), str(out), *SETTINGS, *settings]
    done = subprocess.run(
        [sys.executable, *(together if processes > 1 else []), *words],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(told) == processes
    return {**told[0], "cpu": sum(one["cpu"] for one in told)}


if __name__ == "__main__":
    main()
