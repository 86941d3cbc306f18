"""What cube decisions lose by labels, by the efficiency of the cube at the leaves: constants, or a learnt net.

    python -m scripts.compare_cube LABELS.jsonl.xz [--ply 0] [--net efficiency.safetensors]

LABELS are lines as `rank` answers them ("xgid", "equities"); `scripts.label_cubes` makes some. Three ways: GNU
Backgammon's constants, the higher ones (`cube.efficiency`), and the net that moves these (`cube.cube_net`; --net, or
the one that ships). Losses are mpt a decision, doubles and answers together; beside them the difference from the higher
constants over the same decisions. Intervals are 95 %, clustered by "game".
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from backgammon.cube.cube_net import default_cube_net, read_cube_net
from backgammon.cube.efficiency import GNUBG, SHALLOW
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.stakes_labels import read_stakes_labels
from backgammon.learner.measure.stakes_scores import cube_losses
from backgammon.learner.net.engine_builder import build_engine
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.tools.intervals import estimate_mean
from scripts.program import note, program


@program(__doc__)
@click.argument("labels", type=click.Path(path_type=Path, exists=True))
@click.option("--ply", default=0, show_default=True, type=click.IntRange(0, 3))
@click.option(
    "--net", "path", type=click.Path(path_type=Path, exists=True), help="A net instead of the one that ships."
)
def main(labels: Path, ply: int, path: Path | None) -> None:
    """Read, decide three times, print."""
    reading = read_stakes_labels([labels])
    for problem in reading.problems:
        note(problem)
    cubes = [label for label in reading.labels if label.verdict is not None]
    numbers: dict[str, int] = {}
    units = np.array([numbers.setdefault(label.unit, len(numbers)) for label in cubes])
    source = build_engine(EngineSpec(plies=ply)).evaluator
    net = default_cube_net() if path is None else read_cube_net(path)
    ways = {"constants of GNU Backgammon": (GNUBG, None), "higher constants": (SHALLOW, None), "net": (SHALLOW, net)}
    boards = np.array([label.line.position.board for label in cubes], dtype=np.int8)
    stakes = [label.line.stakes for label in cubes]
    losses = {}
    for name, way in ways.items():
        engine = StakesEngine(CubefulSearcher(source, 1, *way), SearchSettings(ply))
        losses[name] = cube_losses(engine.decide_cubes(boards, stakes), cubes)
    print(f"{len(cubes):,} cube decisions in {len(numbers):,} groups, {ply}-ply; mpt a decision")
    base = losses["higher constants"].joined()
    for name, found in losses.items():
        owners, together = found.joined((units, units)), found.joined()
        difference = estimate_mean(together - base, owners)
        doubles, answers = found.doubles.mean(), found.answers[found.asked].mean()
        print(f"{name:30s} {estimate_mean(together, owners).show(3)}  difference {difference.show(3)}  "
              f"doubles {doubles:.3f}, answers {answers:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
