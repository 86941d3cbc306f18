"""Texts of positions and games that other programs export: eXtreme Gammon, BGBlitz, GNU Backgammon, Snowie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.notation import format_play, position_id
from backgammon.records import (
    BeaverAction,
    DoubleAction,
    DropAction,
    LabelledDecision,
    Level,
    MatchRecord,
    Notes,
    RollAction,
    TakeAction,
    labelled_decisions,
    read_records,
    replay_match,
)
from backgammon.records.formats import gnubg_text, snowie, xg_text
from backgammon.records.record.annotation import EVALUATION, ROLLOUT
from backgammon.rules.board import Position
from backgammon.tools.errors import RecordError

SAMPLES = Path(__file__).resolve().parent.parent.parent / "shared" / "samples" / "gnubg"

XG_PLAY = """XGID=-b----E-C---eE---c-e----B-:0:0:1:31:2:1:0:7:10

X:Ann   O:Bob the builder
Score is X:2 O:1 7 pt.(s) match.
 +13-14-15-16-17-18------19-20-21-22-23-24-+
 | X           O    |   | O              X |
 +12-11-10--9--8--7-------6--5--4--3--2--1-+
Pip count  X: 167  O: 167 X-O: 2-1/7
Cube: 1
X to play 31

    1. XG Roller++ 8/5 6/5                      eq:+0.159
      Player:   55.21% (G:17.44% B:1.07%)
      Opponent: 44.79% (G:12.31% B:0.54%)

    2. 4-ply       24/21 6/5                    eq:-0.022 (-0.181)
      Player:   50.19% (G:13.58% B:0.60%)
      Opponent: 49.81% (G:13.92% B:0.63%)

    3. Rollout\u00b9    13/10 24/23                  eq:-0.043 (-0.202)

    4. 2-ply       13/5                         eq:-0.500 (-0.659)

eXtreme Gammon Version: 2.19.211.pre-release, MET: Kazaross XG2
"""

XG_CUBE = """XGID=---aBBCCCB----a-aa-babbbb-:1:1:1:00:1:2:0:9:10

X:Ann   O:Bob
Punktzahl ist  X:1 O:2 9 Pkt (e) match.
Dopplerw\u00fcrfel: 2, X Dopplerw\u00fcrfel im Besitz

Analysiert in 4-ply
Spieler Gewinnchancen:   89.87% (G:7.61% B:0.29%)
Gewinnchancen des Gegners: 10.13% (G:0.61% B:0.01%)

Equities ohne Dopplerw\u00fcrfel: Nicht Doppeln=+0.881, Doppeln=+1.928

Equities mit Dopplerw\u00fcrfel:
       Nicht Redoppeln:    +1.027
       Redoppeln/Annehmen: +1.869 (+0.842)
       Redoppeln/Ablehnen: +1.000 (-0.027)

Prozent von falschen Annehmen: 3.1%
"""

BLITZ_PLAY = """ +13-14-15-16-17-18------19-20-21-22-23-24-+   O: Green  167
 | X           O    |   | O              X |
v|                  |BAR|                  |
 +12-11-10--9--8--7-------6--5--4--3--2--1-+   X: Red  167

 Position-ID: 4HPwATDgc/ABMA    Match-ID: cAkAAAAAAAAE
 XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:7:10

 Green - 0 Red - 0 in a 7 point match.
 Red to move 1-3

Evaluation  (EMG)
 ==========
  1.   0.524 mwp /   0.158            8/5, 6/5
       0.552  0.174  0.011  -  0.448  0.123  0.005

  2.   0.497 mwp /  -0.022  (-0.180)  24/23, 13/10
       0.501  0.135  0.006  -  0.499  0.139  0.006
