"""Sessions with the doubling cube: the rules at every score, the books, and records that other readers replay."""

from __future__ import annotations

import numpy as np
import pytest

from backgammon.cube.stakes import OPPONENT, OWN
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.records import read_records, write_mat
from backgammon.records.formats.registry import WRITABLE
from backgammon.records.record.record import BeaverAction, DoubleAction, DropAction, MatchRecord, TakeAction
from backgammon.records.replay.replay import replay_match
from backgammon.rules.game import Stage
from backgammon.table.session import CubeRules, Session
from backgammon.tools.errors import ConfigError, GameError

NAMES = ("ann", "bob")


def play_with_chance(session: Session, rng: np.random.Generator, turns: int = 100_000) -> None:
    """Random doubles, takes, drops and resignations between plays of a pip counter."""
    player = PipCountPlayer()
    for _ in range(turns):
        if session.is_over:
            return
        if session.state.is_over:
            session.next_game()
        elif session.state.stage is Stage.DOUBLED:
            answer = rng.random()
            if answer < 0.2:
                session.drop()
            elif answer < 0.4 and session.cube is not None and session.cube.has_beavers:
                session.beaver()
            else:
                session.take()
        elif session.state.stage is Stage.PLAY:
            if rng.random() < 0.002:
                session.resign(session.state.turn, int(rng.integers(1, 4)))
            else:
                session.play(session.ask(player))
        elif session.may_double and rng.random() < 0.15:
            session.double()
        else:
            session.throw_dice()


@pytest.mark.parametrize("length", [2, 5, 11])
@pytest.mark.parametrize("suffix", [".mat", ".sgf", ".jsonl"])
def test_a_match_with_the_cube_is_replayed_to_the_same_score_from_every_format(length: int, suffix: str) -> None:
    session = Session(NAMES, seed=length, length=length, cube=CubeRules())
    play_with_chance(session, np.random.default_rng(length))
    record = session.record()
    cube_actions = [a for game in record.games for a in game.actions if isinstance(a, DoubleAction | TakeAction)]
    assert cube_actions
    write = next(entry.write for entry in WRITABLE if suffix in entry.suffixes)
    assert write is not None
    (again,) = read_records(write(record).encode(), f"match{suffix}")
    check_replay(again, session)


def check_replay(record: MatchRecord, session: Session) -> None:
    replayed = replay_match(record)
    assert [(game.problem, game.warnings) for game in replayed.games] == [(None, ())] * session.num_finished
    for game, original in zip(replayed.games, session.record().games, strict=True):
        assert game.winner == original.actions[-1].seat
        assert game.score.points == original.scores


def test_a_match_is_won_by_its_length_and_the_crawford_game_has_no_cube() -> None:
    seen = 0
    for seed in range(12):
        session = Session(NAMES, seed=seed, length=5, cube=CubeRules())
        rng = np.random.default_rng(seed)
        while not session.is_over:
            if session.score.is_crawford and not session.state.is_over:
                seen += 1
                assert not session.state.has_cube
                assert not session.may_double
            elif not session.state.is_over:
                assert session.state.has_cube
            play_with_chance(session, rng, turns=1)
        assert max(session.score.points) >= 5
        assert min(session.score.points) < 5
    assert seen


def to_first_roll(session: Session) -> None:
    """Past the opening: the second player is before its roll."""
    session.throw_dice()
    session.play(0)


def test_the_opening_roll_leaves_no_time_to_double() -> None:
    session = Session(NAMES, seed=1, cube=CubeRules())
    with pytest.raises(GameError, match="opening"):
        session.double()
    to_first_roll(session)
    assert session.may_double


