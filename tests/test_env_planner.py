"""The face for planners: chance in the open, undo, clone, set-up."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.env.planner import Planner
from backgammon.notation import position_id
from backgammon.rules.board import START, Position, swap
from backgammon.rules.dice import ROLLS, Roll
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.errors import DiceError, GameError, IdError, IllegalPlay, PositionError

XGID = "XGID=-b----E-C---eE---c-e----B-:0:0:-1:00:0:0:0:0:10"


def test_probabilities_of_chance_sum_to_one() -> None:
    opening = Planner().chance_outcomes()
    assert len(opening) == 30
    assert sum(outcome.probability for outcome in opening) == pytest.approx(1)
    assert {outcome.seat for outcome in opening} == {0, 1}
    assert not any(outcome.roll.is_double for outcome in opening)
    later = Planner(Position.start(), seat=1).chance_outcomes()
    assert [outcome.roll for outcome in later] == list(ROLLS)
    assert sum(outcome.probability for outcome in later) == pytest.approx(1)
    assert {outcome.seat for outcome in later} == {1}


def test_afterstates_of_every_roll_are_the_candidates() -> None:
    planner = Planner(Position.start())
    for roll in ROLLS:
        expected, _ = legal_candidates(START[None], np.array([roll], dtype=np.int8))
        assert (planner.legal_afterstates(roll) == expected).all()
        planner.apply(roll)
        assert (planner.legal_afterstates() == expected).all()
        planner.undo()


def test_a_random_game_undoes_step_by_step_to_its_start() -> None:
    rng = np.random.default_rng(5)
    planner = Planner()
    past = []
    while not planner.is_over:
        past.append((planner.state, planner.clone()))
        if planner.is_chance:
            outcomes = planner.chance_outcomes()
            chosen = outcomes[int(rng.integers(len(outcomes)))]
            planner.apply(chosen.roll, seat=chosen.seat)
        else:
            before, seat = planner.legal_afterstates(), planner.seat
            row = int(rng.integers(len(before)))
            planner.apply(row)
            assert (planner.position.board == (before[row] if planner.is_over else swap(before[row]))).all()
            assert planner.seat == (seat if planner.is_over else 1 - seat)
    assert abs(planner.points) in (1, 2, 3)
    assert (planner.points > 0) == (planner.seat == 0)
    for state, clone in reversed(past):
        planner.undo()
        assert planner.state == state == clone.state
        assert planner.points == 0
    with pytest.raises(GameError, match="nothing to undo"):
        planner.undo()


def test_a_clone_lives_its_own_life() -> None:
    planner = Planner(Position.start(), roll=(3, 1))
    clone = planner.clone()
    clone.apply(0)
    assert planner.roll == (3, 1)
    assert clone.is_chance
    clone.undo()
    assert clone.state == planner.state


def test_sets_up_from_ids() -> None:
    for text, seat in ((XGID, 1), (XGID.replace("-1:00", "1:00"), 0), (position_id(Position.start()), 0)):
        planner = Planner.from_id(text)
        assert planner.position == Position.start()
        assert planner.seat == seat
        assert planner.is_chance
        assert len(planner.chance_outcomes()) == 21
    assert Planner.from_id(XGID, dice=(1, 3)).roll == Roll(3, 1)
    assert Planner.from_id(XGID.replace(":00:", ":52:")).roll == Roll(5, 2)


def test_wrong_steps_are_refused_and_change_nothing() -> None:
    planner = Planner()
    for event, seat, error, text in (
        (Roll(3, 1), None, GameError, "seat=0 or seat=1"),
        (Roll(2, 2), 0, GameError, "equal"),
        ((7, 1), 0, DiceError, "1 to 6"),
        (0, None, GameError, "no dice to play"),
        (True, None, GameError, "pair of dice"),
        ("31", None, GameError, "pair of dice"),
    ):
        with pytest.raises(error, match=text):
            planner.apply(event, seat)  # type: ignore[arg-type]
    planner.apply((3, 1), seat=0)
    with pytest.raises(IllegalPlay, match="does not exist"):
        planner.apply(16)
    with pytest.raises(GameError, match="no dice are to be thrown"):
        planner.chance_outcomes()
    planner.apply(0)
    with pytest.raises(GameError, match="turn of seat 1"):
        planner.apply((3, 1), seat=0)
    with pytest.raises(GameError, match="no dice to play"):
        planner.legal_afterstates()


def test_wrong_beginnings_are_refused() -> None:
    with pytest.raises(IdError):
        Planner.from_id("XGID=nonsense")
    with pytest.raises(PositionError, match="over"):
        Planner.from_id("XGID=-A------------------------:0:0:1:00:0:0:0:0:10")
    with pytest.raises(GameError, match="seat"):
        Planner(seat=2)
    with pytest.raises(GameError, match="belongs to a seat"):
        Planner(roll=(3, 1))
    board = np.zeros(26, dtype=np.int8)
    board[1], board[24] = 1, -1
    planner = Planner(Position(board), roll=(2, 1))
    planner.apply(0)
    assert planner.points == 1
    with pytest.raises(GameError, match="over"):
        planner.legal_afterstates((2, 1))
