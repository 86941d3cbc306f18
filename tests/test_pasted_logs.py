"""Logs as they come by mail and from old programs; and nothing is won behind something unreadable."""

from __future__ import annotations

import pytest

from backgammon.records import MatchRecord, ReplayedGame, read_records, replay_match
from backgammon.records.formats.jsonl import write_jsonl
from backgammon.records.formats.sgf_writer import write_sgf
from backgammon.tools.errors import RecordError
from tests.test_position_texts import BLITZ_PLAY, XG_CUBE, XG_PLAY

MAT = """; [Player 1 "Ann"]
 3 point match

 Game 1
 Ann : 0                          Ben : 0
  1) 31: 8/5 6/5                  42: 8/4 6/4
  2) 65: 24/13                    64: 24/14
      Wins 1 point
"""

OLDMOVES = """Score is 0-0 in a 3 point match.
Ann is X - Ben is O
X: (3 1) 8-5 6-5
O: (4 2) 17-21 19-21
X: (6 5) 24-13
O: doubles
X: rejects
O: wins 1 point.
"""

OTHER = "XGID=-b----E-C---eE---c-e----B-:0:0:1:42:0:0:0:7:10"


def quoted(text: str, mark: str) -> str:
    return mark + text.replace("\n", "\n" + mark)


def only(data: bytes | str) -> MatchRecord:
    (record,) = read_records(data.encode() if isinstance(data, str) else data, "test.txt")
    return record


def games(text: str) -> tuple[ReplayedGame, ...]:
    return replay_match(only(text)).games


TEXTS = {
    "mat": MAT,
    "oldmoves": OLDMOVES,
    "xg-text": XG_PLAY,
    "jsonl": write_jsonl(only(MAT)),
    "sgf": write_sgf(only(MAT)),
}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", TEXTS)
def test_wide_text_is_read_with_and_without_its_mark(name: str, encoding: str) -> None:
    record = only(TEXTS[name].encode(encoding))
    assert (record.format, record.encoding) == (name, encoding)
    assert record == only(TEXTS[name])


@pytest.mark.parametrize("mark", ["> ", ">", ">> ", "> > ", " > > > "])
@pytest.mark.parametrize("name", TEXTS)
def test_what_a_mail_quotes_is_read_as_it_was_sent(name: str, mark: str) -> None:
    assert only(quoted(TEXTS[name], mark)) == only(TEXTS[name])


def test_quote_marks_go_below_the_words_of_who_quotes_and_in_wide_text() -> None:
    answer = "On Monday Ann wrote:\n" + quoted(MAT, "> ")
    assert only(answer).games == only(MAT).games
    assert only(answer.encode("utf-16-le")).games == only(MAT).games
    for text in TEXTS.values():
        assert only("Ann wrote:\n\n" + quoted(text, "> ") + "\n\nRegards (;-)\n7 point match\n") == only(text)


@pytest.mark.parametrize("data", [b"\0" * 40, b"7 point match\0\0\0\0\0" + b"x" * 100, b"\xff\xfe" + b"\0\0\0\0" * 9])
def test_zero_bytes_that_no_encoding_explains_are_no_text(data: bytes) -> None:
    with pytest.raises(RecordError, match="binary file"):
        read_records(data)


def test_oldmoves_of_fibs_are_plays_in_the_movers_own_points() -> None:
    record = only(OLDMOVES)
    (game,) = games(OLDMOVES)
    assert (record.length, record.games[0].players) == (3, ("Ann", "Ben"))
    assert [getattr(action, "play", "") for action in record.games[0].actions[:3]] == ["8/5 6/5", "8/4 6/4", "24/13"]
    assert (len(game), game.problem, game.ending, game.winner) == (3, None, "drop", 1)


def test_oldmoves_hold_games_of_a_match_and_of_several() -> None:
    second = OLDMOVES.replace("0-0", "0-1").replace("doubles", "redoubles").replace("rejects", "accepts")
    second = second.replace(
        "O: wins", "X: (6 6) can't move\nO: (1 1)\nX: wants to resign. X will win 2 points\nO: wins"
    )
    third = OLDMOVES.replace("3 point", "unlimited").replace("Ann", "Carl")
    first_match, second_match = read_records((OLDMOVES + "\n> o\n" + second + third).encode())
    assert [game.scores for game in first_match.games] == [(0, 0), (0, 1)]
    assert (second_match.length, second_match.games[0].players) == (0, ("Carl", "Ben"))
    assert [len(game) for game in replay_match(first_match).games] == [3, 3]


