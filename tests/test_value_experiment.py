"""Learning values against learning comparisons: the losses, and the experiment from labels to its table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.tools.jobs.workers import ThreadWorkers
from comparison_net.config import TrainConfig
from scripts import value_experiment
from scripts.value_losses import DIFFERENCE_UNIT, REACH, VALUE_UNIT, difference_loss, value_loss

LABELS = Path(__file__).resolve().parent.parent / "data" / "fresh"
CONFIG = TrainConfig()


def test_a_score_is_a_value_in_its_unit() -> None:
    values = torch.tensor([[0.2, -0.3, 0.1], [1.0, 0.9, torch.nan]])
    mask, chosen = torch.ones_like(values, dtype=torch.bool), torch.zeros(len(values), dtype=torch.int64)
    for loss, unit in ((value_loss, VALUE_UNIT), (difference_loss, DIFFERENCE_UNIT)):
        scores = values.nan_to_num(7.0) / unit
        torch.testing.assert_close(loss(scores, mask, chosen, values, CONFIG), torch.zeros(2), atol=1e-5, rtol=0)
        found = loss(scores + 0.1, mask, chosen, values, CONFIG)
        expected = torch.full((2,), 0.005 if loss is value_loss else 0.0)  # 0.1 squared, half; a mean is taken off
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_far_errors_count_linearly_and_padding_not_at_all() -> None:
    values, scores = torch.zeros(1, 3), torch.tensor([[5.0, 0.1, 100.0]])
    mask, chosen = torch.tensor([[True, True, False]]), torch.zeros(1, dtype=torch.int64)
    reach = REACH / VALUE_UNIT
    expected = (reach * (5 - reach / 2) + 0.005) / 2
    assert value_loss(scores, mask, chosen, values, CONFIG).item() == pytest.approx(expected)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Twenty games of the model, labelled by itself."""
    folder = tmp_path_factory.mktemp("labelled")
    model = pack_teacher(TeacherSpec(engine=EngineSpec()))
    play_into_shards(model, GamesPlan(20, seed=5), folder / "games")
    label_shards(open_shards(folder / "games"), model, folder / "labels", LabelPlan(teacher_chooses=True))
    return open_shards(folder / "labels")


def test_the_experiment_prints_a_row_for_each_loss_and_does_no_cell_twice(
    labelled: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_experiment, "RATES", (0.004, 0.008))
    monkeypatch.setattr(value_experiment, "TARGETS", {n: value_experiment.TARGETS[n] for n in ("value", "soft")})
    monkeypatch.setattr(value_experiment, "ProcessWorkers", ThreadWorkers)
    arguments = [str(labelled.path), str(tmp_path / "cells"), str(LABELS), "--seeds", "1,2"]
    first = CliRunner().invoke(value_experiment.main, arguments, catch_exceptions=False)
    kept = sorted((tmp_path / "cells").iterdir())
    assert first.exit_code == 0
    assert len(kept) == 2 * 2 + 2 * 2
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in first.stdout.splitlines() if "|" in line}
    assert {name: row.count("±") for name, row in rows.items() if name in ("soft", "value")} == {"soft": 2, "value": 4}
    times = [path.stat().st_mtime_ns for path in kept]
    again = CliRunner().invoke(value_experiment.main, arguments, catch_exceptions=False)
    assert again.stdout == first.stdout
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_training_and_tuning_share_no_game(labelled: Shards) -> None:
    sets = value_experiment.split_games(labelled)
    assert sets.games.max() < labelled.game[sets.tuning].min()
    assert np.array_equal(np.sort(np.concatenate([sets.train, sets.tuning])), np.flatnonzero(labelled.counts[:] > 1))
