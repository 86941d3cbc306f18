"""The store of judged matches and errors: what goes in comes out, what was learnt stays, nothing damaged is trusted."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backgammon.analysis import error_store
from backgammon.analysis.cube_spots import NO_DOUBLE
from backgammon.analysis.document import as_document
from backgammon.analysis.error_store import LEAST_LOSS, SHOWN_CANDIDATES, ErrorStore
from backgammon.analysis.flash_cards import write_anki, write_xg_text
from backgammon.analysis.judging import judge_match
from backgammon.analysis.ranking import PlayJudge, StakesJudge
from backgammon.analysis.repetition import AGAIN_SECONDS, DAY, FIRST, LONGEST_DAYS, schedule_next
from backgammon.analysis.report import Report, make_report
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.notation.play_text import complete_play
from backgammon.records import read_logs, read_records, replay_match
from backgammon.records.replay.logged_labels import labelled_decisions
from backgammon.search import CubefulSearcher, Ranker, Searcher, SearchSettings
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import RecordError
from tests.evaluators import PipEvaluator

ANN, BOB = "ann", "bob"


def judged(seed: int) -> Report:
    record = play_session((RandomPlayer(), PipCountPlayer()), Session((ANN, BOB), seed=seed, length=1))
    judge = PlayJudge(Ranker(Searcher(PipEvaluator(), SearchSettings(plies=0))))
    return make_report(judge_match(record, replay_match(record), judge))


@pytest.fixture(scope="module")
def report() -> Report:
    return judged(4)


@pytest.fixture
def store(tmp_path: Path) -> ErrorStore:
    return ErrorStore(tmp_path / "data" / "errors.sqlite")


def test_a_kept_match_comes_out_as_it_went_in(store: ErrorStore, report: Report) -> None:
    number = store.keep(report, "one", now=100.0)
    document = store.document(number)
    assert document["games"] == as_document(report, SHOWN_CANDIDATES)["games"]
    (listed,) = store.matches()
    counted = [[roll.loss for roll in report.match.rolls if roll.seat == seat and roll.is_counted] for seat in (0, 1)]
    assert [seat["decisions"] for seat in listed["seats"]] == [len(losses) for losses in counted]
    assert [seat["lost"] for seat in listed["seats"]] == pytest.approx([sum(losses) for losses in counted])


def test_exactly_the_plays_that_lost_enough_are_kept_largest_first(store: ErrorStore, report: Report) -> None:
    store.keep(report, "one", now=100.0)
    expected = sorted(roll.loss for roll in report.match.rolls if roll.seat == 0 and roll.loss >= LEAST_LOSS)
    found = store.errors(ANN)
    assert [one.loss for one in found] == pytest.approx(expected[::-1])
    assert dict(store.players())[ANN] == len(expected)
    assert all(one.entry["xgid"] == one.xgid and one.schedule == FIRST._replace(due=100.0) for one in found)


def test_a_match_judged_again_replaces_the_old_one_and_what_was_learnt_stays(store: ErrorStore, report: Report) -> None:
    store.keep(report, "one", now=100.0)
    first = store.errors(ANN)[0]
    after = store.answer(first.number, 0.0, now=200.0)
    store.keep(replace(report, worst=()), "one", now=300.0)
    assert len(store.matches()) == 1
    same = [one for one in store.errors(ANN) if one.xgid == first.xgid]
    assert after in [one.schedule for one in same]
    assert all(one.schedule.due in (100.0, after.due) for one in store.errors(ANN))


def test_errors_are_asked_when_they_are_due_and_wrong_ones_come_back(store: ErrorStore, report: Report) -> None:
    store.keep(report, "one", now=100.0)
    total = len(store.errors(ANN))
    assert store.due(ANN, now=99.0) == (None, 0)
    question, count = store.due(ANN, now=100.0)
    assert question is not None
    assert (count, question.loss) == (total, store.errors(ANN)[0].loss)
    store.answer(question.number, 0.5, now=100.0)
    assert store.due(ANN, now=101.0)[1] == total - 1
    again, count = store.due(ANN, now=100.0 + AGAIN_SECONDS)
    assert again is not None
    assert (again.number, count) == (question.number, total)  # what was asked before goes first
    store.answer(question.number, 0.0, now=1000.0)
    assert store.due(ANN, now=1000.0 + DAY - 1)[1] == total - 1


def test_rates_are_ratios_of_sums_with_an_interval_from_two_matches_on(store: ErrorStore) -> None:
    reports = [judged(seed) for seed in (4, 5, 6)]
    store.keep(reports[0], "0", now=0.0)
    assert (store.rates(ANN)[0]["low"], store.rates(ANN)[0]["high"]) == (None, None)
    for index, report in enumerate(reports[1:], start=1):
        store.keep(report, str(index), now=float(index))
    losses = [r.loss for report in reports for r in report.match.rolls if r.seat == 0 and r.is_counted]
    line = store.rates(ANN)[0]
    assert (line["phase"], line["decisions"], line["matches"]) == ("all", len(losses), 3)
    assert line["rate"] == pytest.approx(500 * np.mean(losses))
    assert not line["cubeful"]
    assert line["low"] < line["rate"] < line["high"]
    assert sum(one["decisions"] for one in store.rates(ANN)[1:]) == len(losses)
    assert store.rates("nobody") == []


def test_a_forgotten_match_takes_its_errors_along(store: ErrorStore, report: Report) -> None:
    number = store.keep(report, "one", now=0.0)
    store.forget(number)
    assert (store.matches(), store.players(), store.errors(ANN)) == ([], [], [])
    with pytest.raises(RecordError, match="there is no match"):
        store.document(number)
    with pytest.raises(RecordError, match="there is no error"):
        store.answer(1, 0.0, now=0.0)


@pytest.mark.parametrize("content", [b"nonsense" * 500, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_no_store_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "errors.sqlite"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"errors\.sqlite: the store of errors cannot be used"):
        ErrorStore(path).matches()
    assert path.read_bytes() == content


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "errors.sqlite"
    ErrorStore(path).keep(report, "one", now=0.0)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RecordError, match="later version"):
        ErrorStore(path).matches()


@pytest.mark.parametrize(
    "damage",
    [
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'seat INTEGER', '`seat INTEGER')",
        "PRAGMA writable_schema = ON; "
        "UPDATE sqlite_master SET sql = replace(sql, 'seat INTEGER', CAST(x'60f5' AS TEXT) || 'seat INTEGER')",
    ],
    ids=["a table that is none", "a table named by bytes that are no text"],
)
def test_a_damaged_table_is_said_in_one_line(damage: str, store: ErrorStore, report: Report, tmp_path: Path) -> None:
    store.keep(report, "one", now=0.0)
    connection = sqlite3.connect(tmp_path / "data" / "errors.sqlite")
    connection.executescript(damage)
    connection.close()
    with pytest.raises(RecordError, match=r"cannot be used .*; move it away") as refused:
        store.matches()
    assert "\n" not in str(refused.value)


def test_a_damaged_document_is_said(store: ErrorStore, report: Report, tmp_path: Path) -> None:
    number = store.keep(report, "one", now=0.0)
    with sqlite3.connect(tmp_path / "data" / "errors.sqlite") as connection:
        connection.execute("UPDATE matches SET document = x'00'")
    connection.close()
    with pytest.raises(RecordError, match="damaged in the store"):
        store.document(number)


@pytest.mark.parametrize(
    "change",
    [
        "entry = '{'",
        "entry = '[]'",
        "entry = replace(entry, '\"candidates\": [', '\"candidates\": [3, ')",
        "entry = replace(entry, '\"board\": [', '\"board\": [200, ')",
        "entry = replace(entry, '\"dice\": [', '\"dice\": [7, ')",
        'entry = replace(entry, \'"equity": \', \'"equity": 1e400, "was": \')',
        "entry = replace(entry, '\"played\": ', '\"plaid\": ')",
        "xgid = 'XGID=other'",
        "loss = 'much'",
        "failed = 'often'",
    ],
)
def test_an_error_that_no_document_holds_is_said(
    change: str, store: ErrorStore, report: Report, tmp_path: Path
) -> None:
    store.keep(report, "one", now=0.0)
    assert store.errors(ANN)
    with sqlite3.connect(tmp_path / "data" / "errors.sqlite") as connection:
        connection.execute(f"UPDATE errors SET {change}")
    connection.close()
    for ask in (lambda: store.errors(ANN), lambda: store.due(ANN, now=1.0), lambda: store.error(1)):
        with pytest.raises(RecordError, match=r"is damaged in the store: analyse .* again"):
            ask()


@pytest.mark.parametrize("content", [b"[]", b"3", b"[" * 100_000, b"\xff"], ids=["list", "number", "deep", "no text"])
def test_a_document_that_is_none_is_said(content: bytes, store: ErrorStore, report: Report, tmp_path: Path) -> None:
    number = store.keep(report, "one", now=0.0)
    packed = zlib.compress(content)
    for damaged in (packed, packed[:-3], "text"):
        with sqlite3.connect(tmp_path / "data" / "errors.sqlite") as connection:
            connection.execute("UPDATE matches SET document = ?", (damaged,))
        connection.close()
        with pytest.raises(RecordError, match="analyse it again"):
            store.document(number)


def test_a_document_that_never_ends_costs_no_memory(
    store: ErrorStore, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_store, "MAX_DOCUMENT", 1_000)
    number = store.keep(report, "one", now=0.0)
    with pytest.raises(RecordError, match="damaged in the store"):
        store.document(number)


def test_times_grow_with_right_answers_stay_with_near_ones_and_never_pass_the_longest() -> None:
    schedule = FIRST
    days = []
    for _ in range(10):
        schedule = schedule_next(schedule, 0.0, schedule.due)
        days.append(schedule.days)
    assert days[:3] == [1.0, 2.5, 6.25]
    assert days[-1] == LONGEST_DAYS
    assert schedule_next(schedule, 0.01, 0.0).days == schedule.days
    lost = schedule_next(schedule, 0.02, 0.0)
    assert (lost.due, lost.days, lost.failed, lost.asked) == (AGAIN_SECONDS, 0.0, 1, 11)


def test_cards_for_anki_have_three_fields_in_one_line_and_no_markup_from_names(store: ErrorStore) -> None:
    report = judged(4)
    hostile = replace(report, match=replace(report.match, players=("<b>\tann", BOB)))
    store.keep(hostile, "one", now=0.0)
    head, *cards = [line for line in write_anki(store.errors("<b>\tann")).splitlines() if not line.startswith("#")]
    assert len([head, *cards]) == len(store.errors("<b>\tann"))
    for card in (head, *cards):
        front, back, tags = card.split("\t")
        assert front.startswith("<svg")
        assert back.startswith("<table>")
        assert tags.startswith("backgammon ")
        assert "<b>" not in card


def test_the_text_for_xg_is_read_back_with_the_same_equities(store: ErrorStore, report: Report) -> None:
    store.keep(report, "one", now=0.0)
    errors = store.errors(ANN)
    records = read_records(write_xg_text(errors).encode(), "errors.txt")
    assert len(records) == len(errors)
    for record, error in zip(records, errors, strict=True):
        (decision,) = labelled_decisions(record.games[0], replay_match(record).games[0])
        told = {one["play"]: one["equity"] for one in error.entry["candidates"]}
        for text, equity in told.items():
            row = complete_play(text, decision.decision)
            place = decision.analysis.row_of(decision.decision.candidates[row])
            assert place is not None
            assert decision.analysis.equities[place] == pytest.approx(equity, abs=6e-4)


# Judged with the cube


@pytest.fixture(scope="module")
def at_stakes() -> Report:
    """A 5-point match with a double and with doubles that were missed."""
    ((record, replayed),) = read_logs([Path(__file__).parent / "vectors" / "logs" / "gnubg-match5.mat"]).matches()
    judge = StakesJudge(StakesEngine(CubefulSearcher(PipEvaluator()), SearchSettings(plies=0)))
    report = make_report(judge_match(record, replayed, judge))
    cubes = report.match.games[0].cubes
    # the double as an error, whatever so weak a judge thinks of it
    changed = tuple(replace(one, loss=0.1) if one.action != NO_DOUBLE else one for one in cubes)
    games = (replace(report.match.games[0], cubes=changed), *report.match.games[1:])
    return make_report(replace(report.match, games=games))


def test_the_pr_of_the_store_is_that_of_the_report(store: ErrorStore, at_stakes: Report) -> None:
    store.keep(at_stakes, "one", now=0.0)
    (match,) = store.matches()
    assert match["cubeful"]
    for seat, player in zip(match["seats"], at_stakes.players, strict=True):
        assert player.cube is not None
        assert seat["decisions"] == player.cube.pr_plays + player.cube.pr_cubes
        assert seat["rate"] == pytest.approx(player.cube.pr.value)
        lines = {line["phase"]: line for line in store.rates(player.name)}
        assert lines["all"]["rate"] == pytest.approx(player.cube.pr.value)
        assert lines["plays"]["rate"] == pytest.approx(player.cube.checker_pr.value)
        assert lines["cube"]["rate"] == pytest.approx(player.cube.cube_pr.value)
        assert all(line["cubeful"] for line in lines.values())


def test_matches_judged_without_the_cube_do_not_mix_with_a_pr(
    store: ErrorStore, at_stakes: Report, report: Report
) -> None:
    names = at_stakes.match.players
    store.keep(at_stakes, "one", now=0.0)
    before = store.rates(names[0])
    store.keep(replace(report, match=replace(report.match, players=names)), "two", now=1.0)
    assert store.rates(names[0]) == before
    assert len(store.matches()) == 2


def test_errors_of_the_cube_are_kept_and_written_for_other_programs(store: ErrorStore, at_stakes: Report) -> None:
    store.keep(at_stakes, "one", now=0.0)
    for action, seat in (("double", 0), ("take", 1)):
        player = at_stakes.match.players[seat]
        cubes = [error for error in store.errors(player) if error.is_cube]
        if action not in [error.entry["action"] for error in cubes]:
            player = at_stakes.match.players[1 - seat]
            cubes = [error for error in store.errors(player) if error.is_cube]
        (error,) = [error for error in cubes if error.entry["action"] == action]
        assert "verdict" in error.entry
        (card,) = [line for line in write_anki([error]).splitlines() if not line.startswith("#")]
        front, back, tags = card.split("\t")
        assert ("double?" if action == "double" else "take?") in front
        assert error.entry["verdict"]["wording"] in back
        assert tags == "backgammon cube"
        (record,) = read_records(write_xg_text([error]).encode(), "errors.txt")
        notes = [one.notes.cube for one in record.games[0].actions if one.notes is not None and one.notes.cube]
        values = [(one.no_double, one.double_take, one.double_pass) for one in notes]
        assert values[0] == pytest.approx(error.entry["verdict"]["equities"], abs=6e-4)


def test_a_store_of_the_first_version_goes_on(tmp_path: Path, at_stakes: Report) -> None:
    path = tmp_path / "errors.sqlite"
    ErrorStore(path).keep(at_stakes, "one", now=0.0)
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE matches DROP COLUMN cubeful")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    (match,) = ErrorStore(path).matches()
    assert not match["cubeful"], "all that it held was judged without the cube"
    ErrorStore(path).keep(at_stakes, "one", now=1.0)
    assert ErrorStore(path).matches()[0]["cubeful"]
