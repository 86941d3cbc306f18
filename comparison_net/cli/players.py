"""Players by the names that the command line takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backgammon.player import Player

PLAYER_HELP = "random, pipcount, model (the one that ships with the package), or the path of a run or checkpoint"


def make_player(text: str, threads: int | None = None) -> Player:
    """The player that `text` names; see PLAYER_HELP.

    Args:
        text: a name or a path.
        threads: for a model; None takes every processor this process may use.

    Raises:
        ModelError: neither a name nor a usable checkpoint.
    """
    from backgammon.player import PipCountPlayer, RandomPlayer, ScorerPlayer

    if text == "random":
        return RandomPlayer()
    if text == "pipcount":
        return PipCountPlayer()
    from comparison_net.processors import usable_processors
    from comparison_net.scorer import load_scorer

    return ScorerPlayer(load_scorer(None if text == "model" else text, threads=threads or usable_processors()))


def warm_up(player: Player) -> None:
    """One choice from the starting position, so that kernels are compiled."""
    import numpy as np

    from backgammon.board import START

    player.choose(START[None].copy(), np.array([[3, 1]], dtype=np.int8), np.zeros(1, dtype=np.uint64))
