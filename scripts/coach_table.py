"""What models of people and of single players foresee: `python -m scripts.coach_table LOGS... --player NAME`.

Matches are split in two by a seed that was fixed before. On the first part people's model is learnt without the named
players, then each player on top of it; the second part judges. Base: the net's scores at their best temperature and
floor, chosen on the first part for the same players. Intervals are 95 %, clustered by match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click
import numpy as np

from backgammon.learner.coach.habits import Fit, measure_fit, measure_gain
from backgammon.learner.coach.people_fit import CALIBRATION, PERSONAL, FitSettings, fit_people
from backgammon.learner.coach.people_inputs import PeopleInputs, measure_strengths, people_inputs
from backgammon.learner.coach.people_model import PeopleModel, choice_logs
from backgammon.learner.coach.play_table import PlayTable, read_plays
from backgammon.learner.coach.study import FEWEST_PLAYS
from backgammon.learner.net.scorer import load_scorer
from backgammon.tools.arrays import Bools, Float64s, Int64s
from scripts.program import program

TEMPERATURES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
FLOORS = (0.003, 0.005, 0.01, 0.02, 0.03, 0.05)
SPLIT_SEED = 5
JUDGED_SHARE = 0.3


@program(__doc__)
@click.argument("logs", nargs=-1, required=True)
@click.option("--player", "players", multiple=True, required=True, help="Players to learn; may be repeated.")
@click.option("--seeds", default=3, show_default=True, help="Seeds of the training.")
@click.option("--matches", "numbers", multiple=True, type=int, help="Also learn from so many matches of each player.")
def main(logs: tuple[str, ...], players: tuple[str, ...], seeds: int, numbers: tuple[int, ...]) -> None:
    """Print a line a model and group."""
    table = read_plays(logs, load_scorer())
    inputs = people_inputs(table, measure_strengths(table))
    is_judged = draw_matches(table, JUDGED_SHARE, np.random.default_rng(SPLIT_SEED))
    named = {name: table.of_player(name) for name in players}
    others = ~np.any(list(named.values()), axis=0)
    for seed in range(1, seeds + 1):
        for group, members in {"others": others, **named}.items():
            # Whoever is judged by name has been left out of people's model; the others have not, their matches have.
            wanted = ~is_judged if group == "others" else ~is_judged & ~members
            weights = learn(inputs, table, np.flatnonzero(wanted), FitSettings(seed=seed))
            judge = Judged(table, inputs, members & is_judged)
            base = best_base(table, members & ~is_judged)
            people = judge.logs(weights)
            report(seed, group, "net's scores", judge.fit(judge.base(base)))
            report(seed, group, "people", judge.fit(people))
            report(seed, group, "people over net", judge.gain(people, judge.base(base)))
            if group == "others":
                continue
            for label, rows in learnt_rows(table, members & ~is_judged, numbers):
                settings = replace(CALIBRATION if len(rows) < FEWEST_PLAYS else PERSONAL, seed=seed)
                own = judge.logs(learn(inputs, table, rows, settings, weights))
                report(seed, group, f"personal ({label}) over people", judge.gain(own, people))


def draw_matches(table: PlayTable, share: float, rng: np.random.Generator) -> Bools:
    """The plays bool[N] of about a share of the matches."""
    units = table.plays.unit
    drawn: Bools = (rng.random(int(units.max()) + 1) < share)[units]
    return drawn


def learn(
    inputs: PeopleInputs,
    table: PlayTable,
    rows: Int64s,
    settings: FitSettings,
    start: dict[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Weights learnt from the decisions in `rows`."""
    return fit_people(inputs.take(rows), table.plays.chosen_rows[rows], settings, start)


def learnt_rows(table: PlayTable, is_learnt: Bools, numbers: tuple[int, ...]) -> Iterator[tuple[str, Int64s]]:
    """(label, decisions) of all matches of a player, and of the first few in an order drawn by a seed."""
    units = np.random.default_rng(SPLIT_SEED).permutation(np.unique(table.plays.unit[is_learnt]))
    for number in numbers:
        is_few = is_learnt & np.isin(table.plays.unit, units[:number])
        yield f"{number} matches, {int(is_few.sum()):,} plays", np.flatnonzero(is_few)
    yield f"{len(units):,} matches, {int(is_learnt.sum()):,} plays", np.flatnonzero(is_learnt)


class Judged:
    """The plays that judge."""

    def __init__(self, table: PlayTable, inputs: PeopleInputs, is_wanted: Bools) -> None:
        """Take the decisions of bool[N]."""
        self.table = table.take(is_wanted)
        self.inputs = inputs.take(np.flatnonzero(is_wanted))
        self.every = np.ones(len(self.table), dtype=bool)

    def logs(self, weights: dict[str, np.ndarray]) -> Float64s:
        """Log-probabilities by a model."""
        return PeopleModel(weights, {}).log_probabilities(self.inputs)

    def base(self, setting: tuple[float, float]) -> Float64s:
        """Log-probabilities by the net's scores."""
        return base_logs(self.table, *setting)

    def fit(self, logs: Float64s) -> Fit:
        """The figures."""
        return measure_fit(self.table, logs, self.every, "")

    def gain(self, logs: Float64s, others: Float64s) -> Fit:
        """Paired differences."""
        return measure_gain(self.table, logs, others, self.every, "")


def base_logs(table: PlayTable, temperature: float, floor: float) -> Float64s:
    """Log-probabilities float64[M]: softmax of the scores over the temperature, mixed with the floor."""
    return choice_logs(table.values.astype(np.float64) / temperature, table.plays.offsets, floor)


def best_base(table: PlayTable, is_wanted: Bools) -> tuple[float, float]:
    """Temperature and floor that make the plays of bool[N] likeliest."""
    plays = table.take(is_wanted)
    settings = [(temperature, floor) for temperature in TEMPERATURES for floor in FLOORS]
    return max(settings, key=lambda setting: float(base_logs(plays, *setting)[plays.made].mean()))


def report(seed: int, group: str, label: str, fit: Fit) -> None:
    """A line."""
    figures = [f"{estimate.value:+.4f} +- {estimate.half_width or 0:.4f}" for estimate in (fit.nats, fit.agreement)]
    click.echo(f"seed {seed}  {group:10} {label:48} {fit.plays:6,} plays  nats {figures[0]}  agreement {figures[1]}")


if __name__ == "__main__":
    main()
