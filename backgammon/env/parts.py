"""What an environment is made of: games and their spaces, the same for the single and the vectorised one."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from backgammon.env import spaces
from backgammon.rules.movegen import MAX_CANDIDATES
from backgammon.table.arena.batch import GameBatch
from backgammon.table.arena.encoding import CODINGS, Coding
from backgammon.table.arena.move_games import MoveGames
from backgammon.table.arena.opponents import OpponentSpec, resolve_opponent
from backgammon.table.arena.options import Rules
from backgammon.table.arena.play_games import PlayGames
from backgammon.tools.errors import ConfigError

DEFAULT_MAX_CANDIDATES = 1024
"""Of random play, 1 decision in 11,000 has more than 512 candidates and 1 in 1,600,000 more than 1,024; none has more
than MAX_CANDIDATES. Sensible play is narrower."""

Games = TypeVar("Games", bound=GameBatch, covariant=True)


class Parts(NamedTuple, Generic[Games]):
    """Games with the spaces of one of them."""

    games: Games
    actions: spaces.Actions
    observations: spaces.Observations


def _check_number(num_games: int) -> int:
    if isinstance(num_games, bool) or not isinstance(num_games, (int, np.integer)) or num_games < 1:
        raise ConfigError(f"num_envs {num_games!r}: give a whole number of games, at least 1")
    return int(num_games)


def make_move_parts(num_games: int, opponent: OpponentSpec, rules: Rules, coding: Coding) -> Parts[MoveGames]:
    """The parts of `Backgammon-v0`.

    Raises:
        ConfigError: an opponent or a coding that does not exist, or less than one game.
    """
    if coding not in CODINGS:
        raise ConfigError(f"observation {coding!r}: give one of {', '.join(CODINGS)}")
    games = MoveGames(_check_number(num_games), resolve_opponent(opponent), rules, coding)
    return Parts(games, spaces.move_actions(), spaces.move_observations(coding, rules))


def check_max_candidates(max_candidates: int | None, is_padded: bool) -> int:
    """K of `BackgammonTurn-v0`; unsaid, what costs little: all of them where the observation is not padded.

    Raises:
        ConfigError: not from 1 to MAX_CANDIDATES.
    """
    if max_candidates is None:
        max_candidates = DEFAULT_MAX_CANDIDATES if is_padded else MAX_CANDIDATES
    is_whole = isinstance(max_candidates, (int, np.integer)) and not isinstance(max_candidates, bool)
    if not is_whole or not 1 <= max_candidates <= MAX_CANDIDATES:
        raise ConfigError(f"max_candidates {max_candidates!r}: give a whole number from 1 to {MAX_CANDIDATES}")
    return int(max_candidates)


def make_play_parts(
    num_games: int, opponent: OpponentSpec, rules: Rules, max_candidates: int | None, is_padded: bool
) -> Parts[PlayGames]:
    """The parts of `BackgammonTurn-v0`; for `max_candidates` see `check_max_candidates`.

    Raises:
        ConfigError: an opponent that does not exist, less than one game, or a max_candidates that is not from 1 to
            MAX_CANDIDATES.
    """
    max_candidates = check_max_candidates(max_candidates, is_padded)
    games = PlayGames(_check_number(num_games), resolve_opponent(opponent), rules, max_candidates, is_padded)
    observations = spaces.play_observations(max_candidates, is_padded, rules)
    return Parts(games, spaces.play_actions(max_candidates), observations)
