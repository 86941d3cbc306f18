"""Look-ahead with the cube: GNU Backgammon's numbers from its own outcomes, a slow twin's from any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.cube.efficiency import GNUBG, efficiencies
from backgammon.cube.met import default_table
from backgammon.cube.option import values_to_move
from backgammon.cube.stakes import OPPONENT, OWN, Stakes, stakes_of_xgid
from backgammon.cube.valuation import Valuation
from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import Outcomes, cumulative, final_outcomes, swap_outcomes
from backgammon.notation import parse_xgid
from backgammon.rules.board import START, Board, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.search.cube_tree import may_double_at, state_levels
from backgammon.search.cubeful import CubefulSearcher, Leaves, exact_equities
from backgammon.tools.errors import ConfigError, GameError
from tests.evaluators import PipEvaluator
from tests.naive.cube import Match, Tree, money_value
from tests.positions import random_play_decisions

VECTORS = Path(__file__).parent / "vectors" / "cube_1ply.npz"


class Recorded(Evaluator):
    """GNU Backgammon's 0-ply outcomes of the positions that it was asked for."""

    name = "gnubg 0-ply, recorded"

    def __init__(self, boards: Board, outcomes: Outcomes) -> None:
        self._known = {board.tobytes(): row for board, row in zip(boards, outcomes, strict=True)}

    def judge(self, boards: Board) -> Judgement:
        is_over, outcomes = final_outcomes(boards)
        for i in np.flatnonzero(~is_over):
            outcomes[i] = self._known[boards[i].tobytes()]
        return Judgement(None, outcomes)


def test_one_ply_from_gnubgs_outcomes_is_gnubgs_own_to_a_millionth() -> None:
    with np.load(VECTORS) as vectors:
        searcher = CubefulSearcher(Recorded(vectors["boards"], vectors["outcomes"]), efficiency=GNUBG)
        for text, equities in zip(vectors["xgids"].tolist(), vectors["equities"], strict=True):
            xgid = parse_xgid(text)
            valuation = Valuation(stakes_of_xgid(xgid))
            board = xgid.position.board[None]
            if valuation.stakes.may_double:
                found = valuation.emg(searcher.judge_doubles(board, valuation, 1).values[0])
            else:
                found = valuation.emg(searcher.judge_rolls(board, valuation, 1).values[0])
            assert found == pytest.approx(equities[: len(found)], abs=2e-6), text


def make_tree(stakes: Stakes, evaluator: PipEvaluator) -> Tree:
    table = default_table()
    behind = stakes.is_next_behind_crawford

    def chance(own: int, theirs: int) -> float:
        return 1.0 if own <= 0 else 0.0 if theirs <= 0 else table.chance((own, theirs), behind)

    def away(side: int) -> tuple[int, int]:
        return stakes.away if side == 0 else (stakes.away[1], stakes.away[0])

    def five(after: Board) -> list[float]:
        return [float(x) for x in cumulative(swap_outcomes(evaluator.outcomes(after[None])))[0].astype(np.float64)]

    def static(after: Board, cube: int, owner: int, side: int, efficiency: float | None = None) -> float:
        x = float(efficiencies(after[None])[0]) if efficiency is None else efficiency
        if not stakes.is_match:
            return money_value(five(after), x, owner, stakes.has_jacoby)
        return Match(chance, away(side), five(after)).value(x, cube, owner, stakes.is_crawford)

    def dead(after: Board, cube: int, owner: int, side: int) -> float:
        if not stakes.is_match:
            return money_value(five(after), 0.0, OWN, jacoby=False)
        return static(after, cube, owner, side, 0.0)

    def may(cube: int, owner: int, side: int) -> bool:
        return owner >= 0 and not stakes.is_crawford and (not stakes.is_match or away(side)[0] > cube)

    def win(cube: int, side: int) -> float:
        return chance(away(side)[0] - cube, away(side)[1]) if stakes.is_match else 1.0

    return Tree(static, dead, may, win, stakes.is_match)


STAKES = [
    Stakes(),
    Stakes(has_jacoby=True),
    Stakes(cube=2, owner=OWN),
    Stakes(5, (2, 3)),
    Stakes(7, (1, 4), 2, OWN),
    Stakes(5, (2, 4)),
]


