"""Static cube values: GNU Backgammon's to 1e-4, and a slow twin's on every kind of score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backgammon.cube.efficiency import efficiencies
from backgammon.cube.met import default_table
from backgammon.cube.stakes import CENTRED, OPPONENT, OWN, Stakes
from backgammon.cube.static import Prospects, dead_values, make_prospects, make_terms, static_values
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.outcome import Outcomes, cumulative
from backgammon.rules.board import swap
from tests.cube_vectors import TWO_SIDED, cube_vectors, vector_outcomes, vector_state
from tests.naive.cube import Match, money_value


def own_equities(stakes: Stakes, prospects: Prospects) -> tuple[float, float]:
    """ND and DT in EMG."""
    valuation = Valuation(stakes)
    states = [(stakes.cube, stakes.owner), (2 * stakes.cube, OPPONENT)]
    values = static_values(valuation.terms, prospects, states)[0]
    factor = 1 if stakes.is_match else 2
    return float(valuation.emg(values[0])), factor * float(valuation.emg(values[1]))


def test_static_values_are_gnubgs_on_every_vector() -> None:
    bearoff = find_or_build()
    for vector in cube_vectors():
        board, stakes = vector_state(vector)
        is_exact = vector["class"] == TWO_SIDED
        exact = bearoff.cube_equities(board[None])[:, 1:] if is_exact else None
        efficiency = efficiencies(swap(board)[None])
        no_double, double_take = own_equities(stakes, make_prospects(vector_outcomes(vector, 0), efficiency, exact))
        # gnubg keeps its two-sided equities in 16 bits
        tolerance = 2e-4 if is_exact and not stakes.is_match else 1e-4
        assert no_double == pytest.approx(vector["ply0"]["e"][0], abs=tolerance), vector["xgid"]
        if vector["may_double"]:
            assert double_take == pytest.approx(vector["ply0"]["e"][1], abs=tolerance), vector["xgid"]


def test_efficiency_follows_the_kind_of_position() -> None:
    race, home = np.zeros((2, 26), dtype=np.int8)
    race[[8, 6]] = 5, 10
    race[[17, 19]] = -5, -10  # the opponent rolls next: 8 and 6 points from its end
    home[6], home[20] = 10, -10
    contact = np.array(
        [0, -2, 0, 0, 0, 0, 5, 0, 3, 0, 0, 0, -5, 5, 0, 0, 0, -3, 0, -5, 0, 0, 0, 0, 2, 0], dtype=np.int8
    )
    values = efficiencies(np.stack([contact, race, home]))
    assert values == pytest.approx([0.68, 0.55 + 0.00125 * 100, 0.6])


def random_outcomes(count: int, generator: np.random.Generator) -> Outcomes:
    rows = generator.dirichlet([1.5, 0.5, 0.1, 1.5, 0.5, 0.1], count).astype(np.float32)
    rows[:10, 1:3] = 0  # no gammons
    rows[10:20, 3:] = 0  # nearly won
    rows[20:25] = [1, 0, 0, 0, 0, 0]
    rows[25:30] = [0, 0, 0, 0, 1, 0]
    return np.asarray(rows / rows.sum(1, keepdims=True), dtype=np.float32)


def every_score(length: int) -> list[Stakes]:
    found = []
    for own in range(length):
        for theirs in range(length):
            for cube in (1, 2, 4, 8):
                owners = [CENTRED] if cube == 1 else [OWN, OPPONENT]
                found += [Stakes(length, (own, theirs), cube, owner) for owner in owners]
            if (own == length - 1) != (theirs == length - 1):
                found.append(Stakes(length, (own, theirs), is_crawford=True))
    return found


@pytest.mark.parametrize("length", [1, 3, 7, 11])
def test_match_values_are_those_of_the_slow_twin(length: int) -> None:
    generator = np.random.default_rng(length)
    table = default_table()
    for stakes in every_score(length):
        outcomes = random_outcomes(40, generator)[generator.choice(40, 6)]
        efficiency = generator.uniform(size=6)
        terms = make_terms(stakes, table)
        found = static_values(terms, make_prospects(outcomes, efficiency), [(stakes.cube, stakes.owner)])
        behind = stakes.is_next_behind_crawford
        for row, five in enumerate(cumulative(outcomes).astype(np.float64).tolist()):

            def chance(own: int, theirs: int, behind: bool = behind) -> float:
                return 1.0 if own <= 0 else 0.0 if theirs <= 0 else table.chance((own, theirs), behind)

            twin = Match(chance, stakes.away, five)
            expected = twin.value(efficiency[row], stakes.cube, stakes.owner, stakes.is_crawford)
            assert found[row, 0] == pytest.approx(expected, abs=1e-6), (stakes, five)


@pytest.mark.parametrize("jacoby", [False, True])
@pytest.mark.parametrize("owner", [OWN, CENTRED, OPPONENT])
def test_money_values_are_those_of_the_slow_twin(owner: int, jacoby: bool) -> None:
    generator = np.random.default_rng(5)
    outcomes = random_outcomes(100, generator)
    efficiency = generator.uniform(size=100)
    exact = np.full((100, 3), math.nan)
    exact[30:40] = generator.uniform(-1, 1, (10, 3))
    terms = make_terms(Stakes(has_jacoby=jacoby))
    found = static_values(terms, make_prospects(outcomes, efficiency, exact), [(4, owner)])[:, 0]
    for row, five in enumerate(cumulative(outcomes).astype(np.float64).tolist()):
        expected = money_value(five, efficiency[row], owner, jacoby, exact[row, 1 - owner])
        assert found[row] == pytest.approx(expected, abs=1e-6)


def test_a_value_depends_on_its_own_position_and_state_only() -> None:
    outcomes = random_outcomes(50, np.random.default_rng(1))
    efficiency = np.full(50, 0.68)
    terms = make_terms(Stakes(7, (2, 4)))
    together = static_values(terms, make_prospects(outcomes, efficiency), [(1, 0), (2, 1), (2, -1), (4, 1)])
    for row in range(50):
        for column, state in enumerate([(1, 0), (2, 1), (2, -1), (4, 1)]):
            alone = static_values(terms, make_prospects(outcomes[row : row + 1], efficiency[:1]), [state])
            assert alone[0, 0] == together[row, column]


def test_both_sides_see_one_match_whoever_has_the_dead_cube() -> None:
    outcomes = random_outcomes(50, np.random.default_rng(2))
    stakes = Stakes(9, (3, 6), 2, OWN)
    mine = dead_values(make_terms(stakes), outcomes, 2, OWN)
    theirs = dead_values(make_terms(stakes.swapped()), outcomes[:, [3, 4, 5, 0, 1, 2]], 2, OPPONENT)
    assert mine + theirs == pytest.approx(np.ones(50), abs=1e-5)  # the table has six decimals


def test_an_even_trailer_behind_crawford_is_dropped_for_free_and_an_odd_one_is_taken() -> None:
    # even game, gammons as at the start: the leader needs 1 point, the trailer doubles before his first roll
    outcomes = np.array([[0.37, 0.125, 0.005, 0.37, 0.125, 0.005]], dtype=np.float32)
    prospects = make_prospects(outcomes, np.array([0.68]))
    gains = {}
    for away in range(2, 8):
        stakes = Stakes(9, (9 - away, 8))
        gains[away] = 1.0 - own_equities(stakes, prospects)[1]
    assert -0.1 < gains[2] < 0.02  # at 2-away a pass costs no more than a take: the free drop
    assert all(gains[away] > 0.1 for away in (3, 5, 7))  # at odd scores a pass gives much away
    assert all(gains[away] < gains[away + 1] for away in (2, 4, 6))
