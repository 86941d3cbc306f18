"""Two judges together: the mean of both, where no table knows better."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.evaluation.bearoff import UNCOVERED, find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import cumulative, final_outcomes
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Int8s
from scripts import joint_evaluator
from scripts.joint_evaluator import JointEvaluator
from tests.evaluators import PipEvaluator

Arrays = tuple[Int8s, Int8s]
OTHER = np.array([0.2, 0.1, 0.0, 0.4, 0.2, 0.1], dtype=np.float32)
ENDING = np.zeros(26, dtype=np.int8)
ENDING[[1, 2, 24]] = 2, 1, -3


class Judge:
    """Says the same of every position, and counts what it is asked."""

    asked = 0

    def __init__(self, plies: int) -> None:
        assert plies == 0

    def chances(self, candidates: Boards, _plies: int) -> npt.NDArray[np.floating[Any]]:
        Judge.asked += len(candidates)
        return np.repeat(cumulative(OTHER)[None], len(candidates), axis=0)


@pytest.fixture
def joint(monkeypatch: pytest.MonkeyPatch) -> JointEvaluator:
    monkeypatch.setattr(joint_evaluator, "GnubgJudge", Judge)
    return JointEvaluator(ExactEvaluator(PipEvaluator(), find_or_build()), share=0.25)


def test_outcomes_are_the_weighted_mean_outside_the_tables(joint: JointEvaluator, random_play: Arrays) -> None:
    candidates, _ = legal_candidates(random_play[0][-400:], random_play[1][-400:])
    candidates = np.concatenate([candidates[~final_outcomes(candidates)[0]], [ENDING]])
    engine = ExactEvaluator(PipEvaluator(), find_or_build())
    own, found = engine.outcomes(candidates), joint.outcomes(candidates)
    is_known = engine.bearoff.coverage(np.ascontiguousarray(-candidates[:, ::-1])) != UNCOVERED
    assert is_known.any()
    np.testing.assert_array_equal(found[is_known], own[is_known])
    np.testing.assert_allclose(found[~is_known], 0.75 * own[~is_known] + 0.25 * OTHER, atol=1e-5)


def test_the_engine_chooses_the_plays_and_equal_positions_are_asked_once(
    joint: JointEvaluator, random_play: Arrays
) -> None:
    boards, dice = np.repeat(random_play[0][:30], 3, axis=0), np.repeat(random_play[1][:30], 3, axis=0)
    engine = ExactEvaluator(PipEvaluator(), find_or_build())
    Judge.asked = 0
    afters, _ = joint.play_best(boards, dice)
    np.testing.assert_array_equal(afters, engine.play_best(boards, dice)[0])
    np.testing.assert_array_equal(joint.choose(boards, dice), engine.choose(boards, dice))
    assert Judge.asked <= 30
