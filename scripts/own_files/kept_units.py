"""Units that were kept before the work was done: of rollouts, self-play and labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.learner.data.shards import open_shards
from backgammon.learner.teach.line_labels import lines_of_shards, write_line_labels
from backgammon.learner.teach.self_play import play_games
from backgammon.learner.teach.shard_labels import LabelPlan
from backgammon.rules.board import START
from backgammon.search import RolloutSettings, RolloutUnit, Workshop
from backgammon.tools.jobs.result_store import ResultStore
from scripts.own_files.kind import Kind, seal_result
from scripts.own_files.shards import GAMES, LABEL_LINES, PLAYER, write_shards_folder
from tests.evaluators import PipEvaluator

UNIT = RolloutUnit(START.tobytes(), 0, 36)


def workshop(folder: Path) -> Workshop:
    """Rolls out with a toy."""
    return Workshop(PipEvaluator(), RolloutSettings(games=36, horizon=3), folder=folder)


def write_rollout(folder: Path) -> list[Path]:
    """A kept unit of a rollout."""
    workshop(folder).results([UNIT])
    return sorted(folder.glob("*.result"))


def read_rollout(folder: Path) -> Any:
    """Its outcomes."""
    return workshop(folder).results([UNIT])


def are_outcomes(found: Any) -> bool:
    """Six numbers a game."""
    return found[0].shape == (36, 6) and found[0].dtype == np.float32 and bool(np.isfinite(found[0]).all())


def write_self_play(folder: Path) -> list[Path]:
    """Kept units of self-play."""
    play_games(PLAYER, GAMES, store=ResultStore(folder))
    return sorted(folder.glob("*.result"))


def read_self_play(folder: Path) -> Any:
    """The games."""
    found = play_games(PLAYER, GAMES, store=ResultStore(folder))
    decisions = found.decisions
    return decisions.boards, decisions.dice, decisions.chosen_rows, found.played, found.points, found.winnings


def are_games(found: Any) -> bool:
    """Plays that are there, points that a game can have."""
    boards, dice, chosen, played, points, winnings = found
    sizes = {len(boards), len(dice), len(chosen), len(played), len(points)}
    return (
        len(sizes) == 1 and len(winnings) == GAMES.games and bool((np.abs(points) <= 3).all() and (chosen >= 0).all())
    )


def write_labels(folder: Path) -> list[Path]:
    """A kept unit of labels, with the shards that its lines come from."""
    write_shards_folder(folder)
    _label(folder, lambda _: shutil.copytree(folder / "l.jsonl.parts", folder / "kept"))
    return sorted((folder / "kept").glob("*.result"))


def read_labels(folder: Path) -> Any:
    """The labels."""
    shutil.copytree(folder / "kept", folder / "l.jsonl.parts")
    return _label(folder)


def _label(folder: Path, progress: Callable[[int], Any] | None = None) -> bytes:
    lines = lines_of_shards(open_shards(folder / "s"), LabelPlan(sample=LABEL_LINES))
    write_line_labels(lines, PLAYER, folder / "l.jsonl", progress=progress)
    return (folder / "l.jsonl").read_bytes()


def are_labels(found: Any) -> bool:
    """A line for each decision, with numbers."""
    lines = [json.loads(line) for line in found.splitlines()]
    return len(lines) == LABEL_LINES and all(isinstance(entry[2], float) for one in lines for entry in one["cands"])


KINDS = (
    Kind("rollout", write_rollout, read_rollout, seal_result, are_outcomes),
    Kind("self-play", write_self_play, read_self_play, seal_result, are_games),
    Kind("labels", write_labels, read_labels, seal_result, are_labels),
)
