"""What plays at a score lose without a look-ahead, by the weight of what the net leans to.

    python -m scripts.compare_leanings LABELS... [--weight 0 --weight 1 ...] [--model FILE]

LABELS are plays as `scripts.label_at_stakes` writes them. The cubeful value of the net's chances counts in full; what
the net leans to beside its chances (`JudgedPlays.leanings`) counts by the weight: 0 is the value alone, 1 ships.
Losses are mpt a decision, and so are differences from the first weight over the same decisions; intervals are 95 %,
clustered by game. A play that nobody judged is left out, for all weights.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.evaluator import Evaluator, JudgedPlays, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.learner.data.stakes_labels import read_stakes_labels
from backgammon.learner.measure.stakes_scores import play_losses
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules.decisions import Decisions
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.cube_seat import CubeSeat
from backgammon.tools.arrays import Boards
from backgammon.tools.intervals import estimate_mean
from scripts.program import note, program

WEIGHTS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


class LeaningNet(Evaluator):
    """A net whose leanings are multiplied."""

    def __init__(self, net: Evaluator, weight: float) -> None:
        """Nothing is judged yet."""
        self._net = net
        self._weight = weight

    def judge(self, boards: Boards) -> Judgement:
        """The net's."""
        return self._net.judge(boards)

    def judge_plays(self, decisions: Decisions) -> JudgedPlays:
        """The net's, leanings multiplied."""
        judged = self._net.judge_plays(decisions)
        return judged._replace(leanings=self._weight * judged.leanings)


@program(__doc__)
@click.argument("labels", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--weight", "weights", type=click.FloatRange(min=0), multiple=True, default=WEIGHTS, show_default=True)
@click.option("--model", help="A run folder or checkpoint; without it the model that ships.")
def main(labels: tuple[Path, ...], weights: tuple[float, ...], model: str | None) -> None:
    """Read, choose by each weight, print."""
    reading = read_stakes_labels(labels)
    for problem in reading.problems:
        note(problem)
    plays = [label for label in reading.labels if label.verdict is None]
    numbers: dict[str, int] = {}
    units = np.array([numbers.setdefault(label.unit, len(numbers)) for label in plays])
    source = build_engine(EngineSpec(model, plies=0)).evaluator
    assert isinstance(source, ExactEvaluator)
    losses = []
    for weight in weights:
        evaluator = ExactEvaluator(LeaningNet(source.net, weight), source.bearoff)
        engine = StakesEngine(CubefulSearcher(evaluator), SearchSettings(0))
        losses.append(play_losses(CubeSeat(evaluator, engine, engine), plays).losses)
    is_judged = ~np.isnan(losses).any(axis=0)
    print(f"{is_judged.sum():,} plays in {len(numbers):,} games, 0-ply; mpt a decision")
    for weight, found in zip(weights, losses, strict=True):
        loss = estimate_mean(found[is_judged], units[is_judged])
        apart = estimate_mean((found - losses[0])[is_judged], units[is_judged])
        print(f"weight {weight:<5g} {loss.show(3)}  difference {apart.show(3)}")


if __name__ == "__main__":
    main()
