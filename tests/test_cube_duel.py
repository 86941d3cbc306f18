"""Duels with the cube: money games and matches against the turn machine, luck at the stakes, the command."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.cube.efficiency import Efficiency
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import Outcomes
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.cube_duel import duel_with_cube
from backgammon.table.cube_seat import CubeSeat
from backgammon.tools.arrays import Boards
from backgammon.tools.errors import ConfigError
from backgammon.tools.sprt import Sprt
from tests.evaluators import PipEvaluator
from tests.naive.cube_games import play_unit

Invoke = Callable[..., Result]


class Hopeful(PipEvaluator):
    """Believes in the side that has just moved, so that it takes and beavers what others double."""

    name = "hopeful"

    def __init__(self, trust: float = 0.0) -> None:
        self._trust = trust

    def outcomes(self, boards: Boards) -> Outcomes:
        found = super().outcomes(boards)
        is_open = (found[:, :3].sum(axis=1) > 0) & (found[:, 3:].sum(axis=1) > 0)
        found[is_open, 0] += np.float32(self._trust) * found[is_open, 3]
        found[is_open, 3] *= np.float32(1 - self._trust)
        return found


@pytest.fixture
def invoke() -> Invoke:
    return lambda *words: CliRunner().invoke(main, list(words))


def seat(judge: Evaluator, efficiency: float = 0.7) -> CubeSeat:
    flat = Efficiency(efficiency, efficiency, efficiency, 0.0, efficiency, efficiency)
    engine = StakesEngine(CubefulSearcher(judge, efficiency=flat), SearchSettings(0))
    return CubeSeat(judge, engine, engine)


PIPS, EAGER, HOPEFUL = seat(PipEvaluator()), seat(PipEvaluator(), 0.0), seat(Hopeful(0.6))
RULES = [Stakes(), Stakes(has_jacoby=True), Stakes(has_beavers=True), Stakes(3), Stakes(5)]


@pytest.mark.parametrize("rules", RULES, ids=["money", "Jacoby", "beavers", "3 points", "5 points"])
def test_a_duel_with_the_cube_agrees_with_the_turn_machine_on_the_same_dice(rules: Stakes) -> None:
    players = HOPEFUL, EAGER
    found = duel_with_cube(*players, 4, seed=5, start=rules)
    slow = [[play_unit(players, 5, pair, half, rules) for half in range(2)] for pair in range(2)]
    assert found.results.tolist() == slow
    assert sum(found.count.doubles) == sum(found.count.takes) + sum(found.count.drops)
    assert sum(found.count.doubles) > 0


def test_beavers_and_raccoons_are_turned_where_they_were_agreed() -> None:
    allowed = duel_with_cube(HOPEFUL, EAGER, 40, seed=2, start=Stakes(has_beavers=True))
    plain = duel_with_cube(HOPEFUL, EAGER, 40, seed=2)
    assert sum(allowed.count.beavers) > 0
    assert sum(plain.count.beavers) == 0
    assert np.abs(allowed.results).max() >= 8


@pytest.mark.parametrize("rules", [Stakes(), Stakes(3)], ids=["money", "match"])
def test_a_duel_with_the_cube_does_not_depend_on_the_batch_size(rules: Stakes) -> None:
    judge = StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    whole = duel_with_cube(PIPS, HOPEFUL, 6, seed=8, start=rules, luck_judge=judge)
    other = duel_with_cube(PIPS, HOPEFUL, 6, seed=8, start=rules, luck_judge=judge, batch_size=4)
    assert whole == other
    assert whole.results.tobytes() == other.results.tobytes()
    assert whole.adjusted is not None
    assert other.adjusted is not None
    np.testing.assert_allclose(whole.adjusted, other.adjusted, atol=1e-9)


@pytest.mark.parametrize("rules", [Stakes(), Stakes(5)], ids=["money", "match"])
def test_a_player_draws_against_itself_and_luck_explains_most_of_the_games(rules: Stakes) -> None:
    found = duel_with_cube(
        PIPS, PIPS, 16, seed=3, start=rules, luck_judge=StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(0))
    )
    middle = 0.5 if rules.is_match else 0.0
    assert found.measured == (middle, 0.0)
    assert found.adjusted is not None
    assert found.adjusted.mean() == pytest.approx(middle, abs=1e-9)
    assert found.adjusted.std() < 0.85 * found.results.std()
    assert found.games == found.units or rules.is_match


def test_a_sequential_test_ends_a_duel_with_the_cube() -> None:
    found = duel_with_cube(PIPS, seat(Hopeful(0.9)), 4000, seed=1, sprt=Sprt(-0.2, 0.2))
    assert found.verdict == "high"
    assert found.units == 1000


@pytest.mark.parametrize("units", [0, 3, -2])
def test_an_odd_number_of_units_is_refused(units: int) -> None:
    with pytest.raises(ConfigError, match="even number"):
        duel_with_cube(PIPS, PIPS, units, seed=1)


def test_chances_that_only_order_are_refused() -> None:
    class Orders(Evaluator):
        has_outcomes = False

        def judge(self, boards: Boards) -> Judgement:
            return Judgement(np.zeros(len(boards), dtype=np.float32), None)

    with pytest.raises(Exception, match="gives no chances"):
        duel_with_cube(seat(Orders()), PIPS, 2, seed=1)


def test_the_command_plays_matches_and_money_games(invoke: Invoke) -> None:
    result = invoke("duel", "model", "model", "--length", "3", "--games", "2", "--luck", "model", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["matches"] == 2
    assert found["matches_won"]["mean"] == 0.5
    assert found["stakes"]["length"] == 3
    assert found["luck_adjusted"]["mean"] == pytest.approx(0.5)
    shown = invoke("duel", "model", "model", "--cube", "--beavers", "--games", "2").stdout
    assert "2 money games with the cube, beavers, mirrored dice" in shown
    assert "points per game of default: +0.0000" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model", "random", "--cube"], "random: turns no cube; give a model, or gnubg:N"),
        (["model", "model", "--jacoby"], "add --cube"),
        (["model", "model", "--length", "5", "--beavers"], "leave out --cube, --jacoby and --beavers"),
        (["model", "model:casual", "--cube"], "model:casual: turns no cube"),
        (["model", "sage:0", "--cube"], "sage:0: turns no cube"),
        (["model", "model", "--cube", "--time", "1"], "by --ply, not by --time"),
    ],
)
def test_what_has_no_cube_is_refused_in_one_line(invoke: Invoke, words: list[str], message: str) -> None:
    result = invoke("duel", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
