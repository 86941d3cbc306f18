"""Whether a player accepts that the other one gives up, judged by playing the game out many times."""

from __future__ import annotations

import numpy as np

from backgammon.evaluation.player import Player
from backgammon.rules.game import GameState
from backgammon.table.duel import play_out
from backgammon.tools.errors import GameError

TRIALS = 200
"""Games that the opponent plays out in its head before it answers."""
TOLERANCE = 0.15
"""Points per game by which an offer may fall short of what the opponent expects: about two standard errors."""
SIZES = {1: "single game", 2: "gammon", 3: "backgammon"}


def check_resignation(opponent: Player, state: GameState, seat: int, size: int, seed: int) -> None:
    """Let `opponent` answer the offer of `seat` to give up a single game (1), a gammon (2) or a backgammon (3).

    Args:
        opponent: who answers.
        state: of the game, whoever is on roll, before or after the dice.
        seat: who offers.
        size: of the offer.
        seed: 0 or greater; the same question with the same seed has the same answer.

    Raises:
        GameError: it declines, and says why; or the game is over.
    """
    if state.is_over:
        raise GameError("nothing to give up: the game is over")
    rng = np.random.default_rng(seed)
    trials = play_out(opponent, state.position.board, state.roll, TRIALS, rng)
    expected = float(trials.mean()) * (-1 if seat == state.turn else 1)
    if size < max(SIZES) and size < expected - TOLERANCE:
        raise GameError(
            f"{opponent.name} declines: in {TRIALS} games from here it wins {expected:.2f} points on average, "
            f"so offer a {SIZES[size + 1]} or play on"
        )
