"""Our own form of match records: what goes in comes out equal, and what is not as described is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon.records import (
    Action,
    BeaverAction,
    CubeAnalysis,
    DoubleAction,
    DropAction,
    GameRecord,
    Level,
    MatchRecord,
    Notes,
    PlayAnalysis,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
    write_jsonl,
)
from backgammon.records.formats.jsonl import looks_like, read
from backgammon.rules.board import START, Position
from backgammon.tools.errors import RecordError
from tests.positions import nasty_decisions

BOARDS, _ = nasty_decisions(60, seed=5)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)
points = st.none() | st.integers(0, 99)
levels = st.builds(Level, texts, st.none() | st.integers(0, 9), st.integers(0, 9999), st.booleans())
six = st.tuples(floats, floats, floats, floats, floats, floats)
cubes = st.builds(
    CubeAnalysis, levels, st.none() | six, st.none() | floats, st.none() | floats, st.none() | floats, st.booleans()
)


@st.composite
def play_analyses(draw: st.DrawFn) -> PlayAnalysis:
    rows = draw(st.lists(st.integers(0, len(BOARDS) - 1), min_size=1, max_size=4))
    unknown: st.SearchStrategy[tuple[float, ...]] = st.just((float("nan"),) * 6)
    chances = [draw(unknown | six) for _ in rows]
    equities = np.array([draw(floats) for _ in rows], dtype=np.float32)
    found = tuple(draw(levels) for _ in rows)
    return PlayAnalysis(BOARDS[rows], equities, np.array(chances, np.float32), found)


notes = st.none() | st.builds(Notes, st.none() | play_analyses(), st.none() | cubes, texts, st.none() | floats)


@st.composite
def actions(draw: st.DrawFn) -> Action:
    seat, noted = draw(st.integers(0, 1)), draw(notes)
    dice = st.tuples(st.integers(1, 6), st.integers(1, 6))
    match draw(st.integers(0, 7)):
        case 0:
            return RollAction(seat, draw(st.none() | dice), draw(texts), notes=noted)
        case 1:
            return DoubleAction(seat, draw(st.integers(0, 4096)), notes=noted)
        case 2:
            return TakeAction(seat, notes=noted)
        case 3:
            return DropAction(seat, notes=noted)
        case 4:
            return BeaverAction(seat, notes=noted)
        case 5:
            return ResignAction(seat, draw(points), notes=noted)
        case 6:
            return ResultAction(seat, draw(points), draw(st.booleans()), notes=noted)
        case _:
            return UnreadableAction(seat, draw(texts), notes=noted)


@st.composite
def matches(draw: st.DrawFn) -> MatchRecord:
    games = []
    for _ in range(draw(st.integers(0, 3))):
        position = Position(BOARDS[draw(st.integers(0, len(BOARDS) - 1))])
        owner, crawford = draw(st.none() | st.integers(0, 1)), draw(st.none() | st.booleans())
        start = draw(
            st.none()
            | st.just(Setup(position, draw(st.integers(0, 1)), 2 ** draw(st.integers(0, 12)), owner, crawford))
        )
        scores = draw(st.integers(0, 99)), draw(st.integers(0, 99))
        entries = tuple(draw(st.lists(actions(), max_size=4)))
        games.append(GameRecord(draw(st.integers(0, 99)), (draw(texts), draw(texts)), scores, entries, start=start))
    headers = tuple(draw(st.lists(st.tuples(texts, texts), max_size=3)))
    return MatchRecord(draw(st.integers(0, 99)), tuple(games), headers)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(matches(), min_size=1, max_size=2))
def test_every_record_comes_back_equal(records: list[MatchRecord]) -> None:
    text = write_jsonl(*records)
    assert read(text.encode()) == records
    assert looks_like(text.encode())
    assert write_jsonl(*read(text.encode())) == text


# -- strictness -----------------------------------------------------------------------------------------------------

HEAD = {"format": "pairgammon", "version": 1, "kind": "match", "length": 5, "headers": []}
ROLL = {"do": "roll", "seat": 0, "dice": [3, 1], "play": "8/5 6/5"}
CANDIDATE = {"after": "4HPwATDgc/ABMA", "equity": 0.5, "chances": None, "level": {"method": "book"}}
CUBE = {
    "level": {"method": "x"},
    "chances": None,
    "no_double": None,
    "double_take": 1,
    "double_pass": 1.0,
    "is_mwc": False,
}
START_HERE = {"position": "4HPwATDgc/ABMA", "turn": 0, "cube": 1, "cube_owner": None, "is_crawford": None}


def game(*entries: Any, **changes: Any) -> dict[str, Any]:
    plain = {"kind": "game", "number": 1, "players": ["A", "B"], "scores": [0, 0], "actions": list(entries)}
    return {**plain, **changes}


def lines(*objects: Any) -> bytes:
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in objects).encode()


def test_the_smallest_file() -> None:
    noted = {**ROLL, "notes": {"plays": [CANDIDATE], "cube": CUBE, "comment": "x", "luck": 1}}
    (match,) = read(lines(HEAD, "", game(noted, start=START_HERE)), "x.jsonl")
    assert match.games[0].start == Setup(Position(START), 0)
    assert isinstance(match.games[0].actions[0], RollAction)
    assert (match.file, match.line, match.games[0].line) == ("x.jsonl", 1, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines("{"), "line 1: this is not JSON"),
        (lines("[1]"), "line 1: an object is needed, not a list"),
        (lines("[" * 100_000), "line 1: this is not JSON"),
        (lines(HEAD, '{"kind": ' + "1" * 5_000 + "}"), "line 2: this is not JSON"),
        (lines(game(ROLL)), "line 1: a line of kind 'match' must come first"),
        (lines({**HEAD, "kind": "x"}), "line 1: kind 'x'"),
        (lines({**HEAD, "version": 2}), "version 2"),
        (lines({**HEAD, "format": "other"}), "version 1 of the form"),
        (lines({**HEAD, "length": -1}), "'length' must be from 0"),
        (lines({**HEAD, "length": True}), "'length' must be a whole number, not true or false"),
        (lines({**HEAD, "lenght": 5}), "key 'lenght' is not known"),
        (lines({**HEAD, "headers": [["a"]]}), "'headers' must be a list of 2"),
        (lines({**HEAD, "headers": {}}), "'headers' must be a list, not an object"),
        (lines({"kind": "match"}), "'version' is missing"),
        (lines(HEAD, game({**ROLL, "do": "jump"})), "'do' is 'jump'"),
        (lines(HEAD, game({**ROLL, "seat": 2})), "line 2, actions: 'seat' must be from 0 to 1"),
        (lines(HEAD, game({**ROLL, "dice": [7, 1]})), "'dice' must be from 1 to 6"),
        (lines(HEAD, game({**ROLL, "play": None})), "'play' must be a text, not null"),
        (lines(HEAD, game({**ROLL, "play": "x" * 20_001})), "20,001 characters"),
        (lines(HEAD, game({**ROLL, "play": "\ud800"})), "surrogate"),
        (lines(HEAD, game({**ROLL, "extra": 1})), "key 'extra' is not known"),
        (lines(HEAD, game("roll")), "an object is needed, not a text"),
        (lines(HEAD, game(players=["A"])), "'players' must be a list of 2"),
        (lines(HEAD, game(start={**START_HERE, "position": "x"})), "Position ID"),
        (lines(HEAD, game(start={**START_HERE, "cube": 3})), "power of two"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": []}})), "'plays' is empty"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": [{**CANDIDATE, "after": "x"}]}})), "Position ID"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": [{**CANDIDATE, "equity": 10**400}]}})), "finite"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": [{**CANDIDATE, "equity": float("nan")}]}})), "finite"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": [{**CANDIDATE, "chances": [1]}]}})), "a list of 6"),
        (lines(HEAD, game({**ROLL, "notes": {"cube": {**CUBE, "is_mwc": 0}}})), "'is_mwc' must be true or false"),
        (lines(HEAD, game({**ROLL, "notes": {"plays": [CANDIDATE] * 4_097}})), "4,097 entries"),
        (b"", "no line such as"),
        (b"\0", "binary"),
    ],
)
def test_what_is_not_as_described_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        read(content)
    assert message in str(caught.value)


@pytest.mark.parametrize("head", [b"", b"{}", b'{"kind":"decision"}', b" 5 point match", b'["pairgammon", "kind"]'])
def test_other_json_is_not_taken_for_it(head: bytes) -> None:
    assert not looks_like(head)
