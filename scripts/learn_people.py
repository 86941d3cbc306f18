"""Learn the model of people that ships: `python -m scripts.learn_people LOGS... --out FILE`.

Logs of matches between people, any format. The file that ships was learnt from 1,237 matches with plays of
BackgammonGalaxy and Backgammon Studio, under the MIT licence; seed 1.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from backgammon.learner.coach.play_table import read_plays
from backgammon.learner.coach.study import learn_people
from backgammon.learner.net.scorer import load_scorer
from scripts.program import program


@program(__doc__)
@click.argument("logs", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(logs: tuple[str, ...], out: Path, seed: int) -> None:
    """Read, learn, write."""
    table = read_plays(logs, load_scorer())
    model = learn_people(table, np.ones(len(table), dtype=bool), seed)
    model.save(out)
    click.echo(f"{out}: {model.about}")


if __name__ == "__main__":
    main()
