"""What rollouts cost for one accuracy, in processor seconds by settings, and what a horizon biases.

    python -m scripts.bench_rollouts [--pairs 10] [--error 0.005] [--seed 1] [--json]
    python -m scripts.bench_rollouts --bias 20 [--end 15] [--cube]

A pair is the two best plays by 2-ply of a decision from the middle of a game that the engine plays against itself. The
error of the difference between them is measured over the games named below and scaled: it falls with the square root of
the games, the time grows with them. *Gain* is the ratio of the seconds, *error at equal time* its square root.

--bias N: for so many pairs what rollouts that end after several plies are wrong by, beside rollouts of the same dice to
the end, or of --end plies, the luck of all turns subtracted in both: in the equity of a play, and in the difference
between the two. The noise beside it is what their joint errors alone would give: less where the end is near. With
--cube they are money games with a live cube.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import NamedTuple

import click
import numpy as np

from backgammon.cube.stakes import Stakes
from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.stakes_rollout import play_out
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import final_outcomes
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules.board import START, Board, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.search import RolloutEstimate, RolloutSettings, Searcher, SearchSettings, play_games
from backgammon.search.rollout import stratified_error
from backgammon.tools.arrays import Float64s
from scripts.program import program

SETTINGS: dict[str, RolloutSettings] = {
    "luck of 2 turns, to the end": RolloutSettings(games=432, horizon=None, luck_turns=2),
    "luck of all turns, to the end": RolloutSettings(games=72, horizon=None),
    "luck of all turns, 11 plies": RolloutSettings(games=144, horizon=11),
    "luck of all turns, 9 plies": RolloutSettings(games=144, horizon=9),
    "luck of all turns, 7 plies (default)": RolloutSettings(games=144),
}
"""What is measured, with the games of each candidate; the first was the default until 0.2."""
HORIZONS = (5, 7, 9, 11, 15)
BIAS_GAMES = 432
EARLIEST, LATEST = 6, 30
"""Turns of a game from which decisions are taken."""


@dataclass(frozen=True)
class Cost:
    """One setting on all pairs.

    Attributes:
        name: of the setting.
        joint_error: points, median over the pairs, after its games.
        seconds: of the processor for both candidates, median.
        to_error: seconds that the wanted error takes, median.
    """

    name: str
    joint_error: float
    seconds: float
    to_error: float


def make_pairs(engine: Evaluator, number: int, seed: int) -> list[Board]:
    """Two positions int8[2, 26] after the two best plays, for each of so many decisions of one game each."""
    rng = np.random.default_rng(seed)
    searcher = Searcher(engine, SearchSettings(2))
    pairs: list[Board] = []
    while len(pairs) < number:
        board = START.copy()
        stop = int(rng.integers(EARLIEST, LATEST))
        for turn in range(stop + 1):
            dice = rng.integers(1, 7, (1, 2)).astype(np.int8)
            candidates, _ = legal_candidates(board[None], dice)
            if turn == stop:
                analysis = searcher.analyse(board[None], dice)
                rows = analysis.searched_rows(0)
                if len(rows) > 1:
                    pairs.append(candidates[rows[:2]])
                break
            after = candidates[int(engine.choose(board[None], dice)[0])]
            if final_outcomes(after[None])[0][0]:
                break
            board = swap(after[None])[0]
    return pairs


def measure(engine: Evaluator, pairs: list[Board], wanted: float) -> list[Cost]:
    """Every setting on every pair, in turn, so that a busy machine slows all alike."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SETTINGS}
    for pair in pairs:
        for name, settings in SETTINGS.items():
            began = time.process_time()
            one, other = (
                RolloutEstimate(play_games(engine, after, np.arange(settings.games), settings)) for after in pair
            )
            found[name].append((one.joint_error(other), time.process_time() - began))
    return [
        Cost(
            name,
            statistics.median(error for error, _ in rows),
            statistics.median(seconds for _, seconds in rows),
            statistics.median(seconds * (error / wanted) ** 2 for error, seconds in rows),
        )
        for name, rows in found.items()
    ]


