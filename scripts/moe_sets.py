"""The decisions of the experiment on mixtures of experts, made from seeds: a set to learn from and one to judge by.

    DIR/train              decisions of GNU Backgammon's 0-ply self-play, every candidate with its 0-ply equity; the
                           games from TRAIN_GAMES on are the tuning set
    DIR/fresh.jsonl.xz     decisions of other such games, judged by GNU Backgammon at 2-ply; looked at once, in the end
    DIR/later.jsonl.xz     decisions of the shipped net's own games, judged by its own 1-ply, for what was asked later

Needs `pip install -e '.[peers]'`; a few minutes on one core, a quarter of an hour with the fresh set. What exists is
left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.comparisons import make_comparisons
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.teach.line_labels import lines_of_shards, write_line_labels
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import MODEL, TeacherSpec, pack_teacher
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.delivery import is_finished
from comparison_net.choices import ChoiceSets
from comparison_net.training.choice_source import cut_evenly

TRAIN_SEED = 21_010_001
GAMES, TRAIN_GAMES = 6_400, 5_740


class Judged(NamedTuple):
    """A set to judge by: seed of its games, how many, who plays, decisions, and who judges them."""

    seed: int
    games: int
    player: str
    decisions: int
    judge: TeacherSpec


JUDGED = {
    "fresh": Judged(21_010_003, 3_000, "gnubg:0", 12_000, TeacherSpec(("gnubg:2",))),
    "later": Judged(21_010_009, 2_000, MODEL, 4_000, TeacherSpec((MODEL,), EngineSpec(None, 1))),
}
"""By name; each is read after everything that it is to judge was chosen."""


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


def make_sets(folder: Path) -> Sets:
    """The sets, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    gnubg = pack_teacher(TeacherSpec(("gnubg:0",)))
    if not is_finished(folder / "train-play"):
        play_into_shards(gnubg, GamesPlan(GAMES, seed=TRAIN_SEED), folder / "train-play")
    if not is_finished(folder / "train"):
        label_shards(open_shards(folder / "train-play"), gnubg, folder / "train", LabelPlan(teacher_chooses=True))
    shards = open_shards(folder / "train", verify=False)
    unforced = np.flatnonzero(shards.counts[:] > 1)
    is_train = shards.game[unforced] < TRAIN_GAMES
    if not is_train.any() or is_train.all():
        raise DataError(f"{folder / 'train'}: holds no games to learn from or none to tune on; make it again")
    train = unforced[is_train]
    game = shards.game[train].astype(np.int64)
    return Sets(shards, train, game, unforced[~is_train])


def judged_set(folder: Path, name: str) -> Path:
    """The file of one of JUDGED, made if it is missing."""
    plan, path = JUDGED[name], folder / f"{name}.jsonl.xz"
    if not path.exists():
        if not is_finished(folder / f"{name}-play"):
            player = pack_teacher(TeacherSpec((plan.player,)))
            play_into_shards(player, GamesPlan(plan.games, seed=plan.seed), folder / f"{name}-play")
        lines = lines_of_shards(open_shards(folder / f"{name}-play"), LabelPlan(plan.decisions))
        write_line_labels(lines, pack_teacher(plan.judge), path)
    return path
