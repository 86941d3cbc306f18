"""Lines of clients: as they come, and never more than MAX_LINE bytes in memory."""

from __future__ import annotations

from io import BytesIO

import pytest

from backgammon.protocols.lines import MAX_LINE, read_lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n\0two\r\n\n", ["one", "two", ""]),
        (b"x" * (MAX_LINE - 1) + b"\nnext\n", ["x" * (MAX_LINE - 1), "next"]),
        (b"x" * MAX_LINE + b"\nnext\n", [None, "next"]),
        (b"x" * (5 * MAX_LINE) + b"\nnext\n", [None, "next"]),
        (b"x" * (5 * MAX_LINE), [None]),
        (b"\xff\n", ["\ufffd"]),
    ],
)
def test_lines_come_without_their_ends_and_long_ones_as_none(data: bytes, lines: list[str | None]) -> None:
    assert list(read_lines(BytesIO(data))) == lines
