from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backgammon.cube.cube_verdict import ACTIONS
from backgammon.notation.play_text import format_play
from backgammon.table.saved_session import open_session
from backgammon.tools.errors import PairgammonError, RecordError
from backgammon.web.request_fields import Fields
from backgammon.web.table_room import MAX_TABLES, StaleTurn, TableRoom
from tests.web_boards import act, first_row, make_room, new_game, next_step


@pytest.fixture
def room(tmp_path: Path) -> TableRoom:
    return make_room(tmp_path)


def until(room: TableRoom, view: dict[str, Any], is_there: Any) -> dict[str, Any]:
    """Play on until the view is as wanted."""
    for _ in range(5000):
        if is_there(view):
            return view
        view = next_step(room, view)
    raise AssertionError("never came")


def is_own_play(view: dict[str, Any]) -> bool:
    return view["stage"] == "play" and view["turn"] == 0 and len(view["graph"]) > 1


def test_a_match_is_played_to_its_end_and_the_file_says_the_same(room: TableRoom) -> None:
    view = until(room, new_game(room, length=3), lambda view: view["is_session_over"])
    assert max(view["points"]) >= 3
    session = open_session(room.folder / f"{view['id']}.json")
    assert session.is_over
    assert list(session.score.points) == view["points"]


def test_after_a_crash_the_game_stands_at_the_last_confirmed_turn(room: TableRoom) -> None:
    view = new_game(room, length=5)
    for _ in range(40):
        view = next_step(room, view)
        again = make_room(room.folder).table(view["id"]).view()
        assert {**again, "events": None} == {**view, "events": None}


def test_a_stale_turn_is_refused_with_the_game_as_it_stands(room: TableRoom) -> None:
    old = until(room, new_game(room), is_own_play)
    new = act(room, old, "play", row=first_row(old))
    with pytest.raises(StaleTurn) as caught:
        act(room, old, "play", row=first_row(old))
    assert {**caught.value.view, "events": None} == {**new, "events": None}


def test_the_cube_is_turned_answered_and_booked_by_both_sides(room: TableRoom) -> None:
    view = until(room, new_game(room, seed=5), lambda view: view["cube"]["may_double"] and view["to_act"] == 0)
    doubled = act(room, view, "double")
    assert (doubled["stage"], doubled["to_act"], doubled["cube"]["is_offered"]) == ("doubled", 1, True)
    answered = act(room, doubled, "go")
    kinds = [event["kind"] for event in answered["events"]]
    if kinds == ["take"]:
        assert (answered["cube"]["value"], answered["cube"]["owner"]) == (2, 1)
    else:
        assert kinds == ["drop", "result"]
        assert answered["result"] == {"winner": 0, "size": 1, "points": 1, "ending": "drop"}
    assert [line["text"] for line in answered["log"] if "double" in line["text"]] == ["double to 2"]
    again = make_room(room.folder).table(view["id"]).view()
    assert {**again, "events": None} == {**answered, "events": None}


def test_the_engine_doubles_and_takes_the_answer(room: TableRoom) -> None:
    for seed in range(40):
        view = new_game(room, seed=seed)
        while not view["result"] and view["stage"] != "doubled":
            view = next_step(room, view)
        if view["stage"] == "doubled":
            break
    with pytest.raises(PairgammonError, match="roll"):
        act(room, view, "roll")
    dropped = act(room, view, "drop")
    assert dropped["result"] == {"winner": 1, "size": 1, "points": 1, "ending": "drop"}
    room = make_room(room.folder)
    _restore(room, view)
    taken = act(room, view, "take")
    assert (taken["cube"]["value"], taken["cube"]["owner"], taken["to_act"]) == (2, 0, 1)


def test_the_tutor_speaks_about_the_cube_before_the_roll_and_before_an_answer(room: TableRoom) -> None:
    # a race in which, by the pips alone, the person should double and the opponent just take
    view = new_game(room, position="XGID=---CCCCC--------c-cccc----:0:0:1:00:0:0:0:0:10", tutor=0.02)
    warning = act(room, view, "roll")["warning"]
    assert (warning["kind"], warning["action"]) == ("cube", "roll")
    assert warning["loss"] >= 0.02
    assert room.table(view["id"]).version == view["version"]
    assert warning["cube"]["wording"].startswith("Double")
    assert "warning" not in act(room, view, "double")


def test_without_a_cube_nobody_doubles(room: TableRoom) -> None:
    view = until(room, new_game(room, has_cube=False), lambda view: view["stage"] == "roll" and view["to_act"] == 0)
    assert not view["cube"]["may_double"]
    with pytest.raises(PairgammonError, match="no cube"):
        act(room, view, "double")


def test_events_tell_a_page_what_it_has_missed(room: TableRoom) -> None:
    view = until(room, new_game(room), is_own_play)
    played = act(room, view, "play", row=first_row(view))
    assert [event["kind"] for event in played["events"]] == ["play"]
    assert played["events"][0]["before"] == view["board"]
    gone = act(room, played, "go")
    assert [event["kind"] for event in gone["events"]] == ["roll", "play"]
    assert all(event["seat"] == 1 for event in gone["events"])


def test_the_tutor_speaks_before_the_turn_goes_on_and_nothing_is_done(room: TableRoom) -> None:
    view = until(room, new_game(room, tutor=0.001, seed=12), is_own_play)
    found = {}
    for row in {node[0] for node in view["graph"]} - {None}:
        answer = act(room, view, "play", row=row)
        if "warning" not in answer:
            room = make_room(room.folder)
            _restore(room, view)
            continue
        found[row] = answer["warning"]
        assert answer["version"] == room.table(view["id"]).version == view["version"]
        assert (found[row]["best"]["behind"], found[row]["played"]["row"]) == (0, row)
        assert found[row]["difference"].startswith("it ")
    worst = max(found, key=lambda row: found[row]["loss"])
    assert act(room, view, "play", row=worst, is_confirmed=True)["version"] == view["version"] + 1


