"""Batches of games: the turn order of `backgammon.rules.game`, opponents, matches, forfeits."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.evaluation.player import Noise, PipCountPlayer, RandomPlayer
from backgammon.rules.board import START, Board, Position, points_won
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll
from backgammon.rules.movegen import legal_candidates
from backgammon.table.arena.batch import GameBatch
from backgammon.table.arena.encoding import bounds, write_counts, write_units
from backgammon.table.arena.move_games import MoveGames
from backgammon.table.arena.opponents import Opponent, OpponentSpec, register_opponent, resolve_opponent
from backgammon.table.arena.options import Rules, SetUp
from backgammon.table.arena.play_games import PlayGames
from backgammon.table.arena.turns import OUTSIDE, POINTS, RANDOM
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import CandidateOverflow, ConfigError, GameError
from tests.naive import env as twin

KEYS = [3, 1 << 63, 77]


def plays(num: int, opponent: OpponentSpec | Opponent, rules: Rules | None = None, most: int = 4096) -> PlayGames:
    chosen = opponent if isinstance(opponent, Opponent) else resolve_opponent(opponent)
    games = PlayGames(num, chosen, rules or Rules(), most)
    games.seed(np.array((KEYS * num)[:num], dtype=np.uint64))
    return games


def moves(num: int, opponent: OpponentSpec, rules: Rules | None = None) -> MoveGames:
    games = MoveGames(num, resolve_opponent(opponent), rules or Rules(), "counts")
    games.seed(np.array((KEYS * num)[:num], dtype=np.uint64))
    return games


def fractions(seed: int) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    while True:
        yield float(rng.random())


def decisive(games: GameBatch, game: int = 0) -> tuple[bytes, int, tuple[int, int]]:
    roll = (0, 0) if games.is_over(game) else tuple(games.roll(game))
    return games.boards[game].tobytes(), games.seat(game), (roll[0], roll[1])


def fast_game(games: PlayGames, rows: Iterator[float]) -> list[tuple[bytes, int, tuple[int, int]]]:
    games.start(None)
    past = [decisive(games)]
    while not games.has_ended[0]:
        games.step(np.array([int(next(rows) * len(games.candidates))]))
        past.append(decisive(games))
    return past


@pytest.mark.parametrize("key_row", range(len(KEYS)))
def test_games_against_random_go_as_the_turn_machine_says(key_row: int) -> None:
    games = PlayGames(1, resolve_opponent("random"), Rules(reward="points"), 4096)
    games.seed(np.array([KEYS[key_row]], dtype=np.uint64))
    for episode in range(1, 4):
        past = fast_game(games, fractions(episode))
        expected = twin.random_game(KEYS[key_row], episode, fractions(episode))
        assert past[:-1] == [turn for turn in expected[:-1] if turn[1] == 0]
        assert past[-1] == expected[-1]
        won = points_won(np.frombuffer(past[-1][0], dtype=np.int8))
        assert games.points_of(0) == games.rewards[0] == (won if past[-1][1] == 0 else -won)


def test_self_play_goes_as_the_turn_machine_says() -> None:
    games = plays(1, "self")
    for episode in range(1, 4):
        fast = fast_game(games, iter(twin.noise(KEYS[0], episode, t) / 2**64 for t in range(10_000)))
        assert fast == twin.random_game(KEYS[0], episode, None)


def test_the_compiled_random_opponent_is_random_player() -> None:
    inside, outside = plays(64, "random"), plays(64, Opponent(OUTSIDE, "random", RandomPlayer()))
    for games in (inside, outside):
        games.start(None)
    rng = np.random.default_rng(1)
    for _ in range(150):
        assert (inside.boards == outside.boards).all()
        rows = (rng.random(64) * np.diff(inside.offsets)).astype(np.int64)
        inside.step(rows)
        outside.step(rows)
        assert (inside.rewards == outside.rewards).all()


def test_a_batch_goes_the_same_way_as_each_of_its_games_alone() -> None:
    together = moves(3, "pipcount")
    alone = [moves(1, "pipcount") for _ in KEYS]
    for key, games in zip(KEYS, alone, strict=True):
        games.seed(np.array([key], dtype=np.uint64))
    for games in (together, *alone):
        games.start(None)
    rng = np.random.default_rng(2)
    for _ in range(400):
        actions = (together.masks * rng.random(together.masks.shape)).argmax(axis=1)
        together.step(actions)
        for i, games in enumerate(alone):
            games.step(actions[i : i + 1])
            assert decisive(games) == decisive(together, i)
            assert games.rewards[0] == together.rewards[i]


def test_the_next_step_after_the_end_begins_the_next_episode() -> None:
    games = plays(1, "self")
    fast_game(games, fractions(5))
    assert games.is_over(0)
    games.step(np.array([999]))
    assert games.boards[0].tobytes() == START.tobytes()
    assert not games.has_ended[0]
    assert not games.is_illegal[0]
    assert games.rewards[0] == 0


def test_a_match_ends_when_a_seat_has_its_points_and_gammons_count() -> None:
    games = plays(1, "random", Rules(reward="match", match_length=5))
    games.start(None)
    rng = np.random.default_rng(3)
    scores, last = [], (0, 0)
    while not games.has_ended[0]:
        games.step((rng.random(1) * np.diff(games.offsets)).astype(np.int64))
        if games.match_score(0) != last:
            won = sum(games.match_score(0)) - sum(last)
            assert won == abs(games.points_of(0))
            last = games.match_score(0)
            scores.append(won)
    assert max(last) >= 5
    assert sum(scores) == sum(last)
    assert games.rewards[0] == (1 if last[0] >= 5 else -1)


def test_an_opponent_may_be_an_object_a_function_or_an_address() -> None:
    class Scorer:
        name = "first"

        def choose(self, boards: Boards, dice: Dice) -> Int64s:
            assert boards.shape[1:] == (26,)
            assert dice.shape[1:] == (2,)
            return np.zeros(len(boards), dtype=np.int64)

    def first(decision: Decision) -> int:
        assert len(decision.candidates)
        return 0

    batches = [plays(8, Scorer()), plays(8, first), plays(8, f"{__name__}:make_first")]
    register_opponent("the first", make_first)
    batches.append(plays(8, "the first"))
    for games in batches:
        games.start(None)
        for _ in range(30):
            games.step(np.zeros(8, dtype=np.int64))
    assert all((games.boards == batches[0].boards).all() for games in batches)
    assert [games.opponent.name for games in batches[:2]] == ["first", "first"]


class FirstPlayer:
    name = "first"

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        assert len(dice) == len(noise)
        return np.zeros(len(boards), dtype=np.int64)


def make_first() -> FirstPlayer:
    return FirstPlayer()


def test_names_of_opponents() -> None:
    assert resolve_opponent("random").kind == RANDOM
    assert isinstance(resolve_opponent("pipcount").player, PipCountPlayer)
    for wrong in ("gnubg", "no.such.module:player", "backgammon.evaluation.player:nobody", 7):
        with pytest.raises(ConfigError, match="opponent"):
            resolve_opponent(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="not built in"):
        register_opponent("random", make_first)


class Mute:
    name = "mute"

    def __init__(self, answer: npt.NDArray[np.generic]) -> None:
        self.answer = answer

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> npt.NDArray[np.generic]:
        assert len(boards) == len(dice) == len(noise)
        return self.answer


@pytest.mark.parametrize("answer", [np.array([9999]), np.array([-1]), np.array([0.5]), np.array([0, 0])])
def test_an_opponent_that_answers_nonsense_is_named_and_the_game_is_not_continued(
    answer: npt.NDArray[np.generic],
) -> None:
    games = plays(1, Opponent(OUTSIDE, "mute", Mute(answer)))  # type: ignore[arg-type]
    with pytest.raises(GameError, match="player mute"):  # noqa: PT012 - whoever opens, the opponent comes next
        games.start(None)
        games.step(np.zeros(1, dtype=np.int64))
    with pytest.raises(GameError, match="call reset"):
        games.step(np.zeros(1, dtype=np.int64))


def test_a_step_before_the_start_is_refused() -> None:
    with pytest.raises(GameError, match="call reset"):
        plays(1, "self").step(np.zeros(1, dtype=np.int64))


def test_a_forfeit_loses_a_single_game_for_who_was_on_roll() -> None:
    for make in (plays, moves):
        for opponent in ("self", "random"):
            games = make(1, opponent, Rules(reward="points", illegal="forfeit"))
            games.start(None)
            seat = games.seat(0)
            games.step(np.array([5000]))
            assert games.has_ended[0]
            assert games.is_illegal[0]
            assert games.rewards[0] == -1
            assert games.seat(0) == 1 - seat
            assert games.points_of(0) == (-1 if seat == 0 else 1)


def test_too_many_candidates_name_the_number_needed() -> None:
    games = plays(1, "self", most=10)
    board = np.zeros(26, dtype=np.int8)
    board[[24, 20, 16, 13, 8, 6]] = 2, 3, 2, 3, 3, 2
    board[1] = -2
    with pytest.raises(CandidateOverflow, match=r"max_candidates=\d+ or more") as caught:
        games.start(SetUp(Position(board), 0, Roll(2, 2)))
    candidates, _ = legal_candidates(board[None], np.array([[2, 2]], dtype=np.int8))
    assert caught.value.needed == len(candidates)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_set_up_in_which_the_opponent_wins_at_once_is_refused() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[1], board[24] = 1, -2
    games = plays(1, "random")
    with pytest.raises(GameError, match="before the agent can decide"):
        games.start(SetUp(Position(board), seat=1))
    games.start(SetUp(Position(board), seat=0))
    assert games.position(0) == Position(board)


def test_random_turns_are_those_of_random_players() -> None:
    games = plays(1, "self")
    expected = twin.random_game(KEYS[0], 1, None)
    for turn in (0, 1, 7, len(expected) - 2):
        games.seed(np.array(KEYS[:1], dtype=np.uint64))
        games.start(SetUp(Position.start(), random_turns=turn))
        assert decisive(games) == expected[turn]
    games.seed(np.array(KEYS[:1], dtype=np.uint64))
    games.start(SetUp(Position.start(), random_turns=len(expected) - 1))
    assert games.boards[0].tobytes() == START.tobytes()
    against = plays(16, "random", Rules(reward="match"))
    against.start(SetUp(Position.start(), random_turns=300))
    assert not against.registers[:, POINTS].any()
    assert not against.scores().any()
    assert (against.seats() == 0).all()


def test_counts_are_the_board_from_the_24_point_down() -> None:
    games = moves(1, "self")
    games.start(SetUp(Position.start(), 0, Roll(4, 4)))
    counts = games.observe()["observation"][0]
    assert counts[:24].tolist() == START[24:0:-1].tolist()
    assert counts[24:].tolist() == [0, 0, 0, 0, 0, 0, 0, 4, 0, 0]
    games.step(np.array([6 * (26 - 24) + 3]))
    assert games.observe()["observation"][0, 31] == 3


def test_both_codings_stay_within_their_bounds_and_tell_bars_and_off(random_play: tuple[Board, Board]) -> None:
    boards, _ = random_play
    registers = np.ones((len(boards), 9), dtype=np.int8)
    counts = np.empty((len(boards), 34), dtype=np.int8)
    units = np.empty((len(boards), 202), dtype=np.float32)
    write_counts(boards, registers, counts)
    write_units(boards, registers, units)
    for coded, (low, high) in ((counts, bounds("counts")), (units, bounds("units"))):
        assert (coded >= low).all()
        assert (coded <= high).all()
    assert (counts[:, 24] == boards[:, 25]).all()
    assert (counts[:, :28].clip(0).sum(1) == 15).all()
    assert np.allclose(units[:, 192] * 2, boards[:, 25])
    own = boards[:, 1:25].clip(0)
    coded_own = units[:, :192].reshape(-1, 24, 8)[:, :, :3].sum(2) + 2 * units[:, :192].reshape(-1, 24, 8)[:, :, 3]
    assert np.allclose(coded_own, own)
    assert (counts[:, 28:] == [2, 0, 0, 0, 0, 0]).all()