@pytest.mark.parametrize(
    "row",
    [
        "  2) Ann Wins 1 point and the match",
        "  2) Ann wins 2 points",
        "  2) so Ann                        Wins 1 point",
        "  2) %&?                          65: 24/13\n                                  Wins 1 point",
        "  2) Ben Doubles => 2             Drops",
        "  2) Ann 65: 24/13                Losses 1 point",
        "  2) 65: 24/13  Ann Wins 1 point",
        "  2) 65: Ann Wins 1 point",
    ],
)
def test_nothing_is_won_behind_something_unreadable(row: str) -> None:
    (game,) = games(MAT[: MAT.index("  2)")] + row + "\n")
    assert (len(game), game.winner, game.size, game.ending) == (2, None, 0, "unknown")
    assert game.problem is not None
    assert game.problem.reason in ("is not understood", "is not the text of a play")


def test_the_score_of_the_next_game_tells_who_won_but_not_how() -> None:
    text = MAT.replace("  2) 65: 24/13                    64: 24/14", "  2) Ann Wins 1 point")
    first, _ = games(text + "\n Game 2\n Ann : 0                          Ben : 2\n  1)               31: 8/5 6/5\n")
    assert (first.winner, first.size) == (1, 0)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (MAT.replace("Ann : 0", "Ann : 9"), "score of Ann 9: a match to 3 is over then"),
        (OLDMOVES.replace("0-0", "0-3"), "score of Ben 3: a match to 3 is over then"),
        (TEXTS["jsonl"].replace('"scores":[0,0]', '"scores":[3,0]'), "score of Ann 3: a match to 3 is over then"),
        (TEXTS["sgf"].replace("[bs:0]", "[bs:7]"), "score of Ben 7: a match to 3 is over then"),
    ],
)
def test_a_game_that_begins_with_an_impossible_score_is_refused_by_the_rule(text: str, rule: str) -> None:
    (game,) = games(text)
    assert (len(game), game.winner) == (0, None)
    assert game.problem is not None
    assert rule in game.problem.reason


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        ('"cube":1,"cube_owner":0,"is_crawford":null', "a cube that shows 1 has not been turned"),
        ('"cube":4,"cube_owner":null,"is_crawford":null', "in a match a cube that shows 4 is owned"),
        ('"cube":1,"cube_owner":null,"is_crawford":true', "exactly one player must be 1 point away"),
    ],
)
def test_a_set_up_cube_must_fit_the_score(start: str, rule: str) -> None:
    set_up = f'"scores":[0,0],"start":{{"position":"4HPwATDgc/ABMA","turn":0,{start}}}'
    (game,) = games(TEXTS["jsonl"].replace('"scores":[0,0]', set_up))
    assert len(game) == 0
    assert game.problem is not None
    assert rule in game.problem.reason


@pytest.mark.parametrize("score", ["9:1:0:7:10", "2:7:0:7:10", "2:1:1:7:10"])
def test_an_impossible_score_in_a_position_is_refused_with_its_line(score: str) -> None:
    with pytest.raises(RecordError, match=r"line 1: XGID .*(is over then|exactly one player)"):
        only(XG_PLAY.replace("2:1:0:7:10", score))


NOTE = f"""Making the five point is the whole idea.

1. It unstacks: good. See {OTHER}
{OTHER}
  or not?"""


@pytest.mark.parametrize(
    "text", [XG_PLAY, XG_PLAY[: XG_PLAY.index("    1.")] + "eXtreme Gammon Version: 2.19", XG_CUBE]
)
def test_a_note_is_kept_whole_and_an_xgid_in_it_is_no_position(text: str) -> None:
    footer = text.find("eXtreme")
    noted = text[:footer] + f"{NOTE}\n\n" + text[footer:] if footer >= 0 else f"{text}\n{NOTE}\n"
    (action,) = only(noted).games[0].actions
    assert action.notes is not None
    assert action.notes.comment == NOTE
    (bare,) = only(text).games[0].actions
    assert (bare.notes.comment if bare.notes else "") == ""


def test_notes_go_through_our_own_format() -> None:
    noted = only(XG_PLAY.replace("\neXtreme", f"\n{NOTE}\n\neXtreme"))
    assert only(write_jsonl(noted)) == noted


def test_a_position_behind_a_noted_one_is_read() -> None:
    text = XG_PLAY.replace("\neXtreme", f"\n{NOTE}\n\neXtreme") + "\n" + XG_CUBE + "\n" + BLITZ_PLAY
    assert [record.length for record in read_records(text.encode())] == [7, 9, 7]


def test_xgids_alone_on_their_lines_are_positions_and_those_in_sentences_are_not() -> None:
    assert len(read_records(f"{OTHER}\n\n* `{OTHER}`\nXGID: {OTHER[5:]}\n".encode())) == 3
    assert len(read_records(f"{OTHER}\nbetter than {OTHER}, I think\n".encode())) == 1
    assert len(read_records(f"What would you do in {OTHER}?\n".encode())) == 1
