"""Luck: the value of a roll minus the average over the rolls that could have come, whoever asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.analysis.logged_rolls import collect_rolls
from backgammon.analysis.ranking import PlayJudge, StakesJudge
from backgammon.cube.stakes import OPPONENT, Stakes
from backgammon.cube.valuation import Valuation
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.outcome import equities
from backgammon.records import read_logs
from backgammon.rules.board import START, Board
from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS
from backgammon.rules.movegen import legal_candidates
from backgammon.search import CubefulSearcher, Ranker, Searcher, SearchSettings
from backgammon.search.luck import roll_luck, roll_luck_at_stakes
from tests.evaluators import PipEvaluator

THROWS = np.array([(a, b) for a in range(1, 7) for b in range(1, 7)], dtype=np.int8)
STAKES = (
    Stakes(),
    Stakes(has_jacoby=True),
    Stakes(7, (5, 2)),
    Stakes(5, (1, 3), 2, OPPONENT),
    Stakes(3, (2, 0), 1, 0, True),
)


def best_value(board: Board, dice: tuple[int, ...], valuation: Valuation) -> float:
    """Slow and obvious: the best of every candidate, the opponent to move."""
    candidates, _ = legal_candidates(board[None], np.array([dice], dtype=np.int8))
    return float(CubefulSearcher(PipEvaluator()).judge_plays(candidates, valuation, 0).values.max())


@pytest.mark.parametrize("stakes", STAKES, ids=str)
def test_luck_at_stakes_is_the_best_value_minus_the_mean_of_all_rolls(
    stakes: Stakes, random_play: tuple[Board, Board]
) -> None:
    valuation, searcher = Valuation(stakes), CubefulSearcher(PipEvaluator())
    for board in random_play[0][:2]:
        boards, is_opening = np.repeat(board[None], 36, axis=0), np.zeros(36, dtype=bool)
        luck = roll_luck_at_stakes(searcher, boards, THROWS, is_opening, valuation)
        assert luck.mean() == pytest.approx(0, abs=1e-9)
        values = [best_value(board, roll, valuation) for roll in ROLLS]
        expected = best_value(board, (6, 4), valuation) - np.dot(values, ROLL_PROBABILITIES)
        (at,) = np.flatnonzero((THROWS == (6, 4)).all(axis=1))
        assert luck[at] == pytest.approx(expected, abs=1e-9)


def test_cubeless_luck_is_nothing_on_average(random_play: tuple[Board, Board]) -> None:
    for board in random_play[0][:5]:
        boards = np.repeat(board[None], 36, axis=0)
        luck = roll_luck(PipEvaluator(), boards, THROWS, np.zeros(36, dtype=bool))
        assert luck.std() > 0.01
        assert luck.mean() == pytest.approx(0, abs=1e-6)


def test_the_luck_of_the_opening_counts_who_starts() -> None:
    different = THROWS[THROWS[:, 0] != THROWS[:, 1]]
    boards, is_opening = np.repeat(START[None], 30, axis=0), np.ones(30, dtype=bool)
    luck = roll_luck(PipEvaluator(), boards, different, is_opening)
    assert luck == pytest.approx(equities(PipEvaluator().play_best(boards, different)[1]), abs=1e-6)
    searcher, ahead = CubefulSearcher(PipEvaluator()), Stakes(7, (4, 1))
    own = roll_luck_at_stakes(searcher, boards, different, is_opening, Valuation(ahead))
    theirs = roll_luck_at_stakes(searcher, boards, different, is_opening, Valuation(ahead.swapped()))
    assert own.mean() == pytest.approx(theirs.mean(), abs=1e-9), "what one wins by starting, the other loses by it"
    assert own.mean() > 0, "to start is lucky"


def test_a_report_and_a_duel_find_the_same_luck() -> None:
    ((record, replayed),) = read_logs([Path(__file__).parent / "vectors" / "logs" / "gnubg-match5.mat"]).matches()
    rolls = collect_rolls(record.games[0], replayed.games[0])
    searcher = CubefulSearcher(PipEvaluator())
    cubeless = PlayJudge(Ranker(Searcher(PipEvaluator(), SearchSettings(plies=0)))).measure_luck(rolls)
    cubeful = StakesJudge(StakesEngine(searcher, SearchSettings(plies=0))).measure_luck(rolls)
    for i in range(0, len(rolls), 5):
        board, dice = rolls.decisions.boards[i : i + 1], rolls.decisions.dice[i : i + 1]
        is_opening, valuation = np.array([i == 0]), Valuation(rolls.stakes(i))
        assert roll_luck(PipEvaluator(), board, dice, is_opening)[0] == pytest.approx(cubeless.equities[i], abs=1e-6)
        luck = roll_luck_at_stakes(searcher, board, dice, is_opening, valuation)[0]
        assert luck == pytest.approx(cubeful.mwc[i], abs=1e-9)
        won, lost = valuation.won_and_lost
        assert 2 * luck / (won - lost) == pytest.approx(cubeful.equities[i], abs=1e-9)