"""

BLITZ_CUBE = """ +13-14-15-16-17-18------19-20-21-22-23-24-+   O: \u7dd1  87
 +12-11-10--9--8--7-------6--5--4--3--2--1-+   X: \u8d64  99

 Position-ID: 29aUAAjY7m4AAA    Match-ID: UQkgASAACAAE
 XGID=---aBBCCCB----a-aa-babbbb-:1:1:1:00:1:2:0:9:10

 \u7dd1 - 2 \u8d64 - 1 in a 9 point match.

              \u52dd\u3061  \u30ae\u30e3\u30e2\u30f3\u4ee5\u4e0a
 \u7dd1            12.9  0.9   0.0
 \u8d64            87.1  6.8   0.1
 \u671f\u5f85\u5024 (\u30ad\u30e5\u30fc\u30d6\u306a\u3057): 0.801  \u6a19\u6e96\u504f\u5dee: 0.072

 \u30c0\u30d6\u30eb / \u964d\u308a\u308b             :  0.560   ( 0.000)      1.000   ( 0.000)
 \u30c0\u30d6\u30eb / \u53d7\u3051\u308b             :  0.639   ( 0.079)      1.680   ( 0.680)
 \u30c0\u30d6\u30eb\u305b\u305a                 :  0.556   (-0.004)      0.969   (-0.031)
