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


def test_ids_of_different_kinds_are_different_ids() -> None:
    """numpy would make words of them all, and one set of two."""
    assert ChoiceSets.from_arrays(X, [1, "1", 1, "1", 1, "1"]).offsets.tolist() == [0, 3, 6]
    assert ChoiceSets.from_arrays(X, [(1, 2), (1, 3), (1, 2), (1, 3), (1, 2), 7]).offsets.tolist() == [0, 3, 5, 6]
    large = [-1, 2**63, -1, 2**63 + 1, 2**63, 2**63 + 1]
    assert ChoiceSets.from_arrays(X, large).offsets.tolist() == [0, 2, 4, 6]


def test_sets_of_one_alternative_are_told_by_mark_or_by_place() -> None:
    for chosen in ([1] * 6, [0] * 6):
        assert ChoiceSets.from_arrays(X, np.arange(6), chosen=chosen).chosen.tolist() == [0] * 6


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
    ({"groups": GROUPS, "sizes": [3, 3]}, "groups and sizes both say"),
    ({"sizes": [2**62, 2**62]}, "the sizes add up to 9,223,372,036,854,775,808 rows of 6"),
    ({"groups": 3}, r"the group ids have the shape \[\]"),
    ({"groups": [1.0, 1.0, np.nan, 2.0, 2.0, np.nan]}, "row 2: the id of its set is missing"),
    ({"groups": np.array([[1], [1], [2], [2], [3], [3, 4]], dtype=object)}, "an id of a set cannot be compared"),
    ({"groups": GROUPS, "units": 5}, "units: 5 alone; give one for each of 3 sets"),
    ({"groups": GROUPS, "weights": ["a", "b", "c"]}, "weights, row 0: 'a' is no number"),
    ({"groups": GROUPS, "weights": [1, 1e300, 1]}, "set 'a': weight 1e\\+300"),
    ({"groups": GROUPS, "values": ["a"] * 6}, "values, row 0: 'a' is no number"),
    ({"groups": GROUPS, "chosen": [0.0, 1.0, 0.0]}, "chosen are float64: give a whole number for each set"),
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
    with pytest.raises(DataError, match="row 1 has 1 numbers and row 0 has 2"):
        ChoiceSets.from_arrays([[1, 2], [3]], ["a", "a"])
    with pytest.raises(DataError, match="row 1, column 'b': 'x' is none"):
        ChoiceSets.from_arrays([[1, 2], [3, "x"]], ["a", "a"], names=["a", "b"])
    with pytest.raises(DataError, match="row 0, column 0: 1000"):
        ChoiceSets.from_arrays([[10**400]], ["a"])
    with pytest.raises(DataError, match="dates or times"):
        ChoiceSets.from_arrays(np.array([["2020-01-01"]], dtype="M8[D]"), ["a"])
    with pytest.raises(DataError, match="row 1, column 0: NaN"):
        ChoiceSets.from_arrays(np.ma.masked_array([[1.0], [2.0]], mask=[[False], [True]]), ["a", "a"])


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
    with pytest.raises(DataError, match="column 'taken' has 1 rows and 'trip' has 2"):
        from_frame({"trip": [1, 1], "taken": [1], "cost": [1, 2]}, "trip", chosen="taken")


def test_odd_frames_are_read_or_refused_in_a_line() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    plain = {"s": [1, 1, 2, 2], "y": [1, 0, 0, 1]}
    for column in (
        np.array([1, 2, 3, 4], dtype=object),
        pandas.array([1, 2, 3, 4], dtype="Int64"),
        pandas.Categorical([1, 2, 3, 4]),
    ):
        sets = from_frame(pandas.DataFrame({**plain, "a": column}), "s", chosen="y")
        assert sets.items.tolist() == [[1], [2], [3], [4]]
    unnamed = pandas.DataFrame({0: [1, 1], 1: [1, 0], 2: [1.0, 2.0]})
    assert from_frame(unnamed, 0, chosen=1).items.tolist() == [[1], [2]]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="column 'a', row 0: 'x' is no number"):
        from_frame(pandas.DataFrame({**plain, "a": ["x"] * 4}), "s", chosen="y")
    with pytest.raises(DataError, match="row 1, column 'a': NaN is no number"):
        from_frame(pandas.DataFrame({**plain, "a": pandas.array([1, None, 2, 3], dtype="Int64")}), "s", chosen="y")
    with pytest.raises(DataError, match="row 1: <NA> in chosen"):
        from_frame(
            pandas.DataFrame({**plain, "y": pandas.array([1, None, 0, 1], dtype="boolean")}).assign(a=1),
            "s",
            chosen="y",
        )
    with pytest.raises(DataError, match="2 columns 'a'; rename all but one"):
        from_frame(pandas.DataFrame([[1, 1, 2.0, 3.0]], columns=["s", "y", "a", "a"]), "s", chosen="y")
    with pytest.raises(DataError, match=r"give frame\.collect\(\)"):
        from_frame(polars.LazyFrame({**plain, "a": [1, 2, 3, 4]}), "s", chosen="y")


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
        ([{"alternatives": [[1], [1, 2]]}], "1: an alternative of 2 numbers, the first of all has 1"),
        ([{"alternatives": [[1], [10**400]]}], "1: an alternative must be a list of numbers"),
        ([{"alternatives": [[1]]}, {"alternatives": [{"a": 1}]}], "2: an alternative must be a list of numbers"),
        ([{"alternatives": [[1], [2]], "values": [1]}], '1: "values" must be a list of 2'),
        ([{"alternatives": [[1]], "values": 3}], '1: "values" must be a list of 1'),
        ([{"alternatives": [[1]], "values": ["a"]}], '1: "values" must be numbers or null'),
        ([{"alternatives": [[1]], "weight": "x"}], '1: "weight" must be a number'),
        ([{"alternatives": [[1]], "unit": {}}], '1: "unit" must be a word or a number'),
        ([{"alternatives": [[1]], "context": 2}], '1: "context" must be a list of numbers'),
    ],
)
def test_a_line_that_is_no_choice_set_is_told(entries: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_json_lines(write_lines(tmp_path / "bad.jsonl", *entries))
    with pytest.raises(DataError, match="cannot be read"):
        read_json_lines(tmp_path / "nowhere.jsonl")
