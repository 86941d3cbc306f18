"""Teaching the efficiency of the cube: it learns what labels say, repeats itself, and moves every weight."""

from __future__ import annotations

import numpy as np
import torch

from backgammon.cube.efficiency import SHALLOW, efficiencies
from backgammon.cube.stakes import OWN, Stakes
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.outcome import swap_outcomes
from backgammon.learner.training.cube_training import (
    CubeLessons,
    CubeTorchNet,
    CubeTraining,
    learn_cube,
    loss_of,
    make_lessons,
    make_net,
)
from backgammon.rules.board import swap
from backgammon.search import CubefulSearcher
from tests.evaluators import PipEvaluator
from tests.positions import random_play_decisions

STAKES = [Stakes(), Stakes(cube=2, owner=OWN), Stakes(5, (2, 3)), Stakes(has_jacoby=True)]


def lessons(shift: float) -> CubeLessons:
    """Labels of a judge for whom the cube is more efficient by `shift` than the constants say."""
    boards = random_play_decisions(600, seed=3)[0][100:]
    stakes = [STAKES[i % len(STAKES)] for i in range(len(boards))]
    source = PipEvaluator()
    more = SHALLOW._replace(**{name: getattr(SHALLOW, name) + shift for name in ("contact", "home", "race")})
    more = more._replace(race_least=0.0, race_most=1.0)
    judge = CubefulSearcher(source, efficiency=more)
    told = np.empty((len(boards), 2))
    for k, one in enumerate(STAKES):
        rows = np.arange(k, len(boards), len(STAKES))
        valuation = Valuation(one)
        told[rows] = valuation.emg(judge.judge_doubles(boards[rows], valuation, 0).values)
    return make_lessons(boards, stakes, told, swap_outcomes(source.outcomes(swap(boards))), source)


def test_what_lessons_say_of_a_state_is_its_static_value() -> None:
    found = lessons(0.0)
    values = found.dead + found.base[:, None] * (found.live - found.dead)
    is_contact = found.base == np.float32(SHALLOW.contact)  # the race's bounds differ in the judge
    np.testing.assert_allclose(values[is_contact], found.told[is_contact], atol=1e-5)
    boards = random_play_decisions(600, seed=3)[0][100:]
    assert (found.base == efficiencies(swap(boards), SHALLOW).astype(np.float32)).all()


def test_it_learns_that_the_cube_is_worth_more_and_repeats_itself() -> None:
    taught = lessons(0.2)
    training = CubeTraining(seed=2, passes=30, batch=64, width=8)
    first, second = learn_cube(taught, training), learn_cube(taught, training)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    net = make_net(training)
    before = mean_loss(net, taught)
    perfect = mean_loss(net, taught._replace(base=taught.base + np.float32(0.2)))
    net.take(first)
    assert mean_loss(net, taught) < before - 0.5 * (before - perfect)


def mean_loss(net: CubeTorchNet, taught: CubeLessons) -> float:
    with torch.no_grad():
        return float(loss_of(net, *[torch.from_numpy(part) for part in taught]))


def test_every_weight_is_taught() -> None:
    taught = lessons(0.2)
    net = make_net(CubeTraining(width=4))
    net.take(learn_cube(taught, CubeTraining(passes=1, width=4)))
    loss_of(net, *[torch.from_numpy(part) for part in taught]).backward()  # type: ignore[no-untyped-call]
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 1e-6, name
