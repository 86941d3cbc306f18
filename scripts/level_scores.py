"""What the playing levels lose on labelled decisions, and the scales that make them lose what they should.

    python -m scripts.level_scores LABELS... [--model FILE] [--json]
    python -m scripts.level_scores LABELS... --fit           # the table of scales for `backgammon.engine.levels`
    python -m scripts.level_scores LABELS... --fit 10 --fit 25    # scales of other ratings
    python -m scripts.level_scores --people LABELLED...      # the scale that explains people's plays best

LABELS are files of `make_expert_logs --labels`, as for `score_labels`. PR is 500 times the points lost per unforced
decision. Every figure of a level is the mean over all seeds: the chance of each candidate is known, so nothing is
drawn. Intervals are 95 %, clustered by game. The decisions come from strong play; in the games of weaker players other
decisions arise.

LABELLED are files of plays by people, as for `human_agreement`. The model's equities stand for the truth; the scale is
that of greatest likelihood, by the number of candidates and in races.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from backgammon.analysis.scales import rating_word
from backgammon.engine.levels import LEVELS, Level, candidate_equities, choice_chances, decision_scales
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.learner.net.scorer import load_scorer
from backgammon.notation import parse_position_ids, position_ids
from backgammon.rules.board import swap
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import RACE, phase_codes
from backgammon.tools.arrays import Boards, Float64s, Int64s, Offsets
from backgammon.tools.errors import PairgammonError
from backgammon.tools.intervals import Estimate, estimate_mean
from backgammon.tools.processors import usable_processors
from scripts.human_agreement import read_plays
from scripts.score_labels import read_labels, show

PR_POINTS = 500
"""PR of a point lost in every unforced decision."""
LARGEST_SCALE = 4.0
SIZES = (2, 5, 10, 20, 40, 1000)
"""Classes of decisions by their number of candidates."""


@dataclass(frozen=True)
class Judged:
    """Labelled unforced decisions and what a model makes of them; axes as in `backgammon.engine.levels`.

    Attributes:
        boards: int8[N, 26], the player on roll.
        offsets: int64[N + 1].
        values: float64[M], the model's equities, see `candidate_equities`.
        chosen: int64[N], the row that the model plays at its best.
        losses: float64[M], points lost by each candidate, by the labels.
        is_best: float64[M], 1 for the label's best candidate.
        units: int64[N], the game of each decision.
    """

    boards: Boards
    offsets: Offsets
    values: Float64s
    chosen: Int64s
    losses: Float64s
    is_best: Float64s
    units: Int64s

    def chances(self, scale: float) -> Float64s:
        """Chance of each candidate, float64[M], at a level's scale; 0 is the model at its best."""
        if not scale:
            chances = np.zeros(len(self.values))
            chances[self.offsets[:-1] + self.chosen] = 1.0
            return chances
        scales = decision_scales(self.boards, self.values, self.offsets, scale)
        return choice_chances(self.values, self.offsets, scales)

    def mean(self, what: Float64s, scale: float) -> Estimate:
        """Mean of `what`, float64[M], over the plays of a level."""
        return estimate_mean(np.add.reduceat(self.chances(scale) * what, self.offsets[:-1]), self.units)

    def rating(self, scale: float) -> float:
        """PR at a scale."""
        return PR_POINTS * self.mean(self.losses, scale).value

    def fit(self, rating: float) -> float:
        """The scale that gives a PR; it grows with the scale.

        Raises:
            ValueError: the model at its best loses more, or no scale loses so much.
        """
        low, high = 0.0, LARGEST_SCALE
        if not self.rating(low) < rating < self.rating(high):
            raise ValueError(f"PR {rating:g}: this model can have {self.rating(low):.2f} to {self.rating(high):.1f}")
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (middle, high) if self.rating(middle) < rating else (low, middle)
        return high


