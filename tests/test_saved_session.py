from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backgammon.cli.resumed_game import ResumedGame
from backgammon.evaluation.player import PipCountPlayer
from backgammon.records import write_mat
from backgammon.rules.game import Stage
from backgammon.table.arena.options import parse_set_up
from backgammon.table.saved_session import SavedSession, open_session, parse_session
from backgammon.tools.errors import ConfigError, RecordError

NAMES = ("ann", "bob")
PIPCOUNT = PipCountPlayer()


def play_on(session: SavedSession, count: int, seed: int = 1) -> None:
    """Play some rolls, now and then take one back, begin the next game when one ends."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        if session.is_over:
            return
        if session.state.is_over:
            session.next_game()
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(int(rng.integers(len(session.decision().candidates))))
        if rng.random() < 0.2 and session.can_take_back(0):
            session.take_back(0)


@pytest.mark.parametrize("count", [0, 1, 7, 60, 2000])
def test_a_session_opened_again_stands_where_it_stood(count: int, tmp_path: Path) -> None:
    session = SavedSession(NAMES, seed=8, length=5, about={"level": "casual"})
    play_on(session, count)
    session.save(tmp_path / "game.json")
    again = open_session(tmp_path / "game.json")
    assert again.state == session.state
    assert again.score == session.score
    assert again.about == session.about
    assert again.actions == session.actions
    assert write_mat(again.record()) == write_mat(session.record())
    assert again.can_take_back(0) == session.can_take_back(0)


def test_a_session_goes_on_with_the_same_dice_as_if_it_had_never_been_put_away() -> None:
    one = SavedSession(NAMES, seed=3, num_games=2)
    play_on(one, 10)
    two = parse_session(one.to_text())
    play_on(one, 500, seed=5)
    play_on(two, 500, seed=5)
    assert one.to_text() == two.to_text()


def test_a_set_up_and_dice_from_the_table_are_kept() -> None:
    start = parse_set_up({"position": "4HPwATDgc/ABMA", "dice": (3, 1), "first": 1})
    session = SavedSession(NAMES, seed=3, num_games=1, start=start)
    session.play(0)
    session.throw_dice((6, 5))
    session.rethrow_dice((6, 4))
    again = parse_session(session.to_text())
    assert again.state == session.state
    assert again.state.roll == (6, 4)
    again.resign(0, 2)
    assert parse_session(again.to_text()).state == again.state


def broken(**changes: Any) -> str:
    session = SavedSession(NAMES, seed=3)
    play_on(session, 4)
    return json.dumps({**json.loads(session.to_text()), **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no saved session"),
        ("[" * 100_000, "no saved session"),
        ("[]", "no saved session of pairgammon"),
        (broken(version=2), "version '2'"),
        (broken(names=["a"]), "names: two texts"),
        (broken(seed=-1), "seed -1"),
        (broken(seed=True), "seed: a whole number"),
        (broken(length=10**30), "match length"),
        (broken(about=[]), "about: an object"),
        (broken(start={"position": "x"}), "start:"),
        (broken(actions={}), "actions: a list"),
        (broken(actions=[["play", "4HPwATDgc/ABMA"]]), 'action 1, \'["play",'),
        (broken(actions=[["throw", 1]]), "action 1"),
        (broken(actions=[["throw"], ["play", 7]]), "action 2"),
        (broken(actions=[["resign", 2, 1]]), "a seat is 0 or 1"),
        (broken(actions=[["dance"]]), "there is no such action"),
        (broken(actions=[7]), "an action is a list"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_what_and_where(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"game\.json") as caught:
        open_session(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_devices_pipes_and_endless_files_are_no_saved_games(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")  # reading would wait for a writer for ever
    with pytest.raises(RecordError, match=r"pipe\.json"):
        open_session(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="is no file"):
        open_session(tmp_path / "zero.json")
    for name in ("zero.json", "zero.mat", "zero.jsonl"):
        if not (tmp_path / name).exists():
            (tmp_path / name).symlink_to("/dev/zero")
        with pytest.raises(ConfigError, match="no such file"):
            ResumedGame(str(tmp_path / name), {}, seed=1)
