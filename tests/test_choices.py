"""Choice sets from arrays: rows in any order, and one sentence for what does not fit together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparison_net.choice_tables import from_frame, read_json_lines
from comparison_net.choices import UNKNOWN, ChoiceSets
from comparison_net.tools import DataError

X = np.arange(12.0).reshape(6, 2)
GROUPS = ["b", "a", "b", "c", "a", "b"]
CHOSEN = [0, 1, 0, 1, 0, 1]


def test_rows_of_a_set_need_not_stand_together() -> None:
    sets = ChoiceSets.from_arrays(X, GROUPS, chosen=CHOSEN, values=np.arange(6.0), weights=[1, 2, 1, 3, 2, 1])
    assert sets.offsets.tolist() == [0, 3, 5, 6]
    assert sets.items[:, 0].tolist() == [0, 4, 10, 2, 8, 6]
    assert sets.chosen.tolist() == [2, 0, 0]
    assert sets.values is not None
    assert sets.values.tolist() == [0, 2, 5, 1, 4, 3]
    assert sets.weights is not None
    assert sets.weights.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "ids", [[7, -3, 7, 900, -3, 7], [(1,), None, (1,), "x", None, (1,)], [2.5, 1.0, 2.5, 9.0, 1.0, 2.5]]
)
def test_ids_may_be_anything(ids: list[Any]) -> None:
    objects = np.empty(6, dtype=object)
    objects[:] = ids
    for given in (objects, np.array(ids)) if isinstance(ids[0], (int, float)) else (objects,):
        assert ChoiceSets.from_arrays(X, given, chosen=CHOSEN).chosen.tolist() == [2, 0, 0]


def test_sizes_stand_for_ids() -> None:
    by_id = ChoiceSets.from_arrays(X, [0, 0, 0, 1, 1, 2], chosen=[0, 0, 1, 1, 0, 1])
    by_size = ChoiceSets.from_arrays(X, sizes=[3, 2, 1], chosen=np.array([2, 0, 0]))
    assert by_id.offsets.tolist() == by_size.offsets.tolist()
    assert by_id.chosen.tolist() == by_size.chosen.tolist() == [2, 0, 0]


def test_a_row_that_is_not_available_is_as_if_it_were_not_there() -> None:
    masked = ChoiceSets.from_arrays(X, GROUPS, chosen=CHOSEN, available=[1, 1, 0, 1, 1, 1])
    absent = ChoiceSets.from_arrays(np.delete(X, 2, 0), np.delete(GROUPS, 2), chosen=np.delete(CHOSEN, 2))
    assert masked.items.tolist() == absent.items.tolist()
    assert masked.chosen.tolist() == absent.chosen.tolist()


def test_what_was_chosen_may_be_unknown() -> None:
    assert ChoiceSets.from_arrays(X, GROUPS).chosen.tolist() == [UNKNOWN] * 3
    assert ChoiceSets.from_arrays(X, GROUPS, chosen=np.array([2, UNKNOWN, 0])).chosen.tolist() == [2, UNKNOWN, 0]


def test_taking_decisions_keeps_all_that_belongs_to_them() -> None:
    sets = ChoiceSets.from_arrays(
        X,
        GROUPS,
        chosen=CHOSEN,
        values=np.arange(6.0),
        context=[[1.0], [2.0], [3.0]],
        units=["p", "q", "p"],
        names="xy",
    )
    taken = sets.take(np.array([2, 0]))
    assert taken.items[:, 0].tolist() == [6, 0, 4, 10]
    assert taken.chosen.tolist() == [0, 2]
    assert taken.context.tolist() == [[3.0], [1.0]]
    assert taken.units is not None
    assert taken.units.tolist() == [0, 0]
    assert taken.names == ("x", "y")


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "give groups, an id for each row, or the sizes"),
    ({"groups": GROUPS[:5]}, "5 group ids for 6 rows"),
    ({"sizes": [3, 2]}, "the sizes add up to 5 rows of 6"),
    ({"sizes": [3, 0, 3]}, "set 1 has 0 alternatives"),
    ({"sizes": [3.0, 3.0]}, "give a whole number for each set"),
    ({"groups": GROUPS, "chosen": [1, 1, 0, 1, 0, 1]}, r"set 'b' \(rows 0, 2, 5\): 2 are chosen"),
    ({"groups": GROUPS, "chosen": [0, 1, 0, 1, 0, 0]}, r"set 'b' \(rows 0, 2, 5\): none is chosen"),
    ({"groups": GROUPS, "chosen": [0, 1, 0, 2, 0, 1]}, "row 3: 2 in chosen: give 0 or 1"),
    ({"groups": GROUPS, "chosen": np.array([0, 2, 0])}, "set 'a': row 2 is chosen of 2 alternatives"),
    ({"groups": GROUPS, "chosen": CHOSEN, "available": [1, 1, 1, 1, 1, 0]}, "row 5 is chosen but not available"),
    ({"groups": GROUPS, "available": [1, 0, 1, 1, 0, 1]}, "set 'a': none of its alternatives is available"),
    ({"groups": GROUPS, "values": [1, 2, 3, np.inf, 5, 6]}, "row 3: inf in values is no number"),
    ({"groups": GROUPS, "weights": [1, 2, 1, 3, 9, 1]}, "set 'a': weights differ between its rows"),
    ({"groups": GROUPS, "weights": [1, -2, 1]}, "set 'a': weight -2"),
    ({"groups": GROUPS, "weights": [0, 0, 0]}, "every weight is zero"),
    ({"groups": GROUPS, "units": [1, 2]}, "units: 2 entries for 3 sets and 6 rows"),
    ({"groups": GROUPS, "names": ["x"]}, "1 names for 2 features"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_what_does_not_fit_is_one_sentence_with_the_place(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ChoiceSets.from_arrays(X, **given)


def test_what_is_no_number_is_named_by_row_and_column() -> None:
    rows = X.copy()
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="row 3, column 'price': NaN is no number"):
        ChoiceSets.from_arrays(rows, GROUPS, names=["time", "price"])
    with pytest.raises(DataError, match="not all numbers"):
        ChoiceSets.from_arrays([["cheap"]], ["a"])
    with pytest.raises(DataError, match="give a row for each alternative"):
        ChoiceSets.from_arrays(np.zeros(6), GROUPS)


TABLE = {"trip": GROUPS, "taken": CHOSEN, "time": X[:, 0], "cost": X[:, 1], "who": [1, 1, 1, 2, 1, 1]}


@pytest.mark.parametrize("library", ["dict", "pandas", "polars"])
def test_frames_of_every_library_give_the_same(library: str) -> None:
    frame: Any = TABLE if library == "dict" else pytest.importorskip(library).DataFrame(TABLE)
    sets = from_frame(frame, "trip", chosen="taken", unit="who")
    assert sets.names == ("time", "cost")
    assert sets.items.tolist() == ChoiceSets.from_arrays(X, GROUPS).items.tolist()
    assert sets.chosen.tolist() == [2, 0, 0]
    assert sets.units is not None
    assert sets.units.tolist() == [0, 0, 1]


def test_a_frame_without_a_column_is_told_which() -> None:
    with pytest.raises(DataError, match="the frame has no column 'set'; it has trip, taken, time, cost, who"):
        from_frame(TABLE, "set")
    with pytest.raises(DataError, match="column 'trip' holds <U1, not numbers"):
        from_frame(TABLE, "who", features=["trip"])
    with pytest.raises(DataError, match="list is no data frame"):
        from_frame([1, 2], "a")
    with pytest.raises(DataError, match="no column of features"):
        from_frame({"trip": [1]}, "trip")


def write_lines(path: Path, *entries: Any) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_json_lines_are_read(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "choices.jsonl",
        {"alternatives": [{"a": 1, "b": 2.5}, {"b": 0, "a": 3}], "chosen": 1, "values": [0.5, None], "unit": "ann"},
        {"alternatives": [{"a": 4, "b": 4}], "chosen": 0, "values": [1.0], "unit": "bob"},
    )
    sets = read_json_lines(path)
    assert sets.names == ("a", "b")
    assert sets.items.tolist() == [[1, 2.5], [3, 0], [4, 4]]
    assert sets.chosen.tolist() == [1, 0]
    assert sets.values is not None
    assert np.isnan(sets.values).tolist() == [False, True, False]
    assert sets.units is not None
    assert sets.units.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "holds no choice set"),
        ([[1]], "1: write one JSON object"),
        ([{"alternatives": []}], '1: "alternatives" must be a list'),
        ([{"alternatives": [[1]], "chosen": 1}], '1: "chosen" is 1, of 1 alternatives'),
        ([{"alternatives": [[1], ["x"]]}], "1: an alternative must be a list of numbers"),
        ([{"alternatives": [{"a": 1}]}, {"alternatives": [{"b": 1}]}], "2: an alternative with other names than a"),
        ([{"alternatives": [[1]], "weight": 2}, {"alternatives": [[1]]}], "'weight' stands on 1 of 2 lines"),
        ([{"alternatives": [[1], [1, 2]]}], "the features are not all numbers"),
    ],
)
def test_a_line_that_is_no_choice_set_is_told(entries: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_json_lines(write_lines(tmp_path / "bad.jsonl", *entries))
    with pytest.raises(DataError, match="cannot be read"):
        read_json_lines(tmp_path / "nowhere.jsonl")
