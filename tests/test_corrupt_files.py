"""Files of the program's own that are damaged: refused in one line, made again, or read as they were written."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.learner.teach.line_labels import _result
from backgammon.learner.teach.self_play import play_games
from backgammon.tools import jit
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.result_store import ResultStore
from scripts.corrupt_files import corrupt
from scripts.own_files import KINDS
from scripts.own_files.kept_units import UNIT, workshop
from scripts.own_files.kind import Kind
from scripts.own_files.shards import GAMES, PLAYER

FEW = {kind.name: kind for kind in KINDS}
if jit.DISABLED:
    del FEW["kernel"]


@pytest.mark.parametrize("name", FEW)
def test_a_damaged_file_is_refused_or_read_as_it_was(name: str) -> None:
    ends = corrupt(FEW[name], 24, seed=3)
    assert sum(ends.values()) == 24
    assert not [end for end in ends if end.startswith("FAULT")]
    assert ends["refused"] > 2


def test_the_script_notices_readers_that_trust_a_file_and_errors_that_nobody_meant() -> None:
    def write(folder: Path) -> list[Path]:
        (folder / "numbers").write_bytes(np.arange(500, dtype=np.float32).tobytes())
        return [folder / "numbers"]

    def read(folder: Path) -> tuple[npt.NDArray[np.float32]]:
        return (np.frombuffer((folder / "numbers").read_bytes(), dtype=np.float32),)

    trusting = Kind("numbers", write, read, lambda _: None, lambda found: bool(np.isfinite(found[0]).all()))
    ends = corrupt(trusting, 100, seed=1)
    assert ends["FAULT: something else was read"] > 5
    assert ends["FAULT: an exception"] > 5  # a size that is no multiple of 4
    assert "FAULT: something else was read" not in corrupt(
        dataclasses.replace(trusting, has_checksum=False), 50, seed=1
    )


def keep_instead(store: ResultStore, result: bytes) -> None:
    """Put something else in the place of the first kept unit, with a right checksum."""
    assert store.folder is not None
    name = min(store.folder.iterdir()).name.removesuffix(".result")
    store.keep(name, result)


@pytest.mark.parametrize(
    "outcomes",
    [
        np.zeros((35, 6), np.float32),
        np.zeros((36, 5), np.float32),
        np.zeros((36, 6), np.float64),
        np.full((36, 6), np.nan, np.float32),
        np.full((36, 6), 1e30, np.float32),
    ],
    ids=["a game less", "five outcomes", "float64", "nan", "huge"],
)
def test_a_kept_rollout_with_a_right_checksum_must_hold_outcomes_of_its_games(
    outcomes: npt.NDArray[np.floating], tmp_path: Path
) -> None:
    workshop(tmp_path).results([UNIT])
    keep_instead(ResultStore(tmp_path), pack_message({}, {"outcomes": outcomes}))
    with pytest.raises(DataError, match="a kept unit"):
        workshop(tmp_path).results([UNIT])


@pytest.mark.parametrize(
    ("column", "value"), [("points", 4), ("winnings", 0), ("seats", 2), ("played", -1), ("games", 7), ("chosen", 99)]
)
def test_kept_self_play_with_a_right_checksum_must_hold_games(column: str, value: int, tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    play_games(PLAYER, GAMES, store=store)
    (path,) = tmp_path.iterdir()
    kept = store.find(path.name.removesuffix(".result"))
    assert kept is not None
    _, arrays = unpack_message(kept)
    arrays[column] = arrays[column].copy()
    arrays[column][-1] = value
    keep_instead(store, pack_message({}, arrays))
    with pytest.raises((DataError, ValueError)):
        play_games(PLAYER, GAMES, store=store)


def test_kept_labels_with_a_right_checksum_must_be_labels_of_their_lines() -> None:
    part = [(1, b"one")]
    line = b'{"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["4HPwATDgc/ABMA", 0.1]]}\n'

    def told(labels: bytes, **values: object) -> bytes:
        return pack_message(values, {"labels": np.frombuffer(labels, dtype=np.uint8)})

    assert _result(part, told(line, problems=[])) == ([], line)
    for damaged in (
        told(b"", problems=[]),
        told(line + line, problems=[]),
        told(line),
        told(b"", problems=[[1, "none such"]]),
        told(b"", problems=3),
        told(b"\xff\n", problems=[]),
        told(line.replace(b"0.1", b"NaN"), problems=[]),
    ):
        with pytest.raises(DataError, match="a kept unit holds"):
            _result(part, damaged)


def test_columns_of_a_result_are_those_that_were_asked_for() -> None:
    message = pack_message({"a": 1}, {"x": np.zeros((3, 2), np.int8)})
    assert unpack_columns(message, {"x": ("int8", (2,))})[0] == {"a": 1}
    for columns in ({"x": ("int8", ())}, {"x": ("int16", (2,))}, {"y": ("int8", (2,))}, {}):
        with pytest.raises(DataError, match="a kept unit holds"):
            unpack_columns(message, columns)
