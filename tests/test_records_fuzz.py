"""Whatever bytes come in: the reader gives records or raises RecordError, and every roll is accounted for."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon.records import MatchRecord, replay_match, write_mat
from backgammon.records.formats.mat import MAX_LINE, read
from backgammon.records.formats.registry import check_head
from backgammon.records.record.source import open_sources
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, as_match, random_game, write_rows

LOGS = [file.read_text() for file in sorted((Path(__file__).parent / "vectors" / "logs").iterdir())]
LOGS += [as_match(write_rows(random_game(1, max_rolls=60), dialect), 5) for dialect in DIALECTS.values()]

WORDS = [
    *(
        "31:",
        "66:",
        "00:",
        "71:",
        "21: ",
        "8/5",
        "6/5",
        "13/7*",
        "24/18/13",
        "bar/20",
        "25/24",
        "6/off",
        "4/0",
        "6/5(2)",
    ),
    *("Cannot Move", "????", "???", "Illegal play (0;1)", "Doubles => 2", "Doubles => 0", "Doubles", "Takes", "Drops"),
    *("Beavers", "Raccoons", "Concedes", "Resigns", "Losses 2 point", "Wins 1 point", "Wins", "and the match", "1)"),
    *(
        "999)",
        " 5 point match",
        "0 point match",
        "Game 1",
        "Game 99",
        "Ann : 0    Bob : 0",
        '; [Site "X"]',
        ":",
        "(",
        ")",
    ),
    *("\n", "\n", "\n", " ", "    ", "\t", " " * 25, "\r\n", "é", "\ufeff", "\u2028", "٣١:", "x" * (MAX_LINE + 1)),
]

soup = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)
"""Texts made of the words of the grammar in any order."""


@st.composite
def damaged_logs(draw: st.DrawFn) -> str:
    """A log with some lines dropped, doubled, exchanged, cut, joined to the next or spoiled by other words."""
    lines = draw(st.sampled_from(LOGS)).split("\n")
    for _ in range(draw(st.integers(0, 6))):
        i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match draw(st.sampled_from(["drop", "double", "exchange", "cut", "join", "spoil"])):
            case "drop" if len(lines) > 1:
                del lines[i]
            case "double":
                lines.insert(j, lines[i])
            case "exchange":
                lines[i], lines[j] = lines[j], lines[i]
            case "cut":
                lines[i] = lines[i][: draw(st.integers(0, 40))]
            case "join" if i + 1 < len(lines):
                lines[i] += lines.pop(i + 1)
            case _:
                at = draw(st.integers(0, len(lines[i])))
                lines[i] = lines[i][:at] + draw(st.sampled_from(WORDS)) + lines[i][at:]
    return "\n".join(lines)


def assert_sound(records: list[MatchRecord]) -> None:
    """Every roll is accounted for, and writing changes no play."""
    for record in records:
        try:
            match = replay_match(record)
        except RecordError:
            continue
        for game in match.games:
            lost = game.problem.num_lost if game.problem else 0
            assert game.num_rolls == len(game) + game.num_dances + game.num_unplayed + lost
            assert min(game.num_dances, game.num_unplayed, lost) >= 0
            assert game.size in (0, 1, 2, 3)
            assert len(list(game.decisions())) == len(game)
            assert str(game.problem)
        (again,) = read(write_mat(record).encode())
        written = replay_match(again)
        assert written.identity == match.identity
        for game, other in zip(match.games, written.games, strict=True):
            assert (game.winner, game.size, game.ending) == (other.winner, other.size, other.ending)
            assert (game.num_rolls, game.num_dances) == (other.num_rolls, other.num_dances)


def read_or_refuse(data: bytes) -> list[MatchRecord]:
    try:
        return read(data, "fuzz.mat")
    except RecordError:
        return []


def check_texts(text: str) -> None:
    assert_sound(read_or_refuse(text.encode("utf-8", errors="surrogatepass")))


def check_bytes(data: bytes) -> None:
    assert_sound(read_or_refuse(data))


def check_archives(folder: Path, data: bytes) -> None:
    path = folder / "fuzz"
    path.write_bytes(data)
    for _, content in open_sources(path, check_head):
        if not isinstance(content, RecordError):
            assert_sound(read_or_refuse(content))


def packed_logs() -> list[bytes]:
    data = LOGS[0].encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mat", data)
        archive.writestr("b.mat.gz", gzip.compress(data))
    return [gzip.compress(data), lzma.compress(data), buffer.getvalue()]


PACKED = packed_logs()


@st.composite
def damaged_archives(draw: st.DrawFn) -> bytes:
    """A packed log with bytes changed, and perhaps cut."""
    data = bytearray(draw(st.sampled_from(PACKED)))
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(1, len(data)))]) if draw(st.booleans()) else bytes(data)


quick = settings(max_examples=150, deadline=None, derandomize=True)
long = settings(max_examples=20_000, deadline=None)


@quick
@given(damaged_logs())
def test_damaged_logs_lose_no_roll_unaccounted(text: str) -> None:
    check_texts(text)


@quick
@given(soup)
def test_soup_of_words_is_read_or_refused(text: str) -> None:
    check_texts(" 5 point match\n Game 1\n Ann : 0    Bob : 0\n" + text)


@quick
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    check_bytes(b"5 point match\n" + data)
    check_bytes(data)


@settings(quick)
@given(data=damaged_archives())
def test_damaged_archives_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    check_archives(tmp_path_factory.getbasetemp(), data)


@pytest.mark.slow
@long
@given(damaged_logs())
def test_many_damaged_logs(text: str) -> None:
    check_texts(text)


@pytest.mark.slow
@long
@given(soup)
def test_much_soup(text: str) -> None:
    check_texts(" 5 point match\n Game 1\n Ann : 0    Bob : 0\n" + text)


@pytest.mark.slow
@long
@given(data=damaged_archives())
def test_many_damaged_archives(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    check_archives(tmp_path_factory.getbasetemp(), data)


def test_a_log_cut_at_any_byte_is_read_or_refused() -> None:
    data = as_match(write_rows(random_game(2, max_rolls=14), DIALECTS["XG"]), 5).encode()
    for size in range(len(data)):
        check_bytes(data[:size])
