"""Reading and writing the grammar of the .mat family; what the plays mean is the business of test_replay."""

from __future__ import annotations

import pytest

from backgammon.records import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
    write_mat,
)
from backgammon.records.formats.mat import MAX_ACTIONS, MAX_LINE, read
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, as_match, only_match, random_game, write_rows


def actions_of(rows: str) -> list[Action]:
    (game,) = only_match(as_match(rows)).games
    return list(game.actions)


# -- cells ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", range(30, 42))
def test_right_cell_may_begin_in_any_column(column: int) -> None:
    left = "  1) 31: 8/5 6/5"
    rows = left + " " * (column - len(left)) + "42: 8/4 6/4\n" + "  2)" + " " * (column - 4) + "51: 13/8 6/5\n"
    assert actions_of(rows) == [
        RollAction(0, (3, 1), "8/5 6/5"),
        RollAction(1, (4, 2), "8/4 6/4"),
        RollAction(1, (5, 1), "13/8 6/5"),
    ]


def test_a_full_left_cell_may_touch_the_right_one() -> None:
    assert actions_of("  7) 22: 25/23 20/18 18/16* 23/2154: 25/20 6/2\n") == [
        RollAction(0, (2, 2), "25/23 20/18 18/16* 23/21"),
        RollAction(1, (5, 4), "25/20 6/2"),
    ]


def test_cube_actions_and_results_take_the_cell_of_their_column() -> None:
    rows = (
        "  5) 54: 13/8 6/2                 Doubles => 2\n"
        "  6)  Takes                      61: 13/7 8/7\n"
        "  7)  Doubles => 4                Drops\n"
        "      Wins 2 points\n"
    )
    assert actions_of(rows) == [
        RollAction(0, (5, 4), "13/8 6/2"),
        DoubleAction(1, 2),
        TakeAction(0),
        RollAction(1, (6, 1), "13/7 8/7"),
        DoubleAction(0, 4),
        DropAction(1),
        ResultAction(0, 2),
    ]


def test_drops_and_wins_may_share_a_row() -> None:
    assert actions_of("  12)  Drops                             Wins 1 point\n") == [DropAction(0), ResultAction(1, 1)]


def test_losses_stand_in_the_cell_of_the_loser() -> None:
    assert actions_of("  1)  Losses 1 point              Wins 1 point\n") == [ResignAction(0, 1), ResultAction(1, 1)]
    assert actions_of("  6)  Takes                       Losses 5 point\n") == [TakeAction(0), ResignAction(1, 5)]


def test_losses_may_stand_without_a_number() -> None:
    rows = " 33) 63: 4/0 4/1                 64: 25/21 25/19\n Losses 2 point\n\n      Wins 2 point and the match\n"
    assert actions_of(rows)[2:] == [ResignAction(0, 2), ResultAction(0, 2, ends_match=True)]


@pytest.mark.parametrize("points", ["1 point", "1 points", "2 points", "2 point"])
def test_the_column_of_wins_names_the_winner(points: str) -> None:
    number = int(points[0])
    assert actions_of(f"      Wins {points}\n") == [ResultAction(0, number)]
    assert actions_of(" " * 34 + f"Wins {points}\n") == [ResultAction(1, number)]


def test_beavers_are_cube_actions() -> None:
    assert actions_of("  3)  Doubles => 2                Beavers\n") == [DoubleAction(0, 2), BeaverAction(1)]


# -- single cases met in real logs ----------------------------------------------------------------------------------


def test_two_rows_fused_on_one_line_are_two_rows() -> None:
    rows = " 14) 22: 13/11 13/11 6/4 6/4     14)  Losses 1 point                        Wins 1 point\n"
    actions = actions_of(rows)
    assert actions == [RollAction(0, (2, 2), "13/11 13/11 6/4 6/4"), ResignAction(0, 1), ResultAction(1, 1)]
    assert [action.row for action in actions] == [14, 14, 14]


def test_fused_rows_keep_their_columns() -> None:
    rows = "  8) 22: 13/11(2) 6/4(2)          9)                             31: 8/5 6/5\n"
    assert actions_of(rows) == [RollAction(0, (2, 2), "13/11(2) 6/4(2)"), RollAction(1, (3, 1), "8/5 6/5")]


def test_concedes_may_be_the_play_of_a_roll() -> None:
    assert actions_of(" 20) 31: 8/5 6/5                  62: Concedes\n") == [
        RollAction(0, (3, 1), "8/5 6/5"),
        RollAction(1, (6, 2), ""),
        ResignAction(1),
    ]


