"""Players with the cube by the names that the command line takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backgammon.cli.depth import Depth

if TYPE_CHECKING:
    from backgammon.table.cube_seat import CubeSeat


def make_cube_player(text: str, threads: int | None = None, depth: Depth | None = None) -> CubeSeat:
    """The player that `text` names, who turns the cube at the depth of its plays.

    Args:
        text: model, a path, either with @N, or gnubg:N.
        threads: for a model, or processes of GNU Backgammon; None takes every processor this process may use.
        depth: how deeply a model looks; an @N in `text` counts more.

    Raises:
        ConfigError: a player that has no cube, or a depth of time or games.
        ModelError: no usable checkpoint, or one without outcomes.
        PeerError: the program does not start.
    """
    from backgammon.cli.advisers import open_engine
    from backgammon.cli.players import split_plies
    from backgammon.engine.peers import PeerPlayer, is_peer
    from backgammon.engine.peers.peer_evaluator import peer_stakes_engine
    from backgammon.evaluation.bearoff import find_or_build
    from backgammon.table.cube_seat import CubeSeat
    from backgammon.tools.errors import ConfigError
    from backgammon.tools.processors import usable_processors

    if is_peer(text) and text != "pubeval":
        peer = PeerPlayer(text, threads or usable_processors())
        engine = peer_stakes_engine(peer, int(text.rpartition(":")[2]), find_or_build())
        return CubeSeat(peer, engine, engine)
    name, plies = split_plies(text)
    wanted = depth or Depth()
    if plies is not None:
        wanted = wanted.at(plies)
    if name in ("random", "pipcount", "pubeval") or ":" in name:
        raise ConfigError(f"{text}: has no chances to turn a cube by; give a model, or gnubg:N")
    if wanted.seconds is not None or wanted.games is not None:
        raise ConfigError("the cube is turned by --ply, not by --time or --rollout")
    own = open_engine(wanted.spec(None if name == "model" else name, threads))
    return CubeSeat(own, own.cube, own.plays)
