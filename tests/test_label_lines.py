"""Labelled decisions as JSON lines: equities arrive at their candidates, and a bad line costs no other."""

from __future__ import annotations

import gzip
import json
import lzma
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backgammon.learner.data.decision_shards import Origin, write_decisions
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.notation.gnu_id import START_ID, parse_position_ids, position_ids
from backgammon.notation.play_text import format_play
from backgammon.records import (
    GameRecord,
    Level,
    MatchRecord,
    Notes,
    PlayAnalysis,
    RollAction,
    find_format,
    find_labels,
    labels,
    read_labels,
    read_records,
    write_jsonl,
)
from backgammon.records.formats.registry import LABELS
from backgammon.rules.board import START, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.errors import DataError
from tests.played_games import taste_games
from tests.taste_labels import taste_labels

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "data" / "labels", *(ROOT.parent / "shared" / "data" / name for name in ("bench", "expert")))
Line = dict[str, Any]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(taste_games(4, seed=1), tmp_path_factory.mktemp("s") / "shards")


@pytest.fixture(scope="module")
def lines(shards: Shards) -> list[Line]:
    """Every decision of the shards, candidates best first, with plays, plies and chances."""
    equities, outcomes = taste_labels(shards)
    candidates, offsets = legal_candidates(np.array(shards.boards), np.array(shards.dice))
    before, after = position_ids(np.array(shards.boards)), position_ids(swap(candidates))
    found = []
    for d in range(len(shards)):
        rows = np.arange(offsets[d], offsets[d + 1])
        rows = rows[np.argsort(-equities[rows], kind="stable")]
        cands = [[after[r], "8/5 6/5", float(equities[r]), 0, (outcomes[r] / 65_000).tolist()] for r in rows]
        unit = shards.manifest.units[shards.unit[d]]
        found.append({"game": unit, "id": before[d], "dice": shards.dice[d].tolist(), "n": len(rows), "cands": cands})
    return found


