"""The one turn engine: environment, session and duel go through the same games; typed dice, set-ups, take-back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.utils import seeding

from backgammon.evaluation.player import Noise, PipCountPlayer, Player, RandomPlayer
from backgammon.rules import game as turns
from backgammon.rules.board import Position
from backgammon.rules.dice import Roll
from backgammon.rules.game import Stage
from backgammon.table.arena.options import SetUp, parse_set_up
from backgammon.table.duel import duel
from backgammon.table.session import Session, play_session
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError, GameError, IllegalPlay
from backgammon.tools.stream import draw_key, key_of_seed, throw_opening

TURN = "backgammon.env:BackgammonTurn-v0"
NUM_GAMES = 30
RANDOM, PIPCOUNT = RandomPlayer(), PipCountPlayer()
Moves = list[tuple[bytes, tuple[int, int], int]]
"""(board of the seat on roll, roll, chosen row) of the turns of a game."""


class Watched:
    """A player that writes down what it was asked and what it answered."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.name = player.name
        self.moves: Moves = []

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        rows = self.player.choose(boards, dice, noise)
        for board, (high, low), row in zip(boards, dice.tolist(), rows.tolist(), strict=True):
            self.moves.append((board.tobytes(), (high, low), row))
        return rows


def session_game(session: Session, players: tuple[Player, Player]) -> tuple[Moves, int]:
    """The next game of a session: its turns, and the points of seat 0."""
    while not session.state.is_over:
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(session.ask(players[session.state.turn]))
    result = session.state.result
    assert result is not None
    moves = [(t.decision.position.key, tuple(t.decision.roll), t.decision.chosen) for t in session.turns]
    return moves, result.points if result.winner == 0 else -result.points  # type: ignore[return-value]


def environment_game(env: Any, observation: dict[str, npt.NDArray[Any]]) -> tuple[Moves, int]:
    """The agent's turns of an episode that a pip counter plays, and the points of seat 0."""
    agent, is_over, info = Watched(PIPCOUNT), False, {"points": 0}
    while not is_over:
        dice = observation["dice"][None]
        row = agent.choose(observation["board"][None], dice, np.zeros(1, dtype=np.uint64))[0]
        observation, _, is_over, _, info = env.step(row)
    return agent.moves, info["points"]


def test_the_key_of_a_seed_is_the_one_that_gymnasium_gives_an_environment() -> None:
    for seed in (0, 1, 77, 2**40):
        assert key_of_seed(seed) == draw_key(seeding.np_random(seed)[0])


def test_environment_session_and_duel_play_identical_games_with_the_same_seed() -> None:
    seed = 31
    other = Watched(RANDOM)
    env: Any = gymnasium.make(TURN, opponent=other, reward="points", max_candidates=4096, padded=False)
    session = Session(("ann", "bob"), seed)
    first, second = Watched(PIPCOUNT), Watched(RANDOM)
    whole = duel(first, second, 2 * NUM_GAMES, seed)
    played: Moves = []
    for number in range(NUM_GAMES):
        if number:
            session.next_game()
        moves, points = session_game(session, (PIPCOUNT, RANDOM))
        other.moves.clear()
        observation, _ = env.reset(seed=seed) if number == 0 else env.reset()
        seen, won = environment_game(env, observation)
        assert seen == [move for move, turn in zip(moves, session.turns, strict=True) if turn.seat == 0]
        assert other.moves == [move for move, turn in zip(moves, session.turns, strict=True) if turn.seat == 1]
        assert points == won == whole.points[number, 0]
        played += moves
    mirrored = Session(("bob", "ann"), seed)
    for number in range(NUM_GAMES):
        if number:
            mirrored.next_game()
        moves, points = session_game(mirrored, (RANDOM, PIPCOUNT))
        assert -points == whole.points[number, 1]
        played += moves
    assert sorted(played) == sorted(first.moves + second.moves)


