"""A net from nothing, in one command: GNU Backgammon's opinions first, then its own look-ahead alone.

    python -m scripts.learn_from_nothing FOLDER --seed 1 [--games 8000] [--workers local:1]

1. `gnubg:0` plays itself, with random plays among its own, and judges every candidate; fresh weights learn from that.
2. The net plays; it and `gnubg:0` judge the leaves of a 1-ply look-ahead together.
3. The net plays, in two rounds; its own 1-ply look-ahead judges.
4. The net plays; its own look-ahead judges, 2 plies deep where the best two are close. It learns from these labels and
   from those of 3.

The replies inside each look-ahead come from a small net that learnt in the same round; no file of the package and no
other net has a say. Every step is a `pairgammon` command, printed before it runs; each goes on where it was stopped, so
the same command does. The net is FOLDER/close/1/run. What two seeds came to: docs/experiments/labels.md.
"""

from __future__ import annotations

from pathlib import Path

import click

from backgammon.learner.teach.improvement import NOISE
from backgammon.tools.jobs.delivery import is_finished
from scripts.program import program
from scripts.steps import Step, run_steps

RECIPE = "scripts/recipes/default.toml"
JUDGED_CLOSE = 32
"""Decisions of the last stage for each game of the first: a third of the time goes there."""


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=1), default=1, show_default=True, help="Of weights, games and order.")
@click.option("--games", type=click.IntRange(min=8), default=8_000, show_default=True, help="Of the first stage.")
@click.option("--workers", default="local:1", show_default=True, help="As `pairgammon improve` takes them.")
@click.pass_context
def main(ctx: click.Context, folder: Path, seed: int, games: int, workers: str) -> None:
    """Run the steps one after the other; stop at the first that fails."""
    seconds = run_steps(ctx, steps(folder.resolve(), seed, games, workers))
    print(f"\nDone in {seconds / 60:.0f} minutes: {folder / 'close/1/run'}")


def steps(folder: Path, seed: int, games: int, workers: str) -> list[Step]:
    """The commands; see the text of the module. Those that refuse to make again what is there are left out then."""
    noise = [word for share in NOISE for word in ("--random", str(share))]
    first, start = folder / "first", folder / "start"
    fresh = ["train", str(first / "labelled"), "--out", str(start), "--config", RECIPE]
    fresh += settings(seed=seed, epochs=4, learning_rate=0.0015)
    if (start / "config.toml").exists():
        fresh = ["train", "--out", str(start), "--resume"]

    def improve(name: str, model: Path, rounds: int, epochs: int, *others: str) -> list[str]:
        words = ["improve", "--model", str(model), "--out", str(folder / name), "--rounds", str(rounds)]
        words += ["--seed", str(seed), "--pruner", "own", "--workers", workers, *others]
        return words + settings(seed=seed, epochs=epochs, learning_rate=0.001)

    played = ["self-play", "--player", "gnubg:0", "--games", str(games), "--seed", str(seed), *noise]
    judged = ["label", str(first / "games"), "--teacher", "gnubg:0", "--choose", "teacher"]
    both = ["--games", str(games // 2), "--teacher", "model", "--teacher", "gnubg:0"]
    alone = ["--games", str(2 * games)]
    close = [*alone, "--contested", "0.02", "--sample", str(JUDGED_CLOSE * games)]
    close += ["--also", str(folder / "own/1/labelled"), "--also", str(folder / "own/2/labelled")]
    found = [
        ("Games of gnubg:0", first / "games", played),
        ("Its opinion of every candidate", first / "labelled", judged),
    ]
    found = [(title, out, [*words, "--out", str(out), "--workers", workers]) for title, out, words in found]
    return [
        *((title, words) for title, out, words in found if not is_finished(out)),
        ("Fresh weights learn from that", fresh),
        ("Both judge the leaves of a look-ahead", improve("joint", start, 1, 3, *both)),
        ("Its own look-ahead judges", improve("own", folder / "joint/1/run", 2, 1, *alone)),
        ("Two plies deep where it is close", improve("close", folder / "own/2/run", 1, 2, *close)),
    ]


def settings(**values: float) -> list[str]:
    """Settings of a training as words of a command."""
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


if __name__ == "__main__":
    main()
