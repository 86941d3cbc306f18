"""Where logs come from, what is refused and how, and the account of a whole reading."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backgammon.cube.met import read_table
from backgammon.notation.gnu_id import position_ids
from backgammon.records import LogReading, ReplayedGame, read_logs, write_mat
from backgammon.records.labels import find_labels, read_labels
from backgammon.records.record.source import find_files, open_sources
from backgammon.rules.board import swap
from backgammon.tools.errors import DataError, RecordError
from backgammon.tools.storage import read_bounded
from tests.logs import DIALECTS, as_match, only_match, random_game, write_rows

ROOT = Path(__file__).resolve().parent.parent
LOG = as_match("  1) 31: 8/5 6/5                42: 8/4 6/4\n      Wins 1 point\n", length=1)
OTHER_LOG = as_match("  1) 61: 13/7 8/7              42: 8/4 6/4\n      Wins 1 point\n", length=1)


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def read_all(*paths: Path, drop_duplicates: bool = True) -> LogReading:
    reading = read_logs(paths, drop_duplicates=drop_duplicates)
    for _ in reading:
        pass
    return reading


def refusal(path: Path) -> str:
    (entry,) = read_all(path).report.rejected
    assert entry.file.startswith(str(path))
    return entry.reason


# -- finding -------------------------------------------------------------------------------------------------------


def test_folders_are_searched_in_sorted_order_and_hidden_files_left_out(tmp_path: Path) -> None:
    for name in ("b/2.mat", "b/10.mat", "a/x/1.txt", ".git/config", "c.mat", ".DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOG)
    found = [file.relative_to(tmp_path).as_posix() for file in find_files([tmp_path])]
    assert found == ["c.mat", "a/x/1.txt", "b/10.mat", "b/2.mat"]


def test_files_come_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    names = [tmp_path / "2.mat", tmp_path / "1.mat", tmp_path / ".hidden"]
    for name in names:
        name.write_text(LOG)
    assert find_files(names) == names
    assert find_files(str(names[0])) == [names[0]]


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.mat").write_text(LOG)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert find_files([tmp_path]) == [tmp_path / "a" / "1.mat"]


def test_a_path_that_does_not_exist_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="nowhere: there is no such file or folder"):
        read_logs([tmp_path / "nowhere"])
    with pytest.raises(RecordError, match="no logs are named"):
        read_logs([])


# -- unpacking -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["log.mat", "log.txt", "log", "log.bin"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_the_first_bytes_decide_what_a_file_is(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    (tmp_path / name).write_bytes(pack(LOG.encode()))
    report = read_all(tmp_path).report
    assert (report.num_files, report.num_matches, report.num_plays) == (1, 1, 2)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_streams_may_be_joined(tmp_path: Path, pack: type[bytes]) -> None:
    (tmp_path / "both").write_bytes(pack(LOG.encode()) + pack(OTHER_LOG.encode()))
    assert read_all(tmp_path).report.num_matches == 2


def test_members_of_an_archive_are_read_in_sorted_order(tmp_path: Path) -> None:
    members = {
        "b.mat": OTHER_LOG.encode(),
        "a/log.mat.gz": gzip.compress(LOG.encode()),
        "c.zip": zipped({"x.mat": LOG.encode()}),
        "readme": b"hello",
        "folder/": b"",
    }
    (tmp_path / "logs.zip").write_bytes(zipped(members))
    reading = read_logs([tmp_path / "logs.zip"])
    archive = str(tmp_path / "logs.zip")
    assert [game.file for game in reading] == [f"{archive}/a/log.mat.gz", f"{archive}/b.mat"]
    refused = {entry.file.removeprefix(archive): entry.reason for entry in reading.report.rejected}
    assert set(refused) == {"/c.zip", "/readme"}
    assert "archive within an archive" in refused["/c.zip"]


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"log.mat": LOG.encode()}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (tmp_path / "logs.zip").write_bytes(data)
    assert "encrypted" in refusal(tmp_path / "logs.zip")


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a log"),
        (b"# Licence\n\nDo what you want.\n", "not a log"),
        (os.urandom(16) + b"\0" + os.urandom(999), "binary file"),
        (gzip.compress(LOG.encode())[:40], "damaged"),
        (gzip.compress(LOG.encode())[:-8] + b"12345678", "damaged"),
        (lzma.compress(LOG.encode())[:40], "damaged"),
        (lzma.compress(LOG.encode())[:-9] + b"123456789", "damaged"),
        (b"PK\x03\x04" + b"\0" * 50, "damaged"),
        (zipped({"log.mat": LOG.encode()})[:-30], "damaged"),
    ],
    ids=["empty", "prose", "noise", "gzip cut", "gzip sum", "xz cut", "xz sum", "zip of nothing", "zip cut"],
)
def test_what_cannot_be_read_is_one_entry_of_the_report(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "file").write_bytes(data)
    assert reason in refusal(tmp_path / "file")


def test_a_damaged_member_costs_itself_only(tmp_path: Path) -> None:
    data = zipped({"a.mat": LOG.encode(), "b.mat": OTHER_LOG.encode()})
    packed_at = data.index(b"a.mat") + len(b"a.mat")
    (tmp_path / "logs.zip").write_bytes(data[: packed_at + 5] + b"\xff\xff\xff" + data[packed_at + 8 :])
    report = read_all(tmp_path).report
    assert report.num_matches == 1
    assert "damaged" in report.rejected[0].reason


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, lambda data: zipped({"bomb": data})])
def test_a_bomb_is_not_unpacked_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: type[bytes]
) -> None:
    monkeypatch.setattr("backgammon.records.record.source.MAX_BYTES", 100_000)
    (tmp_path / "bomb").write_bytes(pack(LOG.encode() + b"\n" * 10_000_000))
    assert "100,000" in refusal(tmp_path / "bomb")


def test_a_bomb_that_is_no_log_is_not_unpacked_at_all(tmp_path: Path) -> None:
    asked: list[int] = []

    def refuse(head: bytes) -> None:
        asked.append(len(head))
        raise RecordError("not this one")

    (tmp_path / "bomb").write_bytes(gzip.compress(b" " * 10_000_000))
    ((_, error),) = open_sources(tmp_path / "bomb", refuse, 1_000)
    assert isinstance(error, RecordError)
    assert asked == [1_000]


def test_an_archive_of_many_bombs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.records.record.source.MAX_ARCHIVE_BYTES", 2_000)
    (tmp_path / "logs.zip").write_bytes(zipped({f"{i}.mat": LOG.encode() + b"\n" * 900 for i in range(9)}))
    report = read_all(tmp_path, drop_duplicates=False).report
    assert report.num_matches == 2
    assert "2,000" in report.rejected[0].reason


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.records.record.source.MAX_MEMBERS", 3)
    (tmp_path / "logs.zip").write_bytes(zipped({f"{i}.mat": LOG.encode() for i in range(4)}))
    assert "4 members" in refusal(tmp_path / "logs.zip")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe")


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.mat").write_text(LOG)

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert refusal(tmp_path / "log.mat") == "cannot be read: Permission denied"


def test_a_match_of_another_game_is_refused_and_the_rest_of_its_file_read(tmp_path: Path) -> None:
    text = as_match("  1) 31: 8/5 6/5\n", headers='; [Variation "Hypergammon"]') + '; [Variation "Backgammon"]\n' + LOG
    (tmp_path / "log.mat").write_text(text)
    reading = read_all(tmp_path)
    assert "Hypergammon" in reading.report.rejected[0].reason
    assert [game.game for game in reading] == [2]


# -- the reading ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two matches, a copy of one in another dialect under other names, a broken game, a cp1252 file, and no log."""
    plays = random_game(5)
    (tmp_path / "1.mat").write_text(as_match(write_rows(plays, DIALECTS["XG"]), 5))
    (tmp_path / "2.mat").write_text(as_match(write_rows(plays, DIALECTS["Galaxy"]), 5, names=" X : 0     Y : 0"))
    (tmp_path / "3.mat").write_bytes(LOG.replace("Ann", "Zoë").encode("cp1252"))
    broken = "  1) 31: 8/5 6/5                52: 13/7\n  2) 61: 13/7 8/7\n"
    (tmp_path / "4.mat").write_text(as_match(broken) + " Game 2\n")
    (tmp_path / "5.txt").write_text("shopping list")
    return tmp_path


