"""Decisions: candidates with a play for each, rows found by resulting position."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon import Decision, Position
from backgammon.rules.decision import apply_move
from backgammon.tools.arrays import Int8s
from backgammon.tools.errors import IllegalPlay, PositionError

Arrays = tuple[Int8s, Int8s]


def test_every_play_leads_to_its_candidate(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        for board, roll in zip(boards[:300], dice[:300].tolist(), strict=True):
            decision = Decision.make(Position(board), tuple(roll))
            for candidate, play in zip(decision.candidates, decision.plays, strict=True):
                after = decision.position.board
                for move in play:
                    assert (after[move.target] == -1) == move.is_hit or move.target == 0
                    after = apply_move(after, move)
                assert after.tobytes() == candidate.tobytes()


def test_the_play_of_a_row_is_the_one_that_is_listed(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        for board, roll in zip(boards[300:400], dice[300:400].tolist(), strict=True):
            alone, decision = (Decision.make(Position(board), tuple(roll)) for _ in range(2))
            assert [alone.play_of(row) for row in range(len(alone.candidates))] == decision.plays
            assert alone.play_of(0) == decision.plays[0]


def test_row_of_finds_each_candidate_and_refuses_others() -> None:
    decision = Decision.make(Position.start(), (1, 3))
    assert decision.roll == (3, 1)
    assert [decision.row_of(candidate) for candidate in decision.candidates] == list(range(16))
    with pytest.raises(IllegalPlay, match="no legal play of 31"):
        decision.row_of(decision.position.board)


def test_choose_keeps_the_decision_and_checks_the_row() -> None:
    decision = Decision.make(Position.start(), (6, 5))
    assert decision.choose(3).chosen == 3
    assert decision.chosen is None
    with pytest.raises(IllegalPlay, match="has 7"):
        decision.choose(7)


def test_a_dance_is_forced_and_has_an_empty_play() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[25], board[6] = 1, 2
    board[19:25] = -2
    decision = Decision.make(Position(board), (6, 6))
    assert decision.is_dance
    assert decision.is_forced
    assert decision.plays == [()]


def test_a_finished_game_offers_no_decision() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[20] = -3
    with pytest.raises(PositionError, match="not a position in play"):
        Decision.make(Position(board), (6, 6))
