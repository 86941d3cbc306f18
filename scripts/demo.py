"""The whole mission on real logs, in one command: read, learn, measure, play. Usage: make demo.

    python -m scripts.demo [--out runs/demo]

Every step is a `pairgammon` command, printed before it runs, so that each can be repeated by hand. An interrupted
training run is continued; a finished one is measured and played again.
"""

from __future__ import annotations

import click

from scripts.program import program
from scripts.steps import PAIRGAMMON, run_steps


@program(__doc__)
@click.option("--out", "run", default="runs/demo", show_default=True, help="Folder of the training run.")
@click.pass_context
def main(ctx: click.Context, run: str) -> None:
    """Run the steps one after the other; stop at the first that fails."""
    steps = [
        (
            "Learn from 2,800 expert games, with an expert for each game phase",
            ["train", "data/logs/train", "--out", run, "--head", "phase", "--resume"],
        ),
        ("Agreement with the expert in 400 games it never saw", ["evaluate", "data/logs/held-out", "--model", run]),
        ("Which expert takes what", ["inspect", run, "--out", f"{run}/experts.svg"]),
        ("Against a player that only counts pips", ["duel", run, "pipcount", "--games", "2000"]),
        (
            "One game: the network against itself",
            ["play", "--watch", run, "--model", run, "--games", "1", "--seed", "7", "--no-save"],
        ),
    ]
    seconds = run_steps(ctx, steps)
    print(f"\nDone in {seconds:.0f} s. Play against it: {PAIRGAMMON} play --model {run}")


if __name__ == "__main__":
    main()
