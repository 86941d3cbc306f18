"""Files of tensors: models, models of people, tables of the bear-off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backgammon.evaluation.bearoff import BearoffSize
from backgammon.evaluation.bearoff.store import build, open_tables
from backgammon.learner.coach.people_model import load_people, shipped_people
from backgammon.learner.net.model_files import load_model
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.movegen import legal_candidates
from comparison_net.network_config import NetworkConfig
from scripts.own_files.kind import Kind, seal_container
from tests.positions import random_play_decisions
from tests.random_nets import write_random_net

BOARDS_TO_JUDGE = legal_candidates(*random_play_decisions(20, seed=3))[0]
SIZE = BearoffSize(points=3, exact_points=3, exact_checkers=3)


def write_model(folder: Path) -> list[Path]:
    """A small net with all heads."""
    network = NetworkConfig((16, 8), outcomes=True, score_from="sum")
    return [write_random_net(folder / "m.safetensors", network, seed=1)]


def read_model(folder: Path) -> Any:
    """What the net says of some positions."""
    scores, outcomes = Scorer(load_model(folder / "m.safetensors"), "m").judge(BOARDS_TO_JUDGE)
    return scores, outcomes


def is_judgement(found: Any) -> bool:
    """Scores are numbers, outcomes chances."""
    scores, outcomes = found
    return bool(np.isfinite(scores).all() and (outcomes >= 0).all() and (np.abs(outcomes.sum(axis=1) - 1) < 1e-4).all())


def write_people(folder: Path) -> list[Path]:
    """The model of people that ships."""
    shipped_people().save(folder / "p.safetensors")
    return [folder / "p.safetensors"]


def read_people(folder: Path) -> Any:
    """Its weights."""
    return list(load_people(folder / "p.safetensors").weights.values())


def are_numbers(found: Any) -> bool:
    """Nothing but finite numbers."""
    return all(bool(np.isfinite(array).all()) for array in found)


def write_bearoff(folder: Path) -> list[Path]:
    """Small tables."""
    return build(SIZE, folder)


def read_bearoff(folder: Path) -> Any:
    """All that the tables hold."""
    tables = open_tables(SIZE, folder).tables
    return tables.off.copy(), tables.first_off.copy(), tables.equities.copy()


def are_chances(found: Any) -> bool:
    """Chances between 0 and 1, equities between -1 and 1."""
    off, first_off, values = found
    return bool((off >= 0).all() and (off <= 1).all() and (first_off >= 0).all() and (np.abs(values) <= 1).all())


KINDS = (
    Kind("model", write_model, read_model, seal_container, is_judgement),
    Kind("people", write_people, read_people, seal_container, are_numbers),
    Kind("bearoff", write_bearoff, read_bearoff, seal_container, are_chances),
)