def test_the_report_accounts_for_every_roll(folder: Path) -> None:
    report = read_all(folder).report
    assert (report.num_files, report.num_rejected, report.num_matches, report.num_duplicates) == (4, 1, 3, 1)
    assert (report.num_games, report.num_damaged_games, report.num_empty_games) == (4, 1, 1)
    assert report.num_rolls == report.num_plays + report.num_dances + report.num_unplayed + report.num_lost_rolls
    assert report.num_lost_rolls == 2
    assert report.num_unforced + report.num_forced == report.num_plays
    assert report.encodings == {"utf-8": 3, "cp1252": 1}
    assert sum(report.endings.values()) == report.num_games


def test_the_report_as_text_says_what_where_and_why(folder: Path) -> None:
    text = read_all(folder).report.render()
    assert text.startswith("4 logs with 3 matches and 4 games\n")
    assert "not UTF-8: cp1252 1" in text
    assert f"{folder}/5.txt: not a log" in text
    assert f"{folder}/2.mat:2: the same" in text
    assert f"{folder}/4.mat:6: game 1, row 1: '52: 13/7' is not legal" in text
    assert "(2 rolls lost)" in text


def test_the_report_as_dict_is_json(folder: Path) -> None:
    report = read_all(folder).report
    again = json.loads(json.dumps(report.to_dict()))
    assert again["num_plays"] == report.num_plays
    assert again["num_unforced"] == report.num_unforced
    assert again["skipped"][0]["text"] == "52: 13/7"
    assert again["rejected"][0]["file"] == str(folder / "5.txt")


