"""Files of arrays: what was written is read, and nothing that merely looks like it."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from backgammon.tools.errors import DataError
from backgammon.tools.tensor_file import Layout, map_tensors, write_tensors

LAYOUT: Layout = {"bytes": ("uint8", (3,)), "numbers": ("float32", (4, 2)), "none": ("int64", (0,))}
TENSORS: dict[str, Any] = {
    "bytes": np.array([1, 2, 3], dtype=np.uint8),
    "numbers": np.arange(8, dtype=np.float32).reshape(4, 2),
    "none": np.zeros(0, dtype=np.int64),
}
DESCRIPTION = {"size": 4}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "file.safetensors"
    write_tensors(file, "test", TENSORS, DESCRIPTION)
    return file


def read(path: Path) -> dict[str, Any]:
    return map_tensors(path, "test", LAYOUT, DESCRIPTION)


def test_arrays_come_back_as_they_were(path: Path) -> None:
    found = read(path)
    assert set(found) == set(TENSORS)
    for name, expected in TENSORS.items():
        assert found[name].dtype == expected.dtype
        assert np.array_equal(found[name], expected)
        assert not found[name].flags.writeable


def test_any_tool_of_the_format_reads_the_file(path: Path) -> None:
    assert np.array_equal(safetensors.numpy.load_file(path)["numbers"], TENSORS["numbers"])


def test_the_same_arrays_are_the_same_file(path: Path, tmp_path: Path) -> None:
    write_tensors(tmp_path / "other", "test", dict(reversed(TENSORS.items())), DESCRIPTION)
    assert (tmp_path / "other").read_bytes() == path.read_bytes()


def test_every_flipped_bit_and_every_cut_is_found(path: Path) -> None:
    content = path.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(DataError):
            read(path)
        path.write_bytes(content[:place])
        with pytest.raises(DataError):
            read(path)


def crafted(content: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with a header that was changed, and the right digest for it."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file = len(text).to_bytes(8, "little") + text + content[8 + length :]
    try:
        stated = json.loads(header["__metadata__"]["pairgammon"])["sha256"].encode()
    except (KeyError, TypeError, ValueError, AttributeError):
        return file
    blank = file.replace(stated, b"0" * 64, 1)
    return file.replace(stated, hashlib.sha256(blank).hexdigest().encode(), 1)


def set_entry(header: dict[str, Any], **values: Any) -> None:
    entry = json.loads(header["__metadata__"]["pairgammon"])
    header["__metadata__"]["pairgammon"] = json.dumps({**entry, **values})


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another kind": lambda header: set_entry(header, kind="other"),
    "another description": lambda header: set_entry(header, description={"size": 5}),
    "a digest that is no text": lambda header: set_entry(header, sha256=7),
    "a digest that is empty": lambda header: set_entry(header, sha256=""),
    "no entry": lambda header: header.pop("__metadata__"),
    "an entry that is no object": lambda header: header.update(__metadata__={"pairgammon": "[1]"}),
    "metadata that are no object": lambda header: header.update(__metadata__=3),
    "an array less": lambda header: header.pop("bytes"),
    "an array more": lambda header: header.update(more=header["bytes"]),
    "another shape": lambda header: header["numbers"].update(shape=[2, 4]),
    "a huge shape": lambda header: header["numbers"].update(shape=[1 << 40, 2]),
    "another type": lambda header: header["numbers"].update(dtype="I32"),
    "beyond the end": lambda header: header["numbers"].update(data_offsets=[1 << 40, (1 << 40) + 32]),
    "before the beginning": lambda header: header["numbers"].update(data_offsets=[-32, 0]),
    "on another array": lambda header: header["bytes"].update(data_offsets=[0, 3]),
    "between numbers": lambda header: header["numbers"].update(data_offsets=[1, 33]),
    "places that are no numbers": lambda header: header["numbers"].update(data_offsets=["0", "32"]),
    "three places": lambda header: header["numbers"].update(data_offsets=[0, 32, 35]),
    "no places": lambda header: header["numbers"].pop("data_offsets"),
    "an array that is none": lambda header: header.update(numbers=[1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_lies_is_found_whatever_the_digest_says(path: Path, name: str) -> None:
    path.write_bytes(crafted(path.read_bytes(), CHANGES[name]))
    with pytest.raises(DataError, match=r"file\.safetensors"):
        read(path)


def test_the_crafting_itself_changes_nothing(path: Path) -> None:
    path.write_bytes(crafted(path.read_bytes(), lambda _: None))
    assert np.array_equal(read(path)["numbers"], TENSORS["numbers"])


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"nothing", b"[" * 100_000, b"\xff\xfe"])
def test_a_header_that_is_no_object_is_found(path: Path, text: bytes) -> None:
    path.write_bytes(len(text).to_bytes(8, "little") + text + path.read_bytes()[-40:])
    with pytest.raises(DataError):
        read(path)


def test_random_bytes_behind_any_length_are_found(path: Path) -> None:
    rng = random.Random(1)
    for _ in range(300):
        path.write_bytes(rng.randbytes(rng.randrange(60)))
        with pytest.raises(DataError):
            read(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DataError, match="no file"):
            read(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing")