def test_concedes_in_the_left_cell_with_wins_in_the_right() -> None:
    assert actions_of(" 20)  Concedes                     Wins 2 points\n") == [ResignAction(0), ResultAction(1, 2)]
    assert actions_of(" 20) 62: Concedes                  Wins 2 points\n") == [
        RollAction(0, (6, 2), ""),
        ResignAction(0),
        ResultAction(1, 2),
    ]


def test_question_marks_without_dice_are_a_roll_that_nobody_knows() -> None:
    assert actions_of(" 18) ????   Wins 1 point and the match\n") == [
        RollAction(0, None, "????"),
        ResultAction(1, 1, ends_match=True),
    ]
    assert actions_of(" 29) 11: 1/0 1/0 1/0 1/0         33: ???\n")[1] == RollAction(1, (3, 3), "???")


def test_dice_00_are_no_dice() -> None:
    assert actions_of(" 18) 00: ????                      Wins 1 point\n") == [
        RollAction(0, None, "????"),
        ResultAction(1, 1),
    ]


def test_first_row_may_hold_30_blanks_before_the_right_cell() -> None:
    assert actions_of("  1)" + " " * 30 + "31: 8/5 6/5\n") == [RollAction(1, (3, 1), "8/5 6/5")]


def test_trailing_blanks_and_tabs_do_not_matter() -> None:
    plain = actions_of("  1) 31: 8/5 6/5                42: 8/4 6/4\n")
    assert actions_of("  1) 31: 8/5 6/5                42: 8/4 6/4" + " " * 40 + "\n") == plain
    assert actions_of("  1) 31: 8/5 6/5\t\t\t42: 8/4 6/4\t\n") == plain


def test_a_numbered_row_may_be_empty() -> None:
    assert actions_of(" 25)                                   \n  26)\n") == []


def test_dice_keep_the_order_of_the_writer() -> None:
    assert actions_of("  1) 15: 13/8 6/5                24: 8/4 6/4\n") == [
        RollAction(0, (1, 5), "13/8 6/5"),
        RollAction(1, (2, 4), "8/4 6/4"),
    ]


def test_an_illegal_play_noted_by_the_writer_is_the_text_of_its_roll() -> None:
    (action,) = actions_of("  3) 31: Illegal play (0;0;1;0;Ann;Bob;0;0;0)\n")
    assert isinstance(action, RollAction)
    assert action.play.startswith("Illegal play (")


def test_dice_that_cannot_be_thrown_make_a_cell_unreadable() -> None:
    assert actions_of("  1) 71: 13/6 6/5\n") == [UnreadableAction(0, "71: 13/6 6/5")]


def test_unknown_text_in_a_row_is_kept_as_unreadable() -> None:
    (action,) = actions_of("  4)                               went home\n")
    assert action == UnreadableAction(1, "went home")
    assert (action.line, action.row) == (6, 4)


def test_a_third_cell_is_unreadable() -> None:
    assert actions_of("  4) 31: 8/5 6/5    42: 8/4 6/4     51: 13/8 6/5\n")[2] == UnreadableAction(1, "51: 13/8 6/5")


# -- header and scores ----------------------------------------------------------------------------------------------


HEADERS = """; [Site "BackgammonGalaxy"]
; [Match ID "{match_id}"]
; [Player 1 "{player1}"]
; [Player 2 "{player2}"]
; [Player 1 Elo "3,00/0"]
; [Crawford "On"]
"""


@pytest.mark.parametrize("match_id", ["", "-755933700", "10013413"])
def test_header_values_are_kept_as_written(match_id: str) -> None:
    headers = HEADERS.format(match_id=match_id, player1="Ann", player2="Bob")
    match = only_match(as_match("", headers=headers))
    assert match.header("Match ID") == match_id
    assert match.header("Player 1 Elo") == "3,00/0"
    assert match.header("no such key") == ""


def test_header_may_name_the_players_in_the_other_order() -> None:
    headers = HEADERS.format(match_id=1, player1="Robert X", player2="Annabel Lee")
    assert only_match(as_match("", headers=headers)).full_names == ("Annabel Lee", "Bob")
    headers = HEADERS.format(match_id=1, player1="Bobby B.", player2="Ann Lee")
    assert only_match(as_match("", headers=headers)).full_names == ("Ann Lee", "Bobby B.")
    headers = HEADERS.format(match_id=1, player1="Ann Lee", player2="Bobby B.")
    assert only_match(as_match("", headers=headers)).full_names == ("Ann Lee", "Bobby B.")


def test_header_that_fits_nobody_leaves_the_names_of_the_scores() -> None:
    headers = HEADERS.format(match_id=1, player1="Xaver", player2="Yves")
    assert only_match(as_match("", headers=headers)).full_names == ("Ann", "Bob")
    assert MatchRecord(0, (), (("Player 1", "Ann"), ("Player 2", "Bob"))).full_names == ("Ann", "Bob")