def test_long_lists_are_cut_but_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.records.record.account.MAX_LISTED", 3)
    for i in range(5):
        (tmp_path / f"{i}.txt").write_text("no log")
    report = read_all(tmp_path).report
    assert (len(report.rejected), report.num_rejected) == (3, 5)
    assert report.render(max_entries=2).endswith("... and 3 more")


def test_duplicates_are_kept_when_asked_for(folder: Path) -> None:
    assert read_all(folder, drop_duplicates=False).report.num_matches == 4


def test_the_same_file_twice_is_a_duplicate(tmp_path: Path) -> None:
    (tmp_path / "log.mat").write_text(LOG)
    report = read_all(tmp_path / "log.mat", tmp_path / "log.mat").report
    assert (report.num_matches, report.num_duplicates) == (1, 1)


def test_matches_without_a_play_are_never_duplicates(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(as_match("  1)  Losses 1 point              Wins 1 point\n", 5))
    assert read_all(tmp_path).report.num_matches == 2


def test_a_reading_can_be_repeated_and_begins_a_new_report(folder: Path) -> None:
    reading = read_logs([folder])
    first = [logged.decision.position for logged in reading.decisions()]
    report = reading.report
    assert [logged.decision.position for logged in reading.decisions()] == first
    assert reading.report is not report
    assert reading.report == report
    assert len(first) == report.num_plays


def test_the_report_fills_while_games_are_taken(folder: Path) -> None:
    reading = read_logs([folder])
    assert reading.report.num_games == 0
    games = iter(reading)
    next(games)
    assert (reading.report.num_games, reading.report.num_rejected) == (1, 0)
    assert reading.files == sorted(folder.iterdir())


def test_progress_is_told_in_bytes_of_the_files(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    for _ in read_logs([folder], progress=lambda done, total: told.append((done, total))):
        pass
    sizes = [file.stat().st_size for file in sorted(folder.iterdir())]
    assert told == [(sum(sizes[: i + 1]), sum(sizes)) for i in range(len(sizes))]


def test_matches_come_with_their_records(folder: Path) -> None:
    for record, match in read_logs([folder]).matches():
        assert len(record.games) == len(match.games)
        assert only_match(write_mat(record)).games == record.games


def test_a_reading_without_any_play_is_refused_with_the_first_reason(tmp_path: Path, folder: Path) -> None:
    read_all(folder).report.check()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordError, match=r"no play could be read [(]0 logs, 0 files refused[)]"):
        read_all(empty).report.check()
    (empty / "x.png").write_bytes(b"\x89PNG\0\0\0\0")
    with pytest.raises(RecordError, match=r"no play could be read: .*x\.png: this is no text but a binary file"):
        read_all(empty).report.check()


# -- against the logs beside the project -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_expert_logs_give_their_published_figures() -> None:
    folder = ROOT.parent / "shared" / "data" / "expert"
    files = sorted(folder.glob("*.mat.xz"))
    if not files:
        pytest.skip("no ../shared/data/expert here")
    report = read_all(*files).report
    assert (report.num_games, report.num_plays, report.num_unforced) == (3_200, 159_151, 139_664)
    assert (report.num_lost_rolls, report.num_unplayed, report.num_duplicates) == (0, 0, 0)


Key = tuple[int, int, str, tuple[int, ...], str, int]
"""Game, turn, position, dice, position after the play, number of candidates."""


def label_key(label: dict[str, Any]) -> Key:
    dice = tuple(sorted(label["dice"], reverse=True))
    game = int(label["game"].split("/")[1])
    return game, label["turn"], label["id"], dice, label["played"], label["n"]


def game_keys(game: ReplayedGame) -> Iterator[Key]:
    """One key for each unforced play."""
    before, after = position_ids(game.plays.boards), position_ids(swap(game.plays.afters))
    for i in range(len(game)):
        if game.plays.counts[i] > 1:
            dice = tuple(game.plays.dice[i].tolist())
            yield game.game, int(game.turns[i]), before[i], dice, after[i], int(game.plays.counts[i])


@pytest.mark.slow
def test_the_expert_labels_name_the_plays_that_were_replayed() -> None:
    folder = ROOT.parent / "shared" / "data" / "expert"
    files = sorted(folder.glob("*.mat.xz"))[::8]
    if not files:
        pytest.skip("no ../shared/data/expert here")
    for file in files:
        labels = folder / file.name.replace("gnubg-2ply", "labels-2ply").replace(".mat.", ".jsonl.")
        with lzma.open(labels, "rt") as lines:
            expected = [label_key(json.loads(line)) for line in lines]
        found = [key for game in read_logs([file]) for key in game_keys(game)]
        assert found == expected


@pytest.mark.slow
def test_every_human_log_is_read_without_loss() -> None:
    folder = ROOT.parent / "shared" / "data" / "human"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/human here")
    report = read_all(folder).report
    assert [Path(entry.file).name for entry in report.rejected] == ["LICENSE.md"]
    assert (report.num_files, report.num_games, report.num_plays) == (1_238, 3_489, 133_979)
    assert (report.num_damaged_games, report.num_lost_rolls, report.num_unplayed) == (0, 0, 8)


def test_a_zip_member_without_a_name_is_damage(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), "5 point match")
    reading = read_logs([tmp_path])
    assert not list(reading)
    assert "damaged" in reading.report.rejected[0].reason


def test_limits_hold_on_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "endless.jsonl").symlink_to("/dev/zero")
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(b'{"cands": 1}\n' + b" " * (70 << 20), 1))
    os.mkfifo(tmp_path / "pipe.jsonl")
    os.mkfifo(tmp_path / "pipe.mat")
    with pytest.raises(OSError, match="is no file"):
        read_bounded(Path("/dev/zero"), 100)
    with pytest.raises(OSError, match="more than the 100 bytes"):
        read_bounded(tmp_path / "bomb.jsonl.gz", 100)
    assert read_bounded(tmp_path / "pipe.mat", 100) == b""
    assert find_labels([tmp_path]) == [tmp_path / "bomb.jsonl.gz"]
    with pytest.raises(DataError, match="a line without an end"):
        read_labels([tmp_path / "bomb.jsonl.gz"])
    reading = read_logs([tmp_path])
    assert list(reading) == []
    assert reading.report.num_rejected == 4
    with pytest.raises(DataError, match="no match equity table"):
        read_table(Path("/dev/zero"))
