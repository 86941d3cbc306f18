from __future__ import annotations

import numpy as np
import pytest

from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.records import replay_match, write_mat
from backgammon.records.formats.mat import read
from backgammon.records.record.record import ResultAction, RollAction
from backgammon.rules.board import Position
from backgammon.rules.game import Stage
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import ConfigError, DiceError, GameError, IllegalPlay

NAMES = ("ann", "bob")
PIPCOUNT, RANDOM = PipCountPlayer(), RandomPlayer()


def play_rolls(session: Session, count: int) -> None:
    """Let pip counters play some rolls."""
    for _ in range(count):
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(session.ask(PIPCOUNT))


def test_same_seed_gives_the_same_record_byte_for_byte() -> None:
    one, two = (play_session((PIPCOUNT, RANDOM), Session(NAMES, seed=4, num_games=3)) for _ in range(2))
    assert write_mat(one) == write_mat(two)


def test_another_seed_gives_another_record() -> None:
    one, two = (play_session((PIPCOUNT, RANDOM), Session(NAMES, seed=seed, num_games=1)) for seed in (1, 2))
    assert one.games != two.games


def test_record_read_again_gives_the_plays_that_were_made() -> None:
    session = Session(NAMES, seed=11, num_games=1)
    text = write_mat(play_session((RANDOM, PIPCOUNT), session))
    game = replay_match(read(text.encode())[0]).games[0]
    played = [turn for turn in session.turns if not turn.decision.is_dance]
    assert game.problem is None
    assert game.seats.tolist() == [turn.seat for turn in played]
    assert game.plays.chosen_rows.tolist() == [turn.decision.chosen for turn in played]
    assert session.state.result is not None
    assert (game.winner, game.size) == (session.state.result.winner, session.state.result.size)


def test_match_ends_when_a_player_reaches_its_length_and_says_so() -> None:
    session = Session(NAMES, seed=3, length=3)
    record = play_session((PIPCOUNT, RANDOM), session)
    assert session.score.is_over
    assert max(session.score.points) >= 3
    last = record.games[-1].actions[-1]
    assert isinstance(last, ResultAction)
    assert last.ends_match
    assert record.length == 3
    assert record.games[0].scores == (0, 0)


def test_scores_before_each_game_add_up() -> None:
    session = Session(NAMES, seed=6, num_games=4)
    record = play_session((PIPCOUNT, PIPCOUNT), session)
    totals = [0, 0]
    for game in record.games:
        assert game.scores == tuple(totals)
        result = game.actions[-1]
        assert isinstance(result, ResultAction)
        assert result.points is not None
        totals[result.seat] += result.points
    assert session.score.points == tuple(totals)


def test_take_back_returns_to_the_choice_and_meets_the_same_dice() -> None:
    session = Session(NAMES, seed=8)
    play_rolls(session, 6)
    first = session.turns.copy()
    seat = next(turn.seat for turn in reversed(first) if not turn.decision.is_forced)
    session.take_back(seat)
    taken = len(session.turns)
    assert taken < 6
    assert session.state == first[taken].before
    assert session.state.turn == seat
    session.play(session.ask(PIPCOUNT))
    play_rolls(session, 5 - taken)
    assert [turn.decision.roll for turn in session.turns] == [turn.decision.roll for turn in first]
    assert [turn.decision.chosen for turn in session.turns] == [turn.decision.chosen for turn in first]


def test_take_back_passes_over_forced_plays_and_dances() -> None:
    session = Session(NAMES, seed=0)
    while True:  # until a seat's newest turn leaves no choice
        play_rolls(session, 1)
        last = session.turns[-1]
        if last.decision.is_forced and session.can_take_back(last.seat):
            break
    session.take_back(last.seat)
    assert not session.state.decision().is_forced


def test_nothing_to_take_back_before_the_first_choice() -> None:
    session = Session(NAMES, seed=0)
    session.throw_dice()
    with pytest.raises(GameError, match="nothing to take back"):
        session.take_back(0)


def test_dice_from_the_table_replace_the_own_ones() -> None:
    session = Session(NAMES, seed=1)
    session.throw_dice((2, 6))
    assert (session.state.turn, session.state.roll) == (1, (6, 2))
    session.play(0)
    with pytest.raises(DiceError):
        session.throw_dice((7, 1))
    session.throw_dice((5, 5))
    assert session.state.roll == (5, 5)
    session.rethrow_dice((3, 5))
    assert session.state.roll == (5, 3)


def test_an_opening_roll_of_equal_dice_is_refused() -> None:
    with pytest.raises(GameError, match="thrown again"):
        Session(NAMES, seed=1).throw_dice((4, 4))


def test_opening_dice_and_dice_not_thrown_cannot_be_put_right() -> None:
    session = Session(NAMES, seed=1)
    with pytest.raises(GameError, match="none have been thrown"):
        session.rethrow_dice((3, 1))
    session.throw_dice()
    with pytest.raises(GameError, match="who starts"):
        session.rethrow_dice((3, 1))


def test_resigned_game_is_booked_with_its_size() -> None:
    session = Session(NAMES, seed=2)
    session.throw_dice()
    session.resign(0, 2)
    assert session.score.points == (0, 2)
    assert session.num_finished == 1
    game = session.record().games[0]
    assert game.actions[-1] == ResultAction(1, 2)


def test_record_of_a_game_in_play_ends_with_the_roll_not_played() -> None:
    session = Session(NAMES, seed=2)
    play_rolls(session, 3)
    session.throw_dice()
    actions = session.record().games[0].actions
    assert len(actions) == 4
    assert isinstance(actions[-1], RollAction)
    assert actions[-1].play == ""


def test_board_of_a_seat_does_not_depend_on_the_turn() -> None:
    session = Session(NAMES, seed=5)
    assert session.board_of(0) == session.board_of(1) == Position.start()
    play_rolls(session, 1)
    assert session.board_of(0) == session.board_of(1).swap()
    assert session.board_of(session.state.turn) == session.state.position


def test_illegal_rows_and_untimely_acts_change_nothing() -> None:
    session = Session(NAMES, seed=5)
    with pytest.raises(GameError, match="no dice"):
        session.play(0)
    session.throw_dice()
    before = session.state
    with pytest.raises(IllegalPlay):
        session.play(999)
    with pytest.raises(GameError):
        session.throw_dice()
    with pytest.raises(GameError, match="not over"):
        session.next_game()
    assert session.state is before


def test_nothing_goes_on_after_the_last_game() -> None:
    session = Session(NAMES, seed=5, num_games=1)
    play_session((PIPCOUNT, PIPCOUNT), session)
    for act in (session.next_game, session.throw_dice):
        with pytest.raises(GameError, match="session is over"):
            act()


def test_a_session_without_an_end_is_not_played_by_machines() -> None:
    with pytest.raises(ConfigError, match="without an end"):
        play_session((PIPCOUNT, PIPCOUNT), Session(NAMES, seed=1))


@pytest.mark.parametrize(("seed", "length", "num_games"), [(-1, 0, None), (1, -1, None), (1, 0, 0), (1, 3, 2)])
def test_impossible_settings_are_refused(seed: int, length: int, num_games: int | None) -> None:
    with pytest.raises(ConfigError):
        Session(NAMES, seed, length, num_games)


def test_openings_are_fair_over_seeds() -> None:
    starts = []
    for seed in range(300):
        session = Session(NAMES, seed)
        session.throw_dice()
        starts.append(session.state.turn)
    assert 110 < np.sum(starts) < 190