def test_vectorised_environment_and_sessions_play_identical_games() -> None:
    seed = 500
    envs: Any = gymnasium.make_vec(
        TURN, num_envs=NUM_GAMES, opponent="random", reward="points", padded=False, max_candidates=4096
    )
    agent = [Watched(PIPCOUNT) for _ in range(NUM_GAMES)]
    observations, _ = envs.reset(seed=seed)
    is_done, points, noise = np.zeros(NUM_GAMES, bool), np.zeros(NUM_GAMES), np.zeros(1, dtype=np.uint64)
    while not is_done.all():
        rows = np.zeros(NUM_GAMES, dtype=np.int64)
        for i in np.flatnonzero(~is_done).tolist():
            rows[i] = agent[i].choose(observations["board"][i][None], observations["dice"][i][None], noise)[0]
        observations, rewards, ended, _, _ = envs.step(rows)
        points[ended & ~is_done] = rewards[ended & ~is_done]
        is_done |= ended
    for i in range(NUM_GAMES):
        session = Session(("ann", "bob"), seed + i)
        moves, won = session_game(session, (PIPCOUNT, RANDOM))
        assert won == points[i]
        assert agent[i].moves == [move for move, turn in zip(moves, session.turns, strict=True) if turn.seat == 0]


def test_a_match_of_a_session_is_an_episode_of_the_environment_with_match_reward() -> None:
    for seed in range(5):
        env: Any = gymnasium.make(TURN, opponent="random", reward="match", match_length=5, max_candidates=4096)
        observation, _ = env.reset(seed=seed)
        seen, _ = environment_game(env, observation)
        session = Session(("ann", "bob"), seed, length=5)
        moves: Moves = []
        while True:
            game, _ = session_game(session, (PIPCOUNT, RANDOM))
            moves += [move for move, turn in zip(game, session.turns, strict=True) if turn.seat == 0]
            if session.is_over:
                break
            session.next_game()
        assert seen == moves
        assert env.unwrapped.games.match_score(0) == session.score.points


def test_states_of_a_session_are_those_of_the_turn_machine() -> None:
    session = Session(("ann", "bob"), seed=12)
    for _ in range(10):
        session_game(session, (RANDOM, PIPCOUNT))
        state = turns.new_game(has_cube=False)
        for turn in session.turns:
            roll = turn.decision.roll
            if state.stage is Stage.OPENING:
                state = turns.open_game(state, *(roll if turn.seat == 0 else roll[::-1]))
            else:
                state = turns.roll_dice(state, *roll)
            assert state == turn.before
            assert (state.decision().candidates == turn.decision.candidates).all()
            state = turns.play(state, turn.decision.candidates[turn.decision.chosen or 0])
        assert state == session.state
        session.next_game()


RACE = np.zeros(26, dtype=np.int8)
RACE[[6, 5, 4]], RACE[[19, 20, 21]] = (5, 5, 5), (-5, -5, -5)


def test_a_session_may_begin_from_a_position_with_seat_and_dice() -> None:
    session = Session(("ann", "bob"), 3, start=SetUp(Position(RACE), seat=1, roll=Roll(6, 5)))
    assert (session.state.stage, session.state.turn, session.state.roll) == (Stage.PLAY, 1, (6, 5))
    assert session.board_of(1) == Position(RACE)
    session.play(0)
    assert (session.state.stage, session.state.turn) == (Stage.ROLL, 0)
    session.throw_dice()
    session.rethrow_dice((2, 2))
    session_game(session, (PIPCOUNT, PIPCOUNT))
    start = session.record().games[0].start
    assert start is not None
    assert (start.position, start.turn) == (Position(RACE), 1)
    session.next_game()
    assert session.state == turns.new_game(has_cube=False)
    assert session.record().games[0].start == start
    session_game(session, (PIPCOUNT, PIPCOUNT))
    assert session.record().games[1].start is None


