"""What the entries of a log mean: plays found by their resulting position, results, and where a game breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backgammon.records import (
    Action,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ReplayedGame,
    ResultAction,
    RollAction,
    TakeAction,
    replay_match,
    write_mat,
)
from backgammon.records.formats.mat import read
from backgammon.records.replay.legs import BLANK, CANNOT_MOVE, ILLEGAL_NOTE, LEGS, MALFORMED, UNKNOWN, encode_play
from backgammon.rules.board import START, swap
from backgammon.rules.game import Ending, GameState, Stage, double, drop, new_game, play, resign, roll_dice, take
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, KnownPlay, as_match, only_game, only_match, played, random_game, write_rows

LOGS = Path(__file__).parent / "vectors" / "logs"


def match_of(*games: str, length: int = 7, scores: tuple[str, ...] = (), headers: str = "") -> tuple[ReplayedGame, ...]:
    """Games of one match from their rows; scores like "0-0"."""
    text = f"{headers}\n {length} point match\n"
    for number, rows in enumerate(games, 1):
        left, right = (scores[number - 1] if scores else "0-0").split("-")
        text += f"\n Game {number}\n Ann : {left}          Bob : {right}\n{rows}"
    return replay_match(only_match(text)).games


def reason(game: ReplayedGame) -> str:
    assert game.problem is not None
    return game.problem.reason


def assert_accounts(game: ReplayedGame) -> None:
    lost = game.problem.num_lost if game.problem else 0
    assert game.num_rolls == len(game) + game.num_dances + game.num_unplayed + lost


# -- text of a play -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "legs", "stars"),
    [
        ("13/11 6/5", [13, 11, 6, 5], 0),
        ("bar/20*/16", [25, 20, 20, 16], 1),
        ("Bar/24 25/20", [25, 24, 25, 20], 0),
        ("6/off 5/Off 4/0", [6, 0, 5, 0, 4, 0], 0),
        ("8/4*(2)", [8, 4, 8, 4], 1),
        ("6/5(4)", [6, 5] * 4, 0),
        ("24/18*/13*", [24, 18, 18, 13], 2),
        ("24/20/16/12/8", [24, 20, 20, 16, 16, 12, 12, 8], 0),
    ],
)
def test_legs_of_a_text(text: str, legs: list[int], stars: int) -> None:
    code = list(encode_play(text))
    assert code[:3] == [LEGS, len(legs) // 2, stars]
    assert code[3:] == legs + [0] * (8 - len(legs))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", BLANK),
        ("Cannot Move", CANNOT_MOVE),
        ("????", UNKNOWN),
        ("???", UNKNOWN),
        ("Illegal play (0;1;2)", ILLEGAL_NOTE),
        ("6/5(5)", MALFORMED),
        ("6/5(3) 8/7(2)", MALFORMED),
        ("5/6", MALFORMED),
        ("26/20", MALFORMED),
        ("off/6", MALFORMED),
        ("13", MALFORMED),
        ("13/11 (comment)", MALFORMED),
        ("went home", MALFORMED),
        ("१३/११", MALFORMED),
    ],
)
def test_texts_without_legs(text: str, kind: int) -> None:
    assert encode_play(text)[0] == kind


# -- identification by the resulting position -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def games() -> list[list[KnownPlay]]:
    return [random_game(seed) for seed in range(12)]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_plays_that_were_made(name: str, games: list[list[KnownPlay]]) -> None:
    for plays in games:
        game = only_game(write_rows(plays, DIALECTS[name]))
        assert game.problem is None
        assert game.num_dances == sum(not known.play for known in plays)
        made = [(turn, known) for turn, known in enumerate(plays) if known.play]
        assert game.turns.tolist() == [turn for turn, _ in made]
        for logged, (turn, known) in zip(game.decisions(), made, strict=True):
            assert (logged.turn, logged.seat, logged.player) == (turn, known.seat, ("Ann", "Bob")[known.seat])
            assert logged.decision.position == known.decision.position
            assert logged.decision.roll == known.decision.roll
            assert logged.decision.chosen == known.decision.chosen
            assert np.array_equal(logged.decision.candidates, known.decision.candidates)


def test_arrays_and_decisions_say_the_same(games: list[list[KnownPlay]]) -> None:
    game = only_game(write_rows(games[0], DIALECTS["Galaxy"]))
    assert len(game) == len(game.plays.boards) == len(game.seats)
    for i, logged in enumerate(game.decisions()):
        assert logged.decision.position.key == game.plays.boards[i].tobytes()
        assert tuple(logged.decision.roll) == tuple(game.plays.dice[i])
        assert logged.decision.chosen == game.plays.chosen_rows[i]
        assert len(logged.decision.candidates) == game.plays.counts[i]
        assert np.array_equal(logged.decision.candidates[game.plays.chosen_rows[i]], game.plays.afters[i])
        assert not logged.decision.candidates.flags.writeable
    assert game.num_forced == sum(logged.decision.is_forced for logged in game.decisions())


@pytest.mark.parametrize("text", ["24/20 13/10", "13/10 24/20", "24/20 13/10*"])
def test_order_and_false_stars_of_legs_do_not_matter(text: str) -> None:
    assert played(only_game(f"  1) 43: {text}\n")) == ["43 24/20 13/10"]


@pytest.mark.parametrize("text", ["24/16", "24/20/16", "24/20 20/16", "20/16 24/20"])
def test_a_run_may_be_written_in_every_way(text: str) -> None:
    assert played(only_game(f"  1) 44: {text} 13/9(2)\n")) == ["44 24/16 13/9(2)"]


# Bob's blot on his 7 point is Ann's 18, after 13/7 8/7 it would be a point.
BLOT_ON_18 = "  1)                             61: 8/7 24/18\n"


def test_a_hit_without_a_star_is_a_hit() -> None:
    for star in ("", "*"):
        game = only_game(BLOT_ON_18 + f"  2) 62: 24/18{star} 13/11\n")
        assert played(game) == ["61 24/18 8/7", "62 24/18* 13/11"]
        assert game.plays.afters[-1][0] == -1


def test_a_long_leg_without_stars_avoids_the_blot_on_the_way() -> None:
    game = only_game(BLOT_ON_18 + "  2) 62: 24/16\n")
    assert played(game)[-1] == "62 24/16"
    assert game.plays.afters[-1][0] == 0


def test_a_long_leg_whose_star_can_only_be_on_the_way_hits_there() -> None:
    game = only_game(BLOT_ON_18 + "  2) 62: 24/16*\n")
    assert played(game)[-1] == "62 24/18*/16"


def test_a_hop_that_is_written_hits() -> None:
    assert played(only_game(BLOT_ON_18 + "  2) 62: 24/18/16\n"))[-1] == "62 24/18*/16"
    assert played(only_game(BLOT_ON_18 + "  2) 62: 24/18*/16\n"))[-1] == "62 24/18*/16"


def test_a_double_has_only_one_way_and_hits_all_along_it() -> None:
    assert played(only_game(BLOT_ON_18 + "  2) 33: 24/15 13/10\n"))[-1] == "33 24/18*/15 13/10"


def test_a_long_leg_that_must_hit_one_of_two_blots_is_ambiguous() -> None:
    # Ann's 24 to 16 with 62 leads over 22 or 18; Bob has blots on both (his 3 and 7 points).
    rows = (
        "  1)                             61: 8/7 24/18\n"
        "  2) 21: 8/7* 8/6                 53: 25/20 6/3\n"
        "  3) 62: 24/16\n"
    )
    game = only_game(rows)
    assert reason(game).startswith("could mean two different plays (")
    assert "24/22*/16" in reason(game)
    assert "24/18*/16" in reason(game)
    assert_accounts(game)


def test_dice_are_given_larger_first() -> None:
    assert only_game("  1) 13: 8/5 6/5\n").plays.dice.tolist() == [[3, 1]]


# -- dances and rolls without a play --------------------------------------------------------------------------------


# Bob closes nothing but his 6, 5, 4, 3 points are made when Ann is hit: her 66 and 55 cannot enter.
def dance_rows(text: str) -> str:
    return (
        "  1)                             61: 13/7 8/7\n"
        "  2) 21: 24/22 6/5               41: 24/23 7/3*\n"
        f"  3) 66: {text:<24}  31: 8/5 6/5\n"
    )


@pytest.mark.parametrize("text", ["", "Cannot Move", "????", "cannot move"])
def test_a_dance_may_be_written_in_every_way(text: str) -> None:
    game = only_game(dance_rows(text))
    assert game.problem is None
    assert (len(game), game.num_dances, game.num_unplayed) == (4, 1, 0)
    assert game.turns.tolist() == [0, 1, 2, 4]


def test_a_play_where_none_is_legal_breaks_the_game() -> None:
    game = only_game(dance_rows("25/19"))
    assert "no checker can move" in reason(game)
    assert game.problem is not None
    assert (len(game), game.problem.num_lost) == (3, 2)


def test_cannot_move_is_a_lie_when_a_play_is_legal() -> None:
    game = only_game("  1) 31: 8/5 6/5                42: Cannot Move\n")
    assert reason(game) == "is wrong: this roll can be played"
    assert len(game) == 1


@pytest.mark.parametrize("last", ["42:", "42: ????", "????", "00: ????"])
def test_an_unplayed_roll_at_the_end_is_no_example_and_no_error(last: str) -> None:
    game = only_game(f"  1) 31: 8/5 6/5                {last}\n      Wins 1 point\n")
    assert game.problem is None
    assert (len(game), game.num_unplayed, game.winner) == (1, 1, 0)
    assert_accounts(game)


def test_nothing_can_be_played_after_an_unplayed_roll() -> None:
    for roll in ("42:", "????"):
        game = only_game(f"  1) 31: 8/5 6/5                {roll}\n  2) 61: 13/7 8/7                51: ????\n")
        assert reason(game) == "follows a roll that was not played"
        assert (len(game), game.num_unplayed, game.num_rolls) == (1, 1, 4)
        assert_accounts(game)


def test_unplayed_rolls_may_follow_each_other() -> None:
    game = only_game("  1) 31: 8/5 6/5                42: ????\n  2) 61: ????\n")
    assert game.problem is None
    assert game.num_unplayed == 2


# -- legality -------------------------------------------------------------------------------------------------------


def test_an_illegal_play_costs_the_rest_of_its_game_only() -> None:
    good = "  1) 31: 8/5 6/5                42: 8/4 6/4\n"
    first, second = match_of(good + "  2) 52: 13/7                   61: 13/7 8/7\n", good, length=0)
    assert (len(first), len(second)) == (2, 2)
    problem = first.problem
    assert problem is not None
    assert (problem.file, problem.line, problem.game, problem.row) == ("test.mat", 7, 1, 2)
    assert (problem.text, problem.num_lost) == ("52: 13/7", 2)
    assert "'13/7' is not legal with 52" in problem.reason
    assert "13/8, 13/11" in problem.reason
    assert second.problem is None
    assert_accounts(first)


@pytest.mark.parametrize("text", ["13/11", "24/23", "8/5"])
def test_a_play_of_one_die_is_illegal_when_both_can_be_played(text: str) -> None:
    assert reason(only_game(f"  1) 31: {text}\n")).startswith("is not legal")


def test_a_play_that_is_no_text_breaks_the_game() -> None:
    game = only_game("  1) 31: see above                42: 8/4 6/4\n")
    assert reason(game) == "is not the text of a play"
    assert len(game) == 0


def test_an_illegal_play_noted_by_the_writer_breaks_the_game() -> None:
    assert reason(only_game("  1) 31: Illegal play (0;0;1)\n")) == "is what the writer kept of an illegal play"


def test_an_unreadable_entry_breaks_the_game_after_the_plays_before_it() -> None:
    game = only_game("  1) 31: 8/5 6/5                42: 8/4 6/4\n  2) foo                       61: 13/7 8/7\n")
    assert reason(game) == "is not understood"
    assert (len(game), game.num_rolls) == (2, 3)
    assert_accounts(game)


def test_two_rolls_of_one_player_in_succession_break_the_game() -> None:
    game = only_game("  1) 31: 8/5 6/5\n  2) 42: 8/4 6/4\n")
    assert reason(game) == "is a second roll of the same player in succession"
    assert len(game) == 1


def test_a_roll_after_the_end_breaks_the_game() -> None:
    game = only_game("  1) 31: 8/5 6/5                 Doubles => 2\n  2)  Drops\n  3)          42: 8/4 6/4\n")
    assert reason(game) == "comes after the end of the game"
    assert (len(game), game.winner, game.ending) == (1, 1, "drop")


def test_a_play_without_dice_breaks_the_game() -> None:
    assert reason(only_game("  1) 00: 8/5 6/5\n")) == "is a play without dice"


def test_plays_after_the_last_checker_is_off_break_the_game(games: list[list[KnownPlay]]) -> None:
    plays = games[0]
    loser = KnownPlay(1 - plays[-1].seat, plays[-1].decision, plays[-1].play)
    game = only_game(write_rows([*plays, loser], DIALECTS["XG"]))
    assert reason(game) == "comes after the last checker was borne off"
    assert (game.winner, game.ending) == (plays[-1].seat, "borne off")
    assert_accounts(game)


def test_another_starting_position_is_refused() -> None:
    text = as_match("  1) 31: 8/5 6/5\n", headers='; [Variation "Nackgammon"]')
    with pytest.raises(RecordError, match="Nackgammon"):
        replay_match(only_match(text))


# -- results --------------------------------------------------------------------------------------------------------


def test_the_board_gives_winner_and_size(games: list[list[KnownPlay]]) -> None:
    for plays in games:
        last = plays[-1]
        assert last.decision.chosen is not None
        final = last.decision.candidates[last.decision.chosen]
        size = 1 if -int(final[final < 0].sum()) < 15 else 3 if (final[:7] < 0).any() else 2
        game = only_game(write_rows(plays, DIALECTS["Snowie"]))
        assert (game.winner, game.size, game.ending) == (last.seat, size, "borne off")
        assert game.points == (size if last.seat == 0 else -size)
        for logged in game.decisions():
            assert logged.points == (size if logged.seat == last.seat else -size)
            assert logged.winner == last.seat


def test_the_board_is_believed_before_the_writer(games: list[list[KnownPlay]]) -> None:
    plays = games[0]
    wrong = " " * (34 if plays[-1].seat == 0 else 6) + "Wins 1 point\n"
    game = only_game(write_rows(plays, DIALECTS["XG"]) + wrong)
    assert game.winner == plays[-1].seat
    assert game.warnings[0].reason == "the loser is written down as the winner"


ONE_PLAY = "  1) 31: 8/5 6/5                42: ????\n"


@pytest.mark.parametrize(
    ("cube", "points", "size"), [(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 1, 1), (2, 2, 1), (2, 3, 2), (2, 4, 2), (2, 6, 3)]
)
def test_points_by_the_cube_give_the_size_of_a_resignation(cube: int, points: int, size: int) -> None:
    turned = "  2)  Doubles => 2                Takes\n" if cube == 2 else ""
    game = only_game(f"  1)                             31: 8/5 6/5\n{turned}      Wins {points} points\n", 7)
    assert (game.winner, game.size, game.ending) == (0, size, "resigned")
    assert not game.warnings


def test_impossible_points_tell_the_winner_only() -> None:
    game = only_game("  1) 31: 8/5 6/5                32: ????\n                     Wins 4016 point\n")
    assert (game.winner, game.size) == (1, 0)
    assert game.warnings[0].reason == "4016 points with the cube at 1 cannot be won"


def test_a_drop_gives_a_winner_and_no_size() -> None:
    game = only_game("  1) 31: 8/5 6/5                 Doubles => 2\n  2)  Drops                     Wins 1 point\n", 7)
    assert (game.winner, game.size, game.points, game.ending) == (1, 0, 0, "drop")
    assert [(logged.winner, logged.points) for logged in game.decisions()] == [(1, 0)]


def test_losses_alone_give_winner_and_size() -> None:
    game = only_game("  1) 31: 8/5 6/5                 Losses 2 point\n", 7)
    assert (game.winner, game.size) == (0, 2)


def test_concedes_alone_takes_its_size_from_the_next_header() -> None:
    first, second = match_of("  1) 31: 8/5 6/5                62: Concedes\n", ONE_PLAY, scores=("0-0", "2-0"))
    assert (first.winner, first.size, first.ending) == (0, 2, "resigned")
    assert (second.winner, second.size, second.ending) == (None, 0, "unknown")
    assert [logged.points for logged in second.decisions()] == [0]


def test_without_any_entry_the_next_header_names_the_winner() -> None:
    first, _ = match_of(ONE_PLAY, ONE_PLAY, scores=("0-0", "0-1"))
    assert (first.winner, first.size) == (1, 1)
    first, _ = match_of(ONE_PLAY, ONE_PLAY, scores=("0-0", "1-1"))
    assert first.winner is None


def test_a_next_header_that_does_not_fit_is_not_believed() -> None:
    first, _ = match_of(ONE_PLAY + "      Wins 1 point\n", ONE_PLAY, scores=("0-0", "0-3"))
    assert (first.winner, first.size) == (0, 1)
    first, _ = match_of(ONE_PLAY + "      Wins\n", ONE_PLAY, scores=("0-0", "0-3"))
    assert (first.winner, first.size) == (0, 0)


# -- cube and score -------------------------------------------------------------------------------------------------


def test_crawford_is_the_first_game_with_exactly_one_player_1_away() -> None:
    games = match_of(*[ONE_PLAY] * 5, length=3, scores=("0-0", "2-0", "2-1", "2-2", "2-2"))
    assert [game.score.is_crawford for game in games] == [False, True, False, False, False]
    off = match_of(*[ONE_PLAY] * 2, length=3, scores=("0-0", "2-0"), headers='; [Crawford "Off"]')
    assert not any(game.score.is_crawford for game in off)


def test_a_double_in_the_crawford_game_is_accepted_with_a_warning() -> None:
    rows = "  1) 31: 8/5 6/5                 Doubles => 2\n  2)  Takes             61: 13/7 8/7\n      Wins 2 points\n"
    _, game = match_of(ONE_PLAY, rows, length=3, scores=("0-0", "2-0"))
    assert len(game) == 2
    assert game.size == 1
    assert "there is no cube in this game" in game.warnings[0].reason


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("  1) 31: 8/5 6/5\n  2)  Doubles => 2                Takes\n", "the other player is on roll"),
        ("  1) 31: 8/5 6/5                 Doubles => 8\n  2)  Takes\n", "turns the cube from 1 to 8"),
        ("  1) 31: 8/5 6/5                 Doubles => 3\n  2)  Takes\n", "turns the cube from 1 to 3"),
        ("  1) 31: 8/5 6/5                 Takes\n", "against the rules"),
        ("  1) 31: 8/5 6/5                 Doubles => 2\n  2)                       61: 13/7 8/7\n", "read as taken"),
        ("  1) 31: 8/5 6/5                 Doubles => 2\n  2)                        Takes\n", "double of the same"),
        (
            "  1) 31: 8/5 6/5\n      Wins 1 point\n  2)                       Doubles => 2\n",
            "after the end of the game",
        ),
    ],
)
def test_a_cube_action_against_the_rules_is_a_warning(rows: str, text: str) -> None:
    game = only_game(rows, 7)
    assert text in " ".join(warning.reason for warning in game.warnings)


def test_beavers_turn_the_cube_again() -> None:
    rows = "  1) 31: 8/5 6/5                 Doubles => 2\n  2)  Beavers                 Takes\n      Wins 4 points\n"
    game = only_game(rows)
    assert not game.warnings
    assert (game.winner, game.size) == (0, 1)


def test_scores_of_an_unlimited_session_mean_nothing() -> None:
    headers = '; [Site "BackgammonGalaxy"]\n'
    (game,) = match_of(ONE_PLAY, length=16, scores=("15-3",), headers=headers)
    assert game.score.is_money
    assert not game.score.is_crawford
    assert game.unit == game.match
    (game,) = match_of(ONE_PLAY, length=16, scores=("15-3",))
    assert game.score.is_crawford


# -- identity -------------------------------------------------------------------------------------------------------


def test_identity_does_not_see_names_dialect_blanks_or_file(games: list[list[KnownPlay]]) -> None:
    identities = set()
    for name, dialect in DIALECTS.items():
        text = as_match(write_rows(games[1], dialect), 5, names=f" {name} : 0   X : 0", headers=f'; [Event "{name}"]')
        (match,) = read(text.encode(), name)
        identities.add(replay_match(match).identity)
    assert len(identities) == 1


def test_identity_does_not_see_which_player_has_which_column(games: list[list[KnownPlay]]) -> None:
    swapped = [replace(known, seat=1 - known.seat) for known in games[1]]
    one = only_game(write_rows(games[1], DIALECTS["XG"]))
    other = only_game(write_rows(swapped, DIALECTS["XG"]))
    assert one.match == other.match
    assert one.winner == 1 - (other.winner or 0)


def test_identity_sees_plays_dice_and_length() -> None:
    rows = ["  1) 31: 8/5 6/5\n", "  1) 31: 24/20\n", "  1) 13: 8/5 6/5                42: 8/4 6/4\n"]
    identities = [only_game(text).match for text in rows] + [only_game(rows[0], 5).match]
    assert len(set(identities)) == 4


def test_games_of_a_money_session_are_units_of_their_own() -> None:
    one, other = "  1) 31: 8/5 6/5\n", "  1)                             31: 24/20\n"
    session = match_of(one, other, one, length=0)
    assert len({game.match for game in session}) == 1
    assert [game.unit == session[0].unit for game in session] == [True, False, True]
    match = match_of(one, other, length=5)
    assert len({game.unit for game in match} | {game.match for game in match}) == 1


def test_games_are_counted_in_the_file() -> None:
    first, second = read((as_match(ONE_PLAY) + as_match(ONE_PLAY)).encode())
    assert replay_match(first).games[0].game == 1
    assert replay_match(second, first_game=2).games[0].game == 2


# -- against the turn machine ---------------------------------------------------------------------------------------


def drive(actions: tuple[Action, ...], game: ReplayedGame) -> GameState:
    """The state of the turn machine after all entries; every play is checked on the way."""
    first = next(action for action in actions if isinstance(action, RollAction))
    state = replace(new_game(), turn=first.seat, stage=Stage.ROLL)
    logged = {entry.turn: entry for entry in game.decisions()}
    turn = 0
    for action in actions:
        match action:
            case RollAction(roll=(die1, die2)):
                state = roll_dice(state, die1, die2)
                assert state.turn == action.seat
                decision = logged[turn].decision if turn in logged else state.decision()
                assert decision.position == state.position
                state = play(state, decision.candidates[decision.chosen or 0])
                turn += 1
            case DoubleAction(cube=cube):
                assert state.turn == action.seat
                assert 2 * state.cube == cube
                state = double(state)
            case TakeAction():
                assert state.seat_to_act == action.seat
                state = take(state)
            case DropAction():
                state = drop(state)
            case ResultAction() if not state.is_over:
                state = resign(state, 1 - action.seat, game.size)
    return state


@pytest.mark.parametrize("name", ["gnubg-match5.mat", "gnubg-snowie-export.txt"])
def test_replay_agrees_with_the_turn_machine(name: str) -> None:
    (record,) = read((LOGS / name).read_bytes(), name)
    endings = {Ending.BORNE_OFF: "borne off", Ending.DROP: "drop", Ending.RESIGNED: "resigned"}
    for written, game in zip(record.games, replay_match(record).games, strict=True):
        assert game.problem is None
        assert not game.warnings
        state = drive(written.actions, game)
        assert state.result is not None
        assert (state.result.winner, endings[state.result.ending]) == (game.winner, game.ending)
        assert state.result.size == game.size


def test_round_trip_of_real_logs() -> None:
    for file in sorted(LOGS.iterdir()):
        (record,) = read(file.read_bytes(), file.name)
        (again,) = read(write_mat(record).encode(), file.name)
        assert again.games == record.games
        assert replay_match(again).identity == replay_match(record).identity


def test_a_game_without_rolls_has_no_decisions() -> None:
    (game,) = replay_match(MatchRecord(5, (GameRecord(1, ("a", "b"), (0, 0), (ResultAction(0, 1),)),))).games
    assert list(game.decisions()) == []
    assert len(game) == 0
    assert (game.winner, game.size) == (0, 1)


def test_the_first_decision_is_the_starting_position() -> None:
    game = only_game("  1)                             31: 8/5 6/5\n  2) 42: 8/4 6/4\n")
    assert np.array_equal(game.plays.boards[0], START)
    assert np.array_equal(game.plays.boards[1], swap(game.plays.afters[0]))
    assert game.seats.tolist() == [1, 0]
