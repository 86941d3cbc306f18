"""The settings that all games in play share, and the set-up of a position, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from backgammon.notation.identifier import parse_identifier
from backgammon.rules.board import Position
from backgammon.rules.dice import Roll, make_roll, parse_roll
from backgammon.tools.errors import ConfigError, DiceError, IdError, PositionError
from backgammon.tools.quoting import quote

Reward = Literal["win", "points", "match"]
Illegal = Literal["replace", "forfeit", "raise"]

REWARDS: tuple[Reward, ...] = get_args(Reward)
ILLEGALS: tuple[Illegal, ...] = get_args(Illegal)
MAX_MATCH_LENGTH = 64
OPTION_KEYS = ("position", "dice", "first", "random_turns")
"""Keys that `reset(options=...)` understands."""


@dataclass(frozen=True)
class Rules:
    """How an episode is scored and what an illegal action does.

    Attributes:
        reward: "win" +-1 for a game; "points" +-1, 2, 3 for a game; "match" +-1 for a match, which is the episode.
        match_length: points that win the match; used with "match" only.
        illegal: "replace" plays the first legal action instead and says so in `info["illegal"]`; "forfeit" loses the
            episode by a single game; "raise" raises IllegalPlay and changes nothing.

    Raises:
        ConfigError: a value that does not exist.
    """

    reward: Reward = "win"
    match_length: int = 7
    illegal: Illegal = "replace"

    def __post_init__(self) -> None:
        if self.reward not in REWARDS:
            raise ConfigError(f"reward {self.reward!r}: give one of {', '.join(REWARDS)}")
        if self.illegal not in ILLEGALS:
            raise ConfigError(f"illegal {self.illegal!r}: give one of {', '.join(ILLEGALS)}")
        if isinstance(self.match_length, bool) or not isinstance(self.match_length, (int, np.integer)):
            raise ConfigError(f"match_length {self.match_length!r}: give a whole number")
        if not 1 <= self.match_length <= MAX_MATCH_LENGTH:
            raise ConfigError(f"match_length {self.match_length}: give 1 to {MAX_MATCH_LENGTH}")

    @property
    def is_match(self) -> bool:
        """True when an episode is a match and not a game."""
        return self.reward == "match"

    @property
    def episode_length(self) -> int:
        """Points that end an episode: any finished game when it is not a match."""
        return int(self.match_length) if self.is_match else 1


@dataclass(frozen=True)
class SetUp:
    """Where an episode begins, from the `options` of `reset`.

    Attributes:
        position: seen by the seat on roll.
        seat: who is on roll, 0 the agent; None leaves it to the opening dice (of the starting position).
        roll: the dice to play, or None to throw them.
        random_turns: turns that both seats play at random before the agent decides anything; a game that ends
            meanwhile is followed by another from the starting position.
    """

    position: Position
    seat: int | None = None
    roll: Roll | None = None
    random_turns: int = 0

    @property
    def is_usual(self) -> bool:
        """True when an ordinary game begins like that."""
        return self == SetUp(Position.start())


def parse_set_up(options: Mapping[str, Any] | None) -> SetUp | None:
    """The set-up that `reset(options=...)` asks for; None for an ordinary episode.

    Args:
        options: may hold "position" (a Position, or any identifier as text), "dice" ((3, 1) or "31"), "first" (the seat
            on roll, 0 or 1) and "random_turns" (see `SetUp`). An XGID or Match ID brings its dice and its turn along
            (the bottom player, seat 1 of a Match ID, is seat 0) unless "dice" or "first" say otherwise. A position
            other than the start has seat 0 on roll by default.

    Raises:
        ConfigError: an unknown key, not a seat, or not a number of turns.
        IdError: an ID that cannot be decoded; the message says what is wrong with it.
        PositionError: a position in which the game is over.
        DiceError: impossible dice.
    """
    given = {key: value for key, value in (options or {}).items() if value is not None}
    unknown = [key for key in given if key not in OPTION_KEYS]
    if unknown:
        raise ConfigError(f"reset option {unknown[0]!r} does not exist; there are {', '.join(OPTION_KEYS)}")
    if not given:
        return None
    position, seat, roll = _parse_position(given.get("position"))
    if position.is_over:
        raise PositionError("the set-up position is over: one side has borne off every checker")
    if "dice" in given:
        roll = _parse_dice(given["dice"])
    if "first" in given:
        seat = given["first"]
        if isinstance(seat, bool) or not isinstance(seat, (int, np.integer)) or seat not in (0, 1):
            raise ConfigError(f"reset option 'first' is {seat!r}: give 0 or 1, the seat on roll")
        seat = int(seat)
    if seat is None and (roll is not None or position != Position.start()):
        seat = 0
    return SetUp(position, seat, roll, _parse_turns(given.get("random_turns", 0)))


def _parse_position(given: Any) -> tuple[Position, int | None, Roll | None]:
    """(position of the seat on roll, seat, roll); seat and roll where the ID tells them."""
    if given is None:
        return Position.start(), None, None
    if isinstance(given, Position):
        return given, None, None
    if isinstance(given, np.ndarray):
        return Position(given), None, None
    if not isinstance(given, str):
        raise ConfigError(f"reset option 'position' is {given!r}: give a Position, an XGID or a Position ID")
    found = parse_identifier(given)
    if not found.has_match:
        return found.position, None, None
    if found.match.doubled:
        raise IdError(f"{quote(given)}: it waits for an answer to a double, and these games have no cube")
    return found.position, 1 - found.match.on_roll, found.match.dice


def _parse_turns(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 0:
        raise ConfigError(f"reset option 'random_turns' is {given!r}: give a number of turns, 0 or more")
    return int(given)


def _parse_dice(given: Any) -> Roll:
    if isinstance(given, str):
        return parse_roll(given)
    try:
        first, second = given
    except (TypeError, ValueError) as error:
        raise DiceError(f"dice {given!r}: give two numbers from 1 to 6, for instance (3, 1)") from error
    return make_roll(first, second)
