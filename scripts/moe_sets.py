"""The decisions of the experiment on mixtures of experts, made from seeds: a set to learn from and one to judge by.

    DIR/train              decisions of GNU Backgammon's 0-ply self-play, every candidate with its 0-ply equity; the
                           games from TRAIN_GAMES on are the tuning set
    DIR/fresh.jsonl.xz     decisions of other such games, judged by GNU Backgammon at 2-ply; looked at once, in the end

Needs `pip install -e '.[peers]'`; a quarter of an hour on one core, nearly all of it for the fresh set. What exists is
left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from backgammon.learner.data.comparisons import make_comparisons
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.teach.line_labels import lines_of_shards, write_line_labels
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.delivery import is_finished
from comparison_net.choices import ChoiceSets
from comparison_net.training.choice_source import cut_evenly

TRAIN_SEED, FRESH_SEED = 21_010_001, 21_010_003
GAMES, TRAIN_GAMES = 6_400, 5_740
FRESH_GAMES, FRESH_DECISIONS = 3_000, 12_000


class TaughtDecisions:
    """Some decisions of a shards folder as a source that holds none of them out."""

    def __init__(self, shards: Shards, rows: Int64s, has_values: bool) -> None:
        """Nothing is read yet.

        Args:
            shards: with equities.
            rows: int64[N] of them.
            has_values: False hides the equities: only what was chosen is learnt.
        """
        self._shards, self._rows, self._has_values = shards, rows, has_values

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._shards.path)

    @property
    def fingerprint(self) -> str:
        """That of the shards."""
        return self._shards.manifest.fingerprint

    @property
    def has_values(self) -> bool:
        """See above."""
        return self._has_values

    def __len__(self) -> int:
        return len(self._rows)

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:  # noqa: ARG002 - of a source
        """All of them, and none."""
        return np.arange(len(self._rows)), np.arange(0)

    def parts(self, rows: Int64s, num_items: int) -> list[Int64s]:
        """See `Source`."""
        return cut_evenly(rows, self._shards.counts[self._rows[rows]].astype(np.int64), num_items)

    def sets(self, rows: Int64s) -> ChoiceSets:
        """See `Source`; outcomes are left out, no net of the experiment has any."""
        found = make_comparisons(self._shards, self._rows[rows])
        values = found.values if self._has_values else None
        return ChoiceSets(found.items, found.offsets, found.chosen, found.context, values, strata=found.strata)


class Sets(NamedTuple):
    """What `make_sets` made; rows of unforced decisions, and the game of each of those to learn from."""

    shards: Shards
    train: Int64s
    games: Int64s
    tuning: Int64s
    fresh: Path


def make_sets(folder: Path) -> Sets:
    """The sets, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    gnubg = pack_teacher(TeacherSpec(("gnubg:0",)))
    for name, games, seed in (("train", GAMES, TRAIN_SEED), ("fresh", FRESH_GAMES, FRESH_SEED)):
        if not is_finished(folder / f"{name}-play"):
            play_into_shards(gnubg, GamesPlan(games, seed=seed), folder / f"{name}-play")
    if not is_finished(folder / "train"):
        label_shards(open_shards(folder / "train-play"), gnubg, folder / "train", LabelPlan(teacher_chooses=True))
    shards = open_shards(folder / "train", verify=False)
    unforced = np.flatnonzero(shards.counts[:] > 1)
    is_train = shards.game[unforced] < TRAIN_GAMES
    if not is_train.any() or is_train.all():
        raise DataError(f"{folder / 'train'}: holds no games to learn from or none to tune on; make it again")
    train = unforced[is_train]
    game = shards.game[train].astype(np.int64)
    return Sets(shards, train, game, unforced[~is_train], folder / "fresh.jsonl.xz")


def judge_fresh(sets: Sets) -> None:
    """Let GNU Backgammon judge the fresh decisions, unless it has."""
    if not sets.fresh.exists():
        lines = lines_of_shards(open_shards(sets.fresh.parent / "fresh-play"), LabelPlan(FRESH_DECISIONS))
        write_line_labels(lines, pack_teacher(TeacherSpec(("gnubg:2",))), sets.fresh)
