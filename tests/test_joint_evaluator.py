"""Several judges together: their mean, where no table knows better."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.evaluation.bearoff import UNCOVERED, find_or_build
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import final_outcomes
from backgammon.learner.teach.joint_evaluator import JointEvaluator
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Int8s
from tests.evaluators import PipEvaluator

Arrays = tuple[Int8s, Int8s]
OTHER = np.array([0.2, 0.1, 0.0, 0.4, 0.2, 0.1], dtype=np.float32)
ENDING = np.zeros(26, dtype=np.int8)
ENDING[[1, 2, 24]] = 2, 1, -3


class Other(Evaluator):
    """Says the same of every position, and counts what it is asked."""

    name = "other"
    asked = 0

    def judge(self, boards: Boards) -> Judgement:
        Other.asked += len(boards)
        return Judgement(None, np.repeat(OTHER[None], len(boards), axis=0))


def engine() -> ExactEvaluator:
    return ExactEvaluator(PipEvaluator(), find_or_build())


@pytest.mark.parametrize("others", [1, 3])
def test_outcomes_are_the_mean_outside_the_tables(others: int, random_play: Arrays) -> None:
    candidates, _ = legal_candidates(random_play[0][-400:], random_play[1][-400:])
    candidates = np.concatenate([candidates[~final_outcomes(candidates)[0]], [ENDING]])
    joint = JointEvaluator(engine(), [Other()] * others)
    own, found = engine().outcomes(candidates), joint.outcomes(candidates)
    is_known = engine().bearoff.coverage(np.ascontiguousarray(-candidates[:, ::-1])) != UNCOVERED
    assert is_known.any()
    np.testing.assert_array_equal(found[is_known], own[is_known])
    expected = (own[~is_known] + others * OTHER) / (1 + others)
    np.testing.assert_allclose(found[~is_known], expected, atol=1e-5)


def test_the_engine_chooses_the_plays_and_equal_positions_are_asked_once(random_play: Arrays) -> None:
    boards, dice = np.repeat(random_play[0][:30], 3, axis=0), np.repeat(random_play[1][:30], 3, axis=0)
    joint = JointEvaluator(engine(), [Other()])
    Other.asked = 0
    afters, _ = joint.play_best(boards, dice)
    np.testing.assert_array_equal(afters, engine().play_best(boards, dice)[0])
    np.testing.assert_array_equal(joint.choose(boards, dice), engine().choose(boards, dice))
    assert Other.asked <= 30


def test_replies_to_the_rolls_are_those_of_the_engine_judged_together(random_play: Arrays) -> None:
    boards = random_play[0][:20]
    joint = JointEvaluator(engine(), [Other()])
    afters, outcomes = joint.reply_to_rolls(boards)
    np.testing.assert_array_equal(afters, engine().reply_to_rolls(boards)[0])
    np.testing.assert_allclose(outcomes, joint.outcomes(afters), atol=1e-6)
