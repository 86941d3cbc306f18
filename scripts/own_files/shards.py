"""Folders of decisions, without labels and with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backgammon.learner.data.shards import open_shards
from backgammon.learner.teach.self_play import GamesPlan, play_games, write_game_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.rules.movegen import legal_candidates
from scripts.own_files.kind import Kind, seal_shards

GAMES = GamesPlan(games=2, noise=(0.5,), seed=5)
LABEL_LINES = 12
PLAYER = pack_teacher(TeacherSpec())


def write_shards_folder(folder: Path) -> list[Path]:
    """A few games."""
    write_game_shards(play_games(PLAYER, GAMES), PLAYER, GAMES, folder / "s")
    return sorted((folder / "s").iterdir())


def read_shards_folder(folder: Path) -> Any:
    """Every decision, and how they are split."""
    shards = open_shards(folder / "s")
    decisions = shards.decisions(np.arange(len(shards)))
    rows = shards.split(0.3)
    return decisions.boards, decisions.dice, decisions.chosen_rows, *rows, shards.points, shards.won, shards.phase


def are_decisions(found: Any) -> bool:
    """As many of everything; winnings that a game can have."""
    boards, dice, chosen, train, held_out, points, won, phase = found
    count = len(boards)
    sizes = {len(dice), len(chosen), len(train) + len(held_out), len(points), len(won), len(phase)}
    return sizes == {count} and bool((np.abs(points) <= 3).all() and (np.abs(won) <= 1).all() and (phase >= 0).all())


def write_labelled(folder: Path) -> list[Path]:
    """A few decisions with labels."""
    write_shards_folder(folder)
    label_shards(open_shards(folder / "s"), PLAYER, folder / "t", LabelPlan(sample=LABEL_LINES))
    return sorted((folder / "t").iterdir())


def read_labelled(folder: Path) -> Any:
    """Every decision with its labels."""
    shards = open_shards(folder / "t")
    decisions = shards.decisions(np.arange(len(shards)))
    return decisions.boards, decisions.dice, decisions.chosen_rows, shards.equities, shards.outcomes


def are_labelled(found: Any) -> bool:
    """A label for each candidate, within its range."""
    boards, dice, chosen, equities, outcomes = found
    num_candidates = len(legal_candidates(boards, dice)[0])
    is_whole = len(boards) == len(dice) == len(chosen) and len(equities) == len(outcomes) == num_candidates
    return is_whole and not bool((np.abs(equities) > 1000).any())


KINDS = (
    Kind("shards", write_shards_folder, read_shards_folder, seal_shards, are_decisions),
    Kind("labelled", write_labelled, read_labelled, seal_shards, are_labelled),
)
