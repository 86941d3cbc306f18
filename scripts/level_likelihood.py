"""How likely people's plays are for levels of their strength: learnt from choices, against noise on the equities.

    python -m scripts.level_likelihood LOGS... [--plays 30000] [--seeds 3]

The strength of a player is his mean regret on the other half of his plays of the match; logs hold no ratings. Plays are
cut into fifths by it. For each fifth there are two opponents of one strength: the model of people at the mean strength
of the fifth, and Gumbel noise (`backgammon.engine.levels`) at the scale that explains the fifth best. Both are learnt
or chosen on seven tenths of the matches and judged on the others, with the same floor of one per cent. Intervals are
95 %, clustered by match. The rating is 500 times the mean regret by the engine at 0-ply, each at most .3 points.
"""

from __future__ import annotations

import click
import numpy as np

from backgammon.engine.levels import choice_chances, decision_scales
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.strengths import RATING_POINTS
from backgammon.learner.coach.habits import measure_gain
from backgammon.learner.coach.people_fit import FitSettings, fit_people
from backgammon.learner.coach.people_inputs import (
    REGRET_CAP,
    measure_strengths,
    other_half_strengths,
    people_inputs,
)
from backgammon.learner.coach.people_model import FLOOR, PeopleModel
from backgammon.learner.coach.play_table import PlayTable, read_plays
from backgammon.learner.net.scorer import load_scorer
from backgammon.rules import ragged
from backgammon.rules.ending import has_won
from backgammon.tools.arrays import Bools, Float64s
from scripts.coach_table import JUDGED_SHARE, SPLIT_SEED, draw_matches
from scripts.program import program

FIFTHS = 5
SCALES = np.geomspace(0.005, 0.1, 25)


@program(__doc__)
@click.argument("logs", nargs=-1, required=True)
@click.option("--plays", type=click.IntRange(min=2000), help="Learn from matches with about so many plays. [all]")
@click.option("--seeds", default=3, show_default=True, help="Seeds of the training.")
def main(logs: tuple[str, ...], plays: int | None, seeds: int) -> None:
    """Print a line a seed and fifth."""
    table = read_plays(logs, load_scorer())
    strengths, halves = measure_strengths(table), other_half_strengths(table)
    is_learnt, is_judged = split(table, plays)
    edges = np.quantile(halves[is_learnt], np.arange(1, FIFTHS) / FIFTHS)
    fifths = np.searchsorted(edges, halves)
    learnt, judged = table.take(is_learnt), table.take(is_judged)
    for done, part in (("learnt from", learnt), ("judged on", judged)):
        click.echo(f"{done} {len(part):,} plays of {len(np.unique(part.plays.unit)):,} matches")
    inputs = people_inputs(learnt, strengths[is_learnt])
    means = np.array([strengths[is_learnt & (fifths == fifth)].mean() for fifth in range(FIFTHS)])
    judged_inputs = people_inputs(judged, means[fifths[is_judged]])
    noisy = noise_logs(learnt, fifths[is_learnt], judged, fifths[is_judged])
    for seed in range(1, seeds + 1):
        weights = fit_people(inputs, learnt.plays.chosen_rows, FitSettings(seed=seed))
        logs_of = PeopleModel(weights, {}).log_probabilities(judged_inputs)
        for fifth in (*range(FIFTHS), None):
            members = np.ones(len(judged), dtype=bool) if fifth is None else fifths[is_judged] == fifth
            name = "all" if fifth is None else f"fifth {fifth + 1}"
            click.echo(f"seed {seed}  {name:8}{line(judged, members, logs_of, noisy)}")


def split(table: PlayTable, plays: int | None) -> tuple[Bools, Bools]:
    """Plays to learn from and plays that judge, bool[N] each, by match."""
    rng = np.random.default_rng(SPLIT_SEED)
    is_judged = draw_matches(table, JUDGED_SHARE, rng)
    share = 1.0 if plays is None else plays / max(1, int((~is_judged).sum()))
    is_used = draw_matches(table, share, rng)
    return ~is_judged & is_used, is_judged & is_used


def noise_logs(learnt: PlayTable, fifths: np.ndarray, judged: PlayTable, judged_fifths: np.ndarray) -> Float64s:
    """Log-probabilities float64[M] of what is judged, by noise at the best scale of each fifth."""
    found = np.empty(len(judged.values))
    for fifth in range(FIFTHS):
        own = learnt.take(fifths == fifth)
        best = max(SCALES, key=lambda scale, own=own: float(level_logs(own, scale)[own.made].mean()))  # type: ignore[misc]
        members = judged_fifths == fifth
        found[ragged.spread(members, judged.plays.offsets)] = level_logs(judged.take(members), float(best))
        click.echo(f"fifth {fifth + 1}: noise of scale {best:.4f}")
    return found


def level_logs(table: PlayTable, scale: float) -> Float64s:
    """Log-probabilities float64[M] of a noisy level, the floor of people's model included."""
    plays = table.plays
    values = np.where(has_won(plays.candidates), np.inf, equities(table.outcomes).astype(np.float64))
    chances = choice_chances(values, plays.offsets, decision_scales(plays.boards, values, plays.offsets, scale))
    logs: Float64s = np.log((1 - FLOOR) * chances + ragged.spread(FLOOR / plays.counts, plays.offsets))
    return logs


def line(table: PlayTable, members: Bools, learnt: Float64s, noisy: Float64s) -> str:
    """Figures of a group of plays."""
    gain = measure_gain(table, learnt, noisy, members, "")
    regrets = np.minimum(table.regrets, REGRET_CAP).astype(np.float64)
    rating = RATING_POINTS * float(regrets[table.made][members].mean())
    expected = [
        RATING_POINTS * float(ragged.total(np.exp(logs) * regrets, table.plays.offsets)[members].mean())
        for logs in (learnt, noisy)
    ]
    nats = [float(logs[table.made][members].mean()) for logs in (learnt, noisy)]
    return (
        f"{gain.plays:6,} plays  rating {rating:5.2f} (learnt {expected[0]:5.2f}, noise {expected[1]:5.2f})  nats "
        f"{nats[0]:.3f}, noise {nats[1]:.3f}: {gain.nats.value:+.3f} +- {gain.nats.half_width or 0:.3f}  agreement "
        f"{gain.agreement.value:+.3f} +- {gain.agreement.half_width or 0:.3f}"
    )


if __name__ == "__main__":
    main()
