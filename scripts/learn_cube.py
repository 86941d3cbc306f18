"""Learn the efficiency of the cube from labelled cube decisions: `cube.cube_net`.

    python -m scripts.learn_cube TRAIN.jsonl.xz... --out efficiency.safetensors [--seed 1]

The labels come from `scripts.label_cubes`; `scripts.compare_cube` tells what the net is worth on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cube.cube_net import KIND
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.outcome import OUTCOMES
from backgammon.learner.data.stakes_labels import read_stakes_labels
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.training.cube_training import CubeTraining, learn_cube, make_lessons
from backgammon.tools.errors import DataError
from backgammon.tools.tensor_file import write_tensors
from scripts.program import note, program


@program(__doc__)
@click.argument("labels", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--seed", default=1, show_default=True)
@click.option("--passes", default=CubeTraining.passes, show_default=True, type=click.IntRange(1))
@click.option("--decay", default=CubeTraining.decay, show_default=True, type=click.FloatRange(0))
def main(labels: Sequence[Path], out: Path, seed: int, passes: int, decay: float) -> None:
    """Read, learn, write."""
    reading = read_stakes_labels(labels)
    for problem in reading.problems:
        note(problem)
    told = [(label.line, label.verdict) for label in reading.labels if label.verdict is not None]
    boards = np.array([line.position.board for line, _ in told], dtype=np.int8)
    equities = np.array([[verdict.no_double, verdict.double_take] for _, verdict in told])
    source = build_engine(EngineSpec()).evaluator
    chances = np.array([_chances(line.record) for line, _ in told], dtype=np.float32)
    lessons = make_lessons(boards, [line.stakes for line, _ in told], equities, chances, source)
    net = learn_cube(lessons, CubeTraining(seed=seed, passes=passes, decay=decay))
    write_tensors(out, KIND, net._asdict(), {})
    note(f"learnt from {len(told):,} decisions: {out}")


def _chances(record: dict[str, Any]) -> list[float]:
    """The six chances beside a label.

    Raises:
        DataError: there are none.
    """
    chances = record.get("chances")
    if not isinstance(chances, list) or len(chances) != len(OUTCOMES) or not all(map(_is_chance, chances)):
        raise DataError('a label to learn from needs six "chances" beside its "equities", see scripts.label_cubes')
    return [float(chance) for chance in chances]


def _is_chance(value: object) -> bool:
    return isinstance(value, float | int) and 0 <= value <= 1


if __name__ == "__main__":
    main()
