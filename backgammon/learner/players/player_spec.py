"""What a player of games is made of, as plain values, and the one place where it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.levels import LevelPlayer, find_level
from backgammon.engine.peers import PeerPlayer
from backgammon.engine.peers.peer_evaluator import peer_stakes_engine
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.player import PipCountPlayer, Player, RandomPlayer
from backgammon.evaluation.strengths import PEOPLE
from backgammon.learner.net.engine_builder import build_engine
from backgammon.table.cube_seat import CubeSeat
from backgammon.tools.errors import ConfigError

Notice = Callable[[str], None]


@dataclass(frozen=True)
class PlayerSpec:
    """A player before it is built.

    Attributes:
        kind: a blind one (random, pipcount), another program (peer), an engine, one at a weaker level (level), or one
            that chooses like a person (mimic).
        name: of a peer or a level; of a mimic see `load_mimic`.
        engine: of an engine or a level; None for the others.
        seed: of what a level misjudges.
        threads: of a mimic; processes of a peer.
    """

    kind: Literal["random", "pipcount", "peer", "engine", "level", "mimic"]
    name: str = ""
    engine: EngineSpec | None = None
    seed: int = 0
    threads: int = 1

    @property
    def is_file(self) -> bool:
        """True of a mimic that was learnt from one person's matches."""
        return self.kind == "mimic" and not self.name.startswith(PEOPLE)


def build_player(spec: PlayerSpec, notice: Notice | None = None) -> Player:
    """The player of a specification.

    Args:
        spec: what it is made of.
        notice: told what takes time, see `build_engine`.

    Raises:
        ModelError: no usable checkpoint, or one without outcomes where these are needed.
        ConfigError, PeerError: a level or program that does not exist, or a program that does not start.
    """
    if spec.kind == "random":
        return RandomPlayer()
    if spec.kind == "pipcount":
        return PipCountPlayer()
    if spec.kind == "peer":
        return PeerPlayer(spec.name, spec.threads)
    if spec.kind == "mimic":
        from backgammon.learner.coach.mimic import load_mimic

        return load_mimic(spec.name, spec.threads)
    assert spec.engine is not None
    engine = build_engine(spec.engine, notice)
    if spec.kind == "engine":
        return engine.player
    engine.evaluator.require_outcomes()
    return LevelPlayer(engine.evaluator, find_level(spec.name), spec.seed)


def build_cube_seat(spec: PlayerSpec, notice: Notice | None = None) -> CubeSeat:
    """The player of a specification with the cube, which it turns at the depth of its plays.

    Args:
        spec: an engine without rollouts and limit of time, or GNU Backgammon as a peer.
        notice: see `build_player`.

    Raises:
        ConfigError: another player, or the program does not exist.
        ModelError: no usable checkpoint, or one without outcomes.
        PeerError: the program does not start.
    """
    if spec.kind == "peer" and spec.name.startswith("gnubg:"):
        peer = PeerPlayer(spec.name, spec.threads)
        stakes = peer_stakes_engine(peer, int(spec.name.rpartition(":")[2]), find_or_build())
        return CubeSeat(peer, stakes, stakes)
    if spec.engine is None or spec.kind != "engine":
        name = spec.name or spec.kind
        if spec.engine is not None:
            name = f"{spec.engine.model or 'model'}:{spec.name}"
        raise ConfigError(f"{name}: turns no cube; give a model, or gnubg:N")
    if spec.engine.seconds is not None or spec.engine.rollout is not None:
        raise ConfigError("the cube is turned by --ply, not by --time or --rollout")
    own = build_engine(spec.engine, notice)
    return CubeSeat(own, own.cube, own.plays)


def close_player(player: Player) -> None:
    """End what a player has started: the processes of another program."""
    if isinstance(player, PeerPlayer):
        player.close()
