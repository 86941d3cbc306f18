"""Look-ahead against GNU Backgammon's own: the same evaluator must give the same equities at the same depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backgammon.engine.peers.gnubg_judge import engine_boards
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.outcome import (
    final_outcomes,
    from_cumulative,
    swap_outcomes,
)
from backgammon.rules.board import Board
from backgammon.rules.movegen import legal_candidates
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.arrays import Boards

gnubg: Any = pytest.importorskip("gnubg")


class GnubgEvaluator(Evaluator):
    """GNU Backgammon at a ply, cubeless, without its pruning nets."""

    name = "gnubg"

    def __init__(self, plies: int) -> None:
        self._cube = gnubg.cubeinfo(1, -1, 1, 0, (0, 0), 0, 0)
        self._cube["jacoby"] = 0
        self._cube["gammonprice"] = ((1.0, 1.0), (1.0, 1.0))
        self._context = gnubg.evalcontext(0, plies, 1, 0, 0.0)

    def judge(self, boards: Boards) -> Judgement:
        is_over, outcomes = final_outcomes(boards)
        afters = engine_boards(-boards[~is_over][:, ::-1])
        chances = [gnubg.evaluate(after, self._cube, self._context)[:5] for after in afters]
        outcomes[~is_over] = swap_outcomes(from_cumulative(np.array(chances).reshape(-1, 5)))
        return Judgement(None, outcomes)


@pytest.mark.parametrize(("plies", "count"), [(1, 20), (2, 1)])
def test_plies_are_those_of_gnubg(plies: int, count: int, random_play: tuple[Board, Board]) -> None:
    boards, dice = (part[40 : 40 + count] for part in random_play)
    candidates, offsets = legal_candidates(boards, dice)
    afters = candidates[offsets[:-1]]
    expected = GnubgEvaluator(plies).outcomes(afters)
    found = Searcher(GnubgEvaluator(0), SearchSettings(plies)).outcomes(afters)
    np.testing.assert_allclose(found, expected, atol=2e-6)
