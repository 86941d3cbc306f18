"""Games to learn from without any log: a fixed linear taste plays against itself. Seeds in, the same games out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backgammon.learner.inputs.features import NAMES, encode
from backgammon.rules.board import START, Board, points_won, swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Float32s, Int8s

_TASTE = {"one": -0.3, "two": 0.4, "three": 0.3, "four+": 0.1}


@dataclass(frozen=True)
class TasteGame:
    """One game in the form the shards read."""

    unit: str
    file: str
    players: tuple[str, str]
    plays: Decisions
    seats: Int8s
    points: int
    winner: int | None


@dataclass
class TasteReport:
    """The account of a reading, as far as the shards need it."""

    games: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"num_games": self.games}


@dataclass
class TasteGames:
    """Like a LogReading: games by iteration, a report that fills."""

    games: list[TasteGame]
    report: TasteReport = field(default_factory=TasteReport)

    def __iter__(self) -> Iterator[TasteGame]:
        self.report = TasteReport()
        for game in self.games:
            self.report.games += 1
            yield game


def taste_games(num_games: int, seed: int, max_rolls: int = 60) -> TasteGames:
    """Games of a player that likes points, dislikes blots and wants its checkers home; each a unit of its own.

    Args:
        num_games: how many.
        seed: of dice.
        max_rolls: longer games are cut off, with unknown result.
    """
    weights = np.array([_TASTE.get(name.split()[-1], 0.0) * name.startswith("own") for name in NAMES], np.float32)
    weights[NAMES.index("own pips")] = -4.0
    weights[NAMES.index("own off")] = 8.0
    return TasteGames([_play(weights, f"game-{seed}-{number}", seed, number, max_rolls) for number in range(num_games)])


def _play(weights: Float32s, name: str, seed: int, number: int, max_rolls: int) -> TasteGame:
    rng = np.random.default_rng([seed, number])
    board, seat = START, int(rng.integers(2))
    plays: list[tuple[Board, Board, int, int]] = []
    points, winner = 0, None
    for _ in range(max_rolls):
        dice = np.sort(rng.integers(1, 7, size=2))[::-1].astype(np.int8)
        candidates, _ = legal_candidates(board[None], dice[None])
        row = int((encode(candidates) @ weights).argmax())
        if candidates[row].tobytes() != board.tobytes():
            plays.append((board, dice, row, seat))
        if won := points_won(candidates[row]):
            points, winner = (won if seat == 0 else -won), seat
            break
        board, seat = swap(candidates[row]), 1 - seat
    boards, rolls, rows, seats = (list(column) for column in zip(*plays, strict=True))
    return TasteGame(
        unit=name,
        file=f"session-{number % 3}.mat",
        players=("Ann", "Bob"),
        plays=Decisions.make(np.array(boards, np.int8), np.array(rolls, np.int8), np.array(rows, np.int64)),
        seats=np.array(seats, dtype=np.int8),
        points=points,
        winner=winner,
    )