"""


def only(text: str, read: object = xg_text.read) -> MatchRecord:
    assert callable(read)
    (match,) = read(text.encode(), "test.txt")
    assert isinstance(match, MatchRecord)
    return match


def labelled(match: MatchRecord) -> list[LabelledDecision]:
    (game,) = match.games
    (replayed,) = replay_match(match).games
    return list(labelled_decisions(game, replayed))


def texts(label: LabelledDecision) -> list[str]:
    return [format_play(label.decision.plays[row]) for row in label.rows]


def notes_of(match: MatchRecord) -> Notes:
    notes = match.games[0].actions[0].notes
    assert notes is not None
    return notes


# -- eXtreme Gammon -------------------------------------------------------------------------------------------------


def test_candidates_of_xg_are_found_by_their_result_and_keep_their_level() -> None:
    match = only(XG_PLAY)
    assert (match.length, match.games[0].players, match.games[0].scores) == (7, ("Bob the builder", "Ann"), (1, 2))
    assert match.games[0].actions == (RollAction(1, (3, 1), "", notes=notes_of(match)),)
    (label,) = labelled(match)
    assert texts(label) == ["8/5 6/5", "24/21 6/5", "24/23 13/10"]  # 13/5 is no play of 31
    assert label.analysis.levels == (Level("XG Roller++"), Level(EVALUATION, 3), Level(ROLLOUT))
    assert label.analysis.equities.tolist() == pytest.approx([0.159, -0.022, -0.043])
    assert label.analysis.chances[0].tolist() == pytest.approx([0.3777, 0.1637, 0.0107, 0.3248, 0.1177, 0.0054])
    assert np.isnan(label.analysis.chances[2]).all()
    assert label.decision.chosen is None
    assert np.isnan(label.equities).sum() == len(label.decision.candidates) - 3


def test_decimal_commas_and_translated_words_make_no_difference() -> None:
    translated = XG_PLAY.replace("eq:+0.159", "\u00e9q:+0,159").replace("Player:", "Joueur:").replace("%", " %")
    translated = (
        translated.replace("4-ply", "4-plis").replace("X to play", "X \u00e0 jouer").replace("8/5 6/5", "8/5, 6/5")
    )
    assert notes_of(only(translated)) == notes_of(only(XG_PLAY))


def test_cube_decisions_of_xg_are_read_by_their_order() -> None:
    cube = notes_of(only(XG_CUBE)).cube
    assert cube is not None
    assert (cube.level, cube.no_double, cube.double_take, cube.double_pass) == (Level(EVALUATION, 3), 1.027, 1.869, 1.0)
    assert cube.chances == pytest.approx((0.8226, 0.0732, 0.0029, 0.0952, 0.006, 0.0001))


@pytest.mark.parametrize(
    ("dice", "types"),
    [("D", [DoubleAction]), ("B", [DoubleAction, BeaverAction]), ("R", [DoubleAction, *[BeaverAction] * 2])],
)
def test_an_offered_double_is_an_entry(dice: str, types: list[type]) -> None:
    match = only(f"XGID=-b----E-C---eE---c-e----B-:1:1:-1:{dice}:0:0:3:0:10")
    game = match.games[0]
    assert [type(action) for action in game.actions] == types
    assert game.start is not None
    assert (game.start.turn, game.start.cube, game.start.cube_owner) == (0, 2, 1)
    assert (match.header("Jacoby"), match.header("Beaver")) == ("On", "On")


def test_a_text_may_hold_many_positions() -> None:
    matches = xg_text.read((XG_PLAY + "\n" + XG_CUBE + "\n" + BLITZ_PLAY + "\n" + BLITZ_CUBE).encode())
    assert [match.length for match in matches] == [7, 9, 7, 9]
    assert [match.games[0].players[0] for match in matches] == ["Bob the builder", "Bob", "Green", "\u7dd1"]
    assert [len(notes_of(match).plays or ()) for match in matches] == [3, 0, 2, 0]


@pytest.mark.parametrize(
    "code", ["XGID=" + "-" * 26 + ":0:0:1:00:0:0:0:0:10", XG_PLAY.splitlines()[0].replace(":31:", ":37:")]
)
def test_an_impossible_xgid_is_refused_with_its_line(code: str) -> None:
    with pytest.raises(RecordError, match="line 2: XGID"):
        xg_text.read(("\n" + code).encode())


def test_hostile_lines_take_no_longer_than_honest_ones() -> None:
    spaces, words = " " * 3_000, "a " * 1_500
    lines = [
        f"X: {spaces}",
        f"X: {words}",
        f"  {spaces}:{spaces}",
        f" 1. {spaces}/",
        f" 1. {'1/' * 1_500}",
        "1.0 " * 700,
    ]
    xg_text.read((XG_PLAY + "\n".join(lines * 20)).encode())


# -- BGBlitz --------------------------------------------------------------------------------------------------------


def test_candidates_of_bgblitz() -> None:
    match = only(BLITZ_PLAY)
    assert match.games[0].players == ("Green", "Red")
    (label,) = labelled(match)
    assert texts(label) == ["8/5 6/5", "24/23 13/10"]
    assert label.analysis.equities.tolist() == pytest.approx([0.158, -0.022])
    assert label.analysis.chances[1].tolist() == pytest.approx([0.366, 0.129, 0.006, 0.36, 0.133, 0.006])


def test_cube_decisions_of_bgblitz_are_read_by_their_marks() -> None:
    cube = notes_of(only(BLITZ_CUBE)).cube
    assert cube is not None
    assert (cube.no_double, cube.double_take, cube.double_pass) == (0.969, 1.68, 1.0)
    assert cube.chances == pytest.approx((0.803, 0.067, 0.001, 0.12, 0.009, 0.0))


# -- GNU Backgammon -------------------------------------------------------------------------------------------------


def gnubg_block(number: int, title: str, ids: tuple[str, str], done: str, below: str = "") -> str:
    return (
        f"Move number {number}:  {title}\n\n GNU Backgammon  Position ID: {ids[0]}\n"
        f"                 Match ID   : {ids[1]}\n"
        " +12-11-10--9--8--7-------6--5--4--3--2--1-+     O: Ann (Cube: 2)\n"
        " | X           O    |   | O              X |     0 points\n"
        " +13-14-15-16-17-18------19-20-21-22-23-24-+     X: Bob\n"
        f"Pip counts: O 167, X 167\n\n* {done}\n\n{below}\n"
    )


GNUBG = (
    "The score (after 0 games) is: Ann 0, Bob 0 (match to 5 points)\n\n"
    + gnubg_block(
        1,
        "Ann to play 21",
        ("4HPwATDgc/ABMA", "MAClAAAAAAAE"),
        "Ann moves 24/23 13/11",
        "Rolled 21 (-0.008):\n"
        "*    1. Cubeful 2-ply    24/23 13/11                  Eq.: -0.000\n"
        "       0.499 0.137 0.006 - 0.501 0.135 0.006\n"
        "        2-ply cubeful prune\n"
        "     2. Cubeless 0-ply   13/11 6/5                    Eq.: -0.002 (-0.002)\n"
        "       0.501 0.143 0.007 - 0.499 0.145 0.010\n",
    )
    + gnubg_block(
        2,
        "Bob to play 65",
        ("4HPkASjgc/ABMA", "cAm3AAAAAAAE"),
        "Bob moves 13/2*",
        "Cube analysis\n2-ply cubeless equity -0.001 (Money: -0.001)\n"
        "  0.501 0.135 0.006 - 0.499 0.137 0.006\nCubeful equities:\n"
        "1. No double           +0.000\n2. Double, pass        +1.000  (+1.000)\n"
        "3. Double, take        -0.341  (-0.342)\nProper cube action: No double, take (25.5%)\n"
        "Alert: bad move ( -0.095)\n\nRolled 65 (-0.038):\n"
        "*    1. Cubeful 2-ply    13/2*                        Eq.: -0.148\n"
        "       0.462 0.127 0.005 - 0.538 0.152 0.009\n",
    )
)


def test_a_game_of_gnubg_is_read_by_its_ids() -> None:
    match = only(GNUBG, gnubg_text.read)
    assert (match.length, match.games[0].players, match.games[0].start) == (5, ("Ann", "Bob"), None)
    (replayed,) = replay_match(match).games
    assert (len(replayed), replayed.problem) == (2, None)
    first, second = labelled(match)
    assert texts(first) == ["24/23 13/11", "13/11 6/5"]
    assert first.analysis.levels == (Level(EVALUATION, 2), Level(EVALUATION, 0, is_cubeful=False))
    assert first.decision.chosen == first.rows[0]
    notes = second.action.notes
    assert notes is not None
    assert notes.luck == -0.038
    cube = notes.cube
    assert cube is not None
    assert (cube.level, cube.no_double, cube.double_take, cube.double_pass) == (Level(EVALUATION, 2), 0.0, -0.341, 1.0)
    assert cube.chances == pytest.approx((0.366, 0.129, 0.006, 0.362, 0.131, 0.006))


CUBE_BELOW = (
    "Cube analysis\n2-ply cubeless equity -0.406 (Money: -0.417)\n  0.373 0.082 0.003 - 0.627 0.235 0.013\n"
    "Cubeful equities:\n1. No double           -0.605\n2. Double, pass        -1.000  (-0.395)\n"
    "3. Double, take        -0.588  (+0.017)\n"
)


@pytest.mark.parametrize(("done", "kind"), [("accepts", TakeAction), ("rejects", DropAction)])
def test_the_cube_of_an_answer_is_turned_to_the_player_on_roll(done: str, kind: type) -> None:
    doubles = gnubg_block(3, "Ann on roll, cube decision?", ("4HligCmw5+BBEA", "MAGgAAAAAAAE"), "Ann doubles")
    answer = gnubg_block(4, "Ann doubles to 2", ("4HligCmw5+BBEA", "MBmgAAAAAAAE"), f"Bob {done}", CUBE_BELOW)
    match = only("The score (after 0 games) is: Ann 0, Bob 0 (match to 5 points)\n" + doubles + answer, gnubg_text.read)
    double, reply = match.games[0].actions
    assert double == DoubleAction(0, 2)
    assert isinstance(reply, kind)
    assert reply.notes is not None
    assert reply.notes.cube is not None
    assert (reply.notes.cube.no_double, reply.notes.cube.double_take, reply.notes.cube.double_pass) == (
        0.605,
        0.588,
        1.0,
    )
    assert reply.notes.cube.chances is not None
    assert sum(reply.notes.cube.chances[:3]) == pytest.approx(0.627)


def test_the_position_export_of_gnubg_doubles_nobody() -> None:
    block = gnubg_block(6, "Ann on roll, cube decision?", ("sGfwATCwZ/ABMA", "MAGgAAAAAAAE"), "Ann doubles")
    match = only(block, gnubg_text.read)
    assert match.games[0].start is not None
    assert match.games[0].actions == (RollAction(0, None, ""),)


def test_a_block_that_does_not_follow_breaks_the_game() -> None:
    match = only(GNUBG.replace("4HPkASjgc/ABMA", "4HPwATDgc/ABMA"), gnubg_text.read)
    (replayed,) = replay_match(match).games
    assert len(replayed) == 1
    assert replayed.problem is not None


@pytest.mark.parametrize(("old", "new"), [("4HPkASjgc/ABMA", "//////////////"), ("cAm3AAAAAAAE", "////////////")])
def test_an_impossible_id_is_refused_with_its_line(old: str, new: str) -> None:
    with pytest.raises(RecordError, match=r"line [0-9]+: "):
        only(GNUBG.replace(old, new), gnubg_text.read)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples lie beside the project")
def test_the_analysis_of_gnubg_has_the_plays_of_its_mat_file() -> None:
    (text,) = read_records((SAMPLES / "match5_noisy_game1_analysis.txt").read_bytes())
    (match,) = read_records((SAMPLES / "match5_noisy.mat").read_bytes())
    one, other = replay_match(text).games[0], replay_match(match).games[0]
    assert (one.plays.boards == other.plays.boards).all()
    assert (one.plays.chosen_rows == other.plays.chosen_rows).all()
    assert (one.winner, one.size) == (other.winner, other.size)
    found = labelled(text)
    assert (len(found), sum(len(label.rows) for label in found)) == (70, 293)
    assert all(label.decision.chosen in label.rows for label in found)


# -- Snowie ---------------------------------------------------------------------------------------------------------

SNOWIE = "7;0;0;0;1;Bob;Ann;0;3;2;2;-1;-1;0;-1;0;0;0;0;5;0;3;0;0;-3;0;5;0;0;-4;0;-5;0;0;0;0;0;0;6;5;"


def test_a_position_of_snowie() -> None:
    match = only(SNOWIE + "\n", snowie.read)
    (game,) = match.games
    assert (match.length, game.players, game.scores) == (7, ("Ann", "Bob"), (2, 3))
    assert game.start is not None
    assert position_id(game.start.position) == "4PPgACTgc/ABAA"
    assert (game.start.turn, game.start.cube, game.start.cube_owner) == (1, 2, 0)
    assert game.actions == (RollAction(1, (6, 5), ""),)


def test_bars_of_snowie_are_told_by_their_signs() -> None:
    board = [0] * 26
    board[25], board[6], board[0], board[20] = 2, 3, -1, -4
    for first, last in ((-1, 2), (2, -1)):
        counts = [first, *board[1:25], last]
        line = ";".join(map(str, ["0;1;0;0;0;A;B;0;0;0;1;0", *counts, 0, 0])) + ";"
        match = only(line, snowie.read)
        assert match.games[0].start is not None
        assert match.games[0].start.position == Position(board)
        assert match.games[0].actions == (RollAction(0, None, ""),)


@pytest.mark.parametrize(
    "line", ["7;0;0", SNOWIE + "1;2;", SNOWIE.replace(";5;0;3", ";x;0;3"), SNOWIE.replace(";5;0;3", ";99;0;3")]
)
def test_lines_that_are_none_of_snowie_are_refused(line: str) -> None:
    with pytest.raises(RecordError, match="line 2: "):
        snowie.read((SNOWIE + "\n" + line).encode())
