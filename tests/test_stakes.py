"""Stakes: what cannot stand together is refused by field and rule; who may double; identifiers there and back."""

from __future__ import annotations

from typing import Any

import pytest

from backgammon.cube.stakes import (
    CENTRED,
    OPPONENT,
    OWN,
    Stakes,
    put_in_match_id,
    put_in_xgid,
    stakes_of_match_id,
    stakes_of_xgid,
)
from backgammon.notation import MatchId, format_xgid, match_id, parse_match_id, parse_xgid
from backgammon.tools.errors import GameError, StakesError
from tests.cube_vectors import cube_vectors


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": -1}, "length -1"),
        ({"length": 201}, "length 201: give 0 for money play or a match to at most 200"),
        ({"length": 5, "score": (5, 0)}, "score of the player on roll 5: a match to 5 is over"),
        ({"length": 5, "score": (0, -1)}, "score of the opponent -1"),
        ({"cube": 3}, "cube 3: it shows a power of two"),
        ({"cube": 0}, "cube 0"),
        ({"cube": 1, "owner": 1}, "cube owner the player on roll: a cube that shows 1 has not been turned"),
        ({"cube": 2, "owner": 2}, "owner 2: give 1 own, 0 centred or -1"),
        ({"length": 5, "cube": 2}, "cube owner nobody: in a match a cube that shows 2 is owned"),
        ({"length": 5, "has_jacoby": True}, "Jacoby rule: it belongs to money play"),
        ({"length": 5, "has_beavers": True}, "beavers: it belongs to money play"),
        ({"is_crawford": True}, "Crawford game: money play has none"),
        ({"length": 5, "score": (3, 3), "is_crawford": True}, "exactly one player must be 1 point away, not 2 and 2"),
        ({"length": 5, "score": (4, 4), "is_crawford": True}, "not 1 and 1 away"),
        ({"length": 5, "score": (4, 0), "cube": 2, "owner": 1, "is_crawford": True}, "cube 2: the Crawford game"),
    ],
)
def test_stakes_that_cannot_be_are_refused_by_field_and_rule(values: dict[str, Any], message: str) -> None:
    with pytest.raises(StakesError) as error:
        Stakes(**values)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("stakes", "reason"),
    [
        (Stakes(), ""),
        (Stakes(cube=2, owner=OWN), ""),
        (Stakes(cube=2, owner=OPPONENT), "the opponent owns the cube"),
        (Stakes(5, (4, 2), is_crawford=True), "Crawford"),
        (Stakes(5, (4, 2)), "the cube on 1 already wins the match for a player who needs 1"),
        (Stakes(5, (2, 4)), ""),
        (Stakes(5, (3, 0), 2, OWN), "the cube on 2 already wins"),
        (Stakes(5, (2, 0), 2, OWN), ""),
        (Stakes(cube=4096, owner=OWN), "the most that it can"),
    ],
)
def test_who_may_double_and_why_not(stakes: Stakes, reason: str) -> None:
    assert (reason in stakes.double_refusal) if reason else stakes.may_double
    if reason:
        with pytest.raises(GameError, match="no double is possible"):
            stakes.doubled()


def test_a_double_gives_the_cube_to_the_opponent_and_a_beaver_doubles_it_again() -> None:
    stakes = Stakes(has_beavers=True)
    assert (stakes.doubled().cube, stakes.doubled().owner) == (2, OPPONENT)
    assert (stakes.beavered().cube, stakes.beavered().owner) == (4, OPPONENT)
    with pytest.raises(GameError, match="no beaver"):
        Stakes().beavered()


def test_the_opponent_sees_the_same_stakes_from_the_other_side() -> None:
    stakes = Stakes(7, (2, 4), 2, OWN)
    assert stakes.swapped() == Stakes(7, (4, 2), 2, OPPONENT)
    assert stakes.swapped().swapped() == stakes


def test_the_table_behind_the_crawford_game_is_for_those_who_have_been_there() -> None:
    assert not Stakes(5, (3, 3)).is_next_behind_crawford
    assert Stakes(5, (4, 3), is_crawford=True).is_next_behind_crawford
    assert Stakes(5, (4, 3)).is_next_behind_crawford
    assert not Stakes().is_next_behind_crawford


def test_identifiers_of_every_vector_go_there_and_back() -> None:
    for vector in cube_vectors():
        xgid = parse_xgid(vector["xgid"])
        stakes = stakes_of_xgid(xgid)
        told = (vector["L"], tuple(vector["score"]), vector["cube"], vector["owner"], bool(vector["crawford"]))
        assert (stakes.length, stakes.score, stakes.cube, stakes.owner, stakes.is_crawford) == told
        assert stakes.may_double == bool(vector["may_double"])
        assert format_xgid(put_in_xgid(xgid, stakes)) == vector["xgid"]
        match = parse_match_id(vector["mid"])
        assert stakes_of_match_id(match) == stakes
        assert match_id(put_in_match_id(match, stakes)) == vector["mid"]


def test_stakes_are_those_of_the_player_on_roll_whichever_side_of_the_board_it_has() -> None:
    for turn in (1, -1):
        xgid = parse_xgid(f"XGID=-b----E-C---eE---c-e----B-:1:{turn}:{turn}:00:3:4:0:7:10")
        score = (3, 4) if turn == 1 else (4, 3)
        assert stakes_of_xgid(xgid) == Stakes(7, score, 2, OWN)
        assert put_in_xgid(xgid, stakes_of_xgid(xgid)) == xgid
    for seat in (0, 1):
        match = MatchId(cube=2, cube_owner=1 - seat, on_roll=seat, turn=seat, length=7, scores=(3, 4))
        assert stakes_of_match_id(match) == Stakes(7, (3, 4) if seat == 0 else (4, 3), 2, OPPONENT)
        assert put_in_match_id(match, stakes_of_match_id(match)) == match
    assert CENTRED == 0