def write(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def decision(**changes: Any) -> Line:
    """The opening 31 with two of its candidates."""
    return {"id": START_ID, "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.159], ["0HPiATDgc/ABMA", -0.01]], **changes}


def test_equities_and_chances_arrive_at_their_candidates(shards: Shards, lines: list[Line], tmp_path: Path) -> None:
    decisions, report = read_labels([write(tmp_path / "a.jsonl", lines)])
    written = write_decisions(decisions, tmp_path / "out", Origin(tuple(report.files), report.to_dict(), report.judge))
    equities, outcomes = taste_labels(shards)
    assert written.equities is not None
    assert written.outcomes is not None
    np.testing.assert_array_equal(written.equities, equities)
    np.testing.assert_array_equal(written.outcomes, outcomes)
    for name in ("boards", "dice", "counts", "unit", "phase"):
        assert getattr(written, name).tolist() == getattr(shards, name).tolist(), name
    best = [equities[a:b].argmax() for a, b in zip(shards.offsets, shards.offsets[1:], strict=False)]
    assert written.chosen.tolist() == best, "the first candidate of a line is the best"
    assert written.manifest.units == shards.manifest.units
    assert written.manifest.report["plies"] == {"0": len(equities)}
    assert written.manifest.teacher == "0-ply"
    assert written.manifest.sources == ("a.jsonl",)
    assert (report.lines, report.decisions, report.judged, report.rejected) == (
        len(lines),
        len(lines),
        len(equities),
        0,
    )
    assert open_shards(written.path).manifest.fingerprint == written.manifest.fingerprint


def test_every_form_of_a_candidate_is_read(tmp_path: Path) -> None:
    five = [0.55, 0.2, 0.01, 0.1, 0.0]
    best = "sGfwATDgc/ABMA"
    forms = [[best, 0.25], [best, 0.25, 2], [best, "8/5 6/5", 0.25], [best, "", 0.25, 2], [best, "", 0.25, 2, five]]
    path = write(tmp_path / "a.jsonl", [decision(cands=[form]) for form in [*forms, [best, 0.25, five]]])
    decisions, report = read_labels([path])
    assert report.rejected == 0
    assert decisions.labels is not None
    judged = decisions.labels.equities.reshape(6, -1)
    assert (~np.isnan(judged)).sum(axis=1).tolist() == [1] * 6
    assert np.nanmax(judged, axis=1).tolist() == [0.25] * 6
    chances = decisions.labels.chances.reshape(6, -1, 5)
    assert np.isnan(chances[:4]).all()
    np.testing.assert_allclose(np.nanmin(chances[4:], axis=1), [five, five], atol=1e-7)
    assert report.plies == {"2": 3, "": 3}


def test_without_chances_there_are_no_outcomes(tmp_path: Path) -> None:
    decisions, _ = read_labels([write(tmp_path / "a.jsonl", [decision()])])
    assert write_decisions(decisions, tmp_path / "out").manifest.labels == ("equities",)


def test_the_played_candidate_the_player_and_the_points_are_taken_over(tmp_path: Path) -> None:
    line = decision(played="0HPiATDgc/ABMA", player="Ann", points=-2, game="7/3")
    written = write_decisions(read_labels([write(tmp_path / "a.jsonl", [line])])[0], tmp_path / "out")
    candidates, _ = legal_candidates(START[None], np.array([[3, 1]], dtype=np.int8))
    assert position_ids(swap(candidates[int(written.chosen[0])][None])) == ["0HPiATDgc/ABMA"]
    assert (written.points[0], written.won[0]) == (-2, -1)
    assert (written.manifest.players, written.manifest.units) == (("Ann",), ("7/3",))


def test_a_line_without_a_game_stands_for_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [decision(), decision(dice=[1, 3]), decision(id="sGfwATDgc/ABMA", dice=[2, 1])])
    decisions, report = read_labels([path])
    assert decisions.unit_names == (f"{START_ID} 31",)
    assert decisions.decisions.unit.tolist() == [0, 0], "the same decision is never on both sides of the split"
    assert report.rejected == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_packed_files_are_read_and_told_from_logs(pack: Any, lines: list[Line], tmp_path: Path) -> None:
    text = b"\n".join(json.dumps(line).encode() for line in lines)
    (tmp_path / "labels.jsonl.any").write_bytes(pack(text))
    (tmp_path / "log.jsonl").write_bytes(pack(b'{"format": "pairgammon-log"}\n'))
    (tmp_path / "game.mat").write_bytes(text)
    assert [path.name for path in find_labels([tmp_path])] == ["labels.jsonl.any"]
    assert read_labels(find_labels([tmp_path]))[1].decisions == len(lines)


BAD_LINES: list[tuple[bytes | Line, str]] = [
    (b"{", "is not JSON"),
    (b"[1]", "not a JSON object"),
    (b"\xff\xfe", "is not JSON"),
    (b'{"id": "' + b"x" * (1 << 20) + b'"}', "is no decision"),
    (decision(id="4HPwATDgc/ABM!"), "is not one of"),
    (decision(id="AAAAAAAAAAAAAA"), "no checkers"),
    (decision(id=position_ids(np.maximum(START, 0)[None])[0]), "the game is over"),
    (decision(dice=[7, 1]), "7"),
    (decision(dice=None), '"dice"'),
    (decision(cands=[]), '"cands" must be'),
    (decision(cands="none"), '"cands" must be'),
    (decision(cands=[["sGfwATDgc/ABMA"]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", "8/5"]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", None]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", float("nan")]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", 7.5]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", 0.1, 0, [0.5, 0.1]]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", 0.1, 0, [0.5, 0.1, 0, 0, "x"]]]), "is no candidate"),
    (decision(cands=[["sGfwATDgc/ABMA", 0.1, 0, [0.5, 0.1, 0, 0, 1.5]]]), "is no candidate"),
    (decision(cands=[[7, 0.1]]), "is no candidate"),
    (decision(cands=[3]), "is no candidate"),
    (decision(cands=[[START_ID, 0.1]]), "no legal result"),
    (decision(cands=[["sGfwATDgc/ABMA", 0.1], ["sGfwATDgc/ABMA", 0.2]]), "comes twice"),
    (decision(played=START_ID), "no legal result"),
    (decision(played=3), '"played" must'),
    (decision(points=4), '"points" must'),
    (decision(points="2"), '"points" must'),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_named_and_costs_no_other(line: bytes | Line, message: str, tmp_path: Path) -> None:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    good = json.dumps(decision()).encode()
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([good, b"", text, good, b""]))
    decisions, report = read_labels([tmp_path / "a.jsonl"])
    assert (len(decisions), report.lines, report.rejected) == (2, 3, 1)
    assert report.problems[0].startswith("a.jsonl, line 3: ")
    assert message in report.problems[0]
    assert len(report.problems[0]) < 300


def test_what_was_left_out_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MAX_PROBLEMS", 2)
    _, report = read_labels([write(tmp_path / "a.jsonl", [decision(), *[decision(dice=[0, 0])] * 5])])
    text = report.render()
    assert text.startswith("1 labelled decisions, 2 judged candidates, 1 files; 5 lines left out:\n  a.jsonl, line 2")
    assert text.endswith("and 3 more")
    assert json.dumps(report.to_dict())


