"""Positions to test with: from random play, and built to be nasty. Seeds in, the same positions out."""

from __future__ import annotations

import numpy as np

from backgammon.rules.board import START, points_won, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards


def random_play_decisions(num: int, seed: int, num_games: int = 64) -> tuple[Boards, Boards]:
    """Decisions (boards int8[num, 26], dice int8[num, 2]) met when both sides play uniformly at random."""
    rng = np.random.default_rng(seed)
    boards = np.repeat(START[None], num_games, axis=0)
    all_boards: list[Boards] = []
    all_dice: list[Boards] = []
    while num_games * len(all_boards) < num:
        dice = rng.integers(1, 7, size=(num_games, 2)).astype(np.int8)
        all_boards.append(boards)
        all_dice.append(dice)
        candidates, offsets = legal_candidates(boards, dice)
        rows = offsets[:-1] + rng.integers(0, np.diff(offsets))
        boards = swap(candidates[rows])
        for i in range(num_games):
            if points_won(boards[i]):
                boards[i] = START
    return np.concatenate(all_boards)[:num], np.concatenate(all_dice)[:num]


def nasty_decisions(num: int, seed: int) -> tuple[Boards, Boards]:
    """Decisions from random placements: crowded bars, blots everywhere, closed boards, last checkers, bear-offs."""
    rng = np.random.default_rng(seed)
    boards = np.zeros((num, 26), dtype=np.int8)
    for i in range(num):
        boards[i] = _nasty_board(rng)
    return boards, rng.integers(1, 7, size=(num, 2)).astype(np.int8)


def _nasty_board(rng: np.random.Generator) -> Boards:
    board = np.zeros(26, dtype=np.int8)
    own_left = int(rng.choice([1, 2, 3, 4, 8, 15]))
    opponent_left = int(rng.choice([1, 2, 5, 10, 15]))
    reach = int(rng.choice([6, 7, 8, 12, 24]))  # how far back own checkers stand: 6 is a pure bear-off
    spread = int(rng.choice([1, 2, 5]))  # checkers put on one point at a time: 1 makes blots
    on_bar = int(rng.choice([0, 0, 0, 1, 2, 3])) if reach > 6 else 0
    board[25] = min(on_bar, own_left)
    own_left -= int(board[25])
    while own_left > 0:
        stack = min(own_left, int(rng.integers(1, spread + 1)))
        board[rng.integers(1, reach + 1)] += stack
        own_left -= stack
    board[0] = -min(int(rng.choice([0, 0, 1, 4])), opponent_left)
    opponent_left += int(board[0])
    free = np.flatnonzero(board[1:25] == 0) + 1
    while opponent_left > 0:
        stack = min(opponent_left, int(rng.integers(1, 4)))
        board[rng.choice(free)] -= stack
        opponent_left -= stack
    return board
