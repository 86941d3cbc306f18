"""Who sits opposite the agent, from the short names that environments accept to a `Player`.

    "random"            every candidate with the same probability (inside the kernels; equal to `RandomPlayer`)
    "pipcount"          `PipCountPlayer`
    "engine"            the engine of this project, see `hand_in_engine`
    "self"              nobody: the caller decides for both seats
    "module:function"   whatever that function returns, called without arguments
    an object           with `choose(boards, dice, noise)` (a `Player`) or `choose(boards, dice)` (a scorer)
    a callable          from `Decision` to the row of the chosen candidate

The net stands a floor above this package, so "engine" is handed in by who knows it: `backgammon.env` does. Other names
are added with `register_opponent`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from backgammon.evaluation.player import Noise, PipCountPlayer, Player
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.table.arena.turns import OUTSIDE, RANDOM, SELF
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError

DecisionFunction = Callable[[Decision], int]


class SureChooser(Protocol):
    """A player that needs no chance."""

    def choose(self, boards: Boards, dice: Dice) -> Int64s:
        """As `Player.choose`, without the noise."""


OpponentSpec = str | Player | SureChooser | DecisionFunction
Factory = Callable[[], Any]

ENGINE = "engine"
_BUILT_IN = ("self", "random", "pipcount", ENGINE)

_FACTORIES: dict[str, Factory] = {"pipcount": PipCountPlayer}


@dataclass(frozen=True)
class Opponent:
    """An opponent ready to play.

    Attributes:
        kind: SELF, RANDOM or OUTSIDE (see `turns`).
        name: what reports call it.
        player: who chooses, for OUTSIDE only.
    """

    kind: int
    name: str
    player: Player | None = None


class _SurePlayer:
    """An object whose `choose(boards, dice)` needs no chance, as a player."""

    def __init__(self, chooser: SureChooser) -> None:
        self._chooser = chooser
        self.name = str(getattr(chooser, "name", type(chooser).__name__))

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002 - part of the protocol
        """See `Player.choose`."""
        return self._chooser.choose(boards, dice)


class _FunctionPlayer:
    """A function of one decision as a player."""

    def __init__(self, function: DecisionFunction) -> None:
        self._function = function
        self.name = str(getattr(function, "__name__", type(function).__name__))

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002 - part of the protocol
        """See `Player.choose`."""
        decisions = (Decision.make(Position(b), (int(d[0]), int(d[1]))) for b, d in zip(boards, dice, strict=True))
        return np.array([self._function(decision) for decision in decisions])


def register_opponent(name: str, factory: Factory) -> None:
    """Make `name` an opponent that environments accept.

    Args:
        name: not one of the built-in names, without ":".
        factory: called without arguments; gives anything that `resolve_opponent` takes except a name.

    Raises:
        ConfigError: the name is taken by a built-in opponent, or holds ":".
    """
    if name in _BUILT_IN or ":" in name:
        raise ConfigError(f"opponent name {name!r}: choose one without ':' that is not built in")
    _FACTORIES[name] = factory


def hand_in_engine(factory: Factory) -> None:
    """Say what "engine" stands for; see `register_opponent`."""
    _FACTORIES[ENGINE] = factory


def resolve_opponent(spec: OpponentSpec) -> Opponent:
    """The opponent that `spec` stands for.

    Raises:
        ConfigError: an unknown name, an address that cannot be imported, or an object that cannot play.
    """
    if isinstance(spec, str):
        if spec == "self":
            return Opponent(SELF, "self")
        if spec == "random":
            return Opponent(RANDOM, "random")
        return Opponent(OUTSIDE, spec, _as_player(_made_by_name(spec)))
    player = _as_player(spec)
    return Opponent(OUTSIDE, player.name, player)


def _made_by_name(name: str) -> Any:
    if name in _FACTORIES:
        return _FACTORIES[name]()
    module, separator, function = name.partition(":")
    if not separator:
        known = ", ".join(sorted({"self", "random", *_FACTORIES}))
        raise ConfigError(f"opponent {name!r} is not known; known are {known}, or give 'module:function' or an object")
    try:
        factory = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"opponent {name!r}: it cannot be loaded ({error})") from error
    return factory()


def _as_player(candidate: Any) -> Player:
    choose = getattr(candidate, "choose", None)
    if callable(choose):
        num_arguments = len(inspect.signature(choose).parameters)
        if num_arguments == 2:
            return _SurePlayer(candidate)
        if num_arguments == 3:
            player: Player = candidate
            return player
        raise ConfigError(
            f"opponent {candidate!r}: choose takes {num_arguments} arguments; it must be choose(boards, dice) "
            "or choose(boards, dice, noise)"
        )
    if callable(candidate):
        return _FunctionPlayer(candidate)
    raise ConfigError(f"opponent {candidate!r}: give a name, an object with choose(), or a function of a Decision")
