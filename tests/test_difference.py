from __future__ import annotations

from backgammon.analysis.difference import describe_difference, measure_play
from backgammon.notation.play_text import complete_play, parse_play
from backgammon.notation.xgid import parse_xgid
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import ROLLS
from backgammon.rules.shots import shots_against
from tests.conftest import Arrays


def test_shots_are_the_rolls_of_which_some_play_hits(random_play: Arrays) -> None:
    for after in random_play[0][:60]:
        position = Position(swap(after))
        if position.is_over:
            continue
        shots = 0
        for roll in ROLLS:
            plays = Decision.make(position, roll).plays
            shots += (1 if roll.is_double else 2) * any(move.is_hit for play in plays for move in play)
        assert shots_against(after[None])[0] == shots


def test_an_opening_slot_leaves_the_textbook_shots() -> None:
    decision = Decision.make(Position.start(), (2, 1))
    assert measure_play(decision, parse_play("13/11 6/5", decision)).shots == 15  # every 4, 3-1, 1-3, 2-2 not: 1-1
    assert measure_play(decision, parse_play("13/10", decision)).shots == 4 + 1  # 6-3, 5-4 and 3-3


def test_what_the_best_play_has_and_what_it_gives_up_are_both_said() -> None:
    decision = Decision.make(parse_xgid("XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10").position, (3, 1))
    best, other = complete_play("8/5 6/5", decision), complete_play("24/23 24/21", decision)
    assert describe_difference(decision, best, other).startswith(
        "it holds the 5-point and the 24-point anchor, leaves "
    )
    assert describe_difference(decision, other, best).startswith("it gives up the 5-point and the 24-point anchor, ")


def test_hits_are_told_by_number() -> None:
    # two blots of the opponent on our 4- and 5-point, rolled with 4-3 from the 8-point
    decision = Decision.make(parse_xgid("XGID=-----aa-D-C-dD---d-d-aC---:0:0:1:43:0:0:0:0:10").position, (4, 3))
    plays = {decision.plays[row]: row for row in range(len(decision.candidates))}
    hits = {sum(move.is_hit for move in play): row for play, row in plays.items()}
    assert describe_difference(decision, hits[2], hits[0]).startswith("it hits twice")
    assert describe_difference(decision, hits[1], hits[2]).startswith("it hits 1 checker instead of 2")
    assert describe_difference(decision, hits[0], hits[1]).startswith("it does not hit")


def test_equal_plays_say_that_nothing_counted_differs() -> None:
    decision = Decision.make(Position.start(), (3, 1))
    assert describe_difference(decision, 0, 0) == (
        "hits, shots, points, primes and checkers off are the same after both plays."
    )
