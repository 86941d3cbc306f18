from __future__ import annotations

import json

import numpy as np
import pytest

from backgammon.evaluation.player import Noise, PipCountPlayer, Player, RandomPlayer
from backgammon.rules import game as turns
from backgammon.rules.board import START, Board
from backgammon.rules.movegen import legal_candidates
from backgammon.table.duel import DuelResult, duel, play_out
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError, GameError
from tests.naive import env as twin

RANDOM, PIPCOUNT = RandomPlayer(), PipCountPlayer()


def play_pair_slowly(players: tuple[Player, Player], seed: int, pair: int) -> tuple[list[int], int]:
    """The twin of the duel: both games of one pair through the turn machine; (points of the first player, plies)."""
    key = int(np.random.default_rng(seed).integers(0, 1 << 64, dtype=np.uint64))
    points, plies = [], 0
    for first_seat in range(2):
        seated = players if first_seat == 0 else players[::-1]
        state, turn = turns.open_game(turns.new_game(has_cube=False), *twin.throw_opening(key, pair + 1, 0)), 0
        while True:
            noise = np.array([twin.noise(key, pair + 1, turn)], dtype=np.uint64)
            decision = state.decision()
            row = seated[state.turn].choose(state.position.board[None], np.array([decision.roll], np.int8), noise)[0]
            state = turns.play(state, decision.candidates[row])
            turn += 1
            if state.is_over:
                break
            state = turns.roll_dice(state, *twin.throw_dice(key, pair + 1, turn))
        assert state.result is not None
        points.append(state.result.points if state.result.winner == first_seat else -state.result.points)
        plies += turn
    return points, plies


def test_duel_agrees_with_the_turn_machine_on_the_same_dice() -> None:
    result = duel(PIPCOUNT, RANDOM, 24, seed=5)
    slow = [play_pair_slowly((PIPCOUNT, RANDOM), 5, pair) for pair in range(12)]
    assert result.points.tolist() == [points for points, _ in slow]
    assert result.plies == sum(plies for _, plies in slow)


@pytest.mark.parametrize("batch_size", [2, 7, 64, 5000])
def test_duel_does_not_depend_on_the_batch_size(batch_size: int) -> None:
    whole = duel(RANDOM, PIPCOUNT, 120, seed=8)
    other = duel(RANDOM, PIPCOUNT, 120, seed=8, batch_size=batch_size)
    assert whole == other
    assert (whole.points == other.points).all()


def test_more_games_begin_with_the_same_games() -> None:
    assert (duel(RANDOM, PIPCOUNT, 80, seed=2).points[:20] == duel(RANDOM, PIPCOUNT, 40, seed=2).points).all()


def test_another_seed_gives_other_games() -> None:
    assert (duel(RANDOM, RANDOM, 200, seed=1).points != duel(RANDOM, RANDOM, 200, seed=2).points).any()


@pytest.mark.parametrize("player", [PIPCOUNT, RANDOM], ids=["without chance", "by chance"])
def test_a_player_draws_against_itself_exactly(player: Player) -> None:
    result = duel(player, player, 100, seed=3)
    assert result.points_per_game == result.standard_error == 0
    assert result.wins == (50, 50)
    assert (result.points.sum(axis=1) == 0).all()


def test_swapping_the_players_turns_the_result_round() -> None:
    one, two = duel(PIPCOUNT, RANDOM, 300, seed=4), duel(RANDOM, PIPCOUNT, 300, seed=4)
    assert one.points_per_game > 2
    assert two.points_per_game < -2


def test_counts_and_error_belong_to_the_points() -> None:
    result = duel(PIPCOUNT, RANDOM, 400, seed=6)
    points, means = result.points, result.points.mean(axis=1)
    assert result.games == points.size == sum(result.wins)
    assert result.wins == ((points > 0).sum(), (points < 0).sum())
    assert result.gammons == ((points == 2).sum(), (points == -2).sum())
    assert result.backgammons == ((points == 3).sum(), (points == -3).sum())
    assert result.points_per_game == pytest.approx(points.mean())
    assert result.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(200))
    assert result.interval is not None
    assert result.interval[0] < result.points_per_game < result.interval[1]


