"""Open Sage as a judge: whose point of view, which plies, and how it stands to GNU Backgammon."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest

from backgammon.engine.peers import worker
from backgammon.engine.peers.gnubg_judge import GnubgJudge
from backgammon.engine.peers.pipe import receive_chances, receive_line, receive_rows, send_decisions, send_positions
from backgammon.engine.peers.sage_judge import SageJudge
from backgammon.evaluation.outcome import equities, from_cumulative
from backgammon.rules.board import START, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Float32s, Int8s

pytest.importorskip("bgsage")

Arrays = tuple[Int8s, Int8s]


def board_of(*points: tuple[int, int]) -> Int8s:
    """A position int8[26] of (location, checkers); below 0 the opponent's."""
    board = np.zeros(26, dtype=np.int8)
    for location, checkers in points:
        board[location] = checkers
    return board


def judged(*boards: Int8s, plies: int = 0) -> Float32s:
    """Equities of who has just moved."""
    found: Float32s = equities(from_cumulative(SageJudge(plies).chances(np.stack(boards), plies)))
    return found


def going_on(boards: Boards, count: int) -> Boards:
    """So many of the boards, games that are not over."""
    goes_on = (boards > 0).any(axis=1) & (boards < 0).any(axis=1)
    return np.ascontiguousarray(boards[goes_on][:count])


def good_play(count: int) -> Boards:
    """Positions int8[count, 26] that GNU Backgammon leaves in games against itself, none over."""
    judge, rng = GnubgJudge(0), np.random.default_rng(3)
    found: list[Int8s] = []
    board = START
    while len(found) < count:
        candidates, _ = legal_candidates(board[None].copy(), rng.integers(1, 7, (1, 2), dtype=np.int8))
        after = candidates[judge.rank(candidates).rows[0]]
        goes_on = bool((after > 0).any())
        found += [after] if goes_on else []
        board = swap(after[None])[0] if goes_on else START
    return np.stack(found)


@pytest.mark.parametrize(("plies", "error"), [(0, 0.2), (1, 0.05), (2, 0.05)])
def test_what_is_known_is_known_to_it(plies: int, error: float) -> None:
    """Equities of who has just moved, the opponent on roll; at 0-ply its nets are less sure of backgammons."""
    won = board_of((6, 5), (24, -1)), board_of((1, 1), (19, -13), (7, -2))  # by the opponent; by the mover
    last_checkers = board_of((1, 1), (24, -3))  # the opponent needs a double, 1 in 6
    gammonish = board_of((1, 1), (19, -15))  # the opponent bears one off by 17 rolls of 36
    backgammonish = board_of((1, 1), (2, -2), (7, -13))  # both leave by doubles alone, and not all of them
    found = judged(*won, last_checkers, gammonish, backgammonish, plies=plies)
    np.testing.assert_allclose(found[:3], [-1, 2, 2 / 3], atol=0.01)
    np.testing.assert_allclose(found[3:], [1 + 19 / 36, 3 - 1 / 6], atol=error)


@pytest.mark.parametrize("plies", [0, 1])
def test_the_other_side_sees_the_opposite(plies: int) -> None:
    """A checker closed out on the bar: whoever is on roll, the same side wins."""
    home = [(point, 2) for point in range(1, 7)]
    closed_out = board_of(*home, (8, 3), (0, -1), (19, -4), (20, -4), (21, -3), (22, -3))
    own, other = judged(closed_out, swap(closed_out[None])[0], plies=plies)
    assert own > 0.8
    assert own + other == pytest.approx(0, abs=0.1)


def test_a_ply_is_the_mean_over_the_replies() -> None:
    """At 1 ply a position is worth what the opponent's best replies leave, over all 21 rolls."""
    after = legal_candidates(START[None].copy(), np.array([[3, 1]], dtype=np.int8))[0][:1]
    judge = SageJudge(0)
    expected = 0.0
    for high in range(1, 7):
        for low in range(1, high + 1):
            replies, _ = legal_candidates(np.ascontiguousarray(swap(after)), np.array([[high, low]], dtype=np.int8))
            best = judge.rank(replies).equities[0]
            expected -= (1 if high == low else 2) * best / 36
    assert judged(after[0], plies=1)[0] == pytest.approx(expected, abs=0.01)


def test_it_agrees_with_gnu_backgammon() -> None:
    pytest.importorskip("gnubg")
    boards = good_play(200)
    theirs = equities(from_cumulative(GnubgJudge(0).chances(boards)))
    ours = judged(*boards)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.998
    assert abs(float((ours - theirs).mean())) < 0.015


def test_a_value_does_not_depend_on_what_was_asked_before(random_play: Arrays) -> None:
    """Its searcher has a cache."""
    boards = going_on(random_play[0], 24)
    judge = SageJudge(1)
    whole = judge.chances(boards, 1)
    assert judge.chances(boards[::-1], 1)[::-1].tobytes() == whole.tobytes()
    assert np.concatenate([SageJudge(1).chances(boards[a:b], 1) for a, b in pairwise((0, 5, 24))]).tolist() == (
        whole.tolist()
    )


def test_it_plays_the_openings_that_everybody_plays() -> None:
    for roll, made in (((3, 1), (5, 6)), ((4, 2), (4, 8)), ((6, 1), (7, 13))):
        candidates, _ = legal_candidates(START[None].copy(), np.array([roll], dtype=np.int8))
        for plies in (0, 1):
            after = candidates[SageJudge(plies).rank(candidates).rows[0]]
            assert after[made[0]] == 2, "the point is made"


def test_it_answers_through_the_pipe() -> None:
    source, sink = io.BytesIO(), io.BytesIO()
    send_decisions(source, START[None], np.array([[3, 1]], dtype=np.int8))
    send_positions(source, START[None])
    source.seek(0)
    worker.serve("sage:0", source, sink)
    sink.seek(0)
    assert receive_line(sink) == ("ready", "sage:0")
    assert receive_line(sink) == ("rows", "1")
    candidates, _ = legal_candidates(START[None].copy(), np.array([[3, 1]], dtype=np.int8))
    assert receive_rows(sink, 1).tolist() == SageJudge(0).rank(candidates).rows[:1]
    assert receive_line(sink) == ("chances", "1")
    np.testing.assert_allclose(receive_chances(sink, 1), SageJudge(0).chances(START[None]), atol=1e-6)
