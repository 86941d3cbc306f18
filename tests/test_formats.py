"""The table of formats: content decides, a folder may hold everything, and nothing is lost that a format can hold."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from backgammon.records import MatchRecord, read_logs, read_records, replay_match, without_notes, writable_format
from backgammon.records.formats.registry import FORMATS, WRITABLE, Format, find_format, format_named
from backgammon.records.replay.rewriting_losses import KINDS, find_losses
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, as_match, only_match, random_game, write_rows
from tests.test_java_fibs import HEAD, write_game
from tests.test_pasted_logs import OLDMOVES
from tests.test_position_texts import BLITZ_PLAY, GNUBG, SNOWIE, XG_PLAY
from tests.xg_files import Candidate, XgMatch, game_records, play_record, xg_file

PLAYS = random_game(4)
LOG = only_match(as_match(write_rows(PLAYS, DIALECTS["Studio"]), 7))

FILES: dict[str, bytes] = {
    "mat": as_match(write_rows(PLAYS, DIALECTS["XG"]), 7).encode(),
    "sgf": format_named("sgf").write(LOG).encode() if format_named("sgf").write else b"",  # type: ignore[misc]
    "jsonl": format_named("jsonl").write(LOG).encode() if format_named("jsonl").write else b"",  # type: ignore[misc]
    "xg": xg_file([XgMatch().record(), *game_records(PLAYS)]),
    "javafibs": (HEAD + write_game(PLAYS, 1)).encode(),
    "gnubg-text": GNUBG.encode(),
    "xg-text": XG_PLAY.encode(),
    "snowie": SNOWIE.encode(),
    "oldmoves": OLDMOVES.encode(),
    "labels": b'{"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.159, 2]]}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_content_decides_what_a_file_is(name: str) -> None:
    assert find_format(FILES[name]).name == name
    assert [record.format for record in read_records(FILES[name], "misleading.mat")] == [name]


def test_every_format_has_a_file_here_and_a_name_of_its_own() -> None:
    assert {entry.name for entry in FORMATS} == set(FILES)
    assert len({entry.title for entry in FORMATS}) == len(FORMATS)
    assert find_format(BLITZ_PLAY.encode()).name == "xg-text"


@pytest.mark.parametrize("name", ["sgf", "mat", "javafibs", "gnubg-text"])
@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_byte_order_marks_and_blank_lines_do_not_hide_it(name: str, mark: bytes) -> None:
    assert find_format(mark + FILES[name].replace(b"\n", b"\r\n")).name == name


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n\0", b"{}", b"(1;2)", b"%PDF-1.4", bytes(99)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(RecordError):
        find_format(data)
    with pytest.raises(RecordError):
        read_records(data)


@pytest.mark.parametrize("name", ["mat", "sgf", "jsonl", "xg", "javafibs"])
def test_one_match_is_the_same_in_every_format(name: str) -> None:
    (record,) = read_records(FILES[name])
    assert replay_match(record).identity == replay_match(LOG).identity


def test_a_folder_may_hold_everything_packed_or_not(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / f"{name}.bin").write_bytes(content)
    (tmp_path / "again.gz").write_bytes(gzip.compress(FILES["xg"]))
    with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
        archive.writestr("x.sgf", FILES["sgf"])
    (tmp_path / "notes.txt").write_text("no log")
    reading = read_logs([tmp_path])
    plays = sum(len(game) for game in reading)
    report = reading.report
    assert report.formats == {**dict.fromkeys(FILES, 1), "xg": 2, "sgf": 2}
    assert (report.num_rejected, report.num_duplicates) == (1, 6)  # the same match five times, and two copies
    assert plays == report.num_plays == replay_match(LOG).num_plays + 5
    assert "formats: " in report.render()
    assert report.to_dict()["formats"]["xg"] == 2


@pytest.mark.parametrize(
    ("path", "name"), [("a.mat", "mat"), ("b/c.TXT", "mat"), ("x.sgf", "sgf"), ("x.tar.jsonl", "jsonl")]
)
def test_the_suffix_of_a_new_file_chooses_the_writer(path: str, name: str) -> None:
    assert writable_format(path).name == name


@pytest.mark.parametrize("path", ["a.xg", "a", "a.html"])
def test_what_is_not_written_is_refused_with_what_is(path: str) -> None:
    with pytest.raises(RecordError, match=r"\.sgf, \.jsonl, \.mat"):
        writable_format(path)


def test_unknown_names_are_refused() -> None:
    assert format_named("SGF").name == "sgf"
    with pytest.raises(RecordError, match="format 'x': there are xg, sgf"):
        format_named("x")


# -- round trips ----------------------------------------------------------------------------------------------------


def round_trip(match: MatchRecord, entry: Format) -> MatchRecord:
    assert entry.write is not None
    (again,) = read_records(entry.write(match).encode())
    assert again.format == entry.name
    return again


@pytest.mark.parametrize("entry", WRITABLE, ids=lambda entry: entry.name)
@pytest.mark.parametrize("name", FILES)
def test_nothing_is_lost_that_a_format_can_hold(name: str, entry: Format) -> None:
    (match,) = read_records(FILES[name])
    if match.games[0].start is not None and entry.name == "mat":
        with pytest.raises(RecordError, match="set-up position"):
            round_trip(match, entry)
        return
    assert entry.cannot_hold <= set(KINDS)
    assert find_losses(match, round_trip(match, entry)) <= entry.cannot_hold


def test_analysis_survives_where_it_can() -> None:
    known = PLAYS[0]
    assert known.decision.chosen is not None
    after = known.decision.candidates[known.decision.chosen]
    high, low = known.decision.roll
    board = known.decision.position.board
    play = play_record(board, after, known.seat, (high, low), candidates=(Candidate(after, 2),), luck=0.5)
    (match,) = read_records(xg_file([XgMatch().record(), game_records([])[0], play]))
    assert find_losses(match, round_trip(match, format_named("jsonl"))) == set()
    assert find_losses(match, round_trip(match, format_named("sgf"))) <= {"texts", "headers"}
    assert find_losses(match, round_trip(match, format_named("mat"))) == {"analysis"}
    assert find_losses(without_notes(match), match) == {"analysis"}


def test_losses_are_told_apart() -> None:
    other = only_match(as_match(write_rows(random_game(5), DIALECTS["Studio"]), 5))
    assert find_losses(LOG, other) >= {"length", "plays", "results", "texts"}
    assert find_losses(LOG, MatchRecord(7, ())) == {"games"}