def test_one_pair_has_no_standard_error() -> None:
    result = duel(PIPCOUNT, RANDOM, 2, seed=0)
    assert result.standard_error is None
    assert result.interval is None


def test_result_as_json_can_be_read_back() -> None:
    result: DuelResult = duel(PIPCOUNT, RANDOM, 10, seed=1)
    data = json.loads(json.dumps(result.as_dict()))
    assert data["first"]["player"] == "pipcount"
    assert data["games"] == 10
    assert data["first"]["wins"] + data["second"]["wins"] == 10


class Recorder(RandomPlayer):
    """Keeps every decision it was asked."""

    def __init__(self) -> None:
        self.boards: list[Board] = []
        self.dice: list[Board] = []
        self.noise: list[Noise] = []

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        self.boards.append(boards)
        self.dice.append(dice)
        self.noise.append(noise)
        return super().choose(boards, dice, noise)


def test_dice_are_fair_and_the_first_roll_is_never_a_double() -> None:
    player = Recorder()
    duel(player, player, 400, seed=12)
    dice = np.concatenate(player.dice)
    opening = np.concatenate(
        [d[(b == b[0]).all(axis=1)] for b, d in zip(player.boards[:2], player.dice[:2], strict=True)]
    )
    assert len(opening) == 400
    assert (opening[:, 0] != opening[:, 1]).all()
    assert (dice[:, 0] >= dice[:, 1]).all()
    counts = np.bincount(dice.ravel(), minlength=7)[1:]
    assert counts.sum() > 60_000
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 41  # each roll counts twice; p far below .001
    _, repeats = np.unique(np.concatenate(player.noise), return_counts=True)
    assert (repeats == 2).all()  # both games of a pair have the same course


class Cheat:
    name = "cheat"

    def __init__(self, row: int) -> None:
        self.row = row

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002
        _, offsets = legal_candidates(boards, dice)
        return np.diff(offsets) if self.row > 0 else np.full(len(boards), self.row, dtype=np.int64)


@pytest.mark.parametrize("row", [-1, 1])
def test_a_player_cannot_choose_a_row_that_does_not_exist(row: int) -> None:
    with pytest.raises(GameError, match="player cheat chose candidate"):
        duel(Cheat(row), RANDOM, 4, seed=0)


@pytest.mark.parametrize(("games", "seed", "batch_size"), [(0, 1, 10), (3, 1, 10), (-2, 1, 10), (4, -1, 10), (4, 1, 1)])
def test_impossible_settings_are_refused(games: int, seed: int, batch_size: int) -> None:
    with pytest.raises(ConfigError, match="give"):
        duel(RANDOM, RANDOM, games, seed, batch_size)


def test_progress_ends_at_the_number_of_games() -> None:
    seen: list[int] = []
    duel(RANDOM, RANDOM, 20, seed=1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 20


def test_playing_out_gives_the_points_of_the_player_on_roll() -> None:
    # one checker each, both on their last point: whoever rolls first wins, a single game
    board = np.zeros(26, dtype=np.int8)
    board[1], board[24] = 1, -1
    assert (play_out(PIPCOUNT, board, (2, 1), 10, np.random.default_rng(0)) == 1).all()


def test_playing_out_loses_a_backgammon_where_nothing_else_is_possible() -> None:
    # the opponent bears off next turn; 15 own checkers, one of them on the bar against a closed board
    board = np.zeros(26, dtype=np.int8)
    board[25], board[1], board[24] = 1, 14, -1
    points = play_out(PIPCOUNT, board, (6, 6), 20, np.random.default_rng(0))
    assert set(points.tolist()) <= {-2, -3}


def test_playing_out_the_start_is_about_even() -> None:
    points = play_out(PIPCOUNT, np.array(START), (3, 1), 2000, np.random.default_rng(1))
    assert abs(points.mean()) < 0.3
    assert set(np.abs(points).tolist()) <= {1, 2, 3}