def test_double_and_take_give_the_cube_to_the_taker_for_the_rest_of_the_game() -> None:
    session = Session(NAMES, seed=1, cube=CubeRules())
    to_first_roll(session)
    doubler = session.state.turn
    session.double()
    assert session.state.seat_to_act == 1 - doubler
    session.take()
    assert (session.stakes.cube, session.stakes.owner) == (2, OPPONENT)
    with pytest.raises(GameError, match="opponent owns"):
        session.double()
    session.throw_dice()
    session.play(0)
    assert (session.stakes.cube, session.stakes.owner) == (2, OWN)
    session.double()
    session.drop()
    assert session.score.points[1 - doubler] == 2


@pytest.mark.parametrize(("size", "points"), [(1, 2), (2, 4), (3, 6)])
def test_a_resignation_counts_the_cube(size: int, points: int) -> None:
    session = Session(NAMES, seed=2, cube=CubeRules())
    to_first_roll(session)
    session.double()
    session.take()
    seat = session.state.turn
    session.resign(seat, size)
    assert session.score.points[1 - seat] == points


def test_under_the_jacoby_rule_a_gammon_needs_a_turned_cube() -> None:
    session = Session(NAMES, seed=2, cube=CubeRules(has_jacoby=True))
    to_first_roll(session)
    session.resign(session.state.turn, 2)
    assert sum(session.score.points) == 1
    session.next_game()
    to_first_roll(session)
    session.double()
    session.take()
    session.resign(session.state.turn, 2)
    assert sum(session.score.points) == 1 + 4


def test_a_beaver_keeps_the_cube_at_four_times_its_value() -> None:
    session = Session(NAMES, seed=2, cube=CubeRules(has_beavers=True))
    to_first_roll(session)
    session.double()
    session.beaver()
    assert (session.stakes.cube, session.stakes.owner) == (4, OPPONENT)
    assert any(isinstance(action, BeaverAction) for _, action in session._cube_actions)
    plain = Session(NAMES, seed=2, cube=CubeRules())
    to_first_roll(plain)
    plain.double()
    with pytest.raises(GameError, match="not agreed"):
        plain.beaver()


def test_a_cube_that_wins_the_match_already_is_not_turned() -> None:
    session = Session(NAMES, seed=3, length=2, cube=CubeRules())
    to_first_roll(session)
    session.double()
    session.take()
    session.throw_dice()
    session.play(0)
    with pytest.raises(GameError, match="already wins the match"):
        session.double()


def test_without_a_cube_nobody_doubles() -> None:
    session = Session(NAMES, seed=1)
    to_first_roll(session)
    with pytest.raises(GameError, match="no cube in this game"):
        session.double()
    assert ("CubeLimit", "1") in session.record().headers


def test_a_play_that_is_taken_back_takes_the_later_cube_with_it() -> None:
    session = Session(NAMES, seed=1, cube=CubeRules())
    while not session.turns or session.turns[-1].decision.is_forced:
        session.throw_dice()
        session.play(0)
    seat = session.turns[-1].seat
    session.double()
    session.take()
    session.take_back(seat)
    assert session.state.cube == 1
    assert not session._cube_actions


def test_the_cube_changes_neither_dice_nor_plays() -> None:
    def plays(cube: CubeRules | None) -> list[str]:
        session = Session(NAMES, seed=9, num_games=1, cube=cube)
        while not session.is_over:
            if session.state.stage is not Stage.PLAY:
                if session.may_double and len(session.turns) == 4:
                    session.double()
                    session.take()
                session.throw_dice()
            session.play(session.ask(RandomPlayer()))
        return [turn.text for turn in session.turns]

    assert plays(None) == plays(CubeRules())


def test_rules_of_money_play_do_not_belong_to_a_match() -> None:
    with pytest.raises(ConfigError, match="money play"):
        Session(NAMES, seed=1, length=5, cube=CubeRules(has_jacoby=True))


def test_a_drop_is_written_where_people_read_it() -> None:
    session = Session(NAMES, seed=1, num_games=1, cube=CubeRules())
    to_first_roll(session)
    session.double()
    session.drop()
    text = write_mat(session.record())
    assert "Doubles => 2" in text
    assert "Drops" in text
    assert any(isinstance(action, DropAction) for action in session.record().games[0].actions)
