"""One answer: the same decision gets the same numbers from every command, protocol, room and from Python.

What the engine says from Python is what every door must print, in the door's own form and to its last digit; where a
door hands out whole numbers they are the same to the last bit. 500 decisions: from expert games, half of them in the
bear-off, from random play, and built to be nasty. The quick suite takes some of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import backgammon.env  # noqa: F401 - hands in the engine
from backgammon import load_engine
from backgammon.cli import advisers, hint, main
from backgammon.cli.web import _make_desk
from backgammon.cube.stakes import Stakes
from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.bearoff import UNCOVERED
from backgammon.evaluation.outcome import cumulative, equities
from backgammon.learner.net import engine_builder
from backgammon.notation.gnu_id import position_id, position_ids
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import MatchId
from backgammon.notation.play_text import format_play
from backgammon.protocols.adviser import spell_play
from backgammon.protocols.wildbg import answer_request
from backgammon.records import GameRecord, MatchRecord, RollAction, Setup, read_logs, write_jsonl
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.search import RankedCandidate
from backgammon.table.arena.opponents import resolve_opponent
from backgammon.web.position_desk import rank_position
from backgammon.web.request_fields import Fields
from tests.engine_parts import kept_parts
from tests.positions import nasty_decisions, random_play_decisions

ROOT = Path(__file__).resolve().parent.parent
SCORE = (0, 2)
LENGTH = 4
"""4-away 2-away, in the shortest match that has it, as HTTP states a score."""
QUICK = {0: 24, 1: 8, 2: 3}
"""Decisions of the quick suite, by ply."""

Answers = list[Any]


@pytest.fixture(scope="module", autouse=True)
def one_net() -> Iterator[None]:
    with kept_parts():
        yield


@cache
def every_decision() -> tuple[Decision, ...]:
    """500 unforced decisions; any few in a row have all kinds among them."""
    played = Decisions.join([game.plays for game in islice(read_logs([str(ROOT / "data" / "logs" / "held-out")]), 60)])
    is_covered = reference_engine(0).evaluator.bearoff.coverage(played.boards) != UNCOVERED  # type: ignore[union-attr]
    kinds = (played.take(is_covered), played.take(~is_covered))
    others = (Decisions.make(*random_play_decisions(600, seed=21)), Decisions.make(*nasty_decisions(600, seed=22)))
    rows = []
    for kind in (*kinds, *others):
        open_rows = np.flatnonzero(~kind.is_forced)
        chosen = np.random.default_rng(23).permutation(open_rows)[:125]
        rows.append([Decision.make(Position(kind.boards[row]), tuple(kind.dice[row].tolist())) for row in chosen])
    return tuple(decision for four in zip(*rows, strict=True) for decision in four)


@cache
def reference_engine(plies: int) -> Engine:
    return load_engine(plies=plies)


def invoke(*arguments: object, text: str | None = None) -> str:
    result = CliRunner().invoke(main, [str(one) for one in arguments], input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def identified(decision: Decision, has_score: bool) -> str:
    """The decision as an XGID at the score, or as a Position ID."""
    if not has_score:
        return position_id(decision.position)
    match = MatchId(length=LENGTH, scores=SCORE[::-1], on_roll=1, turn=1, dice=decision.roll)
    return IdentifiedPosition(decision.position, match).xgid


def after_ids(decision: Decision) -> list[str]:
    return position_ids(swap(decision.candidates))


def by_hint(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    found = []
    for decision in decisions:
        dice = [] if has_score else ["--dice", "{}{}".format(*decision.roll)]
        shown = json.loads(invoke("hint", identified(decision, has_score), *dice, "--ply", plies, "--json"))
        found.append([(one["after"], one["equity"], one["ply"], one["chances"]) for one in shown["plays"]])
    return found


def by_rank(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    key = "xgid" if has_score else "id"
    lines = [json.dumps({key: identified(one, has_score), "dice": list(one.roll)}) for one in decisions]
    answers = map(json.loads, invoke("rank", "--ply", plies, text="\n".join(lines) + "\n").splitlines())
    return [
        [(one["id"], one["equity"], one["ply"], list(one["chances"].values())) for one in answer["candidates"]]
        for answer in answers
    ]


def by_analyse(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    """A log in which each decision is a match of its own, with the play that the engine thinks best."""
    length, scores = (LENGTH, SCORE) if has_score else (0, (0, 0))
    matches = []
    for decision, found in zip(decisions, expected(plies, decisions, has_score), strict=True):
        best = RollAction(0, decision.roll, format_play(decision.play_of(found[0].row)))
        game = GameRecord(1, ("ann", "bob"), scores, (best,), start=Setup(decision.position, 0))
        matches.append(MatchRecord(length, (game,)))
    options = [] if has_score else ["--cubeless"]
    with NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(write_jsonl(*matches))
        file.flush()
        shown = json.loads(invoke("analyse", file.name, "--ply", plies, "--worst", 0, "--json", *options))
    answers: dict[Any, list[Any]] = {}  # a match that is there twice is read once
    for match in shown["matches"]:
        (roll,) = match["games"][0]["rolls"]
        plays = [(one["after"], one["equity"], one["ply"], one["chances"]) for one in roll["candidates"]]
        answers[tuple(roll["board"]), tuple(roll["dice"])] = in_order(plays)
    return [answers[tuple(one.position.board.tolist()), tuple(one.roll)] for one in decisions]


def in_order(answer: list[Any]) -> list[Any]:
    """A report goes by the equity of the deepest judged, also where the engine goes by its preference."""
    keys = [(ply, equity) for _, equity, ply, _ in answer]
    assert keys == sorted(keys, reverse=True)
    return sorted(answer)


def by_label(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    assert not has_score
    lines = [json.dumps({"id": identified(one, False), "dice": list(one.roll)}) for one in decisions]
    labels = map(json.loads, invoke("label", "--ply", plies, text="\n".join(lines) + "\n").splitlines())
    return [[(one[0], *one[2:]) for one in label["cands"]] for label in labels]


def by_ubgi(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    kind = "xgid" if has_score else "gnubgid"
    words = ["ubgi", f"set engine.ply {plies + 1}", "set engine.multipv 64"]
    for one in decisions:
        words += [f"position {kind} {identified(one, has_score)}", "dice {} {}".format(*one.roll), "go chequer"]
    found: Answers = [[]]
    for line in invoke("ubgi", text="\n".join([*words, "quit", ""])).splitlines():
        if line.startswith("info"):
            found[-1].append(line.partition("depth ")[2])
        elif line.startswith("bestmove"):
            found.append([])
    return found[:-1]


def by_http(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    adviser = advisers.make_adviser(None, plies)
    found = []
    for decision in decisions:
        counts = "&".join(f"p{place}={count}" for place, count in enumerate(decision.position.board.tolist()) if count)
        away = f"&x_away={LENGTH - SCORE[0]}&o_away={LENGTH - SCORE[1]}" if has_score else ""
        answer = answer_request("/move?die1={}&die2={}&".format(*decision.roll) + counts + away, adviser)
        assert answer.status == 200, answer.body
        moves = answer.body["moves"]
        found.append(
            [
                ([(step["from"], step["to"]) for step in one["play"]], list(one["probabilities"].values()))
                for one in moves
            ]
        )
    return found


def by_opponent(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    assert not has_score
    player = resolve_opponent("engine" if plies == 0 else load_engine(plies=plies)).player
    assert player is not None
    many = Decisions.of(decisions)
    return [[row] for row in player.choose(many.boards, many.dice, np.zeros(len(many), dtype=np.uint64)).tolist()]


def by_room(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> Answers:
    assert has_score
    desk = _make_desk(None)
    found = []
    for decision in decisions:
        asked = Fields({"xgid": identified(decision, True), "plies": plies, "count": 200})
        shown = rank_position(asked, desk)["candidates"]
        found.append([(one["row"], one["equity"], one["level"], one["chances"]) for one in shown])
    return found


def as_printed(decision: Decision, one: Any) -> Any:
    chances = [round(value, 6) for value in cumulative(one.outcomes).tolist()]
    return after_ids(decision)[one.row], round(one.equity, 6), one.ply, chances


def as_ranked(decision: Decision, one: Any) -> Any:
    chances = [round(value, 6) for value in one.outcomes.tolist()]
    return after_ids(decision)[one.row], round(one.equity, 6), one.ply, chances


def as_info(decision: Decision, one: Any) -> Any:
    win, gammon, backgammon, _, _ = cumulative(one.outcomes).tolist()
    chances = f"score {float(equities(one.outcomes)):.4f} pwin {win:.4f} pgammon {gammon:.4f} pbg {backgammon:.4f}"
    return f"{one.ply + 1} {chances} pv {spell_play(decision.plays[one.row]) or 'pass'}"


def as_moves(decision: Decision, one: Any) -> Any:
    return [(move.source, move.target) for move in decision.plays[one.row]], cumulative(one.outcomes).tolist()


def as_row(decision: Decision, one: Any) -> Any:
    del decision
    return one.row


def as_shown(decision: Decision, one: Any) -> Any:
    del decision
    chances = [round(float(value), 5) for value in cumulative(one.outcomes).tolist()]
    return one.row, round(one.equity, 5), f"{one.ply}-ply", chances


@dataclass(frozen=True)
class Door:
    """A way to ask, and the form in which it gives the answer.

    Attributes:
        most: candidates that it gives.
        has_own_order: its answers come sorted, as they stand.
    """

    ask: Callable[[int, tuple[Decision, ...], bool], Answers]
    form: Callable[[Decision, Any], Any]
    most: int | None = None
    has_own_order: bool = False


MONEY = {
    "hint": Door(by_hint, as_printed),
    "rank": Door(by_rank, as_ranked),
    "analyse": Door(by_analyse, as_printed, has_own_order=True),
    "label": Door(by_label, as_printed),
    "ubgi": Door(by_ubgi, as_info, 64),
    "http": Door(by_http, as_moves),
    "opponent": Door(by_opponent, as_row, 1),
}
"""Where no score and no cube are stated: cubeless equities."""
MATCH = {
    "hint": Door(by_hint, as_printed),
    "rank": Door(by_rank, as_ranked),
    "analyse": Door(by_analyse, as_printed, has_own_order=True),
    "ubgi": Door(by_ubgi, as_info, 64),
    "http": Door(by_http, as_moves),
    "room": Door(by_room, as_shown, 200),
}
"""At a score, with the cube."""


def expected(plies: int, decisions: tuple[Decision, ...], has_score: bool) -> list[list[Any]]:
    """What Python says, best first."""
    engine = reference_engine(plies)
    if not has_score:
        return list(engine.ranker.rank(Decisions.of(decisions)))
    return [list(engine.plays.rank_plays(one, Stakes(LENGTH, SCORE))) for one in decisions]


def check(door: Door, plies: int, decisions: tuple[Decision, ...], has_score: bool) -> None:
    answers = door.ask(plies, decisions, has_score)
    assert len(answers) == len(decisions)
    for decision, ranked, answer in zip(decisions, expected(plies, decisions, has_score), answers, strict=True):
        wanted = [door.form(decision, one) for one in ranked[: door.most]]
        assert answer == (sorted(wanted) if door.has_own_order else wanted), str(decision.position)


@pytest.mark.parametrize("plies", QUICK)
@pytest.mark.parametrize("name", MONEY)
def test_every_door_gives_the_numbers_of_the_engine(name: str, plies: int) -> None:
    check(MONEY[name], plies, every_decision()[: QUICK[plies]], has_score=False)


@pytest.mark.parametrize("plies", QUICK)
@pytest.mark.parametrize("name", MATCH)
def test_every_door_gives_the_numbers_of_the_engine_at_a_score(name: str, plies: int) -> None:
    check(MATCH[name], plies, every_decision()[: QUICK[plies]], has_score=True)


@pytest.mark.slow
@pytest.mark.parametrize("plies", QUICK)
@pytest.mark.parametrize("name", MONEY)
def test_every_door_gives_the_numbers_of_the_engine_500_times(name: str, plies: int) -> None:
    assert len(every_decision()) == 500
    check(MONEY[name], plies, every_decision(), has_score=False)


@pytest.mark.slow
@pytest.mark.parametrize("plies", QUICK)
@pytest.mark.parametrize("name", MATCH)
def test_every_door_gives_the_numbers_of_the_engine_500_times_at_a_score(name: str, plies: int) -> None:
    check(MATCH[name], plies, every_decision(), has_score=True)


@pytest.mark.parametrize("plies", QUICK)
def test_python_gives_the_same_numbers_one_by_one_and_together(plies: int) -> None:
    decisions = every_decision()[: QUICK[plies]]
    engine, many = reference_engine(plies), Decisions.of(decisions)
    analysis = engine.analyse(many.boards, many.dice)
    rows = engine.choose(many.boards, many.dice).tolist()
    for index, ranked in enumerate(expected(plies, decisions, has_score=False)):
        assert rows[index] == ranked[0].row
        start = int(many.offsets[index])
        for one in ranked:
            assert analysis.equities[start + one.row].tobytes() == np.float32(one.equity).tobytes()
            assert analysis.outcomes[start + one.row].tobytes() == one.outcomes.tobytes()
        alone = engine.ranker.rank_one(decisions[index])
        assert list(map(_bits, alone)) == list(map(_bits, ranked))


def _bits(one: RankedCandidate) -> tuple[int, float, int, bytes]:
    return one.row, one.equity, one.ply, one.outcomes.tobytes()


def test_without_a_depth_hint_and_rank_are_the_engine_at_0_plies() -> None:
    decisions = every_decision()[:24]
    lines = "".join(json.dumps({"id": identified(one, False), "dice": list(one.roll)}) + "\n" for one in decisions)
    plain, deep = (
        [json.loads(line) for line in invoke("rank", *options, text=lines).splitlines()]
        for options in ((), ("--ply", "0"))
    )
    for one, other in zip(plain, deep, strict=True):
        assert [after for after, _ in one["candidates"]] == [found["id"] for found in other["candidates"]]
    for decision in decisions[:4]:
        words = ("hint", identified(decision, False), "--dice", "{}{}".format(*decision.roll), "--json")
        assert invoke(*words) == invoke(*words, "--ply", 0)


def test_the_suite_notices_a_command_with_an_engine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = engine_builder.build_engine(EngineSpec(bearoff=False, pruner=None))
    monkeypatch.setattr(hint, "_open", lambda *_: own)
    with pytest.raises(AssertionError):
        check(MONEY["hint"], 0, every_decision()[:4], has_score=False)


@pytest.mark.parametrize("dice", ["11", "42", "65"])
@pytest.mark.parametrize("ply", ["0", "1"])
@pytest.mark.parametrize("known", ["pJ/gASJMZ8UBIg", "pJ/gASJMZ8UBIg:cIkWAAAAAAAA"])  # cubeless, at a score
def test_a_hint_stands_in_the_order_of_the_equities_it_shows_or_says_by_what(known: str, dice: str, ply: str) -> None:
    asked = ["hint", known, "--dice", dice, "--ply", ply]
    plays = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)["plays"]
    shown = [(one["ply"], one["equity"]) for one in plays]
    assert len(shown) > 5
    text = CliRunner().invoke(main, [*asked, "--count", str(len(shown))]).output
    assert ("of the model's preference" in text) == (shown != sorted(shown, reverse=True))
