"""The kernels that step many games at once: dice, turns, opponents, results.

Axis legend: N games, M candidates of all N games together.

The state of game i is one row of four arrays, written by these kernels only:

    boards     int8[N, 26]     the seat on roll (see `board`); at the end of an episode the winner
    registers  int8[N, 9]      the columns below
    clocks     uint64[N, 3]    key, episode and turn of the game's stream of chance (see `stream`)

The compiled twin of the turn machine, `rules.game`, cubeless and for many games; `tests/test_env_games.py` plays
the same dice through both.
Seat 0 is the agent. With opponent SELF the caller decides for both seats; with RANDOM seat 1 plays inside the kernel;
with OUTSIDE the game stops at stage OPPONENT until somebody hands in the row of a candidate.
"""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import START, Board
from backgammon.rules.ending import points_of_winner
from backgammon.rules.movegen import generate
from backgammon.tools.arrays import Boards, Bools, Int8s, Int64s, Uint64s
from backgammon.tools.intrinsics import borrow, copy_board
from backgammon.tools.jit import kernel
from backgammon.tools.stream import throw_dice, throw_opening, turn_noise

Registers = Int8s
Clocks = Uint64s

SEAT, HIGH, LOW, NUM_HIGH, NUM_LOW, STAGE, POINTS, SCORE_0, SCORE_1 = range(9)
"""Columns of registers: seat on roll; the roll, larger die first; how often each die is still to be played (doubles
count as HIGH only); the stage; points of the last finished game for seat 0; points of both seats in the match."""
NUM_REGISTERS = 9

KEY, EPISODE, TURN = range(3)
"""Columns of clocks."""

UNUSED, AGENT, OPPONENT, OVER, FORFEIT = range(5)
"""Stages: not started, or out of use; the caller decides; an outside opponent decides; the episode is over; the seat on
roll is about to lose it by an illegal action."""

SELF, RANDOM, OUTSIDE = range(3)
"""Kinds of opponent."""

_NEXT = np.uint64(1)


@kernel
def set_dice(registers: Registers, i: int, high: int, low: int) -> None:
    """Give the seat on roll in game `i` these dice, larger first, all still to be played."""
    registers[i, HIGH] = high
    registers[i, LOW] = low
    registers[i, NUM_HIGH] = 4 if high == low else 1
    registers[i, NUM_LOW] = 0 if high == low else 1


@kernel
def _roll(registers: Registers, clocks: Clocks, i: int) -> None:
    """Throw the dice of the turn that the clock shows."""
    high, low = throw_dice(clocks[i, KEY], clocks[i, EPISODE], clocks[i, TURN])
    set_dice(registers, i, high, low)


@kernel
def _open_game(boards: Boards, registers: Registers, clocks: Clocks, i: int) -> None:
    """The starting position; the seat with the larger opening die is on roll and plays both."""
    copy_board(START, 0, boards[i], 0)
    die0, die1 = throw_opening(clocks[i, KEY], clocks[i, EPISODE], clocks[i, TURN])
    registers[i, SEAT] = 0 if die0 > die1 else 1
    set_dice(registers, i, max(die0, die1), min(die0, die1))


@kernel
def _swap(board: Board) -> None:
    """Turn the board round to the other player, in place."""
    for k in range(13):
        other = board[25 - k]
        board[25 - k] = -board[k]
        board[k] = -other


@kernel
def _close(registers: Registers, i: int) -> None:
    """The episode is over."""
    registers[i, NUM_HIGH] = 0
    registers[i, NUM_LOW] = 0
    registers[i, STAGE] = OVER


@kernel
def _score(boards: Boards, registers: Registers, clocks: Clocks, i: int, points: int, match_length: int) -> bool:
    """The seat on roll has won `points`: the next game of the match begins; False when the episode is over."""
    winner = registers[i, SEAT]
    registers[i, POINTS] = points if winner == 0 else -points
    registers[i, SCORE_0 + winner] += points
    if registers[i, SCORE_0 + winner] < match_length:
        _open_game(boards, registers, clocks, i)
        return True
    _close(registers, i)
    return False


@kernel
def _end_turn(boards: Boards, registers: Registers, clocks: Clocks, i: int, match_length: int) -> bool:
    """Score a finished game or pass the dice; False when the episode is over."""
    clocks[i, TURN] += _NEXT
    points = points_of_winner(boards[i], 0)
    if points:
        return _score(boards, registers, clocks, i, points, match_length)
    _swap(boards[i])
    registers[i, SEAT] = 1 - registers[i, SEAT]
    _roll(registers, clocks, i)
    return True


