"""GNU Backgammon's SGF, read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.records import (
    BeaverAction,
    CubeAnalysis,
    DoubleAction,
    DropAction,
    GameRecord,
    Level,
    MatchRecord,
    Notes,
    PlayAnalysis,
    ReplayedGame,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
    replay_match,
    write_sgf,
)
from backgammon.records.formats.sgf import read
from backgammon.records.formats.sgf_tree import MAX_DEPTH, MAX_NODES, parse_trees
from backgammon.records.record.annotation import ROLLOUT
from backgammon.records.replay.rewriting_losses import find_losses
from backgammon.rules.board import START, Position
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, as_match, only_match, random_game, write_rows

ROOT = "FF[4]GM[6]CA[UTF-8]AP[GNU Backgammon:1.07.001]MI[length:7][game:0][ws:0][bs:0]PW[Ann]PB[Bob]"
SAMPLES = Path(__file__).resolve().parent.parent.parent / "shared" / "samples" / "gnubg"


def game_of(nodes: str, root: str = ROOT) -> GameRecord:
    (match,) = read(f"(;{root}{nodes})".encode(), "test.sgf")
    (game,) = match.games
    return game


def replayed(nodes: str, root: str = ROOT) -> ReplayedGame:
    (match,) = read(f"(;{root}{nodes})".encode())
    (game,) = replay_match(match).games
    return game


# -- plays ----------------------------------------------------------------------------------------------------------


def test_letters_are_the_same_for_both_colours() -> None:
    game = game_of(";W[31hefe];B[42qusu];W[66xrxrmgmg]")
    assert game.actions == (
        RollAction(0, (3, 1), "8/5 6/5"),
        RollAction(1, (4, 2), "8/4 6/4"),
        RollAction(0, (6, 6), "24/18 24/18 13/7 13/7"),
    )


def test_bar_off_and_hits() -> None:
    game = game_of(";W[63xrmj];B[61lrqr];W[62ywmg]")
    assert game.actions == (
        RollAction(0, (6, 3), "24/18 13/10"),
        RollAction(1, (6, 1), "13/7* 8/7"),
        RollAction(0, (6, 2), "bar/23 13/7"),
    )
    assert game_of(";B[55xzxz]").actions == (RollAction(1, (5, 5), "1/off 1/off"),)


def test_dice_alone_are_a_roll_without_a_play() -> None:
    game = replayed(";W[31hefe];B[44]")
    assert (game.num_unplayed, len(game)) == (1, 1)


def test_cube_actions_and_beavers() -> None:
    nodes = ";W[31hefe];B[double];W[double];B[take];B[42qusu];W[double];B[drop]"
    assert [type(action) for action in game_of(nodes).actions] == [
        RollAction,
        DoubleAction,
        BeaverAction,
        TakeAction,
        RollAction,
        DoubleAction,
        DropAction,
    ]
    assert [action.cube for action in game_of(nodes).actions if isinstance(action, DoubleAction)] == [2, 8]


def test_the_result_stands_in_the_root() -> None:
    root = ROOT + "RE[B+2R]"
    assert game_of(";W[31hefe]", root).actions[-1] == ResultAction(1, 2)
    game = replayed(";W[31hefe]", root)
    assert (game.winner, game.size, game.ending) == (1, 2, "resigned")


def test_resignations_of_gibbon_are_told_by_the_result() -> None:
    game = game_of(";W[31hefe];B[resign:2];W[accept]", ROOT + "RE[W+2Resign]")
    assert game.actions == (RollAction(0, (3, 1), "8/5 6/5"), ResultAction(0, 2))


@pytest.mark.parametrize("value", ["", "tt", "71aa", "31abc", "31AB", "double it", "31ababababab"])
def test_values_that_mean_nothing_break_the_game_there(value: str) -> None:
    game = replayed(f";W[31hefe];B[{value}];W[42hdfd]")
    assert len(game) == 1
    assert game.problem is not None


# -- set-up positions -----------------------------------------------------------------------------------------------


def test_a_position_set_up_before_the_first_play_is_where_the_game_begins() -> None:
    nodes = ";PL[B]DI[61];PL[W]AE[a:y]AW[f][f][c][y]AB[x][s:t];CV[2];CP[b];W[31yvfe]"
    game = game_of(nodes)
    assert game.start is not None
    board = np.zeros(26, dtype=np.int8)
    board[[6, 3, 25]] = 2, 1, 1
    board[[24, 19, 20]] = -1, -1, -1
    assert game.start == Setup(Position(board), 0, 2, 1, False)
    assert game.actions == (RollAction(0, (3, 1), "bar/22 6/5"),)
    assert len(replayed(nodes)) == 1


def test_a_set_up_that_changes_nothing_is_none() -> None:
    points = "AW[f][f][f][f][f][h][h][h][m][m][m][m][m][x][x]AB[s][s][s][s][s][q][q][q][l][l][l][l][l][a][a]"
    assert game_of(f";PL[B]AE[a:y]{points}").start is None


@pytest.mark.parametrize("points", ["AW[f]" + "[f]" * 20, "AW[f]AB[f]", "AW[a:x]", ""])
def test_an_impossible_set_up_breaks_the_game(points: str) -> None:
    game = game_of(f";AE[a:y]{points};W[31hefe]")
    assert any(isinstance(action, UnreadableAction) for action in game.actions) or points == "AW[f]AB[f]"


@pytest.mark.parametrize("value", ["z", "aa", "a:", "1"])
def test_points_that_are_none_break_the_game(value: str) -> None:
    assert isinstance(game_of(f";AW[{value}]").actions[0], UnreadableAction)


def test_a_set_up_in_mid_game_breaks_it_and_a_cube_set_there_is_reported() -> None:
    game = replayed(";W[31hefe];AE[a:y]AW[a]AB[b];B[42qusu]")
    assert len(game) == 1
    assert game.problem is not None
    (match,) = read(f"(;{ROOT};W[31hefe];CV[4]CP[w];B[42qusu])".encode())
    assert len(match.ignored) == 1
    assert len(replay_match(match).games[0]) == 2


def test_dice_set_by_hand_are_a_roll_unless_a_play_follows() -> None:
    assert game_of(";W[31hefe];PL[B]DI[42];B[42qusu]").actions[1:] == (RollAction(1, (4, 2), "8/4 6/4"),)
    assert game_of(";W[31hefe];PL[B]DI[42]").actions[1:] == (RollAction(1, (4, 2), ""),)
    assert game_of(";W[31hefe];PL[B]DI[42];B[double];W[drop]").actions[1] == RollAction(1, (4, 2), "")


def test_the_crawford_game_of_a_set_up_is_what_the_rules_say() -> None:
    root = ROOT.replace("[ws:0]", "[ws:6]")
    assert replayed(";AE[a:y]AW[f]AB[s];W[31fe]", root + "RU[Crawford]").score.is_past_crawford
    assert replayed(";AE[a:y]AW[f]AB[s];W[31fe]", root + "RU[Crawford:CrawfordGame]").score.is_crawford


# -- analysis -------------------------------------------------------------------------------------------------------


def test_candidates_come_with_positions_and_exclusive_chances() -> None:
    values = (
        "A[1][mjxw E ver 3 0.421 0.106 0.005 0.193 0.011 -0.105 2C 0 1 0.000000 1]"
        "[hefe X ver 3 Score 0.08 0.09 Trials 1296 Output 0.473 0.140 0.009 0.168 0.008 0.07 0.08 StdDev 0 0 0 0 0 0 0]"
        "[hefe]"
    )
    notes = game_of(f";W[31hefe]{values}LU[-0.25]C[why\\] not]").actions[0].notes
    assert notes is not None
    assert (notes.luck, notes.comment) == (-0.25, "why] not")
    plays = notes.plays
    assert plays is not None
    assert plays.levels == (Level("evaluation", 2), Level(ROLLOUT, trials=1296))
    assert plays.equities.tolist() == pytest.approx([-0.105, 0.08])
    assert plays.chances[0].tolist() == pytest.approx([0.315, 0.101, 0.005, 0.386, 0.182, 0.011])
    made = START.copy()
    made[[8, 6, 5]] += np.array([-1, -1, 2], dtype=np.int8)
    assert plays.row_of(made) == 1


def test_cube_analysis_is_in_match_winning_chances_at_a_match_score() -> None:
    numbers = "0.6 0.2 0.01 0.1 0.02 0.3 0.56 0.6 0.2 0.01 0.1 0.02 0.3 0.61"
    node = f";W[double]DA[E ver 3 2C 1 0.000000 1 {numbers}]"
    notes = game_of(node).actions[0].notes
    assert notes is not None
    cube = notes.cube
    assert cube is not None
    assert cube.chances == pytest.approx((0.4, 0.19, 0.01, 0.3, 0.08, 0.02))
    values = cube.level, cube.no_double, cube.double_take, cube.double_pass, cube.is_mwc
    assert values == (Level("evaluation", 2), 0.56, 0.61, None, True)
    notes = game_of(node, ROOT.replace("length:7", "length:0")).actions[0].notes
    assert notes is not None
    assert notes.cube is not None
    assert (notes.cube.double_pass, notes.cube.is_mwc) == (1.0, False)


@pytest.mark.parametrize("luck", ["-inf", "nan", "", "1e999", "x"])
def test_luck_that_is_no_number_is_none(luck: str) -> None:
    assert game_of(f";W[31hefe]LU[{luck}]").actions[0].notes is None


@pytest.mark.parametrize(
    "value",
    ["[0]", "[0][hefe E]", "[0][hefe E ver 3 x 0 0 0 0 0]", "[0][hef E ver 3 0 0 0 0 0 0]", "[0][bcbc E 0 0 0 0 0 0]"],
)
def test_analysis_that_is_not_understood_is_none(value: str) -> None:
    assert game_of(f";W[31hefe]A{value}").actions[0].notes is None


# -- the file -------------------------------------------------------------------------------------------------------


def test_variations_are_passed_over() -> None:
    nodes = ";W[31hefe](;B[42qusu](;W[66xrxrmgmg])(;W[55mhmhhchc]))(;B[65lwlw])"
    assert [action.roll for action in game_of(nodes).actions if isinstance(action, RollAction)] == [
        (3, 1),
        (4, 2),
        (6, 6),
    ]


@pytest.mark.parametrize("text", ["(;GM[1]FF[4];B[pd])", "(;FF[4];W[31hefe])", "hello", "", "(", "()", ";"])
def test_what_is_not_backgammon_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        read(text.encode())


@pytest.mark.parametrize("declared", ["ISO-8859-1", "iso-8859-1", "latin1"])
def test_the_character_set_is_what_the_file_declares(declared: str) -> None:
    text = f"(;GM[6]CA[{declared}]PW[Kévin]PB[Zoë])"
    (match,) = read(text.encode("latin-1"))
    assert match.games[0].players == ("Kévin", "Zoë")
    (match,) = read("(;GM[6]CA[UTF-8]PW[Kévin]PB[Zoë])".encode())
    assert match.games[0].players == ("Kévin", "Zoë")


def test_headers_and_rules() -> None:
    root = ROOT + "EV[Open]RO[1]PC[Paris\\: here]DT[2024-05-06]AN[me]WR[1600]RU[Nackgammon][NoCube]"
    (match,) = read(f"(;{root})".encode())
    assert dict(match.headers) == {
        "Event": "Open",
        "Round": "1",
        "Site": "Paris: here",
        "Transcriber": "me",
        "Player 1 Elo": "1600",
        "EventDate": "2024.05.06",
        "Variation": "Nackgammon",
        "Crawford": "Off",
        "CubeLimit": "1",
    }


def test_games_whose_number_does_not_go_up_begin_another_match() -> None:
    roots = [ROOT.replace("game:0", f"game:{number}") for number in (0, 1, 3, 0, 1)]
    roots.append(roots[-1].replace("length:7", "length:5").replace("game:1", "game:2"))
    matches = read("".join(f"(;{root})" for root in roots).encode())
    assert [(match.length, [game.number for game in match.games]) for match in matches] == [
        (7, [1, 2, 4]),
        (7, [1, 2]),
        (5, [3]),
    ]


def test_a_damaged_game_costs_only_its_rest() -> None:
    second = ROOT.replace("game:0", "game:1")
    (match,) = read(f"(;{ROOT};W[31hefe];B?[42qtst])(;{second};B[42qusu])".encode())
    first, other = replay_match(match).games
    assert (len(first), len(other)) == (1, 1)
    assert first.problem is not None


@pytest.mark.parametrize(
    "text", ["(;A[" * 20_000, "(;A[x]!" * 20_000, "(;" * 20_000, "(" * 50_000, "(;A" + "[\\]" * 30_000]
)
def test_hostile_nesting_takes_no_longer_than_honest_text(text: str) -> None:
    assert len(list(parse_trees(text))) <= 20_000


def test_nodes_and_depth_have_limits() -> None:
    (tree,) = parse_trees("(" + ";A[]" * (MAX_NODES + 5) + ")")
    assert (len(tree.nodes), tree.damage != "") == (MAX_NODES, True)
    assert "trees within trees" in next(iter(parse_trees("(;A[]" * (MAX_DEPTH + 5)))).damage


# -- writing --------------------------------------------------------------------------------------------------------


def round_trip(match: MatchRecord) -> MatchRecord:
    (again,) = read(write_sgf(match).encode())
    return again


@pytest.mark.parametrize("seed", range(8))
def test_random_games_come_back(seed: int) -> None:
    match = only_match(as_match(write_rows(random_game(seed), DIALECTS["Studio"])))
    assert find_losses(match, round_trip(match)) <= {"texts"}


def test_everything_that_the_format_holds_comes_back() -> None:
    headers = (("Event", "a \\ b ] c : d"), ("Round", "2"), ("EventDate", "2024.05.06"), ("Crawford", "Off"))
    rows = "  1) 31: 8/5 6/5                   Doubles => 2\n  2)  Takes                       42: 8/4 6/4\n"
    rows += "  3)  Doubles => 4                 Beavers\n  4)  Takes                       66: Cannot Move\n"
    rows += "  4) 65: 24/18 18/13              Doubles => 16\n  5)  Drops\n      Wins 8 points\n"
    match = only_match(as_match(rows, 0))
    match = MatchRecord(0, (match.games[0],), headers[:3])
    again = round_trip(match)
    assert find_losses(match, again) <= {"texts"}
    assert again.headers == match.headers
    match = MatchRecord(7, (GameRecord(1, ("A\\", "B]"), (2, 3), (RollAction(0, (3, 1), "8/5 6/5"),)),), headers[3:])
    assert round_trip(match).headers == match.headers
    assert round_trip(match).games[0].players == ("A\\", "B]")


def test_set_up_positions_come_back() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[25, 6, 5, 0, 20]] = 1, 2, 3, -2, -3
    for turn in (0, 1):
        start = Setup(Position(board), turn, 4, 1 - turn, False)
        game = GameRecord(3, ("Ann", "Bob"), (6, 2), (RollAction(turn, (3, 1), "bar/22 6/5"),), start=start)
        match = MatchRecord(7, (game,))
        assert find_losses(match, round_trip(match)) <= {"texts"}


def test_analysis_comes_back_to_six_decimals() -> None:
    made, other = START.copy(), START.copy()
    made[[8, 6, 5]] += np.array([-1, -1, 2], dtype=np.int8)
    other[[24, 20]] += np.array([-1, 1], dtype=np.int8)
    chances = np.array([[0.3, 0.15, 0.05, 0.3, 0.1, 0.1], [0.5, 0, 0, 0.5, 0, 0]], dtype=np.float32)
    levels = (Level("evaluation", 2), Level(ROLLOUT, trials=144))
    plays = PlayAnalysis(np.stack([made, other]), np.array([0.123456, -1.5], np.float32), chances, levels)
    cube = CubeAnalysis(Level("evaluation", 0), (0.3, 0.15, 0.05, 0.3, 0.1, 0.1), 0.25, 0.125, 1.0)
    notes = Notes(plays, cube, "first line\nsecond \\ ] line", 0.5)
    match = MatchRecord(0, (GameRecord(1, ("A", "B"), (0, 0), (RollAction(0, (3, 1), "8/5 6/5", notes=notes),)),))
    assert find_losses(match, round_trip(match)) <= {"texts"}


@pytest.mark.parametrize("level", [Level("XG Roller++"), Level("book")])
def test_a_level_that_the_format_does_not_know_is_left_out_rather_than_falsified(level: Level) -> None:
    made = START.copy()
    made[[8, 6, 5]] += np.array([-1, -1, 2], dtype=np.int8)
    plays = PlayAnalysis(made[None], np.zeros(1, np.float32), np.full((1, 6), 1 / 6, np.float32), (level,))
    roll = RollAction(0, (3, 1), "8/5 6/5", notes=Notes(plays))
    match = MatchRecord(0, (GameRecord(1, ("A", "B"), (0, 0), (roll,)),))
    assert round_trip(match).games[0].actions[0].notes is None


def test_what_cannot_be_followed_is_left_out_and_said() -> None:
    rows = "  1) 31: 8/5 6/5                  42: 13/1 6/4\n  2) 65: 24/13                    11: 8/7 8/7\n"
    match = only_match(as_match(rows + "      Wins 2 points\n"))
    text = write_sgf(match)
    assert "The rest of this game was lost" in text
    (game,) = replay_match(round_trip(match)).games
    assert (len(game), game.winner, game.size, game.problem) == (1, 0, 2, None)


@pytest.mark.parametrize(
    "rows",
    [
        "  1) 31: 8/5 6/5                   Doubles => 4\n  2)  Takes\n      Wins 4 points\n",
        "  1) 31: 8/5 6/5                   Beavers\n  2)  Takes\n      Wins 4 points\n",
        "  1) 31: 8/5 6/7                   Doubles => 2\n  2)  Takes\n      Wins 4 points\n",
        "  1) 31: 8/5 6/5\n      Wins\n",
        "  1) 31: 8/5 6/5\n      Wins 9 points\n",
        "  1) 31: 8/5 6/5\n      Wins 1 point\n  2)                               Drops\n",
    ],
)
def test_the_size_of_a_game_survives_whatever_the_log_says_about_its_cube(rows: str) -> None:
    match = only_match(as_match(rows, 9))
    before, after = replay_match(match).games[0], replay_match(round_trip(match)).games[0]
    assert (before.winner, before.size, before.ending) == (after.winner, after.size, after.ending)


def test_who_has_won_behind_something_unreadable_is_not_told_how_on_the_way_through_sgf() -> None:
    games = [
        GameRecord(1, ("Ann", "Bob"), (0, 0), (RollAction(0, (3, 1), "8/5 6/5"), UnreadableAction(1, "?!"))),
        GameRecord(2, ("Ann", "Bob"), (1, 0), (RollAction(1, (3, 1), "8/5 6/5"),)),
    ]
    match = MatchRecord(7, tuple(games))
    (again,) = read(write_sgf(match).encode())
    first = replay_match(again).games[0]
    assert (first.winner, first.size, first.ending) == (0, 0, "unknown")
    assert "results" not in find_losses(match, again)


def test_matches_do_not_flow_into_each_other() -> None:
    first = only_match(as_match("  1) 31: 8/5 6/5\n", 7))
    second = MatchRecord(7, (GameRecord(2, ("C", "D"), (1, 0), (RollAction(0, (4, 2), "8/4 6/4"),)),))
    assert [match.games[0].players for match in read(write_sgf(first, second).encode())] == [("Ann", "Bob"), ("C", "D")]


def test_games_without_usable_numbers_are_numbered_anew() -> None:
    games = tuple(GameRecord(0, ("A", "B"), (i, 0), ()) for i in range(3))
    assert [game.number for game in round_trip(MatchRecord(5, games)).games] == [1, 2, 3]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples lie beside the project")
@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.sgf")), ids=lambda file: file.stem)
def test_samples_of_gnubg_are_the_same_as_their_mat_files(file: Path) -> None:
    (match,) = read(file.read_bytes())
    assert find_losses(only_match(file.with_suffix(".mat").read_bytes()), match) <= {"texts", "headers"}
    assert find_losses(match, round_trip(match)) <= {"texts"}
