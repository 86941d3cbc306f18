"""The script that compares a model with people's plays: by position, unforced plays only, clustered by match."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.measure.people_agreement import (
    FEWEST,
    OTHERS,
    read_analysed_plays,
    read_log_plays,
    score_people,
)
from backgammon.notation import parse_play
from backgammon.notation.gnu_id import START_ID
from backgammon.records import DecisionSet, write_mat
from backgammon.table.session import Session, play_session
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from scripts.human_agreement import main

FORCED_ID = "tm3ABwDgc/ABYA"
"""Two own checkers on the bar, and of the points of a 31 only the 24 open: bar/24 is forced."""
LISTED = [{"m": "8/5 6/5", "e": 0.16}, {"m": "13/10 24/23", "e": 0.01}, {"m": "24/21 24/23", "e": -0.02}]


def play(**fields: Any) -> dict[str, Any]:
    entry = {"game": "one", "kind": "move", "pid": START_ID, "dice": [3, 1], "player": "anna", "played": "6/5 8/5"}
    return {**entry, "c": LISTED, **fields}


def write(path: Path, *entries: object) -> Path:
    text = "".join(entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in entries)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def rows_of(found: DecisionSet, *texts: str) -> Int64s:
    return np.array([parse_play(text, one) for text, one in zip(texts, found.decisions, strict=True)])


def test_plays_are_compared_as_positions_and_losses_come_from_the_list(tmp_path: Path) -> None:
    path = write(
        tmp_path / "plays.jsonl.gz",
        play(),
        play(played="24/23 13/10", game="one_002"),
        play(played="24/21 24/23", game="two"),
        play(game="two"),
    )
    found = read_analysed_plays([path]).found
    # the model: the best; the second; the best; one that is not listed
    everything = score_people(found, rows_of(found, "8/5 6/5", "13/10 24/23", "8/5 6/5", "24/20"))[0]
    assert (everything.name, everything.decisions, everything.matches) == ("all", 4, 2)
    assert everything.people.value == 0.5
    assert everything.gnubg is not None
    assert everything.gnubg.value == 0.5
    assert everything.both is not None
    assert everything.both.value == 0.5
    assert everything.loss is not None
    assert everything.loss.value == pytest.approx((0 + 150 + 0) / 3)
    assert everything.unlisted == 0.25
    assert everything.people_loss is not None
    assert everything.people_loss.value == pytest.approx((0 + 150 + 180 + 0) / 4)
    assert everything.people_unlisted == 0.0


def test_a_choice_that_looks_better_than_the_best_gains_nothing(tmp_path: Path) -> None:
    listed = [{"m": "8/5 6/5", "e": 0.1}, {"m": "24/20", "e": 0.2}]
    found = read_analysed_plays([write(tmp_path / "plays.gz", play(c=listed))]).found
    [everything, *_] = score_people(found, rows_of(found, "24/20"))
    assert everything.loss is not None
    assert everything.loss.value == 0.0


def test_players_with_few_plays_are_taken_together(tmp_path: Path) -> None:
    entries = [play(player="often")] * FEWEST + [play(player="rare"), play(player="seldom")]
    found = read_analysed_plays([write(tmp_path / "plays.gz", *entries)]).found
    rows = score_people(found, np.zeros(len(found), np.int64))
    assert {row.name: row.decisions for row in rows} == {"all": 302, "other": 302, "often": 300, OTHERS: 2}


def test_what_is_no_choice_is_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "plays.gz",
        play(),
        {"kind": "cube", "game": "one", "act": "doubles"},
        play(played="cannot move", c=[]),
        play(played="13/2"),
        play(pid=FORCED_ID, played="bar/24", c=[{"m": "bar/24", "e": -0.9}]),
    )
    report = json.loads(CliRunner().invoke(main, [str(path), "--json"], catch_exceptions=False).stdout)
    assert report["analysed plays"]["left out"] == {"forced": 1, "cube": 1, "dance": 1, "illegal": 1}
    assert report["analysed plays"]["rows"][0]["decisions"] == 1
    assert "cubeful" in report["caveat"]


def test_logs_without_analysis_give_agreement_only(tmp_path: Path) -> None:
    log = tmp_path / "games.mat"
    session = Session(("pipcount", "random"), seed=1, num_games=4)
    log.write_text(write_mat(play_session((PipCountPlayer(), RandomPlayer()), session)), encoding="utf-8")
    found = read_log_plays([log]).found
    [everything, *_] = score_people(found, found.decisions.chosen_rows)
    assert (everything.people.value, everything.gnubg, everything.loss) == (1.0, None, None)
    assert everything.matches == 4, "games of a money session are independent"
    out = CliRunner().invoke(main, ["--logs", str(log)], catch_exceptions=False).stdout
    assert f"all{len(found):23,d}" in out
    assert "gnubg" not in out


@pytest.mark.parametrize(
    ("line", "part"),
    [("{\n", "plays.gz:2"), ('{"kind": "move"}\n', "KeyError 'c'"), (json.dumps(play(pid="x")) + "\n", "illegal")],
)
def test_files_of_something_else_are_refused(tmp_path: Path, line: str, part: str) -> None:
    path = write(tmp_path / "plays.gz", play(), line)
    if part == "illegal":
        assert +read_analysed_plays([path]).skipped == {"illegal": 1}
        return
    with pytest.raises(DataError, match=part):
        read_analysed_plays([path])


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "plays.gz").write_bytes(b"\x1f\x8bno gzip")
    refused = CliRunner().invoke(main, [str(tmp_path / "plays.gz")])
    assert refused.exit_code == 1
    [line] = refused.stderr.splitlines()
    assert "cannot be unpacked" in line
