"""The tutor: silent below its limit, exact about what is given up, and nothing goes on before the person says so."""

from __future__ import annotations

import pytest

from backgammon.analysis.tutor import Tutor, mark_of
from backgammon.cli.terminal import Terminal
from backgammon.cli.tutor_talk import TutorTalk
from backgammon.engine.at_stakes import StakesEngine
from backgammon.notation.play_text import complete_play
from backgammon.search import CubefulSearcher, SearchSettings
from backgammon.table.arena.options import parse_set_up
from backgammon.table.session import CubeRules, Session
from tests.evaluators import PipEvaluator

RACE = "XGID=---CCCCC--------c-cccc----:0:0:1:00:0:0:0:0:10"
"""By the pips alone the player on roll should double, and the other one just take."""


class Listener(Terminal):
    """Hears everything and answers as told."""

    def __init__(self, *answers: str) -> None:
        super().__init__(colour=False)
        self.answers = list(answers)
        self.heard: list[str] = []

    def say(self, text: str, tone: str = "") -> None:  # type: ignore[override] # noqa: ARG002
        self.heard.append(text)

    def ask(self, prompt: str) -> str:
        self.heard.append(prompt)
        return self.answers.pop(0)


@pytest.fixture
def tutor() -> Tutor:
    return Tutor(StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0)))


def session_at(position: str, dice: tuple[int, int] | None = None) -> Session:
    start = parse_set_up({"position": position, "dice": dice, "first": 0})
    return Session(("ann", "bob"), seed=1, num_games=1, start=start, cube=CubeRules())


def test_a_play_loses_what_it_is_worth_less_than_the_best(tutor: Tutor) -> None:
    session = session_at("4HPwATDgc/ABMA", (3, 1))
    decision = session.decision()
    values = {play.row: play.equity for play in tutor.engine.rank_plays(decision, session.stakes)}
    for row in range(len(decision.candidates)):
        verdict = tutor.judge_play(session, row)
        assert verdict.loss == pytest.approx(max(values.values()) - values[row], abs=1e-6)
        assert verdict.chosen.row == row
        assert verdict.as_dict()["mark"] == mark_of(verdict.loss)


def test_actions_with_the_cube_lose_against_the_proper_one(tutor: Tutor) -> None:
    session = session_at(RACE)
    roll, double = tutor.judge_cube(session, "roll"), tutor.judge_cube(session, "double")
    assert roll is not None
    assert double is not None
    assert roll.loss == pytest.approx(roll.verdict.double_take - roll.verdict.no_double)
    assert double.loss == 0
    session.double()
    take, drop = tutor.judge_cube(session, "take"), tutor.judge_cube(session, "drop")
    assert take is not None
    assert drop is not None
    assert take.loss == 0
    assert drop.loss == pytest.approx(1 - take.verdict.double_take)


def test_where_there_is_no_cube_decision_the_tutor_has_nothing_to_say(tutor: Tutor) -> None:
    session = session_at(RACE)
    session.double()
    session.take()
    assert tutor.judge_cube(session, "roll") is None


@pytest.mark.parametrize(("answer", "goes_on"), [("", False), ("y", False), ("n", True), ("no", True)])
def test_an_error_is_told_and_taken_back_unless_the_person_wants_it(tutor: Tutor, answer: str, goes_on: bool) -> None:
    session = session_at("4HPwATDgc/ABMA", (3, 1))
    row = complete_play("24/23 13/10", session.decision())
    listener = Listener(answer)
    talk = TutorTalk(tutor, 0.0001)
    assert talk.lets_play(session, row, listener) is goes_on
    assert listener.heard[0].startswith("That costs 0.")
    assert " Best is " in listener.heard[0]
    assert session.turns == []
    listener = Listener(answer)
    assert talk.lets_turn(session_at(RACE), "roll", listener) is goes_on
    assert "Right is: Double, take." in listener.heard[0]


def test_below_the_limit_nothing_is_said(tutor: Tutor) -> None:
    session = session_at("4HPwATDgc/ABMA", (3, 1))
    listener = Listener()
    best = tutor.engine.rank_plays(session.decision(), session.stakes)[0].row
    assert TutorTalk(tutor, 0.02).lets_play(session, best, listener)
    assert TutorTalk(tutor, 0.02).lets_turn(session_at(RACE), "double", listener)
    assert listener.heard == []