@pytest.mark.parametrize("stakes", STAKES, ids=str)
def test_values_are_those_of_a_slow_twin_that_carries_one_state(stakes: Stakes) -> None:
    evaluator = PipEvaluator()
    tree = make_tree(stakes, evaluator)
    board = random_play_decisions(40, seed=8)[0][31]
    valuation = Valuation(stakes)
    found = CubefulSearcher(evaluator, efficiency=GNUBG).judge_doubles(board[None], valuation, 1).values[0]
    after, actual = swap(board), (stakes.cube, stakes.owner)
    no_double = tree.rolling(after, stakes.cube, stakes.owner, 0, 1, actual)
    double_take = tree.rolling(after, 2 * stakes.cube, OPPONENT, 0, 1, actual) * (1 if stakes.is_match else 2)
    assert found == pytest.approx([no_double, double_take], abs=1e-6)


def few_moves() -> Board:
    """A short ending with contact: the twin at 2 plies would take minutes from a full board."""
    board = np.zeros(26, dtype=np.int8)
    board[[1, 2, 5]] = 1, 1, 1
    board[[3, 24, 23]] = -1, -2, -1
    return board


@pytest.mark.parametrize("stakes", [Stakes(), Stakes(5, (1, 2))], ids=str)
def test_two_plies_are_those_of_the_slow_twin(stakes: Stakes) -> None:
    evaluator = PipEvaluator()
    tree = make_tree(stakes, evaluator)
    valuation = Valuation(stakes)
    searcher = CubefulSearcher(evaluator, efficiency=GNUBG)
    found = searcher.judge_doubles(few_moves()[None], valuation, 2).values[0]
    after, actual = swap(few_moves()), (stakes.cube, stakes.owner)
    no_double = tree.rolling(after, stakes.cube, stakes.owner, 0, 2, actual)
    double_take = tree.rolling(after, 2 * stakes.cube, OPPONENT, 0, 2, actual) * (1 if stakes.is_match else 2)
    assert found == pytest.approx([no_double, double_take], abs=1e-6)


def test_a_play_is_worth_what_it_leaves_an_opponent_who_may_double() -> None:
    evaluator, stakes = PipEvaluator(), Stakes(7, (3, 2))
    tree = make_tree(stakes.swapped(), evaluator)
    boards, dice = random_play_decisions(30, seed=9)
    candidates, _ = legal_candidates(boards[29:], dice[29:])
    searcher = CubefulSearcher(evaluator, efficiency=GNUBG)
    for plies, count in ((0, len(candidates)), (1, 1)):
        found = searcher.judge_plays(candidates[:count], Valuation(stakes), plies).values[:, 0]
        for after, value in zip(candidates[:count], found, strict=True):

            def rolling(cube: int, owner: int, after: Board = after, plies: int = plies) -> float:
                return tree.rolling(after, cube, owner, 0, plies, (1, 0))

            assert value == pytest.approx(1 - tree.to_move(rolling, 1, 0, 0), abs=1e-6)


def test_reachable_states_multiply_and_no_others() -> None:
    levels = state_levels(Valuation(Stakes()), [(1, 0), (2, OPPONENT)], 2, has_option=False)
    told = [set(zip(level.cubes.tolist(), level.owners.tolist(), strict=True)) for level in levels]
    assert told[0] == {(1, 0), (2, -1)}
    assert told[1] == {(1, 0), (2, 1), (2, -1), (4, -1)}
    assert told[2] == {(1, 0), (2, -1), (2, 1), (4, 1), (4, -1), (8, -1)}
    for level in levels:
        for k, twin in enumerate(level.doubled):
            assert twin < 0 or (level.cubes[twin], level.owners[twin]) == (2 * level.cubes[k], OPPONENT)


@pytest.mark.parametrize(
    "stakes", [Stakes(), Stakes(5, (4, 3), is_crawford=True), Stakes(5, (3, 0), 2, OWN), Stakes(5, (0, 3), 2, OWN)]
)
def test_inside_a_search_the_rules_of_doubling_are_those_of_the_table(stakes: Stakes) -> None:
    assert may_double_at(Valuation(stakes).terms, stakes.cube, stakes.owner) == stakes.may_double