class Bias(NamedTuple):
    """What ends a rollout after so many plies is wrong by, in points, beside games of the same dice to the end.

    Attributes:
        horizon: plies.
        equity: root mean square over positions.
        equity_noise: what the joint errors alone would give.
        pair: the same of the difference between the two plays of a pair.
        pair_noise: of that.
    """

    horizon: int
    equity: float
    equity_noise: float
    pair: float
    pair_noise: float


def measure_bias(engine: Engine, pairs: list[Board], end: int | None, has_cube: bool) -> list[Bias]:
    """Every shorter horizon on every pair, beside `end`."""
    games = np.arange(BIAS_GAMES)

    def points(after: Board, settings: RolloutSettings) -> Float64s:
        """Of each game, for the player who has just moved."""
        if has_cube:
            return -play_out(engine.plays, after, Stakes(), games, settings, may_double=True)
        return RolloutEstimate(play_games(engine.evaluator, after, games, settings)).equities

    def roll_out(pair: Board, horizon: int | None) -> Float64s:
        """Points float64[2, G]."""
        return np.stack([points(after, RolloutSettings(games=BIAS_GAMES, horizon=horizon)) for after in pair])

    ends = [roll_out(pair, end) for pair in pairs]
    rows = []
    for horizon in [one for one in HORIZONS if end is None or one < end]:
        gaps = [roll_out(pair, horizon) - end for pair, end in zip(pairs, ends, strict=True)]
        of_pairs = [gap[0] - gap[1] for gap in gaps]
        rows.append(Bias(horizon, *_spread([gap[0] for gap in gaps]), *_spread(of_pairs)))
    return rows


def _spread(gaps: list[Float64s]) -> tuple[float, float]:
    """Root mean square of the means, and of their standard errors."""
    means, errors = [gap.mean() for gap in gaps], [stratified_error(gap) for gap in gaps]
    return float(np.sqrt(np.mean(np.square(means)))), float(np.sqrt(np.mean(np.square(errors))))


@program(__doc__)
@click.option("--pairs", default=10, show_default=True)
@click.option("--error", default=0.005, show_default=True, help="Joint standard error that is asked for, points.")
@click.option("--bias", type=int, metavar="PAIRS", help="Measure the bias of horizons instead.")
@click.option("--end", type=int, metavar="PLIES", help="With --bias: of the games beside; to the end if left out.")
@click.option("--cube", "has_cube", is_flag=True, help="With --bias: of money games with a live cube.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(pairs: int, error: float, bias: int | None, end: int | None, has_cube: bool, seed: int, as_json: bool) -> None:
    """Measure and print."""
    if end is not None and not bias:
        raise click.UsageError("--end is for --bias")
    if has_cube and not bias:
        raise click.UsageError("--cube is for --bias")
    engine = build_engine(EngineSpec())
    if bias:
        print(f"points from games {'to the end' if end is None else f'of {end} plies'}, rms (what noise alone gives)")
        for row in measure_bias(engine, make_pairs(engine.evaluator, bias, seed), end, has_cube):
            print(
                f"{row.horizon:3} plies: equity {row.equity:.4f} ({row.equity_noise:.4f}), "
                f"difference of a pair {row.pair:.4f} ({row.pair_noise:.4f})"
            )
        return
    costs = measure(engine.evaluator, make_pairs(engine.evaluator, pairs, seed), error)
    if as_json:
        print(json.dumps([vars(cost) for cost in costs]))
        return
    print(f"processor seconds for both plays of a pair, medians of {pairs} pairs")
    for cost in costs:
        gain = costs[0].to_error / cost.to_error
        print(
            f"{cost.name:38} joint error {cost.joint_error:.4f} in {cost.seconds:6.2f} s; {error:g} in "
            f"{cost.to_error:6.2f} s; gain {gain:5.1f}, error at equal time 1/{gain**0.5:.1f}"
        )


if __name__ == "__main__":
    main()