@pytest.mark.parametrize(
    ("line", "players", "scores"),
    [
        (" Ann : 0                        Bob : 3", ("Ann", "Bob"), (0, 3)),
        (" Kévin Unger : 12    Maxence Job : 0  ", ("Kévin Unger", "Maxence Job"), (12, 0)),
        ("Ann: 1  Bob: 2", ("Ann", "Bob"), (1, 2)),
        (" a : b : 4      c, d : 5 : 6", ("a : b", "c, d : 5"), (4, 6)),
        (" Ann,1823.45 : 0                Bob, jr.,1500 : 0", ("Ann", "Bob, jr."), (0, 0)),
        (" 7 : 7   8 : 8", ("7", "8"), (7, 8)),
        (" A name of more than thirty letters : 0BOB : 12", ("A name of more than thirty letters", "BOB"), (0, 12)),
    ],
)
def test_names_may_hold_anything_and_lose_a_rating(
    line: str, players: tuple[str, str], scores: tuple[int, int]
) -> None:
    (game,) = only_match(as_match("", names=line)).games
    assert (game.players, game.scores) == (players, scores)


def test_names_may_change_inside_a_file() -> None:
    text = " 5 point match\n\n Game 1\n Unger : 0    Job : 0\n\n Game 2\n kev : 1    Job : 0\n"
    assert [game.players for game in only_match(text).games] == [("Unger", "Job"), ("kev", "Job")]


def test_a_row_without_scores_before_it_is_unreadable() -> None:
    (game,) = only_match(" 5 point match\n Game 1\n  1) 31: 8/5 6/5\n").games
    assert isinstance(game.actions[0], UnreadableAction)


def test_a_game_may_be_empty() -> None:
    (game,) = only_match(" 5 point match\n Game 1\n").games
    assert game.actions == ()


def test_money_and_unlimited_sessions_are_told_apart_from_matches() -> None:
    galaxy = HEADERS.format(match_id=1, player1="Ann", player2="Bob")
    cases = [(0, "", True, True), (16, galaxy, False, True), (16, "", False, False), (7, galaxy, False, False)]
    for length, headers, is_money, is_unlimited in cases:
        match = only_match(as_match("", length, headers=headers))
        assert (match.is_money, match.is_unlimited) == (is_money, is_unlimited)


# -- files ----------------------------------------------------------------------------------------------------------


TEXT = as_match("  1) 31: 8/5 6/5                42: 8/4 6/4\n", names=" Zoë : 0            Müller : 0")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.replace("\n", "\r\n").encode(), "utf-8"),
        (TEXT.replace("\n", "\r").encode(), "utf-8"),
        (TEXT.encode() + b'; [Event "joined files"]\n\xef\xbb\xbf', "utf-8"),
    ],
)
def test_encodings_and_line_ends(data: bytes, encoding: str) -> None:
    (match,) = read(data)
    assert match.games == only_match(TEXT).games
    assert match.games[0].players == ("Zoë", "Müller")
    assert match.encoding == encoding


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    for end in ("\n", "\r\n"):
        (match,) = read(TEXT.replace("\n", end).encode())
        assert (match.line, match.games[0].line, match.games[0].actions[0].line) == (2, 4, 6)


def test_a_file_may_hold_several_matches() -> None:
    first = as_match("  1) 31: 8/5 6/5\n", length=5, headers='; [Event "one"]')
    second = as_match("  1) 42: 8/4 6/4\n", length=7, headers='; [Event "two"]')
    matches = read((first + second).encode(), "both.mat")
    assert [(match.length, match.header("Event"), match.file) for match in matches] == [
        (5, "one", "both.mat"),
        (7, "two", "both.mat"),
    ]


@pytest.mark.parametrize(
    "data", [b"", b"hello\n", b'; [Site "X"]\n Game 1\n', b"PK\x03\x04\0 5 point match", b"\0" * 99]
)
def test_what_is_no_log_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError, match=r"not a log|binary file"):
        read(data)


def test_lines_outside_the_grammar_are_kept_aside() -> None:
    text = "some words\n 5 point match\n  1) 31: 8/5\n Game 1\n Ann : 0   Bob : 0\n  1) 31: 8/5 6/5\nhe, he\n"
    match = only_match(text)
    assert [(line.line, line.text) for line in match.ignored] == [(1, "some words"), (3, "1) 31: 8/5"), (7, "he, he")]
    assert match.games[0].actions == (RollAction(0, (3, 1), "8/5 6/5"),)


