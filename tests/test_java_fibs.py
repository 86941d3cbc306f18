"""JavaFIBS's match files: absolute points, directions that change, and resignations that are refused."""

from __future__ import annotations

import pytest

from backgammon.records import (
    DoubleAction,
    DropAction,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
    replay_match,
)
from backgammon.records.formats.java_fibs import read
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, KnownPlay, as_match, only_match, random_game, write_rows

HEAD = "JavaFIBS internal match representation v1.1\n8:Joe:7\n"


def match_of(body: str, head: str = HEAD) -> MatchRecord:
    (match,) = read((head + body).encode(), "test.match")
    return match


def write_game(plays: list[KnownPlay], rising: int) -> str:
    """The lines of a game in which one seat goes up."""
    text = "13:Joe:\n6:You:Joe\n"
    for number, known in enumerate(plays):
        player = "You" if known.seat == 0 else "Joe"
        high, low = known.decision.roll
        text += f"{0 if number else 11}:{player}:{low} {high}\n"
        names = {25: "bar", 0: "off"}
        moves = [
            "-".join(names.get(point) or str(25 - point if known.seat == rising else point) for point in move[:2])
            for move in known.play
        ]
        text += f"1:{player}: {' '.join(moves)} \n" if moves else f"15:{player}: \n"
    return text


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rising", [0, 1])
def test_a_game_has_the_same_plays_as_its_mat_file(seed: int, rising: int) -> None:
    plays = random_game(seed)
    expected = replay_match(only_match(as_match(write_rows(plays, DIALECTS["Studio"]), 7)))
    found = replay_match(match_of(write_game(plays, rising)))
    assert found.identity == expected.identity
    assert found.games[0].problem is None
    assert found.games[0].num_dances == expected.games[0].num_dances


def test_every_game_has_its_own_direction_and_the_scores_stand_between_them() -> None:
    plays = random_game(1, max_rolls=9)
    body = write_game(plays, 0) + "7:You:1\n14:Ann-1:Joe-0\n" + write_game(plays, 1) + "7:Joe:2\n14:Joe-2:Ann-1\n"
    match = match_of(body)
    assert [(game.number, game.players, game.scores) for game in match.games] == [
        (1, ("Ann", "Joe"), (0, 0)),
        (2, ("Ann", "Joe"), (1, 0)),
    ]
    first, second = replay_match(match).games
    assert (first.plays.boards == second.plays.boards).all()
    assert (first.winner, second.winner) == (0, 1)


def test_cube_actions_and_results() -> None:
    body = "13:Joe:\n11:You:3 1\n1:You:8-5 6-5\n2:Joe:\n4:You:\n0:Joe:4 2\n2:You: \n5:Joe:\n7:You:2\n9:You:7\n"
    assert [type(action) for action in match_of(body).games[0].actions] == [
        RollAction,
        DoubleAction,
        TakeAction,
        RollAction,
        DoubleAction,
        DropAction,
        ResultAction,
    ]
    assert match_of(body).games[0].actions[4] == DoubleAction(0, 4)


def test_a_refused_resignation_is_none() -> None:
    body = "13:Joe:\n11:You:3 1\n1:You:8-5 6-5\n3:Joe:1\n12:You:\n0:Joe:4 2\n3:Joe:2\n7:You:2\n"
    actions = match_of(body).games[0].actions
    assert actions[1:] == (RollAction(1, (4, 2), ""), ResignAction(1, 2), ResultAction(0, 2))


def test_an_unlimited_match_is_money_play() -> None:
    assert match_of("13:Joe:\n", HEAD.replace(":7", ":9999")).length == 0


@pytest.mark.parametrize(
    "line",
    ["0:You:7 1", "1:You:8-5", "11:You:3 1\n1:Joe:8-5", "11:You:3 1\n1:You:8-5 x", "11:You:3 1\n1:You:" + "1-2 " * 5],
)
def test_lines_that_make_no_sense_break_the_game(line: str) -> None:
    assert isinstance(match_of(f"13:Joe:\n{line}\n").games[0].actions[-1], UnreadableAction)


def test_unknown_lines_are_reported() -> None:
    match = match_of("13:Joe:\nhello\n77:You:1\n:\n" + "x" * 10_000 + "\n")
    assert len(match.ignored) == 4


@pytest.mark.parametrize(
    "text", ["", "hello", HEAD, "JavaFIBS internal match representation\n13:Joe:\n", "8:Joe:7\n13:Joe:\n"]
)
def test_what_is_no_match_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="JavaFIBS"):
        read(text.encode())