def test_a_file_cut_short_gives_what_can_be_read(lines: list[Line], tmp_path: Path) -> None:
    text = b"\n".join(json.dumps(line).encode() for line in lines)
    packed = gzip.compress(text)
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    done: list[tuple[int, int]] = []
    _, report = read_labels([tmp_path / "a.jsonl.gz"], lambda *bytes_done: done.append(bytes_done))
    assert 0 < report.decisions < len(lines)
    assert "cannot be read beyond line" in report.problems[-1]
    assert done == [(len(packed) // 2,) * 2]


def test_files_without_a_usable_line_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [decision(dice=[0, 0])])
    with pytest.raises(DataError, match=r"no labelled decision can be read\n  a.jsonl, line 1"):
        read_labels([path])
    with pytest.raises(DataError, match="cannot be read beyond line 0"):
        read_labels([tmp_path / "nowhere.jsonl"])


def test_an_equity_written_as_a_whole_number_is_no_ply(tmp_path: Path) -> None:
    best, other = "sGfwATDgc/ABMA", "0HPiATDgc/ABMA"
    spellings = [[[best, 1], [other, 0]], [[best, 1, 2], [other, 0, 2]], [[best, "8/5 6/5", 1, 2], [other, "", 0, 2]]]
    found, report = read_labels([write(tmp_path / "a.jsonl", [decision(cands=cands) for cands in spellings])])
    assert report.plies == {"2": 4, "": 2}
    assert [np.nanmax(found.losses[a:b]) for a, b in pairwise(found.decisions.offsets)] == [1.0] * 3


def test_the_first_candidate_is_the_best_also_where_a_shallow_one_shows_more(tmp_path: Path) -> None:
    cands = [["sGfwATDgc/ABMA", 0.1, 2], ["0HPiATDgc/ABMA", 0.3, 0], ["4HPiASjgc/ABMA", 0.05, 2]]
    found, _ = read_labels([write(tmp_path / "a.jsonl", [decision(cands=cands, played="0HPiATDgc/ABMA")])])
    assert found.labels is not None
    assert position_ids(swap(found.decisions.candidates[found.labels.best])) == ["sGfwATDgc/ABMA"]
    assert position_ids(swap(found.decisions.afters)) == ["0HPiATDgc/ABMA"]
    losses = found.losses[~np.isnan(found.losses)]
    np.testing.assert_allclose(np.sort(losses), [0, 0, 0.05], atol=1e-7)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_spelling_of_the_data_folders_is_read(folder: Path, tmp_path: Path) -> None:
    if not folder.is_dir():
        pytest.skip("these data lie beside the project")
    path = sorted(folder.glob("*.jsonl.xz"))[0]
    with lzma.open(path) as file:
        text = b"".join(islice(file, 500))
    (tmp_path / "some.jsonl").write_bytes(text)
    found, report = read_labels([tmp_path / "some.jsonl"])
    assert (report.decisions, report.rejected) == (500, 0)
    for index, line in enumerate(map(json.loads, text.splitlines()[:50])):
        entry = line["cands"][-1]
        rows = slice(*found.decisions.offsets[index : index + 2].tolist())
        after = position_ids(swap(found.decisions.candidates[rows])).index(entry[0])
        equity = next(value for value in entry[1:] if isinstance(value, float))
        assert found.labels is not None
        assert found.labels.equities[rows][after] == np.float32(equity)


def test_labels_are_a_format_of_records(lines: list[Line], tmp_path: Path) -> None:
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:20])
    assert find_format(text).name == "labels"
    records = read_records(text, "a.jsonl")
    assert len(records) == 20
    written = LABELS.write(*records) if LABELS.write else ""
    (tmp_path / "a.jsonl").write_bytes(text)
    (tmp_path / "b.jsonl").write_text(written)
    (one, _), (other, report) = (read_labels([tmp_path / name]) for name in ("a.jsonl", "b.jsonl"))
    assert report.rejected == 0
    assert one.labels is not None
    assert other.labels is not None
    np.testing.assert_array_equal(one.decisions.candidates, other.decisions.candidates)
    for name in ("best", "plies", "is_cubeful"):
        np.testing.assert_array_equal(getattr(one.labels, name), getattr(other.labels, name))
    for name in ("equities", "chances"):
        np.testing.assert_allclose(getattr(one.labels, name), getattr(other.labels, name), atol=2e-6)


def test_a_log_with_an_analysis_brings_labels_of_its_own(tmp_path: Path) -> None:
    opening = Decision.make(Position(START), (3, 1))
    rows = [opening.row_of(swap(parse_position_ids([after]))[0]) for after in ("sGfwATDgc/ABMA", "0HPiATDgc/ABMA")]
    plays = PlayAnalysis(
        opening.candidates[rows],
        np.array([0.159, -0.01], dtype=np.float32),
        np.full((2, 6), np.nan, dtype=np.float32),
        (Level("evaluation", 2),) * 2,
    )
    roll = RollAction(0, (3, 1), format_play(opening.plays[rows[1]]), notes=Notes(plays))
    match = MatchRecord(0, (GameRecord(1, ("Ann", "Bob"), (0, 0), (roll,)),))
    (tmp_path / "log.jsonl").write_text(write_jsonl(match))
    found, report = read_labels([tmp_path / "log.jsonl"])
    assert (report.decisions, report.judge, found.players) == (1, "2-ply", ["Ann"])
    assert found.labels is not None
    assert (found.labels.best[0], found.decisions.chosen_rows[0]) == tuple(rows)
    assert found.labels.is_cubeful.all()
    assert found.losses[rows] == pytest.approx([0, 0.169])
