"""Decisions to choice sets: candidates generated on the fly, nothing stored, nothing padded.

B decisions, M candidates of all of them together, 6 outcomes in the order of `outcome.OUTCOMES`.

The candidates are the items of a choice set, the position before the play its context. The move generator makes tens of
millions a second and releases the interpreter lock, so every worker of the training loop generates the candidates of
its own part.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backgammon.evaluation.outcome import OUTCOMES, Outcomes, from_cumulative
from backgammon.learner.data.shard_format import NOT_JUDGED, PROBABILITY_UNIT
from backgammon.learner.data.shards import Shards
from backgammon.learner.inputs.features import NAMES, encode
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.phase import phase_codes
from backgammon.tools.arrays import Int64s, Offsets, Uint16s
from comparison_net.choices import UNKNOWN, ChoiceSets


class DecisionSource:
    """Shards as the training loop reads them (`comparison_net.training.choice_source.Source`)."""

    def __init__(self, shards: Shards) -> None:
        """Nothing is read yet."""
        self.shards = shards

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.shards.path)

    @property
    def fingerprint(self) -> str:
        """That of the shards."""
        return self.shards.manifest.fingerprint

    @property
    def has_values(self) -> bool:
        """True with equities."""
        return self.shards.equities is not None

    def __len__(self) -> int:
        return len(self.shards)

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:
        """By match, or by game where games are independent; see `Shards.split`."""
        return self.shards.split(held_out, seed)

    def parts(self, rows: Int64s, num_items: int) -> list[Int64s]:
        """See `split_rows`."""
        return split_rows(self.shards, rows, num_items)

    def sets(self, rows: Int64s) -> ChoiceSets:
        """See `make_comparisons`."""
        return make_comparisons(self.shards, rows)


def make_comparisons(shards: Shards, rows: Int64s) -> ChoiceSets:
    """The decisions in `rows`, int64[B] with B >= 1: strata are phases, values equities for the mover.

    Raises:
        DataError: the move generator does not find the candidates that the shards were built with.
    """
    decisions = shards.decisions(rows)
    places = shards.places(rows) if shards.manifest.labels else None
    judged = None if places is None or shards.outcomes is None else shards.outcomes[places]
    results = outcomes_of_points(shards.points[rows].astype(np.int64))
    return ChoiceSets(
        decisions.candidates,
        decisions.offsets,
        decisions.chosen_rows,
        decisions.boards,
        None if places is None or shards.equities is None else shards.equities[places],
        known_outcomes(judged, results, decisions.offsets, decisions.chosen_rows),
        strata=shards.phase[rows].astype(np.int64),
    )


def choice_sets(decisions: Decisions, chosen: Int64s | None = None) -> ChoiceSets:
    """Decisions as choice sets of positions, for a net with the encoder of boards: strata are phases.

    Args:
        decisions: N of them.
        chosen: int64[N], counted from the start of each decision, in the place of what was played; None for that, and
            where nobody knows it either, it stays unknown.
    """
    rows = decisions.chosen if chosen is None else chosen
    return ChoiceSets(
        decisions.candidates,
        decisions.offsets,
        np.full(len(decisions), UNKNOWN, dtype=np.int64) if rows is None else rows,
        decisions.boards,
        strata=phase_codes(decisions.boards).astype(np.int64),
        units=np.unique(decisions.unit, return_inverse=True)[1].astype(np.int64),
    )


def feature_sets(decisions: Decisions) -> ChoiceSets:
    """Decisions as choice sets of named numbers, float32[M, 254] of the candidates, for any learner of choices."""
    sets = choice_sets(decisions)
    return replace(sets, items=encode(decisions.candidates), context=None, names=NAMES)


def known_outcomes(judged: Uint16s | None, results: Outcomes, offsets: Offsets, chosen: Int64s) -> Outcomes:
    """What is known of the candidates' outcomes, float32[M, 6] for the mover; rows of NaN where nothing is.

    Args:
        judged: uint16[M, 5], see `shard_format.LABELS`; None without labels.
        results: float32[B, 6], the game's result, 0 where it is unknown: it counts for the chosen candidate of a
            decision of which nothing was judged.
        offsets: int64[B + 1].
        chosen: int64[B], counted from the start of the decision.
    """
    outcomes: Outcomes = np.full((int(offsets[-1]), len(OUTCOMES)), np.nan, dtype=np.float32)
    has_result = results.any(axis=1)
    if judged is not None:
        is_judged = judged[:, 0] != NOT_JUDGED
        outcomes[is_judged] = from_cumulative(judged[is_judged] / np.float32(PROBABILITY_UNIT))
        has_result &= ragged.total(is_judged, offsets) == 0
    outcomes[(offsets[:-1] + chosen)[has_result]] = results[has_result]
    return outcomes


def outcomes_of_points(points: Int64s) -> Outcomes:
    """The game's result as certain outcomes float32[B, 6] for the player on roll, from points won; all 0 for 0."""
    columns = np.where(points > 0, points - 1, 2 - points)
    results: Outcomes = (columns[:, None] == np.arange(len(OUTCOMES))).astype(np.float32)
    results[points == 0] = 0.0
    return results


def split_rows(shards: Shards, rows: Int64s, part_candidates: int) -> list[Int64s]:
    """`rows` cut into consecutive parts of about `part_candidates` candidates each, see `ragged.split`."""
    return [rows[part] for part in ragged.split(shards.counts[rows], part_candidates)]
