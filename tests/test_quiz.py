"""The quiz asks plays and cube decisions, hides the solution, and says what an answer gives up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backgammon.analysis.cube_spots import NO_DOUBLE
from backgammon.analysis.judging import judge_match
from backgammon.analysis.report import make_report
from backgammon.records import read_logs
from backgammon.tools.errors import GameError
from backgammon.web.request_fields import Fields
from backgammon.web.review_room import ReviewRoom
from tests.web_boards import make_desk, make_reviews

MATCH5 = Path(__file__).parent / "vectors" / "logs" / "gnubg-match5.mat"


@pytest.fixture
def room(tmp_path: Path) -> ReviewRoom:
    """A store with a double and a take that are errors, and nothing else."""
    ((record, replayed),) = read_logs([MATCH5]).matches()
    match = judge_match(record, replayed, make_desk().judge(0))
    first = match.games[0]
    cubes = tuple(replace(one, loss=0.5) if one.action != NO_DOUBLE else replace(one, loss=0.0) for one in first.cubes)
    game = replace(first, cubes=cubes, rolls=tuple(replace(roll, loss=0.0) for roll in first.rolls))
    reviews = make_reviews(tmp_path)
    reviews.store.keep(make_report(replace(match, games=(game,))), "one", now=0.0)
    return reviews


def ask_cube(room: ReviewRoom, kind: str) -> dict[str, Any]:
    for player, _ in room.store.players():
        question: dict[str, Any] | None = room.next_question(Fields({"player": player}))["question"]
        if question is not None and question["kind"] == kind:
            return question
    raise AssertionError(f"nobody is asked: {kind}")


@pytest.mark.parametrize(("kind", "answers"), [("double", ("no double", "double")), ("answer", ("take", "pass"))])
def test_a_cube_decision_is_asked_without_its_solution_and_judged(
    kind: str, answers: tuple[str, str], room: ReviewRoom
) -> None:
    question = ask_cube(room, kind)
    assert "verdict" not in question
    assert "dice" not in question
    assert (question["seat"] == question["on_roll"]) == (kind == "double")
    found = [room.answer(Fields({"id": question["id"], "action": action})) for action in answers]
    no_double, double_take, double_pass = found[0]["entry"]["verdict"]["equities"]
    after = min(double_take, double_pass)
    if kind == "double":
        expected = [max(0.0, after - no_double), max(0.0, no_double - after)]
    else:
        expected = [double_take - after, double_pass - after]
    assert [one["loss"] for one in found] == pytest.approx(expected, abs=1e-6)
    assert min(expected) == 0 < max(expected)


@pytest.mark.parametrize(("kind", "action"), [("double", "take"), ("answer", "double")])
def test_an_answer_to_another_question_is_refused(kind: str, action: str, room: ReviewRoom) -> None:
    question = ask_cube(room, kind)
    with pytest.raises(GameError, match="is no answer here"):
        room.answer(Fields({"id": question["id"], "action": action}))
