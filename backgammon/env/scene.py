"""What there is to see of a game at one moment, always from the side of seat 0."""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.rules.board import Board, swap
from backgammon.table.arena.batch import GameBatch
from backgammon.tools.errors import GameError


@dataclass(frozen=True)
class Scene:
    """One moment of a game.

    Attributes:
        board: int8[26] seen by seat 0, whoever is on roll.
        seat: the seat on roll; when the episode is over, the winner.
        dice: the dice of the turn, larger first; four of a double. Empty when the episode is over.
        num_left: how many of `dice`, by value, are still to be played: (larger, smaller).
        score: points of seat 0 and seat 1 in the match, None outside matches.
        match_length: points that win the match.
        points: what seat 0 won or lost when the episode is over, else 0.
    """

    board: Board
    seat: int
    dice: tuple[int, ...]
    num_left: tuple[int, int]
    score: tuple[int, int] | None = None
    match_length: int = 0
    points: int = 0

    @classmethod
    def of(cls, games: GameBatch, game: int) -> Scene:
        """The present moment of one game of a batch.

        Raises:
            GameError: no episode has begun.
        """
        if not games.has_begun(game):
            raise GameError("there is nothing to draw: call reset first")
        seat = games.seat(game)
        roll = games.roll(game)
        is_over = games.is_over(game)
        left = games.dice_left(game)
        return cls(
            board=games.boards[game].copy() if seat == 0 else swap(games.boards[game]),
            seat=seat,
            dice=() if is_over else (roll.high,) * 4 if roll.is_double else (roll.high, roll.low),
            num_left=(left.count(roll.high), 0 if roll.is_double else left.count(roll.low)),
            score=games.match_score(game) if games.rules.is_match else None,
            match_length=games.rules.match_length if games.rules.is_match else 0,
            points=games.points_of(game) if is_over else 0,
        )