def test_a_monstrous_line_or_game_costs_that_game_only() -> None:
    row = "  1) 31: 8/5 6/5\n"
    text = as_match("  1) " + "x" * MAX_LINE + "\n") + "\n Game 2\n Ann : 0   Bob : 0\n" + row
    broken, sound = only_match(text).games
    assert isinstance(broken.actions[0], UnreadableAction)
    assert sound.actions == (RollAction(0, (3, 1), "8/5 6/5"),)
    (game,) = only_match(as_match(row * (MAX_ACTIONS + 5))).games
    assert len(game.actions) == MAX_ACTIONS + 1
    assert isinstance(game.actions[-1], UnreadableAction)


def test_a_monstrous_line_outside_a_game_is_ignored() -> None:
    match = only_match("x" * (MAX_LINE + 1) + "\n" + TEXT)
    assert match.ignored[0].text == f"a line of {MAX_LINE + 1:,} characters"


def test_too_many_games_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.records.formats.mat.MAX_GAMES", 3)
    with pytest.raises(RecordError, match="line 5: more than 3 games"):
        read(b"1 point match\n" + b"Game 1\n" * 4)


# -- writing --------------------------------------------------------------------------------------------------------


EVERYTHING = MatchRecord(
    7,
    (
        GameRecord(
            1,
            ("Ann Lee", "Bob"),
            (0, 3),
            (
                RollAction(1, (3, 1), "8/5 6/5"),
                RollAction(0, (6, 6), "24/18*(2) 13/7(2)"),
                DoubleAction(1, 2),
                TakeAction(0),
                RollAction(1, (2, 2), "25/23 20/18 18/16* 23/21"),
                RollAction(0, (2, 1), ""),
                RollAction(1, None, "????"),
                DoubleAction(0, 4),
                BeaverAction(1),
                RollAction(0, (1, 2), "Cannot Move"),
                ResignAction(1, 4),
                ResultAction(0, 4, ends_match=True),
            ),
        ),
        GameRecord(2, ("Ann Lee", "Bob"), (4, 3), (RollAction(0, (6, 2), ""), ResignAction(0))),
        GameRecord(3, ("Ann Lee", "Bob"), (4, 4), (DoubleAction(0, 2), DropAction(1), ResultAction(0))),
        GameRecord(4, ("Ann Lee", "Bob"), (5, 4), (RollAction(0, (6, 2), "24/18"), UnreadableAction(1, "(31: 8/5)"))),
    ),
    headers=(("Event", "of 'note'"), ("Match ID", "")),
)


def test_what_is_written_is_read_again() -> None:
    again = only_match(write_mat(EVERYTHING))
    for written, found in zip(EVERYTHING.games[:3], again.games[:3], strict=True):
        assert found == written
    assert again.games[3].actions[0] == EVERYTHING.games[3].actions[0]
    assert isinstance(again.games[3].actions[1], UnreadableAction)
    assert (again.length, again.headers) == (EVERYTHING.length, EVERYTHING.headers)


def test_the_written_form() -> None:
    lines = write_mat(EVERYTHING).splitlines()
    assert lines[:9] == [
        "; [Event \"of 'note'\"]",
        '; [Match ID ""]',
        "",
        " 7 point match",
        "",
        " Game 1",
        " Ann Lee : 0                     Bob : 3",
        "  1)                               31: 8/5 6/5",
        "  2) 66: 24/18*(2) 13/7(2)          Doubles => 2",
    ]
    assert "      Wins 4 points and the match" in lines


def test_several_matches_are_written_one_after_the_other() -> None:
    assert [match.games[:3] for match in read(write_mat(EVERYTHING, EVERYTHING).encode())] == 2 * [EVERYTHING.games[:3]]


def test_names_and_headers_cannot_break_a_line() -> None:
    nasty = MatchRecord(0, (GameRecord(1, ("a  \n b", " c"), (0, 0), ()),), (("Ev\nent", 'say "x"\n; [A "b"]'),))
    again = only_match(write_mat(nasty))
    assert again.games[0].players == ("a b", "c")
    assert again.headers == (("Ev ent", "say 'x' ; [A 'b']"),)


def test_a_name_cannot_turn_its_line_into_a_comment() -> None:
    """Found by the fuzzer: the game behind such a line was read as one without scores, and its rolls were lost."""
    game = EVERYTHING.games[0]
    again = only_match(write_mat(MatchRecord(7, (GameRecord(1, ("; ;Bob", ";Red"), game.scores, game.actions),))))
    assert again.games[0].players == ("Bob", "Red")
    assert again.games[0].actions == game.actions


def test_an_unknown_kind_of_action_is_not_written() -> None:
    with pytest.raises(RecordError, match="Action has no form"):
        write_mat(MatchRecord(0, (GameRecord(1, ("a", "b"), (0, 0), (Action(0),)),)))


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_written_back_action_by_action(name: str) -> None:
    match = only_match(as_match(write_rows(random_game(seed=3), DIALECTS[name])))
    assert only_match(write_mat(match)).games == match.games