def test_numbers_depend_neither_on_threads_nor_on_the_batch() -> None:
    boards = random_play_decisions(60, seed=4)[0][40:]
    valuation = Valuation(Stakes(9, (2, 5)))
    alone, two = CubefulSearcher(PipEvaluator()), CubefulSearcher(PipEvaluator(), threads=2)
    for plies in (0, 1):
        together = two.judge_doubles(boards, valuation, plies)
        for i in range(len(boards)):
            found = alone.judge_doubles(boards[i : i + 1], valuation, plies)
            assert (found.values == together.values[i]).all()
            assert (found.outcomes == together.outcomes[i]).all()


def test_an_engine_without_a_pruner_searches_like_its_net_with_the_tables() -> None:
    bearoff = find_or_build()
    engine = ExactEvaluator(PipEvaluator(), bearoff)

    class Joined(PipEvaluator):
        @property
        def bearoff(self) -> Bearoff:
            return bearoff

        def outcomes(self, boards: Board) -> Outcomes:
            return engine.outcomes(boards)

    board = random_play_decisions(40, seed=8)[0][31]
    for stakes in (Stakes(), Stakes(5, (2, 2))):
        valuation = Valuation(stakes)
        ours = CubefulSearcher(engine).judge_doubles(board[None], valuation, 1)
        twin = CubefulSearcher(Joined()).judge_doubles(board[None], valuation, 1)
        assert (ours.values == twin.values).all()


@pytest.fixture(scope="module")
def bearoff() -> Bearoff:
    return find_or_build()


def test_exact_endings_are_exact_at_every_depth_in_money_play(bearoff: Bearoff) -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[1, 3, 5]] = 2, 2, 1
    board[[24, 22, 20]] = -1, -3, -1
    exact = bearoff.cube_equities(board[None])[0]
    searcher = CubefulSearcher(ExactEvaluator(PipEvaluator(), bearoff))
    for plies in (0, 1, 2):
        centred = searcher.judge_doubles(board[None], Valuation(Stakes()), plies).values[0]
        assert centred == pytest.approx([exact[2], 2 * exact[3]])
        owned = searcher.judge_doubles(board[None], Valuation(Stakes(cube=4, owner=OWN)), plies).values[0]
        assert owned == pytest.approx([exact[1], 2 * exact[3]])


def test_the_tables_equities_are_what_one_more_ply_of_them_gives(bearoff: Bearoff) -> None:
    # ND of a position from the values to move of its replies: the table knows its own recursion
    board = np.zeros(26, dtype=np.int8)
    board[[2, 4]] = 1, 1
    board[[23, 21]] = -1, -1
    engine = ExactEvaluator(PipEvaluator(), bearoff)
    levels = state_levels(Valuation(Stakes()), [(1, 0)], 1, has_option=False)
    searcher = CubefulSearcher(engine)
    values, _ = searcher._look_ahead(swap(board)[None], levels, Leaves(GNUBG, None))
    assert values[0, 0] == pytest.approx(bearoff.cube_equities(board[None])[0, 2], abs=1e-6)
    assert np.isnan(exact_equities(bearoff, swap(START)[None])).all()
    assert values_to_move(levels[1], np.zeros((1, len(levels[1].cubes)))).shape == (1, 1)


def test_a_game_that_is_over_needs_no_look_ahead() -> None:
    won = np.zeros(26, dtype=np.int8)
    won[24] = -15  # the player who has just moved is off, the opponent has all fifteen
    searcher = CubefulSearcher(PipEvaluator())
    for plies in (0, 1, 2):
        assert searcher.judge_plays(won[None], Valuation(Stakes()), plies).values[0, 0] == 2
        assert searcher.judge_plays(won[None], Valuation(Stakes(has_jacoby=True)), plies).values[0, 0] == 1
        match = Valuation(Stakes(7, (3, 3)))
        expected = default_table().chance((2, 4))
        assert searcher.judge_plays(won[None], match, plies).values[0, 0] == pytest.approx(expected)


def test_what_cannot_be_asked_is_refused() -> None:
    searcher = CubefulSearcher(PipEvaluator())
    with pytest.raises(ConfigError, match="4 plies"):
        searcher.judge_doubles(START[None], Valuation(Stakes()), 4)
    with pytest.raises(GameError, match="opponent owns"):
        searcher.judge_doubles(START[None], Valuation(Stakes(cube=2, owner=OPPONENT)), 0)
    assert searcher.judge_rolls(START[None], Valuation(Stakes(cube=2, owner=OPPONENT)), 0).values.shape == (1, 1)