@kernel
def _forfeit(boards: Boards, registers: Registers, i: int) -> None:
    """The seat on roll loses the episode by a single game; the board is turned to the winner."""
    registers[i, POINTS] = -1 if registers[i, SEAT] == 0 else 1
    registers[i, SEAT] = 1 - registers[i, SEAT]
    _swap(boards[i])
    _close(registers, i)


@kernel
def play_at_random(boards: Boards, registers: Registers, clocks: Clocks, i: int, out: Board, scratch: Board) -> None:
    """The seat on roll takes each candidate with the same probability, exactly as `player.RandomPlayer` does.

    Args:
        boards: int8[N, 26], row i is changed to the chosen candidate (not turned round).
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        i: the game.
        out: int8[MAX_CANDIDATES, 26], overwritten.
        scratch: int8[3, 26], overwritten.
    """
    number = generate(boards[i], registers[i, HIGH], registers[i, LOW], out, 0, scratch)
    noise = turn_noise(clocks[i, KEY], clocks[i, EPISODE], clocks[i, TURN])
    fraction = np.float64(noise >> np.uint64(11)) * 2.0**-53
    copy_board(out[int(fraction * number)], 0, boards[i], 0)


@kernel
def _hand_over(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    i: int,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """From dice just thrown on to the next decision that is not the kernel's own."""
    while opponent != SELF and registers[i, SEAT] == 1:
        if opponent == OUTSIDE:
            registers[i, STAGE] = OPPONENT
            return
        play_at_random(boards, registers, clocks, i, out, scratch)
        if not _end_turn(boards, registers, clocks, i, match_length):
            return
    registers[i, STAGE] = AGENT


@kernel
def _start_episode(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    i: int,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """The next episode of a game: its first game from the opening roll on."""
    clocks[i, EPISODE] += _NEXT
    clocks[i, TURN] = np.uint64(0)
    registers[i, POINTS] = 0
    registers[i, SCORE_0] = 0
    registers[i, SCORE_1] = 0
    _open_game(boards, registers, clocks, i)
    _hand_over(boards, registers, clocks, i, opponent, match_length, out, scratch)


@kernel
def start_episodes(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """Begin the next episode in every game.

    Args:
        boards: int8[N, 26].
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        opponent: SELF, RANDOM or OUTSIDE.
        match_length: points that end the episode; 1 for single games.
        out: int8[MAX_CANDIDATES, 26], overwritten.
        scratch: int8[3, 26], overwritten.
    """
    boards, registers, clocks = borrow(boards), borrow(registers), borrow(clocks)
    out, scratch = borrow(out), borrow(scratch)
    for i in range(boards.shape[0]):
        _start_episode(boards, registers, clocks, i, opponent, match_length, out, scratch)


@kernel
def set_up(
    boards: Boards, registers: Registers, clocks: Clocks, position: Board, seat: int, high: int, low: int
) -> None:
    """Put the first game of a new episode into another position, in every game.

    Args:
        boards: int8[N, 26], episodes just begun by `start_episodes` with opponent SELF.
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        position: int8[26] of the seat on roll, in play.
        seat: 0 or 1, the seat on roll; -1 to leave it to the opening dice.
        high: larger die; 0 to throw the dice (an opening roll when the position is the start).
        low: smaller die, or 0.
    """
    is_start = True
    for k in range(26):
        is_start = is_start and position[k] == START[k]
    for i in range(boards.shape[0]):
        copy_board(position, 0, boards[i], 0)
        if seat >= 0:
            registers[i, SEAT] = seat
        if high > 0:
            set_dice(registers, i, high, low)
        elif not is_start:
            _roll(registers, clocks, i)


@kernel
def play_random_turns(
    boards: Boards, registers: Registers, clocks: Clocks, num_turns: int, out: Board, scratch: Board
) -> None:
    """Both seats play at random in every game; a game that ends is followed by another, and nothing is scored.

    Args:
        boards: int8[N, 26], episodes just begun by `start_episodes` with opponent SELF.
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        num_turns: turns in each game, both seats counted.
        out: int8[MAX_CANDIDATES, 26], overwritten.
        scratch: int8[3, 26], overwritten.
    """
    boards, registers, clocks = borrow(boards), borrow(registers), borrow(clocks)
    out, scratch = borrow(out), borrow(scratch)
    for i in range(boards.shape[0]):
        for _ in range(num_turns):
            play_at_random(boards, registers, clocks, i, out, scratch)
            _end_turn(boards, registers, clocks, i, 127)
            registers[i, POINTS] = 0
            registers[i, SCORE_0] = 0
            registers[i, SCORE_1] = 0


@kernel
def hand_over(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """Let the opponent play wherever it is on roll; arguments as in `start_episodes`."""
    boards, registers, clocks = borrow(boards), borrow(registers), borrow(clocks)
    out, scratch = borrow(out), borrow(scratch)
    for i in range(boards.shape[0]):
        _hand_over(boards, registers, clocks, i, opponent, match_length, out, scratch)


@kernel
def _pass_turn(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    i: int,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """From a turn just played on to the next decision that is not the kernel's own, or to the end of the episode."""
    if _end_turn(boards, registers, clocks, i, match_length):
        _hand_over(boards, registers, clocks, i, opponent, match_length, out, scratch)


@kernel
def pass_turns(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    is_turn_over: Bools,
    has_ended: Bools,
    opponent: int,
    match_length: int,
    out: Board,
    scratch: Board,
) -> None:
    """The second half of a step: what follows from the agent's move in every game.

    A turn that is over is followed by the next decision that is not the kernel's own; an episode that was over before
    the step, by the next one; a game that is not in use stays as it is.

    Args:
        boards: int8[N, 26], the agent's moves made (see `choices.make_moves` and `choices.make_plays`).
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        is_turn_over: bool[N], games in which the agent has played its roll.
        has_ended: bool[N], set where the episode ends with this step.
        opponent: SELF, RANDOM or OUTSIDE.
        match_length: points that end the episode; 1 for single games.
        out: int8[MAX_CANDIDATES, 26], overwritten.
        scratch: int8[3, 26], overwritten.
    """
    boards, registers, clocks = borrow(boards), borrow(registers), borrow(clocks)
    out, scratch = borrow(out), borrow(scratch)
    for i in range(boards.shape[0]):
        stage = registers[i, STAGE]
        has_ended[i] = False
        if is_turn_over[i]:
            _pass_turn(boards, registers, clocks, i, opponent, match_length, out, scratch)
            has_ended[i] = registers[i, STAGE] == OVER
        elif stage == OVER:
            _start_episode(boards, registers, clocks, i, opponent, match_length, out, scratch)
        elif stage == FORFEIT:
            _forfeit(boards, registers, i)
            has_ended[i] = True


@kernel
def answer(
    boards: Boards,
    registers: Registers,
    clocks: Clocks,
    waiting: Int64s,
    rows: Int64s,
    has_ended: Bools,
    match_length: int,
    out: Board,
    scratch: Board,
) -> int:
    """The outside opponent's whole turns; gives the index in `waiting` of the first impossible row, or -1.

    Args:
        boards: int8[N, 26].
        registers: int8[N, 9].
        clocks: uint64[N, 3].
        waiting: int64[W], the games at stage OPPONENT.
        rows: int64[W], the chosen row of each game's candidates.
        has_ended: bool[N], set where the episode ends with this turn.
        match_length: points that end the episode; 1 for single games.
        out: int8[MAX_CANDIDATES, 26], overwritten.
        scratch: int8[3, 26], overwritten.
    """
    boards, registers, clocks = borrow(boards), borrow(registers), borrow(clocks)
    out, scratch = borrow(out), borrow(scratch)
    for j in range(waiting.shape[0]):
        i = waiting[j]
        number = generate(boards[i], registers[i, HIGH], registers[i, LOW], out, 0, scratch)
        if rows[j] < 0 or rows[j] >= number:
            return j
        copy_board(out[rows[j]], 0, boards[i], 0)
        _pass_turn(boards, registers, clocks, i, OUTSIDE, match_length, out, scratch)
        has_ended[i] = registers[i, STAGE] == OVER
    return -1


@kernel
def fill_noise(clocks: Clocks, games: Int64s, noise: Uint64s) -> None:
    """The noise of the present turn of some games: clocks uint64[N, 3], games int64[W], noise uint64[W] overwritten."""
    for j in range(games.shape[0]):
        i = games[j]
        noise[j] = turn_noise(clocks[i, KEY], clocks[i, EPISODE], clocks[i, TURN])
