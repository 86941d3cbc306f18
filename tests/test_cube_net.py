"""The learnt efficiency of the cube: against a slow twin, its file, and that it learns what labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.cube.cube_net import KIND, NUM_CHANCES, NUM_PLACES, NUM_STAKES, CubeNet, default_cube_net, read_cube_net
from backgammon.cube.efficiency import GNUBG, SHALLOW, efficiencies
from backgammon.cube.met import default_table
from backgammon.cube.stakes import OPPONENT, OWN, Stakes
from backgammon.cube.static import make_prospects, static_values
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.outcome import Outcomes, cumulative
from backgammon.rules.board import Board, swap
from backgammon.search import CubefulSearcher
from backgammon.tools.arrays import Boards
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.tensor_file import write_tensors
from tests.evaluators import PipEvaluator
from tests.naive.cube import Match, money_value
from tests.naive.cube_net import Line, position_units, shift, state_units
from tests.positions import random_play_decisions

STAKES = [
    Stakes(),
    Stakes(has_jacoby=True),
    Stakes(cube=2, owner=OWN),
    Stakes(cube=2, owner=OPPONENT),
    Stakes(5, (2, 3)),
    Stakes(7, (4, 1), cube=2, owner=OWN),
    Stakes(9, (2, 4), cube=2, owner=OPPONENT),
    Stakes(7, (0, 5)),
]


def random_net(width: int, seed: int) -> CubeNet:
    generator = np.random.default_rng(seed)
    shapes = (NUM_PLACES + NUM_CHANCES, width), (NUM_STAKES, width), (width,), (width,)
    return CubeNet(*(generator.normal(0, 0.3, shape).astype(np.float32) for shape in shapes))


def some_positions(count: int) -> tuple[Boards, Outcomes]:
    """Positions after a play, and chances of the player who rolls next."""
    afters = random_play_decisions(40 * count, seed=12)[0][::40]
    rows = np.random.default_rng(5).dirichlet([1.5, 0.5, 0.1, 1.5, 0.5, 0.1], len(afters)).astype(np.float32)
    return afters, rows


def twin_value(net: CubeNet, after: Board, chances: Outcomes, stakes: Stakes) -> float:
    five = [float(x) for x in cumulative(chances[None])[0].astype(np.float64)]
    win, table, away = five[0], default_table(), stakes.away
    base = float(efficiencies(after[None], SHALLOW)[0])
    if stakes.is_match:
        match = Match(lambda own, theirs: table.chance((own, theirs)), away, five)
        cube, is_flat = stakes.cube, False
        dead, live = (match.value(x, cube, stakes.owner, crawford=False) for x in (0.0, 1.0))
        own_point, his_point = match.cash_point(cube), 1 - match.other().cash_point(cube)
        ends = match.mean_win(cube), match.mean_loss(cube)
        valuation = Valuation(stakes)
        told = valuation.emg(np.array([dead, live, *ends])).tolist()
    else:
        is_flat = stakes.has_jacoby and stakes.owner == 0
        dead, live = (money_value(five, x, stakes.owner, stakes.has_jacoby) for x in (0.0, 1.0))
        won, lost = 1 + (five[1] + five[2]) / win, 1 + (five[3] + five[4]) / (1 - win)
        own_point, his_point = (lost + 1) / (won + lost + 0.5), (lost - 0.5) / (won + lost + 0.5)
        told = [dead, live, *((1.0, -1.0) if is_flat else (won, -lost))]
    line = Line(win, told[0], told[1], own_point, his_point, told[2], told[3])
    state = state_units(line, stakes.owner, is_flat, away if stakes.is_match else None, stakes.cube)
    x = base + shift(net, position_units(after.tolist(), chances.tolist()), state)
    return dead + x * (live - dead)


@pytest.mark.parametrize("stakes", STAKES, ids=str)
def test_values_are_those_of_a_slow_twin(stakes: Stakes) -> None:
    afters, chances = some_positions(20)
    net = random_net(5, 3)
    prospects = make_prospects(chances, efficiencies(afters, SHALLOW)).learnt(net, afters)
    found = static_values(Valuation(stakes).terms, prospects, [(stakes.cube, stakes.owner)])[:, 0]
    expected = [twin_value(net, after, row, stakes) for after, row in zip(afters, chances, strict=True)]
    assert found == pytest.approx(expected, abs=2e-5)
    constants = static_values(
        Valuation(stakes).terms, make_prospects(chances, efficiencies(afters, SHALLOW)), [(stakes.cube, stakes.owner)]
    )[:, 0]
    assert np.abs(found - constants).max() > 0.005  # the net has a say


def test_a_file_is_read_as_it_was_written_and_refused_otherwise(tmp_path: Path) -> None:
    net, path = random_net(32, 4), tmp_path / "efficiency.safetensors"
    write_tensors(path, KIND, net._asdict(), {})
    assert all((a == b).all() for a, b in zip(read_cube_net(path), net, strict=True))
    assert read_cube_net(path).identity == net.identity != random_net(32, 5).identity
    net.bias[3] = np.nan
    write_tensors(path, KIND, net._asdict(), {})
    with pytest.raises(DataError, match="no numbers"):
        read_cube_net(path)
    write_tensors(path, KIND, random_net(31, 4)._asdict(), {})
    with pytest.raises(DataError):
        read_cube_net(path)


def test_the_net_decides_cubes_without_a_look_ahead_and_nothing_else() -> None:
    boards = random_play_decisions(60, seed=4)[0][40:]
    valuation, source = Valuation(Stakes(7, (2, 3))), PipEvaluator()
    usual = CubefulSearcher(source)
    shallow, deep = CubefulSearcher(source, efficiency=SHALLOW), CubefulSearcher(source, efficiency=GNUBG)
    learnt = CubefulSearcher(source, efficiency=SHALLOW, net=default_cube_net())
    found = usual.judge_doubles(boards, valuation, 0).values
    assert (found == learnt.judge_doubles(boards, valuation, 0).values).all()
    assert (found != shallow.judge_doubles(boards, valuation, 0).values).any()
    assert (usual.judge_rolls(boards, valuation, 0).values[:, 0] == found[:, 0]).all()
    one = usual.judge_doubles(boards[:4], valuation, 1).values
    assert (one == shallow.judge_doubles(boards[:4], valuation, 1).values).all()
    plays = swap(boards)
    assert (usual.judge_plays(plays, valuation, 0).values == shallow.judge_plays(plays, valuation, 0).values).all()
    assert len({one.identity for one in (usual, shallow, deep, learnt)}) == 4
    with pytest.raises(ConfigError, match="constants"):
        CubefulSearcher(source, net=default_cube_net())
