"""Cube actions from three equities, values in their units, the market window."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.cube.cube_verdict import ACTIONS, CubeVerdict, cube_choice
from backgammon.cube.stakes import OPPONENT, OWN, Stakes
from backgammon.cube.valuation import Unit, Valuation, Value
from backgammon.cube.window import market_window
from backgammon.tools.errors import GameError
from tests.cube_vectors import cube_vectors, vector_state

EVEN = np.array([0.5, 0, 0, 0.5, 0, 0], dtype=np.float32)


@pytest.mark.parametrize("plies", [0, 1, 2])
def test_actions_are_gnubgs_on_every_vector_but_for_ties_of_rounding(plies: int) -> None:
    different = []
    for vector in cube_vectors():
        if not vector["may_double"]:
            continue
        answer = vector[f"ply{plies}"]
        verdict = CubeVerdict(vector_state(vector)[1], *answer["e"])
        if verdict.wording != answer["action"]:
            different.append((verdict.wording, answer))
    for _, answer in different:  # five decimals: a tie there may be none before rounding
        no_double, double_take, double_pass = answer["e"]
        assert min(abs(no_double - min(double_take, double_pass)), abs(double_take - double_pass)) <= 3e-5
    assert len(different) <= 3


@pytest.mark.parametrize(
    ("equities", "action", "wording"),
    [
        ((0.3, 0.1, 1.0), "no double", "No double, take"),
        ((0.6, 0.7, 1.0), "double/take", "Double, take"),
        ((0.8, 1.2, 1.0), "double/pass", "Double, pass"),
        ((0.8, 1.0, 1.0), "double/pass", "Double, pass"),
        ((1.1, 1.4, 1.0), "too good/pass", "Too good to double, pass"),
        ((1.1, 0.9, 1.0), "too good/take", "Too good to double, take"),
        ((0.7, 0.7, 1.0), "double/take", "Optional double, take"),
    ],
)
def test_every_pattern_of_equities_has_its_action(
    equities: tuple[float, float, float], action: str, wording: str
) -> None:
    verdict = CubeVerdict(Stakes(), *equities)
    assert (verdict.action, verdict.wording) == (action, wording)
    assert action in ACTIONS
    owned = CubeVerdict(Stakes(cube=2, owner=OWN), *equities)
    assert owned.wording == wording.replace("No double", "No redouble").replace("Double", "Redouble").replace(
        "to double", "to redouble"
    ).replace("Optional double", "Optional redouble")


def test_a_favourite_who_is_doubled_beavers_where_that_was_agreed() -> None:
    assert CubeVerdict(Stakes(has_beavers=True), -0.3, -0.5).wording == "No double, beaver"
    assert CubeVerdict(Stakes(has_beavers=True), 0.3, 0.1).wording == "No double, take"
    assert CubeVerdict(Stakes(), -0.3, -0.5).wording == "No double, take"


def test_where_no_double_is_allowed_there_is_no_verdict() -> None:
    with pytest.raises(GameError, match="Crawford"):
        CubeVerdict(Stakes(5, (4, 2), is_crawford=True), 0.1, 0.2)


def test_losses_are_what_the_better_action_would_have_kept() -> None:
    verdict = CubeVerdict(Stakes(), 0.6, 0.7)
    assert verdict.loss(has_doubled=False) == pytest.approx(0.1)
    assert verdict.loss(has_doubled=True) == 0
    assert verdict.answer_loss(has_taken=False) == pytest.approx(0.3)
    assert verdict.answer_loss(has_taken=True) == 0
    early = CubeVerdict(Stakes(), 0.5, 0.2)
    assert early.loss(has_doubled=True) == pytest.approx(0.3)
    good = CubeVerdict(Stakes(), 1.2, 1.5)
    assert good.loss(has_doubled=True) == pytest.approx(0.2)
    assert good.answer_loss(has_taken=True) == pytest.approx(0.5)
    assert cube_choice(0.5, 0.2) == (False, True)


def test_emg_and_mwc_of_every_vector_agree() -> None:
    for vector in cube_vectors():
        if "mwc" not in vector["ply0"]:
            continue
        valuation = Valuation(vector_state(vector)[1])
        assert valuation.unit is Unit.MWC
        native = valuation.native(vector["ply0"]["e"])
        assert native == pytest.approx(vector["ply0"]["mwc"], abs=4e-6)
        assert valuation.emg(native) == pytest.approx(vector["ply0"]["e"], abs=1e-9)


def test_values_say_what_they_are_counted_in() -> None:
    assert str(Value(0.5, Unit.MWC)) == "50.00 % MWC"
    assert str(Value(-0.25, Unit.EMG)) == "-0.250 EMG"
    assert Valuation(Stakes()).unit is Unit.POINTS


def test_a_score_where_nothing_is_decided_has_no_equity() -> None:
    valuation = Valuation(Stakes(200, (199, 0)))
    assert np.isfinite(valuation.emg([0.5, 1.0])).all()


def test_gammons_count_what_the_score_makes_of_them() -> None:
    assert Valuation(Stakes()).gammon_values == (0.5, 0.5)
    assert Valuation(Stakes(has_jacoby=True)).gammon_values == (0, 0)
    assert Valuation(Stakes(5, (4, 4))).gammon_values == (0, 0)  # double match point
    leader, trailer = Valuation(Stakes(5, (4, 3), is_crawford=True)).gammon_values
    assert leader == 0
    assert trailer == pytest.approx(1.0)


@pytest.mark.parametrize("efficiency", [0.0, 0.5, 2 / 3, 0.9])
def test_the_window_of_money_play_is_janowskis(efficiency: float) -> None:
    outcomes = np.array([0.4, 0.15, 0.02, 0.3, 0.1, 0.03], dtype=np.float32)
    for row, wins, losses in ((EVEN, 1.0, 1.0), (outcomes, 0.76 / 0.57, 0.59 / 0.43)):
        window = market_window(Valuation(Stakes(cube=2, owner=OWN)), row, efficiency)
        total = wins + losses + efficiency / 2
        assert window.double_point == pytest.approx((losses + efficiency) / total, abs=1e-3)
        assert window.cash_point == pytest.approx((losses + 0.5 + efficiency / 2) / total, abs=1e-3)
        assert window.take_point == pytest.approx((wins - 0.5) / total, abs=1e-3)
    assert market_window(Valuation(Stakes(cube=2, owner=OWN)), EVEN, efficiency).too_good_point == 1.0


def test_a_live_cube_is_turned_when_it_cashes() -> None:
    window = market_window(Valuation(Stakes()), EVEN, 1.0)
    assert window.double_point == pytest.approx(0.8, abs=1e-4)
    assert window.cash_point == pytest.approx(0.8, abs=1e-4)


def test_a_window_needs_a_cube_to_turn() -> None:
    with pytest.raises(GameError, match="opponent owns"):
        market_window(Valuation(Stakes(cube=2, owner=OPPONENT)), EVEN)