def judge_labels(paths: list[Path], engine: ExactEvaluator) -> Judged:
    """Every unforced decision of label files, judged."""
    decisions = [decision for decision in read_labels(paths) if len(decision["cands"]) > 1]
    boards = parse_position_ids([decision["id"] for decision in decisions])
    dice = np.array([decision["dice"] for decision in decisions], dtype=np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    keys = position_ids(swap(candidates))
    losses, is_best = np.empty(len(keys)), np.zeros(len(keys))
    for decision, (first, last) in zip(decisions, pairwise(offsets.tolist()), strict=True):
        labels = {entry[0]: entry[2] if isinstance(entry[1], str) else entry[1] for entry in decision["cands"]}
        best = decision["cands"][0][0]
        # A candidate judged at 0-ply may look better than the best that was searched: that is no gain.
        losses[first:last] = [max(0.0, labels[best] - labels[key]) for key in keys[first:last]]
        is_best[first + keys[first:last].index(best)] = 1.0
    names = [decision.get("game", place) for place, decision in enumerate(decisions)]
    games = {name: number for number, name in enumerate(dict.fromkeys(names))}
    values, chosen = candidate_equities(engine, candidates), engine.choose(boards, dice)
    units = np.array([games[name] for name in names])
    return Judged(boards, offsets, values, chosen, losses, is_best, units)


def print_levels(judged: Judged, levels: list[Level], as_json: bool) -> None:
    """A line a level."""
    rows = []
    for level in levels:
        loss = judged.mean(judged.losses, level.scale)
        hits = judged.mean(judged.is_best, level.scale)
        rating = Estimate(*(None if one is None else PR_POINTS * one for one in (loss.value, loss.low, loss.high)))  # type: ignore[arg-type]
        rows.append((level, rating, hits, rating_word(loss.value)))
    if as_json:
        lines = [
            {**asdict(level), "pr": asdict(pr), "agreement": asdict(hits), "word": word}
            for level, pr, hits, word in rows
        ]
        print(json.dumps(lines))
        return
    print(f"{len(judged.boards):,d} unforced decisions of {judged.units.max() + 1} games")
    print(f"{'level':14s}{'scale':>8s}{'wanted':>8s}  {'PR':17s}{'agreement':17s}GNU Backgammon's word")
    for level, pr, hits, word in rows:
        wanted = "" if level.rating is None else f"{level.rating:g}"
        print(f"{level.name:14s}{level.scale:8.4f}{wanted:>8s}  {show(pr, 2):17s}{show(hits, 3):17s}{word}")


def fit_levels(judged: Judged, ratings: list[float]) -> list[Level]:
    """Levels of the given PRs; of none given, those of the table with their scales fitted."""
    if ratings:
        return [Level(f"PR {rating:g}", judged.fit(rating), rating) for rating in ratings]
    return [
        level if level.rating is None else replace(level, scale=round(judged.fit(level.rating), 4))
        for level in LEVELS.values()
    ]


def print_people(paths: list[Path], engine: ExactEvaluator) -> None:
    """The scales of greatest likelihood, by number of candidates and in races."""
    plays = [play for play in read_plays(paths).plays if len(play.decision.candidates) > 1]
    boards = np.array([play.decision.position.board for play in plays])
    offsets = np.cumsum([0, *(len(play.decision.candidates) for play in plays)])
    values = candidate_equities(engine, np.concatenate([play.decision.candidates for play in plays]))
    played = offsets[:-1] + np.array([play.decision.chosen for play in plays])
    best = np.maximum.reduceat(values, offsets[:-1])
    is_race, counts = phase_codes(boards) == RACE, np.diff(offsets)
    groups = [("races", is_race), ("elsewhere", ~is_race)]
    groups += [
        (f"of these {a} to {b - 1} candidates", ~is_race & (counts >= a) & (counts < b)) for a, b in pairwise(SIZES)
    ]
    grid = np.geomspace(0.001, 0.3, 120)
    behind = values - np.repeat(np.where(np.isfinite(best), best, 0.0), counts)
    fits = [
        behind[played] / scale - np.log(np.add.reduceat(np.exp(np.minimum(behind / scale, 0.0)), offsets[:-1]))
        for scale in grid
    ]
    for name, members in groups:
        chosen = members & np.isfinite(best)
        if chosen.any():
            likelihood = [float(fit[chosen].mean()) for fit in fits]
            place = int(np.argmax(likelihood))
            best_fit = f"scale {grid[place]:.4f}  log-likelihood {likelihood[place]:.3f}"
            print(f"{name:32s}{int(chosen.sum()):7,d} plays  {best_fit}")


def main() -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", nargs="*", type=Path)
    parser.add_argument("--model", help="a model file or run folder instead of the default model")
    parser.add_argument("--fit", nargs="?", action="append", type=float, const=0.0, metavar="PR", help="find the scale")
    parser.add_argument("--people", nargs="+", type=Path, metavar="LABELLED", help="plays by people, see above")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.labels and not options.people:
        parser.error("give files of labels, or --people with files of plays")
    try:
        engine = ExactEvaluator(load_scorer(options.model, usable_processors()), find_or_build())
        if options.people:
            print_people(options.people, engine)
        if options.labels:
            judged = judge_labels(options.labels, engine)
            levels = list(LEVELS.values())
            if options.fit is not None:
                levels = fit_levels(judged, [rating for rating in options.fit if rating])
            print_levels(judged, levels, options.json)
    except (PairgammonError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
