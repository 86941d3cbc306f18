"""The evaluator without torch against the mixtures in torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from backgammon.learner.net.mixture_evaluator import MixtureEvaluator
from backgammon.rules.board import Board
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards
from tests.test_moe_mixtures import ALL_SETTINGS, NAMES, Decisions, make, run, weights_of

every_router = pytest.mark.parametrize("settings", ALL_SETTINGS, ids=NAMES)


@pytest.fixture(scope="module")
def candidates(random_play: Decisions, nasty: Decisions) -> Board:
    parts = [legal_candidates(boards[:25], dice[:25])[0] for boards, dice in (random_play, nasty)]
    return np.ascontiguousarray(np.concatenate(parts)[:: 2 if len(parts[0]) < 400 else 3])


@every_router
def test_it_says_what_torch_says(settings: dict[str, object], candidates: Boards) -> None:
    net = make(settings, has_outcomes=True)
    evaluator = MixtureEvaluator(net.config, weights_of(net))
    scores, logits = evaluator.outputs(candidates)
    with torch.no_grad():
        expected = run(net, candidates)
    assert scores is not None
    assert logits is not None
    assert expected.logits is not None
    # a token whose two best experts are equal to the last bit may go to either: none here
    np.testing.assert_allclose(scores, expected.scores.numpy(), atol=3e-5)
    np.testing.assert_allclose(logits, expected.logits.numpy(), atol=3e-5)


@every_router
def test_a_score_is_the_same_bytes_whatever_else_is_asked(settings: dict[str, object], candidates: Boards) -> None:
    net = make(settings)
    evaluator = MixtureEvaluator(net.config, weights_of(net))
    together, logits = evaluator.outputs(candidates)
    assert together is not None
    assert logits is None
    order = np.random.default_rng(2).permutation(len(candidates))
    moved, _ = evaluator.outputs(np.ascontiguousarray(candidates[order]))
    assert moved is not None
    assert moved.tobytes() == together[order].tobytes()
    for row in (0, 41, len(candidates) - 1):
        alone, _ = evaluator.outputs(candidates[row : row + 1])
        assert alone is not None
        assert alone.tobytes() == together[row : row + 1].tobytes()


def test_it_loads_no_torch() -> None:
    code = "import sys, backgammon.learner.net.mixture_evaluator; print('torch' in sys.modules)"
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"