def test_a_position_without_dice_waits_for_a_throw_and_typed_dice_may_be_put_right() -> None:
    session = Session(("ann", "bob"), 3, start=parse_set_up({"position": "4HPwATDgc/ABMA", "first": 1}))
    assert (session.state.stage, session.state.turn) == (Stage.ROLL, 1)
    session.throw_dice((5, 5))
    session.rethrow_dice((6, 1))
    assert (session.state.turn, session.state.roll) == (1, (6, 1))
    assert (session.decision().candidates == session.state.decision().candidates).all()


def test_the_start_of_every_ordinary_game_is_no_set_up() -> None:
    one, two = Session(("ann", "bob"), 4), Session(("ann", "bob"), 4, start=SetUp(Position.start()))
    assert one.state == two.state == turns.new_game(has_cube=False)
    assert session_game(one, (RANDOM, RANDOM)) == session_game(two, (RANDOM, RANDOM))
    assert two.record().games[0].start is None


def test_a_session_from_a_set_up_is_the_environment_from_that_set_up() -> None:
    options: dict[str, Any] = {"position": Position(RACE), "first": 0}
    env: Any = gymnasium.make(TURN, opponent="random", max_candidates=4096)
    for seed in range(20):
        observation, _ = env.reset(seed=seed, options=options)
        seen, points = environment_game(env, observation)
        session = Session(("ann", "bob"), seed, start=parse_set_up(options))
        moves, won = session_game(session, (PIPCOUNT, RANDOM))
        assert seen == [move for move, turn in zip(moves, session.turns, strict=True) if turn.seat == 0]
        assert points == won


def test_the_usual_start_with_a_seat_is_that_of_the_environment() -> None:
    for seed in range(10):
        env: Any = gymnasium.make(TURN, opponent="self", max_candidates=4096)
        observation, _ = env.reset(seed=seed, options={"first": 1})
        session = Session(("ann", "bob"), seed, start=parse_set_up({"first": 1}))
        session.throw_dice()
        assert (session.state.turn, session.state.roll) == (1, tuple(observation["dice"].tolist()))


def test_exploring_starts_are_refused_by_a_session() -> None:
    with pytest.raises(ConfigError, match="random turns"):
        Session(("ann", "bob"), 9, start=SetUp(Position.start(), random_turns=7))


def test_a_game_that_is_broken_off_has_used_the_dice_of_its_turn() -> None:
    session = Session(("ann", "bob"), 2, length=5)
    for turn in range(3):  # an opening, not played; another, not even thrown; and one more
        if turn != 1:
            session.throw_dice()
            thrown = throw_opening(key_of_seed(2), np.uint64(1), np.uint64(turn))
            assert session.state.roll == (max(thrown), min(thrown))
        session.resign(turn % 2, 1)
        session.next_game()


def test_a_match_goes_on_after_a_resignation() -> None:
    session = Session(("ann", "bob"), 2, length=5)
    session.throw_dice()
    session.resign(session.state.turn, 2)
    assert max(session.score.points) == 2
    with pytest.raises(GameError, match="over"):
        session.take_back(0)
    session.next_game()
    assert session.state == turns.new_game(has_cube=False)
    play_session((PIPCOUNT, RANDOM), session)
    assert session.score.is_over


def test_playing_loads_no_gymnasium() -> None:
    code = "import sys, backgammon.table.duel; from backgammon.table.session import Session\n"
    code += "Session(('a', 'b'), 1).throw_dice()"
    code += "; print('gymnasium' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_wrong_rows_and_lengths_are_refused() -> None:
    session = Session(("ann", "bob"), 1)
    session.throw_dice()

    class Wild:
        name = "wild"

        def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002
            return np.full(len(boards), 400)

    with pytest.raises(GameError, match="player wild chose candidate 400"):
        session.ask(Wild())
    with pytest.raises(IllegalPlay):
        session.play(400)
    with pytest.raises(ConfigError, match="64 at most"):
        Session(("ann", "bob"), 1, length=65)