def _restore(room: TableRoom, view: dict[str, Any]) -> None:
    """Cut the saved game back to the actions that a view has seen."""
    path = room.folder / f"{view['id']}.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "actions": document["actions"][: view["version"]]}))


def test_a_play_as_text_is_understood_or_refused_by_the_rules(room: TableRoom) -> None:
    view = until(room, new_game(room), is_own_play)
    with pytest.raises(PairgammonError):
        act(room, view, "play", text="1/off 2/off 3/off 4/off 5/off")
    text = format_play(room.table(view["id"]).session.decision().plays[0])
    assert act(room, view, "play", text=text)["version"] == view["version"] + 1


def test_taking_back_returns_to_the_same_dice(room: TableRoom) -> None:
    view = until(room, new_game(room), is_own_play)
    played = act(room, act(room, view, "play", row=first_row(view)), "go")
    back = act(room, played, "take back")
    assert (back["board"], back["dice"], back["graph"]) == (view["board"], view["dice"], view["graph"])
    assert back["version"] > played["version"]


def test_resigning_too_little_is_declined_and_enough_is_booked(room: TableRoom) -> None:
    # fifteen of the person on the bar, the opponent bears off its last checkers
    view = new_game(room, position="XGID=-----------------------gfO:0:0:1:00:0:0:0:0:10")
    with pytest.raises(PairgammonError, match="declines"):
        act(room, view, "resign", size=1)
    over = act(room, view, "resign", size=3)
    assert over["result"] == {"winner": 1, "size": 3, "points": 3, "ending": "resigned"}


def test_a_hint_before_the_roll_is_about_the_cube(room: TableRoom) -> None:
    view = until(room, new_game(room), lambda view: view["cube"]["may_double"] and view["to_act"] == 0)
    found = room.hint(view["id"], Fields({}))["cube"]
    assert found["action"] in ACTIONS
    assert len(found["equities"]) == 3


def test_hints_are_sorted_by_the_equity_they_show(room: TableRoom) -> None:
    view = until(room, new_game(room), is_own_play)
    found = room.hint(view["id"], Fields({"count": 200}))["candidates"]
    by_level: dict[str, list[float]] = {}
    for one in found:
        by_level.setdefault(one["level"], []).append(one["equity"])
    assert all(values == sorted(values, reverse=True) for values in by_level.values())
    assert found[0]["behind"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"action": "play"},
        {"action": "fly"},
        {"action": ["roll"]},
        {"action": "play", "row": -1},
        {"action": "play", "row": 10**9},
        {"action": "play", "row": 1.5},
        {"action": "play", "row": True},
        {"action": "play", "text": "x" * 10_000},
        {"action": "play", "text": 7},
        {"action": "resign", "size": 4},
        {"action": "go"},
        {"action": "roll"},
        {"action": "next game"},
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(room: TableRoom, fields: dict[str, Any]) -> None:
    view = until(room, new_game(room), is_own_play)
    path = room.folder / f"{view['id']}.json"
    before = path.read_bytes()
    with pytest.raises(PairgammonError):
        room.act(view["id"], Fields({"version": view["version"], **fields}))
    assert {**room.table(view["id"]).view(), "events": None} == {**view, "events": None}
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "settings",
    [
        {"level": "grandmaster"},
        {"plies": 9},
        {"length": -1},
        {"length": 1000},
        {"position": "nonsense"},
        {"position": "XGID=-b----E-C---eE---c-e----B-:0:0:1:D:0:0:0:0:10"},
        {"tutor": "much"},
        {"tutor": float("nan")},
        {"seed": -4},
    ],
)
def test_a_game_that_cannot_be_is_not_begun(room: TableRoom, settings: dict[str, Any]) -> None:
    with pytest.raises(PairgammonError):
        new_game(room, **settings)
    assert room.games() == []


def test_names_with_control_characters_are_cleaned(room: TableRoom) -> None:
    assert new_game(room, name="a\x1b]0;x\x07 b\n")["names"][0] == "a ]0;x b"
    assert new_game(room, name="\n")["names"][0] == "You"


@pytest.mark.parametrize("game_id", ["", "../../etc/passwd", "20260101-000000-abcdef", "x" * 300])
def test_a_game_that_is_not_there_is_said(room: TableRoom, game_id: str) -> None:
    with pytest.raises(RecordError, match="there is no such game"):
        room.table(game_id)


def test_a_damaged_file_is_listed_with_its_problem_and_spoils_no_other(room: TableRoom) -> None:
    good, bad = new_game(room), new_game(room)
    (room.folder / f"{bad['id']}.json").write_text(json.dumps({"format": "pairgammon session", "version": 1}))
    listed = {game["id"]: game for game in make_room(room.folder).games()}
    assert "names: two texts" in listed[bad["id"]]["problem"]
    assert listed[good["id"]]["points"] == [0, 0]


def test_only_so_many_tables_stay_in_memory_and_all_stay_on_the_disk(room: TableRoom) -> None:
    ids = [new_game(room)["id"] for _ in range(MAX_TABLES + 3)]
    assert len(room._tables) == MAX_TABLES
    assert room.table(ids[0]).view()["id"] == ids[0]
