"""A model whose chances are right on average."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from backgammon.evaluation.outcome import cumulative
from backgammon.learner.measure.calibration import read_cases
from backgammon.learner.net.scorer import load_scorer
from backgammon.rules.phase import PHASES, phase_codes
from scripts import level_chances
from tests.test_device_evaluator import net_in

LABELS = Path(__file__).parent.parent / "data" / "judged" / "sage-2ply-23401.jsonl.xz"


def test_constants_bring_the_means_together_and_impossible_chances_stay_0() -> None:
    random = np.random.default_rng(4)
    logits = random.normal(size=(500, 6)) * 2
    predicted = np.exp(logits)
    predicted[:250, 5] = 0
    predicted /= predicted.sum(axis=1, keepdims=True)
    observed = predicted * np.array([1.3, 0.8, 1, 1, 1.4, 0.5])
    observed /= observed.sum(axis=1, keepdims=True)
    constants = level_chances.level(predicted, observed)
    raised = predicted * np.exp(constants)
    raised /= raised.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(raised.mean(axis=0), observed.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(np.exp(constants - constants[2])[[0, 4]], [1.3, 1.4], rtol=1e-6)
    assert not raised[:250, 5].any()


def test_a_levelled_model_has_the_mean_chances_of_the_labels_in_every_phase(tmp_path: Path) -> None:
    out = tmp_path / "levelled.safetensors"
    shown = CliRunner().invoke(level_chances.main, [str(out), "default", str(LABELS)])
    assert shown.exit_code == 0, shown.output
    cases = read_cases([str(LABELS)])
    found = cumulative(load_scorer(out).outcomes(cases.boards))
    phases = phase_codes(cases.boards)
    for code in range(len(PHASES)):
        rows = phases == code
        assert rows.any()
        np.testing.assert_allclose(found[rows].mean(axis=0), cases.observed[rows].mean(axis=0), atol=2e-4)
    is_same = load_scorer().scores(cases.boards).argsort() == load_scorer(out).scores(cases.boards).argsort()
    assert not is_same.all()


def test_a_model_without_a_head_for_each_phase_is_refused(tmp_path: Path) -> None:
    model = net_in(tmp_path, outcomes=True)
    shown = CliRunner().invoke(level_chances.main, [str(tmp_path / "out"), str(model), str(LABELS)])
    assert shown.exit_code == 1
    assert "outcome head for each game phase" in shown.output
